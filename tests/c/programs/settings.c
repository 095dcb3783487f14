// SPDX-License-Identifier: MIT OR Apache-2.0
// What the setters do to a container, and configurations as JSON.
#include "../check.h"
#include <sys/resource.h>
#include <sys/stat.h>

static char text[65536];
static char folder[] = "/tmp/contain-settings.XXXXXX";

// The path of a file in this run's folder.
static const char *in_folder(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *path, const char *contents) {
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && fputs(contents, file) >= 0 && fclose(file) == 0);
}

static void binds_and_tmpfs_are_mounted(void) {
    write_file(in_folder("given"), "from the host\n");
    contain_config *config = host(SHELL(
        "cat /data/given; echo no >/data/new || echo sealed; echo yes >/free/new && cat /free/new;"
        "stat -c %a /memory; df -B1 --output=size /memory | tail -n 1"));
    DONE(contain_config_add_bind(config, folder, "/data", 1, &err));
    DONE(contain_config_add_bind(config, folder, "/free", 0, &err));
    DONE(contain_config_add_tmpfs(config, "/memory", 1 << 20, 0711, &err));
    contain_config *bare = NULL;
    DONE(contain_config_clone(config, &bare, &err));
    contain_result result = output_of(config, text, sizeof text);
    CHECK(result.status == 0 && strncmp(text, "from the host\nsealed\nyes\n711\n", 29) == 0);
    CHECK(strtoul(text + 29, NULL, 10) == 1 << 20);
    CHECK(access(in_folder("new"), F_OK) == 0 && unlink(in_folder("new")) == 0);
    DONE(contain_config_clear_mounts(bare, &err));
    DONE(contain_config_set_argv(bare, (const char *[]){"ls", "/data", NULL}, &err));
    CHECK(output_of(bare, text, sizeof text).status != 0);
}

static void root_can_be_sealed_or_thrown_away(void) {
    contain_config *config = host(SHELL("touch /opened 2>/dev/null && echo made; touch /usr/thrown && echo made"));
    DONE(contain_config_set_overlay(config, 1, 1 << 20, &err));
    CHECK(output_of(config, text, sizeof text).status == 0);
    CHECK(strcmp(text, "made\nmade\n") == 0 && access("/usr/thrown", F_OK) != 0);
    config = host(SHELL("touch /tmp/here 2>/dev/null || echo sealed"));
    DONE(contain_config_set_overlay(config, 1, 0, &err));
    DONE(contain_config_set_overlay(config, 0, 0, &err));
    DONE(contain_config_set_read_only(config, 1, &err));
    output_of(config, text, sizeof text);
    CHECK(strcmp(text, "sealed\n") == 0);
}

static void user_is_the_one_asked_for(void) {
    contain_config *config = host(SHELL("id -u; id -g; id -G; echo $HOME"));
    DONE(contain_config_set_user(config, "0:0", &err));
    CHECK(output_of(config, text, sizeof text).status == 0);
    CHECK(strcmp(text, "0\n0\n0\n/root\n") == 0);
    config = host(SHELL("id -u"));
    DONE(contain_config_set_user(config, "no-such-user", &err));
    contain_container *container = NULL;
    REFUSED(contain_container_run(config, NULL, 0, &container, &err), EINVAL, CONTAIN_E_INVALID);
    contain_config_free(config);
}

static void capabilities_and_limits_are_those_asked_for(void) {
    contain_config *config = host(SHELL("grep -E 'Cap(Bnd|Eff)' /proc/self/status; ulimit -Sn; ulimit -Hn; ulimit -c"));
    DONE(contain_config_set_capabilities(config, (const char *[]){"CAP_CHOWN", "kill", NULL}, &err));
    DONE(contain_config_set_rlimit(config, RLIMIT_NOFILE, 99, 99, &err));
    DONE(contain_config_set_rlimit(config, RLIMIT_NOFILE, 40, 50, &err));
    DONE(contain_config_set_rlimit(config, RLIMIT_CORE, 0, 0, &err));
    CHECK(output_of(config, text, sizeof text).status == 0);
    CHECK(strcmp(text, "CapEff:\t0000000000000021\nCapBnd:\t0000000000000021\n40\n50\n0\n") == 0);
    config = host(SHELL("grep CapEff /proc/self/status"));
    DONE(contain_config_set_capabilities(config, (const char *[]){NULL}, &err));
    output_of(config, text, sizeof text);
    CHECK(strcmp(text, "CapEff:\t0000000000000000\n") == 0);
}

