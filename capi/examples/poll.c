// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs several shell commands at once, each in a container, and tells what becomes of each: one loop over pidfds, events
// and output, without a thread or a signal handler.
//
//   poll WHAT...
//
// WHAT is a shell command, or @ID for a container that some process has made, in the usual directory (docs/state.md) or
// in CONTAIN_STATE, where that is set. The exit status is 0 once all of them have ended, 1 on an error.
#include <contain.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST = 64, EVENTS = 0, PIDFD, OUTPUT, KINDS };

// Of each container its events, its pidfd and its output, one behind the other; -1 once there is no more to come.
static struct pollfd asked[MOST * KINDS];
static contain_container *containers[MOST];
static contain_events *events[MOST];
static contain_runtime *runtime;

static int failed(contain_error *error) {
    fprintf(stderr, "poll: %s\n", contain_error_get_message(error));
    contain_error_free(error);
    return 1;
}

static struct pollfd readable(int fd) {
    return (struct pollfd){.fd = fd, .events = POLLIN};
}

// Made first and started later, so that its events tell of the start too.
static int create(int at, const char *script, contain_error **error) {
    const char *const command[] = {"sh", "-c", script, NULL};
    contain_config *config = NULL;
    contain_run_options options = {.stdin_kind = CONTAIN_STDIO_NULL, .stdout_kind = CONTAIN_STDIO_PIPE};
    int made = contain_config_new_host(command, &config, error);
    if (made == 0)
        made = contain_container_create(config, &options, sizeof options, &containers[at], error);
    contain_config_free(config);
    if (made == 0)
        made = asked[at * KINDS + OUTPUT].fd = contain_container_take_stdio(containers[at], 1, error);
    return made;
}

static int find(int at, const char *id, contain_error **error) {
    if (runtime == NULL && contain_runtime_open(getenv("CONTAIN_STATE"), &runtime, error) < 0)
        return -1;
    return contain_container_open(runtime, id, &containers[at], error);
}

static int watch(int at, const char *what, contain_error **error) {
    struct pollfd *mine = asked + at * KINDS;
    mine[PIDFD] = mine[EVENTS] = mine[OUTPUT] = readable(-1);
    if ((*what == '@' ? find(at, what + 1, error) : create(at, what, error)) < 0 ||
        contain_events_open(containers[at], &events[at], error) < 0)
        return -1;
    mine[EVENTS].fd = contain_events_get_fd(events[at], error);
    // Negative, which poll(2) passes over, where it has ended already.
    mine[PIDFD].fd = contain_container_pidfd(containers[at], NULL);
    return *what == '@' ? 0 : contain_container_start(containers[at], error);
}

static const char *word(uint32_t state) {
    switch (state) {
    case CONTAIN_STATE_CREATED: return "created";
    case CONTAIN_STATE_RUNNING: return "running";
    case CONTAIN_STATE_PAUSED: return "paused";
    case CONTAIN_STATE_STOPPED: return "stopped";
    default: return "something new";
    }
}

// Tells one thing of a container; whether there is no more of its kind to come, -1 on an error.
static int tell(int at, int kind, contain_error **error) {
    if (kind == PIDFD) {
        printf("%d has no process left\n", at + 1);
        return 1;
    }
    if (kind == OUTPUT) {
        char text[4096];
        ssize_t length = read(asked[at * KINDS + kind].fd, text, sizeof text);
        if (length > 0)
            printf("%d says %.*s", at + 1, (int)length, text);
        return length <= 0;
    }
    contain_event event;
    // 0 where it was woken for nothing.
    int told = contain_events_next(events[at], 0, &event, sizeof event, error);
    if (told == 1 && event.kind == CONTAIN_EVENT_STATE)
        printf("%d is %s\n", at + 1, word(event.state));
    if (told == 1 && event.kind == CONTAIN_EVENT_EXIT)
        printf("%d ended with %d\n", at + 1, (int)event.exit_status);
    return told < 0 ? -1 : told == 1 && event.kind == CONTAIN_EVENT_EXIT;
}

// There is no more of it to come. The descriptor of events is theirs.
static void leave(int at, int kind) {
    if (kind == EVENTS)
        contain_events_free(events[at]);
    else
        close(asked[at * KINDS + kind].fd);
    asked[at * KINDS + kind].fd = -1;
}

int main(int argc, char **argv) {
    int count = argc - 1 < MOST ? argc - 1 : MOST, open = 0;
    contain_error *error = NULL;
    for (int at = 0; at < count; at++)
        if (watch(at, argv[at + 1], &error) < 0)
            return failed(error);
    for (int at = 0; at < count * KINDS; at++)
        open += asked[at].fd >= 0;
    while (open > 0) {
        if (poll(asked, (nfds_t)(count * KINDS), -1) < 0 && errno != EINTR)
            return 1;
        for (int at = 0; at < count * KINDS; at++) {
            if (asked[at].fd < 0 || asked[at].revents == 0)
                continue;
            int over = tell(at / KINDS, at % KINDS, &error);
            if (over < 0)
                return failed(error);
            fflush(stdout);
            if (over) {
                leave(at / KINDS, at % KINDS);
                open--;
            }
        }
    }
    for (int at = 0; at < count; at++)
        contain_container_free(containers[at]);
    contain_runtime_free(runtime);
    return 0;
}
