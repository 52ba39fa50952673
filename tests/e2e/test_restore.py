# SPDX-License-Identifier: Apache-2.0
"""Restores over what stands there already, of a part, of a point that was named, and restores that were refused or killed."""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile

import pytest

import harness
from harness import total, wait_until
from kit import tree

OURS = ".snapferry-restore"


@pytest.fixture
def tmp_path():
    """In memory: what is restored here is restored many times. On a disk, other tests do it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="snapferry-e2e-", dir="/dev/shm"))
    folder.chmod(0o755)
    yield folder
    tree.remove_tree(folder)


@pytest.fixture
def site(run, store, source):
    """A source of a few files, folders and links, not yet backed up."""
    for name in ("a.txt", "b.dat", "deep/a.txt", "deep/er/c.txt", "deep/er/d.dat", "other/a.txt"):
        tree.write(source / name, b"content of " + name.encode())
    (source / "deep" / "empty").mkdir()
    (source / "link").symlink_to("a.txt")
    (source / "to-deep").symlink_to("deep")
    return harness.Site(run, store, {"data": source})


def files_below(folder):
    return sorted(os.path.relpath(os.path.join(path, name), folder) for path, _, names in os.walk(folder) for name in names)


# --- over what stands there ---

@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_replace_makes_a_changed_tree_what_the_point_holds(run, store, tmp_path, seed):
    live, rng = tmp_path / "live", random.Random(seed)
    tree.make_tree(live, seed=seed, small=60, large=1)
    before = tree.snapshot(live)
    site = harness.Site(run, store, {"data": live})
    site.backup()
    target = tmp_path / "target"
    site.restore("latest", target)
    tree.mutate(target, rng, times=120)
    changed = tree.snapshot(target)
    assert len(tree.diff(before, changed).split("\n")) > 60
    same = sum(item.type == "file" and path in changed and changed[path].sha256 == item.sha256 for path, item in before.items())
    report = site.restore("latest", target, "--replace")
    tree.assert_same(before, tree.snapshot(target))
    assert total(report, "kept_files") == same
    assert total(report, "fetched_files") == total(report, "files") - same
    # and over the other point of the two, back and forth
    tree.mutate(live, rng)
    newer = tree.snapshot(live)
    first, second = site.listed().popitem()[0], site.backup()["time_dir"]
    for point, then in ((second, newer), (first, before)):
        site.restore(point, target, "--replace")
        tree.assert_same(then, tree.snapshot(target))


def make(path, kind):
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)
    if kind == "file":
        path.write_bytes(b"a file")
    elif kind == "folder":
        tree.write(path / "inside" / "it", b"below")
    elif kind == "empty folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to("b.dat")
    elif kind == "link to a folder":
        path.symlink_to("deep")
    elif kind == "fifo":
        os.mkfifo(path)


KINDS = ["file", "folder", "empty folder", "link", "link to a folder"]


def test_replace_turns_anything_into_anything(site, source, tmp_path):
    """Each kind over each other, over the same, over nothing, and nothing over each."""
    for old in KINDS + ["nothing", "fifo"]:
        for new in KINDS + ["nothing"]:
            make(source / f"{old} to {new}", new)
    before = tree.snapshot(source)
    site.backup()
    target = tmp_path / "target"
    site.restore("latest", target)
    for old in KINDS + ["nothing", "fifo"]:
        for new in KINDS + ["nothing"]:
            make(target / f"{old} to {new}", old)
    report = site.restore("latest", target, "--replace")
    tree.assert_same(before, tree.snapshot(target))
    assert total(report, "removed") > 0 and total(report, "kept_files") > 0


def test_replace_keeps_what_is_the_same_by_its_content_alone(site, source, tmp_path):
    site.backup()
    target = tmp_path / "target"
    site.restore("latest", target)
    inode = os.stat(target / "b.dat").st_ino
    status = os.stat(target / "a.txt")
    (target / "a.txt").write_bytes(b"CONTENT of a.txt")  # same size, and the mtime is put back: not the same
    os.utime(target / "a.txt", ns=(status.st_atime_ns, status.st_mtime_ns))
    os.utime(target / "b.dat", (5, 5))
    (target / "b.dat").chmod(0o777)
    tree.write(target / "surplus" / "file", b"in a folder")
    report = site.restore("latest", target, "--replace")
    assert (total(report, "kept_files"), total(report, "fetched_files"), total(report, "removed")) == (5, 1, 2)
    assert os.stat(target / "b.dat").st_ino == inode
    tree.assert_same(tree.snapshot(source), tree.snapshot(target))


def test_replace_does_not_write_through_hard_links_and_symlinks(site, source, tmp_path):
    """What stands outside the target stays as it is, however the target was prepared."""
    site.backup()
    outside, target = tmp_path / "outside", tmp_path / "target"
    tree.write(outside / "er" / "c.txt", b"not to be touched")
    tree.write(outside / "file", b"content of A.TXT")
    target.mkdir()
    (target / "deep").symlink_to(outside)  # where the point has a folder
    (target / "other").symlink_to("../outside/er")
    (target / "a.txt").symlink_to(outside / "file")
    os.link(outside / "file", target / "b.dat")
    untouched = tree.snapshot(outside)
    site.restore("latest", target, "--replace")
    tree.assert_same(untouched, tree.snapshot(outside))
    tree.assert_same(tree.snapshot(source), tree.snapshot(target))


def test_a_staging_folder_that_was_planted_as_a_symlink_is_not_followed(site, tmp_path):
    site.backup()
    outside, target = tmp_path / "outside", tmp_path / "target"
    outside.mkdir()
    target.mkdir()
    (target / OURS).symlink_to(outside)
    before = tree.snapshot(tmp_path / "outside"), tree.snapshot(target)
    for more in ((), ("--replace",)):
        report = site.restore("latest", target, *more, check=harness.USAGE)
        assert OURS in report["error"]["text"]
        assert (tree.snapshot(outside), tree.snapshot(target)) == before


# --- refused ---

def test_a_target_that_holds_something_is_refused_and_untouched(site, tmp_path):
    site.backup()
    for kind in ("file", "folder", "link", "empty folder"):
        target = tmp_path / f"holds a {kind}"
        target.mkdir()
        make(target / "something", kind)
        before = tree.snapshot(target)
        report = site.restore("latest", target, check=harness.USAGE)
        assert str(target) in report["error"]["text"] and "--replace" in report["error"]["text"]
        tree.assert_same(before, tree.snapshot(target))


@pytest.mark.parametrize("more", [(), ("--replace",), ("--dry-run",)], ids=str)
def test_a_target_that_is_no_folder_is_refused_and_untouched(site, tmp_path, more):
    site.backup()
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link", "file/below", "missing/below/it"):
        report = site.restore("latest", tmp_path / name, *more, check=harness.USAGE)
        assert str(tmp_path / name) in report["error"]["text"]
    assert (tmp_path / "file").read_bytes() == b"mine" and not (tmp_path / "missing").exists()


def test_a_disk_that_is_too_small_is_refused_before_anything_is_written(site, source, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    tree.write(source / "large", bytes(3 << 20))
    site.backup()
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], check=True)
    try:
        tree.write(disk / "target" / "b.dat", b"mine")
        before = tree.snapshot(disk)
        for name, more in (("target", ["--replace"]), ("target", ["--replace", "--dry-run"]), ("new", [])):
            report = site.restore("latest", disk / name, *more, check=harness.FAILED)
            assert report["error"]["class"] == "no_space" and total(report, "fetched_files") == 0
            assert report["requests"]["get"] < 4, "objects were fetched"
            tree.assert_same(before, tree.snapshot(disk), ignore=("mtime_ns",))
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        site.restore("latest", disk / "target", "--replace")
        tree.assert_same(tree.snapshot(source), tree.snapshot(disk / "target"))
    finally:
        subprocess.run(["umount", disk], check=True)


# --- a part ---

@pytest.mark.parametrize("patterns,wanted", [
    (["a.txt"], ["a.txt", "deep/a.txt", "other/a.txt"]),
    (["*.txt"], ["a.txt", "deep/a.txt", "deep/er/c.txt", "other/a.txt"]),
    (["deep"], ["deep/a.txt", "deep/er/c.txt", "deep/er/d.dat"]),
    (["deep/er"], ["deep/er/c.txt", "deep/er/d.dat"]),
    (["deep/*.txt"], ["deep/a.txt"]),
    (["*/a.txt"], ["deep/a.txt", "other/a.txt"]),
    (["other/a.txt", "b.*"], ["b.dat", "other/a.txt"]),
    (["/a.txt"], ["a.txt"]),
    (["link"], ["link"]),
    (["[ab].[td]*"], ["a.txt", "b.dat", "deep/a.txt", "other/a.txt"]),
], ids=str)
def test_only_brings_back_what_matches_and_the_folders_above(site, source, tmp_path, patterns, wanted):
    site.backup()
    only = [word for pattern in patterns for word in ("--only", pattern)]
    site.restore("latest", tmp_path / "target", *only)
    assert files_below(tmp_path / "target") == wanted
    before, after = tree.snapshot(source), tree.snapshot(tmp_path / "target")
    tree.assert_same({path: before[path] for path in after}, after)


@pytest.mark.parametrize("pattern", ["nothing", "er/c.txt", "a.txt/", "/c.txt", "deep/er/c.txt/x"])
def test_only_without_a_match_is_refused(site, tmp_path, pattern):
    site.backup()
    site.restore("latest", tmp_path / "target", "--only", pattern, check=harness.USAGE)
    assert not (tmp_path / "target").exists()


def test_only_with_replace_touches_nothing_else(site, source, tmp_path):
    site.backup()
    target = tmp_path / "target"
    tree.write(target / "mine", b"mine")
    tree.write(target / "a.txt", b"other content")
    tree.write(target / "deep" / "er" / "surplus", b"beside")
    mine = tree.snapshot(target)
    assert "--replace" in site.restore("latest", target, "--only", "a.txt", check=harness.USAGE)["error"]["text"]
    assert tree.snapshot(target) == mine
    site.restore("latest", target, "--only", "a.txt", "--replace")
    before, after = tree.snapshot(source), tree.snapshot(target)
    for path in (b"mine", b"deep/er/surplus"):
        assert after[path] == mine[path]
    for path in (b"a.txt", b"deep/a.txt", b"other/a.txt"):
        assert after[path] == before[path]
    assert b"b.dat" not in after


# --- dry runs ---

def test_a_dry_backup_changes_nothing_and_tells(site, store, source):
    def everything():
        return tree.snapshot(source), tree.snapshot(store.root)

    before = everything()
    result = site("backup", "--dry-run", "--json")
    assert result.json()["dry_run"] is True and total(result.json(), "uploaded_files") == 6
    assert result.json()["requests"]["put"] == 0 and everything() == before
    site.backup()
    tree.write(source / "new", b"12345")
    before = everything()
    report = site("backup", "--dry-run", "--json").json()
    assert report["status"] == "complete" and report["requests"]["put"] == 0 and everything() == before
    assert total(report, "files") == 7
    assert "new" in site("backup", "--dry-run").stdout
    assert everything() == before and len(site.listed()) == 1


def test_a_dry_restore_changes_nothing_and_tells(site, store, source, tmp_path):
    site.backup()
    objects = tree.snapshot(store.root)
    report = site.restore("latest", tmp_path / "target", "--dry-run")
    assert report["dry_run"] is True and total(report, "fetched_files") == 6 and not (tmp_path / "target").exists()
    target = tmp_path / "changed"
    site.restore("latest", target)
    (target / "a.txt").write_bytes(b"changed")
    tree.write(target / "surplus", b"to go")
    before = tree.snapshot(target)
    report = site.restore("latest", target, "--dry-run", "--replace")
    assert (total(report, "fetched_files"), total(report, "kept_files"), total(report, "removed")) == (1, 5, 1)
    site.restore("latest", target, "--dry-run", check=harness.USAGE)
    result = site("restore", "latest", "--to", target, "--dry-run", "--replace")
    told = result.stdout + result.stderr
    assert "a.txt" in told and "surplus" in told and "b.dat" not in told
    tree.assert_same(before, tree.snapshot(target))
    assert tree.snapshot(store.root) == objects


# --- killed ---

def staged(target):
    return files_below(target / OURS / "files")


@pytest.mark.parametrize("exists", [True, False], ids=["an empty target", "a new target"])
@pytest.mark.parametrize("number,status", [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 143)])
def test_a_restore_ended_while_it_fetches_changes_nothing_and_is_finished_by_the_next(site, source, tmp_path, number, status, exists):
    site.backup()
    target = tmp_path / "target"
    if exists:
        target.mkdir(mode=0o751)
        os.utime(target, (7, 7))
    before = tree.snapshot(target) if exists else None
    process = site.run.start("restore", "latest", "--to", target, "--config", site.config,
                             env={"SNAPFERRY_FAULT": "slow@get:60000:/data/other/"})
    wait_until(lambda: len(staged(target)) >= 5, process)
    process.send_signal(number)
    site.run.finish(process, check=status)
    if number == signal.SIGTERM:
        assert target.exists() == exists
        assert not exists or tree.snapshot(target) == before
    else:
        assert os.listdir(target) == [OURS] and "incomplete" not in os.listdir(target / OURS)
    site.restore("latest", target)
    tree.assert_same(tree.snapshot(source), tree.snapshot(target))


@pytest.mark.parametrize("replace", [False, True], ids=["into an empty folder", "with --replace"])
def test_a_restore_killed_while_it_places_leaves_its_marker_and_is_finished_by_the_next(run, store, tmp_path, replace):
    """It is killed as soon as its marker stands there; should it be quicker than this process, it is tried once more."""
    live = tmp_path / "live"
    tree.make_tree(live, small=2000, large=0)
    before, caught = tree.snapshot(live), 0
    site = harness.Site(run, store, {"data": live})
    site.backup()
    for attempt in range(10):
        target = tmp_path / f"target-{attempt}"
        if replace:
            tree.make_tree(target, seed=2, small=500, large=0)
        marker = os.fsencode(target / OURS / "incomplete")
        process = run.start("restore", "latest", "--to", target, "--config", site.config, *(["--replace"] if replace else []))
        while not os.path.exists(marker) and process.poll() is None:
            pass
        process.kill()
        run.finish(process, check=(-signal.SIGKILL, 0))
        if os.path.exists(marker):
            caught += 1
            report = site.restore("latest", target)  # without --replace: it is ours already
            assert total(report, "files") == total(report, "kept_files") + total(report, "fetched_files")
        tree.assert_same(before, tree.snapshot(target))
        if caught == 3:
            break
        tree.remove_tree(target)
    assert caught > 0


def test_a_second_restore_into_the_same_target_is_refused(site, source, tmp_path):
    site.backup()
    target = tmp_path / "target"
    process = site.run.start("restore", "latest", "--to", target, "--config", site.config,
                             env={"SNAPFERRY_FAULT": "slow@get:60000:/data/other/"})
    wait_until(lambda: len(staged(target)) >= 5, process)
    for more in ((), ("--replace",)):
        report = site.restore("latest", target, *more, check=harness.GUARD)
        assert str(process.pid) in report["error"]["text"]
    assert len(staged(target)) >= 5
    process.terminate()
    site.run.finish(process, check=143)
    site.restore("latest", target)
    tree.assert_same(tree.snapshot(source), tree.snapshot(target))
