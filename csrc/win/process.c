/* process.c: a worker process on Windows: a job that ends with its controller, a pipe of messages, a process handle, an
 * event. */
#include "remote/process.h"
#include "win/parcel.h"
#include "win/spawn.h"
#include "win/wake.h"

#include <stdlib.h>
#include <string.h>

#ifndef CREATE_WAITABLE_TIMER_HIGH_RESOLUTION
#define CREATE_WAITABLE_TIMER_HIGH_RESOLUTION 2 /* since Windows 10 1803 */
#endif

struct hp_process {
    HANDLE job;
    HANDLE process;
    HANDLE pipe;
    HANDLE wake;
    HANDLE timer; /* exact to half a millisecond, where waits themselves take steps of 16 */
    DWORD id;
    int32_t reading;
    OVERLAPPED read;
    OVERLAPPED write;
    hp_process *next; /* in the list of those that are waited for */
    uint8_t message[HP_MESSAGE_MAX];
    hp_parcel parcel;
};

/* The exit code of what hotplate ends. As an error of the system it reads "the process is being ended". */
#define ENDED_BY_US ((UINT)0xC000010A)

static HANDLE handle_of(int32_t number) { return (HANDLE)(intptr_t)number; }

/* ---- starting ---- */

/* A job whose processes end with its last handle: the controller's, which dies with it. */
static HANDLE new_job(void) {
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits;
    const HANDLE job = CreateJobObjectW(NULL, NULL);
    memset(&limits, 0, sizeof limits);
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
    if (job != NULL && SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits)) return job;
    if (job != NULL) CloseHandle(job);
    return NULL;
}

/* Newer systems have timers that are exact; older ones, and Wine, refuse the flag or ignore it. */
static HANDLE new_timer(void) {
    const HANDLE exact = CreateWaitableTimerExW(NULL, NULL, CREATE_WAITABLE_TIMER_HIGH_RESOLUTION, TIMER_ALL_ACCESS);
    return exact != NULL ? exact : CreateWaitableTimerExW(NULL, NULL, 0, TIMER_ALL_ACCESS);
}

static int prepare(hp_process *process) {
    process->job = new_job();
    process->wake = CreateEventW(NULL, FALSE, FALSE, NULL);
    process->timer = new_timer();
    process->read.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    process->write.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    return process->job && process->wake && process->timer && process->read.hEvent && process->write.hEvent ? 0 : -1;
}

hp_process *hp_process_start(const hp_start *start, int32_t *code) {
    PROCESS_INFORMATION made;
    hp_process *process = calloc(1, sizeof *process);
    *code = ERROR_NOT_ENOUGH_MEMORY;
    if (process == NULL) return NULL;
    if (prepare(process) != 0 || hp_spawn(start, process->job, &process->pipe, &made) != 0) {
        *code = (int32_t)GetLastError();
        hp_process_free(process);
        return NULL;
    }
    *code = 0;
    CloseHandle(made.hThread);
    process->process = made.hProcess;
    process->id = made.dwProcessId;
    return process;
}

void hp_process_free(hp_process *process) {
    DWORD ignored;
    if (process == NULL) return;
    if (process->reading && CancelIoEx(process->pipe, &process->read)) /* else the system may still write to it */
        GetOverlappedResult(process->pipe, &process->read, &ignored, TRUE);
    const HANDLE held[] = {process->process,     process->pipe,         process->wake, process->timer,
                           process->read.hEvent, process->write.hEvent, process->job};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        if (held[i] != NULL && held[i] != INVALID_HANDLE_VALUE) CloseHandle(held[i]);
    free(process);
}

int64_t hp_process_id(const hp_process *process) { return process->id; }

int32_t hp_process_descriptor(const hp_process *process) { return (int32_t)(intptr_t)process->process; }

/* ---- those that are waited for ---- */

static SRWLOCK waiting_lock = SRWLOCK_INIT;
static hp_process *waiting;

static void enter_list(hp_process *process) {
    AcquireSRWLockExclusive(&waiting_lock);
    process->next = waiting;
    waiting = process;
    ReleaseSRWLockExclusive(&waiting_lock);
}

static void leave_list(hp_process *process) {
    AcquireSRWLockExclusive(&waiting_lock);
    hp_process **at = &waiting;
    while (*at != process) at = &(*at)->next;
    *at = process->next;
    ReleaseSRWLockExclusive(&waiting_lock);
}

void hp_wake_waiting(void) {
    AcquireSRWLockExclusive(&waiting_lock);
    for (const hp_process *process = waiting; process != NULL; process = process->next) SetEvent(process->wake);
    ReleaseSRWLockExclusive(&waiting_lock);
}

/* ---- talking ---- */

/* Milliseconds that a worker may take to make room in the pipe. One that has so much unread does not listen, and its
 * controller must not hang with it. */
enum { LONGEST_WRITE = 100 };

