# SPDX-License-Identifier: Apache-2.0
"""What is damaged in the store is found and named, is never restored, and is made good by the next backup. Damaged manifests and
commits: test_damage_index.py."""
import os

import pytest

import harness
from harness import total
from damage import flip, hide_time, objects_of, two_points
from kit import tree

# How an object is damaged, and whether lists show it; else only reading every byte does.
DAMAGES = {
    "a byte flipped, its mtime kept": (lambda path: hide_time(path, flip), False),
    "a byte flipped": (flip, True),
    "truncated": (lambda path: os.truncate(path, path.stat().st_size - 1), True),
    "emptied": (lambda path: os.truncate(path, 0), True),
    "grown": (lambda path: path.write_bytes(path.read_bytes() + b"x"), True),
    "removed": (lambda path: path.unlink(), True),
    "replaced by another file": (lambda path: (path.unlink(), path.write_bytes(b"another")), True),
    "replaced by a folder": (lambda path: (path.unlink(), path.mkdir()), True),
}
DAMAGED = pytest.mark.parametrize("how", DAMAGES)


@pytest.fixture
def site(run, store, tmp_path):
    return two_points(run, store, tmp_path)


def damage(site, key, how):
    DAMAGES[how][0](site.store.path(key))


def named(findings):
    """The keys that are damaged; each with a text that says how."""
    assert all(finding["text"] for finding in findings)
    return sorted(finding["key"] for finding in findings if finding["damage"])


@DAMAGED
@pytest.mark.parametrize("name", ["old", "new"])
def test_a_damaged_object_is_found_and_named(how, name, site):
    """old lies in the first point's time-dir and belongs to both, new belongs to the second alone."""
    key = f"{site.first if name == 'old' else site.second}/data/{name}"
    damage(site, key, how)
    assert named(site.findings(site.second, "--deep", check=harness.DAMAGE)) == [key]
    if DAMAGES[how][1]:
        assert named(site.findings(site.second, check=harness.DAMAGE)) == [key]
        assert named(site.findings(check=harness.DAMAGE)) == [key]
    if name == "old":
        assert named(site.findings(site.first, "--deep", check=harness.DAMAGE)) == [key]
    else:
        assert site.findings(site.first, "--deep") == []
    assert key in site("verify", "--deep", check=harness.DAMAGE).stderr


@DAMAGED
@pytest.mark.parametrize("target_holds", ["nothing", "something", "not there"])
def test_a_damaged_point_is_not_restored(how, target_holds, site, tmp_path):
    key = f"{site.first}/other/deep/old"
    damage(site, key, how)
    target, flags = tmp_path / "target", []
    if target_holds != "not there":
        target.mkdir()
    if target_holds == "something":
        tree.write(target / "data" / "precious", b"precious")
        tree.write(target / "other" / "deep" / "old", b"older")
        (target / "other" / "link").symlink_to("deep")
        flags = ["--replace"]
    before = tree.snapshot(target) if target.exists() else None
    result = site("restore", site.second, "--to", target, "--json", *flags, check=harness.DAMAGE)
    assert result.json()["status"] == "failed" and result.json()["error"]["class"] == "corrupt"
    assert key in result.stderr
    if before is None:
        assert not target.exists()
    else:
        assert target_holds == "something" or os.listdir(target) == []
        del before[b""]  # folders of sources were made in it and taken away again
        tree.assert_same(before, {path: item for path, item in tree.snapshot(target).items() if path})


def test_a_symlink_in_place_of_an_object_is_not_followed(site, tmp_path):
    """Not even to the same content: it could be another tomorrow."""
    key = f"{site.first}/data/old"
    tree.write(tmp_path / "elsewhere", site.store.path(key).read_bytes())
    site.store.path(key).unlink()
    site.store.path(key).symlink_to(tmp_path / "elsewhere")
    assert named(site.findings(site.second, check=harness.DAMAGE)) == [key]
    assert named(site.findings(site.second, "--deep", check=harness.DAMAGE)) == [key]
    assert key in site("restore", "latest", "--to", tmp_path / "target", check=harness.DAMAGE).stderr
    assert not (tmp_path / "target").exists()
    assert total(site.backup(), "repaired_files") == 1
    assert site.findings("--deep") == []


def test_a_point_that_does_not_refer_to_the_damage_is_restored(site, tmp_path):
    damage(site, f"{site.second}/data/new", "a byte flipped")
    site.restore(site.first, tmp_path / "first")
    for name in site.sources:
        tree.assert_same(site.held[site.first][name], tree.snapshot(tmp_path / "first" / name))


def test_the_sources_that_are_whole_can_still_be_restored_by_name(site, tmp_path):
    damage(site, f"{site.first}/data/old", "removed")
    target = tmp_path / "other"
    site("restore", "latest", "--source", f"other={target}")
    tree.assert_same(site.held[site.second]["other"], tree.snapshot(target))


