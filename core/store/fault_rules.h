/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of SNAPFERRY_FAULT, comma-separated; SLOT is put, get, stat, list (a page), remove, copy, upload_begin,
 * upload_part, upload_commit or upload_abort, and calls of these slots are what is counted, from 1. A KEY at the end limits a rule, and its count, to calls whose key contains it.
 *     kill@N  kill-before@N            SIGKILL right after, before the N-th call of all
 *     fail@SLOT:N|*:CLASS[:KEY]        the N-th (every) call answers CLASS, nothing is applied
 *     lose@SLOT:N|*[:KEY]              applied, but the answer is lost: transient, maybe_applied
 *     slow@SLOT:MS[:KEY]               sleeps first, every time; cancellable
 *     hang@SLOT[:KEY]                  never returns, whoever cancels
 *     corrupt@get:N|*[:KEY]            flips the first byte that is delivered
 *     count                            store_close writes the number of calls to the file $SNAPFERRY_FAULT_COUNT
 */
#ifndef CORE_STORE_FAULT_RULES_H
#define CORE_STORE_FAULT_RULES_H

#include "base/auto.h"
#include "snapferry/plugin.h"

#include <stdatomic.h>
#include <stdbool.h>

enum fault_slot {
    FAULT_PUT,
    FAULT_GET,
    FAULT_STAT,
    FAULT_LIST,
    FAULT_REMOVE,
    FAULT_COPY,
    FAULT_UPLOAD_BEGIN,
    FAULT_UPLOAD_PART,
    FAULT_UPLOAD_COMMIT,
    FAULT_UPLOAD_ABORT
};
enum fault_kind { FAULT_KILL, FAULT_KILL_BEFORE, FAULT_FAIL, FAULT_LOSE, FAULT_SLOW, FAULT_HANG, FAULT_CORRUPT };

struct fault_rule {
    enum fault_kind kind;
    enum fault_slot slot;
    uint64_t nth; /* 0: every one */
    enum sf_class cls;
    uint32_t ms;
    char *match;           /* NULL: every key */
    _Atomic uint64_t seen; /* calls that matched slot and key */
};

struct fault_rules {
    struct fault_rule *items;
    size_t count;
    bool report;
    _Atomic uint64_t calls;
};

MUST_CHECK int fault_rules_parse(struct fault_rules *rules, const char *spec, struct sf_error *err);
void fault_rules_cleanup(struct fault_rules *rules);

/* Counts the call for the rule; true: it applies to this one. Always false for the kill rules. */
bool fault_rule_hits(struct fault_rule *rule, enum fault_slot slot, const char *key);
const char *fault_slot_name(enum fault_slot slot);

#endif
