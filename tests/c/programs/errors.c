// SPDX-License-Identifier: MIT OR Apache-2.0
// What goes wrong: NULL everywhere, sizes, descriptors, values, commands; and what the errors say. With
// --start-nothing only what needs no container.
#include "../check.h"

static char place;
static const char *true_[] = {"true", NULL};
static contain_config *config;

#define NOT_ALLOWED(call) REFUSED(call, EINVAL, CONTAIN_E_INVALID)

static void null_is_an_error_everywhere(void) {
    contain_config *const untouched = (contain_config *)(void *)&place;
    contain_config *made = untouched;
    contain_container *container = (contain_container *)(void *)&place;
    contain_process *process = (contain_process *)(void *)&place;
    char *text = &place;
    size_t length = 77;
    NOT_ALLOWED(contain_has_feature(NULL, &err));
    NOT_ALLOWED(contain_config_new(NULL, true_, &made, &err));
    NOT_ALLOWED(contain_config_new("/", NULL, &made, &err));
    NOT_ALLOWED(contain_config_new("/", true_, NULL, &err));
    NOT_ALLOWED(contain_config_new_host(NULL, &made, &err));
    NOT_ALLOWED(contain_config_new_host(true_, NULL, &err));
    NOT_ALLOWED(contain_config_clone(NULL, &made, &err));
    NOT_ALLOWED(contain_config_clone(config, NULL, &err));
    NOT_ALLOWED(contain_config_set_root(NULL, "/", &err));
    NOT_ALLOWED(contain_config_set_root(config, NULL, &err));
    NOT_ALLOWED(contain_config_set_host_root(NULL, &err));
    NOT_ALLOWED(contain_config_set_argv(NULL, true_, &err));
    NOT_ALLOWED(contain_config_set_argv(config, NULL, &err));
    NOT_ALLOWED(contain_config_set_env(NULL, true_, &err));
    NOT_ALLOWED(contain_config_set_env(config, NULL, &err));
    NOT_ALLOWED(contain_config_set_search_path(NULL, 1, &err));
    NOT_ALLOWED(contain_config_set_chdir(NULL, "/", &err));
    NOT_ALLOWED(contain_config_set_chdir(config, NULL, &err));
    NOT_ALLOWED(contain_config_set_hostname(NULL, "name", &err));
    NOT_ALLOWED(contain_config_set_hostname(config, NULL, &err));
    NOT_ALLOWED(contain_config_set_uid_map(NULL, "0:0:1", &err));
    NOT_ALLOWED(contain_config_set_uid_map(config, NULL, &err));
    NOT_ALLOWED(contain_config_set_gid_map(NULL, "0:0:1", &err));
    NOT_ALLOWED(contain_config_set_gid_map(config, NULL, &err));
    NOT_ALLOWED(contain_config_set_network(NULL, CONTAIN_NETWORK_HOST, &err));
    NOT_ALLOWED(contain_config_set_init(NULL, 1, &err));
    NOT_ALLOWED(contain_config_set_seccomp(NULL, CONTAIN_SECCOMP_APP, &err));
    NOT_ALLOWED(contain_config_set_no_new_privs(NULL, 1, &err));
    NOT_ALLOWED(contain_config_set_lifetime(NULL, CONTAIN_LIFETIME_BOUND, &err));
    NOT_ALLOWED(contain_config_explain(NULL, CONTAIN_EXPLAIN_TEXT, &text, &length, &err));
    NOT_ALLOWED(contain_config_explain(config, CONTAIN_EXPLAIN_TEXT, NULL, &length, &err));
    NOT_ALLOWED(contain_container_create(NULL, NULL, 0, &container, &err));
    NOT_ALLOWED(contain_container_create(config, NULL, 0, NULL, &err));
    NOT_ALLOWED(contain_container_create(config, NULL, 24, &container, &err));
    NOT_ALLOWED(contain_container_run(NULL, NULL, 0, &container, &err));
    NOT_ALLOWED(contain_container_run(config, NULL, 0, NULL, &err));
    NOT_ALLOWED(contain_container_run(config, NULL, 24, &container, &err));
    NOT_ALLOWED(contain_container_start(NULL, &err));
    NOT_ALLOWED(contain_container_inject(NULL, true_, NULL, 0, &process, &err));
    NOT_ALLOWED(contain_container_signal(NULL, SIGTERM, &err));
    NOT_ALLOWED(contain_container_kill(NULL, &err));
    NOT_ALLOWED(contain_container_wait(NULL, 0, NULL, 0, &err));
    NOT_ALLOWED(contain_container_pid(NULL, &err));
    NOT_ALLOWED(contain_container_init_pid(NULL, &err));
    NOT_ALLOWED(contain_container_pidfd(NULL, &err));
    NOT_ALLOWED(contain_process_signal(NULL, SIGTERM, &err));
    NOT_ALLOWED(contain_process_kill(NULL, &err));
    NOT_ALLOWED(contain_process_wait(NULL, 0, NULL, 0, &err));
    NOT_ALLOWED(contain_process_pid(NULL, &err));
    NOT_ALLOWED(contain_process_pidfd(NULL, &err));
    CHECK(made == untouched && (void *)container == &place && (void *)process == &place);
    CHECK(text == &place && length == 77);
}

