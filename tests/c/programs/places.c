// SPDX-License-Identifier: MIT OR Apache-2.0
// Callers in unusual places: PID 1 of a PID namespace, in a chroot, without /proc, under a seccomp filter that takes a
// system call away. Each is a child, which works or is told why not, and leaves nothing behind.
#include "../check.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static const char *sleeper[] = {"sleep", "60", NULL};
static char folder[] = "/tmp/contain-places.XXXXXX";

// Runs a body in a child; 0 where every check of it held.
static int in_child(void (*body)(void)) {
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        check_failed = 0;
        body();
        fflush(stdout);
        _exit(check_failed);
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (status != 0)
        printf("# the child's status is %#x\n", (unsigned)status);
    return status;
}

static int write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : write(fd, text, strlen(text));
    close(fd);
    return length == (ssize_t)strlen(text) ? 0 : -1;
}

// A mount namespace of its own, for a user in a user namespace of its own, where this one maps the own ids.
static void own_mounts(int flags) {
    char map[64];
    uid_t user = geteuid();
    gid_t group = getegid();
    CHECK(unshare((user == 0 ? 0 : CLONE_NEWUSER) | CLONE_NEWNS | flags) == 0);
    if (user != 0) {
        snprintf(map, sizeof map, "0 %u 1", (unsigned)user);
        CHECK(write_file("/proc/self/setgroups", "deny") == 0 && write_file("/proc/self/uid_map", map) == 0);
        snprintf(map, sizeof map, "0 %u 1", (unsigned)group);
        CHECK(write_file("/proc/self/gid_map", map) == 0);
    }
    CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
}

static void live(void) {
    contain_container *container = start(sleeper);
    contain_process *process = NULL;
    DONE(contain_container_inject(container, (const char *[]){"true", NULL}, NULL, 0, &process, &err));
    CHECK(contain_process_wait(process, 10000, NULL, 0, NULL) == 1);
    contain_process_free(process);
    DONE(contain_container_kill(container, &err));
    CHECK(ended(container).status == SIGKILL);
    contain_container_free(container);
}

