/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/tries.h"

#include "core/store/boundary.h"

void tries_begin(struct tries *tries, const struct sf_plugin *table, const char *slot, struct run_call *run,
                 struct log *log)
{
    *tries = (struct tries){.table = table, .slot = slot, .backoff = {run, log, 0}};
    tries->err = (struct sf_error)SF_ERROR_INIT;
    tries->object.size = sizeof(tries->object);
}

int tries_judge(struct tries *tries, int result)
{
    if (result == 0)
        return boundary_object(tries->table, tries->slot, &tries->object, &tries->err);
    boundary_error(tries->table, tries->slot, &tries->err);
    tries->lost = tries->lost || tries->err.maybe_applied;
    return -1;
}

bool tries_again(struct tries *tries)
{
    if (!backoff_again(&tries->backoff, &tries->err))
        return false;
    tries->err = (struct sf_error)SF_ERROR_INIT;
    tries->object = (struct sf_object){.size = sizeof(tries->object)};
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
