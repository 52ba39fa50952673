/* SPDX-License-Identifier: Apache-2.0
 *
 * The way that beneath_open goes on kernels without openat2, for its unit test.
 */
#ifndef BASE_BENEATH_PRIV_H
#define BASE_BENEATH_PRIV_H

#include "base/beneath.h"

/* As beneath_open, component by component, each with O_NOFOLLOW. path is not "" and of the allowed form. */
MUST_CHECK int beneath_open_components(int rootfd, const char *path, int flags, mode_t mode);

#endif
