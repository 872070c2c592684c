/* library.c (POSIX): opens and closes a cell's shared library. */
#define _GNU_SOURCE
#include "core/core.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(char *why, size_t size, const char *text) { snprintf(why, size, "%s", text ? text : "unknown error"); }

hp_library *hp_library_open(const char *path, int32_t *code, char *why, size_t size) {
    *code = 0;
    hp_library *library = calloc(1, sizeof *library);
    char *kept_path = strdup(path);
    if (library == NULL || kept_path == NULL) {
        say(why, size, "out of memory");
        goto fail;
    }
    /* RTLD_LOCAL: with RTLD_GLOBAL a later version would call an earlier one's helpers. */
    library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library->handle == NULL) {
        say(why, size, dlerror());
        goto fail;
    }
    library->path = kept_path;
    return library;
fail:
    free(kept_path);
    free(library);
    return NULL;
}

const hp_cell *hp_library_cell(const hp_library *library) {
    return library->handle == NULL ? library->described : dlsym(library->handle, "hotplate_cell");
}

int64_t hp_library_leases(const hp_library *library) { return library->leases; }

/* dlclose returns 0 even where it unloads nothing, so ask for the library again without loading it. */
int32_t hp_library_close(hp_library *library) {
    dlclose(library->handle);
    void *still_there = dlopen(library->path, RTLD_LAZY | RTLD_NOLOAD);
    if (still_there != NULL) dlclose(still_there);
    free(library->path);
    free(library);
    return still_there == NULL;
}
