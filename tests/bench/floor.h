// SPDX-License-Identifier: MIT OR Apache-2.0
// The work of the floor (floor.c says what it is), for a program of its own and for one that calls it: fixed steps,
// the same for both.
#ifndef FLOOR_H
#define FLOOR_H

#include "bare.h"
#include <fcntl.h>
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

// A frame of its own below the parent's: the two share the stack. `argv` is DIR CMD [ARG]...
static __attribute__((noinline, noreturn)) void child(char **argv, long uid, long gid)
{
    char *environment[] = {"container=contain", NULL};
    write_file("/proc/self/setgroups", "deny", 4);
    map_id("/proc/self/uid_map", uid);
    map_id("/proc/self/gid_map", gid);
    loopback_up();
    // The mounts of the host are slaves here already: the kernel sees to it when the new mount namespace belongs
    // to a new user namespace.
    mount(argv[0], argv[0], NULL, MS_BIND | MS_REC, NULL);
    need(argv[0], call(__NR_chdir, argv[0]));
    populate();
    need("pivot_root", call(__NR_pivot_root, ".", "."));
    need("old root", call(__NR_umount2, ".", DETACH));
    call(__NR_execve, argv[1], argv + 1, environment);
    leave(127);
}

// Starts CMD in a container of its own; the caller is suspended until the execve, and has the process to wait for.
static long floor_start(char **argv, long uid, long gid)
{
    struct clone_args clone = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                 CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWTIME,
        .exit_signal = SIGCHLD,
    };
    long pid = need("clone3", call(__NR_clone3, &clone, sizeof clone));
    if (pid == 0)
        child(argv, uid, gid);
    return pid;
}

#endif
