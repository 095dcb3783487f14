// SPDX-License-Identifier: MIT OR Apache-2.0
// A caller that is interrupted: by a signal every millisecond, by cancelled threads, by forks of another thread, by the
// death of what it speaks to.
#include "../check.h"
#include <pthread.h>
#include <sys/time.h>

static const char *sleeper[] = {"sleep", "60", NULL};
static const char *true_[] = {"true", NULL};
static volatile sig_atomic_t alarms;

static void on_alarm(int signal) {
    (void)signal;
    alarms++;
}

static int waited(const contain_container *container, contain_result *result) {
    int ended;
    while ((ended = contain_container_wait(container, -1, result, sizeof *result, NULL)) == -EINTR)
        ;
    return ended;
}

static void signals_all_the_time_disturb_nothing(void) {
    struct sigaction action = {.sa_handler = on_alarm}, old;
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    char folder[] = "/tmp/contain-interrupted.XXXXXX";
    contain_runtime *runtime = NULL;
    contain_result result;
    CHECK(mkdtemp(folder) != NULL);
    sigaction(SIGALRM, &action, &old);
    setitimer(ITIMER_REAL, &often, NULL);
    DONE(contain_runtime_open(folder, &runtime, &err));
    for (int round = 0; round < 10; round++) {
        contain_config *config = host(SHELL("sleep 0.01; exit 7"));
        contain_container *container = NULL;
        contain_process *process = NULL;
        DONE(contain_container_create(config, NULL, 0, &container, &err));
        DONE(contain_container_start(container, &err));
        CHECK(waited(container, &result) == 1 && result.status == 7);
        contain_container_free(container);
        contain_config_free(config);

        config = host(sleeper);
        DONE(contain_runtime_run(runtime, "one", config, NULL, 0, &container, &err));
        DONE(contain_container_inject(container, true_, NULL, 0, &process, &err));
        CHECK(contain_process_wait(process, 10000, &result, sizeof result, NULL) == 1 && result.status == 0);
        contain_process_free(process);
        DONE(contain_container_stop(container, SIGTERM, 5000, &result, sizeof result, &err));
        CHECK(result.status == SIGTERM);
        DONE(contain_container_delete(container, 0, &err));
        contain_container_free(container);
        contain_config_free(config);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &old, NULL);
    CHECK(alarms > 10);
    contain_runtime_free(runtime);
    CHECK(rmdir(folder) == 0);
}

#ifndef __SANITIZE_ADDRESS__
static void *wait_for_ever(void *container) {
    return contain_container_wait(container, -1, NULL, 0, NULL) == 1 ? NULL : container;
}

// Between the calls there is nothing at which it could be cancelled, but where it has let go of all.
static void *run_for_ever(void *ignored) {
    for (;;) {
        contain_config *config = NULL;
        contain_container *container = NULL;
        (void)contain_config_new_host(true_, &config, NULL);
        (void)contain_container_run(config, NULL, 0, &container, NULL);
        (void)contain_container_wait(container, 10000, NULL, 0, NULL);
        contain_container_free(container);
        contain_config_free(config);
        pthread_testcancel();
    }
    return ignored;
}

// A cancelled thread finishes its call: unwinding through the library would end the process.
static void thread_is_cancelled_between_calls_alone(void) {
    contain_container *container = start(sleeper);
    pthread_t thread;
    void *answer = NULL;
    CHECK(pthread_create(&thread, NULL, wait_for_ever, container) == 0);
    usleep(20000);
    CHECK(pthread_cancel(thread) == 0);
    usleep(20000);
    CHECK(pthread_tryjoin_np(thread, &answer) == EBUSY);
    DONE(contain_container_kill(container, &err));
    CHECK(pthread_join(thread, &answer) == 0 && answer == NULL);
    contain_container_free(container);
    for (int round = 0; round < 16; round++) {
        CHECK(pthread_create(&thread, NULL, run_for_ever, NULL) == 0);
        usleep((useconds_t)(500 + round * 700));
        CHECK(pthread_cancel(thread) == 0);
        CHECK(pthread_join(thread, &answer) == 0 && answer == PTHREAD_CANCELED);
    }
    // The state is as it was before each call.
    int state = -1;
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state) == 0 && state == PTHREAD_CANCEL_ENABLE);
}

