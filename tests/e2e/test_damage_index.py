# SPDX-License-Identifier: Apache-2.0
"""Manifests and commits that are damaged, missing, or not for this version: found and named, nothing is restored from them, and
the next backup goes on without them."""
import json

import pytest

import harness
from harness import total
from damage import (commit_path, flip, hide_time, replace, rewrite_commit, rewrite_manifest, seal, two_points)
from kit import tree

GONE = (harness.DAMAGE, harness.NO_POINT)


@pytest.fixture
def site(run, store, tmp_path):
    return two_points(run, store, tmp_path)


def cut_trailer(lines):
    del lines[-1]


def cut_entry(lines):
    del lines[-2]


def swap_entries(lines):
    lines[2], lines[3] = lines[3], lines[2]


def doubled_entry(lines):
    lines.insert(3, dict(lines[2]))


def wrong_trailer(lines):
    lines[-1] = {**lines[-1], "end": True, "files": lines[-1]["files"] + 1}


def foreign_key(lines):
    file = next(line for line in lines if line.get("key"))
    file["key"] = file["key"].rsplit("/", 1)[0] + "/changed"


def unknown_feature(lines):
    lines[0]["features"] = ["bundles"]


def unknown_version(lines):
    lines[0]["version"] = 2


def after_trailer(lines):
    lines.append({"path": "later", "type": "dir", "mtime_ns": 0, "mode": "0755", "uid": 0, "gid": 0})


def other_source(lines):
    lines[0]["source"] = "other"


def other_run(lines):
    lines[0]["run"] = "0" * 32


# Manifests whose digest is right, as the commit says it: only reading them tells. With words of the message.
CONTENT = {
    "without its trailer": (cut_trailer, "trailer"),
    "an entry less than the trailer says": (cut_entry, "trailer"),
    "a trailer that counts wrong": (wrong_trailer, "trailer"),
    "entries out of order": (swap_entries, "order"),
    "an entry twice": (doubled_entry, "twice"),
    "a key of another file": (foreign_key, "key"),
    "a line after the trailer": (after_trailer, "trailer"),
    "an unknown feature": (unknown_feature, "bundles"),
    "an unknown version": (unknown_version, "version"),
    "that of another source": (other_source, "source"),
    "that of another run": (other_run, "run"),
}

# Those that are known as soon as a manifest is opened; the others only when it has been read to where they are.
AT_ONCE = ["an unknown feature", "an unknown version", "that of another source", "that of another run"]

# Manifest objects that are not what the commit says.
OBJECT = {
    "missing": lambda site, path: path.unlink(),
    "empty": lambda site, path: replace(path, b""),
    "truncated": lambda site, path: replace(path, path.read_bytes()[:-5]),
    "a byte flipped": lambda site, path: flip(path, 100),
    "a byte flipped, its mtime kept": lambda site, path: hide_time(path, lambda path: flip(path, 100)),
    "that of the first point": lambda site, path: replace(path, site.store.manifest_path(site.first, "data").read_bytes()),
    "garbage that the commit vouches for": lambda site, path: (replace(path, b"no zstd"), seal(site.store, site.second, "data")),
}


def manifest_key(time_dir):
    return f"{time_dir}/.snapferry/data.manifest.jsonl.zst"


def damage_manifest(site, how):
    """Of the second point's source data. Returns the words that the message must have."""
    if how in CONTENT:
        rewrite_manifest(site.store, site.second, "data", CONTENT[how][0])
        return CONTENT[how][1]
    OBJECT[how](site, site.store.manifest_path(site.second, "data"))
    return "manifest"


def expect_damaged(site, point, key, word=""):
    for flags in [], ["--deep"]:
        result = site("verify", point, "--json", *flags, check=harness.DAMAGE)
        finding, = result.json()["points"][0]["findings"]
        assert finding["damage"] and finding["key"] == key and word in finding["text"], finding
        assert key in result.stderr


def expect_nothing_restored(site, point, folder, status, *words):
    """Into an empty folder, one that is not there, and with --replace over others: each stays as it is."""
    folder.mkdir(exist_ok=True)
    empty, full, missing = folder / "empty", folder / "full", folder / "missing"
    empty.mkdir()
    tree.write(full / "data" / "old", b"precious")
    tree.write(full / "other" / "mine", b"precious")
    before = tree.snapshot(full), tree.snapshot(empty)
    for target, flags in (empty, []), (full, ["--replace"]), (missing, []):
        result = site("restore", point, "--to", target, "--json", *flags, check=status)
        assert result.json()["status"] == "failed"
        for word in words:
            assert word in result.stderr, result
    tree.assert_same(before[0], tree.snapshot(full))
    tree.assert_same(before[1], tree.snapshot(empty))
    assert not missing.exists()


