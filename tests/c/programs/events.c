// SPDX-License-Identifier: MIT OR Apache-2.0
// Events: in order and none lost, for whoever holds the container, by one descriptor; and what is left of them.
#include "../check.h"
#include <dirent.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/time.h>

static char folder[] = "/tmp/contain-events.XXXXXX";
static const char *sleeper[] = {"sleep", "60", NULL};

static contain_runtime *opened(void) {
    contain_runtime *runtime = NULL;
    DONE(contain_runtime_open(folder, &runtime, &err));
    return runtime;
}

static contain_events *events_of(const contain_container *container) {
    contain_events *events = NULL;
    DONE(contain_events_open(container, &events, &err));
    return events;
}

static int readable(const contain_events *events, int timeout) {
    struct pollfd asked = {.fd = contain_events_get_fd(events, NULL), .events = POLLIN};
    return poll(&asked, 1, timeout) == 1;
}

// The next event, which comes soon; its state is this, and what it is too.
static contain_event next(const contain_events *events, uint32_t kind, uint32_t state) {
    contain_event event;
    memset(&event, 0xaa, sizeof event);
    CHECK(readable(events, 10000));
    CHECK(contain_events_next(events, 10000, &event, sizeof event, NULL) == 1);
    CHECK(event.size == sizeof event && event.kind == kind && event.state == state && event.reserved == 0);
    if (event.kind == CONTAIN_EVENT_STATE)
        CHECK(event.ended_by == 0 && event.status == 0 && event.wall_ns == 0 && event.peak_memory == 0);
    return event;
}

static void state(const contain_events *events, uint32_t state) {
    next(events, CONTAIN_EVENT_STATE, state);
}

static void silent(const contain_events *events) {
    contain_event event;
    CHECK(contain_events_next(events, 0, &event, sizeof event, NULL) == 0);
    CHECK(!readable(events, 0));
}

// The two that an end consists of, and nothing behind.
static void end(const contain_events *events, uint32_t ended_by, int status) {
    contain_event event;
    state(events, CONTAIN_STATE_STOPPED);
    event = next(events, CONTAIN_EVENT_EXIT, CONTAIN_STATE_STOPPED);
    CHECK(event.ended_by == ended_by && event.status == status);
    REFUSED(contain_events_next(events, -1, &event, sizeof event, &err), ESRCH, CONTAIN_E_GONE);
    CHECK(readable(events, 0));
}

static contain_container *created(contain_runtime *runtime, const char *id, const char *const *argv) {
    contain_config *config = host(argv);
    contain_container *container = NULL;
    DONE(contain_config_set_lifetime(config, CONTAIN_LIFETIME_DETACHED, &err));
    if (runtime != NULL)
        DONE(contain_runtime_create(runtime, id, config, NULL, 0, &container, &err));
    else
        DONE(contain_container_create(config, NULL, 0, &container, &err));
    contain_config_free(config);
    return container;
}

static void own_container_tells_of_its_life(void) {
    contain_container *container = created(NULL, NULL, SHELL("exit 7"));
    contain_events *events = events_of(container);
    state(events, CONTAIN_STATE_CREATED);
    silent(events);
    DONE(contain_container_start(container, &err));
    state(events, CONTAIN_STATE_RUNNING);
    contain_result result = ended(container);
    contain_container_free(container);
    state(events, CONTAIN_STATE_STOPPED);
    contain_event event = next(events, CONTAIN_EVENT_EXIT, CONTAIN_STATE_STOPPED);
    CHECK(event.ended_by == result.ended_by && event.status == 7 && event.exit_status == 7);
    CHECK(event.wall_ns == result.wall_ns && event.user_ns == result.user_ns && event.system_ns == result.system_ns);
    CHECK(event.peak_memory == result.peak_memory && event.peak_memory > 0);
    contain_events_free(events);
}

