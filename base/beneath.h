/* SPDX-License-Identifier: Apache-2.0
 *
 * Opens paths beneath a folder and nowhere else: openat2 with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS; where
 * the kernel has no openat2 (ENOSYS, or EPERM by seccomp) component by component with O_NOFOLLOW. Paths are relative,
 * of any length (longer than PATH_MAX goes in steps); "" is the root itself; absolute paths, "." and ".." and empty
 * components fail with EINVAL. EAGAIN of a rename race is tried again. All return -1 with errno set. Thread-safe.
 */
#ifndef BASE_BENEATH_H
#define BASE_BENEATH_H

#include "base/auto.h"

#include <sys/types.h>

/* flags get O_CLOEXEC. A symlink anywhere in path: ELOOP. */
MUST_CHECK int beneath_open(int rootfd, const char *path, int flags, mode_t mode);

/* The folder that holds path's last component, opened O_PATH|O_DIRECTORY; *leaf points into path. */
MUST_CHECK int beneath_parent(int rootfd, const char *path, const char **leaf);

#endif
