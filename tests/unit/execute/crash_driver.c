/* Opens a cell's library as a worker does and calls the cell with the integers that it is given: LIBRARY RECORD N...
 * RECORD is a file that the crash record is mapped from. */
#define _GNU_SOURCE
#include "hotplate.h"
#include "worker/crash.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int count, char **words) {
    const struct rlimit no_core = {0, 0}, stack = {1 << 20, 1 << 20};
    hp_value arguments[4] = {0}, results[4] = {0};
    const int file = open(words[2], O_RDWR);
    hp_crash *record = mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    setrlimit(RLIMIT_CORE, &no_core);
    setrlimit(RLIMIT_STACK, &stack);
    if (record == MAP_FAILED || hp_crash_arm(record) != 0) return 100;
    void *library = dlopen(words[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return fputs(dlerror(), stderr), 101;
    const hp_cell *cell = dlsym(library, "hotplate_cell");
    if (hp_crash_module_at(record, 3, cell) != 0) return 102;
    for (int i = 3; i < count && i < 7; i++) {
        const int64_t value = strtoll(words[i], NULL, 0);
        memcpy(arguments[i - 3].as.bytes, &value, sizeof value);
    }
    cell->entry(NULL, arguments, results);
    return 0;
}
