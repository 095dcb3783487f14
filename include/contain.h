// SPDX-License-Identifier: MIT OR Apache-2.0
// libcontain: hardened Linux containers as a library. Written by cbindgen from capi/src: do not edit.
//
// What holds for every function (more in docs/abi.md):
// - Zero or more is success. Negative is an errno-shaped code, and *err then is an error, which the caller frees with
//   contain_error_free(); err may be NULL. No output is written to on failure, and *err is not on success.
// - A NULL that is not said to be allowed is -EINVAL. Further errors of every call: -EPERM with
//   CONTAIN_E_SECURE_EXEC in a process that gained ids or capabilities when it was executed; -ECHILD with
//   CONTAIN_E_WRONG_PROCESS for a handle that a fork copied; -ENOTRECOVERABLE with CONTAIN_E_INTERNAL for a defect.
// - A thread is not cancelled within a call; no signal handler leaves one by longjmp(3).
// - Strings end with NUL and need not be UTF-8. Structs go as (pointer, size), with zeros in what is not used.
// - Descriptors that go in are duplicated and stay the caller's; those that come out are the caller's.

#ifndef CONTAIN_H
#define CONTAIN_H

#include <stddef.h>
#include <stdint.h>

// A value that is not allowed; nothing was done.
#define CONTAIN_E_INVALID 1

// The kernel refused an operation.
#define CONTAIN_E_SYSTEM 2

// The root file system cannot be used as given.
#define CONTAIN_E_ROOT 3

// User or group ids cannot be mapped as asked.
#define CONTAIN_E_ID_MAP 4

// The command does not exist in the container.
#define CONTAIN_E_NOT_FOUND 5

// The command exists but cannot be executed.
#define CONTAIN_E_NOT_EXECUTABLE 6

// A helper program failed.
#define CONTAIN_E_HELPER 7

// The container, or the process, is not there any more.
#define CONTAIN_E_GONE 8

// This process gained ids or capabilities when it was executed; every call refuses.
#define CONTAIN_E_SECURE_EXEC 9

// The machine cannot do it: kernel too old, feature or limit missing.
#define CONTAIN_E_UNSUPPORTED 10

// A limit of the library itself.
#define CONTAIN_E_TOO_BIG 11

// A handle was used in a process that did not make it.
#define CONTAIN_E_WRONG_PROCESS 12

// A defect in the library.
#define CONTAIN_E_INTERNAL 13

// A container of this id exists already.
#define CONTAIN_E_EXISTS 14

// The container is not started, running, paused, or held by another caller.
#define CONTAIN_E_BUSY 15

// The seccomp profile that boots a distribution (docs/seccomp.md).
#define CONTAIN_SECCOMP_SYSTEM 1

// The seccomp profile for one command.
#define CONTAIN_SECCOMP_APP 2

// No seccomp profile. Typing into the caller's own terminal is refused all the same.
#define CONTAIN_SECCOMP_NONE 3

// When the caller dies the container is killed.
#define CONTAIN_LIFETIME_BOUND 0

// When the caller dies the container lives on.
#define CONTAIN_LIFETIME_DETACHED 1

// No limit, for contain_config_set_rlimit().
#define CONTAIN_UNLIMITED 18446744073709551615ull

// No terminal: the command gets the descriptors of its options.
#define CONTAIN_CONSOLE_NONE 0

// A terminal of its own on /dev/console, between which and the caller's standard input and output the supervisor
// copies. The command takes no descriptors.
#define CONTAIN_CONSOLE_EMULATED 1

// A terminal of the container's own, also on /dev/console, whose other end contain_container_take_console() gives. Those
// of the command's standard descriptors that are CONTAIN_STDIO_INHERIT are it, one of them at least.
#define CONTAIN_CONSOLE_TAKEN 2

// A network namespace of its own, with loopback up.
#define CONTAIN_NETWORK_PRIVATE 0

// The caller's network, without privilege over it.
#define CONTAIN_NETWORK_HOST 1

// The plan for a person, one line a step.
#define CONTAIN_EXPLAIN_TEXT 0

// The plan for a program, as JSON.
#define CONTAIN_EXPLAIN_JSON 1

// The command gets the caller's own descriptor; with a console, that.
#define CONTAIN_STDIO_INHERIT 0

// The command gets /dev/null.
#define CONTAIN_STDIO_NULL 1

// The command gets the descriptor in the field behind.
#define CONTAIN_STDIO_DESCRIPTOR 2

// The library makes a pipe; contain_container_take_stdio() or contain_process_take_stdio() gives the caller's end.
#define CONTAIN_STDIO_PIPE 3

// The command exited; status is its exit status.
#define CONTAIN_ENDED_EXITED 1

// A signal ended the command; status is the signal's number.
#define CONTAIN_ENDED_SIGNALLED 2

// The deadline passed and everything was killed; status is SIGKILL's number.
#define CONTAIN_ENDED_WALL 3

// The command has used up the CPU time of its RLIMIT_CPU; status is SIGXCPU's number, or SIGKILL's at the hard limit.
#define CONTAIN_ENDED_CPU 4

// The command itself was killed for lack of memory. This version, which makes no cgroup, gives no such result.
#define CONTAIN_ENDED_MEMORY 5

// The caller ended it because of its output (contain_container_end()).
#define CONTAIN_ENDED_OUTPUT 6

// The seccomp filter ended the command; status is SIGSYS's number. Sent by somebody inside, under a filter that can do
// that, the signal looks the same.
#define CONTAIN_ENDED_SECCOMP 7

// The command never began; status is 125.
#define CONTAIN_ENDED_SETUP 8

// All is done but the command's exec; contain_container_start() was not called.
#define CONTAIN_STATE_CREATED 1

// The command has been executed and has not ended.
#define CONTAIN_STATE_RUNNING 2

// The container's cgroup is frozen.
#define CONTAIN_STATE_PAUSED 3

// The container has ended.
#define CONTAIN_STATE_STOPPED 4

// What the container is doing has changed; the first event of all says what it was doing when the events were opened.
#define CONTAIN_EVENT_STATE 1

// It has ended, and the event says how; the last one.
#define CONTAIN_EVENT_EXIT 2

// 64-bit system calls of x86-64 (the kernel's AUDIT_ARCH_ value).
#define CONTAIN_ARCHITECTURE_X86_64 3221225534

// 32-bit system calls of x86.
#define CONTAIN_ARCHITECTURE_I386 1073741827

// 64-bit system calls of programs with 32-bit pointers (libseccomp's SCMP_ARCH_ value).
#define CONTAIN_ARCHITECTURE_X32 1073741886

// The process is ended by SIGSYS.
#define CONTAIN_ACTION_KILL_PROCESS 1

// The calling thread is ended by SIGSYS.
#define CONTAIN_ACTION_KILL_THREAD 2

// SIGSYS is sent to the calling thread.
#define CONTAIN_ACTION_TRAP 3

// The call fails; the data is the errno.
#define CONTAIN_ACTION_ERRNO 4

// A listener is asked.
#define CONTAIN_ACTION_NOTIFY 5

// The tracer is told; the data is its message.
#define CONTAIN_ACTION_TRACE 6

// It is carried out and logged.
#define CONTAIN_ACTION_LOG 7

// It is carried out.
#define CONTAIN_ACTION_ALLOW 8

// The argument is another than the value.
#define CONTAIN_COMPARE_NE 1

// The argument is less than the value.
#define CONTAIN_COMPARE_LT 2

// The argument is the value or less.
#define CONTAIN_COMPARE_LE 3

// The argument is the value.
#define CONTAIN_COMPARE_EQ 4

// The argument is the value or greater.
#define CONTAIN_COMPARE_GE 5

// The argument is greater than the value.
#define CONTAIN_COMPARE_GT 6

// The argument's bits that the mask has are those of the value.
#define CONTAIN_COMPARE_MASKED_EQ 7

// Everything but what is simply allowed is logged (SECCOMP_FILTER_FLAG_LOG).
#define CONTAIN_SECCOMP_FLAG_LOG 2

// Processors are not kept from speculative store bypass (SECCOMP_FILTER_FLAG_SPEC_ALLOW).
#define CONTAIN_SECCOMP_FLAG_SPEC_ALLOW 4

// What a container is to be. One thread at a time may use one.
typedef struct contain_config contain_config;

// A container that this process made or opened. Several threads may use one at once, but for freeing it.
typedef struct contain_container contain_container;

// What went wrong. Belongs to the caller, who frees it with contain_error_free(); may be read by several threads at
// once.
typedef struct contain_error contain_error;

// The events of a container. Several threads may use one at once, but for freeing it; each event goes to one of them.
typedef struct contain_events contain_events;

