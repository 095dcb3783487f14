// SPDX-License-Identifier: MIT OR Apache-2.0
// Handles in other processes and other threads than the one that made them.
#include "../check.h"
#include <pthread.h>

static const char *sleeper[] = {"sleep", "60", NULL};

#define FOREIGN(call) REFUSED(call, ECHILD, CONTAIN_E_WRONG_PROCESS)

static void use_foreign_seccomp(contain_seccomp *seccomp) {
    const uint8_t *program = NULL;
    size_t length = 0;
    uint32_t action = 0;
    FOREIGN(contain_seccomp_get_bpf(seccomp, &program, &length, &err));
    FOREIGN(contain_seccomp_test(seccomp, CONTAIN_ARCHITECTURE_X86_64, "read", NULL, &action, NULL, &err));
    FOREIGN(contain_seccomp_add_rule(seccomp, "read", CONTAIN_ACTION_LOG, 0, NULL, 0, &err));
    FOREIGN(contain_seccomp_add_architecture(seccomp, CONTAIN_ARCHITECTURE_I386, &err));
    FOREIGN(contain_seccomp_set_flags(seccomp, 0, &err));
    CHECK(program == NULL && length == 0 && action == 0);
}

static void use_foreign_events(contain_events *events, contain_container *container) {
    contain_events *other = NULL;
    contain_event event;
    FOREIGN(contain_events_get_fd(events, &err));
    FOREIGN(contain_events_next(events, 0, &event, sizeof event, &err));
    FOREIGN(contain_events_open(container, &other, &err));
    CHECK(other == NULL);
    contain_events_free(events);
}

static char folder[] = "/tmp/contain-processes.XXXXXX";

static void use_foreign_state(contain_runtime *runtime, contain_list *list, contain_config *config) {
    contain_container *container = NULL;
    contain_list *other = NULL;
    contain_status status;
    FOREIGN(contain_runtime_create(runtime, "b", config, NULL, 0, &container, &err));
    FOREIGN(contain_runtime_run(runtime, "b", config, NULL, 0, &container, &err));
    FOREIGN(contain_container_open(runtime, "a", &container, &err));
    FOREIGN(contain_runtime_delete(runtime, "a", 1, &err));
    FOREIGN(contain_runtime_list(runtime, &other, &err));
    FOREIGN(contain_list_get_status(list, 0, &status, sizeof status, &err));
    CHECK(contain_list_get_count(list) == 0 && contain_list_get_id(list, 0) == NULL);
    CHECK(contain_list_get_root(list, 0) == NULL && other == NULL && container == NULL);
    contain_list_free(list);
    contain_runtime_free(runtime);
}