// Does something with a container in a process of its own.
static void elsewhere(const char *id, void (*act)(contain_container *)) {
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        contain_runtime *runtime = opened();
        contain_container *container = NULL;
        DONE(contain_container_open(runtime, id, &container, &err));
        act(container);
        contain_container_free(container);
        contain_runtime_free(runtime);
        fflush(stdout);
        _exit(check_failed);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void begin(contain_container *container) {
    DONE(contain_container_start(container, &err));
}

static void terminate(contain_container *container) {
    DONE(contain_container_signal(container, SIGTERM, &err));
}

static void remove_by_force(contain_container *container) {
    DONE(contain_container_delete(container, 1, &err));
}

static void other_processes_make_events_come(void) {
    contain_runtime *runtime = opened();
    contain_container *container = created(runtime, "web", sleeper);
    contain_events *events = events_of(container), *unread = events_of(container);
    contain_container_free(container);
    state(events, CONTAIN_STATE_CREATED);
    silent(events);
    elsewhere("web", begin);
    state(events, CONTAIN_STATE_RUNNING);
    silent(events);
    DONE(contain_container_open(runtime, "web", &container, &err));
    contain_events *late = events_of(container);
    state(late, CONTAIN_STATE_RUNNING);
    elsewhere("web", terminate);
    end(events, CONTAIN_ENDED_SIGNALLED, SIGTERM);
    contain_events_free(events);
    events = events_of(container);
    elsewhere("web", remove_by_force);
    end(late, CONTAIN_ENDED_SIGNALLED, SIGTERM);
    end(events, CONTAIN_ENDED_SIGNALLED, SIGTERM);
    state(unread, CONTAIN_STATE_CREATED);
    state(unread, CONTAIN_STATE_RUNNING);
    end(unread, CONTAIN_ENDED_SIGNALLED, SIGTERM);
    REFUSED(contain_events_open(NULL, &events, &err), EINVAL, CONTAIN_E_INVALID);
    contain_events_free(events);
    contain_events_free(late);
    contain_events_free(unread);
    contain_container_free(container);
    contain_runtime_free(runtime);
}

static void several_containers_fit_one_epoll(void) {
    enum { COUNT = 4 };
    contain_container *containers[COUNT];
    contain_events *events[COUNT];
    int told[COUNT] = {0}, epoll = epoll_create1(EPOLL_CLOEXEC), over = 0;
    for (int at = 0; at < COUNT; at++) {
        char script[32];
        snprintf(script, sizeof script, "exit %d", at);
        containers[at] = start(SHELL(script));
        events[at] = events_of(containers[at]);
        struct epoll_event wanted = {.events = EPOLLIN, .data.u32 = (uint32_t)at};
        CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, contain_events_get_fd(events[at], NULL), &wanted) == 0);
    }
    while (over < COUNT) {
        struct epoll_event got;
        contain_event event;
        if (epoll_wait(epoll, &got, 1, 10000) != 1)
            break;
        int at = (int)got.data.u32;
        if (contain_events_next(events[at], 0, &event, sizeof event, NULL) != 1)
            continue;
        told[at]++;
        if (event.kind == CONTAIN_EVENT_EXIT) {
            CHECK(event.ended_by == CONTAIN_ENDED_EXITED && event.status == at);
            contain_events_free(events[at]);
            contain_container_free(containers[at]);
            over++;
        }
    }
    for (int at = 0; at < COUNT; at++)
        CHECK(told[at] == 3 || told[at] == 2);
    CHECK(over == COUNT && close(epoll) == 0);
}

static void size_of_an_event_may_be_another(void) {
    contain_container *container = start(sleeper);
    contain_events *events = events_of(container);
    unsigned char small[24], large[128];
    memset(small, 0xaa, sizeof small);
    memset(large, 0xaa, sizeof large);
    contain_event event;
    REFUSED(contain_events_next(events, 0, NULL, 0, &err), EINVAL, CONTAIN_E_INVALID);
    REFUSED(contain_events_next(events, 0, &event, 7, &err), EINVAL, CONTAIN_E_INVALID);
    REFUSED(contain_events_next(events, 0, &event, 5000, &err), E2BIG, CONTAIN_E_TOO_BIG);
    REFUSED(contain_events_next(events, -2, &event, sizeof event, &err), EINVAL, CONTAIN_E_INVALID);
    CHECK(contain_events_next(events, 0, (void *)small, 16, NULL) == 1);
    CHECK(small[0] == 16 && small[8] == CONTAIN_EVENT_STATE && small[12] == CONTAIN_STATE_RUNNING && small[16] == 0xaa);
    DONE(contain_container_kill(container, &err));
    CHECK(contain_events_next(events, 10000, (void *)large, sizeof large, NULL) == 1);
    CHECK(large[0] == sizeof event && large[12] == CONTAIN_STATE_STOPPED && large[sizeof event] == 0 && large[127] == 0);
    contain_events_free(events);
    contain_container_free(container);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int signal) {
    (void)signal;
    alarms++;
}

