# SPDX-License-Identifier: Apache-2.0
"""What a backup to S3 asks of the store: one PUT a file, hardly anything else, over connections that are kept."""
import os
import urllib.parse

import pytest

import harness
import peak
from harness import total
from kit import tree

FILES = 10_000
OTHERS_MAX = 25  # requests of a run beside those for its files
FEW_CONNECTIONS = 2
MIB = 1 << 20
PART = 5 * MIB
LARGE = 40 * MIB
FORMS = ("auto", "none")


@pytest.fixture(scope="module")
def many(shm):
    """FILES small files, old enough to be taken for unchanged."""
    folder = peak.make_files(shm / "many", FILES, size=4096)
    for path, _, names in os.walk(folder):
        for name in names:
            os.utime(os.path.join(path, name), ns=(tree.OLD, tree.OLD))
    return folder


def asked(report, stats):
    """How often the sink was asked for what, once it is certain that the report says the same. Its lists are of two kinds."""
    seen = dict(stats["requests"])
    seen["list"] += seen.pop("upload_list")
    assert report["requests"] == seen
    return seen


def counted(site):
    """(report, what was asked, the sink's other counts) of a backup."""
    site.store.sink.reset()
    report = site.backup()
    stats = site.store.sink.stats()
    return report, asked(report, stats), stats


@pytest.mark.big
@pytest.mark.parametrize("concurrency,checksum", [(8, "auto"), (8, "none"), (32, "auto"), (32, "none")])
def test_a_file_costs_one_request_and_an_unchanged_one_none(signed, on_sink, many, concurrency, checksum):
    store = on_sink(checksum=checksum)
    site = harness.Site(signed, store, {"data": many}, upload={"concurrency": concurrency})
    report, requests, stats = counted(site)
    assert total(report, "uploaded_files") == FILES and report["retries"] == 0
    keys = store.sizes()
    own = [key for key in keys if "/.snapferry/" in key]
    assert len(own) == 3 and len(keys) == FILES + len(own), own  # the two marks and the manifest
    assert requests["put"] == len(keys) and stats["puts_max"] == 1
    assert sum(requests.values()) - FILES <= OTHERS_MAX, requests
    assert stats["connections"] == concurrency + 1

    report, requests, stats = counted(site)
    assert total(report, "uploaded_files") == 0 and total(report, "referenced_files") == FILES
    assert requests["put"] == 3 and len(store.sizes()) == len(keys) + 3 and stats["puts_max"] == 1
    assert sum(requests.values()) <= OTHERS_MAX, requests
    assert stats["connections"] <= FEW_CONNECTIONS


def test_counts_of_a_small_run_agree_with_the_servers(signed, on_sink, files):
    """The same for few files, in which nothing is lost in the crowd."""
    contents = {f"{number:02}": b"x" * number for number in range(20)}
    store = on_sink("--keep", 100)
    site = harness.Site(signed, store, {"data": files(contents)}, upload={"concurrency": 4})
    report, requests, stats = counted(site)
    assert requests["put"] == len(contents) + 3 and stats["puts_max"] == 1 and stats["connections"] <= 5
    report, requests, stats = counted(site)
    assert requests["put"] == 3 and sum(requests.values()) <= OTHERS_MAX
    for command in (("list",), ("verify",), ("verify", "--deep")):
        store.sink.reset()
        site(*command)
        requests = store.sink.stats()["requests"]
        gets = len(contents) if "--deep" in command else 0
        assert sum(requests.values()) - gets <= OTHERS_MAX and requests["put"] == requests["remove"] == 0, requests


def test_objects_are_what_any_tool_would_store(signed, on_sink, files):
    """Names and bytes of the files, nothing around them."""
    contents = {"a/b/c.dat": os.urandom(5000), "empty": b"", "with space+percent%": b"1", "umlaut-\u00e4": b"2"}
    store = on_sink("--keep", MIB)
    site = harness.Site(signed, store, {"data": files(contents)})
    time_dir = site.backup()["time_dir"]
    for path, data in contents.items():
        status, _, body = store.sink.ask("GET", urllib.parse.quote(f"/bucket/{store.prefix}/{time_dir}/data/{path}"))
        assert (status, body) == (200, data), path


@pytest.fixture
def large(source):
    tree.write(source / "large", os.urandom(LARGE))
    os.utime(source / "large", ns=(tree.OLD, tree.OLD))
    return source


@pytest.mark.big
@pytest.mark.parametrize("checksum", FORMS)
def test_a_large_file_goes_in_parts(signed, on_sink, large, tmp_path, checksum):
    store = on_sink("--keep", LARGE, checksum=checksum)
    site = harness.Site(signed, store, {"data": large}, upload={"part_size": "5MiB"})
    report, requests, stats = counted(site)
    assert (requests["upload_begin"], requests["upload_part"], requests["upload_commit"]) == (1, LARGE // PART, 1)
    assert requests["upload_abort"] == 0 and requests["put"] == 3 and stats["uploads"] == 0
    assert store.sizes()[f"{store.prefix}/{report['time_dir']}/data/large"] == LARGE
    assert site("list", "--json").json()[0]["sources"][0]["bytes"] == LARGE
    assert site.findings("--deep") == []
    before = tree.snapshot(large)
    site.restore("latest", tmp_path / "restored")
    tree.assert_same(before, tree.snapshot(tmp_path / "restored"))
    report, requests, stats = counted(site)
    assert requests["upload_begin"] == 0 and total(report, "referenced_files") == 1
