// SPDX-License-Identifier: MIT OR Apache-2.0
// What the tests need and no shell can do. The first argument says what.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

// Prints the name of the error that one ioctl gives, or "allowed".
static int try_ioctl(int descriptor, unsigned long request) {
    char byte = 'x';
    if (ioctl(descriptor, request, &byte) == 0)
        puts("allowed");
    else
        puts(strerrorname_np(errno));
    return 0;
}

// Clears the parent-death signal in the two ways there are, then waits.
static int cling(const char *way) {
    if (strcmp(way, "prctl") == 0) {
        if (prctl(PR_SET_PDEATHSIG, 0) != 0)
            return 1;
    } else if (setgid(1) != 0 || setuid(1) != 0) {
        return 1;
    }
    puts("clinging");
    fflush(stdout);
    for (;;)
        pause();
}

// Stops PID 1 where it waits in a system call; false where it is not there yet, or does not let itself be looked into yet.
static int stop_reaper(struct user_regs_struct *registers) {
    int status;
    if (ptrace(PTRACE_ATTACH, 1, 0, 0) != 0)
        return 0;
    if (waitpid(1, &status, __WALL) == 1 && ptrace(PTRACE_GETREGS, 1, 0, registers) == 0 &&
        (ptrace(PTRACE_PEEKTEXT, 1, registers->rip - 2, 0) & 0xffff) == 0x050f)
        return 1;
    ptrace(PTRACE_DETACH, 1, 0, 0);
    return 0;
}

// Makes PID 1 clear its parent-death signal; prints what it got for that, and waits.
static int free_reaper(void) {
    struct user_regs_struct before, registers;
    int status, tries = 0;
    while (!stop_reaper(&before)) {
        if (++tries == 500)
            return 1;
        usleep(10 * 1000);
    }
    registers = before;
    registers.rip -= 2; // the instruction by which it waits
    registers.rax = SYS_prctl;
    registers.orig_rax = (unsigned long)-1;
    registers.rdi = PR_SET_PDEATHSIG;
    registers.rsi = 0;
    if (ptrace(PTRACE_SETREGS, 1, 0, &registers) != 0 || ptrace(PTRACE_SINGLESTEP, 1, 0, 0) != 0 ||
        waitpid(1, &status, __WALL) != 1 || ptrace(PTRACE_GETREGS, 1, 0, &registers) != 0 ||
        ptrace(PTRACE_SETREGS, 1, 0, &before) != 0 || ptrace(PTRACE_DETACH, 1, 0, 0) != 0)
        return 1;
    printf("prctl %d\n", (int)registers.rax);
    fflush(stdout);
    for (;;)
        pause();
}

// Opens a pseudo-terminal of this root's own devpts and prints its name.
static int open_terminal(void) {
    int descriptor = posix_openpt(O_RDWR | O_NOCTTY);
    if (descriptor < 0 || unlockpt(descriptor) != 0)
        return 1;
    puts(ptsname(descriptor));
    return 0;
}

static int print_groups(void) {
    gid_t groups[64];
    int count = getgroups(64, groups);
    printf("%d %d %d\n", (int)getuid(), (int)getgid(), count);
    return 0;
}

// Prints the name of the error that setgroups(2) gives, or "allowed".
static int try_setgroups(void) {
    const gid_t groups[] = {0};
    puts(setgroups(1, groups) == 0 ? "allowed" : strerrorname_np(errno));
    return 0;
}

// Ends by the signal of an invalid access, which the kernel does not spare PID 1.
static int crash(void) {
    volatile int *nowhere = NULL;
    return *nowhere;
}

static int print_terminal(void) {
    struct termios settings;
    if (tcgetattr(0, &settings) != 0)
        return 1;
    printf("ignbrk %d iutf8 %d\n", (settings.c_iflag & IGNBRK) != 0, (settings.c_iflag & IUTF8) != 0);
    return 0;
}

// Prints the descriptors that were open when it started.
static int print_descriptors(void) {
    struct stat status;
    for (int descriptor = 0; descriptor < 1024; descriptor++)
        if (fstat(descriptor, &status) == 0)
            printf("%d ", descriptor);
    putchar('\n');
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "tiocsti") == 0)
        return try_ioctl(open("/dev/null", O_RDWR), TIOCSTI);
    if (strcmp(what, "tioclinux") == 0)
        return try_ioctl(open("/dev/null", O_RDWR), TIOCLINUX);
    if (strcmp(what, "cling") == 0 && argc > 2)
        return cling(argv[2]);
    if (strcmp(what, "free-reaper") == 0)
        return free_reaper();
    if (strcmp(what, "pty") == 0)
        return open_terminal();
    if (strcmp(what, "crash") == 0)
        return crash();
    if (strcmp(what, "ids") == 0)
        return print_groups();
    if (strcmp(what, "setgroups") == 0)
        return try_setgroups();
    if (strcmp(what, "terminal") == 0)
        return print_terminal();
    if (strcmp(what, "descriptors") == 0)
        return print_descriptors();
    if (strcmp(what, "session") == 0)
        return printf("%d %d\n", (int)getsid(0), (int)getpgrp()) < 0;
    fprintf(stderr, "probe: unknown: %s\n", what);
    return 64;
}
