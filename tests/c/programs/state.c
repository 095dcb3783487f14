// SPDX-License-Identifier: MIT OR Apache-2.0
// State on disk: one process creates a container, others start, find, signal, stop and delete it. And what goes with a
// handle: pipes, reasons for an end, injecting by process id.
#include "../check.h"
#include <sys/stat.h>

static char folder[] = "/tmp/contain-state.XXXXXX";
static char text[65536];
static const char *sleeper[] = {"sleep", "60", NULL};

static contain_runtime *opened(void) {
    contain_runtime *runtime = NULL;
    DONE(contain_runtime_open(folder, &runtime, &err));
    return runtime;
}

// A container of this id that waits for its start.
static contain_container *created(contain_runtime *runtime, const char *id, const char *const *argv, uint32_t lifetime) {
    contain_config *config = host(argv);
    contain_container *container = NULL;
    DONE(contain_config_set_lifetime(config, lifetime, &err));
    DONE(contain_runtime_create(runtime, id, config, NULL, 0, &container, &err));
    contain_config_free(config);
    return container;
}

static void life_goes_through_several_processes(void) {
    contain_runtime *runtime = opened();
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        contain_runtime *own = opened();
        contain_container_free(created(own, "web", sleeper, CONTAIN_LIFETIME_DETACHED));
        contain_runtime_free(own);
        fflush(stdout);
        _exit(check_failed);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    contain_container *container = NULL;
    contain_process *process = NULL;
    char *id = NULL;
    DONE(contain_container_open(runtime, "web", &container, &err));
    CHECK(contain_container_id(container, &id, NULL) == 1 && strcmp(id, "web") == 0);
    contain_string_free(id);
    CHECK(contain_container_state(container, NULL) == CONTAIN_STATE_CREATED);
    REFUSED(contain_container_inject(container, sleeper, NULL, 0, &process, &err), EBUSY, CONTAIN_E_BUSY);
    DONE(contain_container_start(container, &err));
    REFUSED(contain_container_start(container, &err), EINVAL, CONTAIN_E_INVALID);
    CHECK(contain_container_state(container, NULL) == CONTAIN_STATE_RUNNING);

    contain_status known;
    DONE(contain_container_status(container, &known, sizeof known, &err));
    CHECK(known.size == sizeof known && known.state == CONTAIN_STATE_RUNNING && known.reserved == 0);
    CHECK(known.init_pid == contain_container_init_pid(container, NULL) && known.init_pid > 0);
    CHECK(known.pid == contain_container_pid(container, NULL) && known.pid > 0);
    CHECK(known.created > time(NULL) - 600 && known.created <= time(NULL));
    unsigned char small[12] = {0}, behind = small[11] = 0xaa;
    DONE(contain_container_status(container, (void *)small, 11, &err));
    CHECK(small[0] == 11 && small[8] == CONTAIN_STATE_RUNNING && small[11] == behind);

    DONE(contain_container_inject(container, (const char *[]){"true", NULL}, NULL, 0, &process, &err));
    contain_result result;
    CHECK(contain_process_wait(process, 10000, &result, sizeof result, NULL) == 1 && result.exit_status == 0);
    contain_process_free(process);

    REFUSED(contain_container_delete(container, 0, &err), EBUSY, CONTAIN_E_BUSY);
    int pidfd = contain_container_pidfd(container, NULL);
    CHECK(pidfd >= 0 && fcntl(pidfd, F_GETFD) == FD_CLOEXEC);
    DONE(contain_container_stop(container, SIGTERM, 5000, &result, sizeof result, &err));
    CHECK(result.ended_by == CONTAIN_ENDED_SIGNALLED && result.status == SIGTERM);
    CHECK(ends_soon(pidfd) && close(pidfd) == 0);
    CHECK(contain_container_state(container, NULL) == CONTAIN_STATE_STOPPED);
    DONE(contain_container_delete(container, 0, &err));
    contain_container_free(container);
    container = NULL;
    REFUSED(contain_container_open(runtime, "web", &container, &err), ENOENT, CONTAIN_E_GONE);
    CHECK(container == NULL);
    contain_runtime_free(runtime);
}

