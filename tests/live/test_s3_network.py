# SPDX-License-Identifier: Apache-2.0
"""A bad network before the strict server: a run comes to its end or fails cleanly, and the next one on a good network is whole."""
import random

import pytest

import harness
import servers
from kit import tree

MIB = 1 << 20
FILES = 300
UPLOAD = {"part_size": "5MiB", "small_file_threshold": "5MiB"}
PATIENCE, IMPATIENCE = "60s", "10s"  # the timeout of a run that must succeed, and of one that need not

# name: (toxics, the exit statuses that there may be). A limit is of each connection.
BAD = {
    "50 ms of latency": ([("latency", "downstream", 1.0, {"latency": 50, "jitter": 10})], (harness.DONE,)),
    "little bandwidth": ([("bandwidth", "upstream", 1.0, {"rate": 4000}), ("bandwidth", "downstream", 1.0, {"rate": 1000})],
                         (harness.DONE,)),
    "answers in slices": ([("slicer", "downstream", 1.0, {"average_size": 50, "size_variation": 20, "delay": 100})], (harness.DONE,)),
    "requests in slices": ([("slicer", "upstream", 1.0, {"average_size": 1000, "size_variation": 500, "delay": 10})],
                           (harness.DONE,)),
    "requests cut after 6 MB": ([("limit_data", "upstream", 1.0, {"bytes": 6_000_000})], (harness.DONE,)),
    "requests cut after 100 kB": ([("limit_data", "upstream", 1.0, {"bytes": 100_000})], (harness.FAILED,)),
    "answers cut after 3 kB": ([("limit_data", "downstream", 1.0, {"bytes": 3_000})], (harness.DONE, harness.FAILED)),
    "resets": ([("reset_peer", "downstream", 0.3, {"timeout": 50})], (harness.DONE, harness.FAILED)),
    "stalls": ([("timeout", "downstream", 0.2, {"timeout": 0})], (harness.DONE, harness.FAILED)),
    "all stalls": ([("timeout", "upstream", 1.0, {"timeout": 0})], (harness.FAILED,)),
}


@pytest.fixture
def site(signed, strict, versitygw, toxiproxy, source):
    """Small files and one of three parts, to the strict store through a proxy: site.proxy."""
    rng = random.Random(11)
    for number in range(FILES):
        tree.write(source / f"{number % 7}" / f"{number}", rng.randbytes(rng.randrange(4000)))
    tree.write(source / "large", rng.randbytes(12 * MIB))
    proxy = servers.Proxy(toxiproxy, versitygw, strict.bucket)
    strict.through(proxy.endpoint)
    strict.destination.update(connect_timeout="5s", stall_timeout="2s")
    site = harness.Site(signed, strict, {"data": source}, upload=UPLOAD)
    site.proxy = proxy
    yield site
    proxy.close()


def assert_recovers(site, folder):
    """On a good network the next run is whole, and nothing of those before is in its way."""
    before = tree.snapshot(site.sources["data"])
    site.proxy.clean()
    site.configure(upload=UPLOAD, timeout=PATIENCE)
    report = site.backup()
    assert site.store.uploads() == []
    assert site.findings("--all", "--deep") == []
    site.restore(report["time_dir"], folder)
    tree.assert_same(before, tree.snapshot(folder))


@pytest.mark.big
@pytest.mark.parametrize("network", BAD)
def test_a_run_on_a_bad_network_ends_and_the_next_is_whole(site, network, tmp_path):
    toxics, allowed = BAD[network]
    for kind, stream, toxicity, attributes in toxics:
        site.proxy.toxic(kind, stream, toxicity, **attributes)
    site.configure(upload=UPLOAD, timeout=PATIENCE if allowed == (harness.DONE,) else IMPATIENCE)
    report = site("backup", "--json", check=allowed).json()
    complete = report["status"] == "complete"
    assert complete or report["status"] in ("failed", "timeout")
    assert len(site.store.commits()) == complete
    assert complete or report["error"]["class"] in ("transient", "cancelled"), report["error"]
    assert_recovers(site, tmp_path / "restored")


@pytest.mark.big
def test_a_restore_on_a_bad_network_is_whole_or_fails(site, tmp_path):
    site.backup()
    before = tree.snapshot(site.sources["data"])
    site.proxy.toxic("limit_data", "downstream", bytes=200_000)
    site.configure(upload=UPLOAD, timeout=IMPATIENCE)
    report = site.restore("latest", tmp_path / "restored", check=harness.FAILED)
    assert report["error"]["class"] in ("transient", "cancelled"), report["error"]
    site.proxy.clean()
    site.configure(upload=UPLOAD, timeout=PATIENCE)
    site.restore("latest", tmp_path / "restored")
    tree.assert_same(before, tree.snapshot(tmp_path / "restored"))


@pytest.mark.big
def test_a_server_that_goes_away_in_the_middle_fails_the_run(site, tmp_path):
    site.configure(upload=UPLOAD, timeout=IMPATIENCE)
    site.proxy.toxic("latency", "downstream", latency=50)
    process = site.run.start("backup", "--config", site.config, "--json")
    harness.wait_until(lambda: len(site.store.sizes()) > 20, process)
    site.proxy.enable(False)
    error = site.run.finish(process, check=harness.FAILED).json()["error"]
    assert error["class"] in ("transient", "cancelled") and site.store.commits() == [], error
    site.proxy.enable(True)
    assert_recovers(site, tmp_path / "restored")
