// SPDX-License-Identifier: MIT OR Apache-2.0
// A caller at its limits: each call with ever more descriptors to be had, and with ever more processes. Where it fails
// it says what ran out and leaves nothing behind, and once there is enough it works.
#include "../check.h"
#include <dirent.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static const char *sleeper[] = {"sleep", "60", NULL};
static char folder[] = "/tmp/contain-limits.XXXXXX";
static contain_config *config;
static contain_container *running, *stored;
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

// What is asked of a container that runs: found by its id, it is running, whatever is lacking.
static int state_of_stored(contain_error **err) {
    int state = contain_container_state(stored, err);
    CHECK(state < 0 || state == CONTAIN_STATE_RUNNING);
    return state < 0 ? state : 0;
}

static int wait_for_stored(contain_error **err) {
    int ended = contain_container_wait(stored, 0, NULL, 0, err);
    CHECK(ended <= 0);
    return ended;
}

static int signal_stored(contain_error **err) {
    return contain_container_signal(stored, 0, err);
}

static int processes_of_stored(contain_error **err) {
    size_t count = 0;
    int done = contain_container_processes(stored, NULL, 0, &count, err);
    CHECK(done < 0 || count == 2);
    return done;
}

static int init_of_stored(contain_error **err) {
    int pid = contain_container_init_pid(stored, err);
    CHECK(pid != 0);
    return pid < 0 ? pid : 0;
}

static int inject_into_stored(contain_error **err) {
    contain_process *process = NULL;
    int done = contain_container_inject(stored, sleeper, NULL, 0, &process, err);
    if (done == 0)
        contain_process_end(process, CONTAIN_ENDED_WALL, NULL, 0, NULL);
    contain_process_free(process);
    return done;
}

// Only one that has ended can be deleted: with enough descriptors it is refused for that reason.
static int delete_stored(contain_error **err) {
    int done = contain_runtime_delete(runtime, "kept", 0, err);
    CHECK(done < 0);
    return done == -EBUSY ? contain_error_free(*err), *err = NULL, 0 : done;
}

static int open_stored(contain_error **err) {
    contain_container *opened = NULL;
    int done = contain_container_open(runtime, "kept", &opened, err);
    contain_container_free(opened);
    return done;
}

static int lowest_free(void) {
    int descriptor = dup(0);
    close(descriptor);
    return descriptor;
}

// One descriptor more each time, from none at all.
static void with_ever_more_descriptors(const char *name, int (*call)(contain_error **), int least) {
    struct rlimit before, limit;
    getrlimit(RLIMIT_NOFILE, &before);
    limit = before;
    int held = open_descriptors(), free = lowest_free(), done = -1, refused = 0;
    for (int more = 0; more < 64 && done != 0; more++) {
        contain_error *error = NULL;
        limit.rlim_cur = (rlim_t)(free + more);
        setrlimit(RLIMIT_NOFILE, &limit);
        done = call(&error);
        setrlimit(RLIMIT_NOFILE, &before);
        refused += done != 0;
        int told = done == -EMFILE && contain_error_get_errno(error) == EMFILE &&
                   contain_error_get_cause(error) != NULL && contain_error_get_remedy(error) != NULL;
        if (done != 0 ? !told : error != NULL)
            printf("# %s, %d more: %d, %s\n", name, more, done, contain_error_get_message(error)), check_failed = 1;
        contain_error_free(error);
        if (contain_runtime_delete(runtime, "one", 0, NULL) != -ENOENT)
            CHECK(done == 0 && contain_runtime_delete(runtime, "one", 1, NULL) == 0);
    }
    if (done != 0 || refused < least || open_descriptors() != held)
        printf("# %s: %d, refused %d times, %d descriptors before, %d now\n", name, done, refused, held,
               open_descriptors()), check_failed = 1;
}

