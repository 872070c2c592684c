/* A worker on Windows that never listens: its controller must not hang with it. */
#include "check.h"

#if defined(_WIN32)
#include "core/say.h"
#include "remote/process.h"
#include "remote/shared.h"

#include <string.h>
#include <windows.h>

static int32_t number_of(HANDLE handle) { return (int32_t)(intptr_t)handle; }

/* This program once more; the numbers of its handles tell it that it is the worker. */
static hp_process *start(void) {
    char path[MAX_PATH], root[MAX_PATH + 16] = "SystemRoot=";
    const char *const argv[] = {path, NULL}, *const environment[] = {root, NULL};
    hp_shared page;
    int32_t code;
    CHECK(GetModuleFileNameA(NULL, path, sizeof path) > 0);
    CHECK(GetEnvironmentVariableA("SystemRoot", root + strlen(root), MAX_PATH) > 0);
    CHECK(hp_shared_map(&page, 4096) == 0);
    const int32_t out = number_of(GetStdHandle(STD_OUTPUT_HANDLE)), err = number_of(GetStdHandle(STD_ERROR_HANDLE));
    const hp_start what = {argv, environment, NULL, page.descriptor, out, err};
    hp_process *process = hp_process_start(&what, &code);
    CHECK(process != NULL);
    hp_shared_unmap(&page);
    return process;
}

int main(int count, char **words) {
    enum { MANY = 100 * 1000 };
    static const hp_message_head wake = {HP_WIRE_MAGIC, HP_SAY_WAKE, 0};
    int32_t sent = 0, status;
    int64_t usage[3];
    (void)words;
    if (count > 1) Sleep(INFINITE);
    hp_process *process = start();
    while (sent < MANY && hp_process_send(process, &wake, sizeof wake, -1) == 0) sent++;
    CHECK(sent > 0 && sent < MANY);
    hp_process_kill(process);
    hp_process_join(process, (int64_t)20 * 1000 * 1000 * 1000);
    CHECK(hp_process_reap(process, &status, usage));
    hp_process_free(process);
    return 0;
}
#else
int main(void) { return 0; }
#endif
