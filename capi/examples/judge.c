// SPDX-License-Identifier: MIT OR Apache-2.0
// Judges an untrusted program: runs it with a deadline, limits and no network, its input from standard input, its output
// up to a limit to standard output, and says on standard error how it ended.
//
//   judge MILLISECONDS BYTES COMMAND [ARGUMENT]...
//
// The exit status is 0 if the program exited with 0 in time, 1 if it did not, 2 if it could not be run.
#include <contain.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static int failed(contain_error *error) {
    const char *remedy = contain_error_get_remedy(error);
    fprintf(stderr, "judge: %s%s%s\n", contain_error_get_message(error), remedy ? "; " : "", remedy ? remedy : "");
    contain_error_free(error);
    return 2;
}

// What the program may: nothing that lasts, 64 MB of files in /tmp, 256 MB of memory for each process, no capabilities.
static int configure(const char *const *command, int64_t deadline, contain_config **config, contain_error **error) {
    const char *const no_capabilities[] = {NULL};
    const rlim_t memory = 256 << 20;
    if (contain_config_new_host(command, config, error) < 0 ||
        contain_config_set_timeout(*config, deadline, error) < 0 ||
        contain_config_set_read_only(*config, 1, error) < 0 ||
        contain_config_add_tmpfs(*config, "/tmp", 64 << 20, 01777, error) < 0 ||
        contain_config_set_chdir(*config, "/tmp", error) < 0 ||
        contain_config_set_hostname(*config, "judge", error) < 0 ||
        contain_config_set_capabilities(*config, no_capabilities, error) < 0 ||
        contain_config_set_rlimit(*config, RLIMIT_AS, memory, memory, error) < 0 ||
        contain_config_set_rlimit(*config, RLIMIT_CORE, 0, 0, error) < 0)
        return -1;
    return 0;
}

// Passes the output on; ends the container where there is too much of it.
static int pass_output(const contain_container *container, size_t limit, contain_error **error) {
    char part[4096];
    int out = contain_container_take_stdio(container, 1, error);
    ssize_t length;
    while (out >= 0 && (length = read(out, part, sizeof part)) > 0) {
        size_t shown = (size_t)length < limit ? (size_t)length : limit;
        fwrite(part, 1, shown, stdout);
        limit -= shown;
        if (shown < (size_t)length && contain_container_end(container, CONTAIN_ENDED_OUTPUT, NULL, 0, error) < 0)
            return -1;
    }
    if (out >= 0)
        close(out);
    fflush(stdout);
    return out;
}

static const char *verdict(const contain_result *result) {
    switch (result->ended_by) {
    case CONTAIN_ENDED_EXITED: return result->status == 0 ? "accepted" : "exited";
    case CONTAIN_ENDED_WALL: return "out of time";
    case CONTAIN_ENDED_OUTPUT: return "too much output";
    default: return "killed";
    }
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fputs("usage: judge MILLISECONDS BYTES COMMAND [ARGUMENT]...\n", stderr);
        return 2;
    }
    contain_config *config = NULL;
    contain_container *container = NULL;
    contain_error *error = NULL;
    contain_run_options options = {.stdout_kind = CONTAIN_STDIO_PIPE, .stderr_kind = CONTAIN_STDIO_NULL};
    contain_result result;
    if (configure((const char *const *)argv + 3, atoll(argv[1]), &config, &error) < 0 ||
        contain_container_run(config, &options, sizeof options, &container, &error) < 0 ||
        pass_output(container, strtoul(argv[2], NULL, 10), &error) < 0 ||
        contain_container_wait(container, -1, &result, sizeof result, &error) < 0)
        return failed(error);
    contain_container_free(container);
    contain_config_free(config);
    fprintf(stderr, "judge: %s, status %d, %llu ms of CPU, %llu kB\n", verdict(&result), (int)result.status,
            (unsigned long long)(result.user_ns + result.system_ns) / 1000000,
            (unsigned long long)result.peak_memory / 1024);
    return result.ended_by == CONTAIN_ENDED_EXITED && result.status == 0 ? 0 : 1;
}
