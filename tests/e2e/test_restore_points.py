# SPDX-License-Identifier: Apache-2.0
"""Which point a restore takes, and that a point's sources come back all together or not at all."""
import os
import pathlib
import tempfile

import pytest

import harness
from kit import tree


@pytest.fixture
def site(run, store, source):
    tree.write(source / "a.txt", b"content")
    tree.write(source / "deep" / "b.txt", b"more content")
    return harness.Site(run, store, {"data": source})


def files_below(folder):
    return sorted(os.path.relpath(os.path.join(path, name), folder) for path, _, names in os.walk(folder) for name in names)


def test_a_point_is_named_by_its_time_dir_its_run_or_latest(site, source, tmp_path):
    first, before = site.backup(), tree.snapshot(source)
    (source / "a.txt").write_bytes(b"newer")
    second, after = site.backup(), tree.snapshot(source)
    for number, (point, then) in enumerate([(first["time_dir"], before), (first["run"], before), (second["time_dir"], after),
                                            (second["run"], after), ("latest", after)]):
        report = site.restore(point, tmp_path / f"target-{number}")
        assert report["run"] == (first if then is before else second)["run"]
        tree.assert_same(then, tree.snapshot(tmp_path / f"target-{number}"))
    assert site.restore(second["run"][:8], tmp_path / "by-digits")["run"] == second["run"]
    for point in ("2001-01-01", "0" * 32, first["run"][:7], first["run"] + "0", first["time_dir"] + "-00", "../" + first["time_dir"],
                  "nothing"):
        report = site.restore(point, tmp_path / "none", check=harness.NO_POINT)
        assert report["status"] == "failed" and point in report["error"]["text"]
    assert not (tmp_path / "none").exists()


def test_latest_is_the_newest_point_that_holds_every_source_asked_for(run, store, source, tmp_path):
    tree.write(source / "one" / "file", b"1")
    tree.write(source / "two" / "file", b"2")
    sources = {"one": source / "one", "two": source / "two"}
    both = harness.Site(run, store, sources)
    first, second = both.backup()["time_dir"], both.backup("--source", "two")["time_dir"]
    where = ("--dest", store.url)  # no config: it asks for all of its sources

    def chosen(*words):
        target = pathlib.Path(tempfile.mkdtemp(dir=tmp_path))
        return run("restore", "latest", "--to", target, "--json", *words).json()["time_dir"]

    assert chosen(*where) == second
    assert chosen(*where, "--source", "two") == second
    assert chosen(*where, "--source", "one") == chosen(*where, "--source", "one", "--source", "two") == first
    assert chosen("--config", both.config) == first
    for point, name in (("latest", "three"), (second, "one")):
        result = run("restore", point, *where, "--to", tmp_path / "none", "--source", name, check=harness.NO_POINT)
        assert name in result.stderr
    assert not (tmp_path / "none").exists()


@pytest.fixture
def three(run, store, source):
    """Three sources, backed up together."""
    for name in ("one", "three", "two"):
        tree.write(source / name / "folder" / f"in {name}", name.encode())
        tree.write(source / name / "same", b"in each")
    site = harness.Site(run, store, {name: source / name for name in ("one", "three", "two")})
    site.point = site.backup()["time_dir"]
    return site


@pytest.mark.parametrize("name", ["one", "three", "two"])
@pytest.mark.parametrize("more", [(), ("--replace",)], ids=str)
def test_damage_in_one_source_leaves_the_targets_of_all_as_they_were(three, store, tmp_path, name, more):
    """A point is all of its sources together."""
    target = tmp_path / "target"
    if more:
        for source in three.sources:
            tree.write(target / source / "same", b"mine")
    before = tree.snapshot(tmp_path)
    store.path(f"{three.point}/{name}/folder/in {name}").write_bytes(b"X" * len(name))
    before = {path: item for path, item in tree.snapshot(tmp_path).items() if path.startswith(b"target")}
    three.restore("latest", target, *more, check=harness.DAMAGE)
    after = {path: item for path, item in tree.snapshot(tmp_path).items() if path.startswith(b"target")}
    tree.assert_same(before, after)


def test_one_target_that_is_refused_leaves_those_of_all_as_they_were(three, tmp_path):
    tree.write(tmp_path / "target" / "two" / "mine", b"mine")
    before = tree.snapshot(tmp_path / "target" / "two")
    three.restore("latest", tmp_path / "target", check=harness.USAGE)
    assert os.listdir(tmp_path / "target") == ["two"]
    tree.assert_same(before, tree.snapshot(tmp_path / "target" / "two"))


@pytest.mark.parametrize("first,second", [("target", "target/below"), ("target/below", "target"), ("target", "target"),
                                          ("target", "target//below/")])
@pytest.mark.parametrize("exists", [False, True], ids=["new", "there"])
def test_targets_inside_each_other_are_refused(three, tmp_path, first, second, exists):
    """The one would remove what the other brings back."""
    if exists:
        tree.write(tmp_path / "target" / "below" / "mine", b"mine")
    before = [path for path in tree.snapshot(tmp_path) if path.startswith(b"target")]
    result = three("restore", "latest", "--source", f"one={tmp_path}/{first}", "--source", f"two={tmp_path}/{second}", "--replace",
                   check=harness.USAGE)
    assert "one" in result.stderr and "two" in result.stderr
    assert [path for path in tree.snapshot(tmp_path) if path.startswith(b"target")] == before


def test_only_counts_over_all_sources(three, tmp_path):
    """What matches in one source brings that back; only what matches nowhere is refused."""
    three.restore("latest", tmp_path / "target", "--only", "in two")
    assert files_below(tmp_path / "target") == ["two/folder/in two"]
    three.restore("latest", tmp_path / "none", "--only", "in four", check=harness.USAGE)
    assert not (tmp_path / "none").exists()
