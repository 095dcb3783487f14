// SPDX-License-Identifier: MIT OR Apache-2.0
// The life of a container: created, started, waited for, signalled, killed, freed; and of what is injected into it.
#include "../check.h"

static char text[65536];
static const char *sleeper[] = {"sleep", "60", NULL};

static void create_waits_for_start(void) {
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    contain_config *config = host((const char *[]){"echo", "begun", NULL});
    contain_run_options options = {.stdout_kind = CONTAIN_STDIO_DESCRIPTOR, .stdout_fd = ends[1]};
    contain_container *container = NULL;
    DONE(contain_container_create(config, &options, sizeof options, &container, &err));
    contain_config_free(config);
    close(ends[1]);
    contain_process *process = NULL;
    REFUSED(contain_container_inject(container, sleeper, NULL, 0, &process, &err), EBUSY, CONTAIN_E_BUSY);
    CHECK(process == NULL);
    CHECK(contain_container_wait(container, 50, NULL, 0, NULL) == 0);
    struct pollfd asked = {.fd = ends[0], .events = POLLIN};
    CHECK(poll(&asked, 1, 0) == 0);
    CHECK(contain_container_pid(container, NULL) > 0);
    CHECK(contain_container_init_pid(container, NULL) > 0);
    DONE(contain_container_start(container, &err));
    read_all(ends[0], text, sizeof text);
    CHECK(strcmp(text, "begun\n") == 0);
    CHECK(ended(container).status == 0);
    REFUSED(contain_container_start(container, &err), ESRCH, CONTAIN_E_GONE);
    contain_container_free(container);
}

static void start_of_a_missing_command_is_an_error(void) {
    contain_config *config = host((const char *[]){"no-such-command", NULL});
    contain_container *container = NULL;
    DONE(contain_container_create(config, NULL, 0, &container, &err));
    REFUSED(contain_container_start(container, &err), ENOENT, CONTAIN_E_NOT_FOUND);
    contain_container_free(container);
    contain_config_free(config);
}

static void free_of_a_created_container_takes_it_down(void) {
    contain_config *config = host(sleeper);
    contain_container *container = NULL;
    DONE(contain_container_create(config, NULL, 0, &container, &err));
    int pidfd = contain_container_pidfd(container, NULL);
    CHECK(pidfd >= 0);
    contain_container_free(container);
    CHECK(ends_soon(pidfd));
    close(pidfd);
    contain_config_free(config);
}

static void free_of_a_running_container_lets_it_run(void) {
    contain_container *container = start(sleeper);
    int pidfd = contain_container_pidfd(container, NULL);
    int pid = contain_container_init_pid(container, NULL);
    CHECK(fcntl(pidfd, F_GETFD) == FD_CLOEXEC);
    double before = seconds();
    contain_container_free(container);
    CHECK(seconds() - before < 1);
    struct pollfd asked = {.fd = pidfd, .events = POLLIN};
    CHECK(poll(&asked, 1, 200) == 0);
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(ends_soon(pidfd));
    close(pidfd);
}

// A child makes a container and dies without a word. Whether the container is there afterwards.
static int outlives_its_caller(uint32_t lifetime) {
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    pid_t child = fork();
    if (child == 0) {
        contain_config *config = host(sleeper);
        DONE(contain_config_set_lifetime(config, lifetime, &err));
        contain_container *container = NULL;
        DONE(contain_container_run(config, NULL, 0, &container, &err));
        int pid = contain_container_init_pid(container, NULL);
        CHECK(write(ends[1], &pid, sizeof pid) == sizeof pid);
        kill(getpid(), SIGKILL);
    }
    int pid = -1, status;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    CHECK(read(ends[0], &pid, sizeof pid) == sizeof pid && pid > 0);
    close(ends[0]), close(ends[1]);
    if (pid <= 0)
        return -1;
    for (int tries = 0; tries < 20; tries++) {
        if (kill(pid, 0) != 0)
            return 0;
        usleep(20000);
    }
    kill(pid, SIGKILL);
    return 1;
}

static void lifetime_says_what_the_death_of_the_caller_means(void) {
    CHECK(outlives_its_caller(CONTAIN_LIFETIME_BOUND) == 0);
    CHECK(outlives_its_caller(CONTAIN_LIFETIME_DETACHED) == 1);
}