static void ids_are_taken_once_and_checked(void) {
    contain_runtime *runtime = opened();
    contain_container *container = created(runtime, "one", sleeper, CONTAIN_LIFETIME_BOUND), *other = NULL;
    contain_config *config = host(sleeper);
    REFUSED(contain_runtime_run(runtime, "one", config, NULL, 0, &other, &err), EEXIST, CONTAIN_E_EXISTS);
    REFUSED(contain_runtime_run(runtime, "a/b", config, NULL, 0, &other, &err), EINVAL, CONTAIN_E_INVALID);
    REFUSED(contain_runtime_run(runtime, "\xff", config, NULL, 0, &other, &err), EINVAL, CONTAIN_E_INVALID);
    REFUSED(contain_runtime_create(runtime, "", config, NULL, 0, &other, &err), EINVAL, CONTAIN_E_INVALID);
    REFUSED(contain_runtime_delete(runtime, "..", 1, &err), EINVAL, CONTAIN_E_INVALID);
    REFUSED(contain_runtime_delete(runtime, "one", 2, &err), EINVAL, CONTAIN_E_INVALID);
    REFUSED(contain_runtime_delete(runtime, "one", 0, &err), EBUSY, CONTAIN_E_BUSY);
    REFUSED(contain_runtime_delete(runtime, "two", 0, &err), ENOENT, CONTAIN_E_GONE);
    DONE(contain_runtime_delete(runtime, "two", 1, &err));
    DONE(contain_runtime_delete(runtime, "one", 1, &err));
    CHECK(contain_container_wait(container, 10000, NULL, 0, NULL) != 0 && other == NULL);
    contain_container_free(container);
    DONE(contain_config_set_argv(config, (const char *[]){"no-such-command", NULL}, &err));
    REFUSED(contain_runtime_run(runtime, "one", config, NULL, 0, &other, &err), ENOENT, CONTAIN_E_NOT_FOUND);
    contain_list *list = NULL;
    DONE(contain_runtime_list(runtime, &list, &err));
    CHECK(contain_list_get_count(list) == 0);
    contain_list_free(list);
    contain_config_free(config);
    contain_runtime_free(runtime);
}

static void list_has_every_container(void) {
    contain_runtime *runtime = opened();
    contain_container *b = created(runtime, "b", sleeper, CONTAIN_LIFETIME_BOUND), *a = NULL;
    contain_config *config = host((const char *[]){"true", NULL});
    DONE(contain_runtime_run(runtime, "a", config, NULL, 0, &a, &err));
    contain_config_free(config);
    CHECK(ended(a).exit_status == 0);
    char left[256];
    snprintf(left, sizeof left, "%s/c", folder);
    CHECK(mkdir(left, 0700) == 0);
    contain_list *list = NULL;
    DONE(contain_runtime_list(runtime, &list, &err));
    CHECK(contain_list_get_count(list) == 3);
    contain_status known;
    memset(&known, 0xaa, sizeof known);
    CHECK(strcmp(contain_list_get_id(list, 0), "a") == 0 && strcmp(contain_list_get_root(list, 0), "--host") == 0);
    DONE(contain_list_get_status(list, 0, &known, sizeof known, &err));
    CHECK(known.state == CONTAIN_STATE_STOPPED && known.init_pid == 0 && known.pid == 0);
    CHECK(strcmp(contain_list_get_id(list, 1), "b") == 0);
    DONE(contain_list_get_status(list, 1, &known, sizeof known, &err));
    CHECK(known.state == CONTAIN_STATE_CREATED && known.init_pid == contain_container_init_pid(b, NULL));
    // What a crash has left has no status, and is removed with force.
    CHECK(strcmp(contain_list_get_id(list, 2), "c") == 0 && strcmp(contain_list_get_root(list, 2), "") == 0);
    contain_error *error = NULL;
    CHECK(contain_list_get_status(list, 2, &known, sizeof known, &error) < 0 && contain_error_get_remedy(error) != NULL);
    contain_error_free(error);
    REFUSED(contain_list_get_status(list, 3, &known, sizeof known, &err), EINVAL, CONTAIN_E_INVALID);
    REFUSED(contain_list_get_status(list, 0, &known, 7, &err), EINVAL, CONTAIN_E_INVALID);
    REFUSED(contain_list_get_status(list, 0, &known, SIZE_MAX, &err), E2BIG, CONTAIN_E_TOO_BIG);
    CHECK(contain_list_get_id(list, 3) == NULL && contain_list_get_root(list, SIZE_MAX) == NULL);
    CHECK(contain_list_get_count(NULL) == 0 && contain_list_get_id(NULL, 0) == NULL);
    CHECK(contain_list_get_root(NULL, 0) == NULL);
    contain_list_free(list);
    for (int at = 0; at < 3; at++)
        DONE(contain_runtime_delete(runtime, (const char *[]){"a", "b", "c"}[at], 1, &err));
    contain_container_free(a);
    contain_container_free(b);
    contain_runtime_free(runtime);
}