static void as_first_process(void) {
    int status = -1;
    own_mounts(CLONE_NEWPID);
    pid_t child = fork();
    if (child == 0) {
        CHECK(getpid() == 1 && mount("proc", "/proc", "proc", 0, NULL) == 0);
        // A child of its own is found among those that it inherits, which are taken as they come.
        pid_t own = fork(), got;
        if (own == 0)
            _exit(3);
        live();
        while ((got = waitpid(-1, &status, 0)) > 0 && got != own)
            ;
        CHECK(got == own && WIFEXITED(status) && WEXITSTATUS(status) == 3);
        live();
        for (int tries = 0; tries < 200 && waitpid(-1, NULL, WNOHANG) != -1; tries++)
            usleep(10000);
        CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
        fflush(stdout);
        _exit(check_failed);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void first_process_of_a_pid_namespace_runs_containers(void) {
    CHECK(in_child(as_first_process) == 0);
}

// A call that is refused, with cause and remedy; it is written with `&err` as its last argument.
#define TOLD(call, cause)                                                                 \
    do {                                                                                  \
        contain_error *err = NULL;                                                        \
        int done_ = (call);                                                               \
        told(done_, err, cause);                                                          \
    } while (0)

static void told(int done, contain_error *error, const char *cause) {
    if (done >= 0 || strstr(contain_error_get_message(error), cause) == NULL || contain_error_get_remedy(error) == NULL)
        printf("# %d: %s\n", done, error != NULL ? contain_error_get_message(error) : "no error"), check_failed = 1;
    contain_error_free(error);
}

static void in_a_chroot(void) {
    contain_config *config = host(sleeper);
    contain_container *container = NULL;
    own_mounts(0);
    CHECK(mount("/", folder, NULL, MS_BIND | MS_REC, NULL) == 0 && chroot(folder) == 0 && chdir("/") == 0);
    // The kernel gives no user namespace there.
    TOLD(contain_container_run(config, NULL, 0, &container, &err), "chroot");
    CHECK(container == NULL);
    contain_config_free(config);
}

static void caller_in_a_chroot_is_told(void) {
    CHECK(in_child(in_a_chroot) == 0);
}

static void without_proc(void) {
    contain_config *config = host(sleeper);
    contain_container *container = NULL;
    contain_runtime *runtime = NULL;
    DONE(contain_runtime_open(folder, &runtime, &err));
    DONE(contain_runtime_run(runtime, "kept", config, NULL, 0, &container, &err));
    own_mounts(0);
    CHECK(mount("none", "/proc", "tmpfs", 0, NULL) == 0);
    const char *cause = "there is no /proc here";
    contain_container *other = NULL;
    TOLD(contain_container_state(container, &err), cause);
    TOLD(contain_container_wait(container, 0, NULL, 0, &err), cause);
    TOLD(contain_container_init_pid(container, &err), cause);
    TOLD(contain_container_kill(container, &err), cause);
    TOLD(contain_runtime_delete(runtime, "kept", 0, &err), cause);
    TOLD(contain_container_run(config, NULL, 0, &other, &err), cause);
    TOLD(contain_runtime_run(runtime, "other", config, NULL, 0, &other, &err), cause);
    CHECK(other == NULL);
    contain_container_free(container);
    contain_runtime_free(runtime);
    contain_config_free(config);
}

static void caller_without_proc_is_told(void) {
    CHECK(in_child(without_proc) == 0);
    contain_runtime *runtime = NULL;
    DONE(contain_runtime_open(folder, &runtime, &err));
    DONE(contain_runtime_delete(runtime, "kept", 1, &err));
    REFUSED(contain_runtime_delete(runtime, "other", 0, &err), ENOENT, CONTAIN_E_GONE);
    contain_runtime_free(runtime);
}

#ifndef __SANITIZE_ADDRESS__
// The system calls that the library makes in its caller, and those of the processes that it starts.
static const int calls[] = {
    SYS_clone3, SYS_clone, SYS_pidfd_open, SYS_pidfd_send_signal, SYS_memfd_create, SYS_socketpair, SYS_openat2,
    SYS_openat, SYS_open_tree, SYS_move_mount, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_mount_setattr, SYS_mount,
    SYS_pivot_root, SYS_umount2, SYS_setns, SYS_unshare, SYS_close_range, SYS_waitid, SYS_ppoll, SYS_sendmsg,
    SYS_recvmsg, SYS_seccomp, SYS_prctl, SYS_capset, SYS_setresuid, SYS_setresgid, SYS_setgroups, SYS_fcntl, SYS_statx,
    SYS_execveat, SYS_execve, SYS_signalfd4, SYS_setsid, SYS_sethostname, SYS_mkdirat, SYS_mmap, SYS_prlimit64,
    SYS_readlink, SYS_socket, SYS_bind, SYS_getdents64, SYS_epoll_create1, SYS_timerfd_create, SYS_rt_sigaction,
};

static int taken, with;

static void without_a_call(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)taken, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)with),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = 4, .filter = filter};
    const char *command[] = {"/bin/sleep", "60", NULL};
    contain_config *config = host(command);
    contain_container *container = NULL;
    contain_error *error = NULL;
    int before = dup(0), after;
    close(before);
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    int done = contain_container_run(config, NULL, 0, &container, &error);
    if (done == 0)
        // What it runs it can end; where the wait itself is taken away that is told.
        (void)contain_container_end(container, CONTAIN_ENDED_WALL, NULL, 0, NULL);
    else if (error == NULL || contain_error_get_code(error) == CONTAIN_E_INTERNAL ||
             contain_error_get_code(error) == CONTAIN_E_NOT_FOUND || container != NULL)
        printf("# without call %d (errno %d): %d, %s\n", taken, with, done,
               error != NULL ? contain_error_get_message(error) : "no error"), check_failed = 1;
    contain_error_free(error);
    contain_container_free(container);
    contain_config_free(config);
    if (taken != SYS_fcntl) {
        after = dup(0);
        CHECK(after == before);
    }
}

static void caller_under_a_filter_works_or_is_told(void) {
    for (size_t at = 0; at < sizeof calls / sizeof *calls; at++)
        for (int times = 0; times < 2; times++) {
            taken = calls[at], with = times == 0 ? ENOSYS : EPERM;
            int status = in_child(without_a_call);
            if (status != 0)
                printf("# without call %d (errno %d): status %#x\n", taken, with, status), check_failed = 1;
        }
}

#endif

int main(void) {
    CHECK(mkdtemp(folder) != NULL);
    // A user's own namespace has one id, so that none is left for a container in it.
    if (geteuid() == 0) {
        TEST(first_process_of_a_pid_namespace_runs_containers);
        TEST(caller_in_a_chroot_is_told);
    }
    TEST(caller_without_proc_is_told);
#ifndef __SANITIZE_ADDRESS__ // it needs some of the calls itself
    TEST(caller_under_a_filter_works_or_is_told);
#endif
    CHECK(rmdir(folder) == 0);
    return finish();
}
