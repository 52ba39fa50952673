# SPDX-License-Identifier: Apache-2.0
"""Runs that are ended from outside, and sources that change under a run: nothing is committed, no process stays behind, and what
ended it is told."""
import os
import signal
import threading

import pytest

import harness
from harness import wait_until
from kit import tree

SLOW = {"SNAPFERRY_FAULT": "slow@put:60000:/data/"}  # a minute a file: only a run that can be ended ends within the test's limits
HANG = {"SNAPFERRY_FAULT": "hang@put:/data/03.dat"}  # a share that never answers, and a plugin that does not look up


@pytest.fixture
def site(run, store, source):
    for number in range(20):
        tree.write(source / f"{number:02}.dat", b"content %d\n" % number)
    return harness.Site(run, store, {"data": source})


def is_open(store):
    """Whether a run has claimed its time-dir: what comes next are its files."""
    return any(key.endswith(".open") for key in store.objects())


def expect_no_process(process):
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # it leads a group of its own


@pytest.mark.parametrize("number,status", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_backup_and_nothing_is_committed(number, status, site, tmp_path):
    process = site.run.start("backup", "--json", "--config", site.config, env=SLOW)
    wait_until(lambda: is_open(site.store), process)
    process.send_signal(number)
    result = site.run.finish(process, check=status)
    expect_no_process(process)
    report = result.json()
    assert report["status"] == "cancelled" and report["error"]["class"] == "cancelled"
    assert number.name in report["error"]["text"] and report["error"]["text"] in result.stderr
    assert list(site.listed().values()) == ["incomplete"]
    assert site.store.temporaries() == []
    site("restore", "latest", "--to", tmp_path / "none", check=harness.NO_POINT)
    site.backup()
    site.restore("latest", tmp_path / "restored")
    tree.assert_same(tree.snapshot(site.sources["data"]), tree.snapshot(tmp_path / "restored"))


@pytest.mark.parametrize("number,status", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_wait_between_two_tries(number, status, site):
    process = site.run.start("backup", "--json", "--config", site.config,
                             env={"SNAPFERRY_FAULT": "fail@put:*:transient:/data/"})
    wait_until(lambda: is_open(site.store), process)
    process.send_signal(number)
    result = site.run.finish(process, check=(status, harness.FAILED))  # FAILED: its tries were used up just before
    assert result.json()["status"] == ("cancelled" if result.returncode == status else "failed")
    assert list(site.listed().values()) == ["incomplete"]


@pytest.mark.parametrize("number,status", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("replace", [False, True], ids=["into an empty folder", "with --replace"])
def test_a_signal_ends_a_restore_before_it_changes_the_target(replace, number, status, site, tmp_path):
    site.backup()
    target = tmp_path / "target"
    tree.write(target / "mine", b"precious") if replace else target.mkdir()
    before = tree.snapshot(target)
    process = site.run.start("restore", "latest", "--to", target, "--config", site.config, "--json",
                             *(["--replace"] if replace else []), env={"SNAPFERRY_FAULT": "slow@get:60000:/data/"})
    wait_until((target / ".snapferry-restore").exists, process)
    process.send_signal(number)
    assert site.run.finish(process, check=status).json()["status"] == "cancelled"
    expect_no_process(process)
    after = {path: item for path, item in tree.snapshot(target).items() if not path.startswith(b".snapferry-restore")}
    tree.assert_same(before, after, ignore=("mtime_ns", "mode"))  # of the folder itself: it holds what was fetched so far
    site.restore("latest", target, *(["--replace"] if replace else []))
    tree.assert_same(tree.snapshot(site.sources["data"]), tree.snapshot(target))


@pytest.mark.parametrize("number,status", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_verify(number, status, site, tmp_path):
    site.backup()
    process = site.run.start("verify", "--deep", "--config", site.config, env={"SNAPFERRY_FAULT": "slow@get:60000:/data/"})
    wait_until(lambda: reads_objects(process), process)
    process.send_signal(number)
    site.run.finish(process, check=status)
    expect_no_process(process)


def reads_objects(process):
    """Whether its workers run: threads beside the first and the one that watches."""
    return len(os.listdir(f"/proc/{process.pid}/task")) > 2


def test_another_signal_ends_a_run_at_once(site):
    process = site.run.start("backup", "--config", site.config, env=HANG)
    wait_until(lambda: is_open(site.store), process)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    site.run.finish(process, check=(130, 143))  # which of two that are pending comes first is the kernel's choice
    assert list(site.listed().values()) == ["incomplete"]


def test_an_echo_of_the_signal_is_no_second_one(site):
    process = site.run.start("backup", "--json", "--config", site.config, env=SLOW)
    wait_until(lambda: is_open(site.store), process)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    assert site.run.finish(process, check=143).json()["status"] == "cancelled"


def test_the_timeout_ends_a_run(site):
    site.configure(timeout="1s")
    result = site("backup", "--json", env=SLOW, check=harness.FAILED)
    report = result.json()
    assert report["status"] == "timeout" and report["error"]["class"] == "cancelled"
    assert "timeout" in report["error"]["text"] and report["error"]["text"] in result.stderr
    assert list(site.listed().values()) == ["incomplete"]
    site.backup()


def expect_stuck(result, store):
    """The process ended itself and said why; nothing is committed."""
    assert "put of " in result.stderr and "/data/03.dat has not returned for" in result.stderr
    assert "this process ends itself" in result.stderr
    assert not [key for key in store.objects() if key.endswith(".commit")]


def test_a_plugin_that_never_returns_is_given_a_grace_after_the_timeout(site):
    site.configure(timeout="1s", grace="1s")
    result = site("backup", "--json", env=HANG, check=harness.FAILED)
    expect_stuck(result, site.store)
    report = result.json()
    assert report["status"] == "timeout" and report["error"]["class"] == "cancelled"
    assert "/data/03.dat has not returned" in report["error"]["text"] and "timeout" in report["error"]["text"]
    assert list(site.listed().values()) == ["incomplete"]
    site.backup()


def test_a_plugin_that_never_returns_is_given_a_grace_after_a_signal(site):
    site.configure(grace="1s")
    process = site.run.start("backup", "--json", "--config", site.config, env=HANG)
    wait_until(lambda: is_open(site.store), process)
    process.send_signal(signal.SIGTERM)
    result = site.run.finish(process, check=143)
    if "has not returned" in result.stderr:  # else the signal came before that put
        expect_stuck(result, site.store)
    assert result.json()["status"] == "cancelled"


def test_a_plugin_that_never_returns_is_given_a_grace_after_a_failure(site):
    site.configure(grace="1s")
    result = site("backup", "--json", check=harness.DENIED,
                  env={"SNAPFERRY_FAULT": HANG["SNAPFERRY_FAULT"] + ",fail@put:*:denied:/data/05.dat"})
    expect_stuck(result, site.store)
    report = result.json()
    assert report["status"] == "failed" and report["error"]["class"] == "denied" and "/data/05.dat" in report["error"]["text"]
    assert report["error"]["text"] in result.stderr


def test_a_failed_put_ends_the_others_that_are_in_flight(site):
    """One file is refused while seven others would take a minute."""
    tree.write(site.sources["data"] / "!refused", b"first in order, so among those that are sent first")
    result = site("backup", "--json", check=harness.DENIED,
                  env={"SNAPFERRY_FAULT": "slow@put:60000:.dat,fail@put:1:denied:/!refused"})
    report = result.json()
    assert report["status"] == "failed" and report["error"]["class"] == "denied"
    assert report["error"]["path"] == str(site.sources["data"] / "!refused")
    assert list(site.listed().values()) == ["incomplete"]


class Grower(threading.Thread):
    """Appends to a file, again and again."""

    def __init__(self, path):
        super().__init__()
        self.path, self.stop, self.began = path, threading.Event(), threading.Event()

    def run(self):
        with open(self.path, "ab", buffering=0) as file:
            while not self.stop.is_set():
                file.write(b"more")
                self.began.set()

    def __enter__(self):
        self.start()
        self.began.wait()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.join()


@pytest.mark.parametrize("size", [1 << 20, 6 << 20], ids=["in one request", "large"])
def test_a_file_that_keeps_growing_while_it_is_read_fails_the_run(size, site):
    growing = site.sources["data"] / "growing"
    tree.write(growing, b"x" * size)
    with Grower(growing):
        result = site("backup", "--json", check=harness.FAILED, env={"SNAPFERRY_FAULT": "slow@put:200:/growing"})
    report = result.json()
    assert report["error"]["class"] == "conflict" and report["error"]["path"] == str(growing)
    assert "snapshot" in report["error"]["text"] and str(growing) in result.stderr
    assert list(site.listed().values()) == ["incomplete"]
    site.backup()
