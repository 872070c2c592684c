/* hotplate.h: the contract between a cell and whoever runs it.
 *
 * Part 1 is what a cell may call. Part 2 is the binary interface: what the generated entry of a cell and its
 * host (the Python process or a worker) share. Both are append-only: a field or a function is never moved,
 * changed or removed without a new HP_ABI_VERSION.
 *
 * A cell links to nothing of its host. Everything it calls is inline here and goes through the function table
 * in its hp_ctx. No std:: type, exception, CPython object or FILE* crosses this line.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_H
#define HOTPLATE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define HP_ABI_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

/* A status is one row here: the C name, its value, and what it means. Python builds its exceptions from the same rows. */
#define HP_STATUS_MAP(XX)                                                     \
    XX(OK, 0, "the cell returned its results")                                \
    XX(FAILED, 1, "the cell reported a failure")                              \
    XX(CANCELLED, 2, "the cell saw the request to stop and returned")         \
    XX(NO_MEMORY, 3, "the host could not allocate what the cell asked for")   \
    XX(NO_RESULT, 4, "the cell returned without filling a result")            \
    XX(BAD_RESULT, 5, "the cell filled a result with something unusable")

/* cffi: begin (build.py hands the text between these marks to cffi, so it stays plain declarations) */

typedef struct hp_ctx hp_ctx;
typedef struct hp_out hp_out;

/* DLPack's DLDataType. A record (a POD struct) is {HP_RECORD, 8, sizeof(struct)}. */
typedef struct hp_dtype {
    uint8_t code;
    uint8_t bits;
    uint16_t lanes;
} hp_dtype;

/* DLPack's DLDevice. Always {1, 0}: host memory. */
typedef struct hp_device {
    int32_t device_type;
    int32_t device_id;
} hp_device;

/* DLPack's DLTensor, field by field. Strides are in elements and always filled in. */
typedef struct hp_tensor {
    void *data;
    hp_device device;
    int32_t ndim;
    hp_dtype dtype;
    int64_t *shape;
    int64_t *strides;
    uint64_t byte_offset;
} hp_tensor;

/* One argument or result. A scalar lies in `bytes` in its own C representation; text is a NUL-terminated UTF-8
 * string; an array is a tensor; a record is a tensor of rank 0. */
typedef struct hp_value {
    int32_t kind; /* HP_SCALAR, HP_TEXT, HP_TENSOR; HP_NONE in a result that was not filled */
    int32_t reserved;
    union {
        uint8_t bytes[16];
        const char *text;
        hp_tensor tensor;
    } as;
} hp_value;

/* Runs the cell once. Returns a status; HP_OK is 0. */
typedef int32_t hp_entry(hp_ctx *ctx, const hp_value *in, hp_value *out);

/* The layout of a POD struct, as its compiler laid it out. */
typedef struct hp_record hp_record;
typedef struct hp_field {
    const char *name;
    size_t offset;
    hp_dtype dtype;
    const hp_record *record; /* of a nested struct, else NULL */
    int32_t ndim;            /* > 0: the field is a C array of this shape */
    int64_t shape[4];
} hp_field;
struct hp_record {
    const char *name;
    size_t size;
    int32_t nfields;
    const hp_field *fields;
};

typedef struct hp_port {
    const char *name;
    int32_t kind; /* HP_PORT_... */
    hp_dtype dtype;
    const hp_record *record;
    int32_t ndim;               /* -1: any rank, known only when the cell has run */
    const char *const *extents; /* one expression per axis: "n", "2 * n + 1", "3" */
} hp_port;

/* A name used in an extent that is a constant of the notebook (a macro, an enumerator), with its value. */
typedef struct hp_symbol {
    const char *name;
    int64_t value;
} hp_symbol;

/* What a cell's library exports, as `hotplate_cell`, and all that it exports. */
typedef struct hp_cell {
    uint32_t struct_size; /* sizeof(hp_cell) as the library was built */
    uint32_t abi_version;
    const char *name;
    const char *signature; /* the cell's own declaration, for people */
    const char *unit_key;  /* hash of the translation unit and of how it was compiled */
    const char *compiler;  /* family and version, for provenance */
    hp_entry *entry;
    int32_t nin;
    int32_t nout;
    int32_t nsymbols;
    int32_t takes_context; /* nonzero: the cell has a hp_ctx parameter, so it can poll hp_check */
    const hp_port *in;     /* parameters that the caller binds, in order */
    const hp_port *out;    /* the return value, if any, then the out parameters in order */
    const hp_symbol *symbols;
} hp_cell;

/* A cell's state as it was in another layout; `data` is NULL when there was none. Valid until the call ends. */
typedef struct hp_before {
    const void *data;
    size_t bytes;
    uint32_t version;
} hp_before;