// The containers that were found in a directory. Several threads may read one at once.
typedef struct contain_list contain_list;

// A process that was injected into a container. Several threads may use one at once, but for freeing it.
typedef struct contain_process contain_process;

// The directory with the state of a user's containers. Several threads may use one at once, but for freeing it.
typedef struct contain_runtime contain_runtime;

// A seccomp filter. Several threads may use one at once, but for freeing it and for changing one of the caller's own.
typedef struct contain_seccomp contain_seccomp;

// A pair of connected interfaces, one end in the container's network and the other in the caller's. NULL and 0 are
// the usual.
typedef struct {
    // The caller's end, 1 to 15 bytes, with the first free number in the place of %d; NULL: veth%d.
    const char *host;
    // The container's end; NULL: eth0.
    const char *name;
    // A bridge of the caller's network that the caller's end becomes part of; NULL: none.
    const char *bridge;
    // The container's address, ADDRESS/PREFIX; NULL: none.
    const char *address;
    // Where the container's default route leads, an address; NULL: no default route.
    const char *gateway;
    // The largest packet in bytes, 68 to 65535; 0: the kernel's 1500.
    uint32_t mtu;
    // 0.
    uint32_t reserved;
} contain_veth_options;

// How contain_container_create(), contain_container_run() and those of a runtime do it. The descriptors are duplicated
// within the call and stay the caller's.
typedef struct {
    // Standard input: a CONTAIN_STDIO_ value.
    uint32_t stdin_kind;
    // The descriptor of CONTAIN_STDIO_DESCRIPTOR; else 0.
    int32_t stdin_fd;
    // Standard output: a CONTAIN_STDIO_ value.
    uint32_t stdout_kind;
    // The descriptor of CONTAIN_STDIO_DESCRIPTOR; else 0.
    int32_t stdout_fd;
    // Standard error: a CONTAIN_STDIO_ value.
    uint32_t stderr_kind;
    // The descriptor of CONTAIN_STDIO_DESCRIPTOR; else 0.
    int32_t stderr_fd;
} contain_run_options;

// How contain_container_inject() and contain_process_inject() do it. The descriptors are duplicated within the call and
// stay the caller's.
typedef struct {
    // The command's whole environment, NAME=VALUE, a NULL behind the last; NULL: what the container's own command got.
    const char *const *env;
    // Standard input: a CONTAIN_STDIO_ value.
    uint32_t stdin_kind;
    // The descriptor of CONTAIN_STDIO_DESCRIPTOR; else 0.
    int32_t stdin_fd;
    // Standard output: a CONTAIN_STDIO_ value.
    uint32_t stdout_kind;
    // The descriptor of CONTAIN_STDIO_DESCRIPTOR; else 0.
    int32_t stdout_fd;
    // Standard error: a CONTAIN_STDIO_ value.
    uint32_t stderr_kind;
    // The descriptor of CONTAIN_STDIO_DESCRIPTOR; else 0.
    int32_t stderr_fd;
    // A CONTAIN_SECCOMP_ value; 0: the container's own.
    uint32_t seccomp;
    // 0.
    uint32_t reserved;
    // How long it may run, in milliseconds from its exec on; then it is killed with everything that it started, and
    // its result says CONTAIN_ENDED_WALL. 0: for ever.
    uint64_t timeout_ms;
    // Descriptors of the caller's, each 3 to 1026, that it keeps under their own numbers; NULL: none.
    const int32_t *pass_fds;
    // How many pass_fds has.
    uint64_t pass_fds_count;
    // Who it runs as: USER[:GROUP] as of contain_config_set_user(), by the container's files as they are now; NULL: root.
    // HOME is that user's unless env names another.
    const char *user;
    // Its working directory inside; NULL: `/`.
    const char *chdir;
    // Its supplementary groups, each a decimal number or a name of the container's, a NULL behind the last; NULL: those
    // that the container's files give the user, and none of root.
    const char *const *groups;
    // The capabilities over the container's user namespace that it keeps, by name, a NULL behind the last; NULL: all of
    // them, whatever was taken from the container's command. A user other than root has none: they are then what it may
    // gain by exec.
    const char *const *capabilities;
    // Its resource limits, three numbers each: an RLIMIT_ value, the soft limit, the hard limit or CONTAIN_UNLIMITED;
    // the others are the caller's. NULL: none.
    const uint64_t *rlimits;
    // How many limits there are.
    uint64_t rlimits_count;
    // 1: it and all that it starts gain no privilege by exec. 0: they do, unless the caller may not either.
    uint32_t no_new_privs;
    // 0.
    uint32_t reserved2;
    // CONTAIN_CONSOLE_TAKEN for a terminal of the container's own, whose other end contain_process_take_console() gives;
    // its standard descriptors that are CONTAIN_STDIO_INHERIT are it, one of them at least. CONTAIN_CONSOLE_NONE for none.
    uint32_t console;
    // Its height in characters; 0, with 0 columns: a size that is not known.
    uint16_t console_rows;
    // Its width in characters.
    uint16_t console_columns;
    // Its seccomp filter, which stays the caller's; NULL: the field seccomp says it.
    const contain_seccomp *seccomp_filter;
} contain_inject_options;

// How a command ended. Times are those of the command and of everything it waited for.
typedef struct {
    // How many bytes of the struct the library knew and filled in; what is behind them is zero.
    uint64_t size;
    // Why it ended: a CONTAIN_ENDED_ value. More values may come.
    uint32_t ended_by;
    // The exit status or the signal's number, as ended_by says.
    int32_t status;
    // The exit status a shell would show: the command's own, 128 and the signal's number,
    // 124 after CONTAIN_ENDED_WALL.
    int32_t exit_status;
    // 0.
    uint32_t reserved;
    // Nanoseconds from the command's exec to its end.
    uint64_t wall_ns;
    // CPU time in user mode, in nanoseconds.
    uint64_t user_ns;
    // CPU time in the kernel, in nanoseconds.
    uint64_t system_ns;
    // The highest resident set of one process, in bytes.
    uint64_t peak_memory;
} contain_result;

// What is known of a container on disk.
typedef struct {
    // How many bytes of the struct the library knew and filled in; what is behind them is zero.
    uint64_t size;
    // What it is doing: a CONTAIN_STATE_ value.
    uint32_t state;
    // 0.
    uint32_t reserved;
    // Process id of PID 1 as the caller sees it; 0 once the container has ended.
    int32_t init_pid;
    // Process id of the supervisor; 0 once that has ended.
    int32_t pid;
    // When it was created, in seconds since 1970.
    int64_t created;
} contain_status;

// One thing that became of a container. The fields behind state are those of contain_result at CONTAIN_EVENT_EXIT, and
// else 0.
typedef struct {
    // How many bytes of the struct the library knew and filled in; what is behind them is zero.
    uint64_t size;
    // What it is: a CONTAIN_EVENT_ value. More values may come.
    uint32_t kind;
    // What the container is doing now: a CONTAIN_STATE_ value.
    uint32_t state;
    // Why it ended: a CONTAIN_ENDED_ value. More values may come.
    uint32_t ended_by;
    // The exit status or the signal's number, as ended_by says.
    int32_t status;
    // The exit status a shell would show.
    int32_t exit_status;
    // 0.
    uint32_t reserved;
    // Nanoseconds from the command's exec to its end.
    uint64_t wall_ns;
    // CPU time in user mode, in nanoseconds.
    uint64_t user_ns;
    // CPU time in the kernel, in nanoseconds.
    uint64_t system_ns;
    // The highest resident set of one process, in bytes.
    uint64_t peak_memory;
} contain_event;

// How contain_userns_run() does it. All zeros is the usual.
typedef struct {
    // The command's whole environment, NAME=VALUE, a NULL behind the last; NULL: a usual one.
    const char *const *env;
    // The map of user ids, START:LOWER:COUNT[,START:LOWER:COUNT]...; NULL: the usual one for this caller.
    const char *uid_map;
    // The map of group ids.
    const char *gid_map;
    // Standard input: a CONTAIN_STDIO_ value.
    uint32_t stdin_kind;
    // The descriptor of CONTAIN_STDIO_DESCRIPTOR; else 0.
    int32_t stdin_fd;
    // Standard output: a CONTAIN_STDIO_ value.
    uint32_t stdout_kind;
    // The descriptor of CONTAIN_STDIO_DESCRIPTOR; else 0.
    int32_t stdout_fd;
    // Standard error: a CONTAIN_STDIO_ value.
    uint32_t stderr_kind;
    // The descriptor of CONTAIN_STDIO_DESCRIPTOR; else 0.
    int32_t stderr_fd;
    // What the caller's death means for the command: a CONTAIN_LIFETIME_ value.
    uint32_t lifetime;
    // 0.
    uint32_t reserved;
} contain_userns_options;

