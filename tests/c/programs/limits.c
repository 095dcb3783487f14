// SPDX-License-Identifier: MIT OR Apache-2.0
// A caller at its limits: each call with ever more descriptors to be had, and with ever more processes. Where it fails
// it says what ran out and leaves nothing behind, and once there is enough it works.
#include "../check.h"
#include <dirent.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const char *sleeper[] = {"sleep", "60", NULL};
static char folder[] = "/tmp/contain-limits.XXXXXX";
static contain_config *config;
static contain_container *running;
static contain_runtime *runtime;

static int open_descriptors(void) {
    int count = 0;
    for (int descriptor = 0; descriptor < 256; descriptor++)
        count += fcntl(descriptor, F_GETFD) >= 0;
    return count;
}

static int entries(const char *path) {
    int count = 0;
    DIR *directory = opendir(path);
    while (directory != NULL && readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

// The calls. Each gives what the library gave, and undoes what was done.
static int run_one(contain_error **err) {
    contain_container *container = NULL;
    contain_run_options options = {
        .stdin_kind = CONTAIN_STDIO_PIPE, .stdout_kind = CONTAIN_STDIO_PIPE, .stderr_kind = CONTAIN_STDIO_PIPE};
    int done = contain_container_run(config, &options, sizeof options, &container, err);
    if (done == 0)
        contain_container_kill(container, NULL), contain_container_wait(container, 10000, NULL, 0, NULL);
    contain_container_free(container);
    return done;
}

static int create_one(contain_error **err) {
    contain_container *container = NULL;
    int done = contain_container_create(config, NULL, 0, &container, err);
    if (done == 0)
        contain_container_kill(container, NULL), contain_container_wait(container, 10000, NULL, 0, NULL);
    contain_container_free(container);
    return done;
}

static int start_one(contain_error **err) {
    struct rlimit limit, all;
    contain_container *container = NULL;
    getrlimit(RLIMIT_NOFILE, &limit);
    all = limit, all.rlim_cur = all.rlim_max;
    setrlimit(RLIMIT_NOFILE, &all);
    CHECK(contain_container_create(config, NULL, 0, &container, NULL) == 0);
    setrlimit(RLIMIT_NOFILE, &limit);
    int done = contain_container_start(container, err);
    setrlimit(RLIMIT_NOFILE, &all);
    contain_container_kill(container, NULL), contain_container_wait(container, 10000, NULL, 0, NULL);
    contain_container_free(container);
    return done;
}

static int inject_one(contain_error **err) {
    contain_process *process = NULL;
    contain_inject_options options = {.stdout_kind = CONTAIN_STDIO_PIPE};
    int done = contain_container_inject(running, sleeper, &options, sizeof options, &process, err);
    if (done == 0)
        contain_process_end(process, CONTAIN_ENDED_WALL, NULL, 0, NULL);
    contain_process_free(process);
    return done;
}

static int inject_by_pid(contain_error **err) {
    contain_process *process = NULL;
    int done = contain_process_inject(contain_container_pid(running, NULL), sleeper, NULL, 0, &process, err);
    if (done == 0)
        contain_process_end(process, CONTAIN_ENDED_WALL, NULL, 0, NULL);
    contain_process_free(process);
    return done;
}

static int run_in_userns(contain_error **err) {
    contain_process *process = NULL;
    int done = contain_userns_run(sleeper, NULL, 0, &process, err);
    if (done == 0)
        contain_process_end(process, CONTAIN_ENDED_WALL, NULL, 0, NULL);
    contain_process_free(process);
    return done;
}

static int open_runtime(contain_error **err) {
    contain_runtime *opened = NULL;
    int done = contain_runtime_open(folder, &opened, err);
    contain_runtime_free(opened);
    return done;
}

static int run_by_id(contain_error **err) {
    contain_container *container = NULL;
    int done = contain_runtime_run(runtime, "one", config, NULL, 0, &container, err);
    // With what is left of the descriptors it may be that nothing can be deleted: then it is done later.
    contain_container_free(container);
    return done;
}

static int list_all(contain_error **err) {
    contain_list *list = NULL;
    int done = contain_runtime_list(runtime, &list, err);
    contain_list_free(list);
    return done;
}

static int take_pidfd(contain_error **err) {
    int pidfd = contain_container_pidfd(running, err);
    return pidfd < 0 ? pidfd : close(pidfd);
}

static int list_processes(contain_error **err) {
    size_t count = 0;
    return contain_container_processes(running, NULL, 0, &count, err);
}

static int look_at_state(contain_error **err) {
    int state = contain_container_state(running, err);
    return state < 0 ? state : 0;
}

static int explain(contain_error **err) {
    char *text = NULL;
    int done = contain_config_explain(config, CONTAIN_EXPLAIN_TEXT, &text, NULL, err);
    contain_string_free(text);
    return done;
}

// One descriptor more each time, from none at all.
static void with_ever_more_descriptors(const char *name, int (*call)(contain_error **)) {
    struct rlimit before, limit;
    getrlimit(RLIMIT_NOFILE, &before);
    limit = before;
    int held = open_descriptors(), done = -1, refused = 0;
    for (int more = 0; more < 64 && done != 0; more++) {
        contain_error *error = NULL;
        limit.rlim_cur = (rlim_t)(held + more);
        setrlimit(RLIMIT_NOFILE, &limit);
        done = call(&error);
        setrlimit(RLIMIT_NOFILE, &before);
        refused += done != 0;
        int mine = contain_error_get_in_child(error) || contain_error_get_errno(error) == EMFILE ||
                   contain_error_get_errno(error) == EINVAL || contain_error_get_errno(error) == EBADF;
        if (done != 0 && (!mine || open_descriptors() != held))
            printf("# %s, %d more: %d, %s\n", name, more, done, contain_error_get_message(error)), check_failed = 1;
        if (getenv("SHOW") != NULL && done != 0)
            printf("# %s, %d more: %d, %s\n", name, more, done, contain_error_get_message(error));
        contain_error_free(error);
        CHECK(contain_runtime_delete(runtime, "one", 1, NULL) == 0);
    }
    if (done != 0 || open_descriptors() != held)
        printf("# %s: %d, %d descriptors before, %d now\n", name, done, held, open_descriptors()), check_failed = 1;
    if (getenv("SHOW") != NULL) printf("# %s refused %d\n", name, refused);
}

static void descriptors_that_run_out_are_an_error(void) {
    running = NULL;
    DONE(contain_container_run(config, NULL, 0, &running, &err));
    DONE(contain_runtime_open(folder, &runtime, &err));
#define DESCRIPTORS(call) with_ever_more_descriptors(#call, call)
    DESCRIPTORS(run_one);
    DESCRIPTORS(create_one);
    DESCRIPTORS(start_one);
    DESCRIPTORS(inject_one);
    DESCRIPTORS(inject_by_pid);
    DESCRIPTORS(run_in_userns);
    DESCRIPTORS(open_runtime);
    DESCRIPTORS(run_by_id);
    DESCRIPTORS(list_all);
    DESCRIPTORS(take_pidfd);
    DESCRIPTORS(list_processes);
    DESCRIPTORS(look_at_state);
    DESCRIPTORS(explain);
    CHECK(entries(folder) == 2);
    DONE(contain_container_kill(running, &err));
    ended(running);
    contain_container_free(running);
    contain_runtime_free(runtime);
}

int main(void) {
    close_range(3, ~0U, 0);
    CHECK(mkdtemp(folder) != NULL);
    config = host(sleeper);
    TEST(descriptors_that_run_out_are_an_error);
    contain_config_free(config);
    CHECK(rmdir(folder) == 0);
    return finish();
}