static void wait_with_a_timeout_returns_in_time(void) {
    contain_container *container = start(sleeper);
    contain_result result;
    memset(&result, 0xaa, sizeof result);
    CHECK(contain_container_wait(container, 0, &result, sizeof result, NULL) == 0);
    double before = seconds();
    CHECK(contain_container_wait(container, 100, &result, sizeof result, NULL) == 0);
    CHECK(seconds() - before >= 0.1 && seconds() - before < 2);
    for (size_t at = 0; at < sizeof result; at++)
        CHECK(((unsigned char *)&result)[at] == 0xaa);
    DONE(contain_container_kill(container, &err));
    CHECK(contain_container_wait(container, INT64_MAX, &result, sizeof result, NULL) == 1);
    CHECK(result.ended_by == CONTAIN_ENDED_SIGNALLED && result.status == SIGKILL);
    CHECK(contain_container_wait(container, -1, &result, sizeof result, NULL) == 1);
    contain_container_free(container);
}

static void wait_without_a_timeout_ends_with_the_command(void) {
    contain_container *container = start((const char *[]){"sleep", "0.1", NULL});
    CHECK(contain_container_wait(container, -1, NULL, 0, NULL) == 1);
    contain_container_free(container);
}

static void on_alarm(int signal) {
    (void)signal;
}

static void wait_without_a_timeout_is_interrupted_by_a_signal(void) {
    struct sigaction action = {.sa_handler = on_alarm}, old;
    sigaction(SIGALRM, &action, &old);
    contain_container *container = start(sleeper);
    ualarm(100000, 0);
    REFUSED(contain_container_wait(container, -1, NULL, 0, &err), EINTR, CONTAIN_E_SYSTEM);
    sigaction(SIGALRM, &old, NULL);
    DONE(contain_container_kill(container, &err));
    ended(container);
    contain_container_free(container);
}

static void signal_reaches_the_command(void) {
    contain_container *container = start(sleeper);
    DONE(contain_container_signal(container, 0, &err));
    DONE(contain_container_signal(container, SIGTERM, &err));
    contain_result result = ended(container);
    CHECK(result.ended_by == CONTAIN_ENDED_SIGNALLED && result.status == SIGTERM);
    REFUSED(contain_container_signal(container, SIGTERM, &err), ESRCH, CONTAIN_E_GONE);
    REFUSED(contain_container_kill(container, &err), ESRCH, CONTAIN_E_GONE);
    contain_process *process = NULL;
    contain_error *gone = NULL;
    CHECK(contain_container_inject(container, sleeper, NULL, 0, &process, &gone) < 0);
    CHECK(contain_error_get_code(gone) == CONTAIN_E_GONE && process == NULL);
    contain_error_free(gone);
    contain_container_free(container);
}

static void kill_ends_everything_inside(void) {
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    contain_config *config = host(SHELL("sleep 60 & sleep 60 & wait"));
    contain_run_options options = {.stdout_kind = CONTAIN_STDIO_DESCRIPTOR, .stdout_fd = ends[1]};
    contain_container *container = NULL;
    DONE(contain_container_run(config, &options, sizeof options, &container, &err));
    close(ends[1]);
    DONE(contain_container_kill(container, &err));
    read_all(ends[0], text, sizeof text);
    CHECK(ended(container).status == SIGKILL);
    contain_container_free(container);
    contain_config_free(config);
}

static void pidfd_is_readable_at_the_end(void) {
    contain_container *container = start(sleeper);
    int pidfd = contain_container_pidfd(container, NULL);
    struct pollfd asked = {.fd = pidfd, .events = POLLIN};
    CHECK(pidfd >= 0 && poll(&asked, 1, 50) == 0);
    DONE(contain_container_kill(container, &err));
    CHECK(ends_soon(pidfd));
    close(pidfd);
    ended(container);
    contain_container_free(container);
}

// Injects a command and gives its output and its result.
static contain_result injected(contain_container *container, const char *const *argv, const char *const *env) {
    int ends[2];
    contain_result result;
    memset(&result, 0, sizeof result);
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    contain_inject_options options = {.env = env, .stdout_kind = CONTAIN_STDIO_DESCRIPTOR, .stdout_fd = ends[1]};
    contain_process *process = NULL;
    DONE(contain_container_inject(container, argv, &options, sizeof options, &process, &err));
    close(ends[1]);
    read_all(ends[0], text, sizeof text);
    CHECK(contain_process_wait(process, 10000, &result, sizeof result, NULL) == 1);
    contain_process_free(process);
    return result;
}

static contain_container *box(void) {
    contain_config *config = host(sleeper);
    DONE(contain_config_set_hostname(config, "box", &err));
    DONE(contain_config_set_env(config, (const char *[]){"OF=the container", "PATH=/usr/bin:/bin", NULL}, &err));
    contain_container *container = NULL;
    DONE(contain_container_run(config, NULL, 0, &container, &err));
    contain_config_free(config);
    return container;
}

static void end(contain_container *container) {
    DONE(contain_container_kill(container, &err));
    ended(container);
    contain_container_free(container);
}

