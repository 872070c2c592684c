/* library.c (Windows): opens and closes a cell's DLL. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "core/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The system's words for an error, after its number, in UTF-8. Some of them name the file as %1. */
static void say(char *why, size_t size, DWORD code, const wchar_t *path) {
    wchar_t text[512];
    DWORD_PTR inserts[8] = {(DWORD_PTR)(path ? path : L"")};
    for (size_t i = 1; i < sizeof inserts / sizeof *inserts; i++) inserts[i] = (DWORD_PTR)L"";
    const DWORD options = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_ARGUMENT_ARRAY | FORMAT_MESSAGE_MAX_WIDTH_MASK;
    DWORD length = FormatMessageW(options, NULL, code, 0, text, 512, (va_list *)(void *)inserts);
    while (length > 0 && text[length - 1] <= L' ') length--;
    char utf8[1024];
    int bytes = length ? WideCharToMultiByte(CP_UTF8, 0, text, (int)length, utf8, (int)sizeof utf8 - 1, NULL, NULL) : 0;
    utf8[bytes] = '\0';
    snprintf(why, size, "%s%serror %lu", utf8, bytes ? " " : "", (unsigned long)code);
}

/* The path as Windows takes it; NULL when it isn't UTF-8, with the reason as the last error, or there is no memory. */
static wchar_t *widened(const char *path) {
    const int length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, NULL, 0);
    wchar_t *wide = length > 0 ? calloc((size_t)length, sizeof *wide) : NULL;
    if (wide != NULL) MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, length);
    return wide;
}

hp_library *hp_library_open(const char *path, int32_t *code, char *why, size_t size) {
    hp_library *library = calloc(1, sizeof *library);
    wchar_t *wide = widened(path);
    DWORD error = wide == NULL ? GetLastError() : ERROR_NOT_ENOUGH_MEMORY;
    if (library != NULL && wide != NULL) {
        DWORD mode = 0;
        /* Without it a damaged DLL opens a message box and waits for a click. */
        SetThreadErrorMode(SEM_FAILCRITICALERRORS | SEM_NOOPENFILEERRORBOX, &mode);
        /* What the DLL needs is looked for beside it, then as usual; defined for absolute paths alone. */
        library->handle = LoadLibraryExW(wide, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
        error = GetLastError();
        SetThreadErrorMode(mode, NULL);
    }
    if (library == NULL || library->handle == NULL) {
        *code = (int32_t)error;
        say(why, size, error, wide);
        free(wide);
        free(library);
        return NULL;
    }
    library->path = (char *)wide;
    return library;
}

const hp_cell *hp_library_cell(const hp_library *library) {
    if (library->handle == NULL) return library->described;
    return (const hp_cell *)(void *)GetProcAddress((HMODULE)library->handle, "hotplate_cell");
}

int64_t hp_library_leases(const hp_library *library) { return library->leases; }

/* FreeLibrary counts references, so ask whether a module of this path is left; that finds it after a rename as well. */
int32_t hp_library_close(hp_library *library) {
    const wchar_t *path = (const wchar_t *)(void *)library->path;
    HMODULE still_there = NULL;
    FreeLibrary((HMODULE)library->handle);
    GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, path, &still_there);
    free(library->path);
    free(library);
    return still_there == NULL;
}