/* The host's side of a call. A cell never reads the fields itself. */
struct hp_ctx {
    uint32_t struct_size; /* sizeof(hp_ctx) of the host: a field past it does not exist there */
    uint32_t abi_version;
    const volatile int32_t *abort_word; /* nonzero: stop */
    volatile int32_t observed;          /* the cell has seen the abort word set */
    int32_t failed;                     /* hp_fail was called */
    void *(*alloc)(hp_ctx *ctx, size_t bytes);
    void (*progress)(hp_ctx *ctx, int64_t done, int64_t total);
    void (*vfail)(hp_ctx *ctx, const char *format, va_list arguments);
    void *(*state)(hp_ctx *ctx, size_t bytes, uint32_t version);
    void *(*out_array)(hp_ctx *ctx, hp_value *value, hp_dtype dtype, int32_t ndim, const int64_t *shape);
    /* Added to version 1 later, so a cell asks HP_OFFERS before it uses what follows. */
    void *(*state_before)(hp_ctx *ctx, size_t bytes, uint32_t version, hp_before *before);
};

/* A result whose size the cell knows only after computing. */
struct hp_out {
    hp_ctx *ctx;
    hp_value *value;
};

/* cffi: end */

enum { HP_NONE = 0, HP_SCALAR = 1, HP_TEXT = 2, HP_TENSOR = 3 };
enum { HP_INT = 0, HP_UINT = 1, HP_FLOAT = 2, HP_RECORD = 3, HP_COMPLEX = 5, HP_BOOL = 6, HP_NO_DTYPE = 255 };
enum {
    HP_PORT_SCALAR = 0,
    HP_PORT_TEXT = 1,
    HP_PORT_ARRAY = 2,   /* in: C-contiguous. out: allocated by the host before the call */
    HP_PORT_STRIDED = 3, /* in, C++ views: any strides */
    HP_PORT_DYNAMIC = 4  /* out: allocated during the call through out_array */
};
enum {
#define HP_STATUS_ENUM(NAME, value, meaning) HP_##NAME = value,
    HP_STATUS_MAP(HP_STATUS_ENUM)
#undef HP_STATUS_ENUM
};

/* ---- Part 1: what a cell may call ---------------------------------------------------------------------- */

#if (defined(__GNUC__) || defined(__clang__)) && !defined(__TINYC__)
#if defined(__MINGW32__) && !defined(__clang__)
#define HP_PRINTF_STYLE gnu_printf /* of the host; "printf" would mean that of Windows' old C library */
#else
#define HP_PRINTF_STYLE printf
#endif
#define HP_PRINTF(format_at, first_at) __attribute__((format(HP_PRINTF_STYLE, format_at, first_at), unused))
#define HP_UNUSED __attribute__((unused))
#else
#define HP_PRINTF(format_at, first_at)
#define HP_UNUSED
#endif

/* Whether the host knows this member of hp_ctx, which only grows at its end. */
#define HP_OFFERS(ctx, member) ((ctx)->struct_size >= offsetof(hp_ctx, member) + sizeof((ctx)->member))

/* Nonzero when the run is being cancelled: return as soon as you can, your results are dropped.
 * Costs one load, so it can stand in an inner loop. */
HP_UNUSED static inline int hp_check(hp_ctx *ctx) {
    if (*ctx->abort_word == 0) return 0;
    ctx->observed = 1;
    return 1;
}

/* Tells the runner how far the cell is, for people to see. `total` <= 0 means unknown. Cheap, never blocks. */
HP_UNUSED static inline void hp_progress(hp_ctx *ctx, int64_t done, int64_t total) { ctx->progress(ctx, done, total); }

/* Ends the cell with an error: call it, then return. The message is copied. The first call counts. */
HP_PRINTF(2, 3) static inline void hp_fail(hp_ctx *ctx, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    ctx->vfail(ctx, format, arguments);
    va_end(arguments);
}

/* Scratch memory, aligned to 64 bytes, freed by the host after the call. NULL when there is none left: the call
 * then ends as HP_NO_MEMORY if the cell just returns. Never free it. */
HP_UNUSED static inline void *hp_alloc(hp_ctx *ctx, size_t bytes) { return ctx->alloc(ctx, bytes); }

/* A block of `bytes` that belongs to this cell and survives calls and reloads; zeroed when it is new, or was left with
 * another size or version. Raise `version` when the layout changes. What was there before is gone only when the call
 * ends well. NULL when there is no memory, or another call is using the block: one at a time may. */
HP_UNUSED static inline void *hp_state(hp_ctx *ctx, size_t bytes, uint32_t version) {
    return ctx->state(ctx, bytes, version);
}

