/* confine.c (Linux): runs a compiler without network, and with one directory to write to; or tells what this machine can
 * enforce.
 *
 *   confine                               puts all controls in force as far as they go, and prints an hp_enforced
 *   confine FOLDER... -- COMMAND ARG...   runs COMMAND, which can write in these folders only; the first is its TMPDIR
 *
 * Exit codes beside the command's own: 125 it could not be confined, 127 it could not be run.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include "worker/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int tell(void);
static int run(char **folders, int count, char **command);

int main(int count, char **words) {
    if (count == 1) return tell();
    for (int i = 1; i < count - 1; i++)
        if (strcmp(words[i], "--") == 0) return run(words + 1, i - 1, words + i + 1);
    fprintf(stderr, "usage: confine [FOLDER... -- COMMAND ARG...]\n");
    return 125;
}

/* 0, or -1 when the paths are too long. */
static int add_path(hp_policy *policy, const char *path, uint32_t *size) {
    size_t used = (size_t)policy->readable_size + policy->writable_size, length = strlen(path) + 1;
    if (length > HP_POLICY_PATHS - used) return -1;
    memcpy(policy->paths + used, path, length);
    *size += (uint32_t)length;
    return 0;
}

static int tell(void) {
    hp_enforced enforced;
    hp_policy policy;
    memset(&policy, 0, sizeof policy);
    policy.size = (uint32_t)offsetof(hp_policy, paths);
    for (int control = 0; control < HP_CONTROLS; control++) policy.level[control] = HP_PREFER;
    policy.memory_bytes = policy.file_bytes = (uint64_t)1 << 30;
    policy.cpu_seconds = 60;
    hp_sandbox_apply(&policy, &enforced);
    return fwrite(&enforced, sizeof enforced, 1, stdout) == 1 && fflush(stdout) == 0 ? 0 : 125;
}

/* What a compiler reads can't be told in advance, so it may read everything: it can send it nowhere. */
static int run(char **folders, int count, char **command) {
    hp_enforced enforced;
    hp_policy policy;
    memset(&policy, 0, sizeof policy);
    policy.size = (uint32_t)offsetof(hp_policy, paths);
    policy.level[HP_CONTROL_NETWORK] = HP_REQUIRE;
    policy.level[HP_CONTROL_FILESYSTEM] = policy.level[HP_CONTROL_PEERS] = HP_PREFER;
    policy.level[HP_CONTROL_CORE_DUMPS] = policy.level[HP_CONTROL_GROUP] = HP_PREFER;
    int failed = add_path(&policy, "/", &policy.readable_size);
    for (int i = 0; i < count && !failed; i++) failed = add_path(&policy, folders[i], &policy.writable_size);
    if (!failed && count > 0) failed = setenv("TMPDIR", folders[0], 1);
    int32_t refused = failed ? -1 : hp_sandbox_apply(&policy, &enforced);
    if (refused != 0) {
        const char *what = refused > 0 ? hp_control_name(refused - 1) : "its folders";
        fprintf(stderr, "error: this machine can't confine the compiler: %s can't be enforced\n", what);
        return 125;
    }
    execvp(command[0], command);
    fprintf(stderr, "error: %s can't be run: %s\n", command[0], strerror(errno));
    return 127;
}
