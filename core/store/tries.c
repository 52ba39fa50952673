/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/tries.h"

#include "core/progress/log.h"
#include "core/store/boundary.h"
#include "core/store/pace.h"

static void enter(struct tries *tries)
{
    tries->err = (struct sf_error)SF_ERROR_INIT;
    tries->object = (struct sf_object){.size = sizeof(tries->object)};
    tries->has_place = pace_enter(tries->backoff.pace, tries->backoff.call);
    watch_enter(tries->watch, tries->slot, tries->key);
}

void tries_begin(struct tries *tries)
{
    enter(tries);
}

void tries_end(struct tries *tries, int cls)
{
    unsigned limit = 0;

    watch_leave(tries->watch);
    if (tries->has_place)
        limit = pace_leave(tries->backoff.pace, cls, tries->backoff.paid);
    tries->has_place = false;
    if (limit != 0)
        log_warning(tries->backoff.log, "the store asks for fewer requests: from now on %u at once (%s)", limit,
                    tries->err.text);
}

int tries_judge(struct tries *tries, int result)
{
    if (result != 0) {
        boundary_error(tries->table, tries->slot, &tries->err);
        tries->lost = tries->lost || tries->err.maybe_applied;
    }
    tries_end(tries, result != 0 ? tries->err.cls : SF_OK);
    return result != 0 ? -1 : boundary_object(tries->table, tries->slot, &tries->object, &tries->err);
}

bool tries_again(struct tries *tries)
{
    if (!backoff_again(&tries->backoff, &tries->err))
        return false;
    enter(tries);
    return true;
}

int tries_give(const struct tries *tries, int result, struct sf_object *object, struct sf_error *err)
{
    if (result != 0)
        *err = tries->err;
    else if (object != NULL)
        sf_give(object, &tries->object);
    return result;
}
