// SPDX-License-Identifier: MIT OR Apache-2.0
// A console whose other end the program takes: what the command has, keys, size, hang-up, and what is wrong use.
#include "../check.h"
#include <dirent.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

static char text[8192];
static size_t length;

static contain_config *on_console(const char *const *argv) {
    contain_config *config = host(argv);
    DONE(contain_config_set_console(config, CONTAIN_CONSOLE_TAKEN, &err));
    DONE(contain_config_set_console_size(config, 50, 132, &err));
    return config;
}

static contain_container *run(contain_config *config) {
    contain_container *container = NULL;
    DONE(contain_container_run(config, NULL, 0, &container, &err));
    contain_config_free(config);
    return container;
}

static int taken(const contain_container *container) {
    int master = contain_container_take_console(container, NULL);
    CHECK(master >= 0 && (fcntl(master, F_GETFD) & FD_CLOEXEC) && !(fcntl(master, F_GETFL) & O_NONBLOCK));
    length = 0;
    return master;
}

// Reads once more; 0 at the end, which is EIO.
static int more(int master) {
    struct pollfd asked = {.fd = master, .events = POLLIN};
    CHECK(poll(&asked, 1, 10000) == 1);
    ssize_t got = check_failed ? -1 : read(master, text + length, sizeof text - 1 - length);
    CHECK(got > 0 || errno == EIO);
    length += got > 0 ? (size_t)got : 0;
    text[length] = '\0';
    return got > 0;
}

// Reads until these words have come; they and what came before them are forgotten.
static void expect(int master, const char *words) {
    text[length] = '\0';
    while (strstr(text, words) == NULL && more(master)) {
    }
    const char *found = strstr(text, words);
    CHECK(found != NULL);
    if (found != NULL)
        memmove(text, found + strlen(words), strlen(found) - strlen(words) + 1);
    length = strlen(text);
}

static void say(int master, const char *bytes) {
    CHECK(write(master, bytes, strlen(bytes)) == (ssize_t)strlen(bytes));
}

// Reads to the end, waits for it, and closes what was taken.
static contain_result to_end(contain_container *container, int master) {
    while (more(master)) {
    }
    contain_result result = ended(container);
    contain_container_free(container);
    close(master);
    return result;
}

static int descriptors(void) {
    int entries = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory) != NULL)
        entries++;
    closedir(directory);
    return entries;
}

static void command_has_the_terminal(void) {
    int before = descriptors();
    contain_container *container = run(on_console(SHELL("tty; stty size; test /dev/console -ef /dev/pts/0 && echo same; "
                                                        "test -t 0 && test -t 1 && test -t 2 && echo on >/dev/tty")));
    int master = taken(container);
    contain_result result = to_end(container, master);
    CHECK(strcmp(text, "/dev/pts/0\r\n50 132\r\nsame\r\non\r\n") == 0);
    CHECK(result.ended_by == CONTAIN_ENDED_EXITED && result.status == 0);
    CHECK(descriptors() == before);
}

static void created_container_has_it_before_its_start(void) {
    contain_config *config = on_console((const char *[]){"cat", NULL});
    contain_container *container = NULL;
    DONE(contain_container_create(config, NULL, 0, &container, &err));
    contain_config_free(config);
    int master = taken(container);
    struct termios attributes;
    CHECK(tcgetattr(master, &attributes) == 0);
    attributes.c_lflag &= ~(tcflag_t)ECHO;
    CHECK(tcsetattr(master, TCSANOW, &attributes) == 0);
    say(master, "early\n\004");
    DONE(contain_container_start(container, &err));
    CHECK(to_end(container, master).status == 0);
    CHECK(strcmp(text, "early\r\n") == 0);
}

static void keys_and_size_reach_the_command(void) {
    contain_container *container = run(on_console(SHELL("echo ready; exec sleep 60")));
    int master = taken(container);
    expect(master, "ready");
    say(master, "\003");
    contain_result result = to_end(container, master);
    CHECK(result.ended_by == CONTAIN_ENDED_SIGNALLED && result.status == SIGINT);
    container = run(on_console(SHELL("trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 60 & wait; done")));
    master = taken(container);
    expect(master, "ready");
    struct winsize window = {.ws_row = 10, .ws_col = 20};
    CHECK(ioctl(master, TIOCSWINSZ, &window) == 0);
    expect(master, "10 20");
    CHECK(to_end(container, master).status == 5);
}

static void shell_has_job_control(void) {
    contain_config *config = on_console((const char *[]){"sh", "-i", NULL});
    DONE(contain_config_set_env(config, (const char *[]){"PATH=/usr/bin:/bin", "PS1=ask ", NULL}, &err));
    contain_container *container = run(config);
    int master = taken(container);
    expect(master, "ask ");
    say(master, "sh -c 'echo be\"\"gin; exec sleep 60'\n");
    expect(master, "begin\r\n");
    say(master, "\032");
    expect(master, "Stopped");
    expect(master, "ask ");
    // A shell with stopped jobs asks once.
    say(master, "exit 7\nexit 7\n");
    CHECK(to_end(container, master).status == 7);
}

