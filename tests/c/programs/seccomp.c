// SPDX-License-Identifier: MIT OR Apache-2.0
// seccomp filters of the caller's own: what they decide, and that containers and injected commands run under them.
#include "../check.h"
#include <sys/syscall.h>

static const char *sleeper[] = {"sleep", "60", NULL};
static char text[65536];
static char folder[] = "/tmp/contain-seccomp.XXXXXX";

#define NOT_ALLOWED(call) REFUSED(call, EINVAL, CONTAIN_E_INVALID)

// Refuses mkdir and mkdirat with ENOTSUP, kills at personality(4), allows the rest.
static contain_seccomp *by_rules(void) {
    contain_seccomp *seccomp = NULL;
    DONE(contain_seccomp_new_rules(CONTAIN_ACTION_ALLOW, 0, &seccomp, &err));
    DONE(contain_seccomp_add_rule(seccomp, "mkdir", CONTAIN_ACTION_ERRNO, ENOTSUP, NULL, 0, &err));
    DONE(contain_seccomp_add_rule(seccomp, "258", CONTAIN_ACTION_ERRNO, ENOTSUP, NULL, 0, &err));
    contain_rule_options when = {.compare = {CONTAIN_COMPARE_EQ}, .value = {4}};
    DONE(contain_seccomp_add_rule(seccomp, "personality", CONTAIN_ACTION_KILL_PROCESS, 0, &when, sizeof when, &err));
    DONE(contain_seccomp_add_architecture(seccomp, CONTAIN_ARCHITECTURE_I386, &err));
    return seccomp;
}

static uint32_t decided(contain_seccomp *seccomp, uint32_t architecture, const char *name, uint64_t first, uint32_t *data) {
    uint32_t action = 0;
    uint64_t arguments[6] = {first, 0, 0, 0, 0, 0};
    DONE(contain_seccomp_test(seccomp, architecture, name, arguments, &action, data, &err));
    return action;
}

static void rules_decide(void) {
    contain_seccomp *seccomp = by_rules();
    uint32_t data = 0;
    CHECK(decided(seccomp, CONTAIN_ARCHITECTURE_X86_64, "mkdirat", 0, &data) == CONTAIN_ACTION_ERRNO && data == ENOTSUP);
    CHECK(decided(seccomp, CONTAIN_ARCHITECTURE_I386, "mkdir", 0, NULL) == CONTAIN_ACTION_ERRNO);
    CHECK(decided(seccomp, CONTAIN_ARCHITECTURE_X86_64, "personality", 4, NULL) == CONTAIN_ACTION_KILL_PROCESS);
    CHECK(decided(seccomp, CONTAIN_ARCHITECTURE_X86_64, "personality", 5, NULL) == CONTAIN_ACTION_ALLOW);
    CHECK(decided(seccomp, CONTAIN_ARCHITECTURE_X32, "read", 0, NULL) == CONTAIN_ACTION_KILL_THREAD);
    // Changed once it was compiled.
    DONE(contain_seccomp_add_rule(seccomp, "chmod", CONTAIN_ACTION_LOG, 0, NULL, 0, &err));
    DONE(contain_seccomp_set_flags(seccomp, CONTAIN_SECCOMP_FLAG_SPEC_ALLOW, &err));
    CHECK(decided(seccomp, CONTAIN_ARCHITECTURE_X86_64, "chmod", 0, NULL) == CONTAIN_ACTION_LOG);
    const uint8_t *program = NULL;
    size_t length = 0;
    DONE(contain_seccomp_get_bpf(seccomp, &program, &length, &err));
    CHECK(program != NULL && length > 0 && length % 8 == 0);
    contain_seccomp_free(seccomp);
}

static void what_is_wrong_is_refused(void) {
    contain_seccomp *seccomp = NULL, *named = NULL;
    NOT_ALLOWED(contain_seccomp_new_rules(99, 0, &seccomp, &err));
    NOT_ALLOWED(contain_seccomp_new_rules(CONTAIN_ACTION_ERRNO, 4096, &seccomp, &err));
    NOT_ALLOWED(contain_seccomp_new_rules(CONTAIN_ACTION_ALLOW, 1, &seccomp, &err));
    REFUSED(contain_seccomp_new_rules(CONTAIN_ACTION_NOTIFY, 0, &seccomp, &err), ENOTSUP, CONTAIN_E_UNSUPPORTED);
    NOT_ALLOWED(contain_seccomp_from_oci_json(NULL, 0, &seccomp, &err));
    NOT_ALLOWED(contain_seccomp_from_oci_json("{}", 2, &seccomp, &err));
    CHECK(seccomp == NULL);
    DONE(contain_seccomp_new_rules(CONTAIN_ACTION_ALLOW, 0, &seccomp, &err));
    NOT_ALLOWED(contain_seccomp_add_rule(seccomp, "mkdri", CONTAIN_ACTION_LOG, 0, NULL, 0, &err));
    NOT_ALLOWED(contain_seccomp_add_architecture(seccomp, 1, &err));
    NOT_ALLOWED(contain_seccomp_set_flags(seccomp, 1, &err));
    contain_rule_options when = {.compare = {8}};
    NOT_ALLOWED(contain_seccomp_add_rule(seccomp, "mkdir", CONTAIN_ACTION_LOG, 0, &when, sizeof when, &err));
    when = (contain_rule_options){.value = {0, 1}};
    NOT_ALLOWED(contain_seccomp_add_rule(seccomp, "mkdir", CONTAIN_ACTION_LOG, 0, &when, sizeof when, &err));
    when = (contain_rule_options){.compare = {CONTAIN_COMPARE_EQ}, .mask = {1}};
    NOT_ALLOWED(contain_seccomp_add_rule(seccomp, "mkdir", CONTAIN_ACTION_LOG, 0, &when, sizeof when, &err));
    DONE(contain_seccomp_new(CONTAIN_SECCOMP_APP, 0, &named, &err));
    NOT_ALLOWED(contain_seccomp_add_rule(named, "mkdir", CONTAIN_ACTION_LOG, 0, NULL, 0, &err));
    contain_seccomp_free(named);
    // Under it nothing could be executed.
    DONE(contain_seccomp_add_rule(seccomp, "execve", CONTAIN_ACTION_ERRNO, EPERM, NULL, 0, &err));
    contain_config *config = host(sleeper);
    DONE(contain_config_set_seccomp_filter(config, seccomp, &err));
    NOT_ALLOWED(contain_config_validate(config, &err));
    contain_config_free(config);
    contain_seccomp_free(seccomp);
}