static void use_foreign(contain_config *config, contain_container *container, contain_process *process) {
    contain_config *copy = NULL;
    contain_container *other = NULL;
    contain_process *injected = NULL;
    char *text = NULL;
    FOREIGN(contain_config_clone(config, &copy, &err));
    FOREIGN(contain_config_to_json(config, &text, NULL, &err));
    FOREIGN(contain_config_validate(config, &err));
    FOREIGN(contain_config_set_root(config, "/", &err));
    FOREIGN(contain_config_set_host_root(config, &err));
    FOREIGN(contain_config_set_argv(config, sleeper, &err));
    FOREIGN(contain_config_set_env(config, sleeper, &err));
    FOREIGN(contain_config_set_search_path(config, 1, &err));
    FOREIGN(contain_config_set_chdir(config, "/", &err));
    FOREIGN(contain_config_set_hostname(config, "a", &err));
    FOREIGN(contain_config_set_uid_map(config, "0:0:1", &err));
    FOREIGN(contain_config_set_gid_map(config, "0:0:1", &err));
    FOREIGN(contain_config_set_network(config, 0, &err));
    FOREIGN(contain_config_set_network_veth(config, NULL, 0, &err));
    FOREIGN(contain_config_set_init(config, 0, &err));
    FOREIGN(contain_config_set_seccomp(config, CONTAIN_SECCOMP_APP, &err));
    FOREIGN(contain_config_set_seccomp_filter(config, NULL, &err));
    FOREIGN(contain_config_set_no_new_privs(config, 0, &err));
    FOREIGN(contain_config_set_lifetime(config, 0, &err));
    FOREIGN(contain_config_add_bind(config, "/", "/a", 0, &err));
    FOREIGN(contain_config_add_tmpfs(config, "/a", 0, 0, &err));
    FOREIGN(contain_config_clear_mounts(config, &err));
    FOREIGN(contain_config_set_overlay(config, 0, 0, &err));
    FOREIGN(contain_config_set_read_only(config, 0, &err));
    FOREIGN(contain_config_set_user(config, "0", &err));
    FOREIGN(contain_config_set_capabilities(config, sleeper, &err));
    FOREIGN(contain_config_set_rlimit(config, 0, 0, 0, &err));
    FOREIGN(contain_config_set_preserve_fds(config, 0, &err));
    FOREIGN(contain_config_set_pass_fds(config, NULL, 0, &err));
    FOREIGN(contain_config_set_timeout(config, -1, &err));
    FOREIGN(contain_config_add_file(config, "/a", NULL, 0, 0, &err));
    FOREIGN(contain_config_set_console(config, 0, &err));
    FOREIGN(contain_config_set_console_size(config, 0, 0, &err));
    FOREIGN(contain_config_set_inside_helper(config, NULL, &err));
    FOREIGN(contain_config_set_outside_helper(config, NULL, &err));
    FOREIGN(contain_config_explain(config, CONTAIN_EXPLAIN_TEXT, &text, NULL, &err));
    FOREIGN(contain_container_run(config, NULL, 0, &other, &err));
    FOREIGN(contain_container_create(config, NULL, 0, &other, &err));
    FOREIGN(contain_container_start(container, &err));
    FOREIGN(contain_container_inject(container, sleeper, NULL, 0, &injected, &err));
    FOREIGN(contain_container_signal(container, SIGTERM, &err));
    FOREIGN(contain_container_kill(container, &err));
    FOREIGN(contain_container_wait(container, 0, NULL, 0, &err));
    FOREIGN(contain_container_pid(container, &err));
    FOREIGN(contain_container_init_pid(container, &err));
    FOREIGN(contain_container_pidfd(container, &err));
    contain_status status;
    size_t count = 0;
    FOREIGN(contain_container_id(container, &text, &err));
    FOREIGN(contain_container_state(container, &err));
    FOREIGN(contain_container_status(container, &status, sizeof status, &err));
    FOREIGN(contain_container_processes(container, NULL, 0, &count, &err));
    FOREIGN(contain_container_copy_out(container, "/a", 1, 1, -1, &err));
    FOREIGN(contain_container_copy_in(container, "/a", 0, 0, -1, &err));
    FOREIGN(contain_container_stop(container, SIGTERM, 0, NULL, 0, &err));
    FOREIGN(contain_container_end(container, CONTAIN_ENDED_WALL, NULL, 0, &err));
    FOREIGN(contain_container_delete(container, 1, &err));
    FOREIGN(contain_container_take_stdio(container, 0, &err));
    FOREIGN(contain_container_take_console(container, &err));
    FOREIGN(contain_process_end(process, CONTAIN_ENDED_WALL, NULL, 0, &err));
    FOREIGN(contain_process_take_stdio(process, 0, &err));
    FOREIGN(contain_process_take_console(process, &err));
    FOREIGN(contain_process_signal(process, SIGTERM, &err));
    FOREIGN(contain_process_kill(process, &err));
    FOREIGN(contain_process_wait(process, 0, NULL, 0, &err));
    FOREIGN(contain_process_pid(process, &err));
    FOREIGN(contain_process_pidfd(process, &err));
    CHECK(copy == NULL && other == NULL && injected == NULL && text == NULL);
    contain_process_free(process);
    contain_container_free(container);
    contain_config_free(config);
    // What the child makes itself, it can use.
    other = start((const char *[]){"true", NULL});
    ended(other);
    contain_container_free(other);
}

