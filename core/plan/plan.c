/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of a backup: what is sent, referred to, looked at again. plan_decide() reduces a row to facts, the first rule that
 * fits them decides. A new rule is a line in the table, a fact if it needs one, and a test of the same name. Pure.
 */
#include "core/plan/plan.h"

#include <stddef.h>

enum fact_walked { WALKED_ANY, WALKED_NOTHING, WALKED_FILE, WALKED_OTHER };
enum fact_parent { PARENT_ANY, PARENT_NONE, PARENT_FILE }; /* a file that may be referred to, or none */
enum fact_size { SIZE_ANY, SIZE_SAME, SIZE_DIFFERENT };
enum fact_stat { STAT_ANY, STAT_PROVES, STAT_DOUBTFUL }; /* same settled mtime, in a record that we may believe */
enum fact_lane { LANE_ANY, LANE_SMALL, LANE_LARGE };

struct facts {
    enum fact_walked walked;
    enum fact_parent parent;
    enum fact_size size;
    enum fact_stat stat;
    enum fact_lane lane;
};

static const struct rule {
    struct facts when;
    enum plan_action action;
} rules_in_order[] = {
    {{WALKED_NOTHING, PARENT_ANY, SIZE_ANY, STAT_ANY, LANE_ANY}, PLAN_FORGET},
    {{WALKED_OTHER, PARENT_ANY, SIZE_ANY, STAT_ANY, LANE_ANY}, PLAN_RECORD},
    {{WALKED_FILE, PARENT_NONE, SIZE_ANY, STAT_ANY, LANE_SMALL}, PLAN_UPLOAD},
    {{WALKED_FILE, PARENT_NONE, SIZE_ANY, STAT_ANY, LANE_LARGE}, PLAN_UPLOAD_LARGE},
    {{WALKED_FILE, PARENT_FILE, SIZE_DIFFERENT, STAT_ANY, LANE_SMALL}, PLAN_UPLOAD},
    {{WALKED_FILE, PARENT_FILE, SIZE_DIFFERENT, STAT_ANY, LANE_LARGE}, PLAN_UPLOAD_LARGE},
    {{WALKED_FILE, PARENT_FILE, SIZE_SAME, STAT_PROVES, LANE_ANY}, PLAN_REFER},
    {{WALKED_FILE, PARENT_FILE, SIZE_SAME, STAT_DOUBTFUL, LANE_ANY}, PLAN_HASH},
};

/* Was the file last written well before the parent's walk looked at it? Then any later write shows in its mtime. */
static bool is_settled(const struct plan_rules *rules, int64_t mtime_ns)
{
    int64_t mtime_ms = mtime_ns / 1000000 - (mtime_ns % 1000000 < 0); /* rounded down */

    if (mtime_ns == INT64_MIN) /* stands for every time too early for an entry */
        return false;
    return mtime_ms + PLAN_RACY_MS < rules->parent_walked_ms;
}

static bool stat_proves(const struct plan_rules *rules, const struct entry *walked, const struct entry *parent)
{
    if (!rules->parent_is_ours || rules->compare == COMPARE_HASH)
        return false;
    return walked->mtime_ns == parent->mtime_ns && is_settled(rules, walked->mtime_ns);
}

static struct facts facts_of(const struct plan_rules *rules, const struct entry *walked, const struct entry *parent)
{
    struct facts facts = {WALKED_NOTHING, PARENT_NONE, SIZE_DIFFERENT, STAT_DOUBTFUL, LANE_SMALL};

    if (walked == NULL)
        return facts;
    facts.walked = walked->type == ENTRY_FILE ? WALKED_FILE : WALKED_OTHER;
    if (walked->size >= rules->small_file_threshold)
        facts.lane = LANE_LARGE;
    if (parent == NULL || parent->type != ENTRY_FILE || rules->incremental == INCREMENTAL_OFF)
        return facts;
    facts.parent = PARENT_FILE;
    if (walked->size == parent->size)
        facts.size = SIZE_SAME;
    if (stat_proves(rules, walked, parent))
        facts.stat = STAT_PROVES;
    return facts;
}

static bool fits(const struct facts *when, const struct facts *facts)
{
    return (when->walked == WALKED_ANY || when->walked == facts->walked) &&
           (when->parent == PARENT_ANY || when->parent == facts->parent) &&
           (when->size == SIZE_ANY || when->size == facts->size) &&
           (when->stat == STAT_ANY || when->stat == facts->stat) &&
           (when->lane == LANE_ANY || when->lane == facts->lane);
}

enum plan_action plan_decide(const struct plan_rules *rules, const struct entry *walked, const struct entry *parent)
{
    const struct facts facts = facts_of(rules, walked, parent);
    size_t i;

    for (i = 0; i < sizeof(rules_in_order) / sizeof(rules_in_order[0]); i++) {
        if (fits(&rules_in_order[i].when, &facts))
            return rules_in_order[i].action;
    }
    /* The rules cover all facts; if ever not, what cannot lose anything. */
    return facts.lane == LANE_LARGE ? PLAN_UPLOAD_LARGE : PLAN_UPLOAD;
}