static void inject_runs_inside(void) {
    contain_container *container = box();
    contain_result result = injected(container, SHELL("uname -n; id -u; echo $OF; cat /proc/1/comm; exit 4"), NULL);
    CHECK(strcmp(text, "box\n0\nthe container\ncontain-init\n") == 0);
    CHECK(result.ended_by == CONTAIN_ENDED_EXITED && result.status == 4);
    injected(container, SHELL("echo ${OF:-none} $OWN"), (const char *[]){"OWN=own", "PATH=/bin", NULL});
    CHECK(strcmp(text, "none own\n") == 0);
    contain_process *process = NULL;
    const char *missing[] = {"no-such-command", NULL};
    REFUSED(contain_container_inject(container, missing, NULL, 0, &process, &err), ENOENT, CONTAIN_E_NOT_FOUND);
    CHECK(process == NULL);
    end(container);
}

static void injected_process_is_killed_alone(void) {
    contain_container *container = box();
    contain_process *process = NULL;
    DONE(contain_container_inject(container, sleeper, NULL, 0, &process, &err));
    CHECK(contain_process_pid(process, NULL) > 0 && kill(contain_process_pid(process, NULL), 0) == 0);
    int pidfd = contain_process_pidfd(process, NULL);
    CHECK(fcntl(pidfd, F_GETFD) == FD_CLOEXEC);
    CHECK(contain_process_wait(process, 50, NULL, 0, NULL) == 0);
    DONE(contain_process_kill(process, &err));
    contain_result result;
    CHECK(contain_process_wait(process, 10000, &result, sizeof result, NULL) == 1);
    CHECK(result.ended_by == CONTAIN_ENDED_SIGNALLED && result.status == SIGKILL);
    CHECK(ends_soon(pidfd));
    close(pidfd);
    REFUSED(contain_process_kill(process, &err), ESRCH, CONTAIN_E_GONE);
    REFUSED(contain_process_signal(process, SIGTERM, &err), ESRCH, CONTAIN_E_GONE);
    contain_process_free(process);
    CHECK(contain_container_wait(container, 50, NULL, 0, NULL) == 0);
    DONE(contain_container_inject(container, sleeper, NULL, 0, &process, &err));
    DONE(contain_process_signal(process, SIGTERM, &err));
    CHECK(contain_process_wait(process, 10000, &result, sizeof result, NULL) == 1);
    CHECK(result.status == SIGTERM);
    contain_process_free(process);
    end(container);
}

static void injected_process_ends_with_its_container(void) {
    contain_container *container = box();
    contain_process *process = NULL;
    DONE(contain_container_inject(container, sleeper, NULL, 0, &process, &err));
    end(container);
    CHECK(contain_process_wait(process, 10000, NULL, 0, NULL) == 1);
    contain_process_free(process);
}

static void inject_takes_a_seccomp_profile(void) {
    contain_config *config = host(sleeper);
    DONE(contain_config_set_seccomp(config, CONTAIN_SECCOMP_NONE, &err));
    DONE(contain_config_set_no_new_privs(config, 0, &err));
    contain_container *container = NULL;
    DONE(contain_container_run(config, NULL, 0, &container, &err));
    contain_config_free(config);
    const char *const *look = SHELL("unshare -m echo free 2>/dev/null || echo confined");
    injected(container, look, NULL);
    CHECK(strcmp(text, "free\n") == 0);
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    contain_inject_options options = {
        .seccomp = CONTAIN_SECCOMP_APP, .stdout_kind = CONTAIN_STDIO_DESCRIPTOR, .stdout_fd = ends[1]};
    contain_process *process = NULL;
    DONE(contain_container_inject(container, look, &options, sizeof options, &process, &err));
    close(ends[1]);
    read_all(ends[0], text, sizeof text);
    CHECK(strcmp(text, "confined\n") == 0);
    CHECK(contain_process_wait(process, 10000, NULL, 0, NULL) == 1);
    contain_process_free(process);
    end(container);
}

int main(void) {
    TEST(create_waits_for_start);
    TEST(start_of_a_missing_command_is_an_error);
    TEST(free_of_a_created_container_takes_it_down);
    TEST(free_of_a_running_container_lets_it_run);
    TEST(lifetime_says_what_the_death_of_the_caller_means);
    TEST(wait_with_a_timeout_returns_in_time);
    TEST(wait_without_a_timeout_ends_with_the_command);
    TEST(wait_without_a_timeout_is_interrupted_by_a_signal);
    TEST(signal_reaches_the_command);
    TEST(kill_ends_everything_inside);
    TEST(pidfd_is_readable_at_the_end);
    TEST(inject_runs_inside);
    TEST(injected_process_is_killed_alone);
    TEST(injected_process_ends_with_its_container);
    TEST(inject_takes_a_seccomp_profile);
    return finish();
}
