/* wake.h (Windows): Ctrl-C comes in a thread of its own, so it interrupts no wait by itself, as a signal does elsewhere.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_WIN_WAKE_H
#define HOTPLATE_WIN_WAKE_H

/* Ends every hp_process_wait under way in this process. */
void hp_wake_waiting(void);

#endif
