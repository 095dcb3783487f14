// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs several shell commands at once, each in a container, and tells of each as it ends: one loop over their pidfds and
// their output, without a thread or a signal handler.
//
//   poll COMMAND...
#include <contain.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { MOST = 64 };

static contain_container *containers[MOST];
// The pidfd of each container, and behind these its output; -1 once it has ended.
static struct pollfd asked[2 * MOST];

static int failed(contain_error *error) {
    fprintf(stderr, "poll: %s\n", contain_error_get_message(error));
    contain_error_free(error);
    return 1;
}

static int start(int at, int count, const char *script, contain_error **error) {
    const char *const command[] = {"sh", "-c", script, NULL};
    contain_config *config = NULL;
    contain_run_options options = {.stdin_kind = CONTAIN_STDIO_NULL, .stdout_kind = CONTAIN_STDIO_PIPE};
    int begun = contain_config_new_host(command, &config, error);
    if (begun == 0)
        begun = contain_container_run(config, &options, sizeof options, &containers[at], error);
    contain_config_free(config);
    if (begun < 0)
        return begun;
    asked[at] = (struct pollfd){.fd = contain_container_pidfd(containers[at], error), .events = POLLIN};
    asked[count + at] = (struct pollfd){.fd = contain_container_take_stdio(containers[at], 1, error), .events = POLLIN};
    return asked[at].fd < 0 || asked[count + at].fd < 0 ? -1 : 0;
}

int main(int argc, char **argv) {
    int count = argc - 1 < MOST ? argc - 1 : MOST, open = 2 * count;
    contain_error *error = NULL;
    for (int at = 0; at < count; at++)
        if (start(at, count, argv[at + 1], &error) < 0)
            return failed(error);
    while (open > 0) {
        if (poll(asked, (nfds_t)(2 * count), -1) < 0 && errno != EINTR)
            return 1;
        for (int at = 0; at < 2 * count; at++) {
            if (asked[at].fd < 0 || asked[at].revents == 0)
                continue;
            int over = at < count;
            if (over) {
                contain_result result;
                if (contain_container_wait(containers[at], -1, &result, sizeof result, &error) < 0)
                    return failed(error);
                printf("%d ended with %d\n", at + 1, (int)result.exit_status);
                contain_container_free(containers[at]);
            } else {
                char text[4096];
                ssize_t length = read(asked[at].fd, text, sizeof text);
                over = length <= 0;
                if (!over)
                    printf("%d says %.*s", at - count + 1, (int)length, text);
            }
            fflush(stdout);
            if (over) {
                close(asked[at].fd);
                asked[at].fd = -1;
                open--;
            }
        }
    }
    return 0;
}
