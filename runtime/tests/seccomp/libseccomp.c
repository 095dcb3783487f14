// SPDX-License-Identifier: MIT OR Apache-2.0
// Builds a filter with libseccomp from a list on stdin and writes its BPF to stdout.
//
//   table x86_64|x86 DEFAULT BEYOND       a table of its own; actions are what a program returns; BEYOND is for x32
//                                         and for architectures without a table
//   filter DEFAULT [x86_64|x86|x32]...    one filter of x86-64 and these, as runc makes it
//   rule NAME|NUMBER ACTION [ARGUMENT COMPARISON VALUE MASK]...   COMPARISON is one of ne lt le eq ge gt masked
//
// argv[1] is the optimization: 1 for a list, 2 for a binary tree. Names and rules that libseccomp does not take are
// written to stderr as "not taken: NAME ERROR", one a line.
#include <errno.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const comparisons[] = {"ne", "lt", "le", "eq", "ge", "gt", "masked"};
static const enum scmp_compare kinds[] = {SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE,       SCMP_CMP_EQ,
                                          SCMP_CMP_GE, SCMP_CMP_GT, SCMP_CMP_MASKED_EQ};

/* Whether the filter is as runc makes it, which takes no error. */
static int strict;

static void fail(const char *what, int error) {
    fprintf(stderr, "%s: %s\n", what, strerror(error < 0 ? -error : error));
    exit(2);
}

static scmp_filter_ctx table(char *line, const char *optimize) {
    char name[16];
    uint32_t action, beyond;
    if (sscanf(line, "table %15s %" SCNu32 " %" SCNu32, name, &action, &beyond) != 3) fail(line, EINVAL);
    uint32_t architecture = strcmp(name, "x86") ? SCMP_ARCH_X86_64 : SCMP_ARCH_X86;
    scmp_filter_ctx context = seccomp_init(action);
    if (!context) fail("seccomp_init", ENOMEM);
    int error = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, beyond);
    if (!error) error = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, (uint32_t)atoi(optimize));
    if (!error && architecture != seccomp_arch_native()) {
        error = seccomp_arch_add(context, architecture);
        if (!error) error = seccomp_arch_remove(context, SCMP_ARCH_NATIVE);
    }
    if (error) fail("table", error);
    return context;
}

static scmp_filter_ctx filter(char *line, const char *optimize) {
    strtok(line, " ");
    const char *action = strtok(NULL, " "), *name;
    scmp_filter_ctx context = action ? seccomp_init((uint32_t)strtoul(action, NULL, 10)) : NULL;
    if (!context) fail("seccomp_init", EINVAL);
    int error = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, (uint32_t)atoi(optimize));
    while (!error && (name = strtok(NULL, " "))) {
        error = seccomp_arch_add(context, seccomp_arch_resolve_name(name));
        if (error == -EEXIST) error = 0;
    }
    if (error) fail("filter", error);
    return context;
}

static void rule(scmp_filter_ctx context, char *line) {
    strtok(line, " ");
    const char *name = strtok(NULL, " "), *action = strtok(NULL, " "), *word;
    if (!name || !action) fail("rule", EINVAL);
    char *end;
    int number = (int)strtol(name, &end, 10);
    if (*end) number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) {
        fprintf(stderr, "not taken: %s unknown\n", name);
        return;
    }
    struct scmp_arg_cmp conditions[6];
    unsigned count = 0;
    while ((word = strtok(NULL, " ")) && count < 6) {
        unsigned argument = (unsigned)atoi(word), kind = 0;
        const char *comparison = strtok(NULL, " "), *value = strtok(NULL, " "), *mask = strtok(NULL, " ");
        if (!comparison || !value || !mask) fail("condition", EINVAL);
        while (kind < 6 && strcmp(comparisons[kind], comparison)) kind++;
        uint64_t v = strtoull(value, NULL, 10), m = strtoull(mask, NULL, 10);
        conditions[count++] = (struct scmp_arg_cmp){argument, kinds[kind], kind == 6 ? m : v, v};
    }
    int error = seccomp_rule_add_array(context, (uint32_t)strtoul(action, NULL, 10), number, count, conditions);
    // A rule that is there already is no difference, but for one that says something else of the same.
    if (error && (error != -EEXIST || strict)) fprintf(stderr, "not taken: %s %s\n", name, strerror(-error));
}

int main(int argc, char **argv) {
    static char line[1 << 16];
    scmp_filter_ctx contexts[2] = {NULL, NULL};
    int count = 0;
    if (argc != 2) fail("usage: libseccomp OPTIMIZATION", EINVAL);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (!strncmp(line, "table ", 6)) {
            if (count == 2) fail("table", EINVAL);
            contexts[count++] = table(line, argv[1]);
        } else if (!strncmp(line, "filter ", 7)) {
            if (count) fail("filter", EINVAL);
            contexts[count++] = filter(line, argv[1]);
            strict = 1;
        } else if (!strncmp(line, "rule ", 5) && count) {
            rule(contexts[count - 1], line);
        } else {
            fail(line, EINVAL);
        }
    }
    if (!count) fail("no table", EINVAL);
    if (count == 2) {
        int error = seccomp_merge(contexts[0], contexts[1]);
        if (error) fail("seccomp_merge", error);
    }
    int error = seccomp_export_bpf(contexts[0], 1);
    if (error) fail("seccomp_export_bpf", error);
    return 0;
}