static void null_for_the_error_is_fine(void) {
    contain_config *made = NULL;
    CHECK(contain_has_feature(NULL, NULL) == -EINVAL);
    CHECK(contain_config_new(NULL, NULL, NULL, NULL) == -EINVAL);
    CHECK(contain_container_wait(NULL, 0, NULL, 0, NULL) == -EINVAL);
    CHECK(contain_config_new_host(true_, &made, NULL) == 0);
    contain_config_free(made);
}

static void free_of_null_is_fine(void) {
    contain_error_free(NULL);
    contain_string_free(NULL);
    contain_config_free(NULL);
    contain_container_free(NULL);
    contain_process_free(NULL);
    contain_runtime_free(NULL);
    contain_list_free(NULL);
}

static void reading_no_error_gives_nothing(void) {
    CHECK(contain_error_get_code(NULL) == 0);
    CHECK(contain_error_get_errno(NULL) == 0);
    CHECK(contain_error_get_step(NULL) == 0);
    CHECK(contain_error_get_in_child(NULL) == 0);
    CHECK(contain_error_get_stage(NULL) == NULL);
    CHECK(contain_error_get_object(NULL) == NULL);
    CHECK(contain_error_get_message(NULL) == NULL);
    CHECK(contain_error_get_kernel_message(NULL) == NULL);
    CHECK(contain_error_get_cause(NULL) == NULL);
    CHECK(contain_error_get_remedy(NULL) == NULL);
}

static void code_has_a_text(void) {
    CHECK(strcmp(contain_error_code_text(CONTAIN_E_SECURE_EXEC), contain_error_code_text(0)) != 0);
    CHECK(strlen(contain_error_code_text(CONTAIN_E_INTERNAL)) > 0);
    CHECK(strcmp(contain_error_code_text(-7), "an unknown error") == 0);
    CHECK(strcmp(contain_error_code_text(INT32_MAX), "an unknown error") == 0);
}

static void library_knows_its_version_and_features(void) {
    int numbers[3] = {-1, -1, -1};
    CHECK(sscanf(contain_version(), "%d.%d.%d", numbers, numbers + 1, numbers + 2) == 3);
    CHECK(contain_has_feature("inject", NULL) == 1);
    CHECK(contain_has_feature("time-travel", NULL) == 0);
    CHECK(contain_has_feature("", NULL) == 0);
}

static void values_outside_the_list_are_refused(void) {
    contain_config *made = NULL;
    NOT_ALLOWED(contain_config_new("/", (const char *[]){NULL}, &made, &err));
    NOT_ALLOWED(contain_config_set_argv(config, (const char *[]){NULL}, &err));
    NOT_ALLOWED(contain_config_set_search_path(config, 2, &err));
    NOT_ALLOWED(contain_config_set_init(config, 2, &err));
    NOT_ALLOWED(contain_config_set_no_new_privs(config, UINT32_MAX, &err));
    NOT_ALLOWED(contain_config_set_network(config, 2, &err));
    NOT_ALLOWED(contain_config_set_lifetime(config, 2, &err));
    NOT_ALLOWED(contain_config_set_seccomp(config, 0, &err));
    NOT_ALLOWED(contain_config_set_seccomp(config, 4, &err));
    NOT_ALLOWED(contain_config_set_uid_map(config, "\xff", &err));
    char *text = NULL;
    NOT_ALLOWED(contain_config_explain(config, 2, &text, NULL, &err));
    CHECK(text == NULL && made == NULL);
}

