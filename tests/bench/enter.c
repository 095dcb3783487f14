// SPDX-License-Identifier: MIT OR Apache-2.0
// The floor of inject: enter PID CMD [ARG]... joins all namespaces of a container's first process by its pidfd,
// becomes root there, and runs CMD with as few system calls as this kernel allows and nothing that makes it safe: no
// cgroup, no seccomp, no check of PID, no supervisor. Exits as the floor does.
#include "bare.h"
#include <linux/sched.h>
#include <signal.h>

// A frame of its own below the parent's: the two share the stack.
static __attribute__((noinline, noreturn)) void child(char **argv, char **environment)
{
    call(__NR_execve, argv[0], argv, environment);
    leave(127);
}

static long number(const char *text)
{
    long value = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + *text - '0';
    return value;
}

static int run(long *stack)
{
    char **argv = (char **)(stack + 1);
    int status = 0;
    if (stack[0] < 3)
        leave(64);
    long target = need(argv[1], call(__NR_pidfd_open, number(argv[1]), 0));
    need("setns", call(__NR_setns, target,
                       CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET |
                           CLONE_NEWCGROUP | CLONE_NEWTIME));
    need("setresgid", call(__NR_setresgid, 0, 0, 0));
    need("setresuid", call(__NR_setresuid, 0, 0, 0));
    // setns(2) moves children into the PID namespace, not the caller.
    long pid = need("clone", call(__NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0));
    if (pid == 0)
        child(argv + 2, argv + stack[0] + 1);
    need("wait4", call(__NR_wait4, pid, &status, 0, NULL));
    return status & 0x7f ? 128 + (status & 0x7f) : (status >> 8) & 0xff;
}
