/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/fault_rules.h"

#include "base/err.h"
#include "base/mem.h"

#define SLOTS 10
#define PARTS_MAX 4

static const char *const slot_names[SLOTS] = {
    [FAULT_PUT] = "put",
    [FAULT_GET] = "get",
    [FAULT_STAT] = "stat",
    [FAULT_LIST] = "list",
    [FAULT_REMOVE] = "remove",
    [FAULT_COPY] = "copy",
    [FAULT_UPLOAD_BEGIN] = "upload_begin",
    [FAULT_UPLOAD_PART] = "upload_part",
    [FAULT_UPLOAD_COMMIT] = "upload_commit",
    [FAULT_UPLOAD_ABORT] = "upload_abort",
};

const char *fault_slot_name(enum fault_slot slot)
{
    return slot_names[slot];
}

static bool parse_number(const char *text, uint64_t *number)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    *number = strtoull(text, &end, 10);
    return *end == '\0';
}

/* "3", or "*" as 0. */
static bool parse_nth(const char *text, uint64_t *nth)
{
    if (strcmp(text, "*") == 0) {
        *nth = 0;
        return true;
    }
    return parse_number(text, nth) && *nth > 0;
}

static bool parse_class(const char *text, enum sf_class *cls)
{
    int i;

    for (i = SF_NOT_FOUND; i <= SF_PERMANENT; i++)
        if (strcmp(err_class_name(i), text) == 0) {
            *cls = (enum sf_class)i;
            return true;
        }
    return false;
}

static bool parse_slot(const char *text, enum fault_slot *slot)
{
    int i;

    for (i = 0; i < SLOTS; i++)
        if (strcmp(slot_names[i], text) == 0) {
            *slot = (enum fault_slot)i;
            return true;
        }
    return false;
}

/* Splits what follows the '@' at colons; the last part may hold colons itself. */
static size_t split(char *text, char *parts[PARTS_MAX])
{
    size_t count = 0;

    while (text != NULL && count < PARTS_MAX) {
        parts[count++] = text;
        text = count < PARTS_MAX ? strchr(text, ':') : NULL;
        if (text != NULL)
            *text++ = '\0';
    }
    return count;
}

static bool parse_slotted(struct fault_rule *rule, const char *kind, char **parts, size_t count)
{
    size_t used = 2;
    uint64_t number;

    if (count < (strcmp(kind, "hang") == 0 ? 1 : 2) || !parse_slot(parts[0], &rule->slot))
        return false;
    if (strcmp(kind, "fail") == 0) {
        rule->kind = FAULT_FAIL;
        used = 3;
        if (count < 3 || !parse_nth(parts[1], &rule->nth) || !parse_class(parts[2], &rule->cls))
            return false;
    } else if (strcmp(kind, "lose") == 0 || strcmp(kind, "corrupt") == 0) {
        rule->kind = *kind == 'l' ? FAULT_LOSE : FAULT_CORRUPT;
        if (!parse_nth(parts[1], &rule->nth) || (rule->kind == FAULT_CORRUPT && rule->slot != FAULT_GET))
            return false;
    } else if (strcmp(kind, "slow") == 0) {
        rule->kind = FAULT_SLOW;
        if (!parse_number(parts[1], &number) || number > 3600000)
            return false;
        rule->ms = (uint32_t)number;
    } else if (strcmp(kind, "hang") == 0) {
        rule->kind = FAULT_HANG;
        used = 1;
    } else {
        return false;
    }
    if (count > used + 1)
        return false;
    if (count == used + 1)
        rule->match = mem_text(parts[used]);
    return true;
}

static bool parse_rule(struct fault_rule *rule, char *text)
{
    char *parts[PARTS_MAX];
    char *at = strchr(text, '@');
    size_t count;

    if (at == NULL)
        return false;
    *at++ = '\0';
    if (strcmp(text, "kill") == 0 || strcmp(text, "kill-before") == 0) {
        rule->kind = text[4] == '\0' ? FAULT_KILL : FAULT_KILL_BEFORE;
        return parse_number(at, &rule->nth) && rule->nth > 0;
    }
    count = split(at, parts);
    return parse_slotted(rule, text, parts, count);
}

int fault_rules_parse(struct fault_rules *rules, const char *spec, struct sf_error *err)
{
    AUTO_FREE char *copy = mem_text(spec);
    char *rest = copy, *text;

    while ((text = strsep(&rest, ",")) != NULL) {
        AUTO_FREE char *whole = mem_text(text);

        if (strcmp(text, "count") == 0) {
            rules->report = true;
            continue;
        }
        rules->items = mem_resize(rules->items, (rules->count + 1) * sizeof(*rules->items));
        memset(&rules->items[rules->count], 0, sizeof(rules->items[0]));
        rules->count++;
        if (!parse_rule(&rules->items[rules->count - 1], text))
            return sf_fail(err, SF_INVALID, "SNAPFERRY_FAULT: '%s' is no rule (core/store/fault_rules.h)", whole);
    }
    return 0;
}

void fault_rules_cleanup(struct fault_rules *rules)
{
    size_t i;

    for (i = 0; i < rules->count; i++)
        free(rules->items[i].match);
    free(rules->items);
    rules->items = NULL;
    rules->count = 0;
}

bool fault_rule_hits(struct fault_rule *rule, enum fault_slot slot, const char *key)
{
    uint64_t seen;

    if (rule->kind == FAULT_KILL || rule->kind == FAULT_KILL_BEFORE || rule->slot != slot ||
        (rule->match != NULL && strstr(key, rule->match) == NULL))
        return false;
    seen = atomic_fetch_add(&rule->seen, 1) + 1;
    return rule->nth == 0 || rule->nth == seen || rule->kind == FAULT_SLOW;
}
