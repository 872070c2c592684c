/* landlock.c (Linux): which files can be opened, and which processes reached.
 *
 * The kernel's interface is declared here: its header is often older than the kernel that runs.
 */
#if defined(__linux__)
#define _GNU_SOURCE
#include "worker/sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 }; /* the same on every processor */
enum { ASK_VERSION = 1, PATH_BENEATH = 1 };

enum {
    FS_EXECUTE = 1 << 0,
    FS_WRITE_FILE = 1 << 1,
    FS_READ_FILE = 1 << 2,
    FS_READ_DIR = 1 << 3,
    FS_MAKE_CHAR = 1 << 6,
    FS_MAKE_BLOCK = 1 << 11,
    FS_ALL_1 = (1 << 13) - 1, /* what version 1 knows */
    FS_REFER = 1 << 13,       /* since 2 */
    FS_TRUNCATE = 1 << 14,    /* since 3 */
    FS_IOCTL_DEV = 1 << 15,   /* since 5 */
    FS_DEVICES = FS_MAKE_CHAR | FS_MAKE_BLOCK,
    FS_READABLE = FS_EXECUTE | FS_READ_FILE | FS_READ_DIR,
    FS_WRITABLE = FS_ALL_1 | FS_REFER | FS_TRUNCATE,
    FS_OF_A_FILE = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV
};
enum { NET_TCP = 3 };                    /* bind and connect; since 4 */
enum { SCOPE_SOCKETS_AND_SIGNALS = 3 };  /* since 6 */

typedef struct ruleset_attr {
    uint64_t fs, net, scoped;
} ruleset_attr;

#pragma pack(push, 1)
typedef struct path_attr {
    uint64_t allowed;
    int32_t folder;
} path_attr;
#pragma pack(pop)

/* What the loader, the C library and OpenMP read: libraries, locales, time zones, and how many processors there are. */
static const char *const SYSTEM_READABLE[] = {
    "/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64",
    "/nix/store", "/gnu/store", "/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo", "/usr/share/locale",
    "/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/proc/self", "/proc/cpuinfo", "/proc/meminfo",
    "/proc/sys/vm/overcommit_memory", "/sys/devices/system/cpu",
};

static hp_reason failure(void) {
    hp_reason reason = {HP_WHY_SYSTEM, errno};
    return reason;
}

int32_t hp_landlock_version(hp_reason *reason) {
    long version = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
    hp_reason fine = {HP_WHY_NONE, 0};
    *reason = version > 0 ? fine : failure();
    return version > 0 ? (int32_t)version : 0;
}

static uint64_t known(int32_t version) {
    uint64_t rights = FS_ALL_1;
    if (version >= 2) rights |= FS_REFER;
    if (version >= 3) rights |= FS_TRUNCATE;
    if (version >= 5) rights |= FS_IOCTL_DEV;
    return rights;
}

static ruleset_attr asked(const hp_policy *policy, int32_t version) {
    ruleset_attr attr = {0, 0, 0};
    if (hp_wanted(policy, HP_CONTROL_FILESYSTEM)) attr.fs = known(version);
    if (hp_wanted(policy, HP_CONTROL_NETWORK) && version >= 4) attr.net = NET_TCP;
    if (hp_wanted(policy, HP_CONTROL_PEERS)) {
        /* Whoever is in any domain at all can trace nobody outside, nor open their memory in /proc. */
        attr.fs |= FS_DEVICES;
        if (version >= 6) attr.scoped = SCOPE_SOCKETS_AND_SIGNALS;
    }
    return attr;
}

/* 0, or -1 with errno. A path that is not there needs no rule. */
static int add(int ruleset, const char *path, uint64_t rights, uint32_t *missing) {
    int folder = open(path, O_PATH | O_CLOEXEC);
    if (folder < 0) {
        (*missing)++;
        return 0;
    }
    struct stat status;
    int result = fstat(folder, &status);
    if (result == 0) {
        path_attr attr = {S_ISDIR(status.st_mode) ? rights : rights & FS_OF_A_FILE, folder};
        result = (int)syscall(ADD_RULE, ruleset, PATH_BENEATH, &attr, 0);
    }
    int error = errno;
    close(folder);
    errno = error;
    return result;
}

static int add_listed(int ruleset, const char *paths, size_t size, uint64_t rights, uint32_t *missing) {
    for (size_t at = 0; at < size; at += strlen(paths + at) + 1)
        if (add(ruleset, paths + at, rights, missing) != 0) return -1;
    return 0;
}

static int add_paths(int ruleset, const hp_policy *policy, int32_t version, uint32_t *missing) {
    uint32_t unimportant = 0;
    for (size_t i = 0; i < sizeof SYSTEM_READABLE / sizeof *SYSTEM_READABLE; i++)
        if (add(ruleset, SYSTEM_READABLE[i], FS_READABLE, &unimportant) != 0) return -1;
    if (add(ruleset, "/dev/null", FS_WRITE_FILE | FS_READ_FILE, &unimportant) != 0) return -1;
    uint64_t writable = FS_WRITABLE & known(version) & ~(uint64_t)FS_DEVICES;
    if (add_listed(ruleset, policy->paths, policy->readable_size, FS_READABLE, missing) != 0) return -1;
    return add_listed(ruleset, policy->paths + policy->readable_size, policy->writable_size, writable, missing);
}

hp_reason hp_landlock_apply(const hp_policy *policy, int32_t version, uint32_t *paths_missing) {
    hp_reason fine = {HP_WHY_NONE, 0};
    ruleset_attr attr = asked(policy, version);
    if (attr.fs == 0 && attr.net == 0 && attr.scoped == 0) return fine;
    int ruleset = (int)syscall(CREATE_RULESET, &attr, sizeof attr, 0);
    if (ruleset < 0) return failure();
    int failed = hp_wanted(policy, HP_CONTROL_FILESYSTEM) && add_paths(ruleset, policy, version, paths_missing) != 0;
    hp_reason reason = failed || syscall(RESTRICT_SELF, ruleset, 0) != 0 ? failure() : fine;
    close(ruleset);
    return reason;
}

#else
typedef int hp_landlock_is_for_linux;
#endif
