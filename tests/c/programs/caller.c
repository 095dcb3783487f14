// SPDX-License-Identifier: MIT OR Apache-2.0
// The caller is left as it was: its children, signals, descriptors, threads, directory, mask, environment, limits.
#include "../check.h"
#include <dirent.h>
#include <locale.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static volatile sig_atomic_t children;

static void on_child(int signal) {
    (void)signal;
    children++;
}

static int count(const char *path) {
    int entries = 0;
    DIR *directory = opendir(path);
    while (readdir(directory) != NULL)
        entries++;
    closedir(directory);
    return entries;
}

// A whole life: run, inject, wait, and a command that does not exist.
static void live(void) {
    contain_container *container = start(SHELL("sleep 60"));
    contain_process *process = NULL;
    DONE(contain_container_inject(container, (const char *[]){"true", NULL}, NULL, 0, &process, &err));
    CHECK(contain_process_wait(process, 10000, NULL, 0, NULL) == 1);
    contain_process_free(process);
    DONE(contain_container_kill(container, &err));
    ended(container);
    contain_container_free(container);
    contain_config *wrong = host((const char *[]){"no-such-command", NULL});
    REFUSED(contain_container_run(wrong, NULL, 0, &container, &err), ENOENT, CONTAIN_E_NOT_FOUND);
    contain_config_free(wrong);
}

static void children_of_ours_are_never_seen(void) {
    struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART}, old;
    sigaction(SIGCHLD, &action, &old);
    children = 0;
    live();
    contain_container *container = start((const char *[]){"sleep", "60", NULL});
    errno = 0;
    CHECK(waitpid(-1, NULL, WNOHANG | __WALL) == -1 && errno == ECHILD);
    // A child of the caller's own is found among nothing else, also while a container runs.
    pid_t own = fork();
    if (own == 0)
        _exit(3);
    int status = 0;
    CHECK(wait(&status) == own && WEXITSTATUS(status) == 3);
    DONE(contain_container_kill(container, &err));
    ended(container);
    contain_container_free(container);
    errno = 0;
    CHECK(wait(&status) == -1 && errno == ECHILD);
    CHECK(children == 1);
    sigaction(SIGCHLD, &old, NULL);
}

struct disposition {
    void (*handler)(int);
    uint64_t flags, mask;
};

// The kernel's masks have 64 bits; the C library leaves the rest of its own as it was.
static uint64_t bits(const sigset_t *mask) {
    uint64_t bits;
    memcpy(&bits, mask, sizeof bits);
    return bits;
}

static void look_at(struct disposition all[65]) {
    for (int signal = 1; signal <= 64; signal++) {
        struct sigaction action;
        if (sigaction(signal, NULL, &action) == 0)
            all[signal] = (struct disposition){action.sa_handler, (uint64_t)action.sa_flags, bits(&action.sa_mask)};
    }
}

static void nothing_of_the_caller_changes(void) {
    static struct disposition actions_before[65], actions_after[65];
    static char here_before[4096], here_after[4096];
    static struct rlimit limits_before[RLIM_NLIMITS], limits_after[RLIM_NLIMITS];
    sigset_t mask_before, mask_after;
    extern char **environ;
    char **environment = environ, *first = environ[0];
    int limits = RLIM_NLIMITS;

    live();
    umask(027);
    sigemptyset(&mask_before);
    sigaddset(&mask_before, SIGUSR1);
    sigprocmask(SIG_SETMASK, &mask_before, NULL);
    signal(SIGUSR2, SIG_IGN);
    look_at(actions_before);
    for (int limit = 0; limit < limits; limit++)
        getrlimit((__rlimit_resource_t)limit, &limits_before[limit]);
    int descriptors = count("/proc/self/fd"), threads = count("/proc/self/task");
    const char *locale = setlocale(LC_ALL, NULL);
    CHECK(getcwd(here_before, sizeof here_before) != NULL);

    live();
    CHECK(umask(022) == 027);
    sigprocmask(SIG_SETMASK, NULL, &mask_after);
    CHECK(bits(&mask_before) == bits(&mask_after));
    look_at(actions_after);
    CHECK(memcmp(actions_before, actions_after, sizeof actions_before) == 0);
    for (int limit = 0; limit < limits; limit++)
        getrlimit((__rlimit_resource_t)limit, &limits_after[limit]);
    CHECK(memcmp(limits_before, limits_after, sizeof limits_before) == 0);
    CHECK(count("/proc/self/fd") == descriptors && count("/proc/self/task") == threads);
    CHECK(strcmp(locale, setlocale(LC_ALL, NULL)) == 0);
    CHECK(getcwd(here_after, sizeof here_after) != NULL && strcmp(here_before, here_after) == 0);
    CHECK(environ == environment && environ[0] == first);
}

// A subreaper inherits the monitors; what has been waited for leaves no zombie.
static void subreaper_keeps_no_zombie(void) {
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
    contain_container *container = start(SHELL("exit 9"));
    CHECK(ended(container).status == 9);
    contain_container_free(container);
    errno = 0;
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) == 0);
}

static void descriptors_that_come_out_have_close_on_exec(void) {
    DIR *directory = opendir("/proc/self/fd");
    contain_container *container = start((const char *[]){"sleep", "60", NULL});
    contain_process *process = NULL;
    DONE(contain_container_inject(container, (const char *[]){"sleep", "60", NULL}, NULL, 0, &process, &err));
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL)
        if (atoi(entry->d_name) > 2)
            CHECK(fcntl(atoi(entry->d_name), F_GETFD) == FD_CLOEXEC);
    closedir(directory);
    DONE(contain_container_kill(container, &err));
    ended(container);
    contain_process_free(process);
    contain_container_free(container);
}

static void caller_without_standard_descriptors_can_run(void) {
    int ends[2], status = 0;
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    pid_t child = fork();
    if (child == 0) {
        int out = fcntl(ends[1], F_DUPFD_CLOEXEC, 10);
        for (int descriptor = 0; descriptor < 10; descriptor++)
            close(descriptor);
        contain_config *config = host(SHELL("echo here; echo lost >&2; read line || echo end"));
        contain_run_options options = {
            .stdin_kind = CONTAIN_STDIO_NULL, .stdout_kind = CONTAIN_STDIO_DESCRIPTOR, .stdout_fd = out,
            .stderr_kind = CONTAIN_STDIO_NULL,
        };
        contain_container *container = NULL;
        int failed = contain_container_run(config, &options, sizeof options, &container, NULL) < 0;
        failed |= contain_container_wait(container, 10000, NULL, 0, NULL) != 1;
        contain_container_free(container);
        contain_config_free(config);
        _exit(failed);
    }
    close(ends[1]);
    char text[64];
    read_all(ends[0], text, sizeof text);
    CHECK(strcmp(text, "here\nend\n") == 0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(void) {
    // Whoever started this may have left some open.
    close_range(3, ~0U, 0);
    setlocale(LC_ALL, "C.UTF-8");
    TEST(children_of_ours_are_never_seen);
    TEST(nothing_of_the_caller_changes);
    TEST(subreaper_keeps_no_zombie);
    TEST(descriptors_that_come_out_have_close_on_exec);
    TEST(caller_without_standard_descriptors_can_run);
    return finish();
}
