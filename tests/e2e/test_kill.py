# SPDX-License-Identifier: Apache-2.0
"""Half a backup is never taken for a whole one: a run is killed around every one of its store calls in turn, and after each
the store is looked at through list, verify and restore, and with our own eyes."""
import itertools
import json
import os
import pathlib
import shutil
import tempfile

import pytest

import harness
from kit import tree

THRESHOLD = 4096  # small_file_threshold here: one file of each source is a large one
SIGKILLED = -9
CALLS_MAX = 200  # far more than a run on these trees makes
SOURCES = ("data", "index")


def fill(folder):
    """Two small sources, old enough that unchanged files are taken for unchanged."""
    for number in range(5):
        tree.write(folder / "data" / "parts" / f"part-{number}", b"part %d\n" % number)
    tree.write(folder / "data" / "large", bytes(range(256)) * 64)
    tree.write(folder / "data" / "empty file", b"")
    (folder / "data" / "empty folder").mkdir()
    (folder / "data" / "link").symlink_to("parts/part-0")
    for number in range(4):
        tree.write(folder / "index" / f"{number}.idx", b"index %d\n" % number)
    tree.write(folder / "index" / "large.idx", b"\0\1\2\3" * 3000)
    age(folder)


def change(folder):
    """New, gone, grown, same size with other content, large with other content."""
    tree.write(folder / "data" / "parts" / "new", b"new\n")
    (folder / "data" / "parts" / "part-1").unlink()
    tree.write(folder / "data" / "parts" / "part-2", b"part 2, grown\n")
    tree.write(folder / "index" / "3.idx", b"INDEX 3\n")
    tree.write(folder / "data" / "large", bytes(range(255, -1, -1)) * 64)
    age(folder, tree.OLD + 3_600 * tree.NS)


def age(folder, at=tree.OLD):
    for path, _, names in os.walk(folder):
        for name in names + ["."]:
            os.utime(os.path.join(path, name), ns=(at, at), follow_symlinks=False)


class Scene:
    """A store, its sources, a config, and what each point that is complete must restore to."""

    def __init__(self, run, folder):
        self.run, self.folder, self.live_folder = run, folder, folder / "live"
        fill(self.live_folder)
        self.sources = {name: self.live_folder / name for name in SOURCES}
        self.store = harness.Store(folder / "store")
        self.store.root.mkdir()
        self.styles = iter(["daily", "hourly"])
        self.configure("run")
        self.points = {}
        self.restores = itertools.count()

    def configure(self, style):
        self.config = harness.write_config(self.folder / "config.json", self.store, self.sources, time_style=style,
                                           upload={"small_file_threshold": THRESHOLD, "concurrency": 3})

    def __call__(self, *args, **how):
        if args[0] == "backup":  # each run another kind of name: it would wait for the next second if its own were taken
            self.configure(next(self.styles, "run"))
        return self.run(*args, "--config", self.config, **how)

    def live(self):
        return {name: tree.snapshot(folder) for name, folder in self.sources.items()}

    def backup(self):
        """A plain run, which must succeed."""
        report = self("backup", "--json").json()
        assert report["status"] == "complete"
        self.points[report["time_dir"]] = self.live()
        return report

    def killed(self, rule):
        """A run that may be killed by the rule; whether it was."""
        return self("backup", env={"SNAPFERRY_FAULT": rule}, check=(SIGKILLED, harness.DONE)).returncode == SIGKILLED

    def complete(self):
        """What list calls complete, oldest first."""
        listed = self("list", "--json").json()
        assert {point["status"] for point in listed} <= {"complete", "incomplete"}, json.dumps(listed)
        return [point["time_dir"] for point in listed if point["status"] == "complete"]

    def marks(self, suffix):
        return {key.split("/")[-1][:-len(suffix)] for key in self.store.objects()
                if key.startswith(".snapferry/points/") and key.endswith(suffix)}

    def restore(self, which, expected):
        """Restores a point into new folders and compares; expected None: there must be nothing to restore."""
        target = self.folder / f"restored-{next(self.restores)}"
        target.mkdir()
        self("restore", which, "--to", target, check=harness.NO_POINT if expected is None else harness.DONE)
        if expected is None:
            assert os.listdir(target) == []
        else:
            for name in SOURCES:
                tree.assert_same(expected[name], tree.snapshot(target / name))
        shutil.rmtree(target)

    def assert_sound(self):
        """After a run that ended anyhow: list, verify, restore and the store agree on what there is. Returns what is complete."""
        complete = self.complete()
        assert set(complete) == self.marks(".commit")
        for time_dir in set(complete) - set(self.points):  # the killed run had committed: then it holds what stood there
            self.points[time_dir] = self.live()
        if complete:
            self("verify", "--all", "--deep")
            self.restore(complete[0], self.points[complete[0]])
        assert set(self.points) == set(complete), "a point that was committed is gone"
        self.restore("latest", self.points[complete[-1]] if complete else None)
        return complete