static void container_without_state_has_no_id(void) {
    contain_container *container = start(sleeper);
    char *id = NULL;
    contain_status known;
    CHECK(contain_container_id(container, &id, NULL) == 0 && id == NULL);
    REFUSED(contain_container_status(container, &known, sizeof known, &err), EINVAL, CONTAIN_E_INVALID);
    CHECK(contain_container_state(container, NULL) == CONTAIN_STATE_RUNNING);
    REFUSED(contain_container_delete(container, 0, &err), EBUSY, CONTAIN_E_BUSY);
    REFUSED(contain_container_delete(container, 2, &err), EINVAL, CONTAIN_E_INVALID);
    DONE(contain_container_delete(container, 1, &err));
    CHECK(contain_container_state(container, NULL) == CONTAIN_STATE_STOPPED);
    REFUSED(contain_container_delete(container, 0, &err), ENOENT, CONTAIN_E_GONE);
    DONE(contain_container_delete(container, 1, &err));
    // What this handle was told stays.
    CHECK(ended(container).ended_by == CONTAIN_ENDED_SIGNALLED);
    contain_container_free(container);
}

static void processes_are_those_inside(void) {
    contain_container *container = start(SHELL("sleep 60 & sleep 60 & wait"));
    size_t count = 0;
    int32_t pids[16] = {0};
    // The shell starts them one after the other.
    for (int tries = 0; tries < 200 && count < 4; tries++) {
        DONE(contain_container_processes(container, pids, 16, &count, &err));
        usleep(10000);
    }
    CHECK(count == 4);
    int found = 0;
    for (size_t at = 0; at < count && at < 16; at++) {
        CHECK(pids[at] > 0 && kill(pids[at], 0) == 0);
        found += pids[at] == contain_container_init_pid(container, NULL);
    }
    CHECK(found == 1);
    pids[1] = -7;
    DONE(contain_container_processes(container, pids, 1, &count, &err));
    CHECK(count == 4 && pids[1] == -7);
    DONE(contain_container_processes(container, NULL, 0, &count, &err));
    REFUSED(contain_container_processes(container, NULL, 1, &count, &err), EINVAL, CONTAIN_E_INVALID);
    DONE(contain_container_kill(container, &err));
    ended(container);
    REFUSED(contain_container_processes(container, pids, 16, &count, &err), ESRCH, CONTAIN_E_GONE);
    contain_container_free(container);
}

static void stop_kills_when_the_time_has_passed(void) {
    contain_config *config = host(SHELL("trap '' TERM; echo ready; exec sleep 60"));
    contain_run_options options = {.stdout_kind = CONTAIN_STDIO_PIPE};
    contain_container *container = NULL;
    contain_result result;
    DONE(contain_container_run(config, &options, sizeof options, &container, &err));
    contain_config_free(config);
    int out = contain_container_take_stdio(container, 1, NULL);
    CHECK(read(out, text, 6) == 6);
    close(out);
    REFUSED(contain_container_stop(container, 65, 0, &result, sizeof result, &err), EINVAL, CONTAIN_E_INVALID);
    DONE(contain_container_stop(container, SIGTERM, 100, &result, sizeof result, &err));
    CHECK(result.ended_by == CONTAIN_ENDED_SIGNALLED && result.status == SIGKILL);
    DONE(contain_container_stop(container, SIGTERM, 0, NULL, 0, &err));
    contain_container_free(container);
}

