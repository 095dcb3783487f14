// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs a command by the library, as a program of its own would: ROOT COMMAND [ARG]...; its status is the command's.
#include <contain.h>
#include <stdio.h>

static int failed(const contain_error *err) {
    fprintf(stderr, "library: %s\n", contain_error_get_message(err));
    return 125;
}

int main(int argc, char **argv) {
    contain_config *config;
    contain_container *container;
    contain_result result;
    contain_error *err = NULL;
    if (argc < 3)
        return 64;
    if (contain_config_new(argv[1], (const char *const *)argv + 2, &config, &err) < 0 ||
        contain_container_run(config, NULL, 0, &container, &err) < 0 ||
        contain_container_wait(container, -1, &result, sizeof result, &err) < 0)
        return failed(err);
    contain_container_free(container);
    contain_config_free(config);
    return result.exit_status;
}
