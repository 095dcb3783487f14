// SPDX-License-Identifier: MIT OR Apache-2.0
// Each object whose page says "several threads at once", used by several threads at once; under valgrind's helgrind with
// --start-nothing, without containers.
#include "../check.h"
#include <pthread.h>

enum { THREADS = 6, ROUNDS = 20 };

static char folder[] = "/tmp/contain-shared.XXXXXX";
static contain_runtime *runtime;
static contain_list *list;
static contain_seccomp *seccomp;
static contain_error *refusal;
static contain_container *container, *stored;
static contain_process *process;

// In threads nothing is printed: what is wrong is counted.
static size_t use_what_starts_nothing(void) {
    size_t wrong = 0;
    contain_list *own = NULL;
    contain_status status;
    const uint8_t *program = NULL;
    size_t length = 0;
    uint32_t action = 0;
    wrong += contain_runtime_list(runtime, &own, NULL) != 0;
    contain_list_free(own);
    wrong += contain_runtime_delete(runtime, "none", 0, NULL) != -ENOENT;
    for (size_t at = 0; at < contain_list_get_count(list); at++)
        wrong += contain_list_get_id(list, at) == NULL || contain_list_get_root(list, at) == NULL ||
                 contain_list_get_status(list, at, &status, sizeof status, NULL) != 0;
    wrong += contain_seccomp_get_bpf(seccomp, &program, &length, NULL) != 0 || length == 0;
    wrong += contain_seccomp_test(seccomp, CONTAIN_ARCHITECTURE_X86_64, "read", NULL, &action, NULL, NULL) != 0;
    wrong += action != CONTAIN_ACTION_ALLOW || contain_error_get_errno(refusal) != EINVAL;
    wrong += contain_error_get_message(refusal) == NULL || contain_error_get_cause(refusal) == NULL;
    return wrong;
}

static size_t use_containers(void) {
    const contain_container *both[] = {container, stored};
    size_t wrong = 0, count = 0;
    for (int at = 0; at < 2; at++) {
        contain_process *own = NULL;
        char *id = NULL;
        wrong += contain_container_state(both[at], NULL) != CONTAIN_STATE_RUNNING;
        wrong += contain_container_wait(both[at], 0, NULL, 0, NULL) != 0;
        wrong += contain_container_signal(both[at], 0, NULL) != 0 || contain_container_init_pid(both[at], NULL) <= 0;
        wrong += contain_container_processes(both[at], NULL, 0, &count, NULL) != 0 || count < 2;
        wrong += contain_container_start(both[at], NULL) != -EINVAL || contain_container_id(both[at], &id, NULL) != at;
        wrong += contain_container_inject(both[at], (const char *[]){"true", NULL}, NULL, 0, &own, NULL) != 0;
        wrong += contain_process_wait(own, 10000, NULL, 0, NULL) != 1;
        contain_process_free(own);
        contain_string_free(id);
    }
    wrong += contain_process_wait(process, 0, NULL, 0, NULL) != 0 || contain_process_signal(process, 0, NULL) != 0;
    return wrong;
}

static void *use_all(void *ignored) {
    size_t wrong = 0;
    (void)ignored;
    for (int round = 0; round < ROUNDS; round++)
        wrong += use_what_starts_nothing();
    if (container != NULL)
        wrong += use_containers();
    return (void *)wrong;
}

static void several_threads_use_one_object(void) {
    pthread_t threads[THREADS];
    for (int at = 0; at < THREADS; at++)
        CHECK(pthread_create(&threads[at], NULL, use_all, NULL) == 0);
    for (int at = 0; at < THREADS; at++) {
        void *wrong = threads;
        CHECK(pthread_join(threads[at], &wrong) == 0 && wrong == NULL);
    }
}

static void *end_all(void *ignored) {
    size_t wrong = contain_process_end(process, CONTAIN_ENDED_OUTPUT, NULL, 0, NULL) != 0;
    wrong += contain_container_end(container, CONTAIN_ENDED_WALL, NULL, 0, NULL) != 0;
    wrong += contain_container_stop(stored, SIGTERM, 5000, NULL, 0, NULL) != 0;
    wrong += contain_container_wait(container, -1, NULL, 0, NULL) != 1;
    return ignored != NULL ? ignored : (void *)wrong;
}

static void several_threads_end_one_container(void) {
    pthread_t threads[THREADS];
    for (int at = 0; at < THREADS; at++)
        CHECK(pthread_create(&threads[at], NULL, end_all, NULL) == 0);
    for (int at = 0; at < THREADS; at++) {
        void *wrong = threads;
        CHECK(pthread_join(threads[at], &wrong) == 0 && wrong == NULL);
    }
}

int main(int argc, char **argv) {
    const char *sleeper[] = {"sleep", "60", NULL};
    int starts = argc < 2 || strcmp(argv[1], "--start-nothing") != 0;
    contain_config *config = host(sleeper);
    CHECK(mkdtemp(folder) != NULL);
    DONE(contain_runtime_open(folder, &runtime, &err));
    DONE(contain_seccomp_new(CONTAIN_SECCOMP_APP, 0, &seccomp, &err));
    CHECK(contain_config_set_init(config, 2, &refusal) == -EINVAL);
    if (starts) {
        DONE(contain_container_run(config, NULL, 0, &container, &err));
        DONE(contain_runtime_run(runtime, "one", config, NULL, 0, &stored, &err));
        DONE(contain_container_inject(container, sleeper, NULL, 0, &process, &err));
    }
    DONE(contain_runtime_list(runtime, &list, &err));
    CHECK(contain_list_get_count(list) == (size_t)starts);
    TEST(several_threads_use_one_object);
    if (starts) {
        TEST(several_threads_end_one_container);
        DONE(contain_runtime_delete(runtime, "one", 1, &err));
    }
    contain_process_free(process);
    contain_container_free(container);
    contain_container_free(stored);
    contain_list_free(list);
    contain_error_free(refusal);
    contain_seccomp_free(seccomp);
    contain_runtime_free(runtime);
    contain_config_free(config);
    CHECK(rmdir(folder) == 0);
    return finish();
}
