// SPDX-License-Identifier: MIT OR Apache-2.0
// State on disk under strain: twenty processes that create, start and delete the same container, injections against
// deletions, ids at their limits, a file system that is full or read-only.
#include "../check.h"
#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

enum { MANY = 20 };

static const char *sleeper[] = {"sleep", "60", NULL};
static char folder[] = "/tmp/contain-disk.XXXXXX";
static contain_config *config;

static contain_runtime *opened(void) {
    contain_runtime *runtime = NULL;
    DONE(contain_runtime_open(folder, &runtime, &err));
    return runtime;
}

static int entries(void) {
    int count = -2;
    DIR *directory = opendir(folder);
    while (directory != NULL && readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static contain_config *detached(void) {
    contain_config *made = host(sleeper);
    DONE(contain_config_set_lifetime(made, CONTAIN_LIFETIME_DETACHED, &err));
    return made;
}

static int create(contain_runtime *runtime) {
    contain_container *container = NULL;
    contain_config *own = detached();
    int done = contain_runtime_create(runtime, "one", own, NULL, 0, &container, NULL);
    contain_container_free(container);
    contain_config_free(own);
    return done;
}

static int begin(contain_runtime *runtime) {
    contain_container *container = NULL;
    int done = contain_container_open(runtime, "one", &container, NULL);
    if (done == 0)
        done = contain_container_start(container, NULL);
    contain_container_free(container);
    return done;
}

static int delete(contain_runtime *runtime) {
    return contain_runtime_delete(runtime, "one", 1, NULL);
}

// As many processes do the same at once. How many succeed; the others give this errno.
static int at_once(int (*what)(contain_runtime *), int otherwise) {
    int go[2], good = 0, status;
    CHECK(pipe2(go, O_CLOEXEC) == 0);
    fflush(stdout);
    for (int at = 0; at < MANY; at++)
        if (fork() == 0) {
            char byte;
            close(go[1]);
            contain_runtime *runtime = opened();
            int ready = read(go[0], &byte, 1) == 0, done = what(runtime);
            contain_runtime_free(runtime);
            _exit(!ready ? 2 : done == 0 ? 0 : done == -otherwise ? 1 : 3);
        }
    close(go[0]), close(go[1]);
    for (int at = 0; at < MANY; at++) {
        CHECK(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) < 2);
        good += status == 0;
    }
    return good;
}

static void of_many_one_creates_and_one_starts_and_all_can_delete(void) {
    for (int round = 0; round < 3; round++) {
        CHECK(at_once(create, EEXIST) == 1);
        CHECK(at_once(begin, EINVAL) == 1);
        CHECK(at_once(delete, ENOENT) == MANY);
        CHECK(entries() == 0);
    }
}

static void deletion_ends_what_is_injected(void) {
    contain_runtime *runtime = opened();
    for (int round = 0; round < 5; round++) {
        contain_container *container = NULL;
        DONE(contain_runtime_run(runtime, "one", config, NULL, 0, &container, &err));
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            contain_runtime *own = opened();
            usleep((useconds_t)(round * 1500));
            _exit(contain_runtime_delete(own, "one", 1, NULL) != 0);
        }
        int status = -1, done = 0;
        // Until it is gone: an injection works, or is told that.
        while (done == 0) {
            contain_process *process = NULL;
            contain_error *error = NULL;
            done = contain_container_inject(container, sleeper, NULL, 0, &process, &error);
            if (done == 0)
                CHECK(contain_process_wait(process, 10, NULL, 0, NULL) >= 0);
            else if (contain_error_get_code(error) != CONTAIN_E_GONE && contain_error_get_in_child(error) == 0)
                printf("# %d: %s\n", done, contain_error_get_message(error)), check_failed = 1;
            contain_error_free(error);
            contain_process_free(process);
        }
        CHECK(waitpid(child, &status, 0) == child && status == 0);
        CHECK(entries() == 0);
        // This handle was told no result before somebody else's deletion took it along.
        CHECK(contain_container_state(container, NULL) == CONTAIN_STATE_STOPPED);
        REFUSED(contain_container_wait(container, 10000, NULL, 0, &err), ESRCH, CONTAIN_E_GONE);
        REFUSED(contain_container_delete(container, 0, &err), ENOENT, CONTAIN_E_GONE);
        DONE(contain_container_delete(container, 1, &err));
        contain_container_free(container);
    }
    contain_runtime_free(runtime);
}

