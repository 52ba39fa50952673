# SPDX-License-Identifier: Apache-2.0
"""A store that answers 503 again and again: runs come through, and tell how often they had to ask twice."""
import random

import pytest

import harness
from harness import total
from kit import tree

MIB = 1 << 20
PART = 5 * MIB
PARTS = 3
SMALL = 60
TRIES = 10  # of one call; the fewer that only open a store or a connection have no part in this
STORMS = {"plain": [], "SlowDown": ["--slowdown"]}


@pytest.fixture
def fill(source):
    """fill(60): so many small files, and one that goes in PARTS parts."""
    def make(small):
        rng = random.Random(3)
        for number in range(small):
            tree.write(source / f"{number % 7}" / f"{number:04}", rng.randbytes(rng.randrange(3000)))
        tree.write(source / "large", rng.randbytes(PARTS * PART - 1))
        return source
    return make


def assert_came_through(site, report, stats, files):
    """Each 503 was answered with exactly one more try; no file was stored twice; nothing is left over."""
    requests = stats["requests"]
    assert total(report, "uploaded_files") == files and stats["objects"] == files + 3
    assert 0 < stats["unavailable"] == report["retries"]
    assert requests["put"] - (files - 1 + 3) <= report["retries"] and stats["puts_max"] == 1
    assert requests["upload_part"] - PARTS <= report["retries"] and requests["upload_commit"] <= TRIES
    assert stats["uploads"] == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_backup_comes_through_a_storm(signed, on_sink, fill, seed, tmp_path):
    store = on_sink("--keep", 16 * MIB, "--fail-503", 20, "--seed", seed)
    site = harness.Site(signed, store, {"data": fill(SMALL)}, upload={"part_size": PART, "small_file_threshold": PART})
    report = site.backup()
    assert_came_through(site, report, store.sink.stats(), SMALL + 1)
    assert site.findings("--deep") == []
    site.restore("latest", tmp_path / "restored")
    tree.assert_same(tree.snapshot(site.sources["data"]), tree.snapshot(tmp_path / "restored"))


@pytest.mark.big
@pytest.mark.parametrize("storm,files", [("plain", 1000), ("SlowDown", 10)])
def test_more_files_come_through_and_throttled_ones(signed, on_sink, fill, storm, files):
    store = on_sink("--keep", 16 * MIB, "--fail-503", 20, "--seed", 4, *STORMS[storm])
    site = harness.Site(signed, store, {"data": fill(files)}, timeout="5m",
                        upload={"part_size": PART, "small_file_threshold": PART})
    report = site.backup("--log-level", "info", timeout=300)
    assert_came_through(site, report, store.sink.stats(), files + 1)
    if storm == "plain":
        assert site.findings("--deep") == []


@pytest.mark.big
def test_a_store_that_is_not_there_at_all_is_given_up(signed, on_sink, fill):
    store = on_sink("--fail-503", 100)
    site = harness.Site(signed, store, {"data": fill(SMALL)})
    result = site("backup", "--json", check=harness.FAILED, timeout=300)
    report = result.json()
    assert report["status"] == "failed" and report["error"]["class"] == "transient" and report["error"]["status"] == 503
    for word in ("503", f"bucket {store.bucket} at 127.0.0.1:{store.sink.port}"):
        assert word in report["error"]["text"], result
    stats = store.sink.stats()
    assert stats["unavailable"] == sum(stats["requests"].values()) == report["retries"] + 1 == TRIES
    assert stats["objects"] == 0
