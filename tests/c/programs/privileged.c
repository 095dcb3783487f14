// SPDX-License-Identifier: MIT OR Apache-2.0
// A program that gained ids or capabilities when it was executed: every call refuses. The argument says whether this
// one did: `refused` or `allowed`. What it prints first is the name of the test.
#include "../check.h"
#include "../every.h"

static const char *true_[] = {"true", NULL};

#define PRIVILEGED(function, ...) REFUSED(function(__VA_ARGS__, &err), EPERM, CONTAIN_E_SECURE_EXEC);

static void every_call_refuses(void) {
    contain_config *config = NULL;
    EVERY(PRIVILEGED)
    REFUSED(contain_config_new_host(true_, &config, &err), EPERM, CONTAIN_E_SECURE_EXEC);
    REFUSED(contain_config_new("/", true_, &config, &err), EPERM, CONTAIN_E_SECURE_EXEC);
    REFUSED(contain_has_feature("inject", &err), EPERM, CONTAIN_E_SECURE_EXEC);
    CHECK(config == NULL);
    contain_error *error = NULL;
    CHECK(contain_config_new_host(true_, &config, &error) == -EPERM);
    CHECK(strlen(contain_error_get_cause(error)) > 0 && strstr(contain_error_get_remedy(error), "contain-idmap") != NULL);
    contain_error_free(error);
}

static void calls_are_allowed(void) {
    contain_container *container = start(true_);
    CHECK(ended(container).status == 0);
    contain_container_free(container);
}

int main(int argc, char **argv) {
    int refused = argc > 2 && strcmp(argv[2], "refused") == 0;
    test(argc > 1 ? argv[1] : "privileged", refused ? every_call_refuses : calls_are_allowed);
    return finish();
}
