// SPDX-License-Identifier: MIT OR Apache-2.0
// The suite's behaviours through the C library: reads requests from stdin, answers each with one line of JSON.
//
// A request is strings `key=value`, each ended by NUL, and an empty one behind the last. The keys up to the first
// `act` are the configuration; acts are done in order once the command runs, and what follows `act=inject` until the
// next act is that command. `ask=explain` and `ask=probe` ask for JSON in place of a container. In answers a character
// stands for a byte.
#define _GNU_SOURCE
#include <contain.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_FIELDS 256
#define LONGEST_WAIT 20000

struct buffer {
    char *bytes;
    size_t length;
};

static char *fields[MOST_FIELDS];
static size_t count;
static FILE *out;

static void broken(const char *what, const char *value) {
    fprintf(stderr, "driver: %s: %s\n", what, value);
    exit(99);
}

// The value of a field with this key, or NULL.
static const char *value_of(const char *field, const char *key) {
    size_t length = strlen(key);
    return strncmp(field, key, length) == 0 && field[length] == '=' ? field + length + 1 : NULL;
}

static int next_request(void) {
    static size_t sizes[MOST_FIELDS];
    for (count = 0; count < MOST_FIELDS; count++) {
        ssize_t length = getdelim(&fields[count], &sizes[count], '\0', stdin);
        if (length < 0)
            return 0;
        if (length == 1)
            return 1;
    }
    broken("too many fields", "");
    return 0;
}

static size_t first_act(size_t at) {
    while (at < count && value_of(fields[at], "act") == NULL)
        at++;
    return at;
}

// All values of a key between two fields, a NULL behind the last; the caller frees the list.
static const char **values(const char *key, size_t from, size_t to) {
    const char **list = calloc(MOST_FIELDS, sizeof *list);
    size_t length = 0;
    if (list == NULL)
        broken("out of memory", key);
    for (; from < to; from++) {
        const char *value = value_of(fields[from], key);
        if (value != NULL)
            list[length++] = value;
    }
    return list;
}

static void put_string(const char *bytes, size_t length) {
    fputc('"', out);
    for (size_t at = 0; at < length; at++) {
        unsigned char byte = (unsigned char)bytes[at];
        if (byte < 0x20 || byte > 0x7e || byte == '"' || byte == '\\')
            fprintf(out, "\\u%04x", byte);
        else
            fputc(byte, out);
    }
    fputc('"', out);
}

static void put_member(const char *name, const char *text) {
    fprintf(out, ", \"%s\": ", name);
    if (text == NULL)
        fputs("null", out);
    else
        put_string(text, strlen(text));
}

static void put_error(contain_error *error) {
    fprintf(out, "{\"error\": {\"code\": %d, \"errno\": %d, \"step\": %u", (int)contain_error_get_code(error),
            (int)contain_error_get_errno(error), (unsigned)contain_error_get_step(error));
    put_member("stage", contain_error_get_stage(error));
    put_member("object", contain_error_get_object(error));
    put_member("message", contain_error_get_message(error));
    put_member("cause", contain_error_get_cause(error));
    put_member("remedy", contain_error_get_remedy(error));
    fputs("}}", out);
    contain_error_free(error);
}

static void put_outcome(const contain_result *result, const struct buffer *output, const struct buffer *errors) {
    fprintf(out, "{\"outcome\": {\"ended_by\": %u, \"status\": %d, \"exit_status\": %d, \"stdout\": ",
            (unsigned)result->ended_by, (int)result->status, (int)result->exit_status);
    put_string(output->bytes, output->length);
    fputs(", \"stderr\": ", out);
    put_string(errors->bytes, errors->length);
    fputs("}}", out);
}

// Reads what there is, waiting for it; 0 at the end.
static int read_more(int from, struct buffer *into) {
    struct pollfd asked = {.fd = from, .events = POLLIN};
    char *bytes = realloc(into->bytes, into->length + 65536);
    if (bytes == NULL || poll(&asked, 1, LONGEST_WAIT) != 1)
        broken("output did not come", "");
    into->bytes = bytes;
    ssize_t length = read(from, into->bytes + into->length, 65536);
    if (length <= 0)
        return 0;
    into->length += (size_t)length;
    return 1;
}

