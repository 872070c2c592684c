/* sandbox_parts.h: what the files of the sandbox share. */
#ifndef HOTPLATE_WORKER_SANDBOX_PARTS_H
#define HOTPLATE_WORKER_SANDBOX_PARTS_H

#include "worker/sandbox.h"

/* Why something could not be put in force; {HP_WHY_NONE, 0} when it was. */
typedef struct hp_reason {
    uint32_t why;
    int32_t detail;
} hp_reason;

static inline int hp_wanted(const hp_policy *policy, hp_control control) {
    return control == HP_CONTROL_GROUP || policy->level[control] != HP_ALLOW;
}

/* limits.c. A control that has no limit is answered with HP_WHY_NONE. */
hp_reason hp_limit_apply(const hp_policy *policy, hp_control control);
/* From now on no program that is started has more rights than its starter. */
hp_reason hp_privileges_freeze(void);
/* Gives up all capabilities: with them, root would lift its own limits. */
hp_reason hp_privileges_drop(void);

/* landlock.c: the version of the interface; 0 and the reason when there is none. */
int32_t hp_landlock_version(hp_reason *reason);
/* Puts files, network and peers in force as far as this version goes. */
hp_reason hp_landlock_apply(const hp_policy *policy, int32_t version, uint32_t *paths_missing);

/* seccomp.c. `landlock` is the version that is in force (0: none): what it leaves open is closed here. */
hp_reason hp_seccomp_apply(const hp_policy *policy, int32_t landlock);

#endif
