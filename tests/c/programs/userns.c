// SPDX-License-Identifier: MIT OR Apache-2.0
// Commands in a user namespace alone, and what the seccomp profiles do with a system call.
#include "../check.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static char text[65536];

// Runs a shell command in a user namespace and gives its output and its result.
static contain_result output_in_userns(contain_userns_options options, const char *script) {
    contain_process *process = NULL;
    contain_result result;
    memset(&result, 0, sizeof result);
    options.stdout_kind = CONTAIN_STDIO_PIPE;
    DONE(contain_userns_run(SHELL(script), &options, sizeof options, &process, &err));
    read_all(contain_process_take_stdio(process, 1, NULL), text, sizeof text);
    CHECK(contain_process_wait(process, 10000, &result, sizeof result, NULL) == 1);
    contain_process_free(process);
    return result;
}

static void command_is_root_in_all_but_the_user_namespace_of_the_caller(void) {
    char own[4][64], expected[1024];
    const char *names[] = {"net", "pid", "mnt", "user"};
    for (int at = 0; at < 4; at++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/ns/%s", names[at]);
        ssize_t length = readlink(path, own[at], 63);
        CHECK(length > 0);
        own[at][length > 0 ? length : 0] = '\0';
    }
    char here[512];
    CHECK(getcwd(here, sizeof here) != NULL);
    snprintf(expected, sizeof expected, "0\n%s\n%s\n%s\n%s\n", here, own[0], own[1], own[2]);
    contain_result result = output_in_userns((contain_userns_options){0}, "id -u; pwd; cd /proc/self/ns;"
        "readlink net pid mnt; readlink user");
    CHECK(result.exit_status == 0 && strncmp(text, expected, strlen(expected)) == 0);
    CHECK(strstr(text + strlen(expected), "user:[") != NULL && strstr(text, own[3]) == NULL);
    result = output_in_userns((contain_userns_options){0}, "kill -9 $$");
    CHECK(result.ended_by == CONTAIN_ENDED_SIGNALLED && result.status == SIGKILL);
}

static void maps_and_environment_are_those_given(void) {
    char map[64], other[64];
    snprintf(map, sizeof map, "0:%u:1", (unsigned)getuid());
    snprintf(other, sizeof other, "0:%u:1", (unsigned)getgid());
    contain_userns_options options = {
        .uid_map = map, .gid_map = other, .env = (const char *[]){"ONLY=this", "PATH=/usr/bin:/bin", NULL}};
    CHECK(output_in_userns(options, "awk '{print $1, $2, $3}' /proc/self/uid_map; echo $ONLY $HOME").exit_status == 0);
    char expected[128];
    snprintf(expected, sizeof expected, "0 %u 1\nthis\n", (unsigned)getuid());
    CHECK(strcmp(text, expected) == 0);
}

static void command_is_signalled_and_killed(void) {
    contain_process *process = NULL;
    contain_result result;
    const char *sleeper[] = {"sleep", "60", NULL};
    DONE(contain_userns_run(sleeper, NULL, 0, &process, &err));
    CHECK(contain_process_wait(process, 50, NULL, 0, NULL) == 0);
    int pidfd = contain_process_pidfd(process, NULL);
    DONE(contain_process_signal(process, SIGTERM, &err));
    CHECK(contain_process_wait(process, 10000, &result, sizeof result, NULL) == 1 && result.status == SIGTERM);
    CHECK(ends_soon(pidfd) && close(pidfd) == 0);
    contain_process_free(process);
    DONE(contain_userns_run(sleeper, NULL, 0, &process, &err));
    DONE(contain_process_end(process, CONTAIN_ENDED_WALL, &result, sizeof result, &err));
    CHECK(result.ended_by == CONTAIN_ENDED_WALL);
    contain_process_free(process);
}

static void command_is_bound_to_its_caller_or_not(void) {
    for (uint32_t lifetime = CONTAIN_LIFETIME_BOUND; lifetime <= CONTAIN_LIFETIME_DETACHED; lifetime++) {
        int ends[2], pid = -1;
        CHECK(pipe2(ends, O_CLOEXEC) == 0);
        pid_t child = fork();
        if (child == 0) {
            contain_process *process = NULL;
            contain_userns_options options = {.lifetime = lifetime};
            const char *sleeper[] = {"sleep", "60", NULL};
            CHECK(contain_userns_run(sleeper, &options, sizeof options, &process, NULL) == 0);
            pid = contain_process_pid(process, NULL);
            CHECK(write(ends[1], &pid, sizeof pid) == sizeof pid);
            kill(getpid(), SIGKILL);
        }
        CHECK(read(ends[0], &pid, sizeof pid) == sizeof pid && pid > 0);
        int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        CHECK(waitpid(child, NULL, 0) == child);
        struct pollfd asked = {.fd = pidfd, .events = POLLIN};
        int gone = pidfd < 0 || poll(&asked, 1, lifetime == CONTAIN_LIFETIME_BOUND ? 2000 : 200) == 1;
        CHECK(gone == (lifetime == CONTAIN_LIFETIME_BOUND));
        if (pidfd >= 0) {
            CHECK(gone || syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0);
            close(pidfd);
        }
        close(ends[0]), close(ends[1]);
    }
}