// What is wrong in a configuration is found when it is used.
static void refused_when_used(contain_config *wrong, int errno_, int code) {
    char *text = NULL;
    REFUSED(contain_config_explain(wrong, CONTAIN_EXPLAIN_TEXT, &text, NULL, &err), errno_, code);
    contain_container *container = NULL;
    REFUSED(contain_container_run(wrong, NULL, 0, &container, &err), errno_, code);
    REFUSED(contain_container_create(wrong, NULL, 0, &container, &err), errno_, code);
    CHECK(text == NULL && container == NULL);
    contain_config_free(wrong);
}

static void wrong_configurations_are_refused_when_used(void) {
    contain_config *wrong = host(true_);
    DONE(contain_config_set_hostname(wrong, "", &err));
    refused_when_used(wrong, EINVAL, CONTAIN_E_INVALID);
    wrong = host(true_);
    DONE(contain_config_set_env(wrong, (const char *[]){"no assignment", NULL}, &err));
    refused_when_used(wrong, EINVAL, CONTAIN_E_INVALID);
    wrong = host(true_);
    DONE(contain_config_set_uid_map(wrong, "0:0", &err));
    char *text = NULL;
    contain_error *error = NULL;
    CHECK(contain_config_explain(wrong, CONTAIN_EXPLAIN_TEXT, &text, NULL, &error) < 0);
    int code = contain_error_get_code(error);
    CHECK(code == CONTAIN_E_INVALID || code == CONTAIN_E_ID_MAP);
    contain_error_free(error);
    contain_config_free(wrong);
    enum { MANY = 200000 };
    const char **many = calloc(MANY + 1, sizeof *many);
    for (size_t at = 0; at < MANY; at++)
        many[at] = "x";
    wrong = host(many);
    free(many);
    refused_when_used(wrong, E2BIG, CONTAIN_E_TOO_BIG);
}

static void options_may_be_shorter_or_longer(void) {
    struct {
        contain_run_options known;
        unsigned char more[8];
    } options;
    contain_container *container = NULL;
    contain_config *missing = NULL;
    DONE(contain_config_new("/nonexistent", true_, &missing, &err));
    memset(&options, 0, sizeof options);
    // A directory that is not there is found after the options have been read.
    REFUSED(contain_container_run(missing, &options.known, 0, &container, &err), ENOENT, CONTAIN_E_ROOT);
    REFUSED(contain_container_run(missing, &options.known, 4, &container, &err), ENOENT, CONTAIN_E_ROOT);
    REFUSED(contain_container_run(missing, &options.known, sizeof options, &container, &err), ENOENT, CONTAIN_E_ROOT);
    options.more[7] = 1;
    REFUSED(contain_container_run(missing, &options.known, sizeof options, &container, &err), E2BIG,
            CONTAIN_E_TOO_BIG);
    REFUSED(contain_container_create(missing, &options.known, sizeof options, &container, &err), E2BIG,
            CONTAIN_E_TOO_BIG);
    REFUSED(contain_container_run(missing, &options.known, SIZE_MAX, &container, &err), E2BIG, CONTAIN_E_TOO_BIG);
    CHECK(container == NULL);
    contain_config_free(missing);
}

static void descriptors_are_looked_at(void) {
    contain_container *container = NULL;
    contain_run_options options = {.stdout_kind = CONTAIN_STDIO_DESCRIPTOR, .stdout_fd = -1};
    REFUSED(contain_container_run(config, &options, sizeof options, &container, &err), EBADF, CONTAIN_E_INVALID);
    options.stdout_kind = CONTAIN_STDIO_NULL;
    options.stdout_fd = 5;
    NOT_ALLOWED(contain_container_run(config, &options, sizeof options, &container, &err));
    options.stdout_kind = 4;
    options.stdout_fd = 0;
    NOT_ALLOWED(contain_container_run(config, &options, sizeof options, &container, &err));
    CHECK(container == NULL);
}

static void descriptor_that_is_not_open_is_refused(void) {
    contain_container *container = NULL;
    contain_run_options options = {.stderr_kind = CONTAIN_STDIO_DESCRIPTOR, .stderr_fd = 999};
    REFUSED(contain_container_run(config, &options, sizeof options, &container, &err), EBADF, CONTAIN_E_INVALID);
    CHECK(container == NULL);
}

