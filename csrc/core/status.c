/* status.c: the rows of HP_STATUS_MAP, readable from outside. */
#include "core/core.h"

int32_t hp_abi_version(void) { return HP_ABI_VERSION; }

const char *hp_status_name(int32_t status) {
    switch (status) {
#define HP_STATUS_NAME(NAME, value, meaning) \
    case value:                              \
        return #NAME;
        HP_STATUS_MAP(HP_STATUS_NAME)
#undef HP_STATUS_NAME
    default:
        return NULL;
    }
}

const char *hp_status_message(int32_t status) {
    switch (status) {
#define HP_STATUS_MEANING(NAME, value, meaning) \
    case value:                                 \
        return meaning;
        HP_STATUS_MAP(HP_STATUS_MEANING)
#undef HP_STATUS_MEANING
    default:
        return NULL;
    }
}