def expect_restores(site, point, target):
    site.restore(point, target)
    for name, items in site.held[point].items():
        tree.assert_same(items, tree.snapshot(target / name))


# --- manifests ---

@pytest.mark.parametrize("how", [*OBJECT, *CONTENT])
def test_a_damaged_manifest_is_named_and_nothing_is_restored_from_it(how, site, tmp_path):
    word = damage_manifest(site, how)
    expect_damaged(site, site.second, manifest_key(site.second), word)
    expect_nothing_restored(site, site.second, tmp_path, GONE, manifest_key(site.second))
    expect_nothing_restored(site, "latest", tmp_path / "again", GONE, manifest_key(site.second))
    assert site.listed() == {site.first: "complete", site.second: "complete"}
    assert site.findings(site.first, "--deep") == []
    expect_restores(site, site.first, tmp_path / "first")


@pytest.mark.parametrize("how", [*OBJECT, *AT_ONCE])
def test_the_next_backup_warns_of_a_damaged_manifest_and_builds_upon_an_older_point(how, site, tmp_path):
    damage_manifest(site, how)
    result = site("backup", "--json")
    report = result.json()
    assert report["status"] == "complete"
    assert "warning" in result.stderr and manifest_key(site.second) in result.stderr
    data, other = report["sources"]
    assert (data["referenced_files"], data["uploaded_files"]) == (1, 2)  # the first point knows data/old as it is
    assert (other["referenced_files"], other["uploaded_files"]) == (1, 0)
    third = report["time_dir"]
    assert site.store.commit(third)[1]["parent"]["time_dir"] == site.first
    assert site.store.commit(third)[2]["parent"]["time_dir"] == site.second
    assert site.findings(third, "--deep") == []
    expect_damaged(site, site.second, manifest_key(site.second))
    site.restore("latest", tmp_path / "target")
    for name, live in site.sources.items():
        tree.assert_same(tree.snapshot(live), tree.snapshot(tmp_path / "target" / name))


@pytest.mark.parametrize("how", ["without its trailer", "entries out of order", "a key of another file"])
def test_a_backup_does_not_build_upon_a_manifest_that_lies_although_its_digest_is_right(how, site):
    """No damage of the store does that. The run fails rather than commit what it took from there; incremental off is the way out."""
    damage_manifest(site, how)
    result = site("backup", "--json", check=harness.FAILED)
    assert result.json()["error"]["class"] == "corrupt" and manifest_key(site.second) in result.stderr
    assert sorted(site.listed().values()) == ["complete", "complete", "incomplete"]
    site.configure(incremental="off", time_style="run")
    report = site.backup()
    assert total(report, "uploaded_files") == total(report, "files")
    site.configure(time_style="run")
    report = site.backup()
    assert total(report, "referenced_files") == total(report, "files")
    assert site.findings("--deep") == []


def test_with_all_manifests_damaged_the_next_backup_sends_everything(site):
    for point in site.first, site.second:
        for name in site.sources:
            flip(site.store.manifest_path(point, name), 50)
    report = site.backup()
    assert total(report, "uploaded_files") == total(report, "files")
    assert site.findings(report["time_dir"], "--deep") == []
    found = site.findings("--all", check=harness.DAMAGE)
    assert sorted(finding["key"] for finding in found) == sorted(
        f"{point}/.snapferry/{name}.manifest.jsonl.zst" for point in (site.first, site.second) for name in site.sources)


# --- commits ---

def edited(change):
    return lambda site, path: rewrite_commit(site.store, site.second, change)


def set_in_head(**members):
    return edited(lambda lines: lines[0].update(members))


COMMITS = {
    "truncated": lambda site, path: replace(path, path.read_bytes()[:-20]),
    "without its last line": edited(lambda lines: lines.pop()),
    "without its last newline": lambda site, path: replace(path, path.read_bytes()[:-1]),
    "empty": lambda site, path: replace(path, b""),
    "garbage": lambda site, path: replace(path, b"\x00\xff\xfe no point \n"),
    "half a line": lambda site, path: replace(path, b'{"format":"snapferry-po'),
    "valid JSON of another kind": lambda site, path: replace(path, b'["stub"]\n'),
    "that of the first point": lambda site, path: replace(path, commit_path(site.store, site.first).read_bytes()),
    "an unknown feature": set_in_head(features=["bundles"]),
    "an unknown version": set_in_head(version=2),
    "another format": set_in_head(format="snapferry-open"),
    "an object of 5 MiB": lambda site, path: replace(path, b" " * (5 << 20)),
}