static void preserved_descriptors_are_there(void) {
    int ends[2], status = -1;
    pid_t child = fork();
    if (child == 0) {
        CHECK(pipe(ends) == 0);
        CHECK(dup2(ends[0], 103) == 103 && dup2(ends[1], 104) == 104);
        CHECK(dup2(103, 3) == 3 && dup2(104, 4) == 4);
        contain_config *config = host(SHELL("echo through >&4"));
        DONE(contain_config_set_preserve_fds(config, 2, &err));
        contain_container *container = NULL;
        DONE(contain_container_run(config, NULL, 0, &container, &err));
        CHECK(ended(container).status == 0);
        CHECK(read(3, text, sizeof text) == 8 && memcmp(text, "through\n", 8) == 0);
        _exit(check_failed);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void passed_descriptors_are_there(void) {
    int ends[2], number = 77;
    CHECK(pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[1], F_DUPFD_CLOEXEC, number) == number);
    contain_config *config = host((const char *[]){"bash", "-c", "echo from 77 >&77", NULL});
    DONE(contain_config_set_pass_fds(config, &number, 1, &err));
    CHECK(output_of(config, text, sizeof text).status == 0);
    contain_container *container = start((const char *[]){"sleep", "60", NULL});
    contain_inject_options options = {.pass_fds = &number, .pass_fds_count = 1};
    contain_process *process = NULL;
    const char *const *say = (const char *[]){"bash", "-c", "echo injected >&77", NULL};
    DONE(contain_container_inject(container, say, &options, sizeof options, &process, &err));
    CHECK(contain_process_wait(process, 10000, NULL, 0, NULL) == 1);
    contain_process_free(process);
    DONE(contain_container_kill(container, &err));
    ended(container);
    contain_container_free(container);
    close(number), close(ends[1]);
    read_all(ends[0], text, sizeof text);
    CHECK(strcmp(text, "from 77\ninjected\n") == 0);
}

static void files_are_there_before_the_command(void) {
    contain_config *config = host(SHELL("cat /run/some/file; stat -c %a /run/some/file; wc -c </run/empty"));
    DONE(contain_config_add_file(config, "/run/some/file", "a\0b\n", 4, 0640, &err));
    DONE(contain_config_add_file(config, "/run/empty", NULL, 0, 0600, &err));
    CHECK(output_of(config, text, sizeof text).status == 0);
    CHECK(memcmp(text, "a\0b\n640\n0\n", 10) == 0);
}

static void deadline_ends_everything(void) {
    contain_config *config = host(SHELL("sleep 60 & sleep 60"));
    DONE(contain_config_set_timeout(config, 100, &err));
    contain_result result = output_of(config, text, sizeof text);
    CHECK(result.ended_by == CONTAIN_ENDED_WALL && result.status == SIGKILL && result.exit_status == 124);
    contain_container *container = start((const char *[]){"sleep", "60", NULL});
    contain_inject_options options = {.timeout_ms = 100};
    contain_process *process = NULL;
    DONE(contain_container_inject(container, SHELL("sleep 60 & sleep 60"), &options, sizeof options, &process, &err));
    CHECK(contain_process_wait(process, 10000, &result, sizeof result, NULL) == 1);
    CHECK(result.ended_by == CONTAIN_ENDED_WALL && result.exit_status == 124);
    CHECK(contain_container_wait(container, 0, NULL, 0, NULL) == 0);
    contain_process_free(process);
    DONE(contain_container_kill(container, &err));
    ended(container);
    contain_container_free(container);
    config = host((const char *[]){"true", NULL});
    DONE(contain_config_set_timeout(config, 1, &err));
    DONE(contain_config_set_timeout(config, -1, &err));
    CHECK(output_of(config, text, sizeof text).ended_by == CONTAIN_ENDED_EXITED);
}

// What an injected shell says, or the error of injecting it.
static int injected(const char *script, contain_inject_options options, contain_error **error) {
    int ends[2];
    contain_container *container = start((const char *[]){"sleep", "60", NULL});
    contain_process *process = NULL;
    text[0] = '\0';
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    options.stdout_kind = CONTAIN_STDIO_DESCRIPTOR;
    options.stdout_fd = ends[1];
    int done = contain_container_inject(container, SHELL(script), &options, sizeof options, &process, error);
    close(ends[1]);
    read_all(ends[0], text, sizeof text);
    contain_process_free(process);
    DONE(contain_container_kill(container, &err));
    ended(container);
    contain_container_free(container);
    return done;
}

static void injected_command_may_what_its_options_say(void) {
    const char *const none[] = {NULL}, *const two[] = {"CAP_CHOWN", "kill", NULL}, *const root[] = {"0", "root", NULL};
    const uint64_t limits[][3] = {{RLIMIT_NOFILE, 64, 128}, {RLIMIT_CORE, 0, 0}};
    const char *look = "pwd; echo $HOME; ulimit -n; grep -E 'CapPrm|CapBnd|NoNew' /proc/self/status | cut -f 2";
    contain_inject_options options = {.user = "0:0", .chdir = "/tmp", .groups = root, .capabilities = two,
                                      .rlimits = limits[0], .rlimits_count = 2, .no_new_privs = 1};
    DONE(injected(look, options, &err));
    CHECK(strcmp(text, "/tmp\n/root\n64\n0000000000000021\n0000000000000021\n1\n") == 0);
    options.capabilities = options.groups = none;
    DONE(injected("grep CapBnd /proc/self/status | cut -f 2; ulimit -Hn", options, &err));
    CHECK(strcmp(text, "0000000000000000\n128\n") == 0);
    DONE(injected("pwd; echo $HOME; grep NoNew /proc/self/status | cut -f 2", (contain_inject_options){0}, &err));
    CHECK(strcmp(text, "/\n/root\n0\n") == 0);
}

static void injected_command_that_cannot_be_so_is_refused(void) {
    const char *const fly[] = {"FLY", NULL}, *const sign[] = {"-1", NULL}, *const absent[] = {"nobodyhere", NULL};
    const uint64_t unknown[] = {16, 1, 1}, turned[] = {RLIMIT_CPU, 2, 1}, many[51] = {0};
#define WITH(...) injected("true", (contain_inject_options){__VA_ARGS__}, &err)
    REFUSED(WITH(.user = "a:b:c"), EINVAL, CONTAIN_E_INVALID);
    REFUSED(WITH(.user = "nobodyhere"), EINVAL, CONTAIN_E_INVALID);
    REFUSED(WITH(.user = "4000000000:0"), EINVAL, CONTAIN_E_ID_MAP);
    REFUSED(WITH(.chdir = ""), EINVAL, CONTAIN_E_INVALID);
    REFUSED(WITH(.chdir = "/nowhere"), ENOENT, CONTAIN_E_SYSTEM);
    REFUSED(WITH(.groups = sign), EINVAL, CONTAIN_E_INVALID);
    REFUSED(WITH(.groups = absent), EINVAL, CONTAIN_E_INVALID);
    REFUSED(WITH(.capabilities = fly), EINVAL, CONTAIN_E_INVALID);
    REFUSED(WITH(.rlimits_count = 1), EINVAL, CONTAIN_E_INVALID);
    REFUSED(WITH(.rlimits = unknown, .rlimits_count = 1), EINVAL, CONTAIN_E_INVALID);
    REFUSED(WITH(.rlimits = turned, .rlimits_count = 1), EINVAL, CONTAIN_E_INVALID);
    REFUSED(WITH(.rlimits = many, .rlimits_count = 17), EINVAL, CONTAIN_E_INVALID);
    REFUSED(WITH(.rlimits = many, .rlimits_count = UINT64_MAX), EINVAL, CONTAIN_E_INVALID);
    REFUSED(WITH(.no_new_privs = 2), EINVAL, CONTAIN_E_INVALID);
    REFUSED(WITH(.reserved2 = 1), EINVAL, CONTAIN_E_INVALID);
#undef WITH
}

static void helpers_run_where_they_should(void) {
    contain_config *config = host(SHELL("cat /mnt/inside"));
    char command[512];
    snprintf(command, sizeof command, "echo outside >%s", in_folder("outside"));
    DONE(contain_config_set_inside_helper(config, "echo inside >mnt/inside", &err));
    DONE(contain_config_set_outside_helper(config, command, &err));
    contain_config *other = NULL;
    DONE(contain_config_clone(config, &other, &err));
    output_of(config, text, sizeof text);
    CHECK(strcmp(text, "inside\n") == 0);
    CHECK(access(in_folder("outside"), F_OK) == 0 && unlink(in_folder("outside")) == 0);
    DONE(contain_config_set_inside_helper(other, NULL, &err));
    DONE(contain_config_set_outside_helper(other, "exit 3", &err));
    contain_container *container = NULL;
    REFUSED(contain_container_run(other, NULL, 0, &container, &err), EIO, CONTAIN_E_HELPER);
    DONE(contain_config_set_outside_helper(other, NULL, &err));
    CHECK(output_of(other, text, sizeof text).status != 0);
}

static void console_is_a_terminal_of_its_own(void) {
    contain_config *config = host(SHELL("tty >/tmp/tty; grep -q /dev/console /tmp/tty && exit 6"));
    DONE(contain_config_set_console(config, CONTAIN_CONSOLE_EMULATED, &err));
    contain_container *container = NULL;
    int status = -1;
    // The supervisor copies from standard input: a pipe that stays open.
    int ends[2];
    CHECK(pipe(ends) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        contain_config *own = host(SHELL("tty >/tmp/tty; grep -q /dev/console /tmp/tty && exit 6"));
        DONE(contain_config_set_console(own, CONTAIN_CONSOLE_EMULATED, &err));
        dup2(ends[0], 0);
        DONE(contain_container_run(own, NULL, 0, &container, &err));
        CHECK(ended(container).status == 6);
        _exit(check_failed);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    close(ends[0]), close(ends[1]);
    contain_config_free(config);
}

static void veth_is_there_where_it_is_allowed(void) {
    contain_config *config = host(SHELL("ls /sys/class/net; ip -o -4 addr show dev inner | grep -c 10.91.7.2/24"));
    contain_veth_options options = {.name = "inner", .address = "10.91.7.2/24", .mtu = 1400};
    DONE(contain_config_set_network_veth(config, &options, sizeof options, &err));
    contain_container *container = NULL;
    contain_error *error = NULL;
    if (geteuid() == 0) {
        CHECK(output_of(config, text, sizeof text).status == 0);
        CHECK(strstr(text, "inner\n") != NULL && strstr(text, "\n1\n") != NULL);
        return;
    }
    CHECK(contain_container_run(config, NULL, 0, &container, &error) < 0);
    CHECK(contain_error_get_remedy(error) != NULL && container == NULL);
    contain_error_free(error);
    contain_config_free(config);
}

static void configuration_goes_to_json_and_back(void) {
    contain_config *config = host((const char *[]){"printf", "%s", "\xff", NULL}), *back = NULL;
    DONE(contain_config_set_hostname(config, "from-json", &err));
    DONE(contain_config_add_tmpfs(config, "/a", 4096, 0700, &err));
    char *one = NULL, *other = NULL;
    size_t length = 0;
    DONE(contain_config_to_json(config, &one, &length, &err));
    CHECK(length == strlen(one) && strstr(one, "from-json") != NULL);
    DONE(contain_config_from_json(one, length, &back, &err));
    DONE(contain_config_to_json(back, &other, NULL, &err));
    CHECK(strcmp(one, other) == 0);
    contain_string_free(one);
    contain_string_free(other);
    output_of(back, text, sizeof text);
    CHECK(strcmp(text, "\xff") == 0);
    contain_config_free(config);
    const char *document = "{\"root\":\"host\",\"argv\":[\"echo\",\"unheard\"],\"stdio\":[\"null\",\"null\",\"inherit\"]}";
    DONE(contain_config_from_json(document, strlen(document), &back, &err));
    contain_container *container = NULL;
    DONE(contain_container_run(back, NULL, 0, &container, &err));
    CHECK(ended(container).status == 0);
    contain_container_free(container);
    output_of(back, text, sizeof text);
    CHECK(strcmp(text, "unheard\n") == 0);
}

static void error_of_json_names_field_value_and_what_is_allowed(void) {
    contain_config *made = NULL;
    contain_error *error = NULL;
    const char *document = "{\"root\":\"host\",\"argv\":[\"x\"],\"lifetime\":\"eternal\"}";
    CHECK(contain_config_from_json(document, strlen(document), &made, &error) == -EINVAL && made == NULL);
    CHECK(contain_error_get_code(error) == CONTAIN_E_INVALID);
    const char *message = contain_error_get_message(error);
    CHECK(strstr(message, "lifetime") && strstr(message, "\"eternal\"") && strstr(message, "\"bound\" or \"detached\""));
    contain_error_free(error);
    REFUSED(contain_config_from_json(document, 5, &made, &err), EINVAL, CONTAIN_E_INVALID);
    REFUSED(contain_config_from_json(document, 0, &made, &err), EINVAL, CONTAIN_E_INVALID);
    REFUSED(contain_config_from_json(document, SIZE_MAX, &made, &err), EINVAL, CONTAIN_E_INVALID);
    CHECK(made == NULL);
}

static void validate_says_what_a_run_would(void) {
    contain_config *config = host((const char *[]){"true", NULL});
    DONE(contain_config_validate(config, &err));
    DONE(contain_config_add_bind(config, "/nonexistent", "/a", 0, &err));
    contain_error *one = NULL, *other = NULL;
    contain_container *container = NULL;
    CHECK(contain_config_validate(config, &one) < 0 && contain_container_run(config, NULL, 0, &container, &other) < 0);
    CHECK(strcmp(contain_error_get_message(one), contain_error_get_message(other)) == 0);
    contain_error_free(one);
    contain_error_free(other);
    contain_config_free(config);
}

static void wrong_values_are_refused_at_once(void) {
    contain_config *config = host((const char *[]){"true", NULL});
#define NOT_ALLOWED(call) REFUSED(call, EINVAL, CONTAIN_E_INVALID)
    NOT_ALLOWED(contain_config_add_bind(config, "/a", "/a", 2, &err));
    NOT_ALLOWED(contain_config_add_bind(config, NULL, "/a", 0, &err));
    NOT_ALLOWED(contain_config_add_bind(config, "/a", NULL, 0, &err));
    NOT_ALLOWED(contain_config_add_tmpfs(config, NULL, 0, 0, &err));
    NOT_ALLOWED(contain_config_set_overlay(config, 2, 0, &err));
    NOT_ALLOWED(contain_config_set_overlay(config, 0, 1, &err));
    NOT_ALLOWED(contain_config_set_read_only(config, 2, &err));
    NOT_ALLOWED(contain_config_set_user(config, NULL, &err));
    NOT_ALLOWED(contain_config_set_user(config, "-1", &err));
    NOT_ALLOWED(contain_config_set_user(config, "\xff", &err));
    NOT_ALLOWED(contain_config_set_capabilities(config, NULL, &err));
    NOT_ALLOWED(contain_config_set_capabilities(config, (const char *[]){"CAP_FLY", NULL}, &err));
    NOT_ALLOWED(contain_config_set_rlimit(config, 16, 0, 0, &err));
    NOT_ALLOWED(contain_config_set_rlimit(config, 0, 2, 1, &err));
    NOT_ALLOWED(contain_config_set_preserve_fds(config, 1025, &err));
    NOT_ALLOWED(contain_config_set_pass_fds(config, NULL, 1, &err));
    NOT_ALLOWED(contain_config_set_pass_fds(config, &(int32_t){2}, 1, &err));
    NOT_ALLOWED(contain_config_set_pass_fds(config, &(int32_t){1027}, 1, &err));
    NOT_ALLOWED(contain_config_set_pass_fds(config, &(int32_t){3}, SIZE_MAX, &err));
    REFUSED(contain_config_set_pass_fds(config, &(int32_t){-1}, 1, &err), EBADF, CONTAIN_E_INVALID);
    NOT_ALLOWED(contain_config_set_timeout(config, -2, &err));
    NOT_ALLOWED(contain_config_add_file(config, NULL, "a", 1, 0, &err));
    NOT_ALLOWED(contain_config_add_file(config, "/a", NULL, 1, 0, &err));
    NOT_ALLOWED(contain_config_add_file(config, "/a", "a", SIZE_MAX, 0, &err));
    NOT_ALLOWED(contain_config_set_console(config, 3, &err));
    NOT_ALLOWED(contain_config_set_console_size(config, 24, 80, &err));
    DONE(contain_config_set_console(config, CONTAIN_CONSOLE_TAKEN, &err));
    NOT_ALLOWED(contain_config_set_console_size(config, 65536, 80, &err));
    NOT_ALLOWED(contain_config_set_console_size(config, 24, 65536, &err));
    NOT_ALLOWED(contain_config_set_network_veth(config, NULL, 8, &err));
    contain_veth_options options = {.reserved = 1};
    NOT_ALLOWED(contain_config_set_network_veth(config, &options, sizeof options, &err));
    options = (contain_veth_options){.address = "10.0.0.1"};
    NOT_ALLOWED(contain_config_set_network_veth(config, &options, sizeof options, &err));
    options = (contain_veth_options){.gateway = "nowhere"};
    NOT_ALLOWED(contain_config_set_network_veth(config, &options, sizeof options, &err));
    unsigned char longer[sizeof options + 1] = {0};
    longer[sizeof options] = 1;
    REFUSED(contain_config_set_network_veth(config, (void *)longer, sizeof longer, &err), E2BIG, CONTAIN_E_TOO_BIG);
    contain_config_free(config);
}

int main(int argc, char **argv) {
    TEST(error_of_json_names_field_value_and_what_is_allowed);
    TEST(wrong_values_are_refused_at_once);
    // valgrind follows neither pidfds nor the clone that starts a container.
    if (argc > 1 && strcmp(argv[1], "--start-nothing") == 0)
        return finish();
    // The container's root may be a user of the host whom the folder does not belong to.
    CHECK(mkdtemp(folder) != NULL && chmod(folder, 0777) == 0);
    TEST(binds_and_tmpfs_are_mounted);
    TEST(root_can_be_sealed_or_thrown_away);
    TEST(user_is_the_one_asked_for);
    TEST(capabilities_and_limits_are_those_asked_for);
    TEST(preserved_descriptors_are_there);
    TEST(passed_descriptors_are_there);
    TEST(files_are_there_before_the_command);
    TEST(deadline_ends_everything);
    TEST(injected_command_may_what_its_options_say);
    TEST(injected_command_that_cannot_be_so_is_refused);
    TEST(helpers_run_where_they_should);
    TEST(console_is_a_terminal_of_its_own);
    TEST(veth_is_there_where_it_is_allowed);
    TEST(configuration_goes_to_json_and_back);
    TEST(validate_says_what_a_run_would);
    unlink(in_folder("given"));
    CHECK(rmdir(folder) == 0);
    return finish();
}
