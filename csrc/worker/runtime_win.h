/* runtime_win.h (Windows): there, each library brings the C runtime that its compiler likes, with a stdout of its own.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_WORKER_RUNTIME_WIN_H
#define HOTPLATE_WORKER_RUNTIME_WIN_H

/* Has the C runtimes that are loaded by now print at once, without a change of line ends, and report abort(). */
void hp_runtimes_prepare(void);

#endif
