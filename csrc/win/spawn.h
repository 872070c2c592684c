/* spawn.h (Windows): how a worker's program is started.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_WIN_SPAWN_H
#define HOTPLATE_WIN_SPAWN_H

#include "remote/process.h"

#include <windows.h>

/* Starts it in the job. *pipe is the controller's end of a pipe of messages, for overlapped use, and the caller's even
 * on failure. Returns 0, or -1 with the system's last error. */
int hp_spawn(const hp_start *start, HANDLE job, HANDLE *pipe, PROCESS_INFORMATION *made);

#endif
