# SPDX-License-Identifier: Apache-2.0
"""Answers that never come, come too late or are cut, connections that break: what was asked for is done once, or the run ends."""
import contextlib
import os
import random
import signal

import pytest

import harness
import proxy
from harness import total, wait_until
from kit import tree

KIB, MIB = 1 << 10, 1 << 20
PART = 5 * MIB
PARTS = 3
SMALL = 12

# Which requests of a run: its marks, its files, its index, and those of a large file.
DATA, OPEN, COMMIT, MANIFEST = r"PUT .*/data/\d", r"PUT .*\.open$", r"PUT .*\.commit$", r"PUT .*\.manifest\.jsonl\.zst$"
BEGIN, UPLOAD_PART, COMPLETE = r"POST .*\?uploads", r"PUT .*partNumber=", r"POST .*\?uploadId="
LISTS, GETS = r"GET .*list-type=", r"GET [^?]*$"
PLACES = {"a file": DATA, ".open": OPEN, ".commit": COMMIT, "manifest": MANIFEST, "a part": UPLOAD_PART}
# A store may think for minutes about the last of these, so nobody gives it up sooner; but its connection can break.
BROKEN_PLACES = {**PLACES, "begin of an upload": BEGIN, "its end": COMPLETE}


@pytest.fixture
def filled(source):
    """SMALL small files and one of PARTS parts."""
    rng = random.Random(17)
    for number in range(SMALL):
        tree.write(source / f"{number:02}.dat", rng.randbytes(200 + number))
    tree.write(source / "large", rng.randbytes(PARTS * PART - 7))
    return source


@pytest.fixture
def site(signed, proxied, filled):
    """A site behind a proxy. It gives up an answer after a second."""
    store = proxied("--keep", 16 * MIB, stall_timeout="1s")
    site = harness.Site(signed, store, {"data": filled}, upload={"part_size": PART, "small_file_threshold": PART, "concurrency": 4})
    site.before = tree.snapshot(filled)
    return site


def assert_whole(site, folder):
    """What lies there is one point, once, and comes back identical."""
    site.store.proxy.settle()
    stats = site.store.sink.stats()
    keys = site.store.sizes()
    assert len(keys) == SMALL + 1 + 3 and stats["uploads"] == 0, stats
    assert len(site.store.commits()) == 1
    assert site.findings("--deep") == []
    site.restore("latest", folder)
    tree.assert_same(site.before, tree.snapshot(folder))


def assert_comes_through(site, folder, rule, hits=1, retries=1):
    report = site.backup()
    assert rule.hits == hits and report["retries"] >= retries, report
    assert total(report, "uploaded_files") == SMALL + 1
    assert_whole(site, folder)
    return report


@pytest.mark.parametrize("place", PLACES)
def test_an_answer_that_comes_too_late_is_settled(site, place, tmp_path):
    """The store has the object, the client does not know: it asks again and is told that there is one, which turns out its own."""
    rule = site.store.proxy.rule(PLACES[place], proxy.late)
    report = assert_comes_through(site, tmp_path / "restored", rule)
    assert report["requests"]["stat"] >= (place != "a part")


@pytest.mark.parametrize("place", PLACES)
def test_a_request_that_arrives_when_it_was_given_up_changes_nothing(site, place, tmp_path):
    rule = site.store.proxy.rule(PLACES[place], proxy.straggling)
    assert_comes_through(site, tmp_path / "restored", rule)


@pytest.mark.parametrize("action", [proxy.late, proxy.straggling, proxy.lost])
def test_an_upload_whose_begin_was_lost_is_aborted(site, action, tmp_path):
    """Nobody knows its id: the run looks for it at its end."""
    rule = site.store.proxy.rule(BEGIN, action)
    report = assert_comes_through(site, tmp_path / "restored", rule)
    assert report["requests"]["upload_begin"] >= 2 and report["requests"]["upload_abort"] >= 1, report


@pytest.mark.parametrize("place", BROKEN_PLACES)
def test_a_connection_that_breaks_before_the_answer_is_settled(site, place, tmp_path):
    rule = site.store.proxy.rule(BROKEN_PLACES[place], proxy.lost)
    assert_comes_through(site, tmp_path / "restored", rule, retries=0)  # on a connection used before libcurl itself asks again


@pytest.mark.parametrize("action", [proxy.half_closed, proxy.half_closed_at_once])
def test_a_half_closed_connection_is_a_broken_one(site, action, tmp_path):
    rules = [site.store.proxy.rule(place, action) for place in BROKEN_PLACES.values()]
    assert_comes_through(site, tmp_path / "restored", rules[0], retries=0)
    assert [rule.hits for rule in rules] == [1] * len(rules)


def test_connections_that_are_closed_after_each_answer_cost_no_more_than_new_ones(site, tmp_path):
    rule = site.store.proxy.rule(".", proxy.then_closed, times=None)
    report = site.backup()
    assert rule.hits >= SMALL + PARTS and report["status"] == "complete"
    assert_whole(site, tmp_path / "restored")


