# SPDX-License-Identifier: Apache-2.0
"""Large files in parts, and uploads that a killed run leaves open. gofakes3 ends an upload with another ETag than it lists."""
import os
import random
import signal

import pytest

import harness
import servers
from harness import total
from kit import tree

MIB = 1 << 20
UPLOAD = {"part_size": "5MiB", "small_file_threshold": "5MiB"}


@pytest.fixture
def large(source):
    """A file of eight parts, the last one a byte long, and a few small ones."""
    tree.write(source / "large", random.Random(5).randbytes(35 * MIB + 1))
    for number in range(5):
        tree.write(source / f"small-{number}", b"%d" % number)
    return source


@pytest.fixture
def proxied(strict, versitygw, toxiproxy):
    """The strict store, behind toxiproxy: store.proxy."""
    strict.proxy = servers.Proxy(toxiproxy, versitygw, strict.bucket)
    strict.through(strict.proxy.endpoint)
    yield strict
    strict.proxy.close()


@pytest.mark.big
def test_a_large_file_in_parts_comes_back_identical(signed, store, large, tmp_path):
    site = harness.Site(signed, store, {"data": large}, upload=UPLOAD)
    report = site.backup()
    counts = report["requests"]
    assert (counts["upload_begin"], counts["upload_part"], counts["upload_commit"]) == (1, 8, 1), counts
    assert store.uploads() == []
    assert store.data()[f"{report['time_dir']}/data/large"] == tree.sha256(large / "large")
    assert site.findings("--deep") == []
    site.restore("latest", tmp_path / "restored")
    tree.assert_same(tree.snapshot(large), tree.snapshot(tmp_path / "restored"))
    assert total(site.backup(), "uploaded_files") == 0


@pytest.mark.big
@pytest.mark.parametrize("checksum", ["crc32c", "sha256", "md5", "none"])
def test_parts_with_each_checksum_come_back_identical(signed, bucket, versitygw, large, tmp_path, checksum):
    store = bucket(versitygw, checksum=checksum)
    site = harness.Site(signed, store, {"data": large}, upload=UPLOAD)
    site.backup()
    assert site.findings("--deep") == [] and store.uploads() == []
    site.restore("latest", tmp_path / "restored")
    tree.assert_same(tree.snapshot(large), tree.snapshot(tmp_path / "restored"))


@pytest.mark.big
@pytest.mark.parametrize("edited", [False, True], ids=["continued", "the file has changed"])
def test_the_run_after_a_killed_one_leaves_no_upload_open(signed, proxied, large, tmp_path, edited):
    proxied.proxy.toxic("bandwidth", "upstream", rate=5_000)  # KB/s, of each connection: a second a part, four times two of them
    site = harness.Site(signed, proxied, {"data": large}, upload={**UPLOAD, "concurrency": 2})
    process = site.run.start("backup", "--config", site.config)
    harness.wait_until(lambda: [upload for upload in proxied.uploads() if proxied.parts(*upload)], process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert len(proxied.uploads()) == 1 and proxied.commits() == []

    proxied.proxy.clean()
    if edited:
        tree.write(large / "large", random.Random(6).randbytes(20 * MIB))
    before = tree.snapshot(large)
    site.backup()
    assert proxied.uploads() == []
    assert site.findings("--deep") == []
    site.restore("latest", tmp_path / "restored")
    tree.assert_same(before, tree.snapshot(tmp_path / "restored"))
