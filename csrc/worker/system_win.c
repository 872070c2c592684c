/* system_win.c: what a worker wants of Windows. */
#if defined(_WIN32)
#include "win/parcel.h"
#include "worker/runtime_win.h"
#include "worker/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

/* Where the controller puts the numbers of its handles on the command line. */
enum { PIPE_WORD = 1, PAGE_WORD = 2, WORDS };
enum { MOST_CHILDREN = 1024 };

static HANDLE handle_of(int64_t number) { return (HANDLE)(intptr_t)number; }

int64_t hp_worker_process(void) { return GetCurrentProcessId(); }

int32_t hp_worker_attach(hp_worker *worker) {
    if (__argc != WORDS) return -1;
    const HANDLE pipe = handle_of(strtoll(__argv[PIPE_WORD], NULL, 10));
    const HANDLE page = handle_of(strtoll(__argv[PAGE_WORD], NULL, 10));
    worker->page = MapViewOfFile(page, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, sizeof(hp_page));
    if (worker->page == NULL || !SetHandleInformation(pipe, HANDLE_FLAG_INHERIT, 0)) return -1;
    CloseHandle(page);
    worker->socket = (int32_t)(intptr_t)pipe;
    worker->process = hp_worker_process();
    hp_runtimes_prepare();
    return 0;
}

void hp_worker_loaded(void) { hp_runtimes_prepare(); }

void hp_worker_check_connection(const hp_worker *worker) {
    DWORD flags;
    if (GetNamedPipeInfo(handle_of(worker->socket), &flags, NULL, NULL, NULL)) return;
    fputs("the cell closed the handle that its worker is called through\n", stderr);
    abort();
}

/* ---- messages ---- */

size_t hp_worker_receive(hp_worker *worker, uint8_t *message, int32_t *descriptor) {
    static hp_parcel parcel;
    DWORD size = 0;
    *descriptor = -1;
    if (!ReadFile(handle_of(worker->socket), &parcel, sizeof parcel, &size, NULL) || size < sizeof parcel.handle) return 0;
    *descriptor = (int32_t)parcel.handle;
    memcpy(message, parcel.message, size - sizeof parcel.handle);
    return size - sizeof parcel.handle;
}

void hp_worker_send(hp_worker *worker, int32_t kind, const uint8_t *payload, size_t size) {
    static uint8_t message[HP_MESSAGE_MAX];
    const hp_message_head head = {HP_WIRE_MAGIC, (uint32_t)kind, size};
    DWORD ignored;
    memcpy(message, &head, sizeof head);
    if (size > 0) memcpy(message + sizeof head, payload, size);
    /* When it fails, the controller is gone, and the next receive tells. */
    WriteFile(handle_of(worker->socket), message, (DWORD)(sizeof head + size), &ignored, NULL);
}

void *hp_worker_map_memory(int32_t descriptor, uint64_t size, int32_t writable) {
    const HANDLE section = handle_of(descriptor);
    void *base = MapViewOfFile(section, FILE_MAP_READ | (writable ? FILE_MAP_WRITE : 0), 0, 0, (SIZE_T)size);
    CloseHandle(section);
    return base;
}

/* ---- the controller's death ---- */

/* The job that the controller put this process into ends with it. */
int32_t hp_worker_watch_controller(hp_worker *worker) { return (void)worker, 0; }

/* ---- processes that a cell left behind ---- */

typedef struct hp_job_list {
    JOBOBJECT_BASIC_PROCESS_ID_LIST head;
    ULONG_PTR more[MOST_CHILDREN];
} hp_job_list;

/* Those of the job that this process is in. Wine does not tell; there, children end with the worker. */
static int list_job(hp_job_list *list) {
    list->head.NumberOfProcessIdsInList = 0;
    return QueryInformationJobObject(NULL, JobObjectBasicProcessIdList, list, sizeof *list, NULL) ||
           GetLastError() == ERROR_MORE_DATA;
}

static int is_listed(const hp_job_list *list, ULONG_PTR process) {
    for (DWORD i = 0; i < list->head.NumberOfProcessIdsInList; i++)
        if (list->head.ProcessIdList[i] == process) return 1;
    return 0;
}

/* Its number may meanwhile be another process's, but not after it was opened: so look again then. */
static void end_child(ULONG_PTR number) {
    static hp_job_list now;
    const HANDLE child = OpenProcess(PROCESS_TERMINATE, FALSE, (DWORD)number);
    if (child == NULL) return;
    if (list_job(&now) && is_listed(&now, number)) TerminateProcess(child, 1);
    CloseHandle(child);
}

void hp_worker_end_children(void) {
    static hp_job_list found;
    if (!list_job(&found)) return;
    for (DWORD i = 0; i < found.head.NumberOfProcessIdsInList; i++)
        if (found.head.ProcessIdList[i] != GetCurrentProcessId()) end_child(found.head.ProcessIdList[i]);
}

#else
typedef int hp_no_windows_here;
#endif