static void document_is_taken_and_comes_back_in_the_configuration(void) {
    const char *document = "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\",\"no_such_call\"],"
                           "\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":95}]}";
    contain_seccomp *seccomp = NULL;
    DONE(contain_seccomp_from_oci_json(document, strlen(document), &seccomp, &err));
    contain_config *config = host(sleeper);
    DONE(contain_config_set_seccomp_filter(config, seccomp, &err));
    contain_seccomp_free(seccomp);
    char *json = NULL;
    DONE(contain_config_to_json(config, &json, NULL, &err));
    CHECK(json != NULL && strstr(json, "\"errnoRet\":95") != NULL);
    contain_string_free(json);
    contain_config_free(config);
}

static const char *const MAKE[] = {"sh", "-c", "mkdir /tmp/x 2>&1; grep -c '^Seccomp:.*2' /proc/self/status", NULL};

static int refused(void) {
    return strstr(text, "not supported") != NULL && strstr(text, "\n1\n") != NULL;
}

static void container_runs_under_it(void) {
    contain_seccomp *seccomp = by_rules();
    contain_config *config = host(MAKE);
    DONE(contain_config_set_seccomp_filter(config, seccomp, &err));
    output_of(config, text, sizeof text);
    CHECK(refused());
    contain_seccomp_free(seccomp);
}

// What is injected with these options says.
static void injected(contain_container *container, contain_inject_options options) {
    contain_process *process = NULL;
    options.stdout_kind = CONTAIN_STDIO_PIPE;
    DONE(contain_container_inject(container, MAKE, &options, sizeof options, &process, &err));
    read_all(contain_process_take_stdio(process, 1, NULL), text, sizeof text);
    CHECK(contain_process_wait(process, 10000, NULL, 0, NULL) == 1);
    contain_process_free(process);
}

static void injected_command_runs_under_it_also_by_another_process(void) {
    CHECK(mkdtemp(folder) != NULL);
    contain_seccomp *seccomp = by_rules();
    contain_config *config = host(sleeper);
    DONE(contain_config_set_seccomp_filter(config, seccomp, &err));
    contain_runtime *runtime = NULL;
    contain_container *stored = NULL, *own = NULL;
    DONE(contain_runtime_open(folder, &runtime, &err));
    DONE(contain_runtime_run(runtime, "a", config, NULL, 0, &stored, &err));
    DONE(contain_container_run(config, NULL, 0, &own, &err));
    contain_config_free(config);
    injected(own, (contain_inject_options){0});
    CHECK(refused());
    injected(own, (contain_inject_options){.seccomp = CONTAIN_SECCOMP_NONE});
    CHECK(!refused() && strstr(text, "not supported") == NULL);
    DONE(contain_container_end(own, CONTAIN_ENDED_SIGNALLED, NULL, 0, &err));
    contain_container_free(own);
    pid_t child = fork();
    if (child == 0) {
        check_failed = 0;
        contain_runtime *again = NULL;
        contain_container *found = NULL;
        DONE(contain_runtime_open(folder, &again, &err));
        DONE(contain_container_open(again, "a", &found, &err));
        injected(found, (contain_inject_options){0});
        CHECK(refused());
        contain_container_free(found);
        contain_runtime_free(again);
        fflush(stdout);
        _exit(check_failed);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    // Another filter for one command.
    contain_seccomp *other = NULL;
    DONE(contain_seccomp_new_rules(CONTAIN_ACTION_ALLOW, 0, &other, &err));
    injected(stored, (contain_inject_options){.seccomp_filter = other});
    CHECK(strstr(text, "not supported") == NULL);
    contain_process *process = NULL;
    contain_inject_options both = {.seccomp = CONTAIN_SECCOMP_APP, .seccomp_filter = other};
    NOT_ALLOWED(contain_container_inject(stored, MAKE, &both, sizeof both, &process, &err));
    contain_seccomp_free(other);
    contain_seccomp_free(seccomp);
    DONE(contain_container_delete(stored, 1, &err));
    contain_container_free(stored);
    contain_runtime_free(runtime);
    CHECK(rmdir(folder) == 0);
}

int main(void) {
    TEST(rules_decide);
    TEST(what_is_wrong_is_refused);
    TEST(document_is_taken_and_comes_back_in_the_configuration);
    TEST(container_runs_under_it);
    TEST(injected_command_runs_under_it_also_by_another_process);
    return finish();
}