/* Carries the state over from another layout: fills `now`, which is zeroed, from `before`, which can't be written and
 * is gone after the call. Returns 0 when it did; anything else: it can't, and the block starts from zeros. */
typedef int hp_migrate(void *now, size_t bytes, const void *before, size_t bytes_before, uint32_t version_before);

#ifdef __cplusplus
extern "C++" { /* cl /EHsc takes it that a function of C linkage never throws; this one lets migrate's exceptions pass */
#endif
/* As hp_state, but a block left with another size or version is handed to `migrate` (NULL: as hp_state), which runs
 * now and is not kept. An exception that it throws is the cell's own. A host without it starts from zeros. */
HP_UNUSED static inline void *hp_state_migrate(hp_ctx *ctx, size_t bytes, uint32_t version, hp_migrate *migrate) {
    hp_before before;
    void *now;
    if (migrate == NULL || !HP_OFFERS(ctx, state_before)) return ctx->state(ctx, bytes, version);
    now = ctx->state_before(ctx, bytes, version, &before);
    if (now != NULL && before.data != NULL && migrate(now, bytes, before.data, before.bytes, before.version) != 0)
        for (size_t i = 0; i < bytes; i++) ((unsigned char *)now)[i] = 0;
    return now;
}
#ifdef __cplusplus
}
#endif

/* HP_ARRAY(out, T, extent...): allocates the result behind an `hp_out *` parameter as a C-contiguous array of T and
 * returns a `T *` to its first element, or NULL when there is no memory. Extents are integers, one per axis, up to 8.
 * Calling it again replaces the earlier array. */
#ifdef __cplusplus
#define HP_ARRAY(out, T, ...) (::hp::abi::out_array<T>((out), {__VA_ARGS__}))
#else
#define HP_ARRAY(out, T, ...)                                                                                       \
    ((T *)(out)->ctx->out_array((out)->ctx, (out)->value, HP_DTYPE(T),                                              \
                                (int32_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]){__VA_ARGS__}))
#endif

/* ---- Part 2: what generated entries use ---------------------------------------------------------------- */

#ifndef __cplusplus
/* The dtype of T. Complex types are matched through their address: tcc and cl have none. */
#if defined(__TINYC__) || (defined(_MSC_VER) && !defined(__clang__))
#define HP_COMPLEX_CASES
#else
#define HP_COMPLEX_CASES , float _Complex *: HP_COMPLEX, double _Complex *: HP_COMPLEX
#endif
/* `char` is its own type in C; NumPy knows only signed and unsigned bytes. */
#define HP_CODE(T)                                                                                                  \
    _Generic((T *)0, _Bool *: HP_BOOL, char *: ((char)-1 < 0 ? HP_INT : HP_UINT), signed char *: HP_INT,            \
             unsigned char *: HP_UINT, short *: HP_INT, unsigned short *: HP_UINT, int *: HP_INT,                   \
             unsigned int *: HP_UINT, long *: HP_INT, unsigned long *: HP_UINT, long long *: HP_INT,                \
             unsigned long long *: HP_UINT, float *: HP_FLOAT, double *: HP_FLOAT,                                  \
             long double *: HP_NO_DTYPE HP_COMPLEX_CASES, default: HP_RECORD)
#define HP_DTYPE_INIT(T)                                                                                            \
    {(uint8_t)HP_CODE(T), (uint8_t)(HP_CODE(T) == HP_RECORD ? 8 : 8 * sizeof(T)),                                   \
     (uint16_t)((HP_CODE(T) == HP_RECORD ? sizeof(T) : 1) * HP_AT_MOST_65535(sizeof(T)))}
/* 1, or no code at all: a struct that NumPy gets has at most 65535 bytes. */
#define HP_AT_MOST_65535(size) sizeof(char[(size) <= UINT16_MAX ? 1 : -1])
#define HP_DTYPE(T) ((hp_dtype)HP_DTYPE_INIT(T))

/* Where a by-value argument or result of type T lies: a record in its tensor, a scalar in the value itself. */
#define HP_PLACE(T, value) (HP_CODE(T) == HP_RECORD ? (value).as.tensor.data : (void *)(uintptr_t)(value).as.bytes)

/* Not memcpy: <string.h> would declare `index` and others that a cell may be called. */
HP_UNUSED static inline void hp_copy(void *to, const void *from, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) ((unsigned char *)to)[i] = ((const unsigned char *)from)[i];
}
#endif

#if defined(_WIN32)
#define HP_EXPORT __declspec(dllexport)
#elif defined(__GNUC__) || defined(__TINYC__)
#define HP_EXPORT __attribute__((visibility("default")))
#else
#define HP_EXPORT
#endif

#ifdef __cplusplus
}
#endif

#endif