static void end_says_why(void) {
    uint32_t reasons[] = {CONTAIN_ENDED_SIGNALLED, CONTAIN_ENDED_WALL, CONTAIN_ENDED_OUTPUT};
    for (int at = 0; at < 3; at++) {
        contain_container *container = start(sleeper);
        contain_process *process = NULL;
        contain_result result;
        DONE(contain_container_inject(container, sleeper, NULL, 0, &process, &err));
        DONE(contain_process_end(process, reasons[at], &result, sizeof result, &err));
        CHECK(result.ended_by == reasons[at] && result.status == SIGKILL);
        DONE(contain_container_end(container, reasons[at], &result, sizeof result, &err));
        CHECK(result.ended_by == reasons[at] && result.status == SIGKILL);
        DONE(contain_container_end(container, CONTAIN_ENDED_WALL, NULL, 0, &err));
        REFUSED(contain_container_end(container, CONTAIN_ENDED_EXITED, NULL, 0, &err), EINVAL, CONTAIN_E_INVALID);
        REFUSED(contain_process_end(process, 0, NULL, 0, &err), EINVAL, CONTAIN_E_INVALID);
        contain_process_free(process);
        contain_container_free(container);
    }
}

static void pipes_are_the_caller_s_to_take(void) {
    contain_config *config = host(SHELL("cat; echo behind >&2"));
    contain_run_options options = {
        .stdin_kind = CONTAIN_STDIO_PIPE, .stdout_kind = CONTAIN_STDIO_PIPE, .stderr_kind = CONTAIN_STDIO_PIPE};
    contain_container *container = NULL;
    DONE(contain_container_run(config, &options, sizeof options, &container, &err));
    contain_config_free(config);
    int in = contain_container_take_stdio(container, 0, NULL), out = contain_container_take_stdio(container, 1, NULL);
    CHECK(in >= 0 && out >= 0 && fcntl(in, F_GETFD) == FD_CLOEXEC && fcntl(out, F_GETFD) == FD_CLOEXEC);
    REFUSED(contain_container_take_stdio(container, 0, &err), EINVAL, CONTAIN_E_INVALID);
    REFUSED(contain_container_take_stdio(container, 3, &err), EINVAL, CONTAIN_E_INVALID);
    CHECK(write(in, "through\n", 8) == 8 && close(in) == 0);
    read_all(out, text, sizeof text);
    CHECK(strcmp(text, "through\n") == 0);
    read_all(contain_container_take_stdio(container, 2, NULL), text, sizeof text);
    CHECK(strcmp(text, "behind\n") == 0);
    CHECK(ended(container).exit_status == 0);
    contain_container_free(container);

    container = start(sleeper);
    REFUSED(contain_container_take_stdio(container, 1, &err), EINVAL, CONTAIN_E_INVALID);
    contain_inject_options injected = {.stdin_kind = CONTAIN_STDIO_PIPE, .stdout_kind = CONTAIN_STDIO_PIPE};
    contain_process *process = NULL;
    DONE(contain_container_inject(container, (const char *[]){"wc", "-c", NULL}, &injected, sizeof injected, &process,
                                  &err));
    CHECK(close(contain_process_take_stdio(process, 0, NULL)) == 0);
    read_all(contain_process_take_stdio(process, 1, NULL), text, sizeof text);
    CHECK(strcmp(text, "0\n") == 0);
    REFUSED(contain_process_take_stdio(process, 2, &err), EINVAL, CONTAIN_E_INVALID);
    CHECK(contain_process_wait(process, 10000, NULL, 0, NULL) == 1);
    contain_process_free(process);

    // By the supervisor's id, as inject(1) does.
    injected = (contain_inject_options){.stdout_kind = CONTAIN_STDIO_PIPE};
    int pid = contain_container_pid(container, NULL);
    DONE(contain_process_inject(pid, (const char *[]){"cat", "/proc/1/comm", NULL}, &injected, sizeof injected, &process,
                                &err));
    read_all(contain_process_take_stdio(process, 1, NULL), text, sizeof text);
    CHECK(strcmp(text, "contain-init\n") == 0);
    CHECK(contain_process_wait(process, 10000, NULL, 0, NULL) == 1);
    contain_process_free(process);
    DONE(contain_container_kill(container, &err));
    ended(container);
    contain_container_free(container);
    process = NULL;
    CHECK(contain_process_inject(pid, sleeper, NULL, 0, &process, NULL) < 0 && process == NULL);
    CHECK(contain_process_inject(-1, sleeper, NULL, 0, &process, NULL) < 0 && process == NULL);
    CHECK(contain_process_inject(getpid(), sleeper, NULL, 0, &process, NULL) < 0 && process == NULL);
}