static void error_of_a_missing_root_says_all(void) {
    contain_config *missing = NULL;
    DONE(contain_config_new("/non\xff" "existent", true_, &missing, &err));
    contain_container *container = NULL;
    contain_error *error = NULL;
    CHECK(contain_container_run(missing, NULL, 0, &container, &error) == -ENOENT);
    CHECK(contain_error_get_code(error) == CONTAIN_E_ROOT);
    CHECK(contain_error_get_errno(error) == ENOENT);
    CHECK(contain_error_get_step(error) == 0);
    CHECK(contain_error_get_in_child(error) == 0);
    CHECK(strcmp(contain_error_get_stage(error), "rootfs.open") == 0);
    CHECK(strstr(contain_error_get_object(error), "existent") != NULL);
    CHECK(strstr(contain_error_get_message(error), "ENOENT") != NULL);
    CHECK(contain_error_get_kernel_message(error) == NULL);
    CHECK(strlen(contain_error_get_cause(error)) > 0);
    CHECK(strlen(contain_error_get_remedy(error)) > 0);
    contain_error_free(error);
    contain_config_free(missing);
}

static void error_of_a_command_names_the_step(void) {
    contain_config *wrong = host((const char *[]){"/etc/passwd", NULL});
    contain_container *container = NULL;
    contain_error *error = NULL;
    CHECK(contain_container_run(wrong, NULL, 0, &container, &error) == -EACCES);
    CHECK(contain_error_get_code(error) == CONTAIN_E_NOT_EXECUTABLE);
    CHECK(contain_error_get_step(error) > 0);
    CHECK(contain_error_get_in_child(error) == 1);
    CHECK(strcmp(contain_error_get_stage(error), "process.exec") == 0);
    CHECK(strcmp(contain_error_get_object(error), "/etc/passwd") == 0);
    CHECK(container == NULL);
    contain_error_free(error);
    contain_config_free(wrong);
}

static void arguments_beside_a_running_container_are_looked_at(void) {
    contain_container *container = start((const char *[]){"sleep", "60", NULL});
    contain_process *process = NULL;
    contain_result result;
    memset(&result, 0xaa, sizeof result);
    NOT_ALLOWED(contain_container_wait(container, -2, &result, sizeof result, &err));
    NOT_ALLOWED(contain_container_wait(container, 0, NULL, sizeof result, &err));
    NOT_ALLOWED(contain_container_wait(container, 0, &result, 0, &err));
    NOT_ALLOWED(contain_container_wait(container, 0, &result, 7, &err));
    REFUSED(contain_container_wait(container, 0, &result, SIZE_MAX, &err), E2BIG, CONTAIN_E_TOO_BIG);
    CHECK(((unsigned char *)&result)[0] == 0xaa);
    NOT_ALLOWED(contain_container_signal(container, -1, &err));
    NOT_ALLOWED(contain_container_signal(container, 65, &err));
    NOT_ALLOWED(contain_container_inject(container, NULL, NULL, 0, &process, &err));
    NOT_ALLOWED(contain_container_inject(container, (const char *[]){NULL}, NULL, 0, &process, &err));
    NOT_ALLOWED(contain_container_inject(container, true_, NULL, 0, NULL, &err));
    NOT_ALLOWED(contain_container_inject(container, true_, NULL, 40, &process, &err));
    contain_inject_options options = {.reserved = 1};
    NOT_ALLOWED(contain_container_inject(container, true_, &options, sizeof options, &process, &err));
    options = (contain_inject_options){.seccomp = 4};
    NOT_ALLOWED(contain_container_inject(container, true_, &options, sizeof options, &process, &err));
    options = (contain_inject_options){.stdin_kind = CONTAIN_STDIO_DESCRIPTOR, .stdin_fd = -1};
    REFUSED(contain_container_inject(container, true_, &options, sizeof options, &process, &err), EBADF,
            CONTAIN_E_INVALID);
    CHECK(process == NULL);
    DONE(contain_container_kill(container, &err));
    ended(container);
    contain_container_free(container);
}