@pytest.mark.parametrize("seed", range(4))
def test_bodies_and_answers_that_are_cut_anywhere(site, seed, tmp_path):
    """A third of the requests break somewhere: at the first byte, at the last, in between."""
    rng = random.Random(seed)
    sizes = {DATA: SMALL // 3, UPLOAD_PART: 2, MANIFEST: 1, OPEN: 1, COMMIT: 1}
    rules = []
    for place, times in sizes.items():
        longest = PART if place == UPLOAD_PART else 200
        for _ in range(times):
            at = rng.choice([0, 1, rng.randrange(longest), rng.randrange(longest), longest - 1])
            rules.append(site.store.proxy.rule(place, proxy.body_cut(at)))
        rules.append(site.store.proxy.rule(place, proxy.answer_cut(rng.randrange(150))))
    rules += [site.store.proxy.rule(place, proxy.answer_cut(rng.randrange(500))) for place in (LISTS, BEGIN, COMPLETE)]
    assert_comes_through(site, tmp_path / "restored", rules[0], retries=1)
    assert [rule.hits for rule in rules] == [1] * len(rules)


def test_a_restore_asks_again_for_what_was_cut(site, tmp_path):
    site.backup()
    rules = [site.store.proxy.rule(GETS, proxy.answer_cut(at)) for at in (0, 40, 300, 500, 100 * KIB)]
    rules += [site.store.proxy.rule(GETS, proxy.held), site.store.proxy.rule(LISTS, proxy.answer_cut(600))]
    site.restore("latest", tmp_path / "restored")
    assert [rule.hits for rule in rules] == [1] * len(rules)
    tree.assert_same(site.before, tree.snapshot(tmp_path / "restored"))


@pytest.mark.parametrize("place", ["any PUT", "a file", ".commit"])
def test_the_timeout_ends_a_run_that_no_answer_comes_for(site, place, tmp_path):
    site.store.destination["stall_timeout"] = "1h"
    site.configure(timeout="3s")
    rule = site.store.proxy.rule({"any PUT": r"^PUT ", **PLACES}[place], proxy.held, times=None)
    result = site("backup", "--json", check=harness.FAILED, timeout=30)
    report = result.json()
    assert rule.hits > 0
    assert report["status"] == "timeout" and report["error"]["class"] == "cancelled" and "timeout" in report["error"]["text"]
    assert report["duration_ms"] >= 3000
    assert site.store.commits() == []
    site.store.proxy.settle()
    site.store.proxy.clean()
    assert_next_run_works(site, tmp_path / "restored")


def assert_next_run_works(site, folder):
    site.configure()
    site.backup()
    assert len(site.store.commits()) == 1 and site.store.sink.stats()["uploads"] == 0
    assert site.findings("--all", "--deep") == []
    site.restore("latest", folder)
    tree.assert_same(site.before, tree.snapshot(folder))


HANGING = 30


@pytest.fixture
def hanging(site):
    """A backup of which HANGING PUTs wait for their answers."""
    source = site.sources["data"]
    for number in range(100):
        tree.write(source / f"{number:02}.dat", b"%d" % number)
    site.before = tree.snapshot(source)
    site.store.destination["stall_timeout"] = "1h"
    site.configure(upload={"concurrency": HANGING})
    rule = site.store.proxy.rule(DATA, proxy.held, times=None)
    process = site.run.start("backup", "--json", "--config", site.config)
    wait_until(lambda: rule.hits >= HANGING, process)
    yield process
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("number,status", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_run_of_which_all_requests_hang(site, hanging, number, status, tmp_path):
    hanging.send_signal(number)
    report = site.run.finish(hanging, check=status).json()
    assert report["status"] == "cancelled" and number.name in report["error"]["text"]
    assert site.store.commits() == []
    site.store.proxy.clean()
    assert_next_run_works(site, tmp_path / "restored")


def test_a_killed_run_is_not_in_the_way_of_the_next(site, hanging, tmp_path):
    os.killpg(hanging.pid, signal.SIGKILL)
    hanging.communicate()
    site.store.proxy.settle()
    assert site.store.commits() == []
    site.store.proxy.clean()
    assert_next_run_works(site, tmp_path / "restored")


def test_a_run_killed_within_an_upload_leaves_none_to_the_next(site, tmp_path):
    site.store.destination["stall_timeout"] = "1h"
    site.configure(upload={"part_size": PART, "small_file_threshold": PART})
    rule = site.store.proxy.rule(UPLOAD_PART, proxy.held, times=None)
    process = site.run.start("backup", "--config", site.config)
    wait_until(lambda: rule.hits > 0, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert site.store.sink.stats()["uploads"] == 1
    site.store.proxy.settle()
    site.store.proxy.clean()
    assert_next_run_works(site, tmp_path / "restored")


def test_the_bandwidth_is_kept(signed, on_sink, files):
    """At this rate the files take so long, in one request or in parts."""
    size, rate = 2 * MIB, 2 * MIB
    files({"one": os.urandom(size), "other": os.urandom(size)})
    site = harness.Site(signed, on_sink(), {"data": files({})}, upload={"bandwidth": rate})
    report = site.backup()
    assert report["duration_ms"] >= 1000 * (2 * size / rate) * 0.9  # a tenth of a second may be made good