static void read_all(int from, struct buffer *into) {
    while (from >= 0 && read_more(from, into)) {
    }
}

// Three pipes; what the command does not have of them is in `ours`.
static void open_pipes(int ours[3], int theirs[3]) {
    for (int number = 0; number < 3; number++) {
        int ends[2];
        // So that whoever has it inside can also open it again by its name.
        if (pipe2(ends, O_CLOEXEC) < 0 || fchmod(ends[0], 0666) < 0)
            broken("pipe", "");
        ours[number] = ends[number == 0 ? 1 : 0];
        theirs[number] = ends[number == 0 ? 0 : 1];
    }
}

static void close_all(const int descriptors[3]) {
    for (int number = 0; number < 3; number++)
        if (descriptors[number] >= 0)
            close(descriptors[number]);
}

// In place of the pipes, where there is a console: its other end.
static void use_console(int master, int ours[3]) {
    if (master < 0)
        broken("there is no console", "");
    close_all(ours);
    ours[0] = ours[2] = -1;
    ours[1] = master;
}

static void type(int console, const char *text) {
    if (write(console, text, strlen(text)) != (ssize_t)strlen(text))
        broken("type", text);
}

static void resize(int console, const char *size) {
    struct winsize window = {0};
    if (sscanf(size, "%hu %hu", &window.ws_row, &window.ws_col) != 2 || ioctl(console, TIOCSWINSZ, &window) < 0)
        broken("resize", size);
}

static void feed(int to, const char *text) {
    if (to < 0)
        return;
    if (text != NULL && write(to, text, strlen(text)) != (ssize_t)strlen(text))
        broken("stdin", text);
    close(to);
}

static uint32_t word(const char *value, const char *const *words, uint32_t first) {
    for (uint32_t number = 0; words[number] != NULL; number++)
        if (strcmp(words[number], value) == 0)
            return number + first;
    broken("unknown word", value);
    return 0;
}

static const char *const switches[] = {"false", "true", NULL};
static const char *const networks[] = {"private", "host", NULL};
static const char *const profiles[] = {"system", "app", "none", NULL};

// The parts of a value, between bytes 0x1f.
static void divide(const char *value, char parts[4][256]) {
    for (int number = 0; number < 4; number++) {
        size_t length = strcspn(value, "\x1f");
        if (length >= sizeof parts[number])
            broken("too long", value);
        memcpy(parts[number], value, length);
        parts[number][length] = '\0';
        value += length + (value[length] != '\0');
    }
}

static int add_mount(contain_config *config, const char *value, contain_error **err) {
    char parts[4][256];
    divide(value, parts);
    if (strcmp(parts[0], "bind") == 0)
        return contain_config_add_bind(config, parts[1], parts[2], word(parts[3], switches, 0), err);
    return contain_config_add_tmpfs(config, parts[1], strtoull(parts[2], NULL, 10),
                                    (uint32_t)strtoul(parts[3], NULL, 10), err);
}

static int set_limit(contain_config *config, const char *value, contain_error **err) {
    char parts[4][256];
    divide(value, parts);
    return contain_config_set_rlimit(config, (uint32_t)strtoul(parts[0], NULL, 10), strtoull(parts[1], NULL, 10),
                                     strtoull(parts[2], NULL, 10), err);
}

// The capabilities that were given, or that none are to be.
static int set_capabilities(contain_config *config, size_t end, contain_error **err) {
    const char **names = values("capabilities", 0, end), **none = values("no_capabilities", 0, end);
    int done = names[0] != NULL || none[0] != NULL ? contain_config_set_capabilities(config, names, err) : 0;
    free(names);
    free(none);
    return done;
}

