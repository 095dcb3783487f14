// SPDX-License-Identifier: MIT OR Apache-2.0
// What the C tests share: checks that count, one line of output for each test, and the usual way to run a command.
#ifndef CHECK_H
#define CHECK_H

#define _GNU_SOURCE
#include <contain.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int check_failed;
static int check_failures;

#define CHECK(what)                                                                       \
    do {                                                                                  \
        if (!(what)) {                                                                    \
            check_failed = 1;                                                             \
            printf("# %s:%d: %s (errno %d)\n", __FILE__, __LINE__, #what, errno);         \
        }                                                                                 \
    } while (0)

// A call that must succeed; it is written with `&err` as its last argument.
#define DONE(call)                                                                        \
    do {                                                                                  \
        contain_error *err = NULL;                                                        \
        int done_ = (call);                                                               \
        if (done_ < 0 || err != NULL) {                                                   \
            check_failed = 1;                                                             \
            printf("# %s:%d: %s: %d, %s\n", __FILE__, __LINE__, #call, done_,             \
                   err != NULL ? contain_error_get_message(err) : "no error");            \
        }                                                                                 \
        contain_error_free(err);                                                          \
    } while (0)

// A call that must fail with this errno and this code; it is written with `&err` as its last argument.
#define REFUSED(call, errno_, code_)                                                      \
    do {                                                                                  \
        contain_error *err = NULL;                                                        \
        int got_ = (call);                                                                \
        if (got_ != -(errno_) || contain_error_get_errno(err) != (errno_) ||              \
            contain_error_get_code(err) != (code_)) {                                     \
            check_failed = 1;                                                             \
            printf("# %s:%d: %s: %d, code %d, %s\n", __FILE__, __LINE__, #call, got_,     \
                   (int)contain_error_get_code(err),                                      \
                   err != NULL ? contain_error_get_message(err) : "no error");            \
        }                                                                                 \
        contain_error_free(err);                                                          \
    } while (0)

static inline void test(const char *name, void (*body)(void)) {
    check_failed = 0;
    body();
    printf("%s - %s\n", check_failed ? "not ok" : "ok", name);
    fflush(stdout);
    check_failures += check_failed;
}

#define TEST(body) test(#body, body)

static inline int finish(void) {
    return check_failures == 0 ? 0 : 1;
}

#define SHELL(script) ((const char *[]){"sh", "-c", script, NULL})

// A configuration with the host's own system as root.
static inline contain_config *host(const char *const *argv) {
    contain_config *config = NULL;
    DONE(contain_config_new_host(argv, &config, &err));
    return config;
}

// Runs a command in the host's own system and gives the container; NULL if that failed.
static inline contain_container *start(const char *const *argv) {
    contain_config *config = host(argv);
    contain_container *container = NULL;
    DONE(contain_container_run(config, NULL, 0, &container, &err));
    contain_config_free(config);
    return container;
}

// Waits for the end.
static inline contain_result ended(const contain_container *container) {
    contain_result result;
    memset(&result, 0, sizeof result);
    DONE(contain_container_wait(container, 10000, &result, sizeof result, &err));
    CHECK(result.size == sizeof result);
    return result;
}

// Reads to the end of what comes from a pipe, and closes it.
static inline void read_all(int from, char *text, size_t size) {
    size_t length = 0;
    ssize_t got;
    while ((got = read(from, text + length, size - 1 - length)) > 0)
        length += (size_t)got;
    CHECK(got == 0);
    text[length] = '\0';
    close(from);
}

// Runs what a configuration says and gives its output and its result; frees the configuration.
static inline contain_result output_of(contain_config *config, char *text, size_t size) {
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    contain_run_options options = {.stdout_kind = CONTAIN_STDIO_DESCRIPTOR, .stdout_fd = ends[1]};
    contain_container *container = NULL;
    DONE(contain_container_run(config, &options, sizeof options, &container, &err));
    close(ends[1]);
    read_all(ends[0], text, size);
    contain_result result = ended(container);
    contain_container_free(container);
    contain_config_free(config);
    return result;
}

// Whether the process of a pidfd ends within two seconds.
static inline int ends_soon(int pidfd) {
    struct pollfd asked = {.fd = pidfd, .events = POLLIN};
    return poll(&asked, 1, 2000) == 1;
}

static inline double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
