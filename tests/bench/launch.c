// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs commands one at a time and measures each: the harness writes a command as one line (arguments separated by
// the byte 0x1f, the first one an absolute path), and gets one line of numbers back:
//
//     status wall_ns cpu_us peak_rss_kb minor_faults orphans
//
// `status` is wait4's; `wall_ns` runs from before the spawn until the command itself has been reaped; the others
// come from the kernel's accounts of the command, of the descendants that it waited for, and of those that it left
// behind: the launcher is their subreaper, waits for each of them and counts them as `orphans`. What a descendant
// used that nobody waited for (an ignored SIGCHLD) is in no account.
//
// A small process without a C library, spawning by vfork: the same cost for every command, and no memory of its own
// that would show as the command's peak. Commands have /dev/null as stdin and stdout and the launcher's stderr.
#include "bare.h"
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/wait.h>
#include <signal.h>

#define SEPARATOR 0x1f
#define MOST_ARGUMENTS 256
#define LONGEST_LINE 16384

struct account {
    long status, wall, cpu, peak, faults, orphans;
};

static long now(void)
{
    struct __kernel_timespec time;
    call(__NR_clock_gettime, CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

static long microseconds(const struct __kernel_old_timeval *time)
{
    return time->tv_sec * 1000000 + time->tv_usec;
}

// A frame of its own below the parent's: the two share the stack.
static __attribute__((noinline, noreturn)) void child(char **argv, char **environment)
{
    need(argv[0], call(__NR_execve, argv[0], argv, environment));
    leave(125);
}

static struct account measure(char **argv, char **environment)
{
    struct account sum = {0};
    struct rusage usage;
    int status = 0;
    long start = now();
    long command = need("clone", call(__NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0));
    if (command == 0)
        child(argv, environment);
    for (;;) {
        long pid = call(__NR_wait4, -1, &status, __WALL, &usage);
        if (pid < 0)
            return sum;
        if (pid == command) {
            sum.wall = now() - start;
            sum.status = status;
        } else {
            sum.orphans++;
        }
        sum.cpu += microseconds(&usage.ru_utime) + microseconds(&usage.ru_stime);
        sum.faults += usage.ru_minflt;
        sum.peak = usage.ru_maxrss > sum.peak ? usage.ru_maxrss : sum.peak;
    }
}

static void reply(long out, const struct account *sum)
{
    const long numbers[] = {sum->status, sum->wall, sum->cpu, sum->peak, sum->faults, sum->orphans};
    char line[128];
    char *end = line;
    for (size_t at = 0; at < sizeof numbers / sizeof *numbers; at++) {
        end = put_number(end, (unsigned long)numbers[at]);
        end = put_text(end, " ");
    }
    end[-1] = '\n';
    need("write", call(__NR_write, out, line, end - line));
}

// Reads one line into `line`; 0 at the end of the input.
static int next_line(long in, char *line)
{
    long length = 0;
    while (length == 0 || line[length - 1] != '\n') {
        if (length == LONGEST_LINE)
            need("line too long", -1);
        long count = need("read", call(__NR_read, in, line + length, LONGEST_LINE - length));
        if (count == 0)
            return 0;
        length += count;
    }
    line[length - 1] = 0;
    return 1;
}

static void split(char *line, char **argv)
{
    int count = 0;
    argv[count++] = line;
    for (; *line; line++) {
        if (*line != SEPARATOR)
            continue;
        *line = 0;
        if (count == MOST_ARGUMENTS)
            need("too many arguments", -1);
        argv[count++] = line + 1;
    }
    argv[count] = NULL;
}

static int run(long *stack)
{
    char **environment = (char **)(stack + 1 + stack[0] + 1);
    char line[LONGEST_LINE];
    char *argv[MOST_ARGUMENTS + 1];
    long in = need("stdin", call(__NR_fcntl, 0, F_DUPFD_CLOEXEC, 10));
    long out = need("stdout", call(__NR_fcntl, 1, F_DUPFD_CLOEXEC, 10));
    long null = need("/dev/null", call(__NR_open, "/dev/null", O_RDWR | O_CLOEXEC));
    need("stdin", call(__NR_dup2, null, 0));
    need("stdout", call(__NR_dup2, null, 1));
    need("subreaper", call(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1));
    while (next_line(in, line)) {
        split(line, argv);
        struct account sum = measure(argv, environment);
        reply(out, &sum);
    }
    return 0;
}