static int set_console(contain_config *config, const char *value, contain_error **err) {
    char parts[4][256];
    divide(value, parts);
    if (contain_config_set_console(config, CONTAIN_CONSOLE_TAKEN, err) < 0)
        return -1;
    return contain_config_set_console_size(config, (uint32_t)strtoul(parts[0], NULL, 10),
                                           (uint32_t)strtoul(parts[1], NULL, 10), err);
}

static int set(contain_config *config, const char *field, contain_error **err) {
    const char *value;
    if ((value = value_of(field, "chdir")) != NULL)
        return contain_config_set_chdir(config, value, err);
    if ((value = value_of(field, "hostname")) != NULL)
        return contain_config_set_hostname(config, value, err);
    if ((value = value_of(field, "uid_map")) != NULL)
        return contain_config_set_uid_map(config, value, err);
    if ((value = value_of(field, "gid_map")) != NULL)
        return contain_config_set_gid_map(config, value, err);
    if ((value = value_of(field, "network")) != NULL)
        return contain_config_set_network(config, word(value, networks, CONTAIN_NETWORK_PRIVATE), err);
    if ((value = value_of(field, "seccomp")) != NULL)
        return contain_config_set_seccomp(config, word(value, profiles, CONTAIN_SECCOMP_SYSTEM), err);
    if ((value = value_of(field, "init")) != NULL)
        return contain_config_set_init(config, word(value, switches, 0), err);
    if ((value = value_of(field, "no_new_privs")) != NULL)
        return contain_config_set_no_new_privs(config, word(value, switches, 0), err);
    if ((value = value_of(field, "timeout")) != NULL)
        return contain_config_set_timeout(config, strtoll(value, NULL, 10), err);
    if ((value = value_of(field, "user")) != NULL)
        return contain_config_set_user(config, value, err);
    if ((value = value_of(field, "read_only")) != NULL)
        return contain_config_set_read_only(config, word(value, switches, 0), err);
    if ((value = value_of(field, "overlay")) != NULL)
        return contain_config_set_overlay(config, 1, strtoull(value, NULL, 10), err);
    if ((value = value_of(field, "mounts")) != NULL)
        return add_mount(config, value, err);
    if ((value = value_of(field, "rlimits")) != NULL)
        return set_limit(config, value, err);
    if ((value = value_of(field, "console")) != NULL)
        return set_console(config, value, err);
    if (value_of(field, "ask") == NULL && value_of(field, "in") == NULL && value_of(field, "named") == NULL && value_of(field, "capabilities") == NULL &&
        value_of(field, "no_capabilities") == NULL &&
        value_of(field, "argv") == NULL && value_of(field, "env") == NULL && value_of(field, "stdin") == NULL &&
        value_of(field, "root") == NULL)
        broken("unknown field", field);
    return 0;
}

static int configure(contain_config **config, contain_error **err) {
    size_t end = first_act(0);
    const char **argv = values("argv", 0, end), **roots = values("root", 0, end), **env = values("env", 0, end);
    int done = strcmp(roots[0], "host") == 0 ? contain_config_new_host(argv, config, err)
                                             : contain_config_new(roots[0], argv, config, err);
    if (done == 0 && env[0] != NULL)
        done = contain_config_set_env(*config, env, err);
    if (done == 0)
        done = set_capabilities(*config, end, err);
    for (size_t at = 0; done == 0 && at < end; at++)
        done = set(*config, fields[at], err);
    free(argv);
    free(roots);
    free(env);
    return done;
}

// The last value of a key between two fields, or NULL.
static const char *last(const char *key, size_t from, size_t to) {
    const char **given = values(key, from, to), *value = NULL;
    for (size_t at = 0; given[at] != NULL; at++)
        value = given[at];
    free(given);
    return value;
}

// The profile that an injected command is given; 0 for the container's own.
static uint32_t profile_of(size_t from, size_t to) {
    const char *given = last("seccomp", from, to);
    return given != NULL ? word(given, profiles, CONTAIN_SECCOMP_SYSTEM) : 0;
}