static void closing_it_hangs_the_command_up(void) {
    contain_container *container = run(on_console(SHELL("echo ready; exec sleep 60")));
    int master = taken(container);
    expect(master, "ready");
    close(master);
    contain_result result = ended(container);
    CHECK(result.ended_by == CONTAIN_ENDED_SIGNALLED && result.status == SIGHUP);
    contain_container_free(container);
    // What was not taken goes with the handle.
    container = run(on_console((const char *[]){"sleep", "60", NULL}));
    int pidfd = contain_container_pidfd(container, NULL);
    contain_container_free(container);
    CHECK(ends_soon(pidfd));
    close(pidfd);
}

static void some_of_the_three_lead_elsewhere(void) {
    contain_config *config = on_console(SHELL("tty; test -t 2 && echo here >&2"));
    contain_run_options options = {.stdout_kind = CONTAIN_STDIO_PIPE};
    contain_container *container = NULL;
    DONE(contain_container_run(config, &options, sizeof options, &container, &err));
    int out = contain_container_take_stdio(container, 1, NULL), master = taken(container);
    char piped[64];
    read_all(out, piped, sizeof piped);
    CHECK(strcmp(piped, "/dev/pts/0\n") == 0);
    to_end(container, master);
    CHECK(strcmp(text, "here\r\n") == 0);
    options = (contain_run_options){CONTAIN_STDIO_NULL, 0, CONTAIN_STDIO_PIPE, 0, CONTAIN_STDIO_NULL, 0};
    REFUSED(contain_container_run(config, &options, sizeof options, &container, &err), EINVAL, CONTAIN_E_INVALID);
    contain_config_free(config);
}

static void injected_command_has_one_of_its_own(void) {
    contain_container *container = start((const char *[]){"sleep", "60", NULL});
    contain_process *process = NULL;
    for (uint64_t timeout_ms = 0; timeout_ms <= 60000; timeout_ms += 60000) {
        contain_inject_options options = {
            .console = CONTAIN_CONSOLE_TAKEN, .console_rows = 7, .console_columns = 9, .timeout_ms = timeout_ms};
        const char *const *look = SHELL("tty; stty size; echo ready; exec sleep 60");
        DONE(contain_container_inject(container, look, &options, sizeof options, &process, &err));
        int master = contain_process_take_console(process, NULL);
        length = 0;
        expect(master, "/dev/pts/0\r\n7 9\r\nready\r\n");
        REFUSED(contain_process_take_console(process, &err), EINVAL, CONTAIN_E_INVALID);
        say(master, "\003");
        contain_result result = {0};
        CHECK(contain_process_wait(process, 10000, &result, sizeof result, NULL) == 1);
        CHECK(result.ended_by == CONTAIN_ENDED_SIGNALLED && result.status == SIGINT);
        contain_process_free(process);
        close(master);
    }
    contain_inject_options wrong[] = {
        {.console = CONTAIN_CONSOLE_EMULATED},
        {.console = 3},
        {.console_rows = 24},
        {.console_columns = 80},
        {.console = CONTAIN_CONSOLE_TAKEN,
         .stdin_kind = CONTAIN_STDIO_NULL,
         .stdout_kind = CONTAIN_STDIO_PIPE,
         .stderr_kind = CONTAIN_STDIO_NULL},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        REFUSED(contain_container_inject(container, SHELL("true"), &wrong[i], sizeof *wrong, &process, &err), EINVAL,
                CONTAIN_E_INVALID);
    DONE(contain_container_kill(container, &err));
    ended(container);
    contain_container_free(container);
}

static void it_is_taken_once_by_who_made_the_container(void) {
    char folder[] = "/tmp/contain-console.XXXXXX";
    contain_runtime *runtime = NULL;
    contain_container *container = NULL, *opened = NULL;
    CHECK(mkdtemp(folder) != NULL);
    DONE(contain_runtime_open(folder, &runtime, &err));
    contain_config *config = on_console((const char *[]){"sleep", "60", NULL});
    DONE(contain_runtime_create(runtime, "web", config, NULL, 0, &container, &err));
    contain_config_free(config);
    DONE(contain_container_open(runtime, "web", &opened, &err));
    REFUSED(contain_container_take_console(opened, &err), EINVAL, CONTAIN_E_INVALID);
    int master = taken(container);
    REFUSED(contain_container_take_console(container, &err), EINVAL, CONTAIN_E_INVALID);
    DONE(contain_container_start(opened, &err));
    close(master);
    contain_result result = ended(opened);
    CHECK(result.ended_by == CONTAIN_ENDED_SIGNALLED && result.status == SIGHUP);
    DONE(contain_container_delete(opened, 0, &err));
    contain_container_free(opened);
    contain_container_free(container);
    contain_runtime_free(runtime);
    CHECK(rmdir(folder) == 0);
    container = start((const char *[]){"true", NULL});
    REFUSED(contain_container_take_console(container, &err), EINVAL, CONTAIN_E_INVALID);
    ended(container);
    contain_container_free(container);
}

int main(void) {
    TEST(command_has_the_terminal);
    TEST(created_container_has_it_before_its_start);
    TEST(keys_and_size_reach_the_command);
    TEST(shell_has_job_control);
    TEST(closing_it_hangs_the_command_up);
    TEST(some_of_the_three_lead_elsewhere);
    TEST(injected_command_has_one_of_its_own);
    TEST(it_is_taken_once_by_who_made_the_container);
    return finish();
}
