/* SPDX-License-Identifier: Apache-2.0
 *
 * The state folder: --state-dir, $STATE_DIRECTORY, as root /var/lib/snapferry, else $XDG_STATE_HOME/snapferry or
 * ~/.local/state/snapferry. Folders 0700, files 0600. Holds the state id, one lock file a base, and is where temporary
 * files go. Main thread.
 */
#ifndef CORE_CONFIG_STATE_H
#define CORE_CONFIG_STATE_H

#include "base/auto.h"
#include "snapferry/plugin.h"

#include <stdbool.h>

struct state {
    char *folder;   /* NULL if none could be written */
    char *temp_dir; /* <folder>/tmp, else $TMPDIR or /tmp */
    char id[33];    /* random, made once; "" without a folder */
};

/* required: fail (SF_INVALID: usage) when no folder is writable; else go on without. */
MUST_CHECK int state_open(struct state *state, const char *flag, bool required, struct sf_error *err);
void state_cleanup(struct state *state);

/* SHA-256 of this machine's id (/etc/machine-id) with a salt of ours, 32 hex digits, so that the id itself does not leave
 * the machine; the state id if there is none. */
void state_identity(const struct state *state, char out[33]);
/* n random hex digits and a NUL. */
void state_random_hex(char *out, size_t digits);

#endif