// Options that are longer than any, of every function that takes some, and with something behind what is known.
static void options_of_every_function_are_measured(void) {
    static unsigned char longer[4096];
    const size_t known = sizeof longer;
    longer[known - 1] = 1;
    char folder[] = "/tmp/contain-errors.XXXXXX";
    contain_runtime *runtime = NULL;
    contain_container *container = start((const char *[]){"sleep", "60", NULL}), *other = NULL;
    contain_process *process = NULL, *made = NULL;
    contain_list *list = NULL;
    CHECK(mkdtemp(folder) != NULL);
    DONE(contain_runtime_open(folder, &runtime, &err));
    DONE(contain_container_inject(container, (const char *[]){"sleep", "60", NULL}, NULL, 0, &process, &err));
#define TOO_BIG(call) REFUSED(call, E2BIG, CONTAIN_E_TOO_BIG)
    for (int times = 0; times < 2; times++) {
        size_t size = times == 0 ? known : known + 1;
        void *place = longer;
        TOO_BIG(contain_config_set_network_veth(config, place, size, &err));
        TOO_BIG(contain_container_create(config, place, size, &other, &err));
        TOO_BIG(contain_container_run(config, place, size, &other, &err));
        TOO_BIG(contain_runtime_create(runtime, "a", config, place, size, &other, &err));
        TOO_BIG(contain_runtime_run(runtime, "a", config, place, size, &other, &err));
        TOO_BIG(contain_container_inject(container, true_, place, size, &made, &err));
        TOO_BIG(contain_process_inject(contain_container_pid(container, NULL), true_, place, size, &made, &err));
        TOO_BIG(contain_userns_run(true_, place, size, &made, &err));
    }
    // Results and states may be as long as the largest, and no longer; and hold at least their own size.
    contain_result *result = (void *)longer;
    contain_status *status = (void *)longer;
    TOO_BIG(contain_container_wait(container, 0, result, known + 1, &err));
    TOO_BIG(contain_container_stop(container, SIGTERM, 0, result, known + 1, &err));
    TOO_BIG(contain_container_end(container, CONTAIN_ENDED_WALL, result, known + 1, &err));
    TOO_BIG(contain_process_wait(process, 0, result, known + 1, &err));
    TOO_BIG(contain_process_end(process, CONTAIN_ENDED_WALL, result, known + 1, &err));
    TOO_BIG(contain_container_status(container, status, known + 1, &err));
    NOT_ALLOWED(contain_container_stop(container, SIGTERM, 0, result, 7, &err));
    NOT_ALLOWED(contain_container_end(container, CONTAIN_ENDED_WALL, result, 0, &err));
    NOT_ALLOWED(contain_process_wait(process, 0, result, 7, &err));
    NOT_ALLOWED(contain_process_end(process, CONTAIN_ENDED_WALL, NULL, 8, &err));
    NOT_ALLOWED(contain_container_status(container, status, 7, &err));
    CHECK(longer[0] == 0 && longer[known - 1] == 1 && other == NULL && made == NULL);
    CHECK(contain_container_state(container, NULL) == CONTAIN_STATE_RUNNING);
    contain_container *stored = NULL;
    DONE(contain_runtime_run(runtime, "a", config, NULL, 0, &stored, &err));
    DONE(contain_container_status(stored, status, known, &err));
    CHECK(status->size == sizeof *status && longer[known - 1] == 0);
    longer[known - 1] = 1;
    DONE(contain_runtime_list(runtime, &list, &err));
    DONE(contain_list_get_status(list, 0, status, known, &err));
    CHECK(status->size == sizeof *status && longer[known - 1] == 0);
    longer[known - 1] = 1;
    DONE(contain_process_end(process, CONTAIN_ENDED_SIGNALLED, result, known, &err));
    CHECK(result->size == sizeof *result && longer[known - 1] == 0);
    longer[known - 1] = 1;
    DONE(contain_container_stop(container, SIGTERM, 5000, result, known, &err));
    CHECK(result->size == sizeof *result && longer[known - 1] == 0);
    DONE(contain_runtime_delete(runtime, "a", 1, &err));
    CHECK(rmdir(folder) == 0);
    contain_list_free(list);
    contain_container_free(stored);
    contain_runtime_free(runtime);
    contain_process_free(process);
    contain_container_free(container);
}

int main(int argc, char **argv) {
    config = host(true_);
    TEST(null_is_an_error_everywhere);
    TEST(null_for_the_error_is_fine);
    TEST(free_of_null_is_fine);
    TEST(reading_no_error_gives_nothing);
    TEST(code_has_a_text);
    TEST(library_knows_its_version_and_features);
    TEST(values_outside_the_list_are_refused);
    TEST(wrong_configurations_are_refused_when_used);
    TEST(options_may_be_shorter_or_longer);
    TEST(descriptors_are_looked_at);
    TEST(error_of_a_missing_root_says_all);
    // valgrind follows neither pidfds nor the clone that starts a container.
    if (argc < 2 || strcmp(argv[1], "--start-nothing") != 0) {
        TEST(descriptor_that_is_not_open_is_refused);
        TEST(error_of_a_command_names_the_step);
        TEST(options_of_every_function_are_measured);
        TEST(arguments_beside_a_running_container_are_looked_at);
    }
    contain_config_free(config);
    return finish();
}
