/* spawn.c: starts a worker's program: with the handles it shall have and no others, in its job from the first moment. */
#include "core/say.h"
#include "win/spawn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void close_all(HANDLE *handles, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (handles[i] != NULL && handles[i] != INVALID_HANDLE_VALUE) CloseHandle(handles[i]);
}

/* What the worker inherits, and nothing else: its standard streams, its end of the pipe, the page. */
enum { THEIR_IN, THEIR_OUT, THEIR_ERR, THEIR_PIPE, THEIR_PAGE, INHERITED };

/* One end for each side. The name is nobody's business: the only instance is taken before anybody can guess it. */
static int open_pipe(HANDLE *ours, HANDLE *theirs) {
    static volatile LONG64 count;
    wchar_t name[96];
    LARGE_INTEGER now;
    SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};
    DWORD mode = PIPE_READMODE_MESSAGE;
    QueryPerformanceCounter(&now);
    swprintf(name, sizeof name / sizeof *name, L"\\\\.\\pipe\\hotplate-%lu-%lld-%llx", (unsigned long)GetCurrentProcessId(),
             (long long)InterlockedIncrement64(&count), (unsigned long long)now.QuadPart);
    *ours = CreateNamedPipeW(name, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                             PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_REJECT_REMOTE_CLIENTS, 1, 2 * HP_MESSAGE_MAX,
                             2 * HP_MESSAGE_MAX, 0, NULL);
    if (*ours == INVALID_HANDLE_VALUE) return -1;
    *theirs = CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 0, &inherited, OPEN_EXISTING, 0, NULL);
    return *theirs != INVALID_HANDLE_VALUE && SetNamedPipeHandleState(*theirs, &mode, NULL, NULL) ? 0 : -1;
}

static HANDLE inheritable(int32_t number) {
    HANDLE copy = NULL;
    const HANDLE self = GetCurrentProcess();
    return DuplicateHandle(self, (HANDLE)(intptr_t)number, self, &copy, 0, TRUE, DUPLICATE_SAME_ACCESS) ? copy : NULL;
}

static int gather(const hp_start *start, HANDLE *ours, HANDLE inherited[INHERITED]) {
    SECURITY_ATTRIBUTES inherit = {sizeof inherit, NULL, TRUE};
    if (open_pipe(ours, &inherited[THEIR_PIPE]) != 0) return -1;
    inherited[THEIR_IN] = CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherit, OPEN_EXISTING, 0, NULL);
    inherited[THEIR_OUT] = inheritable(start->out);
    inherited[THEIR_ERR] = inheritable(start->err);
    inherited[THEIR_PAGE] = inheritable(start->page);
    for (int i = 0; i < INHERITED; i++)
        if (inherited[i] == NULL || inherited[i] == INVALID_HANDLE_VALUE) return -1;
    return 0;
}

/* UTF-8, with `size` bytes and their zero, as Windows has it; NULL when there is no memory or it is no UTF-8. */
static wchar_t *widened(const char *text, size_t size) {
    const int length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, (int)size, NULL, 0);
    wchar_t *wide = length > 0 ? calloc((size_t)length + 1, sizeof *wide) : NULL;
    if (wide != NULL) MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, (int)size, wide, length);
    return wide;
}

/* The variables one after the other, each with its zero, and one more zero. */
static wchar_t *new_block(const char *const *environment) {
    size_t size = 1;
    for (size_t i = 0; environment[i] != NULL; i++) size += strlen(environment[i]) + 1;
    char *joined = malloc(size), *at = joined;
    if (joined == NULL) return NULL;
    for (size_t i = 0; environment[i] != NULL; i++) {
        const size_t length = strlen(environment[i]) + 1;
        memcpy(at, environment[i], length);
        at += length;
    }
    *at = '\0';
    wchar_t *block = widened(joined, size);
    free(joined);
    return block;
}

/* The program's name and the numbers of its handles. */
static wchar_t *new_command(const wchar_t *program, const HANDLE inherited[INHERITED]) {
    const size_t room = wcslen(program) + 64;
    wchar_t *command = calloc(room, sizeof *command);
    if (command != NULL)
        swprintf(command, room, L"\"%ls\" %lld %lld", program, (long long)(intptr_t)inherited[THEIR_PIPE],
                 (long long)(intptr_t)inherited[THEIR_PAGE]);
    return command;
}

/* Two attributes: the handles that are inherited, and the job that the process is in from its first moment. */
static LPPROC_THREAD_ATTRIBUTE_LIST new_attributes(HANDLE *inherited, HANDLE *job) {
    SIZE_T size = 0;
    InitializeProcThreadAttributeList(NULL, 2, 0, &size);
    LPPROC_THREAD_ATTRIBUTE_LIST list = malloc(size);
    if (list == NULL || !InitializeProcThreadAttributeList(list, 2, 0, &size)) {
        free(list);
        return NULL;
    }
    if (UpdateProcThreadAttribute(list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, inherited, INHERITED * sizeof *inherited, NULL, NULL) &&
        UpdateProcThreadAttribute(list, 0, PROC_THREAD_ATTRIBUTE_JOB_LIST, job, sizeof *job, NULL, NULL))
        return list;
    DeleteProcThreadAttributeList(list);
    free(list);
    return NULL;
}

static BOOL create(const hp_start *start, HANDLE inherited[INHERITED], HANDLE *job, PROCESS_INFORMATION *made) {
    STARTUPINFOEXW info;
    wchar_t *program = widened(start->argv[0], strlen(start->argv[0]) + 1), *block = new_block(start->environment);
    wchar_t *folder = start->folder == NULL ? NULL : widened(start->folder, strlen(start->folder) + 1);
    wchar_t *command = program == NULL ? NULL : new_command(program, inherited);
    memset(&info, 0, sizeof info);
    info.StartupInfo.cb = sizeof info;
    info.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    info.StartupInfo.hStdInput = inherited[THEIR_IN];
    info.StartupInfo.hStdOutput = inherited[THEIR_OUT];
    info.StartupInfo.hStdError = inherited[THEIR_ERR];
    info.lpAttributeList = new_attributes(inherited, job);
    /* Without a console: its Ctrl-C is the controller's affair, and a hidden one of its own would be one more process. */
    const DWORD flags = EXTENDED_STARTUPINFO_PRESENT | CREATE_UNICODE_ENVIRONMENT | DETACHED_PROCESS;
    BOOL created = FALSE;
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    if (command != NULL && block != NULL && info.lpAttributeList != NULL && (folder != NULL) == (start->folder != NULL))
        created = CreateProcessW(program, command, NULL, NULL, TRUE, flags, block, folder, &info.StartupInfo, made);
    const DWORD error = GetLastError();
    if (info.lpAttributeList != NULL) DeleteProcThreadAttributeList(info.lpAttributeList);
    free(info.lpAttributeList);
    free(command);
    free(folder);
    free(block);
    free(program);
    SetLastError(error);
    return created;
}

int hp_spawn(const hp_start *start, HANDLE job, HANDLE *pipe, PROCESS_INFORMATION *made) {
    HANDLE inherited[INHERITED] = {NULL};
    const int started = gather(start, pipe, inherited) == 0 && create(start, inherited, &job, made);
    const DWORD error = GetLastError();
    close_all(inherited, INHERITED);
    SetLastError(error);
    return started ? 0 : -1;
}