int32_t hp_process_send(hp_process *process, const void *message, size_t size, int32_t descriptor) {
    hp_parcel *parcel = &process->parcel;
    HANDLE theirs = NULL;
    DWORD written = 0;
    if (size > sizeof parcel->message) return -1;
    if (descriptor >= 0 && !DuplicateHandle(GetCurrentProcess(), handle_of(descriptor), process->process, &theirs, 0, FALSE,
                                            DUPLICATE_SAME_ACCESS))
        return -1;
    parcel->handle = descriptor >= 0 ? (int64_t)(intptr_t)theirs : -1;
    memcpy(parcel->message, message, size);
    const DWORD whole = (DWORD)(offsetof(hp_parcel, message) + size);
    if (!WriteFile(process->pipe, parcel, whole, NULL, &process->write) && GetLastError() != ERROR_IO_PENDING) return -1;
    const HANDLE watched[] = {process->write.hEvent, process->process};
    const DWORD first = WaitForMultipleObjects(2, watched, FALSE, LONGEST_WRITE);
    if (first != WAIT_OBJECT_0) CancelIoEx(process->pipe, &process->write);
    return GetOverlappedResult(process->pipe, &process->write, &written, TRUE) && written == whole ? 0 : -1;
}

/* Begins to read unless that is under way. 0, or -1 when nothing will come any more. */
static int begin_reading(hp_process *process) {
    if (process->reading) return 0;
    const BOOL done = ReadFile(process->pipe, process->message, sizeof process->message, NULL, &process->read);
    process->reading = done || GetLastError() == ERROR_IO_PENDING;
    return process->reading ? 0 : -1;
}

int64_t hp_process_receive(hp_process *process, void *message, size_t capacity) {
    DWORD size = 0;
    if (begin_reading(process) != 0) return -1;
    if (!GetOverlappedResult(process->pipe, &process->read, &size, FALSE)) {
        const DWORD error = GetLastError();
        if (error == ERROR_IO_INCOMPLETE) return 0;
        process->reading = 0;
        return error == ERROR_OPERATION_ABORTED ? 0 : -1; /* the thread that began to read is no more: begin again */
    }
    process->reading = 0;
    if (size == 0) return -1;
    const size_t taken = size < capacity ? size : capacity;
    memcpy(message, process->message, taken);
    return (int64_t)taken;
}

/* Sets the timer, if there is a limit. Returns how many of the handles to wait for, whose last is the timer. */
static DWORD set_timer(const hp_process *process, int64_t nanoseconds, DWORD count) {
    const LARGE_INTEGER due = {.QuadPart = -(nanoseconds / 100 + 1)};
    if (nanoseconds < 0) return count - 1;
    SetWaitableTimer(process->timer, &due, 0, NULL, NULL, FALSE);
    return count;
}

int32_t hp_process_wait(hp_process *process, int64_t nanoseconds) {
    if (begin_reading(process) != 0) return HP_SAW_DEATH;
    const HANDLE watched[] = {process->read.hEvent, process->process, process->wake, process->timer};
    const DWORD count = set_timer(process, nanoseconds, 4);
    enter_list(process);
    const DWORD first = WaitForMultipleObjects(count, watched, FALSE, INFINITE);
    leave_list(process);
    if (first == WAIT_OBJECT_0 + 3) return HP_SAW_TIMEOUT;
    if (first == WAIT_OBJECT_0 + 2) return HP_SAW_WAKE;
    if (first == WAIT_OBJECT_0 + 1) return HP_SAW_DEATH;
    DWORD ignored;
    if (GetOverlappedResult(process->pipe, &process->read, &ignored, FALSE)) return HP_SAW_MESSAGE;
    const int aborted = GetLastError() == ERROR_OPERATION_ABORTED;
    process->reading = 0;
    return aborted ? HP_SAW_WAKE : HP_SAW_DEATH;
}

void hp_process_wake(hp_process *process) { SetEvent(process->wake); }

/* ---- ending ---- */

void hp_process_kill(hp_process *process) { TerminateJobObject(process->job, ENDED_BY_US); }

void hp_process_join(hp_process *process, int64_t nanoseconds) {
    WaitForSingleObject(process->process, (DWORD)(nanoseconds / 1000000 + 1));
}

static int64_t microseconds(FILETIME time) { return (int64_t)(((uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime) / 10); }

/* The most private memory that a process of the job has had, in KiB; of the job, since mapped files do not count. */
static int64_t peak_memory(const hp_process *process) {
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits;
    memset(&limits, 0, sizeof limits);
    QueryInformationJobObject(process->job, JobObjectExtendedLimitInformation, &limits, sizeof limits, NULL);
    return (int64_t)(limits.PeakProcessMemoryUsed / 1024);
}

/* What crashed has an error of the system for an exit code, whose first bits are ones: as a signed number, it is below
 * zero. */
int32_t hp_process_reap(hp_process *process, int32_t *status, int64_t usage[3]) {
    FILETIME created, ended, kernel, user;
    DWORD code = 0;
    if (WaitForSingleObject(process->process, 0) != WAIT_OBJECT_0) return 0;
    TerminateJobObject(process->job, ENDED_BY_US);
    memset(&user, 0, sizeof user);
    memset(&kernel, 0, sizeof kernel);
    GetExitCodeProcess(process->process, &code);
    GetProcessTimes(process->process, &created, &ended, &kernel, &user);
    *status = (int32_t)code;
    usage[0] = microseconds(user);
    usage[1] = microseconds(kernel);
    usage[2] = peak_memory(process);
    return 1;
}
