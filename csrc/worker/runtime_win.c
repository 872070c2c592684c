/* runtime_win.c: the C runtimes of a worker on Windows. tcc and mingw link msvcrt.dll, Visual C++ and clang ucrtbase.dll;
 * one that is linked into a library itself can't be reached. */
#if defined(_WIN32)
#include "worker/crash_win.h"
#include "worker/runtime_win.h"

#include <fcntl.h>
#include <io.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

typedef void (*hp_any)(void);
typedef void(__cdecl *hp_on_signal)(int);

static struct {
    const wchar_t *name;
    HMODULE prepared;
} runtimes[] = {{L"msvcrt.dll", NULL}, {L"ucrtbase.dll", NULL}};

static hp_any find(HMODULE runtime, const char *name) { return (hp_any)(void *)GetProcAddress(runtime, name); }

/* The standard output as the runtime itself has it; NULL: not to be found. */
static FILE *stdout_of(HMODULE runtime) {
    FILE *(__cdecl *stream)(unsigned) = (FILE * (__cdecl *)(unsigned)) find(runtime, "__acrt_iob_func");
    FILE *(__cdecl *streams)(void) = (FILE * (__cdecl *)(void)) find(runtime, "__iob_func");
    if (stream != NULL) return stream(1);
    return streams == NULL ? NULL : (FILE *)(void *)((char *)streams() + 48); /* the size of its first one, stdin */
}

static void __cdecl on_abort(int number) {
    (void)number;
    hp_crash_abort();
}

static void prepare(HMODULE runtime) {
    int(__cdecl *set_mode)(int, int) = (int(__cdecl *)(int, int))find(runtime, "_setmode");
    int(__cdecl *buffer)(FILE *, char *, int, size_t) = (int(__cdecl *)(FILE *, char *, int, size_t))find(runtime, "setvbuf");
    hp_on_signal(__cdecl * handle)(int, hp_on_signal) = (hp_on_signal(__cdecl *)(int, hp_on_signal))find(runtime, "signal");
    int(__cdecl *report)(int) = (int(__cdecl *)(int))find(runtime, "_set_error_mode");
    FILE *stream = stdout_of(runtime);
    for (int number = 1; set_mode != NULL && number <= 2; number++) set_mode(number, _O_BINARY);
    if (buffer != NULL && stream != NULL) buffer(stream, NULL, _IONBF, 0); /* it knows no line buffering */
    if (handle != NULL) handle(SIGABRT, on_abort);
    if (report != NULL) report(_OUT_TO_STDERR); /* not to a window that waits for a click */
}

void hp_runtimes_prepare(void) {
    for (size_t i = 0; i < sizeof runtimes / sizeof *runtimes; i++) {
        const HMODULE runtime = GetModuleHandleW(runtimes[i].name);
        if (runtime == NULL || runtime == runtimes[i].prepared) continue;
        runtimes[i].prepared = runtime;
        prepare(runtime);
    }
}

#else
typedef int hp_no_windows_runtime_here;
#endif
