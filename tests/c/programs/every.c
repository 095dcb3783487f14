// SPDX-License-Identifier: MIT OR Apache-2.0
// Every function with NULL for everything: an error that says so, with and without a place for it, in the process that
// began and in a child, from several threads at once. --names prints the functions.
#include "../check.h"
#include "../every.h"
#include <pthread.h>

#define NAME(function, ...) puts(#function);
#define INVALID(function, ...) REFUSED(function(__VA_ARGS__, &err), EINVAL, CONTAIN_E_INVALID);
#define WITHOUT(function, ...) CHECK(function(__VA_ARGS__, NULL) == -EINVAL);
#define MESSAGE(function, ...)                                                            \
    do {                                                                                  \
        contain_error *err = NULL;                                                        \
        (void)function(__VA_ARGS__, &err);                                                \
        CHECK(strstr(contain_error_get_message(err), "NULL") != NULL);                    \
        CHECK(contain_error_get_cause(err) != NULL && contain_error_get_step(err) == 0);  \
        contain_error_free(err);                                                          \
    } while (0);
// In threads nothing is printed: what differs is counted.
#define COUNT(function, ...)                                                              \
    do {                                                                                  \
        contain_error *err = NULL;                                                        \
        wrong += function(__VA_ARGS__, &err) != -EINVAL;                                  \
        wrong += contain_error_get_code(err) != CONTAIN_E_INVALID;                        \
        contain_error_free(err);                                                          \
    } while (0);

static void null_is_an_error_of_every_function(void) {
    EVERY(INVALID)
}

static void error_of_every_function_names_the_null(void) {
    EVERY(MESSAGE)
}

static void every_function_needs_no_place_for_an_error(void) {
    EVERY(WITHOUT)
}

static void every_function_can_be_called_in_a_child(void) {
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        EVERY(INVALID)
        fflush(stdout);
        _exit(check_failed);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void *call_all(void *ignored) {
    (void)ignored;
    size_t wrong = 0;
    for (int times = 0; times < 20; times++) {
        EVERY(COUNT)
    }
    return (void *)wrong;
}

static void every_function_can_be_called_by_several_threads(void) {
    pthread_t threads[4];
    for (int at = 0; at < 4; at++)
        CHECK(pthread_create(&threads[at], NULL, call_all, NULL) == 0);
    for (int at = 0; at < 4; at++) {
        void *wrong = threads;
        CHECK(pthread_join(threads[at], &wrong) == 0 && wrong == NULL);
    }
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--names") == 0) {
        EVERY(NAME)
        return 0;
    }
    TEST(null_is_an_error_of_every_function);
    TEST(error_of_every_function_names_the_null);
    TEST(every_function_needs_no_place_for_an_error);
    TEST(every_function_can_be_called_in_a_child);
    TEST(every_function_can_be_called_by_several_threads);
    return finish();
}
