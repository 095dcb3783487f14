// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs a command in a container that some process has made, with a deadline.
//
//   inject MILLISECONDS CONTAINER COMMAND [ARGUMENT]...
//
// CONTAINER is a process id, as inject(1) takes it, or a container's id in the usual directory (docs/state.md); in
// CONTAIN_STATE, where that is set. The exit status is the command's own, 124 at the deadline, 125 on an error.
#include <contain.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(contain_error *error) {
    fprintf(stderr, "inject: %s\n", contain_error_get_message(error));
    contain_error_free(error);
    return 125;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fputs("usage: inject MILLISECONDS CONTAINER COMMAND [ARGUMENT]...\n", stderr);
        return 125;
    }
    const char *const *command = (const char *const *)argv + 3;
    contain_inject_options options = {.timeout_ms = strtoull(argv[1], NULL, 10)};
    contain_runtime *runtime = NULL;
    contain_container *container = NULL;
    contain_process *process = NULL;
    contain_error *error = NULL;
    contain_result result;
    char *end = NULL;
    long pid = strtol(argv[2], &end, 10);
    if (*end == '\0') {
        if (contain_process_inject((int32_t)pid, command, &options, sizeof options, &process, &error) < 0)
            return failed(error);
    } else if (contain_runtime_open(getenv("CONTAIN_STATE"), &runtime, &error) < 0 ||
               contain_container_open(runtime, argv[2], &container, &error) < 0 ||
               contain_container_inject(container, command, &options, sizeof options, &process, &error) < 0) {
        return failed(error);
    }
    if (contain_process_wait(process, -1, &result, sizeof result, &error) < 0)
        return failed(error);
    contain_process_free(process);
    contain_container_free(container);
    contain_runtime_free(runtime);
    return result.exit_status;
}