static void descriptors_that_run_out_are_an_error(void) {
    DONE(contain_container_run(config, NULL, 0, &running, &err));
    DONE(contain_runtime_open(folder, &runtime, &err));
    DONE(contain_runtime_run(runtime, "kept", config, NULL, 0, &stored, &err));
    // How many descriptors each call takes at least: fewer would be a test of nothing.
#define DESCRIPTORS(call, least) with_ever_more_descriptors(#call, call, least)
    DESCRIPTORS(run_one, 10);
    DESCRIPTORS(create_one, 5);
    DESCRIPTORS(inject_one, 5);
    DESCRIPTORS(inject_by_pid, 5);
    DESCRIPTORS(run_in_userns, 5);
    DESCRIPTORS(open_runtime, 1);
    DESCRIPTORS(run_by_id, 10);
    DESCRIPTORS(list_all, 1);
    DESCRIPTORS(take_pidfd, 1);
    DESCRIPTORS(open_stored, 1);
    DESCRIPTORS(state_of_stored, 1);
    DESCRIPTORS(wait_for_stored, 1);
    DESCRIPTORS(signal_stored, 1);
    DESCRIPTORS(processes_of_stored, 1);
    DESCRIPTORS(init_of_stored, 1);
    DESCRIPTORS(inject_into_stored, 5);
    DESCRIPTORS(delete_stored, 1);
    CHECK(contain_container_state(stored, NULL) == CONTAIN_STATE_RUNNING);
    DONE(contain_runtime_delete(runtime, "kept", 1, &err));
    CHECK(entries(folder) == 2);
    DONE(contain_container_kill(running, &err));
    ended(running);
    contain_container_free(running);
    contain_container_free(stored);
    contain_runtime_free(runtime);
}

// As many processes as the limit says, from none at all; in a child that is a user of its own where it can be, for
// root has no such limit, and other processes of one user count too.
static void with_ever_more_processes(void) {
    struct rlimit limit;
    int done = -1, refused = 0;
    if (getuid() == 0 && (setgroups(0, NULL) != 0 || setresgid(500000, 500000, 500000) != 0 ||
                          setresuid(500000 + (uid_t)getpid(), 500000 + (uid_t)getpid(), 500000 + (uid_t)getpid()) != 0))
        return;
    // What has ended counts until it has been waited for.
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    contain_config *own = host(sleeper);
    getrlimit(RLIMIT_NPROC, &limit);
    // First one by one, then in leaps: of a user with other processes these count too.
    for (rlim_t most = 1; most < 8192 && done != 0; most += most < 16 ? 1 : most) {
        limit.rlim_cur = most;
        contain_error *error = NULL;
        contain_container *container = NULL;
        setrlimit(RLIMIT_NPROC, &limit);
        int held = open_descriptors();
        done = contain_container_run(own, NULL, 0, &container, &error);
        if (done == 0)
            contain_container_end(container, CONTAIN_ENDED_WALL, NULL, 0, NULL);
        refused += done != 0;
        if (done != 0 && (done != -EAGAIN || contain_error_get_cause(error) == NULL || open_descriptors() != held))
            printf("# %d processes: %d, %s\n", (int)limit.rlim_cur, done, contain_error_get_message(error)), check_failed = 1;
        contain_error_free(error);
        contain_container_free(container);
        while (waitpid(-1, NULL, __WALL) > 0)
            ;
    }
    CHECK(done == 0 && refused > 0);
    contain_config_free(own);
}

static void processes_that_run_out_are_an_error(void) {
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        with_ever_more_processes();
        fflush(stdout);
        _exit(check_failed);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(void) {
    close_range(3, ~0U, 0);
    CHECK(mkdtemp(folder) != NULL);
    config = host(sleeper);
    TEST(descriptors_that_run_out_are_an_error);
    TEST(processes_that_run_out_are_an_error);
    contain_config_free(config);
    CHECK(rmdir(folder) == 0);
    return finish();
}
