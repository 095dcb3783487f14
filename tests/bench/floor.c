// SPDX-License-Identifier: MIT OR Apache-2.0
// The floor: floor DIR CMD [ARG]... does what `contain -c DIR CMD` must do at the least, with as few system
// calls as this kernel allows, and nothing that makes it safe or fit for use: fixed steps, one id mapped, no
// check of DIR, no seccomp, no signal forwarded, no supervisor that dies together with its container. It is the
// yardstick of the benchmark and nothing else.
//
// The parent is suspended until the execve (CLONE_VFORK) and lends its memory (CLONE_VM), so that nothing is
// copied and nobody has to be told when the id maps are there: the child, which owns the new user namespace,
// writes them itself. DIR needs the directories dev, proc and sys. Exits with CMD's status, 128+N when signal N
// ended it, 125 for a failure of its own, 127 where CMD cannot be executed.
#include "bare.h"
#include <fcntl.h>
#include <linux/auxvec.h>
#include <linux/if.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <signal.h>
#include <sys/stat.h>

#define DETACH 2 // MNT_DETACH

static void write_file(const char *path, const char *text, long length)
{
    long file = need(path, call(__NR_open, path, O_WRONLY | O_CLOEXEC));
    need(path, call(__NR_write, file, text, length));
}

// Maps id 0 of the namespace to the caller's own id.
static void map_id(const char *path, long own)
{
    char text[32];
    char *end = put_text(text, "0 ");
    end = put_number(end, (unsigned long)own);
    end = put_text(end, " 1");
    write_file(path, text, end - text);
}

static void loopback_up(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    long sock = need("socket", call(__NR_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    need("loopback up", call(__NR_ioctl, sock, SIOCSIFFLAGS, &request));
}

static void mount(const char *source, const char *target, const char *type, long flags, const char *data)
{
    need(target, call(__NR_mount, source, target, type, flags, data));
}

static void device(const char *host, const char *name)
{
    need(name, call(__NR_mknod, name, S_IFREG | 0666, 0));
    mount(host, name, NULL, MS_BIND, NULL);
}

// The working directory is the new root. /proc comes before the old root goes: the kernel lets a user mount a
// procfs only where one is in sight.
static void populate(void)
{
    mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=0755");
    device("/dev/full", "dev/full");
    device("/dev/null", "dev/null");
    device("/dev/random", "dev/random");
    device("/dev/tty", "dev/tty");
    device("/dev/urandom", "dev/urandom");
    device("/dev/zero", "dev/zero");
    need("dev/pts", call(__NR_mkdir, "dev/pts", 0755));
    mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620");
    need("dev/ptmx", call(__NR_symlink, "pts/ptmx", "dev/ptmx"));
    mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount("sysfs", "sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

// A frame of its own below the parent's: the two share the stack.
static __attribute__((noinline, noreturn)) void child(long *stack)
{
    char **argv = (char **)(stack + 1);
    char *environment[] = {"container=contain", NULL};
    write_file("/proc/self/setgroups", "deny", 4);
    map_id("/proc/self/uid_map", auxiliary(stack, AT_EUID));
    map_id("/proc/self/gid_map", auxiliary(stack, AT_EGID));
    loopback_up();
    // The mounts of the host are slaves here already: the kernel sees to it when the new mount namespace belongs
    // to a new user namespace.
    mount(argv[1], argv[1], NULL, MS_BIND | MS_REC, NULL);
    need(argv[1], call(__NR_chdir, argv[1]));
    populate();
    need("pivot_root", call(__NR_pivot_root, ".", "."));
    need("old root", call(__NR_umount2, ".", DETACH));
    call(__NR_execve, argv[2], argv + 2, environment);
    leave(127);
}

static int run(long *stack)
{
    struct clone_args clone = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                 CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWTIME,
        .exit_signal = SIGCHLD,
    };
    int status = 0;
    if (stack[0] < 3)
        leave(64);
    long pid = need("clone3", call(__NR_clone3, &clone, sizeof clone));
    if (pid == 0)
        child(stack);
    need("wait4", call(__NR_wait4, pid, &status, 0, NULL));
    return status & 0x7f ? 128 + (status & 0x7f) : (status >> 8) & 0xff;
}