// When contain_seccomp_add_rule()'s rule holds: all that is compared has to hold. Each array has a place for each of a
// system call's six arguments.
typedef struct {
    // CONTAIN_COMPARE_ values; 0: whatever the argument is.
    uint32_t compare[6];
    // What the arguments are compared with; else 0.
    uint64_t value[6];
    // The bits that count with CONTAIN_COMPARE_MASKED_EQ; else 0.
    uint64_t mask[6];
} contain_rule_options;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of the library, as MAJOR.MINOR.PATCH. For people: programs ask contain_has_feature().
//
// Returns: a string that lasts as long as the program; never NULL.
// Threads: any. Since: 0.1.
const char *contain_version(void);

// Whether this library has a feature. The names: docs/abi.md.
//
// name: the feature's name.
// err: where an error goes, or NULL.
// Returns: 1 if it has, 0 if it has not or does not know the name; negative on failure.
// Errors: -EINVAL if name is NULL.
// Ownership: the string stays the caller's. Threads: any. Since: 0.1.
int contain_has_feature(const char *name, contain_error **err);

// Finds out what this host allows, what is missing and how to mend it, as contain --doctor --json does. It starts a
// container of the host's own system, which ends at once.
//
// text: where the JSON goes, ended by NUL; the caller frees it with contain_string_free().
// length: where its length without the NUL goes; NULL if it is not wanted.
// err: where an error goes, or NULL.
// Returns: 1 if containers of the host's own system work here; 0 if not; negative on failure.
// Errors: -EINVAL if text is NULL.
// Threads: any. Since: 0.1.
int contain_probe(char **text,
                  size_t *length,
                  contain_error **err);

// Frees a string that the library made.
//
// text: the string; NULL is fine.
// Threads: any. Since: 0.1.
void contain_string_free(char *text);

// What a CONTAIN_E_ code means, in a few words.
//
// code: the code; unknown ones are said to be unknown.
// Returns: a string that lasts as long as the program; never NULL.
// Threads: any. Since: 0.1.
const char *contain_error_code_text(int32_t code);

// The stable code of an error, to branch on.
//
// error: the error, or NULL.
// Returns: a CONTAIN_E_ code; 0 if error is NULL.
// Threads: any. Since: 0.1.
int32_t contain_error_get_code(const contain_error *error);

// The errno of an error: the kernel's own where it gave one, else the nearest. The call returned its negative.
//
// error: the error, or NULL.
// Returns: the errno, above 0; 0 if error is NULL.
// Threads: any. Since: 0.1.
int32_t contain_error_get_errno(const contain_error *error);

// The number of the plan's step that failed, as contain_config_explain() numbers them.
//
// error: the error, or NULL.
// Returns: the number, from 1; 0 if no step failed or error is NULL.
// Threads: any. Since: 0.1.
uint32_t contain_error_get_step(const contain_error *error);

// Whether an error arose in the container's own processes.
//
// error: the error, or NULL.
// Returns: 1 if it did; 0 if it arose in the caller or error is NULL.
// Threads: any. Since: 0.1.
int32_t contain_error_get_in_child(const contain_error *error);

// Where an error arose, as dotted words that stay the same: "rootfs.mount", "config".
//
// error: the error, or NULL.
// Returns: a string that lasts as long as the error; NULL if error is NULL.
// Threads: any. Since: 0.1.
const char *contain_error_get_stage(const contain_error *error);

// What was being worked on: a path, an argument, an id.
//
// error: the error, or NULL.
// Returns: a string that lasts as long as the error, perhaps empty; NULL if error is NULL.
// Threads: any. Since: 0.1.
const char *contain_error_get_object(const contain_error *error);

// The whole error in one line for a person: step, operation, object, errno, what the kernel said, cause.
//
// error: the error, or NULL.
// Returns: a string that lasts as long as the error; NULL if error is NULL.
// Threads: any. Since: 0.1.
const char *contain_error_get_message(const contain_error *error);

// What the kernel itself said about it.
//
// error: the error, or NULL.
// Returns: a string that lasts as long as the error; NULL if it said nothing or error is NULL.
// Threads: any. Since: 0.1.
const char *contain_error_get_kernel_message(const contain_error *error);

// The likely cause.
//
// error: the error, or NULL.
// Returns: a string that lasts as long as the error; NULL if none is known or error is NULL.
// Threads: any. Since: 0.1.
const char *contain_error_get_cause(const contain_error *error);

// What to do about it.
//
// error: the error, or NULL.
// Returns: a string that lasts as long as the error; NULL if nothing is known or error is NULL.
// Threads: any. Since: 0.1.
const char *contain_error_get_remedy(const contain_error *error);

// Frees an error and every string that was read from it.
//
// error: the error; NULL is fine.
// Threads: any. Since: 0.1.
void contain_error_free(contain_error *error);

// Makes a configuration of a root directory and a command: the command is looked up on the container's PATH and runs
// as PID 2 under a reaping PID 1, with a private network, the seccomp profile for one command, no way to gain privilege
// by exec, HOME=/root, and bound to the caller's life.
//
// root: the directory that holds the root file system; looked at when the container is made.
// argv: the command and its arguments, a NULL behind the last.
// config: where the new configuration goes; the caller frees it with contain_config_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL or the command is empty.
// Ownership: the strings are copied. Threads: any. Since: 0.1.
int contain_config_new(const char *root,
                       const char *const *argv,
                       contain_config **config,
                       contain_error **err);

// As contain_config_new(), with the host's own system as root: read-only, with a tmpfs for what must be written.
//
// argv: the command and its arguments, a NULL behind the last.
// config: where the new configuration goes; the caller frees it with contain_config_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL or the command is empty.
// Ownership: the strings are copied. Threads: any. Since: 0.1.
int contain_config_new_host(const char *const *argv,
                            contain_config **config,
                            contain_error **err);

// Makes a copy of a configuration.
//
// config: the configuration.
// copy: where the copy goes; the caller frees it with contain_config_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config or copy is NULL.
// Threads: one at a time on one configuration. Since: 0.1.
int contain_config_clone(const contain_config *config, contain_config **copy, contain_error **err);

// Frees a configuration. Containers made from it stay as they are.
//
// config: the configuration; NULL is fine, and so is one that a fork copied.
// Threads: nobody else may use it. Since: 0.1.
void contain_config_free(contain_config *config);

// Sets the root directory.
//
// config: the configuration.
// root: the directory that holds the root file system; looked at when the container is made.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL.
// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_root(contain_config *config, const char *root, contain_error **err);

// Makes the host's own system the root: read-only, with a tmpfs for what must be written.
//
// config: the configuration.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL.
// Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_host_root(contain_config *config, contain_error **err);

// Sets the command.
//
// config: the configuration.
// argv: the command and its arguments, a NULL behind the last.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL or the command is empty.
// Ownership: the strings are copied. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_argv(contain_config *config, const char *const *argv, contain_error **err);

// Sets the command's whole environment; at first it is container=contain, a usual PATH and HOME=/root.
//
// config: the configuration.
// env: NAME=VALUE, a NULL behind the last; of two of one name the last one counts.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL. An entry that is no NAME=VALUE is refused when the configuration is used.
// Ownership: the strings are copied. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_env(contain_config *config,
                           const char *const *env,
                           contain_error **err);

// Sets whether a command without a slash is looked up on the PATH of its environment; at first it is.
//
// config: the configuration.
// search: 0 or 1.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL or search is another number.
// Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_search_path(contain_config *config, uint32_t search, contain_error **err);

// Sets the working directory inside; at first it is /.
//
// config: the configuration.
// path: a path inside the container.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL.
// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_chdir(contain_config *config, const char *path, contain_error **err);

// Sets the host name inside; at first it is the host's.
//
// config: the configuration.
// name: 1 to 64 bytes; looked at when the configuration is used.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL.
// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_hostname(contain_config *config, const char *name, contain_error **err);

// Sets the map of user ids; without one the usual one for this caller is taken.
//
// config: the configuration.
// map: START:LOWER:COUNT[,START:LOWER:COUNT]..., START inside, LOWER on the host; looked at when it is used.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL or map is not UTF-8.
// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_uid_map(contain_config *config, const char *map, contain_error **err);

// Sets the map of group ids, as contain_config_set_uid_map() sets that of user ids.
//
// config: the configuration.
// map: START:LOWER:COUNT[,START:LOWER:COUNT]..., START inside, LOWER on the host; looked at when it is used.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL or map is not UTF-8.
// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_gid_map(contain_config *config, const char *map, contain_error **err);

