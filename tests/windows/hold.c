/* hold.c: has a file open for a while, the way other programs do.
 *
 *   hold.exe scan|write FILE MILLISECONDS
 *
 * scan: reads it and lets others do all but delete or rename it, as virus scanners and indexers do. write: still writes
 * to it. Says "held" once it has the file, and lets go when the time is over. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <stdio.h>
#include <wchar.h>

int wmain(int argc, wchar_t **argv) {
    if (argc != 4) return 2;
    const int writes = wcscmp(argv[1], L"write") == 0;
    const DWORD access = writes ? GENERIC_WRITE : GENERIC_READ;
    HANDLE file = CreateFileW(argv[2], access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        printf("error %lu\n", (unsigned long)GetLastError());
        return 1;
    }
    puts("held");
    fflush(stdout);
    Sleep((DWORD)wcstoul(argv[3], NULL, 10));
    CloseHandle(file);
    return 0;
}