static void wrong_use_of_userns_is_refused(void) {
    contain_process *process = NULL;
    contain_userns_options options = {.reserved = 1};
    const char *true_[] = {"true", NULL};
#define NOT_ALLOWED(call) REFUSED(call, EINVAL, CONTAIN_E_INVALID)
    NOT_ALLOWED(contain_userns_run(true_, &options, sizeof options, &process, &err));
    options = (contain_userns_options){.lifetime = 2};
    NOT_ALLOWED(contain_userns_run(true_, &options, sizeof options, &process, &err));
    options = (contain_userns_options){.stdin_kind = 4};
    NOT_ALLOWED(contain_userns_run(true_, &options, sizeof options, &process, &err));
    options = (contain_userns_options){.stdin_kind = CONTAIN_STDIO_DESCRIPTOR, .stdin_fd = -1};
    REFUSED(contain_userns_run(true_, &options, sizeof options, &process, &err), EBADF, CONTAIN_E_INVALID);
    options = (contain_userns_options){.env = (const char *[]){"no assignment", NULL}};
    NOT_ALLOWED(contain_userns_run(true_, &options, sizeof options, &process, &err));
    NOT_ALLOWED(contain_userns_run((const char *[]){NULL}, NULL, 0, &process, &err));
    NOT_ALLOWED(contain_userns_run(true_, NULL, 8, &process, &err));
    REFUSED(contain_userns_run(true_, NULL, SIZE_MAX, &process, &err), EINVAL, CONTAIN_E_INVALID);
    CHECK(process == NULL);
}

static void missing_command_is_an_error(void) {
    contain_process *process = NULL;
    const char *missing[] = {"no-such-command", NULL};
    REFUSED(contain_userns_run(missing, NULL, 0, &process, &err), ENOENT, CONTAIN_E_NOT_FOUND);
    CHECK(process == NULL);
}

static void profiles_say_what_they_do_with_a_call(void) {
    contain_seccomp *app = NULL, *none = NULL, *made = NULL;
    uint32_t action = 77, data = 77;
    DONE(contain_seccomp_new(CONTAIN_SECCOMP_APP, 0, &app, &err));
    DONE(contain_seccomp_new(CONTAIN_SECCOMP_NONE, 1, &none, &err));
    DONE(contain_seccomp_test(app, CONTAIN_ARCHITECTURE_X86_64, "read", NULL, &action, &data, &err));
    CHECK(action == CONTAIN_ACTION_ALLOW && data == 0);
    DONE(contain_seccomp_test(app, CONTAIN_ARCHITECTURE_I386, "mount", NULL, &action, &data, &err));
    CHECK(action == CONTAIN_ACTION_ERRNO && data == EPERM);
    uint64_t arguments[6] = {0, 0x5412};
    DONE(contain_seccomp_test(app, CONTAIN_ARCHITECTURE_X86_64, "ioctl", arguments, &action, NULL, &err));
    CHECK(action == CONTAIN_ACTION_ERRNO);
    DONE(contain_seccomp_test(none, CONTAIN_ARCHITECTURE_X86_64, "mount", NULL, &action, &data, &err));
    CHECK(action == CONTAIN_ACTION_ALLOW);
    NOT_ALLOWED(contain_seccomp_new(0, 0, &made, &err));
    NOT_ALLOWED(contain_seccomp_new(CONTAIN_SECCOMP_APP, 2, &made, &err));
    NOT_ALLOWED(contain_seccomp_test(app, 0, "read", NULL, &action, &data, &err));
    NOT_ALLOWED(contain_seccomp_test(app, CONTAIN_ARCHITECTURE_I386, "no_such_call", NULL, &action, &data, &err));
    NOT_ALLOWED(contain_seccomp_test(app, CONTAIN_ARCHITECTURE_I386, NULL, NULL, &action, &data, &err));
    NOT_ALLOWED(contain_seccomp_test(app, CONTAIN_ARCHITECTURE_I386, "read", NULL, NULL, &data, &err));
    CHECK(made == NULL);
    contain_seccomp_free(app);
    contain_seccomp_free(none);
}

static void program_is_one_that_the_kernel_takes(void) {
    contain_seccomp *app = NULL, *none = NULL;
    const uint8_t *program = NULL;
    size_t length = 77;
    DONE(contain_seccomp_new(CONTAIN_SECCOMP_NONE, 1, &none, &err));
    DONE(contain_seccomp_get_bpf(none, &program, &length, &err));
    CHECK(length == 0);
    DONE(contain_seccomp_new(CONTAIN_SECCOMP_APP, 0, &app, &err));
    DONE(contain_seccomp_get_bpf(app, &program, &length, &err));
    CHECK(length > 0 && length % sizeof(struct sock_filter) == 0);
    NOT_ALLOWED(contain_seccomp_get_bpf(app, NULL, &length, &err));
    NOT_ALLOWED(contain_seccomp_get_bpf(app, &program, NULL, &err));
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        static struct sock_filter copy[4096];
        memcpy(copy, program, length);
        struct sock_fprog filter = {.len = (unsigned short)(length / sizeof *copy), .filter = copy};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
            _exit(1);
        _exit(syscall(SYS_bpf, 0, 0, 0) == -1 && errno == EPERM && getpid() > 0 ? 0 : 2);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    contain_seccomp_free(app);
    contain_seccomp_free(none);
    contain_seccomp_free(NULL);
}

int main(int argc, char **argv) {
    TEST(profiles_say_what_they_do_with_a_call);
    TEST(wrong_use_of_userns_is_refused);
    // valgrind follows neither pidfds nor the clone that starts a container, and loads no filter.
    if (argc > 1 && strcmp(argv[1], "--start-nothing") == 0)
        return finish();
    TEST(program_is_one_that_the_kernel_takes);
    TEST(command_is_root_in_all_but_the_user_namespace_of_the_caller);
    TEST(maps_and_environment_are_those_given);
    TEST(command_is_signalled_and_killed);
    TEST(command_is_bound_to_its_caller_or_not);
    TEST(missing_command_is_an_error);
    return finish();
}
