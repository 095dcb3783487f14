// SPDX-License-Identifier: MIT OR Apache-2.0
// A program with an allocator of its own, from which there is nothing more to be had at some point: the process ends by
// abort(3), as docs/abi.md says, and in no other way. Memory comes from the C library's own functions.
#include "check.h"

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

// How often there still is some; negative: for ever.
static long left = -1;

static int is_out(void) {
    if (left > 0)
        left--;
    return left == 0;
}

void *malloc(size_t size) {
    return is_out() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return is_out() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    return is_out() ? NULL : __libc_realloc(old, size);
}

int posix_memalign(void **place, size_t alignment, size_t size) {
    if (is_out())
        return ENOMEM;
    *place = __libc_memalign(alignment, size);
    return 0;
}

static int work(void) {
    contain_config *config = NULL;
    contain_container *container = NULL;
    int done = contain_config_new_host((const char *[]){"true", NULL}, &config, NULL);
    if (done == 0)
        done = contain_container_run(config, NULL, 0, &container, NULL);
    if (done == 0)
        done = contain_container_wait(container, 10000, NULL, 0, NULL);
    contain_container_free(container);
    contain_config_free(config);
    return done;
}

static void memory_that_cannot_be_had_ends_the_process(void) {
    int aborted = 0, worked = 0;
    for (long most = 1; most < 5000 && worked == 0; most += most < 40 ? 1 : most / 10) {
        int status = -1;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            // The library's last words would be among the tests'.
            close(2);
            left = most;
            _exit(work() == 1 ? 0 : 1);
        }
        CHECK(waitpid(child, &status, 0) == child);
        aborted += WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
        worked += status == 0;
        CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT));
    }
    CHECK(aborted > 10 && worked == 1);
}

int main(void) {
    TEST(memory_that_cannot_be_had_ends_the_process);
    return finish();
}