// Sets whether a reaping PID 1 stands in front of the command; at first it does. Without it the command is PID 1,
// which the kernel treats differently: signals without a handler do not end it.
//
// config: the configuration.
// init: 0 or 1.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL or init is another number.
// Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_init(contain_config *config,
                            uint32_t init,
                            contain_error **err);

// Sets the seccomp profile; at first it is CONTAIN_SECCOMP_APP.
//
// config: the configuration.
// seccomp: a CONTAIN_SECCOMP_ value.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL or seccomp is another number.
// Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_seccomp(contain_config *config, uint32_t seccomp, contain_error **err);

// Sets the seccomp filter in place of a profile: one of the caller's own, or a named one. Unless others are named, the
// capabilities that go with one of the caller's own are those of CONTAIN_SECCOMP_APP.
//
// config: the configuration.
// seccomp: the filter.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL; -E2BIG if the filter has more than 4096 instructions.
// Ownership: the filter is copied as it is. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_seccomp_filter(contain_config *config,
                                      const contain_seccomp *seccomp,
                                      contain_error **err);

// Sets whether the command and all it starts are kept from gaining privilege by exec; at first they are.
//
// config: the configuration.
// no_new_privs: 0 or 1.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL or no_new_privs is another number.
// Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_no_new_privs(contain_config *config, uint32_t no_new_privs, contain_error **err);

// Sets what the death of the calling process means for the container; at first it is CONTAIN_LIFETIME_BOUND.
//
// config: the configuration.
// lifetime: a CONTAIN_LIFETIME_ value.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL or lifetime is another number.
// Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_lifetime(contain_config *config, uint32_t lifetime, contain_error **err);

// Adds a file or directory of the host, with all that is mounted below it. Mounts are made in the order in which they
// were added, after all others.
//
// config: the configuration.
// source: a path on the host, looked up in the caller's working directory and with the caller's rights.
// target: an absolute path inside; links are resolved inside, and what is missing is made.
// read_only: 0 or 1: whether nothing can be written through it.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL or read_only is another number. Paths are looked at when the configuration is
// used.
// Ownership: the strings are copied. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_add_bind(contain_config *config,
                            const char *source,
                            const char *target,
                            uint32_t read_only,
                            contain_error **err);

// Adds an empty file system in memory, without devices and set-user-id programs.
//
// config: the configuration.
// target: an absolute path inside, as of contain_config_add_bind().
// size: how many bytes it can hold; 0: half of the machine's memory.
// mode: permissions of its root directory, such as 0755.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL. Path and mode are looked at when the configuration is used.
// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_add_tmpfs(contain_config *config,
                             const char *target,
                             uint64_t size,
                             uint32_t mode,
                             contain_error **err);

// Adds a file that is made before the command starts, in a file system that the container has for itself: a tmpfs. It
// belongs to the container's root; directories on the way are made.
//
// config: the configuration.
// path: an absolute path inside.
// contents: what it holds; NULL, with a length of 0: nothing.
// length: how many bytes that is.
// mode: its permissions, at most 07777.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config or path is NULL. Path, mode and the length of all files together are looked at when the
// configuration is used.
// Ownership: path and contents are copied. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_add_file(contain_config *config,
                            const char *path,
                            const char *contents,
                            size_t length,
                            uint32_t mode,
                            contain_error **err);

// Takes out all mounts that contain_config_add_bind() and contain_config_add_tmpfs() have added.
//
// config: the configuration.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL.
// Threads: one at a time on one configuration. Since: 0.1.
int contain_config_clear_mounts(contain_config *config, contain_error **err);

// Sets whether what is written to the root goes to memory and away with the container; at first it does not. Nothing
// may then be mounted below the root directory on the host; the host's own system is writable in that way.
//
// config: the configuration.
// overlay: 0 or 1.
// size: how many bytes can be written; 0: half of the machine's memory, and without an overlay.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL, overlay is another number, or there is a size without an overlay.
// Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_overlay(contain_config *config,
                               uint32_t overlay,
                               uint64_t size,
                               contain_error **err);

// Sets whether nothing can be written to the root and what is mounted below it; at first it can. /dev, /proc and the
// added mounts stay as they are.
//
// config: the configuration.
// read_only: 0 or 1.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL or read_only is another number.
// Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_read_only(contain_config *config,
                                 uint32_t read_only,
                                 contain_error **err);

// Sets the user that the command runs as; at first it is user 0, group 0.
//
// config: the configuration.
// user: USER[:GROUP], each a decimal number, or a name in the container's own /etc/passwd and /etc/group. With a group
// the command has no other group; without one it has the user's. HOME becomes that user's where the environment is
// still the one of the beginning.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL, or user is not of that form. The name is looked up when the configuration is
// used.
// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_user(contain_config *config,
                            const char *user,
                            contain_error **err);

// Sets the capabilities that the command keeps of those over its user namespace; at first those that go with its
// seccomp profile: fourteen with CONTAIN_SECCOMP_APP, all with the others.
//
// config: the configuration.
// names: names with or without CAP_, in any case, or ALL; a NULL behind the last.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL or a name is that of no capability.
// Ownership: the strings are copied. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_capabilities(contain_config *config,
                                    const char *const *names,
                                    contain_error **err);

// Sets one resource limit of the command (getrlimit(2)); at first all are the caller's.
//
// config: the configuration.
// resource: an RLIMIT_ value.
// soft: the soft limit, or CONTAIN_UNLIMITED.
// hard: the hard limit, at least the soft one, at most the caller's own.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL, resource is no resource, or soft is above hard.
// Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_rlimit(contain_config *config,
                              uint32_t resource,
                              uint64_t soft,
                              uint64_t hard,
                              contain_error **err);

// Sets how many of the caller's descriptors from 3 on the command keeps, under their own numbers; at first none.
//
// config: the configuration.
// count: 0 to 1024; descriptors 3 to 2 + count must be open when the configuration is used.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL or count is above 1024.
// Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_preserve_fds(contain_config *config,
                                    uint32_t count,
                                    contain_error **err);

// Sets which of the caller's descriptors the command keeps, under their own numbers and beside those of
// contain_config_set_preserve_fds(); at first none.
//
// config: the configuration.
// fds: descriptors, each 3 to 1026, open when the configuration is used; NULL, with a count of 0: none.
// count: how many there are.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL or a number is not among those, -EBADF if one is negative.
// Ownership: the numbers are copied; the descriptors stay the caller's. Threads: one at a time on one configuration.
// Since: 0.1.
int contain_config_set_pass_fds(contain_config *config,
                                const int32_t *fds,
                                size_t count,
                                contain_error **err);

// Sets how long the command may run, from its exec on; then the whole container is killed and its result says
// CONTAIN_ENDED_WALL. At first there is no such deadline.
//
// config: the configuration.
// timeout_ms: milliseconds; -1: for ever.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL or timeout_ms is below -1.
// Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_timeout(contain_config *config, int64_t timeout_ms, contain_error **err);

// Sets a helper that /bin/sh runs in the container's new namespaces (not its PID namespace) before its root becomes /:
// the container is in its working directory. At first there is none.
//
// config: the configuration.
// command: a shell command; NULL: none.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL. A helper that fails is CONTAIN_E_HELPER when the container is made.
// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_inside_helper(contain_config *config,
                                     const char *command,
                                     contain_error **err);

// Sets a helper that /bin/sh runs on the host, as a child of the supervisor, when the container's namespaces are
// there. At first there is none.
//
// config: the configuration.
// command: a shell command; NULL: none.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL. A helper that fails is CONTAIN_E_HELPER when the container is made.
// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_outside_helper(contain_config *config,
                                      const char *command,
                                      contain_error **err);

// Sets the command's terminal; at first it is CONTAIN_CONSOLE_NONE.
//
// config: the configuration.
// console: a CONTAIN_CONSOLE_ value. One that is taken has 24 rows and 80 columns at first.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL or console is another number. Where all three standard descriptors lead elsewhere, or
// one does with CONTAIN_CONSOLE_EMULATED, that is refused when the configuration is used.
// Ownership: nothing is handed over. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_console(contain_config *config,
                               uint32_t console,
                               contain_error **err);

// Sets the size that a console to take has from before the command begins. Later the caller changes it by TIOCSWINSZ on
// what it has taken (ioctl_tty(2)).
//
// config: the configuration, with CONTAIN_CONSOLE_TAKEN.
// rows: its height in characters, 0 to 65535.
// columns: its width, likewise; 0 and 0 stand for a size that is not known.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL, its console is not CONTAIN_CONSOLE_TAKEN, or a number is too large.
// Ownership: nothing is handed over. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_console_size(contain_config *config,
                                    uint32_t rows,
                                    uint32_t columns,
                                    contain_error **err);

