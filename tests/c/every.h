// SPDX-License-Identifier: MIT OR Apache-2.0
// Every function that can fail, once, with NULL and 0 for all it takes: EVERY(X) is X(NAME, ARGUMENTS but err...) for
// each. run compares the names with those of the header.
#ifndef EVERY_H
#define EVERY_H

#define EVERY(X)                                                                                     \
    X(contain_has_feature, NULL)                                                                     \
    X(contain_config_new, NULL, NULL, NULL)                                                          \
    X(contain_config_new_host, NULL, NULL)                                                           \
    X(contain_config_clone, NULL, NULL)                                                              \
    X(contain_config_from_json, NULL, 0, NULL)                                                       \
    X(contain_config_to_json, NULL, NULL, NULL)                                                      \
    X(contain_config_validate, NULL)                                                                 \
    X(contain_config_explain, NULL, 0, NULL, NULL)                                                   \
    X(contain_config_set_root, NULL, NULL)                                                           \
    X(contain_config_set_host_root, NULL)                                                            \
    X(contain_config_set_argv, NULL, NULL)                                                           \
    X(contain_config_set_env, NULL, NULL)                                                            \
    X(contain_config_set_search_path, NULL, 0)                                                       \
    X(contain_config_set_chdir, NULL, NULL)                                                          \
    X(contain_config_set_hostname, NULL, NULL)                                                       \
    X(contain_config_set_uid_map, NULL, NULL)                                                        \
    X(contain_config_set_gid_map, NULL, NULL)                                                        \
    X(contain_config_set_network, NULL, 0)                                                           \
    X(contain_config_set_network_veth, NULL, NULL, 0)                                                \
    X(contain_config_set_init, NULL, 0)                                                              \
    X(contain_config_set_seccomp, NULL, 0)                                                           \
    X(contain_config_set_seccomp_filter, NULL, NULL)                                                 \
    X(contain_config_set_no_new_privs, NULL, 0)                                                      \
    X(contain_config_set_lifetime, NULL, 0)                                                          \
    X(contain_config_add_bind, NULL, NULL, NULL, 0)                                                  \
    X(contain_config_add_tmpfs, NULL, NULL, 0, 0)                                                    \
    X(contain_config_clear_mounts, NULL)                                                             \
    X(contain_config_set_overlay, NULL, 0, 0)                                                        \
    X(contain_config_set_read_only, NULL, 0)                                                         \
    X(contain_config_set_user, NULL, NULL)                                                           \
    X(contain_config_set_capabilities, NULL, NULL)                                                   \
    X(contain_config_set_rlimit, NULL, 0, 0, 0)                                                      \
    X(contain_config_set_preserve_fds, NULL, 0)                                                      \
    X(contain_config_set_pass_fds, NULL, NULL, 0)                                                    \
    X(contain_config_set_timeout, NULL, 0)                                                           \
    X(contain_config_add_file, NULL, NULL, NULL, 0, 0)                                               \
    X(contain_config_set_console, NULL, 0)                                                           \
    X(contain_config_set_console_size, NULL, 0, 0)                                                   \
    X(contain_config_set_inside_helper, NULL, NULL)                                                  \
    X(contain_config_set_outside_helper, NULL, NULL)                                                 \
    X(contain_container_create, NULL, NULL, 0, NULL)                                                 \
    X(contain_container_run, NULL, NULL, 0, NULL)                                                    \
    X(contain_container_start, NULL)                                                                 \
    X(contain_container_inject, NULL, NULL, NULL, 0, NULL)                                           \
    X(contain_container_signal, NULL, 0)                                                             \
    X(contain_container_kill, NULL)                                                                  \
    X(contain_container_wait, NULL, 0, NULL, 0)                                                      \
    X(contain_container_pid, NULL)                                                                   \
    X(contain_container_init_pid, NULL)                                                              \
    X(contain_container_pidfd, NULL)                                                                 \
    X(contain_probe, NULL, NULL)                                                                     \
    X(contain_runtime_open, NULL, NULL)                                                              \
    X(contain_runtime_create, NULL, NULL, NULL, NULL, 0, NULL)                                       \
    X(contain_runtime_run, NULL, NULL, NULL, NULL, 0, NULL)                                          \
    X(contain_runtime_delete, NULL, NULL, 0)                                                         \
    X(contain_runtime_list, NULL, NULL)                                                              \
    X(contain_list_get_status, NULL, 0, NULL, 0)                                                     \
    X(contain_container_open, NULL, NULL, NULL)                                                      \
    X(contain_container_id, NULL, NULL)                                                              \
    X(contain_container_state, NULL)                                                                 \
    X(contain_container_status, NULL, NULL, 0)                                                       \
    X(contain_container_processes, NULL, NULL, 0, NULL)                                              \
    X(contain_container_delete, NULL, 0)                                                             \
    X(contain_events_open, NULL, NULL)                                                               \
    X(contain_events_get_fd, NULL)                                                                   \
    X(contain_events_next, NULL, 0, NULL, 0)                                                         \
    X(contain_container_copy_out, NULL, NULL, 0, 0, 0)                                               \
    X(contain_container_copy_in, NULL, NULL, 0, 0, 0)                                                \
    X(contain_container_stop, NULL, 0, 0, NULL, 0)                                                   \
    X(contain_container_end, NULL, 0, NULL, 0)                                                       \
    X(contain_container_take_stdio, NULL, 0)                                                         \
    X(contain_container_take_console, NULL)                                                          \
    X(contain_process_inject, 0, NULL, NULL, 0, NULL)                                                \
    X(contain_process_take_stdio, NULL, 0)                                                           \
    X(contain_process_take_console, NULL)                                                            \
    X(contain_process_end, NULL, 0, NULL, 0)                                                         \
    X(contain_seccomp_new, 0, 0, NULL)                                                               \
    X(contain_seccomp_from_oci_json, NULL, 0, NULL)                                                  \
    X(contain_seccomp_new_rules, 0, 0, NULL)                                                         \
    X(contain_seccomp_add_rule, NULL, NULL, 0, 0, NULL, 0)                                           \
    X(contain_seccomp_add_architecture, NULL, 0)                                                     \
    X(contain_seccomp_set_flags, NULL, 0)                                                            \
    X(contain_seccomp_get_bpf, NULL, NULL, NULL)                                                     \
    X(contain_seccomp_test, NULL, 0, NULL, NULL, NULL, NULL)                                         \
    X(contain_userns_run, NULL, NULL, 0, NULL)                                                       \
    X(contain_process_pid, NULL)                                                                     \
    X(contain_process_pidfd, NULL)                                                                   \
    X(contain_process_signal, NULL, 0)                                                               \
    X(contain_process_kill, NULL)                                                                    \
    X(contain_process_wait, NULL, 0, NULL, 0)

#endif
