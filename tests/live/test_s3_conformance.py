# SPDX-License-Identifier: Apache-2.0
"""plugin check on live S3 servers: what docs/abi.md demands holds there, but for what a server itself gets wrong."""
import pytest

import harness

# What a server cannot do, by case, and why. Such a case must fail: one that passes is to be struck out here.
CANNOT = {
    "versitygw": {},
    "gofakes3": {},
}
# gofakes3 keeps no digest: only the strict one can tell what a checksum form is worth.
CHECKSUMS = [("versitygw", "auto"), ("versitygw", "crc32c"), ("versitygw", "sha256"), ("versitygw", "md5"), ("versitygw", "none"),
             ("gofakes3", "auto")]


@pytest.mark.parametrize("name, checksum", CHECKSUMS)
def test_the_suite_passes_and_leaves_nothing_behind(signed, bucket, request, name, checksum):
    store = bucket(request.getfixturevalue(name), prefix="some/where", checksum=checksum)
    report = signed("plugin", "check", "s3", *store.words(), "--json", check=(harness.DONE, harness.FAILED), timeout=240).json()
    failed = {case["name"]: case["text"] for case in report["cases"] if case["verdict"] == "FAILED"}
    assert failed.keys() == CANNOT[name].keys(), failed
    assert "error" not in report and report["passed"] > 30, report
    assert store.sizes() == {} and store.uploads() == []
