/* crash_win.h (Windows): the end of a worker that is no exception of the system.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_WORKER_CRASH_WIN_H
#define HOTPLATE_WORKER_CRASH_WIN_H

/* Ends the process as abort() does it since Windows 8, with a record. Returns in a process that has armed no record. */
void hp_crash_abort(void);

#endif