// Sets the network; at first it is CONTAIN_NETWORK_PRIVATE.
//
// config: the configuration.
// network: a CONTAIN_NETWORK_ value.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL or network is another number.
// Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_network(contain_config *config, uint32_t network, contain_error **err);

// Gives the container a network of its own with loopback and one end of a pair of connected interfaces. Takes
// CAP_NET_ADMIN over the caller's network.
//
// config: the configuration.
// options: names, address, route; NULL, with a size of 0: the usual names and no address.
// size: sizeof *options.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config is NULL or an address is none; -E2BIG for options that this library does not know. Names
// and numbers are looked at when the configuration is used.
// Ownership: the strings are copied. Threads: one at a time on one configuration. Since: 0.1.
int contain_config_set_network_veth(contain_config *config,
                                    const contain_veth_options *options,
                                    size_t size,
                                    contain_error **err);

// Makes a configuration of a JSON object (docs/abi.md). What it leaves out is as contain_config_new() has it.
//
// document: the JSON, which no NUL need end.
// length: its length in bytes.
// config: where the new configuration goes; the caller frees it with contain_config_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL, it is no JSON, a field is unknown or missing, or a value is not allowed: the
// error names the field, the value and what is allowed.
// Ownership: the document stays the caller's. Threads: any. Since: 0.1.
int contain_config_from_json(const char *document,
                             size_t length,
                             contain_config **config,
                             contain_error **err);

// Gives all of a configuration as one JSON object.
//
// config: the configuration.
// text: where the JSON goes, ended by NUL; the caller frees it with contain_string_free().
// length: where its length without the NUL goes; NULL if it is not wanted.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config or text is NULL.
// Threads: one at a time on one configuration. Since: 0.1.
int contain_config_to_json(const contain_config *config, char **text, size_t *length, contain_error **err);

// Finds out whether a container could be made of a configuration, as far as that can be told without making one.
//
// config: the configuration.
// err: where an error goes, or NULL.
// Returns: 0 if it could; negative on failure.
// Errors: those of contain_container_create() that arise before anything is done.
// Threads: one at a time on one configuration. Since: 0.1.
int contain_config_validate(const contain_config *config,
                            contain_error **err);

// Says what making a container of a configuration would do, step by step, and does nothing.
//
// config: the configuration.
// format: a CONTAIN_EXPLAIN_ value.
// text: where the plan goes, ended by NUL; the caller frees it with contain_string_free().
// length: where its length without the NUL goes; NULL if it is not wanted.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config or text is NULL, format is another number, or the configuration is not allowed.
// Threads: one at a time on one configuration. Since: 0.1.
int contain_config_explain(const contain_config *config,
                           uint32_t format,
                           char **text,
                           size_t *length,
                           contain_error **err);

// Makes a container up to the moment before its command begins, and leaves it waiting for
// contain_container_start().
//
// config: what the container is to be; may be freed afterwards.
// options: the command's standard descriptors; NULL, with a size of 0: those of the configuration, which are the
// caller's own unless it came from JSON.
// size: sizeof *options.
// container: where the container goes; the caller frees it with contain_container_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if config or container is NULL or something in them is not allowed; -EBADF for a descriptor that
// is none; -E2BIG for options that this library does not know; every CONTAIN_E_ code.
// Ownership: descriptors are duplicated and stay the caller's.
// Threads: any; one at a time on one configuration. Since: 0.1.
int contain_container_create(const contain_config *config,
                             const contain_run_options *options,
                             size_t size,
                             contain_container **container,
                             contain_error **err);

// Lets the command of a created container begin; returns once it has been executed.
//
// container: the container.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if container is NULL or was started before; CONTAIN_E_NOT_FOUND and CONTAIN_E_NOT_EXECUTABLE for
// the command; CONTAIN_E_GONE if the container has ended.
// Threads: any, several at once. Since: 0.1.
int contain_container_start(const contain_container *container,
                            contain_error **err);

// Makes a container and lets its command begin; returns once it has been executed.
//
// config: what the container is to be; may be freed afterwards.
// options: the command's standard descriptors; NULL, with a size of 0: those of the configuration, which are the
// caller's own unless it came from JSON.
// size: sizeof *options.
// container: where the container goes; the caller frees it with contain_container_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: those of contain_container_create() and contain_container_start().
// Ownership: descriptors are duplicated and stay the caller's.
// Threads: any; one at a time on one configuration. Since: 0.1.
int contain_container_run(const contain_config *config,
                          const contain_run_options *options,
                          size_t size,
                          contain_container **container,
                          contain_error **err);

// Runs another command in a running container; returns once it has been executed. It is looked up on the PATH of its
// environment.
//
// container: the container.
// argv: the command and its arguments, a NULL behind the last.
// options: environment, descriptors, seccomp profile, deadline, user, directory, capabilities, limits; NULL, with a size
// of 0: the environment and the profile of the container's command, the caller's own descriptors and limits, the
// container's root in `/` with all capabilities of the container's, whatever was taken from the container's command.
// size: sizeof *options.
// process: where the process goes; the caller frees it with contain_process_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if container, argv or process is NULL or something in them is not allowed; -EBADF for a descriptor
// that is none; -E2BIG for options that this library does not know; CONTAIN_E_BUSY if the container was not
// started or is paused, CONTAIN_E_GONE if it has ended; CONTAIN_E_ID_MAP if the container does not have the user or a
// group; CONTAIN_E_NOT_FOUND and CONTAIN_E_NOT_EXECUTABLE for the command.
// Ownership: strings are copied; descriptors are duplicated and stay the caller's.
// Threads: any, several at once. Since: 0.1.
int contain_container_inject(const contain_container *container,
                             const char *const *argv,
                             const contain_inject_options *options,
                             size_t size,
                             contain_process **process,
                             contain_error **err);

// Sends a signal to a container's command. SIGKILL ends the whole container.
//
// container: the container.
// signal: the signal's number; 0 only asks whether the container is there.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if container is NULL or signal is no signal; -ESRCH with CONTAIN_E_GONE if it has ended.
// Threads: any, several at once. Since: 0.1.
int contain_container_signal(const contain_container *container, int signal, contain_error **err);

// Kills a container: its command and everything in it. Does not wait until they are gone.
//
// container: the container.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if container is NULL; -ESRCH with CONTAIN_E_GONE if it has ended.
// Threads: any, several at once. Since: 0.1.
int contain_container_kill(const contain_container *container, contain_error **err);

// Waits until a container has ended. The result stays: a later call gives it again.
//
// container: the container.
// timeout_ms: how many milliseconds to wait at most; 0: not at all; -1: as long as it takes.
// result: where the result goes; NULL, with a size of 0, if it is not wanted.
// size: sizeof *result.
// err: where an error goes, or NULL.
// Returns: 1 if it has ended and the result is there; 0 if the time passed first; negative on failure.
// Errors: -EINVAL; -E2BIG if size is no size of a result; -EINTR if a signal came while waiting without a timeout;
// -ESRCH with CONTAIN_E_GONE if another handle has deleted it before this one was told its result.
// Threads: any, several at once. Since: 0.1.
int contain_container_wait(const contain_container *container,
                           int64_t timeout_ms,
                           contain_result *result,
                           size_t size,
                           contain_error **err);

// Sends a signal, waits for the end, and kills what is left when the time has passed; returns when the container has
// ended.
//
// container: the container.
// signal: the signal for the command, such as SIGTERM.
// grace_ms: how many milliseconds the command has; 0: none, it is killed without the signal.
// result: where the result goes; NULL, with a size of 0, if it is not wanted.
// size: sizeof *result.
// err: where an error goes, or NULL.
// Returns: 0, also for one that had ended already and keeps its own result; negative on failure.
// Errors: -EINVAL; -E2BIG if size is no size of a result.
// Threads: any, several at once. Since: 0.1.
int contain_container_stop(const contain_container *container,
                           int signal,
                           uint64_t grace_ms,
                           contain_result *result,
                           size_t size,
                           contain_error **err);

// Kills a container and waits for its end; the result says why.
//
// container: the container.
// reason: CONTAIN_ENDED_SIGNALLED, CONTAIN_ENDED_WALL or CONTAIN_ENDED_OUTPUT; one that had ended already keeps its own.
// result: where the result goes; NULL, with a size of 0, if it is not wanted.
// size: sizeof *result.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL; -E2BIG if size is no size of a result.
// Threads: any, several at once. Since: 0.1.
int contain_container_end(const contain_container *container,
                          uint32_t reason,
                          contain_result *result,
                          size_t size,
                          contain_error **err);