static void handle_in_a_forked_child_is_an_error(void) {
    contain_config *config = host(sleeper);
    contain_container *container = NULL;
    contain_process *process = NULL;
    contain_runtime *runtime = NULL;
    contain_list *list = NULL;
    contain_seccomp *seccomp = NULL;
    DONE(contain_seccomp_new(CONTAIN_SECCOMP_APP, 0, &seccomp, &err));
    CHECK(mkdtemp(folder) != NULL);
    DONE(contain_runtime_open(folder, &runtime, &err));
    DONE(contain_runtime_run(runtime, "a", config, NULL, 0, &container, &err));
    DONE(contain_runtime_list(runtime, &list, &err));
    CHECK(contain_list_get_count(list) == 1);
    contain_container_free(container);
    DONE(contain_container_run(config, NULL, 0, &container, &err));
    DONE(contain_container_inject(container, sleeper, NULL, 0, &process, &err));
    contain_events *events = NULL;
    DONE(contain_events_open(container, &events, &err));
    fflush(stdout);
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        use_foreign_seccomp(seccomp);
        use_foreign_events(events, container);
        use_foreign_state(runtime, list, config);
        use_foreign(config, container, process);
        fflush(stdout);
        _exit(check_failed);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(contain_container_wait(container, 100, NULL, 0, NULL) == 0);
    CHECK(contain_process_wait(process, 0, NULL, 0, NULL) == 0);
    DONE(contain_container_kill(container, &err));
    ended(container);
    DONE(contain_runtime_delete(runtime, "a", 1, &err));
    contain_events_free(events);
    contain_seccomp_free(seccomp);
    contain_list_free(list);
    contain_runtime_free(runtime);
    CHECK(rmdir(folder) == 0);
    contain_process_free(process);
    contain_container_free(container);
    contain_config_free(config);
}

static void *kill_later(void *container) {
    usleep(100000);
    return contain_container_kill(container, NULL) == 0 ? NULL : container;
}

static void one_thread_waits_while_another_kills(void) {
    contain_container *container = start(sleeper);
    pthread_t thread;
    void *answer = container;
    pthread_create(&thread, NULL, kill_later, container);
    contain_result result;
    CHECK(contain_container_wait(container, -1, &result, sizeof result, NULL) == 1);
    CHECK(result.status == SIGKILL);
    pthread_join(thread, &answer);
    CHECK(answer == NULL);
    contain_container_free(container);
}

static void *wait_for(void *container) {
    contain_result result = {0};
    int answer = contain_container_wait(container, 10000, &result, sizeof result, NULL);
    return answer == 1 && result.status == SIGKILL ? NULL : container;
}

static void two_threads_wait_for_one_container(void) {
    contain_container *container = start(sleeper);
    pthread_t threads[2];
    for (int at = 0; at < 2; at++)
        pthread_create(&threads[at], NULL, wait_for, container);
    usleep(50000);
    DONE(contain_container_kill(container, &err));
    for (int at = 0; at < 2; at++) {
        void *answer = container;
        pthread_join(threads[at], &answer);
        CHECK(answer == NULL);
    }
    contain_container_free(container);
}

static void *make(void *place) {
    contain_config *config = NULL;
    int failed = contain_config_new_host(sleeper, &config, NULL) < 0;
    failed |= contain_container_run(config, NULL, 0, place, NULL) < 0;
    contain_config_free(config);
    return failed ? place : NULL;
}

static void container_outlives_the_thread_that_made_it(void) {
    contain_container *containers[4] = {NULL};
    pthread_t threads[4];
    for (int at = 0; at < 4; at++)
        pthread_create(&threads[at], NULL, make, &containers[at]);
    for (int at = 0; at < 4; at++) {
        void *answer = containers;
        pthread_join(threads[at], &answer);
        CHECK(answer == NULL && containers[at] != NULL);
    }
    for (int at = 0; at < 4; at++) {
        CHECK(contain_container_wait(containers[at], 50, NULL, 0, NULL) == 0);
        DONE(contain_container_kill(containers[at], &err));
        CHECK(ended(containers[at]).status == SIGKILL);
        contain_container_free(containers[at]);
    }
}

int main(void) {
    TEST(handle_in_a_forked_child_is_an_error);
    TEST(one_thread_waits_while_another_kills);
    TEST(two_threads_wait_for_one_container);
    TEST(container_outlives_the_thread_that_made_it);
    return finish();
}
