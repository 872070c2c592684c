/* check.h: one macro for the native tests. A failed check says what and where, and the program exits with 1. */
#ifndef HOTPLATE_TESTS_CHECK_H
#define HOTPLATE_TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                             \
    do {                                                                             \
        if (!(condition)) {                                                          \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);  \
            exit(1);                                                                 \
        }                                                                            \
    } while (0)

#endif
