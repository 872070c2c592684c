/* syscalls.h (Linux): numbers of system calls that this machine's headers may be too old or too new to have.
 *
 * From 424 on they are the same on every processor.
 */
#ifndef HOTPLATE_WORKER_SYSCALLS_H
#define HOTPLATE_WORKER_SYSCALLS_H

#include <sys/syscall.h>

#define NO_SUCH_CALL 0xffffffffu
/* Of those that seccomp.c was written for; raise it together with a look at what is new. */
#define NEWEST_CALL 466u

#ifndef __NR_pidfd_send_signal
#define __NR_pidfd_send_signal 424
#endif
#ifndef __NR_io_uring_setup
#define __NR_io_uring_setup 425
#endif
#ifndef __NR_io_uring_enter
#define __NR_io_uring_enter 426
#endif
#ifndef __NR_io_uring_register
#define __NR_io_uring_register 427
#endif
#ifndef __NR_open_tree
#define __NR_open_tree 428
#endif
#ifndef __NR_move_mount
#define __NR_move_mount 429
#endif
#ifndef __NR_fsopen
#define __NR_fsopen 430
#endif
#ifndef __NR_fspick
#define __NR_fspick 433
#endif
#ifndef __NR_clone3
#define __NR_clone3 435
#endif
#ifndef __NR_openat2
#define __NR_openat2 437
#endif
#ifndef __NR_pidfd_getfd
#define __NR_pidfd_getfd 438
#endif
#ifndef __NR_process_madvise
#define __NR_process_madvise 440
#endif
#ifndef __NR_mount_setattr
#define __NR_mount_setattr 442
#endif
#ifndef __NR_memfd_secret
#define __NR_memfd_secret 447
#endif
#ifndef __NR_process_mrelease
#define __NR_process_mrelease 448
#endif
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif
#ifndef __NR_setxattrat
#define __NR_setxattrat 463
#endif
#ifndef __NR_removexattrat
#define __NR_removexattrat 466
#endif

/* Those that newer processors never had: their *at forms do the same. */
#ifndef __NR_chmod
#define __NR_chmod NO_SUCH_CALL
#endif
#ifndef __NR_chown
#define __NR_chown NO_SUCH_CALL
#endif
#ifndef __NR_fork
#define __NR_fork NO_SUCH_CALL
#endif
#ifndef __NR_futimesat
#define __NR_futimesat NO_SUCH_CALL
#endif
#ifndef __NR_lchown
#define __NR_lchown NO_SUCH_CALL
#endif
#ifndef __NR_open
#define __NR_open NO_SUCH_CALL
#endif
#ifndef __NR_utime
#define __NR_utime NO_SUCH_CALL
#endif
#ifndef __NR_utimes
#define __NR_utimes NO_SUCH_CALL
#endif
#ifndef __NR_vfork
#define __NR_vfork NO_SUCH_CALL
#endif

#endif
