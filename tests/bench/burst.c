// SPDX-License-Identifier: MIT OR Apache-2.0
// Many at a time: burst COUNT AT_ONCE CMD [ARG]... runs CMD COUNT times, AT_ONCE of them at a time, and prints how
// many nanoseconds that took, from before the first start until the last one has been reaped. Ends with 1 where one
// of them fails.
#include "bare.h"
#include <linux/sched.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/wait.h>
#include <signal.h>

static long now(void)
{
    struct __kernel_timespec time;
    call(__NR_clock_gettime, CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

static long number(const char *text)
{
    long value = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + *text - '0';
    return value;
}

// A frame of its own below the parent's: the two share the stack.
static __attribute__((noinline, noreturn)) void child(char **argv, char **environment)
{
    need(argv[0], call(__NR_execve, argv[0], argv, environment));
    leave(125);
}

static void start(char **argv, char **environment)
{
    if (need("clone", call(__NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0)) == 0)
        child(argv, environment);
}

// Waits for one; 1 where it failed.
static int reap(void)
{
    int status = 0;
    need("wait4", call(__NR_wait4, -1, &status, __WALL, NULL));
    return status != 0;
}

static int run(long *stack)
{
    char **argv = (char **)(stack + 1);
    char **environment = argv + stack[0] + 1;
    char line[32];
    int failed = 0;
    if (stack[0] < 4)
        leave(64);
    long count = number(argv[1]), at_once = number(argv[2]), running = 0;
    long begin = now();
    for (long started = 0; started < count; started++) {
        if (running == at_once) {
            failed |= reap();
            running--;
        }
        start(argv + 3, environment);
        running++;
    }
    for (; running > 0; running--)
        failed |= reap();
    char *end = put_text(put_number(line, (unsigned long)(now() - begin)), "\n");
    need("write", call(__NR_write, 1, line, end - line));
    return failed;
}