def stage(scene, before):
    """How far the killed run came, by its marks."""
    opened, committed = scene.marks(".open") - before, scene.marks(".commit") - before
    assert committed <= opened and len(opened) <= 1
    return "committed" if committed else "opened" if opened else "nothing"


@pytest.fixture
def fast_folder():
    """In memory: what counts here is the order of calls, and there are very many of them."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="snapferry-e2e-", dir="/dev/shm"))
    yield folder
    tree.remove_tree(folder)


@pytest.fixture
def scene(run, fast_folder):
    """Sources and an empty store; more of them with scene.another()."""
    numbers = itertools.count()

    def another():
        made = Scene(run, fast_folder / f"scene-{next(numbers)}")
        made.another = another
        return made

    return another()


def kill_once(scene, rule):
    """Kills a run and proves that what is there is as good as before, and that the next run succeeds. Returns how far the killed
    run came, "done" if it came to its end."""
    known, objects = set(scene.points), scene.store.objects()
    if not scene.killed(rule):
        assert len(set(scene.assert_sound()) - known) == 1
        return "done"
    came = stage(scene, known)
    scene.assert_sound()
    assert objects.items() <= scene.store.objects().items(), "objects of committed points changed"
    report = scene.backup()
    assert report["time_dir"] == scene.assert_sound()[-1]
    assert sum(source["repaired_files"] for source in report["sources"]) == 0
    return came


@pytest.mark.parametrize("committed", [False, True], ids=["first backup", "on top of a point"])
def test_a_run_killed_after_any_store_call_leaves_no_half_point(committed, scene):
    stages, number = [], 0
    while not stages or stages[-1] != "done":
        number += 1
        assert number < CALLS_MAX, "no run survives"
        if committed:
            scene.backup()
            change(scene.live_folder)
        stages.append(kill_once(scene, f"kill@{number}"))
        shutil.rmtree(scene.folder)
        scene = scene.another()
    # these come in this order: kills fell before the claim, between claim and commit, and right after the commit
    assert list(dict.fromkeys(stages)) == ["nothing", "opened", "committed", "done"], stages
    assert stages.count("committed") == 1, stages
    assert stages.count("opened") >= (14 if not committed else 6), stages  # so many objects lie between the two marks


@pytest.mark.parametrize("committed", [False, True], ids=["first backup", "on top of a point"])
def test_a_run_killed_before_its_first_store_call_changes_nothing(committed, scene):
    if committed:
        scene.backup()
        change(scene.live_folder)
    objects = scene.store.objects()
    assert scene.killed("kill-before@1")
    assert scene.store.objects() == objects
    scene.assert_sound()
    scene.backup()
    scene.assert_sound()


def test_runs_that_are_killed_one_after_the_other_do_not_harm_each_other(scene):
    """As a unit that is restarted at once each time: unfinished time-dirs pile up, names are taken, and one day a run survives."""
    scene.backup()
    first = scene.store.objects()
    change(scene.live_folder)
    for number in (18, 14, 12, 10):
        assert scene.killed(f"kill@{number}")
        scene.assert_sound()
    unfinished = [point for point in scene("list", "--json").json() if point["status"] == "incomplete"]
    assert len(unfinished) == 4 and all(len(point["run"]) == 32 for point in unfinished), unfinished
    report = scene.backup()
    assert scene.assert_sound()[-1] == report["time_dir"]
    assert len(scene.points) == 2
    assert first.items() <= scene.store.objects().items()


def test_an_unfinished_point_cannot_be_restored_by_its_name(scene):
    scene.backup()
    assert scene.killed("kill@6")  # the first five calls read the points and claim a time-dir
    unfinished, = scene.marks(".open") - set(scene.points)
    result = scene("restore", unfinished, "--to", scene.folder / "out", check=harness.NO_POINT)
    assert unfinished in result.stderr and not (scene.folder / "out").exists()
    result = scene("verify", unfinished, check=harness.NO_POINT)
    assert unfinished in result.stderr
