// SPDX-License-Identifier: MIT OR Apache-2.0
// The plan, printed before anything is done. Nothing is started.
#include "../check.h"

static void text_has_a_line_for_each_step(void) {
    contain_config *config = host((const char *[]){"true", NULL});
    DONE(contain_config_set_hostname(config, "plain-to-see", &err));
    char *text = NULL;
    size_t length = 0;
    DONE(contain_config_explain(config, CONTAIN_EXPLAIN_TEXT, &text, &length, &err));
    CHECK(strlen(text) == length && length > 0);
    CHECK(strstr(text, "clone") != NULL && strstr(text, "plain-to-see") != NULL && strstr(text, "exec") != NULL);
    CHECK(text[length - 1] == '\n');
    contain_string_free(text);
    contain_config_free(config);
}

static void json_is_one_object(void) {
    contain_config *config = host((const char *[]){"true", NULL});
    char *text = NULL;
    DONE(contain_config_explain(config, CONTAIN_EXPLAIN_JSON, &text, NULL, &err));
    CHECK(text[0] == '{' && text[strlen(text) - 1] == '}');
    CHECK(strstr(text, "\"version\":1") != NULL && strstr(text, "\"steps\":[") != NULL);
    contain_string_free(text);
    contain_config_free(config);
}

static void explain_follows_the_setters(void) {
    contain_config *config = host((const char *[]){"true", NULL});
    char *private = NULL, *shared = NULL;
    DONE(contain_config_explain(config, CONTAIN_EXPLAIN_TEXT, &private, NULL, &err));
    DONE(contain_config_set_network(config, CONTAIN_NETWORK_HOST, &err));
    DONE(contain_config_explain(config, CONTAIN_EXPLAIN_TEXT, &shared, NULL, &err));
    CHECK(strcmp(private, shared) != 0);
    contain_string_free(private);
    contain_string_free(shared);
    contain_config_free(config);
}

int main(void) {
    TEST(text_has_a_line_for_each_step);
    TEST(json_is_one_object);
    TEST(explain_follows_the_setters);
    return finish();
}
