/* fuzz.h: what the fuzz targets share: taking an input apart, and a check that ends the run. */
#ifndef HOTPLATE_FUZZ_H
#define HOTPLATE_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MUST(condition) ((condition) ? (void)0 : abort())

typedef struct fuzz_input {
    const uint8_t *at;
    size_t left;
} fuzz_input;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline uint8_t take_byte(fuzz_input *input) {
    if (input->left == 0) return 0;
    input->left--;
    return *input->at++;
}

/* The next part, behind two bytes with its length; the last one may be shorter. */
static inline fuzz_input take_part(fuzz_input *input) {
    size_t length = take_byte(input);
    length |= (size_t)take_byte(input) << 8;
    if (length > input->left) length = input->left;
    const fuzz_input part = {input->at, length};
    input->at += length;
    input->left -= length;
    return part;
}

/* Reads all of it, for the sanitizers to see. */
static inline void touch(const void *data, size_t size) {
    static volatile uint8_t sum;
    for (size_t i = 0; i < size; i++) sum = (uint8_t)(sum + ((const volatile uint8_t *)data)[i]);
}

#endif
