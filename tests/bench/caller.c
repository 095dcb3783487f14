// SPDX-License-Identifier: MIT OR Apache-2.0
// A C program that makes containers: caller MEGABYTES THREADS ROOT CMD [ARG]... touches so much memory, keeps that many
// threads beside its first, and then runs CMD in a container on ROOT once for each line of its input: by libcontain for
// `library`, by the floor's steps in this process for `floor`. Each is answered by a line: how it ended, 0 for well;
// nanoseconds from before the configuration is made until the command has been waited for; microseconds of CPU time of
// this process and of all that it started, as far as the kernel keeps account of them.
#define _GNU_SOURCE
#define BARE_CALLS_ALONE
#include "floor.h"
#include <contain.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

static long cpu_of(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static int by_library(char **argv)
{
    contain_config *config = NULL;
    contain_container *container = NULL;
    contain_error *error = NULL;
    contain_result result = {0};
    int failed = contain_config_new(argv[0], (const char *const *)(argv + 1), &config, &error) < 0 ||
                 contain_container_run(config, NULL, 0, &container, &error) < 0 ||
                 contain_container_wait(container, -1, &result, sizeof result, &error) < 0;
    if (failed)
        fprintf(stderr, "%s\n", contain_error_get_message(error));
    contain_error_free(error);
    contain_container_free(container);
    contain_config_free(config);
    return failed ? 125 : result.exit_status;
}

static int by_floor(char **argv)
{
    int status = 0;
    pid_t pid = (pid_t)floor_start(argv, geteuid(), getegid());
    return waitpid(pid, &status, 0) == pid ? status : 125;
}

static void *idle(void *nothing)
{
    pause();
    return nothing;
}

static void grow(size_t megabytes, int threads)
{
    pthread_attr_t small;
    pthread_t thread;
    size_t size = megabytes << 20;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    // In small pages, of which a program's memory consists that grew piece by piece.
    if (memory == MAP_FAILED || madvise(memory, size, MADV_NOHUGEPAGE) != 0)
        exit(1);
    for (size_t at = 0; at < size; at += 4096)
        memory[at] = 1;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    for (; threads > 1; threads--)
        if (pthread_create(&thread, &small, idle, NULL) != 0)
            exit(1);
}

int main(int argc, char **argv)
{
    char line[32];
    if (argc < 5)
        return 64;
    // Orphans come here to be waited for, so that what they used is in the account.
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    grow((size_t)atol(argv[1]), atoi(argv[2]));
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        long cpu = cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN), start = now();
        int status = strcmp(line, "library\n") == 0 ? by_library(argv + 3) : by_floor(argv + 3);
        long wall = now() - start;
        while (waitpid(-1, NULL, 0) > 0) {
        }
        cpu = cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN) - cpu;
        printf("%d %ld %ld\n", status, wall, cpu);
        fflush(stdout);
    }
    return 0;
}