#endif

enum { CHILDREN = 200 };
static pid_t forked[CHILDREN];
static volatile int stop;

// Children that have copies of whatever is open at that moment, and keep them.
static void *fork_all_the_time(void *ignored) {
    for (int at = 0; at < CHILDREN && !stop; at++) {
        forked[at] = fork();
        if (forked[at] == 0) {
            pause();
            _exit(0);
        }
        usleep(500);
    }
    return ignored;
}

static void forks_of_another_thread_disturb_nothing(void) {
    pthread_t thread;
    contain_result result;
    CHECK(pthread_create(&thread, NULL, fork_all_the_time, NULL) == 0);
    for (int round = 0; round < 10; round++) {
        contain_config *config = host(SHELL("exit 3"));
        contain_container *container = NULL;
        contain_process *process = NULL;
        DONE(contain_container_create(config, NULL, 0, &container, &err));
        DONE(contain_container_start(container, &err));
        CHECK(ended(container).status == 3);
        contain_container_free(container);
        contain_config_free(config);
        container = start(sleeper);
        DONE(contain_container_inject(container, true_, NULL, 0, &process, &err));
        CHECK(contain_process_wait(process, 10000, &result, sizeof result, NULL) == 1 && result.status == 0);
        contain_process_free(process);
        // Nobody else can start it: it is taken down with its handle, whatever the children have of that.
        contain_container *never = NULL;
        config = host(sleeper);
        DONE(contain_container_create(config, NULL, 0, &never, &err));
        int pidfd = contain_container_pidfd(never, NULL);
        usleep(2000);
        contain_container_free(never);
        CHECK(ends_soon(pidfd) && close(pidfd) == 0);
        contain_config_free(config);
        DONE(contain_container_kill(container, &err));
        ended(container);
        contain_container_free(container);
    }
    stop = 1;
    pthread_join(thread, NULL);
    for (int at = 0; at < CHILDREN && forked[at] > 0; at++) {
        kill(forked[at], SIGKILL);
        waitpid(forked[at], NULL, 0);
    }
}

// Each handle whose monitor was killed: errors and results, no SIGPIPE, no wait for ever.
static void death_of_the_monitor_is_told(void) {
    contain_config *config = host(sleeper);
    contain_container *created = NULL, *running = NULL;
    contain_process *process = NULL;
    contain_result result;
    signal(SIGPIPE, SIG_DFL);
    DONE(contain_container_create(config, NULL, 0, &created, &err));
    DONE(contain_container_run(config, NULL, 0, &running, &err));
    DONE(contain_container_inject(running, sleeper, NULL, 0, &process, &err));
    contain_config_free(config);
    int pidfd = contain_container_pidfd(running, NULL), other = contain_container_pidfd(created, NULL);
    kill(contain_container_pid(created, NULL), SIGKILL);
    kill(contain_container_pid(running, NULL), SIGKILL);
    CHECK(ends_soon(pidfd) && ends_soon(other));
    close(pidfd), close(other);
    CHECK(contain_container_start(created, NULL) < 0);
    CHECK(contain_container_signal(running, SIGTERM, NULL) < 0 && contain_container_kill(created, NULL) < 0);
    CHECK(contain_container_end(running, CONTAIN_ENDED_WALL, &result, sizeof result, NULL) == 0);
    CHECK(result.status == SIGKILL);
    CHECK(contain_container_wait(created, 10000, &result, sizeof result, NULL) == 1 && result.status == SIGKILL);
    CHECK(contain_process_wait(process, 10000, &result, sizeof result, NULL) == 1 && result.status == SIGKILL);
    contain_process_free(process);
    contain_container_free(created);
    contain_container_free(running);
}

int main(void) {
    TEST(signals_all_the_time_disturb_nothing);
#ifndef __SANITIZE_ADDRESS__ // its own end of a cancelled thread is no clean one
    TEST(thread_is_cancelled_between_calls_alone);
#endif
    TEST(forks_of_another_thread_disturb_nothing);
    TEST(death_of_the_monitor_is_told);
    return finish();
}