// A list that is given, be it that there is nothing in it, or NULL.
static const char **list_of(const char **made, const char *none, size_t from, size_t to) {
    return made[0] != NULL || last(none, from, to) != NULL ? made : NULL;
}

static uint64_t limits_of(size_t from, size_t to, uint64_t limits[16][3]) {
    const char **given = values("rlimits", from, to);
    uint64_t number = 0;
    for (; given[number] != NULL && number < 16; number++) {
        char parts[4][256];
        divide(given[number], parts);
        for (int part = 0; part < 3; part++)
            limits[number][part] = strtoull(parts[part], NULL, 10);
    }
    free(given);
    return number;
}

static void inject(const contain_container *container, size_t from, size_t to) {
    const char **argv = values("argv", from, to), **env = values("env", from, to), **text = values("stdin", from, to);
    const char **groups = values("groups", from, to), **capabilities = values("capabilities", from, to);
    const char *new_privs = last("no_new_privs", from, to), *console = last("console", from, to);
    uint64_t limits[16][3], limits_count = limits_of(from, to, limits);
    int ours[3], theirs[3];
    open_pipes(ours, theirs);
    contain_inject_options options = {
        .env = env[0] != NULL ? env : NULL,
        .stdin_kind = CONTAIN_STDIO_DESCRIPTOR,
        .stdin_fd = theirs[0],
        .stdout_kind = CONTAIN_STDIO_DESCRIPTOR,
        .stdout_fd = theirs[1],
        .stderr_kind = CONTAIN_STDIO_DESCRIPTOR,
        .stderr_fd = theirs[2],
        .seccomp = profile_of(from, to),
        .user = last("user", from, to),
        .chdir = last("chdir", from, to),
        .groups = list_of(groups, "no_groups", from, to),
        .capabilities = list_of(capabilities, "no_capabilities", from, to),
        .rlimits = limits_count > 0 ? limits[0] : NULL,
        .rlimits_count = limits_count,
        .no_new_privs = new_privs != NULL ? word(new_privs, switches, 0) : 0,
    };
    if (console != NULL) {
        char parts[4][256];
        divide(console, parts);
        options.stdin_kind = options.stdout_kind = options.stderr_kind = CONTAIN_STDIO_INHERIT;
        options.stdin_fd = options.stdout_fd = options.stderr_fd = 0;
        options.console = CONTAIN_CONSOLE_TAKEN;
        options.console_rows = (uint16_t)atoi(parts[0]);
        options.console_columns = (uint16_t)atoi(parts[1]);
    }
    contain_process *process = NULL;
    contain_error *error = NULL;
    contain_result result;
    memset(&result, 0, sizeof result);
    struct buffer output = {0}, errors = {0};
    int done = contain_container_inject(container, argv, &options, sizeof options, &process, &error);
    close_all(theirs);
    if (done == 0) {
        if (console != NULL)
            use_console(contain_process_take_console(process, NULL), ours);
        feed(ours[0], text[0]);
        ours[0] = -1;
        read_all(ours[1], &output);
        read_all(ours[2], &errors);
        done = contain_process_wait(process, LONGEST_WAIT, &result, sizeof result, &error);
    }
    close_all(ours);
    if (done < 0)
        put_error(error);
    else
        put_outcome(&result, &output, &errors);
    contain_process_free(process);
    free(output.bytes);
    free(errors.bytes);
    free(argv);
    free(env);
    free(text);
    free(groups);
    free(capabilities);
}

// What is asked for without a container: a plan, or what the host allows.
static void tell(const char *what) {
    contain_config *config = NULL;
    contain_error *error = NULL;
    char *text = NULL;
    size_t length = 0;
    int done = strcmp(what, "explain") == 0 ? configure(&config, &error) : contain_probe(&text, &length, &error);
    if (done == 0 && config != NULL)
        done = contain_config_explain(config, CONTAIN_EXPLAIN_JSON, &text, &length, &error);
    fputs("{\"acts\": [], \"end\": ", out);
    if (done < 0) {
        put_error(error);
    } else {
        fputs("{\"text\": ", out);
        put_string(text, length);
        fputs("}", out);
    }
    fputs("}\n", out);
    contain_string_free(text);
    contain_config_free(config);
}