static void files_go_in_and_come_out(void) {
    contain_container *container = start(sleeper);
    int in[2], out[2];
    CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    CHECK(write(in[1], "there and back", 14) == 14);
    REFUSED(contain_container_copy_in(container, "/tmp/file", 0600, in[0], 100, &err), ETIMEDOUT, CONTAIN_E_SYSTEM);
    CHECK(write(in[1], "there and back", 14) == 14 && close(in[1]) == 0);
    DONE(contain_container_copy_in(container, "/tmp/file", 0640, in[0], 10000, &err));
    DONE(contain_container_copy_out(container, "/tmp/file", out[1], 9, -1, &err));
    close(out[1]), close(in[0]);
    read_all(out[0], text, sizeof text);
    CHECK(strcmp(text, "there and") == 0);
    REFUSED(contain_container_copy_out(container, "/tmp/none", 1, 9, -1, &err), ENOENT, CONTAIN_E_SYSTEM);
    REFUSED(contain_container_copy_out(container, "/dev/null", 1, 9, -1, &err), EOPNOTSUPP, CONTAIN_E_SYSTEM);
    REFUSED(contain_container_copy_out(container, "/tmp/file", -1, 9, -1, &err), EBADF, CONTAIN_E_INVALID);
    REFUSED(contain_container_copy_out(container, "/tmp/file", 999, 9, -1, &err), EBADF, CONTAIN_E_INVALID);
    REFUSED(contain_container_copy_out(container, "/tmp/file", 1, 9, -2, &err), EINVAL, CONTAIN_E_INVALID);
    REFUSED(contain_container_copy_out(container, NULL, 1, 9, -1, &err), EINVAL, CONTAIN_E_INVALID);
    REFUSED(contain_container_copy_in(container, "/tmp/file", 010000, 0, -1, &err), EINVAL, CONTAIN_E_INVALID);
    DONE(contain_container_kill(container, &err));
    ended(container);
    contain_container_free(container);
}

static void directory_of_others_is_refused(void) {
    contain_runtime *runtime = NULL;
    char open_to_all[256];
    snprintf(open_to_all, sizeof open_to_all, "%s/open", folder);
    CHECK(mkdir(open_to_all, 0777) == 0 && chmod(open_to_all, 0777) == 0);
    CHECK(contain_runtime_open(open_to_all, &runtime, NULL) < 0 && runtime == NULL);
    CHECK(rmdir(open_to_all) == 0);
    CHECK(contain_runtime_open("/nonexistent/a/b", &runtime, NULL) == -ENOENT && runtime == NULL);
}

static void probe_finds_that_containers_work(void) {
    char *report = NULL;
    size_t length = 0;
    CHECK(contain_probe(&report, &length, NULL) == 1);
    CHECK(report != NULL && strlen(report) == length && strstr(report, "\"works\":true") != NULL);
    contain_string_free(report);
}

int main(void) {
    CHECK(mkdtemp(folder) != NULL);
    TEST(life_goes_through_several_processes);
    TEST(ids_are_taken_once_and_checked);
    TEST(list_has_every_container);
    TEST(container_without_state_has_no_id);
    TEST(processes_are_those_inside);
    TEST(stop_kills_when_the_time_has_passed);
    TEST(end_says_why);
    TEST(pipes_are_the_caller_s_to_take);
    TEST(files_go_in_and_come_out);
    TEST(directory_of_others_is_refused);
    TEST(probe_finds_that_containers_work);
    CHECK(rmdir(folder) == 0);
    return finish();
}