// Gives the caller's end of a pipe that was asked for with CONTAIN_STDIO_PIPE.
//
// container: the container.
// which: 0, 1 or 2.
// err: where an error goes, or NULL.
// Returns: a descriptor with close-on-exec, the caller's to close; negative on failure.
// Errors: -EINVAL if container is NULL, which is another number, or there is no pipe, or none any more.
// Threads: any, several at once. Since: 0.1.
int contain_container_take_stdio(const contain_container *container, uint32_t which, contain_error **err);

// Gives the other end of a container's console of CONTAIN_CONSOLE_TAKEN, once: the master of a pseudo-terminal, for
// reading, writing, poll(2), tcsetattr(3) and TIOCSWINSZ. It is there once the container is made, also before its start.
// Reading ends with EIO when nobody inside has the terminal open; the command may still be about to end then. Closing it
// hangs the command up (SIGHUP), as the death of all who have it does, and freeing a container whose console was not
// taken.
//
// container: the container, by the handle with which it was made.
// err: where an error goes, or NULL.
// Returns: a descriptor with close-on-exec, the caller's to close; negative on failure.
// Errors: -EINVAL if container is NULL, was made without such a console, or by another process, or if it was taken before.
// Ownership: the descriptor becomes the caller's. Threads: any, several at once: one gets it. Since: 0.1.
int contain_container_take_console(const contain_container *container,
                                   contain_error **err);

// The process id of a container's supervisor, which is what inject(1) takes.
//
// container: the container.
// err: where an error goes, or NULL.
// Returns: the id, above 0; negative on failure.
// Errors: -EINVAL if container is NULL.
// Threads: any, several at once. Since: 0.1.
int contain_container_pid(const contain_container *container, contain_error **err);

// The process id of a container's PID 1, as the caller sees it.
//
// container: the container.
// err: where an error goes, or NULL.
// Returns: the id; 0 if it has ended; negative on failure.
// Errors: -EINVAL if container is NULL; what the kernel says where its state is on disk and cannot be looked up.
// Threads: any, several at once. Since: 0.1.
int contain_container_init_pid(const contain_container *container,
                               contain_error **err);

// A pidfd of a container's PID 1: it can be read from when the container has ended.
//
// container: the container.
// err: where an error goes, or NULL.
// Returns: a descriptor with close-on-exec, the caller's to close; negative on failure.
// Errors: -EINVAL if container is NULL; -EMFILE.
// Threads: any, several at once. Since: 0.1.
int contain_container_pidfd(const contain_container *container, contain_error **err);

// Frees a container. One that was started goes on, bound to the caller's life or detached as its configuration said;
// one that never was is taken down. A console that was not taken is closed, which hangs the command up. Returns at once.
//
// container: the container; NULL is fine, and so is one that a fork copied.
// Threads: nobody else may use it. Since: 0.1.
void contain_container_free(contain_container *container);

// Runs a command in the container of a process that need not be this process's own; returns once it has been executed.
//
// pid: the process id of a supervisor, as inject(1) takes it, or of a container's PID 1.
// argv: the command and its arguments, a NULL behind the last; looked up on the PATH of its environment.
// options: as of contain_container_inject(); NULL, with a size of 0: a usual environment, CONTAIN_SECCOMP_SYSTEM, and the
// rest as there.
// size: sizeof *options.
// process: where the process goes; the caller frees it with contain_process_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: those of contain_container_inject(); CONTAIN_E_GONE if there is no container of this process.
// Ownership: strings are copied; descriptors are duplicated and stay the caller's. Threads: any. Since: 0.1.
int contain_process_inject(int32_t pid,
                           const char *const *argv,
                           const contain_inject_options *options,
                           size_t size,
                           contain_process **process,
                           contain_error **err);

// Gives the caller's end of a pipe that was asked for with CONTAIN_STDIO_PIPE.
//
// process: the process.
// which: 0, 1 or 2.
// err: where an error goes, or NULL.
// Returns: a descriptor with close-on-exec, the caller's to close; negative on failure.
// Errors: -EINVAL if process is NULL, which is another number, or there is no pipe, or none any more.
// Threads: any, several at once. Since: 0.1.
int contain_process_take_stdio(const contain_process *process, uint32_t which, contain_error **err);

// Kills an injected process, as contain_process_kill() does, and waits for its end; the result says why.
//
// process: the process.
// reason: CONTAIN_ENDED_SIGNALLED, CONTAIN_ENDED_WALL or CONTAIN_ENDED_OUTPUT; one that had ended already keeps its own.
// result: where the result goes; NULL, with a size of 0, if it is not wanted.
// size: sizeof *result.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL; -E2BIG if size is no size of a result.
// Threads: any, several at once. Since: 0.1.
int contain_process_end(const contain_process *process,
                        uint32_t reason,
                        contain_result *result,
                        size_t size,
                        contain_error **err);

// Gives the other end of an injected process's console, once, as contain_container_take_console() does.
//
// process: the process.
// err: where an error goes, or NULL.
// Returns: a descriptor with close-on-exec, the caller's to close; negative on failure.
// Errors: -EINVAL if process is NULL or was injected without one, or if it was taken before.
// Ownership: the descriptor becomes the caller's. Threads: any, several at once: one gets it. Since: 0.1.
int contain_process_take_console(const contain_process *process, contain_error **err);

// The id of an injected process, as the caller sees it.
//
// process: the process.
// err: where an error goes, or NULL.
// Returns: the id, above 0; negative on failure.
// Errors: -EINVAL if process is NULL.
// Threads: any, several at once. Since: 0.1.
int contain_process_pid(const contain_process *process, contain_error **err);

// A pidfd of an injected process: it can be read from when the process has ended.
//
// process: the process.
// err: where an error goes, or NULL.
// Returns: a descriptor with close-on-exec, the caller's to close; negative on failure.
// Errors: -EINVAL if process is NULL; -EMFILE.
// Threads: any, several at once. Since: 0.1.
int contain_process_pidfd(const contain_process *process, contain_error **err);

// Sends a signal to an injected process.
//
// process: the process.
// signal: the signal's number; 0 only asks whether the process is there.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if process is NULL or signal is no signal; -ESRCH with CONTAIN_E_GONE if it has ended.
// Threads: any, several at once. Since: 0.1.
int contain_process_signal(const contain_process *process, int signal, contain_error **err);

// Kills an injected process.
//
// process: the process.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if process is NULL; -ESRCH with CONTAIN_E_GONE if it has ended.
// Threads: any, several at once. Since: 0.1.
int contain_process_kill(const contain_process *process, contain_error **err);

// Waits until an injected process has ended. The result stays: a later call gives it again.
//
// process: the process.
// timeout_ms: how many milliseconds to wait at most; 0: not at all; -1: as long as it takes.
// result: where the result goes; NULL, with a size of 0, if it is not wanted.
// size: sizeof *result.
// err: where an error goes, or NULL.
// Returns: 1 if it has ended and the result is there; 0 if the time passed first; negative on failure.
// Errors: -EINVAL; -E2BIG if size is no size of a result; -EINTR if a signal came while waiting without a timeout.
// Threads: any, several at once. Since: 0.1.
int contain_process_wait(const contain_process *process,
                         int64_t timeout_ms,
                         contain_result *result,
                         size_t size,
                         contain_error **err);

// Frees a process. The process itself goes on; it ends with its container at the latest. A console that was not taken is
// closed, which hangs it up.
//
// process: the process; NULL is fine, and so is one that a fork copied.
// Threads: nobody else may use it. Since: 0.1.
void contain_process_free(contain_process *process);

// Opens the directory with the state of containers, and makes it (its last part, mode 0700) where it does not exist.
//
// directory: the directory; NULL: /run/contain for root, $XDG_RUNTIME_DIR/contain for a user.
// runtime: where the runtime goes; the caller frees it with contain_runtime_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if runtime is NULL, or XDG_RUNTIME_DIR would be needed and is not set; what the kernel says of the
// directory; CONTAIN_E_INVALID if it is somebody else's or others can enter it.
// Ownership: the string is copied. Threads: any. Since: 0.1.
int contain_runtime_open(const char *directory,
                         contain_runtime **runtime,
                         contain_error **err);

// Makes a container whose state is on disk, up to the moment before its command begins: any process of this user can
// start it, and this one may end unless the configuration binds it.
//
// runtime: the directory that it is to be in.
// id: made of A-Z a-z 0-9 _ + . - and of 1 to 1024 bytes.
// config: what the container is to be; may be freed afterwards.
// options: the command's standard descriptors; NULL, with a size of 0: those of the configuration.
// size: sizeof *options.
// container: where the container goes; the caller frees it with contain_container_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: those of contain_container_create(); -EEXIST with CONTAIN_E_EXISTS if there is one of this id.
// Ownership: the string is copied; descriptors are duplicated and stay the caller's.
// Threads: any, several at once on one runtime; one at a time on one configuration. Since: 0.1.
int contain_runtime_create(const contain_runtime *runtime,
                           const char *id,
                           const contain_config *config,
                           const contain_run_options *options,
                           size_t size,
                           contain_container **container,
                           contain_error **err);