static contain_events *listening;

static const char *const states[] = {"", "created", "running", "paused", "stopped"};

// So many events in words, the exit with its status; negative on failure, and then nothing is written.
static int hear(int number, contain_error **error) {
    char text[256] = "";
    size_t length = 0;
    while (number-- > 0) {
        contain_event event;
        int heard = contain_events_next(listening, LONGEST_WAIT, &event, sizeof event, error);
        if (heard < 0)
            return heard;
        if (heard == 0 || length > sizeof text - 32)
            broken("no such event came behind", text);
        const char *between = length > 0 ? " " : "";
        length += (size_t)(event.kind == CONTAIN_EVENT_EXIT
                               ? snprintf(text + length, 32, "%sexit:%d", between, (int)event.exit_status)
                               : snprintf(text + length, 32, "%s%s", between, states[event.state]));
    }
    put_string(text, length);
    return 0;
}

static int write_word(const char *freezer, const char *file, const char *value) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", freezer, file);
    int to = open(path, O_WRONLY | O_CLOEXEC);
    int done = to >= 0 && write(to, value, strlen(value)) == (ssize_t)strlen(value);
    close(to);
    return done;
}

static void freeze(const contain_container *container, const char *freezer) {
    char pid[16];
    snprintf(pid, sizeof pid, "%d", contain_container_init_pid(container, NULL));
    if (!write_word(freezer, "cgroup.procs", pid) || !write_word(freezer, "cgroup.freeze", "1"))
        broken("freezer", freezer);
    while (contain_container_state(container, NULL) != CONTAIN_STATE_PAUSED)
        usleep(1000);
}

// Brings a created container into a state.
static void reach(const contain_container *container, const char *state, const char *freezer) {
    if (strcmp(state, "created") != 0 && contain_container_start(container, NULL) < 0)
        broken("start", state);
    if (strcmp(state, "paused") == 0)
        freeze(container, freezer);
    if ((strcmp(state, "stopped") == 0 || strcmp(state, "deleted") == 0) &&
        contain_container_wait(container, LONGEST_WAIT, NULL, 0, NULL) != 1)
        broken("wait", state);
    if (strcmp(state, "deleted") == 0 && contain_container_delete(container, 0, NULL) < 0)
        broken("delete", state);
}

static int inject_true(const contain_container *container, contain_error **err) {
    contain_process *process = NULL;
    int done = contain_container_inject(container, (const char *[]){"true", NULL}, NULL, 0, &process, err);
    if (done == 0)
        done = contain_process_wait(process, LONGEST_WAIT, NULL, 0, err);
    contain_process_free(process);
    return done;
}

static int copy_nothing(const contain_container *container, contain_error **err) {
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int done = contain_container_copy_in(container, "/tmp/note", 0644, nothing, LONGEST_WAIT, err);
    close(nothing);
    return done;
}