@pytest.mark.parametrize("how", COMMITS)
def test_a_damaged_commit_is_named_and_never_restored(how, site, tmp_path):
    path = commit_path(site.store, site.second)
    COMMITS[how](site, path)
    key = str(path.relative_to(site.store.root))
    assert site.listed() == {site.first: "complete", site.second: "damaged"}
    report = site("verify", "--all", "--json", check=harness.DAMAGE).json()
    assert {point["time_dir"]: [finding["key"] for finding in point["findings"]] for point in report["points"]} == {
        site.first: [], site.second: [key]}
    result = site("verify", site.second, "--json", check=harness.DAMAGE)
    assert site.second in result.stderr and "commit" in result.stderr
    expect_nothing_restored(site, site.second, tmp_path, GONE, site.second, "commit")
    expect_restores(site, site.first, tmp_path / "first")
    site.restore("latest", tmp_path / "latest")
    tree.assert_same(site.held[site.first]["data"], tree.snapshot(tmp_path / "latest" / "data"))


@pytest.mark.parametrize("how", COMMITS)
def test_the_next_backup_does_not_build_upon_a_damaged_commit(how, site):
    path = commit_path(site.store, site.second)
    COMMITS[how](site, path)
    damaged = path.read_bytes()
    report = site.backup()
    commit = site.store.commit(report["time_dir"])
    assert [line["parent"]["time_dir"] for line in commit[1:]] == [site.first] * 2
    assert site.findings(report["time_dir"], "--deep") == []
    assert site.listed()[report["time_dir"]] == "complete"
    assert path.read_bytes() == damaged, "a damaged commit is evidence"


def test_a_commit_that_says_an_unknown_feature_is_said_to_need_it(site):
    COMMITS["an unknown feature"](site, commit_path(site.store, site.second))
    assert "bundles" in site("verify", site.second, check=harness.DAMAGE).stderr


@pytest.mark.parametrize("reason", ["pruned", "never"])
def test_a_stub_means_that_there_is_no_such_point(reason, site, tmp_path):
    replace(commit_path(site.store, site.second), (json.dumps({"stub": reason}) + "\n").encode())
    assert "complete" not in {time_dir: status for time_dir, status in site.listed().items()}.get(site.second, "")
    expect_nothing_restored(site, site.second, tmp_path, harness.NO_POINT, site.second)
    assert site.second in site("verify", site.second, check=harness.NO_POINT).stderr
    assert [point["time_dir"] for point in site("verify", "--all", "--json").json()["points"]] == [site.first]
    site.restore("latest", tmp_path / "latest")
    tree.assert_same(site.held[site.first]["data"], tree.snapshot(tmp_path / "latest" / "data"))
    assert site.store.commit(site.backup()["time_dir"])[1]["parent"]["time_dir"] == site.first


def test_without_its_commit_a_point_is_an_unfinished_run(site, tmp_path):
    commit_path(site.store, site.second).unlink()
    assert site.listed() == {site.first: "complete", site.second: "incomplete"}
    expect_nothing_restored(site, site.second, tmp_path, harness.NO_POINT, site.second)


def test_without_its_open_a_point_is_as_good_as_before(site, tmp_path):
    commit_path(site.store, site.second).with_suffix(".open").unlink()
    assert site.listed() == {site.first: "complete", site.second: "complete"}
    assert site.findings("--all", "--deep") == []
    expect_restores(site, site.second, tmp_path / "target")


def test_every_one_of_several_damages_is_named(site):
    flip(site.store.manifest_path(site.first, "data"), 60)
    site.store.manifest_path(site.first, "other").unlink()
    replace(commit_path(site.store, site.second), b"garbage")
    third = site.backup()["time_dir"]
    site.store.path(f"{third}/data/old").unlink()
    flip(site.store.path(f"{third}/other/deep/old"))
    keys = [finding["key"] for finding in site.findings("--all", check=harness.DAMAGE)]
    assert sorted(keys) == sorted([
        f"{site.first}/.snapferry/data.manifest.jsonl.zst", f"{site.first}/.snapferry/other.manifest.jsonl.zst",
        f".snapferry/points/{site.second}.commit", f"{third}/data/old", f"{third}/other/deep/old"])
