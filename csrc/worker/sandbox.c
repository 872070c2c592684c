/* sandbox.c: checks a policy, puts its parts in force in the right order, and says what came of it. */
#include "worker/sandbox_parts.h"

#include <errno.h>
#include <string.h>

static int makes_sense(const hp_policy *policy);
static void put_in_force(const hp_policy *policy, hp_enforced *enforced);
static int32_t judge(const hp_policy *policy, hp_enforced *enforced);

int32_t hp_policy_read(hp_policy *policy, const void *bytes, size_t size) {
    memset(policy, 0, sizeof *policy);
    if (size < offsetof(hp_policy, paths) || size > sizeof *policy) return EINVAL;
    memcpy(policy, bytes, size);
    if (!makes_sense(policy)) return EINVAL;
    size_t paths = (size_t)policy->readable_size + policy->writable_size;
    return size == offsetof(hp_policy, paths) + paths ? 0 : EINVAL;
}

int32_t hp_sandbox_apply(const hp_policy *policy, hp_enforced *enforced) {
    memset(enforced, 0, sizeof *enforced);
    enforced->size = sizeof *enforced;
    enforced->refused = -1;
    if (!makes_sense(policy)) return -1;
    put_in_force(policy, enforced);
    enforced->refused = judge(policy, enforced);
    return enforced->refused;
}

const char *hp_control_name(int32_t control) {
    static const char *const names[] = {
#define XX(NAME, name) name,
        HP_CONTROL_MAP(XX)
#undef XX
    };
    return control >= 0 && control < HP_CONTROLS ? names[control] : NULL;
}

static int are_paths(const char *paths, size_t size) {
    if (size != 0 && paths[size - 1] != '\0') return 0;
    for (size_t at = 0; at < size; at += strlen(paths + at) + 1)
        if (paths[at] != '/') return 0;
    return 1;
}

static int makes_sense(const hp_policy *policy) {
    if (policy->size != offsetof(hp_policy, paths)) return 0;
    for (int control = 0; control < HP_CONTROLS; control++)
        if (policy->level[control] > HP_REQUIRE) return 0;
    if (policy->readable_size > HP_POLICY_PATHS) return 0;
    if (policy->writable_size > HP_POLICY_PATHS - policy->readable_size) return 0;
    return are_paths(policy->paths, policy->readable_size) &&
           are_paths(policy->paths + policy->readable_size, policy->writable_size);
}

#if defined(__linux__)

/* Notes how one mechanism fared with one control. The first failure is the one that is told. */
static void note(const hp_policy *policy, hp_enforced *enforced, hp_control control, uint32_t by, hp_reason reason) {
    hp_enforcement *entry = &enforced->control[control];
    if (!hp_wanted(policy, control)) return;
    if (reason.why == HP_WHY_NONE) {
        entry->by |= by;
    } else if (entry->why == HP_WHY_NONE) {
        entry->why = reason.why;
        entry->detail = reason.detail;
    }
}

static void put_limits_in_force(const hp_policy *policy, hp_enforced *enforced) {
    static const hp_control limited[] = {HP_CONTROL_MEMORY, HP_CONTROL_CPU, HP_CONTROL_FILE_SIZE,
                                         HP_CONTROL_CORE_DUMPS};
    for (size_t i = 0; i < sizeof limited / sizeof *limited; i++)
        if (hp_wanted(policy, limited[i]))
            note(policy, enforced, limited[i], HP_BY_LIMIT, hp_limit_apply(policy, limited[i]));
}

/* Root keeps its capabilities where nothing but the unavoidable is asked for: there, a cell should be able to do what
 * it can do in the session's own process. */
static void put_privileges_in_force(const hp_policy *policy, hp_enforced *enforced) {
    static const hp_control closed[] = {HP_CONTROL_FILESYSTEM, HP_CONTROL_NETWORK, HP_CONTROL_PROCESSES,
                                        HP_CONTROL_MEMORY,     HP_CONTROL_CPU,     HP_CONTROL_FILE_SIZE};
    note(policy, enforced, HP_CONTROL_GROUP, HP_BY_PRIVILEGES, hp_privileges_freeze());
    int wanted = 0;
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) wanted |= hp_wanted(policy, closed[i]);
    if (!wanted) return;
    hp_reason dropped = hp_privileges_drop();
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        note(policy, enforced, closed[i], HP_BY_PRIVILEGES, dropped);
}

static void put_landlock_in_force(const hp_policy *policy, hp_enforced *enforced) {
    hp_reason reason;
    int32_t version = hp_landlock_version(&reason);
    if (version > 0) reason = hp_landlock_apply(policy, version, &enforced->paths_missing);
    enforced->landlock = reason.why == HP_WHY_NONE ? version : 0;
    note(policy, enforced, HP_CONTROL_FILESYSTEM, HP_BY_LANDLOCK, reason);
    note(policy, enforced, HP_CONTROL_PEERS, HP_BY_LANDLOCK, reason);
    /* Of the network, Landlock closes TCP only: seccomp closes all of it, so this is a second lock. */
    if (version >= 4) note(policy, enforced, HP_CONTROL_NETWORK, HP_BY_LANDLOCK, reason);
    /* Without scopes, seccomp lets signals through to this process alone, and would keep a cell from its children. */
    if (version > 0 && version < 6 && !hp_wanted(policy, HP_CONTROL_PROCESSES)) {
        hp_reason old = {HP_WHY_LANDLOCK, 6};
        note(policy, enforced, HP_CONTROL_PEERS, 0, old);
    }
}

static void put_seccomp_in_force(const hp_policy *policy, hp_enforced *enforced) {
    static const hp_control filtered[] = {HP_CONTROL_FILESYSTEM, HP_CONTROL_NETWORK, HP_CONTROL_PROCESSES,
                                          HP_CONTROL_PEERS,      HP_CONTROL_MEMORY,  HP_CONTROL_GROUP};
    hp_reason reason = hp_seccomp_apply(policy, enforced->landlock);
    for (size_t i = 0; i < sizeof filtered / sizeof *filtered; i++)
        note(policy, enforced, filtered[i], HP_BY_SECCOMP, reason);
}

/* seccomp comes last: it refuses calls that the others make. */
static void put_in_force(const hp_policy *policy, hp_enforced *enforced) {
    put_limits_in_force(policy, enforced);
    put_privileges_in_force(policy, enforced);
    put_landlock_in_force(policy, enforced);
    put_seccomp_in_force(policy, enforced);
}

#else

static void put_in_force(const hp_policy *policy, hp_enforced *enforced) {
    for (int control = 0; control < HP_CONTROLS; control++)
        if (hp_wanted(policy, (hp_control)control)) enforced->control[control].why = HP_WHY_MACHINE;
}

#endif

static uint32_t state_of(const hp_enforcement *entry) {
    if (entry->why == HP_WHY_NONE) return HP_ENFORCED;
    return entry->by != 0 ? HP_PARTLY : HP_MISSING;
}

static int32_t judge(const hp_policy *policy, hp_enforced *enforced) {
    int32_t refused = 0;
    for (int control = 0; control < HP_CONTROLS; control++) {
        if (!hp_wanted(policy, (hp_control)control)) continue;
        hp_enforcement *entry = &enforced->control[control];
        entry->state = state_of(entry);
        if (refused == 0 && policy->level[control] == HP_REQUIRE && entry->state != HP_ENFORCED) refused = control + 1;
    }
    return refused;
}
