# SPDX-License-Identifier: Apache-2.0
"""Later runs: what is unchanged is referred to, only changed content is sent, each point stays what it was."""
import datetime
import json
import os
import pathlib
import random
import re
import tempfile
import time

import pytest

import harness
from harness import total
from kit import tree

HOUR = 3600 * tree.NS


def age(folder, at=tree.OLD):
    """Sets all mtimes, so that no file is taken for a fresh one."""
    for path, _, names in os.walk(os.fsencode(folder)):
        for name in names + [b"."]:
            os.utime(os.path.join(path, name), ns=(at, at), follow_symlinks=False)


def overwrite(path, data, keep_mtime=True):
    """Other bytes in the same inode."""
    status = os.stat(path)
    path.write_bytes(data)
    if keep_mtime:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.fixture
def site(run, store, source):
    """A source of a few old files, small and (by its config) large."""
    for number in range(5):
        tree.write(source / "small" / f"{number}", b"small %d" % number)
    tree.write(source / "large", bytes(range(256)) * 64)
    tree.write(source / "none", b"")
    age(source)
    return harness.Site(run, store, {"data": source}, upload={"small_file_threshold": 4096})


def test_a_second_run_sends_nothing_and_is_a_point_of_its_own(run, store, tmp_path):
    folder = tmp_path / "made"
    tree.make_tree(folder, small=300, large=1)
    before = tree.snapshot(folder)
    site = harness.Site(run, store, {"data": folder})
    first = site.backup()
    objects = store.data()
    second = site.backup()
    assert total(second, "uploaded_files") == total(second, "uploaded_bytes") == total(second, "repaired_files") == 0
    assert total(second, "referenced_files") == total(second, "files") == total(first, "files") == len(objects)
    assert second["requests"]["put"] <= 5 and second["requests"]["get"] <= 10, second["requests"]
    assert store.data() == objects
    assert second["time_dir"] != first["time_dir"] and second["run"] != first["run"]
    assert store.commit(second["time_dir"])[0]["refers"] == [first["time_dir"]]
    assert site.listed() == {first["time_dir"]: "complete", second["time_dir"]: "complete"}
    site("verify", "--all", "--deep")
    for point in (first["time_dir"], second["run"]):
        site.restore(point, tmp_path / f"restored-{point}")
        tree.assert_same(before, tree.snapshot(tmp_path / f"restored-{point}"))


