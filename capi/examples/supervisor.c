// SPDX-License-Identifier: MIT OR Apache-2.0
// Keeps a command running in a container: starts it again when it fails, and stops it when it is itself told to end.
//
//   supervisor RESTARTS COMMAND [ARGUMENT]...
//
// The exit status is that of the command when it ended for good, 0 after SIGTERM or SIGINT, 125 on an error.
#include <contain.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int failed(contain_error *error) {
    fprintf(stderr, "supervisor: %s\n", contain_error_get_message(error));
    contain_error_free(error);
    return 125;
}

// Waits until the container has ended or a signal has come; whether one has.
static int signalled(int container, int signals) {
    struct pollfd asked[] = {{.fd = container, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    while (poll(asked, 2, -1) < 0 && errno == EINTR)
        ;
    return asked[1].revents != 0;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fputs("usage: supervisor RESTARTS COMMAND [ARGUMENT]...\n", stderr);
        return 125;
    }
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    int signals = signalfd(-1, &ends, SFD_CLOEXEC);

    contain_config *config = NULL;
    contain_error *error = NULL;
    contain_result result = {0};
    if (contain_config_new_host((const char *const *)argv + 2, &config, &error) < 0)
        return failed(error);
    int told = 0;
    for (long left = atol(argv[1]); left >= 0 && !told; left--) {
        contain_container *container = NULL;
        if (contain_container_run(config, NULL, 0, &container, &error) < 0)
            return failed(error);
        int pidfd = contain_container_pidfd(container, &error);
        if (pidfd < 0)
            return failed(error);
        fprintf(stderr, "supervisor: started %d\n", contain_container_init_pid(container, NULL));
        told = signalled(pidfd, signals);
        // One that has ended by itself keeps its own result; else it has two seconds.
        if (contain_container_stop(container, SIGTERM, told ? 2000 : 0, &result, sizeof result, &error) < 0)
            return failed(error);
        close(pidfd);
        contain_container_free(container);
        fprintf(stderr, "supervisor: ended with %d\n", (int)result.exit_status);
        if (result.exit_status == 0)
            break;
    }
    contain_config_free(config);
    close(signals);
    return told ? 0 : result.exit_status;
}
