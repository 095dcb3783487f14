// SPDX-License-Identifier: MIT OR Apache-2.0
// Commands in containers: how they end, what they see, what becomes of their descriptors.
// The argument is a directory with a root file system in which /bin/hello is a program.
#include "../check.h"

static const char *root;
static char text[65536];

static void true_exits_with_0(void) {
    contain_container *container = start((const char *[]){"true", NULL});
    contain_result result = ended(container);
    CHECK(result.ended_by == CONTAIN_ENDED_EXITED);
    CHECK(result.status == 0);
    CHECK(result.exit_status == 0);
    CHECK(result.reserved == 0);
    CHECK(result.wall_ns > 0);
    CHECK(result.peak_memory > 0);
    contain_container_free(container);
}

static void false_exits_with_1(void) {
    contain_container *container = start((const char *[]){"false", NULL});
    contain_result result = ended(container);
    CHECK(result.ended_by == CONTAIN_ENDED_EXITED);
    CHECK(result.status == 1);
    contain_container_free(container);
}

static void command_ended_by_a_signal_says_which(void) {
    contain_container *container = start(SHELL("kill -TERM $$"));
    contain_result result = ended(container);
    CHECK(result.ended_by == CONTAIN_ENDED_SIGNALLED);
    CHECK(result.status == SIGTERM);
    CHECK(result.exit_status == 128 + SIGTERM);
    contain_container_free(container);
}

static void output_comes_over_a_pipe(void) {
    contain_result result = output_of(host(SHELL("echo one; echo two; exit 7")), text, sizeof text);
    CHECK(strcmp(text, "one\ntwo\n") == 0);
    CHECK(result.status == 7);
}

static void standard_descriptors_go_where_they_should(void) {
    int in[2], out[2];
    CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    contain_config *config = host(SHELL("read line; echo lost; echo \"got $line\" >&2; ls /proc/self/fd >&2"));
    contain_run_options options = {
        .stdin_kind = CONTAIN_STDIO_DESCRIPTOR, .stdin_fd = in[0], .stdout_kind = CONTAIN_STDIO_NULL,
        .stderr_kind = CONTAIN_STDIO_DESCRIPTOR, .stderr_fd = out[1],
    };
    contain_container *container = NULL;
    DONE(contain_container_run(config, &options, sizeof options, &container, &err));
    CHECK(fcntl(in[0], F_GETFD) == FD_CLOEXEC && fcntl(out[1], F_GETFD) == FD_CLOEXEC);
    CHECK(write(in[1], "a line\n", 7) == 7);
    close(in[0]), close(in[1]), close(out[1]);
    read_all(out[0], text, sizeof text);
    CHECK(strcmp(text, "got a line\n0\n1\n2\n3\n") == 0);
    CHECK(ended(container).status == 0);
    contain_container_free(container);
    contain_config_free(config);
}

static void settings_reach_the_command(void) {
    contain_config *config = host((const char *[]){"nothing", NULL});
    DONE(contain_config_set_argv(config, SHELL("uname -n; pwd; echo $NAME; echo $$; ls /sys/class/net; id -u"), &err));
    DONE(contain_config_set_env(config, (const char *[]){"NAME=some value", "PATH=/usr/bin:/bin", NULL}, &err));
    DONE(contain_config_set_hostname(config, "inside", &err));
    DONE(contain_config_set_chdir(config, "/usr", &err));
    contain_result result = output_of(config, text, sizeof text);
    CHECK(result.status == 0);
    CHECK(strcmp(text, "inside\n/usr\nsome value\n2\nlo\n0\n") == 0);
}

static void strings_need_not_be_utf8(void) {
    contain_config *config = host((const char *[]){"printf", "%s", "\xff\xfe\x80", NULL});
    output_of(config, text, sizeof text);
    CHECK(strcmp(text, "\xff\xfe\x80") == 0);
}

static void without_init_the_command_is_pid_1(void) {
    contain_config *config = host(SHELL("echo $$"));
    DONE(contain_config_set_init(config, 0, &err));
    output_of(config, text, sizeof text);
    CHECK(strcmp(text, "1\n") == 0);
}

static void restrictions_are_those_asked_for(void) {
    const char *script = "grep ^NoNewPrivs: /proc/self/status | tr -dc 01; unshare -m echo free 2>/dev/null";
    contain_config *config = host(SHELL(script)), *other = NULL;
    DONE(contain_config_clone(config, &other, &err));
    output_of(config, text, sizeof text);
    CHECK(strcmp(text, "1") == 0);
    DONE(contain_config_set_no_new_privs(other, 0, &err));
    DONE(contain_config_set_seccomp(other, CONTAIN_SECCOMP_SYSTEM, &err));
    DONE(contain_config_clone(other, &config, &err));
    output_of(other, text, sizeof text);
    CHECK(strcmp(text, "0free\n") == 0);
    DONE(contain_config_set_seccomp(config, CONTAIN_SECCOMP_NONE, &err));
    output_of(config, text, sizeof text);
    CHECK(strcmp(text, "0free\n") == 0);
}