// Makes a container whose state is on disk and lets its command begin; returns once it has been executed. A command
// that cannot be executed leaves nothing on disk.
//
// runtime: the directory that it is to be in.
// id: made of A-Z a-z 0-9 _ + . - and of 1 to 1024 bytes.
// config: what the container is to be; may be freed afterwards.
// options: the command's standard descriptors; NULL, with a size of 0: those of the configuration.
// size: sizeof *options.
// container: where the container goes; the caller frees it with contain_container_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: those of contain_runtime_create() and contain_container_start().
// Ownership: the string is copied; descriptors are duplicated and stay the caller's.
// Threads: any, several at once on one runtime; one at a time on one configuration. Since: 0.1.
int contain_runtime_run(const contain_runtime *runtime,
                        const char *id,
                        const contain_config *config,
                        const contain_run_options *options,
                        size_t size,
                        contain_container **container,
                        contain_error **err);

// Opens a container that some process of this user has made in the directory.
//
// runtime: the directory.
// id: its id.
// container: where the container goes; the caller frees it with contain_container_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL or id is none; -ENOENT with CONTAIN_E_GONE if there is none of this id.
// Ownership: the string is copied.
// Threads: any, several at once on one runtime. Since: 0.1.
int contain_container_open(const contain_runtime *runtime,
                           const char *id,
                           contain_container **container,
                           contain_error **err);

// Removes a container from disk by its id.
//
// runtime: the directory.
// id: its id.
// force: 0: only if it has ended. 1: it is killed first, what a crash has left is cleaned up, and one that does not
// exist is no error.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL or not allowed; -ENOENT with CONTAIN_E_GONE if there is none of this id;
// -EBUSY with CONTAIN_E_BUSY if it has not ended.
// Ownership: the string stays the caller's. Threads: any, several at once on one runtime. Since: 0.1.
int contain_runtime_delete(const contain_runtime *runtime,
                           const char *id,
                           uint32_t force,
                           contain_error **err);

// Finds all containers in the directory, as they are now.
//
// runtime: the directory.
// list: where the list goes; the caller frees it with contain_list_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL; what the kernel says of the directory.
// Threads: any, several at once on one runtime. Since: 0.1.
int contain_runtime_list(const contain_runtime *runtime, contain_list **list, contain_error **err);

// Frees a runtime. Its containers stay as they are.
//
// runtime: the runtime; NULL is fine, and so is one that a fork copied.
// Threads: nobody else may use it. Since: 0.1.
void contain_runtime_free(contain_runtime *runtime);

// How many containers a list has.
//
// list: the list, or NULL.
// Returns: the number; 0 if list is NULL or one that a fork copied.
// Threads: any, several at once. Since: 0.1.
size_t contain_list_get_count(const contain_list *list);

// The id of a container in a list, which is in the order of the ids.
//
// list: the list, or NULL.
// at: which one, from 0.
// Returns: a string that lasts as long as the list; NULL if there is none.
// Threads: any, several at once. Since: 0.1.
const char *contain_list_get_id(const contain_list *list, size_t at);

// The root directory of a container in a list, as it was given; --host for the host's own system.
//
// list: the list, or NULL.
// at: which one, from 0.
// Returns: a string that lasts as long as the list, empty where it cannot be told; NULL if there is none.
// Threads: any, several at once. Since: 0.1.
const char *contain_list_get_root(const contain_list *list, size_t at);

// What is known of a container in a list.
//
// list: the list.
// at: which one, from 0.
// status: where it goes.
// size: sizeof *status.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL or there is none; -E2BIG if size is no size of a status; else why its status
// cannot be told: what a crash or somebody else has left can be deleted with force.
// Threads: any, several at once. Since: 0.1.
int contain_list_get_status(const contain_list *list,
                            size_t at,
                            contain_status *status,
                            size_t size,
                            contain_error **err);

// Frees a list and every string that was read from it.
//
// list: the list; NULL is fine, and so is one that a fork copied.
// Threads: nobody else may use it. Since: 0.1.
void contain_list_free(contain_list *list);

// The id of a container whose state is on disk.
//
// container: the container.
// id: where a copy of it goes; the caller frees it with contain_string_free().
// err: where an error goes, or NULL.
// Returns: 1 if it has one; 0 if its state is not on disk, and nothing is written; negative on failure.
// Errors: -EINVAL if an argument is NULL.
// Threads: any, several at once. Since: 0.1.
int contain_container_id(const contain_container *container, char **id, contain_error **err);

// What a container is doing, looked up anew.
//
// container: the container.
// err: where an error goes, or NULL.
// Returns: a CONTAIN_STATE_ value, above 0; negative on failure.
// Errors: -EINVAL if container is NULL.
// Threads: any, several at once. Since: 0.1.
int contain_container_state(const contain_container *container, contain_error **err);

// All that is known of a container whose state is on disk, looked up anew.
//
// container: the container.
// status: where it goes.
// size: sizeof *status.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL or the container's state is not on disk; -E2BIG if size is no size of a
// status.
// Threads: any, several at once. Since: 0.1.
int contain_container_status(const contain_container *container,
                             contain_status *status,
                             size_t size,
                             contain_error **err);

// The process ids, as the caller sees them, of everything in a container, injected commands too. What starts or ends
// meanwhile may be missing or named.
//
// container: the container.
// pids: where they go; NULL, with a capacity of 0: they are only counted.
// capacity: how many pids has room for.
// count: where the number of all of them goes, which may be more than capacity.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if container or count is NULL, or pids with a capacity; -ESRCH with CONTAIN_E_GONE if it has ended.
// Threads: any, several at once. Since: 0.1.
int contain_container_processes(const contain_container *container,
                                int32_t *pids,
                                size_t capacity,
                                size_t *count,
                                contain_error **err);

// Removes a container from disk. One without state on disk has nothing to be removed; with force it is killed.
//
// container: the container.
// force: 0: only if it has ended. 1: it is killed first, and one that has been deleted already is no error.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if container is NULL or force is another number; without force -EBUSY with CONTAIN_E_BUSY if it has
// not ended, -ENOENT with CONTAIN_E_GONE if it was deleted before.
// Threads: any, several at once. Since: 0.1.
int contain_container_delete(const contain_container *container,
                             uint32_t force,
                             contain_error **err);

// Opens the events of a container: its present state is the first, then comes each change in order, and its exit is the
// last, also where the container is freed or deleted meanwhile. There may be any number of these for a container.
//
// container: the container; may be freed afterwards.
// events: where they go; the caller frees them with contain_events_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL; -EMFILE, for a container that was opened by its id and not started also if
// the user's limit on inotify(7) is reached.
// Threads: any, several at once on one container. Since: 0.1.
int contain_events_open(const contain_container *container,
                        contain_events **events,
                        contain_error **err);

// The descriptor to poll for events, with poll(2) or in an epoll(7) descriptor: readable when there is one, and for good
// after the exit. It may be readable without one: contain_events_next() then gives 0.
//
// events: the events.
// err: where an error goes, or NULL.
// Returns: the descriptor, with close-on-exec; negative on failure.
// Errors: -EINVAL if events is NULL.
// Ownership: it stays that of the events and lasts as long as they. Threads: any, several at once. Since: 0.1.
int contain_events_get_fd(const contain_events *events,
                          contain_error **err);

// Gives the next event.
//
// events: the events.
// timeout_ms: how many milliseconds to wait at most; 0: not at all; -1: as long as it takes.
// event: where it goes.
// size: sizeof *event.
// err: where an error goes, or NULL.
// Returns: 1 if event is there; 0 if the time passed first; negative on failure.
// Errors: -EINVAL; -E2BIG if size is no size of an event; -EINTR if a signal came while waiting without a timeout;
// -ESRCH with CONTAIN_E_GONE if the exit has been told.
// Threads: any, several at once; each event goes to one of them. Since: 0.1.
int contain_events_next(const contain_events *events,
                        int64_t timeout_ms,
                        contain_event *event,
                        size_t size,
                        contain_error **err);

// Frees events, and closes their descriptor. The container goes on.
//
// events: the events; NULL is fine, and so are those that a fork copied.
// Threads: nobody else may use them. Since: 0.1.
void contain_events_free(contain_events *events);

