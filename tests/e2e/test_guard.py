# SPDX-License-Identifier: Apache-2.0
"""Two runs never write the same base at once, and who reads is never kept waiting."""
import contextlib
import json
import os
import re
import signal
import threading

import pytest

import harness
from harness import wait_until
from kit import tree

STUCK = {"SNAPFERRY_FAULT": "slow@put:3600000:/data/"}  # until it is ended


@pytest.fixture
def site(run, store, source):
    for number in range(4):
        tree.write(source / f"{number}.dat", b"content %d\n" % number)
    return harness.Site(run, store, {"data": source})


@contextlib.contextmanager
def stuck(process, ready):
    """A process that has come to where ready() is true, and is killed if it still runs in the end."""
    try:
        wait_until(ready, process)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def opens(store):
    return {key for key in store.objects() if key.endswith(".open")}


@pytest.fixture
def holder(site):
    """A backup that holds the guard until it is ended; the point below it is site.point."""
    site.point = site.backup()["time_dir"]
    tree.write(site.sources["data"] / "new", b"new")
    process = site.run.start("backup", "--json", "--config", site.config, env=STUCK)
    with stuck(process, lambda: len(opens(site.store)) == 2):
        yield process


def test_a_second_backup_is_refused_at_once_and_told_by_whom(site, holder):
    before = site.store.objects()
    result = site("backup", "--json", check=harness.GUARD)
    report = result.json()
    assert report["status"] == "skipped" and report["error"]["class"] == "conflict" and report["time_dir"] is None
    told = re.search(r"another backup holds the guard of .*: pid (\d+), run ([0-9a-f]{32}), since (\S+), \d+ s ago", result.stderr)
    assert told, result
    assert told[0] in report["error"]["text"]
    assert int(told[1]) == holder.pid
    opened, = opens(site.store) - {f".snapferry/points/{site.point}.open"}
    claim = json.loads((site.store.root / opened).read_text())
    assert told[2] == claim["run"] and told[3] <= claim["started"]
    assert site.store.objects() == before, "the run that was refused wrote something"


def test_the_first_of_two_backups_is_not_disturbed_by_the_second(site):
    """The first waits before its commit until the second has been refused."""
    process = site.run.start("backup", "--json", "--config", site.config, env={"SNAPFERRY_FAULT": "slow@put:1500:.commit"})
    wait_until(lambda: [key for key in site.store.objects() if key.endswith(".zst")], process)
    site("backup", check=harness.GUARD)
    report = site.run.finish(process).json()
    assert report["status"] == "complete"
    assert site.listed() == {report["time_dir"]: "complete"}
    assert site.findings("--deep") == []


def test_of_many_backups_that_start_at_once_each_is_complete_or_refused(site):
    processes = [site.run.start("backup", "--json", "--config", site.config) for _ in range(6)]
    results = [None] * len(processes)

    def finish(index):
        results[index] = site.run.finish(processes[index], check=(harness.DONE, harness.GUARD))

    threads = [threading.Thread(target=finish, args=[index]) for index in range(len(processes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(results), "a run ended in another way"
    made = {result.json()["time_dir"] for result in results if result.returncode == harness.DONE}
    assert made and len(made) == sum(result.returncode == harness.DONE for result in results)
    assert site.listed() == {time_dir: "complete" for time_dir in made}
    assert site.findings("--all", "--deep") == []


def test_another_base_is_not_blocked(site, holder, tmp_path):
    other = harness.Store(tmp_path / "other store")
    other.root.mkdir()
    site.run("backup", "--dest", other.url.replace(" ", "%20"), "--source", f"data={site.sources['data']}")
    site.run("backup", "--config", site.config, "-o", "prefix=elsewhere")
    assert holder.poll() is None


@pytest.mark.parametrize("spelling", ["{root}/", "{parent}//{name}", "{parent}/link"])
def test_the_same_base_written_otherwise_is_the_same_base(spelling, site, holder):
    root = site.store.root
    (root.parent / "link").symlink_to(root)
    url = "file://" + spelling.format(root=root, parent=root.parent, name=root.name)
    site.run("backup", "--dest", url, "--source", f"data={site.sources['data']}", check=harness.GUARD)


def test_another_state_folder_is_not_blocked_and_the_runs_do_not_meet(site, holder, tmp_path):
    """As another machine, until there is a lease in the store: each run has a time-dir of its own."""
    report = site.backup("--state-dir", tmp_path / "other state")
    assert site.listed()[report["time_dir"]] == "complete"
    assert holder.poll() is None
    assert len(opens(site.store)) == 3


def test_the_guard_goes_with_its_holder(site, holder):
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert site.backup()["status"] == "complete"
    assert site.findings("--deep") == []


def test_reading_commands_are_not_blocked(site, holder, tmp_path):
    assert site.listed()[site.point] == "complete"
    assert "incomplete" in site.listed().values()
    assert site.findings("--all", "--deep") == []
    site.restore("latest", tmp_path / "restored")
    assert sorted(os.listdir(tmp_path / "restored")) == ["0.dat", "1.dat", "2.dat", "3.dat"]  # without "new"
    assert holder.poll() is None


def test_a_dry_run_is_not_blocked(site, holder):
    before = site.store.objects()
    report = site("backup", "--dry-run", "--json").json()
    assert report["sources"][0]["uploaded_files"] >= 1
    assert site.store.objects() == before
    assert holder.poll() is None


@pytest.fixture
def restorer(site, tmp_path):
    """A restore into site.target that has locked it and is stuck."""
    site.backup()
    site.target = tmp_path / "target"
    process = site.run.start("restore", "latest", "--to", site.target, "--config", site.config,
                             env={"SNAPFERRY_FAULT": "slow@get:3600000:/data/"})
    with stuck(process, lambda: any(path.stat().st_size for path in site.target.glob(".snapferry-restore/lock*"))):
        yield process


@pytest.mark.parametrize("flags", [[], ["--replace"]], ids=["plain", "replace"])
def test_a_second_restore_into_a_target_is_refused_at_once_and_told_by_whom(flags, site, restorer):
    result = site("restore", "latest", "--to", site.target, "--json", *flags, check=harness.GUARD)
    assert result.json()["status"] == "skipped"
    assert re.search(rf"another restore holds the guard of .*: pid {restorer.pid}, run [0-9a-f]{{32}}, since \S+, \d+ s ago",
                     result.stderr), result
    assert restorer.poll() is None


def test_a_restore_into_another_target_is_not_blocked(site, restorer, tmp_path):
    site.restore("latest", tmp_path / "another target")
    tree.assert_same(tree.snapshot(site.sources["data"]), tree.snapshot(tmp_path / "another target"))


def test_a_backup_is_not_blocked_by_a_restore(site, restorer):
    site.backup()
    assert restorer.poll() is None


def test_a_killed_restore_is_finished_by_the_next(site, restorer):
    restorer.send_signal(signal.SIGKILL)
    restorer.communicate()
    site.restore("latest", site.target)
    tree.assert_same(tree.snapshot(site.sources["data"]), tree.snapshot(site.target))