static void network_of_the_host_can_be_shared(void) {
    char own[64], path[64];
    ssize_t length = readlink("/proc/self/ns/net", own, sizeof own - 1);
    CHECK(length > 0);
    own[length > 0 ? length : 0] = '\0';
    contain_config *config = host(SHELL("printf %s $(readlink /proc/self/ns/net)"));
    contain_config *other = NULL;
    DONE(contain_config_clone(config, &other, &err));
    DONE(contain_config_set_network(config, CONTAIN_NETWORK_HOST, &err));
    output_of(config, path, sizeof path);
    CHECK(strcmp(path, own) == 0);
    output_of(other, path, sizeof path);
    CHECK(strncmp(path, "net:", 4) == 0 && strcmp(path, own) != 0);
}

static void ids_are_mapped_as_asked(void) {
    char map[64];
    snprintf(map, sizeof map, "0:%u:1", (unsigned)getuid());
    contain_config *config = host(SHELL("cat /proc/self/uid_map /proc/self/gid_map"));
    DONE(contain_config_set_uid_map(config, map, &err));
    snprintf(map, sizeof map, "0:%u:1", (unsigned)getgid());
    DONE(contain_config_set_gid_map(config, map, &err));
    CHECK(output_of(config, text, sizeof text).status == 0);
    unsigned values[6] = {9, 9, 9, 9, 9, 9};
    CHECK(sscanf(text, "%u %u %u %u %u %u", values, values + 1, values + 2, values + 3, values + 4, values + 5) == 6);
    CHECK(values[0] == 0 && values[1] == getuid() && values[2] == 1);
    CHECK(values[3] == 0 && values[4] == getgid() && values[5] == 1);
}

static void root_can_be_a_directory(void) {
    contain_config *config = NULL;
    DONE(contain_config_new(root, (const char *[]){"hello", NULL}, &config, &err));
    output_of(config, text, sizeof text);
    CHECK(strcmp(text, "hello\n") == 0);
    config = host((const char *[]){"hello", NULL});
    contain_container *container = NULL;
    REFUSED(contain_container_run(config, NULL, 0, &container, &err), ENOENT, CONTAIN_E_NOT_FOUND);
    DONE(contain_config_set_root(config, root, &err));
    output_of(config, text, sizeof text);
    CHECK(strcmp(text, "hello\n") == 0);
    DONE(contain_config_new(root, (const char *[]){"ls", "/usr", NULL}, &config, &err));
    DONE(contain_config_set_host_root(config, &err));
    CHECK(output_of(config, text, sizeof text).status == 0);
    CHECK(strstr(text, "bin\n") != NULL);
}

static void command_is_looked_up_only_where_asked(void) {
    contain_config *config = host((const char *[]){"true", NULL});
    DONE(contain_config_set_search_path(config, 0, &err));
    contain_container *container = NULL;
    REFUSED(contain_container_run(config, NULL, 0, &container, &err), ENOENT, CONTAIN_E_NOT_FOUND);
    CHECK(container == NULL);
    DONE(contain_config_set_search_path(config, 1, &err));
    CHECK(output_of(config, text, sizeof text).status == 0);
}

static void result_of_a_shorter_or_longer_struct_is_cut_or_extended(void) {
    struct {
        contain_result known;
        unsigned char more[24];
        unsigned char behind;
    } longer;
    memset(&longer, 0xaa, sizeof longer);
    contain_container *container = start(SHELL("exit 5"));
    DONE(contain_container_wait(container, 10000, NULL, 0, &err));
    DONE(contain_container_wait(container, 0, &longer.known, 16, &err));
    CHECK(longer.known.size == 16 && longer.known.ended_by == CONTAIN_ENDED_EXITED && longer.known.status == 5);
    CHECK((unsigned char)longer.known.exit_status == 0xaa);
    DONE(contain_container_wait(container, 0, &longer.known, sizeof longer.known + sizeof longer.more, &err));
    CHECK(longer.known.size == sizeof longer.known && longer.known.exit_status == 5);
    for (size_t at = 0; at < sizeof longer.more; at++)
        CHECK(longer.more[at] == 0);
    CHECK(longer.behind == 0xaa);
    contain_container_free(container);
}

int main(int argc, char **argv) {
    root = argc > 1 ? argv[1] : "";
    TEST(true_exits_with_0);
    TEST(false_exits_with_1);
    TEST(command_ended_by_a_signal_says_which);
    TEST(output_comes_over_a_pipe);
    TEST(standard_descriptors_go_where_they_should);
    TEST(settings_reach_the_command);
    TEST(strings_need_not_be_utf8);
    TEST(without_init_the_command_is_pid_1);
    TEST(restrictions_are_those_asked_for);
    TEST(network_of_the_host_can_be_shared);
    TEST(ids_are_mapped_as_asked);
    TEST(root_can_be_a_directory);
    TEST(command_is_looked_up_only_where_asked);
    TEST(result_of_a_shorter_or_longer_struct_is_cut_or_extended);
    return finish();
}
