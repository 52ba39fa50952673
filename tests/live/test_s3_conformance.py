# SPDX-License-Identifier: Apache-2.0
"""plugin check on live S3 servers: what docs/abi.md demands holds there, but for what a server itself gets wrong."""
import pytest

import harness

# What gofakes3 does not do, by case, and why.
LAX = {
    "copy: missing source, other tag and existing destination are refused": "it does not look at x-amz-copy-source-if-match",
    "upload: create-only commit refuses where an object came meanwhile": "it does not look at If-None-Match of a commit",
}
# (server, checksum): the cases that must fail, and why; one that passes is to be struck out. versitygw has none.
FORMS = {
    ("versitygw", "crc32c"): {},
    ("versitygw", "sha256"): {},
    ("versitygw", "md5"): {},
    ("versitygw", "none"): {},
    ("gofakes3", "auto"): {
        **LAX,
        "put: bytes without the given digest are refused": "it knows Content-MD5 only, which auto goes over to once it has seen that",
        "upload: a part without the given digest is refused, and can be sent again": "likewise",
    },
    ("gofakes3", "md5"): LAX,
}


BIG = ("sha256", "md5")  # the same code as the others but for the digest: not for sanitizers


@pytest.mark.parametrize("name, checksum", [pytest.param(*form, marks=pytest.mark.big if form[1] in BIG else ()) for form in FORMS])
def test_the_suite_passes_and_leaves_nothing_behind(signed, bucket, request, name, checksum):
    store = bucket(request.getfixturevalue(name), prefix="some/where", checksum=checksum)
    report = signed("plugin", "check", "s3", *store.words(), "--json", check=(harness.DONE, harness.FAILED), timeout=240).json()
    failed = {case["name"]: case["text"] for case in report["cases"] if case["verdict"] == "FAILED"}
    assert failed.keys() == FORMS[name, checksum].keys(), failed
    assert "error" not in report and report["passed"] > 30, report
    assert store.sizes() == {} and store.uploads() == []
