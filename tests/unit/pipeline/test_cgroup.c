/* SPDX-License-Identifier: Apache-2.0 */
#include "base/auto.h"
#include "base/mem.h"
#include "core/pipeline/cgroup.h"
#include "tests/kit/unit.h"

static uint64_t limit_of(const char *self)
{
    AUTO_FREE char *file = mem_printf("%s/self", unit_temp_dir());
    AUTO_FREE char *mount = mem_printf("%s/mount", unit_temp_dir());

    unit_write("self", self, -1);
    return cgroup_memory_max(file, mount);
}

START_TEST(version_2)
{
    ck_assert_uint_eq(limit_of("0::/a/b\n"), 0); /* no such files */
    unit_write("mount/a/memory.max", "500000\n", -1);
    unit_write("mount/a/b/memory.max", "max\n", -1);
    ck_assert_uint_eq(limit_of("0::/a/b\n"), 500000); /* of the one above */
    unit_write("mount/a/b/memory.max", "400000\n", -1);
    ck_assert_uint_eq(limit_of("0::/a/b\n"), 400000);
    unit_write("mount/memory.max", "300000\n", -1); /* a container sees its own group at the mount */
    ck_assert_uint_eq(limit_of("0::/a/b\n"), 300000);
    ck_assert_uint_eq(limit_of("0::/\n"), 300000);
    ck_assert_uint_eq(limit_of("0::/../elsewhere\n"), 300000);
}
END_TEST

START_TEST(version_1)
{
    unit_write("mount/memory/c/memory.limit_in_bytes", "9223372036854771712\n", -1);
    ck_assert_uint_eq(limit_of("9:cpu:/c\n4:memory:/c\n0::/\n"), 0); /* that is how it says none */
    unit_write("mount/memory/memory.limit_in_bytes", "700000\n", -1);
    ck_assert_uint_eq(limit_of("9:cpu:/c\n4:memory:/c\n0::/\n"), 700000);
    ck_assert_uint_eq(limit_of("4:hugetlb,memory:/c\n"), 700000);
    ck_assert_uint_eq(limit_of("4:memory2:/c\n"), 0);
}
END_TEST

START_TEST(what_is_not_there)
{
    ck_assert_uint_eq(cgroup_memory_max("/nonexistent", CGROUP_MOUNT), 0);
    ck_assert_uint_eq(limit_of(""), 0);
    ck_assert_uint_eq(limit_of("nonsense\n:\n::\n0::"), 0);
    ck_assert_uint_gt(memory_resident(), 100000);
}
END_TEST

UNIT_MAIN("cgroup", &version_2, &version_1, &what_is_not_there)
