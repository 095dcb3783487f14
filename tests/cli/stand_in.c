// SPDX-License-Identifier: MIT OR Apache-2.0
// A helper for the maps that does what the file "mode" beside it says: write them, or fail in one of the ways in which
// contain-idmap might. Installed setuid root, started by contain-init; believes everything that it is told.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKET = 3, STARTED_OTHERWISE = 99 };
extern char **environ;

static void answer(uint32_t code) {
    if (send(SOCKET, &code, sizeof code, 0) != sizeof code)
        _exit(2);
}

// Whether the promises of docs/plan.md hold: one word, no environment, stdio and the socket.
static int started_well(int argc) {
    if (argc != 1 || environ[0] != NULL)
        return 0;
    for (int descriptor = 0; descriptor < 1024; descriptor++)
        if ((fcntl(descriptor, F_GETFD) >= 0) != (descriptor <= SOCKET))
            return 0;
    return 1;
}

static void put(int directory, const char *name, const char *text) {
    int file = openat(directory, name, O_WRONLY);
    if (file < 0 || write(file, text, strlen(text)) != (ssize_t)strlen(text)) {
        answer(5);
        _exit(1);
    }
    close(file);
}

// One map from the request's lines, which are on from `line` on.
static void map(int directory, const char *name, const uint32_t *line, int count) {
    char text[4096] = "";
    for (int i = 0; i < count; i++, line += 3)
        sprintf(text + strlen(text), "%u %u %u\n", line[0], line[1], line[2]);
    put(directory, name, text);
}

// Receives the request; the /proc/PID directory that came with it.
static int receive(unsigned char *request, size_t size) {
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {request, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(SOCKET, &message, 0) < 12 || CMSG_FIRSTHDR(&message) == NULL)
        _exit(3);
    int directory;
    memcpy(&directory, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof directory);
    return directory;
}

int main(int argc, char **argv) {
    char path[4096], mode[32] = "";
    snprintf(path, sizeof path, "%.*smode", (int)(strrchr(argv[0], '/') - argv[0] + 1), argv[0]);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(mode, sizeof mode, file) == NULL)
        return 4;
    fclose(file);
    if (!started_well(argc)) {
        answer(STARTED_OTHERWISE);
        return 1;
    }
    if (strcmp(mode, "silent") == 0)
        return 0;
    if (strcmp(mode, "hang") == 0)
        for (;;)
            pause();
    if (strncmp(mode, "answer ", 7) == 0) {
        answer((uint32_t)strtoul(mode + 7, NULL, 10));
        return 1;
    }
    _Alignas(4) unsigned char request[4097];
    int directory = receive(request, sizeof request);
    uint16_t users, groups;
    memcpy(&users, request + 6, 2);
    memcpy(&groups, request + 8, 2);
    const uint32_t *lines = (const uint32_t *)(request + 12);
    if (request[10] == 0)
        put(directory, "setgroups", "deny");
    map(directory, "uid_map", lines, users);
    if (strcmp(mode, "die half way") == 0)
        raise(SIGKILL);
    map(directory, "gid_map", lines + 3 * users, groups);
    if (strcmp(mode, "long") == 0)
        return send(SOCKET, "\0\0\0\0\0\0\0", 8, 0) != 8;
    answer(0);
    if (strcmp(mode, "die at the end") == 0)
        raise(SIGKILL);
    return 0;
}