static void signals_end_a_wait_without_a_timeout_alone(void) {
    struct sigaction action = {.sa_handler = on_alarm}, before;
    struct itimerval often = {.it_interval = {.tv_usec = 20000}, .it_value = {.tv_usec = 20000}}, never = {0};
    contain_container *container = start(sleeper);
    contain_events *events = events_of(container);
    contain_event event;
    state(events, CONTAIN_STATE_RUNNING);
    CHECK(sigaction(SIGALRM, &action, &before) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0);
    REFUSED(contain_events_next(events, -1, &event, sizeof event, &err), EINTR, CONTAIN_E_SYSTEM);
    double begun = seconds();
    CHECK(contain_events_next(events, 200, &event, sizeof event, NULL) == 0);
    CHECK(seconds() - begun >= 0.2 && alarms > 1);
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0 && sigaction(SIGALRM, &before, NULL) == 0);
    DONE(contain_container_kill(container, &err));
    end(events, CONTAIN_ENDED_SIGNALLED, SIGKILL);
    contain_events_free(events);
    contain_container_free(container);
}

static void forked_child_changes_nothing(void) {
    contain_container *container = created(NULL, NULL, sleeper);
    contain_events *events = events_of(container);
    contain_event event;
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        REFUSED(contain_events_next(events, 0, &event, sizeof event, &err), ECHILD, CONTAIN_E_WRONG_PROCESS);
        REFUSED(contain_events_get_fd(events, &err), ECHILD, CONTAIN_E_WRONG_PROCESS);
        contain_events_free(events);
        contain_container_free(container);
        fflush(stdout);
        _exit(check_failed);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    // One that lives on with copies of all descriptors keeps none of them in the way.
    child = fork();
    if (child == 0)
        for (;;)
            pause();
    state(events, CONTAIN_STATE_CREATED);
    silent(events);
    DONE(contain_container_start(container, &err));
    state(events, CONTAIN_STATE_RUNNING);
    silent(events);
    DONE(contain_container_kill(container, &err));
    end(events, CONTAIN_ENDED_SIGNALLED, SIGKILL);
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
    contain_events_free(events);
    contain_container_free(container);
}

static int told[3];

static void *listen_to(void *events) {
    contain_event event;
    while (contain_events_next(events, -1, &event, sizeof event, NULL) == 1)
        __atomic_add_fetch(&told[event.kind == CONTAIN_EVENT_EXIT ? 2 : event.state == CONTAIN_STATE_STOPPED], 1,
                           __ATOMIC_SEQ_CST);
    return NULL;
}

static void event_goes_to_one_of_several_threads(void) {
    contain_container *container = created(NULL, NULL, sleeper);
    contain_events *events = events_of(container);
    pthread_t threads[4];
    for (int at = 0; at < 4; at++)
        CHECK(pthread_create(&threads[at], NULL, listen_to, events) == 0);
    DONE(contain_container_start(container, &err));
    DONE(contain_container_kill(container, &err));
    for (int at = 0; at < 4; at++)
        pthread_join(threads[at], NULL);
    CHECK(told[0] == 2 && told[1] == 1 && told[2] == 1);
    contain_events_free(events);
    contain_container_free(container);
}

static int entries(const char *path) {
    int count = 0;
    DIR *directory = opendir(path);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static void thousand_leave_nothing(void) {
    contain_container *container = start(sleeper);
    contain_event event;
    int before = 0, threads = entries("/proc/self/task");
    for (int at = 0; at < 1000; at++) {
        contain_events *events = events_of(container);
        if (at == 0)
            before = entries("/proc/self/fd");
        CHECK(fcntl(contain_events_get_fd(events, NULL), F_GETFD) == FD_CLOEXEC);
        if (at % 2 == 0)
            CHECK(contain_events_next(events, -1, &event, sizeof event, NULL) == 1);
        contain_events_free(events);
    }
    CHECK(entries("/proc/self/fd") < before && entries("/proc/self/task") == threads);
    DONE(contain_container_kill(container, &err));
    ended(container);
    contain_container_free(container);
}

int main(void) {
    CHECK(mkdtemp(folder) != NULL);
    TEST(own_container_tells_of_its_life);
    TEST(other_processes_make_events_come);
    TEST(several_containers_fit_one_epoll);
    TEST(size_of_an_event_may_be_another);
    TEST(signals_end_a_wait_without_a_timeout_alone);
    TEST(forked_child_changes_nothing);
    TEST(event_goes_to_one_of_several_threads);
    TEST(thousand_leave_nothing);
    CHECK(rmdir(folder) == 0);
    return finish();
}