def test_all_of_several_damages_are_named(site):
    keys = {f"{site.first}/data/old": "removed", f"{site.first}/data/changed": "truncated", f"{site.first}/other/deep/old": "emptied",
            f"{site.second}/data/new": "grown", f"{site.second}/data/changed": "replaced by another file"}
    for key, how in keys.items():
        damage(site, key, how)
    of_first = [f"{site.first}/data/changed", f"{site.first}/data/old", f"{site.first}/other/deep/old"]
    of_second = sorted(set(keys) - {f"{site.first}/data/changed"})
    for flags in [], ["--deep"]:
        report = site("verify", "--all", "--json", *flags, check=harness.DAMAGE).json()
        assert {point["time_dir"]: (point["status"], named(point["findings"])) for point in report["points"]} == {
            site.first: ("damaged", of_first), site.second: ("damaged", of_second)}
        assert [point["damaged"] for point in report["points"]] == [3, 4]
        stderr = site("verify", "--all", *flags, check=harness.DAMAGE).stderr
        assert all(key in stderr for key in keys)


def test_all_objects_gone_is_named_object_by_object(site):
    gone = sorted(site.store.data())
    for key in gone:
        site.store.path(key).unlink()
    report = site("verify", "--all", "--json", check=harness.DAMAGE).json()
    assert sorted({key for point in report["points"] for key in named(point["findings"])}) == gone


@pytest.mark.parametrize("key", ["data/surplus", "data/old.tmp", "data/old/below a file's name", "other/deep/z", "third/source"])
@pytest.mark.parametrize("flags", [[], ["--deep"]], ids=["lists", "deep"])
def test_a_surplus_object_in_the_points_own_time_dir_is_named_and_no_damage(key, flags, site, tmp_path):
    key = f"{site.second}/{key}"
    tree.write(site.store.path(key), b"surplus")
    findings = site.findings(site.second, *flags)
    if key.startswith(f"{site.second}/third/"):  # of no source of the point
        assert [finding for finding in findings if finding["damage"]] == []
    else:
        assert [(finding["key"], finding["damage"]) for finding in findings] == [(key, False)]
        assert key in site("verify", site.second, *flags).stderr
    assert site.findings(site.first, *flags) == []
    site.restore(site.second, tmp_path / "target")
    for name in site.sources:
        tree.assert_same(site.held[site.second][name], tree.snapshot(tmp_path / "target" / name))


# --- the next backup makes it good ---

@pytest.mark.parametrize("how", [how for how, (_, listed) in DAMAGES.items() if listed])
def test_the_next_backup_sends_again_what_is_damaged(how, site, tmp_path):
    keys = [f"{site.first}/data/old", f"{site.first}/other/deep/old", f"{site.second}/data/new"]
    for key in keys:
        damage(site, key, how)
    before = site.store.objects()
    result = site("backup", "--json")
    report = result.json()
    third = report["time_dir"]
    assert report["status"] == "complete"
    assert [(source["name"], source["repaired_files"], source["uploaded_files"]) for source in report["sources"]] == [
        ("data", 2, 0), ("other", 1, 0)]
    assert total(report, "referenced_files") + 3 == total(report, "files")
    assert all(key in result.stderr for key in keys)
    assert objects_of(site.store, third) == {"data/old", "data/new", "other/deep/old"}
    assert site.findings(third, "--deep") == []
    assert before.items() <= site.store.objects().items(), "what other points refer to was touched"
    found = {point["time_dir"]: named(point["findings"])
             for point in site("verify", "--all", "--deep", "--json", check=harness.DAMAGE).json()["points"]}
    assert found == {site.first: sorted(keys[:2]), site.second: sorted(keys), third: []}
    site.restore("latest", tmp_path / "target")
    for name, live in site.sources.items():
        tree.assert_same(tree.snapshot(live), tree.snapshot(tmp_path / "target" / name))
    assert total(site.backup(), "repaired_files") == 0


def test_a_whole_time_dir_that_is_gone_is_sent_again(site, tmp_path):
    tree.remove_tree(site.store.path(site.first))
    report = site.backup()
    assert total(report, "repaired_files") == 2  # data/old and other/deep/old
    assert site.findings(report["time_dir"], "--deep") == []
    site.restore("latest", tmp_path / "target")
    for name, live in site.sources.items():
        tree.assert_same(tree.snapshot(live), tree.snapshot(tmp_path / "target" / name))


def test_damage_of_a_file_that_is_no_longer_there_does_not_concern_the_next_backup(site):
    damage(site, f"{site.first}/data/old", "removed")
    (site.sources["data"] / "old").unlink()
    report = site.backup()
    assert total(report, "repaired_files") == 0
    assert site.findings(report["time_dir"], "--deep") == []