static void ids_are_as_long_as_they_may_be(void) {
    contain_runtime *runtime = opened();
    static char id[1026];
    const int lengths[] = {1, 200, 201, 255, 256, 1024};
    for (size_t at = 0; at < sizeof lengths / sizeof *lengths; at++) {
        contain_container *container = NULL;
        char *known = NULL;
        memset(id, 0, sizeof id);
        memset(id, '.', (size_t)lengths[at]);
        id[lengths[at] - 1] = '+';
        DONE(contain_runtime_create(runtime, id, config, NULL, 0, &container, &err));
        CHECK(contain_container_id(container, &known, NULL) == 1 && strcmp(known, id) == 0);
        contain_string_free(known);
        contain_container_free(container);
        container = NULL;
        DONE(contain_container_open(runtime, id, &container, &err));
        DONE(contain_container_delete(container, 1, &err));
        contain_container_free(container);
    }
    memset(id, 'x', 1025);
    contain_container *container = NULL;
    REFUSED(contain_runtime_create(runtime, id, config, NULL, 0, &container, &err), EINVAL, CONTAIN_E_INVALID);
    REFUSED(contain_container_open(runtime, id, &container, &err), EINVAL, CONTAIN_E_INVALID);
    CHECK(entries() == 0);
    contain_runtime_free(runtime);
}

// On file systems with ever more room: an error that leaves nothing, until there is enough.
static void on_small_disks(void) {
    char room[64];
    int done = -1, refused = 0;
    CHECK(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    for (int most = 1; most < 16 && done != 0; most++)
        for (int blocks = 1; blocks < 8 && done != 0; blocks++) {
            contain_container *container = NULL;
            contain_error *error = NULL;
            snprintf(room, sizeof room, "mode=700,nr_inodes=%d,nr_blocks=%d", most + 1, blocks);
            CHECK(mount("none", folder, "tmpfs", 0, room) == 0);
            contain_runtime *runtime = opened();
            done = contain_runtime_run(runtime, "one", config, NULL, 0, &container, &error);
            refused += done != 0;
            if (done != 0 && (done != -ENOSPC || entries() != 0))
                printf("# %s: %d, %d left, %s\n", room, done, entries(), contain_error_get_message(error)), check_failed = 1;
            if (done == 0) {
                // What has ended can be seen, and stays, on one that cannot be written to any more.
                contain_container *other = NULL;
                contain_result result;
                DONE(contain_container_stop(container, SIGTERM, 5000, &result, sizeof result, &err));
                CHECK(mount(NULL, folder, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
                REFUSED(contain_runtime_run(runtime, "two", config, NULL, 0, &other, &err), EROFS, CONTAIN_E_SYSTEM);
                CHECK(contain_container_state(container, NULL) == CONTAIN_STATE_STOPPED);
                REFUSED(contain_runtime_delete(runtime, "one", 0, &err), EROFS, CONTAIN_E_SYSTEM);
                CHECK(mount(NULL, folder, NULL, MS_REMOUNT | MS_BIND, NULL) == 0);
                DONE(contain_runtime_delete(runtime, "one", 0, &err));
            }
            contain_error_free(error);
            contain_container_free(container);
            contain_runtime_free(runtime);
            CHECK(umount2(folder, MNT_DETACH) == 0);
        }
    CHECK(done == 0 && refused > 3);
}

static void full_and_read_only_file_systems_are_told(void) {
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        contain_config *own = host(sleeper);
        config = own;
        on_small_disks();
        fflush(stdout);
        _exit(check_failed);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(void) {
    CHECK(mkdtemp(folder) != NULL);
    config = host(sleeper);
    TEST(of_many_one_creates_and_one_starts_and_all_can_delete);
    TEST(deletion_ends_what_is_injected);
    TEST(ids_are_as_long_as_they_may_be);
    // A user may mount nothing outside a user namespace of its own, in which it has one id alone.
    if (geteuid() == 0)
        TEST(full_and_read_only_file_systems_are_told);
    contain_config_free(config);
    CHECK(rmdir(folder) == 0);
    return finish();
}
