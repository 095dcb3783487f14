// SPDX-License-Identifier: MIT OR Apache-2.0
// 64 threads that run containers at once, each as many as the second argument says: right results, nothing left behind,
// and the caller as it was, down to a child of its own. Then what becomes of a container when its caller dies or executes
// another program while another child has all of its descriptors.
#include "../check.h"
#include <dirent.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { THREADS = 64 };

static long rounds = 1;
static volatile sig_atomic_t children;

static void on_child(int signal) {
    (void)signal;
    children++;
}

static int entries(const char *path) {
    int count = 0;
    DIR *directory = opendir(path);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

// Runs one container; 0 if its output and its result are what they should be.
static int run_one(long thread, long round) {
    char script[128], expected[64], got[64] = {0};
    int status = (int)((thread * 7 + round) % 200), right = 0;
    snprintf(script, sizeof script, "echo %ld of %ld; exit %d", round, thread, status);
    snprintf(expected, sizeof expected, "%ld of %ld\n", round, thread);
    contain_config *config = NULL;
    contain_container *container = NULL;
    contain_run_options options = {.stdout_kind = CONTAIN_STDIO_PIPE};
    contain_result result;
    memset(&result, 0, sizeof result);
    contain_error *error = NULL;
    if (contain_config_new_host(SHELL(script), &config, &error) == 0 &&
        contain_container_run(config, &options, sizeof options, &container, &error) == 0) {
        int out = contain_container_take_stdio(container, 1, NULL);
        size_t length = 0;
        ssize_t part;
        while ((part = read(out, got + length, sizeof got - 1 - length)) > 0)
            length += (size_t)part;
        close(out);
        right = contain_container_wait(container, 30000, &result, sizeof result, &error) == 1 &&
                strcmp(got, expected) == 0 && result.ended_by == CONTAIN_ENDED_EXITED && result.status == status;
    }
    if (!right)
        fprintf(stderr, "# thread %ld, run %ld: %s, status %d, %s\n", thread, round, got, (int)result.status,
                error != NULL ? contain_error_get_message(error) : "no error");
    contain_error_free(error);
    contain_container_free(container);
    contain_config_free(config);
    return !right;
}

struct work {
    long thread, rounds;
};

static void *run_some(void *argument) {
    struct work *work = argument;
    long wrong = 0;
    for (long round = 0; round < work->rounds; round++)
        wrong += run_one(work->thread, round);
    return (void *)wrong;
}

static void run_all(long count) {
    pthread_t threads[THREADS];
    struct work work[THREADS];
    for (int at = 0; at < THREADS; at++) {
        work[at] = (struct work){at, count};
        CHECK(pthread_create(&threads[at], NULL, run_some, &work[at]) == 0);
    }
    for (int at = 0; at < THREADS; at++) {
        void *wrong = threads;
        CHECK(pthread_join(threads[at], &wrong) == 0 && wrong == NULL);
    }
}

static void right_results_and_no_growth(void) {
    run_all(1);
    int descriptors = entries("/proc/self/fd"), tasks = entries("/proc/self/task");
    size_t used = mallinfo2().uordblks;
    run_all(rounds);
    CHECK(entries("/proc/self/fd") == descriptors && entries("/proc/self/task") == tasks);
    // The C library keeps a little for each thread; a leak of 64 bytes a run would be more.
    CHECK(mallinfo2().uordblks <= used + 16384 + 32 * THREADS * (size_t)rounds);
}

static void caller_is_as_it_was(void) {
    struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART}, old, after;
    static struct rlimit limits[2][RLIM_NLIMITS];
    char here[2][4096];
    sigset_t masks[2];
    extern char **environ;
    char **environment = environ;
    int count = RLIM_NLIMITS, status = -1, go[2];
    CHECK(pipe2(go, O_CLOEXEC) == 0);
    pid_t own = fork();
    if (own == 0) {
        char byte;
        close(go[1]);
        _exit(read(go[0], &byte, 1) == 0 ? 5 : 6);
    }
    close(go[0]);
    sigaction(SIGCHLD, &action, &old);
    children = 0;
    umask(027);
    for (int at = 0; at < count; at++)
        getrlimit((__rlimit_resource_t)at, &limits[0][at]);
    pthread_sigmask(SIG_SETMASK, NULL, &masks[0]);
    CHECK(getcwd(here[0], sizeof here[0]) != NULL);
    int dumpable = prctl(PR_GET_DUMPABLE);

    run_all(1);
    CHECK(prctl(PR_GET_DUMPABLE) == dumpable && umask(022) == 027 && environ == environment);
    for (int at = 0; at < count; at++)
        getrlimit((__rlimit_resource_t)at, &limits[1][at]);
    CHECK(memcmp(limits[0], limits[1], sizeof limits[0]) == 0);
    pthread_sigmask(SIG_SETMASK, NULL, &masks[1]);
    CHECK(memcmp(&masks[0], &masks[1], 8) == 0);
    CHECK(getcwd(here[1], sizeof here[1]) != NULL && strcmp(here[0], here[1]) == 0);
    CHECK(sigaction(SIGCHLD, NULL, &after) == 0 && after.sa_handler == on_child);
    // Its own child is there still, is the only one, and is the only one that SIGCHLD has told of.
    CHECK(children == 0 && waitpid(-1, &status, WNOHANG | __WALL) == 0);
    close(go[1]);
    CHECK(wait(&status) == own && WIFEXITED(status) && WEXITSTATUS(status) == 5);
    errno = 0;
    CHECK(waitpid(-1, &status, WNOHANG | __WALL) == -1 && errno == ECHILD && children == 1);
    sigaction(SIGCHLD, &old, NULL);
}