@pytest.fixture
def fast_folder():
    """In memory: many runs and restores of a whole tree."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="snapferry-e2e-", dir="/dev/shm"))
    yield folder
    tree.remove_tree(folder)


def sent_bytes(before, after):
    """What an incremental run must send: files whose path is new or whose content is other; what moved is new."""
    changed = [item for path, item in after.items() if item.type == "file"
               and (path not in before or before[path].type != "file" or before[path].sha256 != item.sha256)]
    return len(changed), sum(item.size for item in changed)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ten_points_restore_to_what_stood_there_and_only_changes_were_sent(run, fast_folder, seed):
    folder, rng = fast_folder / "live", random.Random(seed)
    tree.make_tree(folder, seed=seed, small=60, large=1)
    store = harness.Store(fast_folder / "store")
    store.root.mkdir()
    site = harness.Site(run, store, {"data": folder}, time_style="run" if seed == 2 else "daily")
    points, previous = {}, {}
    for number in range(10):
        if number:
            tree.mutate(folder, rng)
        now = tree.snapshot(folder)
        report = site.backup()
        assert tree.snapshot(folder) == now
        assert (total(report, "uploaded_files"), total(report, "uploaded_bytes")) == sent_bytes(previous, now), number
        assert total(report, "uploaded_files") + total(report, "referenced_files") == total(report, "files")
        points[report["time_dir"]] = previous = now
    assert site.listed() == {point: "complete" for point in points} and len(points) == 10
    assert site.findings("--all", "--deep") == []
    for point, then in points.items():
        site.restore(point, fast_folder / "restored")
        tree.assert_same(then, tree.snapshot(fast_folder / "restored"))
        tree.remove_tree(fast_folder / "restored")


def test_what_needs_no_sending_is_not_sent(site, source):
    site.backup()
    (source / "small" / "0").chmod(0o600)  # mode only
    os.utime(source / "small" / "1", ns=(0, tree.OLD + HOUR))  # touched: other mtime, same content
    os.utime(source / "large", ns=(0, tree.OLD + HOUR))
    (source / "small").chmod(0o700)
    (source / "link").symlink_to("large")
    (source / "folder").mkdir()
    report = site.backup()
    assert total(report, "uploaded_files") == total(report, "uploaded_bytes") == 0
    assert total(report, "referenced_files") == 7
    os.rename(source / "small" / "2", source / "small" / "renamed")  # the path is part of the key: sent
    report = site.backup()
    assert (total(report, "uploaded_files"), total(report, "uploaded_bytes")) == (1, len(b"small 2"))


def test_a_file_that_changes_right_after_a_backup_with_its_mtime_put_back_is_noticed(site, source, tmp_path):
    """Its mtime was not two seconds old when the run read it, so it proves nothing."""
    recent = time.time_ns() + tree.NS
    for name in ("small/0", "large"):
        os.utime(source / name, ns=(recent, recent))
    site.backup()
    large = bytes(range(255, -1, -1)) * 64
    overwrite(source / "small" / "0", b"SMALL 0")
    overwrite(source / "large", large)
    assert os.stat(source / "large").st_mtime_ns == recent
    report = site.backup()
    assert (total(report, "uploaded_files"), total(report, "uploaded_bytes")) == (2, len(b"SMALL 0") + len(large))
    site.restore("latest", tmp_path / "restored")
    tree.assert_same(tree.snapshot(source), tree.snapshot(tmp_path / "restored"))


def test_content_that_changed_behind_an_old_mtime_is_noticed_with_compare_hash_only(site, source):
    site.backup()
    overwrite(source / "small" / "0", b"SMALL 0")
    assert total(site.backup(), "uploaded_files") == 0
    site.configure(compare="hash")
    report = site.backup()
    assert (total(report, "uploaded_files"), total(report, "referenced_files")) == (1, 6)
    assert total(site.backup(), "uploaded_files") == 0


def test_a_parent_that_another_machine_made_is_compared_by_hash(site, source, store):
    point = site.backup()["time_dir"]
    overwrite(source / "small" / "0", b"SMALL 0")
    path = store.path(f".snapferry/points/{point}.commit")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps(dict(json.loads(lines[0]), identity="another machine"))] + lines[1:]) + "\n")
    report = site.backup()
    assert (total(report, "uploaded_files"), total(report, "referenced_files")) == (1, 6)


def test_with_incremental_off_everything_is_sent_again(site, store, tmp_path, source):
    first = site.backup()
    site.configure(incremental="off")
    second = site.backup()
    assert total(second, "uploaded_files") == total(second, "files") == 7 and total(second, "referenced_files") == 0
    assert store.commit(second["time_dir"])[0]["refers"] == []
    # so the older point can go
    os.rename(store.path(first["time_dir"]), tmp_path / "gone")
    site("verify", second["time_dir"], "--deep")
    site.restore(second["time_dir"], tmp_path / "restored")
    tree.assert_same(tree.snapshot(source), tree.snapshot(tmp_path / "restored"))


@pytest.mark.parametrize("name", ["small/0", "large", "none"])
@pytest.mark.parametrize("harm", ["removed", "truncated", "grown", "overwritten", "replaced"])
def test_an_object_that_is_harmed_is_sent_again_by_the_next_run(site, store, source, tmp_path, name, harm):
    if name == "none" and harm in ("truncated", "overwritten", "replaced"):
        harm = "grown"  # nothing else can happen to no bytes
    first = site.backup()["time_dir"]
    harmed = store.path(f"{first}/data/{name}")
    content = harmed.read_bytes()
    if harm == "removed":
        harmed.unlink()
    elif harm == "truncated":
        os.truncate(harmed, len(content) - 1)
    elif harm == "grown":
        harmed.write_bytes(content + b"x")
    elif harm == "overwritten":
        harmed.write_bytes(b"X" * len(content))
    else:
        harmed.unlink()
        harmed.write_bytes(b"X" * len(content))

    finding, = site.findings(first, check=harness.DAMAGE)
    assert name in json.dumps(finding), finding
    report = site.backup()
    assert (total(report, "repaired_files"), total(report, "uploaded_files")) == (1, 0), report
    assert total(report, "uploaded_bytes") == len(content)
    assert total(report, "referenced_files") == 6
    second = report["time_dir"]
    assert store.path(f"{second}/data/{name}").read_bytes() == content
    site("verify", second, "--deep")
    site.restore("latest", tmp_path / "restored")
    tree.assert_same(tree.snapshot(source), tree.snapshot(tmp_path / "restored"))
    # the older point is as damaged as before, and says so; the next run refers to the repaired object
    finding, = site.findings(first, "--deep", check=harness.DAMAGE)
    assert name in json.dumps(finding), finding
    assert len(site.findings("--all", check=harness.DAMAGE)) == 1
    third = site.backup()
    assert total(third, "repaired_files") == total(third, "uploaded_bytes") == 0
    site("verify", third["time_dir"], "--deep")


STYLES = {"daily": r"\d{4}-\d\d-\d\d", "hourly": r"\d{4}-\d\d-\d\d-\d\d", "run": r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ"}
FORMS = {"daily": "%Y-%m-%d", "hourly": "%Y-%m-%d-%H", "run": "%Y-%m-%dT%H-%M-%SZ"}


def utc():
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


@pytest.mark.parametrize("style", STYLES)
def test_the_first_run_has_its_styles_name_and_further_ones_that_of_their_time(site, style):
    site.configure(time_style=style)
    began = utc()
    reports = [site.backup(), site.backup(), site.backup()]
    ended = utc()
    names = [report["time_dir"] for report in reports]
    assert re.fullmatch(STYLES[style], names[0])
    assert began.strftime(FORMS[style]) <= names[0] <= ended.strftime(FORMS[style])
    assert len(set(names)) == 3
    if began.strftime(FORMS[style]) == ended.strftime(FORMS[style]) or style == "run":
        for name in names[1:]:
            assert re.fullmatch(STYLES["run"], name), names
    assert list(site.listed()) == names, "not in the order in which they were made"
    assert all(report["uploaded_files"] == 0 for report in reports[1:] for report in report["sources"])


def test_what_another_tool_made_is_shown_but_never_used_or_touched(site, store, source, tmp_path):
    """Folders with names of time-dirs and files in them, as the database's own tool leaves them."""
    today, tomorrow = (utc().strftime("%Y-%m-%d"), (utc() + datetime.timedelta(days=1)).strftime("%Y-%m-%d"))
    foreign = {"2001-02-03", today, tomorrow}  # tomorrow's too, should it be midnight
    for name in foreign:
        tree.write(store.path(f"{name}/data/small/0"), b"another tool's")
    theirs = {name: tree.snapshot(store.path(name)) for name in foreign}
    assert site.listed() == {name: "unverified" for name in foreign}

    report = site.backup()
    assert re.fullmatch(STYLES["run"], report["time_dir"])
    assert total(report, "uploaded_files") == 7
    site.backup()
    assert {name: tree.snapshot(store.path(name)) for name in foreign} == theirs
    assert {name: status for name, status in site.listed().items() if name in foreign} == \
        {name: "unverified" for name in foreign}

    for command in (("restore", today, "--to", tmp_path / "restored"), ("verify", today)):
        result = site(*command, check=harness.NO_POINT)
        assert today in result.stderr
    assert not (tmp_path / "restored").exists()
    site.restore("latest", tmp_path / "restored")
    tree.assert_same(tree.snapshot(source), tree.snapshot(tmp_path / "restored"))


def test_a_source_that_is_new_is_sent_and_the_others_are_referred_to(site, run, store, source, tmp_path):
    site.backup()
    tree.write(tmp_path / "second" / "file", b"new source")
    both = harness.Site(run, store, {"data": source, "second": tmp_path / "second"})
    report = both.backup()
    assert {part["name"]: part["uploaded_files"] for part in report["sources"]} == {"data": 0, "second": 1}
    # a run of one source is no parent for the other: that one's is the newest point that holds it
    assert total(both.backup("--source", "data"), "uploaded_files") == 0
    report = both.backup()
    assert total(report, "uploaded_files") == 0 and total(report, "referenced_files") == 8