// Copies a regular file of a running container's to a descriptor.
//
// container: the container.
// path: an absolute path inside; links are resolved inside.
// fd: where its bytes are written to.
// limit: how many bytes are copied at most; of a longer file the first ones are.
// timeout_ms: how many milliseconds it may take; -1: as long as it takes.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL or not allowed; -EBADF if fd is no descriptor; -ETIMEDOUT; -EINTR if a signal
// came while waiting without a timeout; -EOPNOTSUPP if it is no regular file; what the kernel says of it;
// CONTAIN_E_BUSY if the container was not started or is paused, CONTAIN_E_GONE if it has ended.
// Ownership: the descriptor stays the caller's. Threads: any, several at once. Since: 0.1.
int contain_container_copy_out(const contain_container *container,
                               const char *path,
                               int fd,
                               uint64_t limit,
                               int64_t timeout_ms,
                               contain_error **err);

// Copies what a descriptor gives, to its end, to a regular file of a running container's, which is emptied first, or
// made where it is missing; it is the container root's then.
//
// container: the container.
// path: an absolute path inside; links are resolved inside, and its directory is there.
// mode: permissions of a file that is made, at most 07777.
// fd: where its bytes are read from.
// timeout_ms: how many milliseconds it may take; -1: as long as it takes.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: as contain_container_copy_out() gives them.
// Ownership: the descriptor stays the caller's. Threads: any, several at once. Since: 0.1.
int contain_container_copy_in(const contain_container *container,
                              const char *path,
                              uint32_t mode,
                              int fd,
                              int64_t timeout_ms,
                              contain_error **err);

// Runs a command in a user namespace of its own, where it is root over ids that are the caller's or delegated to it,
// and in all other namespaces of the caller's; returns once it has been executed. It is looked up on the PATH of its
// environment and begins in the caller's working directory. It is not confined: no file system, network or process is
// hidden from it, and what it starts is not ended with it.
//
// argv: the command and its arguments, a NULL behind the last.
// options: environment, id maps, standard descriptors; NULL, with a size of 0: the usual.
// size: sizeof *options.
// process: where the process goes; the caller frees it with contain_process_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if argv or process is NULL or something in them is not allowed; -EBADF for a descriptor that is
// none; -E2BIG for options that this library does not know; CONTAIN_E_ID_MAP; CONTAIN_E_NOT_FOUND and
// CONTAIN_E_NOT_EXECUTABLE for the command.
// Ownership: strings are copied; descriptors are duplicated and stay the caller's. Threads: any. Since: 0.1.
int contain_userns_run(const char *const *argv,
                       const contain_userns_options *options,
                       size_t size,
                       contain_process **process,
                       contain_error **err);

// Gives a named profile as an object.
//
// profile: a CONTAIN_SECCOMP_ value.
// own_terminal: 0: as for a command that may have the caller's terminal, into which nothing may be typed from inside;
// 1: as for one whose standard descriptors are a terminal of its own (a console).
// seccomp: where the object goes; the caller frees it with contain_seccomp_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if seccomp is NULL or a number is another.
// Threads: any. Since: 0.1.
int contain_seccomp_new(uint32_t profile,
                        uint32_t own_terminal,
                        contain_seccomp **seccomp,
                        contain_error **err);

// Gives the program that is loaded for a filter: an array of the kernel's struct sock_filter.
//
// seccomp: the filter.
// program: where its address goes; it lasts as long as the filter, and one of the caller's own until that is changed.
// length: where its length in bytes goes, 8 for each instruction; 0 where nothing is loaded.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL; -E2BIG if the caller's own has more than 4096 instructions.
// Threads: any, several at once. Since: 0.1.
int contain_seccomp_get_bpf(const contain_seccomp *seccomp,
                            const uint8_t **program,
                            size_t *length,
                            contain_error **err);

// Says what would happen to a system call, and does nothing. One of the caller's own speaks for itself: what is refused
// beside it where the caller's terminal is passed on is not part of it.
//
// seccomp: the filter.
// architecture: a CONTAIN_ARCHITECTURE_ value.
// name: the system call's name, such as "mount".
// arguments: its six arguments; NULL: six zeros.
// action: where a CONTAIN_ACTION_ value goes.
// data: where what goes with it goes: the errno of CONTAIN_ACTION_ERRNO, the message of CONTAIN_ACTION_TRACE, else 0;
// NULL if it is not wanted.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if seccomp, name or action is NULL, or the architecture or a call of that name is not known; -E2BIG if
// the caller's own has more than 4096 instructions.
// Ownership: the string and the array stay the caller's. Threads: any, several at once. Since: 0.1.
int contain_seccomp_test(const contain_seccomp *seccomp,
                         uint32_t architecture,
                         const char *name,
                         const uint64_t *arguments,
                         uint32_t *action,
                         uint32_t *data,
                         contain_error **err);

// Frees a filter. Containers stay as they are.
//
// seccomp: the filter; NULL is fine, and so is one that a fork copied.
// Threads: nobody else may use it. Since: 0.1.
void contain_seccomp_free(contain_seccomp *seccomp);

// Gives a filter of the caller's own, made of OCI's `linux.seccomp` object (docs/seccomp.md).
//
// document: the JSON, UTF-8.
// length: its length in bytes.
// seccomp: where the object goes; the caller frees it with contain_seccomp_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if an argument is NULL, or the document is no such object: the error names the place, the value and what
// is allowed; -ENOTSUP if it needs a listener; -E2BIG if its program has more than 4096 instructions.
// Ownership: the document is copied. Threads: any. Since: 0.1.
int contain_seccomp_from_oci_json(const char *document,
                                  size_t length,
                                  contain_seccomp **seccomp,
                                  contain_error **err);

// Gives a filter of the caller's own that does the same about every 64-bit system call, to be changed by
// contain_seccomp_add_rule(), contain_seccomp_add_architecture() and contain_seccomp_set_flags().
//
// action: what is done about what no rule decides: a CONTAIN_ACTION_ value.
// data: the errno of CONTAIN_ACTION_ERRNO, 0 to 4095; the message of CONTAIN_ACTION_TRACE, 0 to 65535; else 0.
// seccomp: where the object goes; the caller frees it with contain_seccomp_free().
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if seccomp is NULL or a number is not allowed; -ENOTSUP if action is CONTAIN_ACTION_NOTIFY.
// Threads: any. Since: 0.1.
int contain_seccomp_new_rules(uint32_t action,
                              uint32_t data,
                              contain_seccomp **seccomp,
                              contain_error **err);

// Adds a rule to a filter of the caller's own. Of several for one call the first without conditions decides, else the
// first whose conditions hold.
//
// seccomp: the filter.
// name: the system call's name, such as "mkdir", or its number on x86-64 in decimal digits.
// action: a CONTAIN_ACTION_ value.
// data: the errno of CONTAIN_ACTION_ERRNO, 0 to 4095; the message of CONTAIN_ACTION_TRACE, 0 to 65535; else 0.
// options: when; NULL, with a size of 0: always.
// size: sizeof(contain_rule_options) as the program was built.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if seccomp or name is NULL, seccomp is no filter of the caller's own, there is no system call of that
// name, or a number is not allowed; -ENOTSUP if action is CONTAIN_ACTION_NOTIFY; -E2BIG if the options ask for what this
// library does not know.
// Ownership: what is given is copied. Threads: nobody else may use the filter meanwhile. Since: 0.1.
int contain_seccomp_add_rule(contain_seccomp *seccomp,
                             const char *name,
                             uint32_t action,
                             uint32_t data,
                             const contain_rule_options *options,
                             size_t size,
                             contain_error **err);

// Lets the rules of a filter of the caller's own hold for another architecture too. CONTAIN_ARCHITECTURE_X86_64 always is
// one; a call in any that is not ends its thread.
//
// seccomp: the filter.
// architecture: a CONTAIN_ARCHITECTURE_ value.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if seccomp is NULL or no filter of the caller's own, or the architecture is not known.
// Threads: nobody else may use the filter meanwhile. Since: 0.1.
int contain_seccomp_add_architecture(contain_seccomp *seccomp,
                                     uint32_t architecture,
                                     contain_error **err);

// Sets how a filter of the caller's own is loaded; at first with no flags.
//
// seccomp: the filter.
// flags: CONTAIN_SECCOMP_FLAG_ values, or'ed.
// err: where an error goes, or NULL.
// Returns: 0; negative on failure.
// Errors: -EINVAL if seccomp is NULL or no filter of the caller's own, or flags has another bit.
// Threads: nobody else may use the filter meanwhile. Since: 0.1.
int contain_seccomp_set_flags(contain_seccomp *seccomp, uint32_t flags, contain_error **err);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CONTAIN_H */