// What a verb gives, in a word.
static int verb(const contain_container *container, const char *what, char said[64], contain_error **err) {
    contain_result result = {0};
    size_t count_of = 0;
    int32_t pids[8];
    int done;
    strcpy(said, "done");
    if (strcmp(what, "state") == 0) {
        done = contain_container_state(container, err);
        strcpy(said, done > 0 ? states[done] : "");
    } else if (strcmp(what, "wait_no_time") == 0) {
        done = contain_container_wait(container, 0, &result, sizeof result, err);
        snprintf(said, 64, done == 0 ? "running" : "ended %d", (int)result.exit_status);
    } else if (strcmp(what, "stop_at_once") == 0 || strcmp(what, "end") == 0) {
        done = strcmp(what, "end") == 0
                   ? contain_container_end(container, CONTAIN_ENDED_SIGNALLED, &result, sizeof result, err)
                   : contain_container_stop(container, SIGTERM, 0, &result, sizeof result, err);
        snprintf(said, 64, "ended %d", (int)result.exit_status);
    } else if (strcmp(what, "pid") == 0 || strcmp(what, "init_pid") == 0) {
        done = strcmp(what, "pid") == 0 ? contain_container_pid(container, err) : contain_container_init_pid(container, err);
        strcpy(said, done > 0 ? "there" : "none");
    } else if (strcmp(what, "processes") == 0) {
        done = contain_container_processes(container, pids, 8, &count_of, err);
        strcpy(said, count_of > 0 ? "some" : "none");
    } else if (strcmp(what, "start") == 0) {
        done = contain_container_start(container, err);
    } else if (strcmp(what, "inject") == 0) {
        done = inject_true(container, err);
    } else if (strcmp(what, "copy_in") == 0) {
        done = copy_nothing(container, err);
    } else if (strncmp(what, "signal", 6) == 0 || strcmp(what, "probe") == 0) {
        done = contain_container_signal(container, strcmp(what, "probe") == 0 ? 0 : strcmp(what, "signal") == 0 ? 15 : 65, err);
    } else if (strcmp(what, "kill") == 0) {
        done = contain_container_kill(container, err);
    } else {
        done = contain_container_delete(container, strcmp(what, "delete_by_force") == 0, err);
    }
    return done;
}

// One verb in one state, with a container of its own.
static void answer_in_state(void) {
    const char **how = values("in", 0, first_act(0)), *place = last("named", 0, first_act(0));
    contain_run_options quiet = {CONTAIN_STDIO_NULL, 0, CONTAIN_STDIO_NULL, 0, CONTAIN_STDIO_NULL, 0};
    contain_config *config = NULL;
    contain_runtime *runtime = NULL;
    contain_container *container = NULL;
    contain_error *error = NULL;
    char said[64], parts[4][256];
    int made = configure(&config, &error);
    if (made == 0 && place != NULL) {
        divide(place, parts);
        if (contain_runtime_open(parts[0], &runtime, NULL) < 0)
            broken("runtime", place);
        made = contain_runtime_create(runtime, parts[1], config, &quiet, sizeof quiet, &container, &error);
    } else if (made == 0) {
        made = contain_container_create(config, &quiet, sizeof quiet, &container, &error);
    }
    if (made < 0)
        broken("create", contain_error_get_message(error));
    reach(container, how[0], how[2]);
    fputs("{\"acts\": [], \"end\": ", out);
    if (verb(container, how[1], said, &error) < 0)
        put_error(error);
    else
        fprintf(out, "{\"text\": \"{\\\"answer\\\": \\\"%s\\\"}\"}", said);
    fputs("}\n", out);
    if (contain_container_delete(container, 1, NULL) < 0)
        broken("delete", how[0]);
    contain_container_free(container);
    contain_runtime_free(runtime);
    contain_config_free(config);
    free(how);
}

