// SPDX-License-Identifier: MIT OR Apache-2.0
// Two copies of the library in one process: the archive linked in, and the shared library opened and closed again and
// again. Neither disturbs the other, and nothing grows.
#include "check.h"
#include <dirent.h>
#include <dlfcn.h>

static int lines_of(const char *path, const char *with) {
    char line[4096];
    int count = 0;
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        count += strstr(line, with) != NULL;
    if (file != NULL)
        fclose(file);
    return count;
}

static int descriptors(void) {
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static void *found(void *library, const char *name) {
    void *function = dlsym(library, name);
    CHECK(function != NULL);
    return function;
}

static void shared_library_is_opened_and_closed_a_hundred_times(void) {
    int open = 0, mapped = 0;
    for (int round = 0; round < 100; round++) {
        void *library = dlopen("libcontain.so.0", RTLD_NOW | RTLD_LOCAL);
        CHECK(library != NULL);
        if (library == NULL)
            return;
        const char *(*version)(void);
        *(void **)&version = found(library, "contain_version");
        CHECK(version != contain_version && strcmp(version(), contain_version()) == 0);
        CHECK(dlclose(library) == 0);
        if (round == 0)
            open = descriptors(), mapped = lines_of("/proc/self/maps", "libcontain");
    }
    CHECK(descriptors() == open && lines_of("/proc/self/maps", "libcontain") == mapped && mapped > 0);
}

static void both_copies_run_containers_at_once(void) {
    const char *sleeper[] = {"sleep", "60", NULL};
    void *library = dlopen("libcontain.so.0", RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    if (library == NULL)
        return;
    int (*new_host)(const char *const *, contain_config **, contain_error **);
    int (*run)(const contain_config *, const contain_run_options *, size_t, contain_container **, contain_error **);
    int (*end)(const contain_container *, uint32_t, contain_result *, size_t, contain_error **);
    void (*free_config)(contain_config *), (*free_container)(contain_container *);
    *(void **)&new_host = found(library, "contain_config_new_host");
    *(void **)&run = found(library, "contain_container_run");
    *(void **)&end = found(library, "contain_container_end");
    *(void **)&free_config = found(library, "contain_config_free");
    *(void **)&free_container = found(library, "contain_container_free");
    contain_config *config = NULL;
    contain_container *theirs = NULL, *ours = start(sleeper);
    contain_result result;
    DONE(new_host(sleeper, &config, &err));
    DONE(run(config, NULL, 0, &theirs, &err));
    DONE(contain_container_end(ours, CONTAIN_ENDED_WALL, &result, sizeof result, &err));
    CHECK(result.ended_by == CONTAIN_ENDED_WALL);
    DONE(end(theirs, CONTAIN_ENDED_OUTPUT, &result, sizeof result, &err));
    CHECK(result.ended_by == CONTAIN_ENDED_OUTPUT);
    free_container(theirs);
    free_config(config);
    contain_container_free(ours);
    CHECK(dlclose(library) == 0);
}

int main(void) {
    TEST(shared_library_is_opened_and_closed_a_hundred_times);
    TEST(both_copies_run_containers_at_once);
    return finish();
}