// A child makes a container; another child of it, which has all of its descriptors, goes on. Then it is killed, or
// executes another program and is killed. What is left of the container at each point.
struct left {
    int after_exec, after_death;
};

static int is_there(int pidfd, int milliseconds) {
    struct pollfd asked = {.fd = pidfd, .events = POLLIN};
    return poll(&asked, 1, milliseconds) == 0;
}

static struct left left_of(uint32_t lifetime, int execute) {
    int ends[2], pids[2] = {-1, -1};
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    pid_t child = fork();
    if (child == 0) {
        contain_config *config = host((const char *[]){"sleep", "60", NULL});
        contain_container *container = NULL;
        DONE(contain_config_set_lifetime(config, lifetime, &err));
        DONE(contain_container_run(config, NULL, 0, &container, &err));
        pids[0] = contain_container_init_pid(container, NULL);
        pids[1] = fork();
        if (pids[1] == 0) {
            pause();
            _exit(0);
        }
        CHECK(write(ends[1], pids, sizeof pids) == sizeof pids);
        if (execute)
            execlp("sleep", "sleep", "60", (char *)NULL);
        pause();
    }
    CHECK(read(ends[0], pids, sizeof pids) == sizeof pids && pids[0] > 0 && pids[1] > 0);
    int pidfd = (int)syscall(SYS_pidfd_open, pids[0], 0);
    CHECK(pidfd >= 0);
    struct left left = {0, 0};
    left.after_exec = is_there(pidfd, 200);
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
    left.after_death = is_there(pidfd, lifetime == CONTAIN_LIFETIME_BOUND ? 2000 : 200);
    if (left.after_death)
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    kill(pids[1], SIGKILL);
    close(pidfd), close(ends[0]), close(ends[1]);
    return left;
}

static void bound_container_ends_with_its_caller_alone(void) {
    for (int execute = 0; execute < 2; execute++) {
        struct left left = left_of(CONTAIN_LIFETIME_BOUND, execute);
        CHECK(left.after_exec && !left.after_death);
    }
}

static void detached_container_outlives_all(void) {
    for (int execute = 0; execute < 2; execute++) {
        struct left left = left_of(CONTAIN_LIFETIME_DETACHED, execute);
        CHECK(left.after_exec && left.after_death);
    }
}

int main(int argc, char **argv) {
    if (argc > 2)
        rounds = strtol(argv[2], NULL, 10);
    TEST(right_results_and_no_growth);
    TEST(caller_is_as_it_was);
    TEST(bound_container_ends_with_its_caller_alone);
    TEST(detached_container_outlives_all);
    return finish();
}