static void act(const contain_container *container, size_t at, int ours[3], struct buffer *output) {
    const char *what = value_of(fields[at], "act"), *argument = strchr(what, ' ');
    int number = argument != NULL ? atoi(argument) : 0, done = 0;
    contain_error *error = NULL;
    if (strncmp(what, "read ", 5) == 0) {
        while (output->length < strlen(what + 5) && read_more(ours[1], output)) {
        }
    } else if (strncmp(what, "type ", 5) == 0) {
        type(ours[1], what + 5);
    } else if (strncmp(what, "resize ", 7) == 0) {
        resize(ours[1], what + 7);
    } else if (strcmp(what, "hang up") == 0) {
        close(ours[1]);
        ours[1] = -1;
    } else if (strncmp(what, "signal ", 7) == 0) {
        done = contain_container_signal(container, number, &error);
    } else if (strncmp(what, "stop ", 5) == 0) {
        done = contain_container_stop(container, SIGTERM, (uint64_t)number, NULL, 0, &error);
    } else if (strcmp(what, "kill") == 0) {
        done = contain_container_kill(container, &error);
    } else if (strcmp(what, "create") == 0) {
        // Done already: it is how the container was made.
    } else if (strcmp(what, "start") == 0) {
        done = contain_container_start(container, &error);
    } else if (strncmp(what, "wait ", 5) == 0) {
        done = contain_container_wait(container, number, NULL, 0, &error);
        if (done >= 0)
            fputs(done == 0 ? "\"running\"" : "\"ended\"", out);
    } else if (strcmp(what, "listen") == 0) {
        contain_events_free(listening);
        listening = NULL;
        done = contain_events_open(container, &listening, &error);
    } else if (strncmp(what, "hear ", 5) == 0) {
        done = hear(number, &error);
    } else if (strcmp(what, "inject") == 0) {
        inject(container, at + 1, first_act(at + 1));
        return;
    } else {
        broken("unknown act", what);
    }
    if (done < 0)
        put_error(error);
    else if (strncmp(what, "wait ", 5) != 0 && strncmp(what, "hear ", 5) != 0)
        fputs("\"done\"", out);
}

// The end of a container whose acts are done, as an outcome.
static void finish(const contain_container *container, const int ours[3], struct buffer *output) {
    struct buffer errors = {0};
    contain_error *error = NULL;
    contain_result result;
    memset(&result, 0, sizeof result);
    read_all(ours[1], output);
    read_all(ours[2], &errors);
    int ended = contain_container_wait(container, LONGEST_WAIT, &result, sizeof result, &error);
    if (ended < 0)
        put_error(error);
    else if (ended == 0)
        broken("the container did not end", "");
    else
        put_outcome(&result, output, &errors);
    // Not before the end: closing a console is a hang-up.
    close_all(ours);
    free(errors.bytes);
}

static void answer(void) {
    size_t at = first_act(0);
    int creates = at < count && strcmp(fields[at], "act=create") == 0, ours[3], theirs[3], done;
    const char **text = values("stdin", 0, at), **console = values("console", 0, at);
    contain_config *config = NULL;
    contain_container *container = NULL;
    contain_error *error = NULL;
    struct buffer output = {0};
    open_pipes(ours, theirs);
    contain_run_options options = {
        .stdin_kind = CONTAIN_STDIO_DESCRIPTOR,
        .stdin_fd = theirs[0],
        .stdout_kind = CONTAIN_STDIO_DESCRIPTOR,
        .stdout_fd = theirs[1],
        .stderr_kind = CONTAIN_STDIO_DESCRIPTOR,
        .stderr_fd = theirs[2],
    };
    if (console[0] != NULL)
        memset(&options, 0, sizeof options);
    done = configure(&config, &error);
    if (done == 0)
        done = (creates ? contain_container_create : contain_container_run)(config, &options, sizeof options,
                                                                            &container, &error);
    close_all(theirs);
    fputs("{\"acts\": [", out);
    if (done == 0) {
        if (console[0] != NULL)
            use_console(contain_container_take_console(container, NULL), ours);
        feed(ours[0], text[0]);
        ours[0] = -1;
        for (const char *between = ""; at < count; at = first_act(at + 1), between = ", ") {
            fputs(between, out);
            act(container, at, ours, &output);
        }
        fputs("], \"end\": ", out);
        finish(container, ours, &output);
    } else {
        close_all(ours);
        fputs("], \"end\": ", out);
        put_error(error);
    }
    fputs("}\n", out);
    contain_events_free(listening);
    listening = NULL;
    contain_container_free(container);
    contain_config_free(config);
    free(output.bytes);
    free(text);
    free(console);
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    out = stdout;
    while (next_request()) {
        const char **asked = values("ask", 0, first_act(0));
        if (asked[0] != NULL && strcmp(asked[0], "state") == 0)
            answer_in_state();
        else if (asked[0] != NULL)
            tell(asked[0]);
        else
            answer();
        free(asked);
        fflush(out);
    }
    return 0;
}
