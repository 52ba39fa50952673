# SPDX-License-Identifier: Apache-2.0
"""A store that refuses, stumbles or loses its answers: nothing is committed on trust, nothing is removed, the error is told, and
the next run succeeds."""
import pytest

import harness
from harness import total
from kit import tree

# What a put may be answered with for good, and how the run then ends.
FINAL_CLASSES = {
    "permanent": harness.FAILED, "not_found": harness.FAILED, "invalid": harness.FAILED, "unsupported": harness.FAILED,
    "too_large": harness.FAILED, "no_space": harness.FAILED, "immutable": harness.FAILED, "archived": harness.FAILED,
    "corrupt": harness.FAILED, "exists": harness.FAILED, "precondition": harness.FAILED,
    "denied": harness.DENIED, "auth": harness.DENIED,
}
FILES = 9


@pytest.fixture
def site(run, store, source):
    """Two sources with nine files, two of them large, sent by one worker so that the order of puts is known."""
    for number in range(6):
        tree.write(source / "small" / f"{number}.dat", b"content %d\n" % number)
    tree.write(source / "big", b"0123456789abcdef" * 1000)
    other = source.parent / "other"
    tree.write(other / "one", b"1")
    tree.write(other / "two", b"2" * 5000)
    return harness.Site(run, store, {"data": source, "other": other},
                        upload={"concurrency": 1, "small_file_threshold": 4096})


def expect_exact(site, folder):
    """The newest point restores to what the sources hold now."""
    folder.mkdir()
    site.restore("latest", folder)
    for name, live in site.sources.items():
        tree.assert_same(tree.snapshot(live), tree.snapshot(folder / name))


def commits(store):
    return [key for key in store.objects() if key.endswith(".commit")]


def fails(site, rule, status, **how):
    """A backup that must fail; its report. What stood in the store before must still stand there, and no point be added."""
    before, points = site.store.objects(), commits(site.store)
    result = site("backup", "--json", check=status, env={"SNAPFERRY_FAULT": rule}, **how)
    report = result.json()
    assert report["status"] == "failed"
    assert before.items() <= site.store.objects().items(), "something was removed or changed"
    assert commits(site.store) == points
    assert report["error"]["text"] in result.stderr
    return report


@pytest.mark.parametrize("cls", FINAL_CLASSES)
def test_a_put_that_fails_for_good_ends_the_run_and_is_named(cls, site, tmp_path):
    report = fails(site, f"fail@put:*:{cls}:/data/small/1.dat", FINAL_CLASSES[cls])
    error = report["error"]
    assert error["class"] == cls
    assert error["path"] == str(site.sources["data"] / "small" / "1.dat")
    assert error["path"] in error["text"] or "data/small/1.dat" in error["text"]
    assert cls in error["text"]
    assert list(site.listed().values()) == ["incomplete"]
    assert report["retries"] == 0
    site.backup()
    expect_exact(site, tmp_path / "restored")


def test_the_first_failure_is_the_one_that_is_told(site):
    """With one worker the third put is that of small/0.dat: .open, big, then small/ in order."""
    report = fails(site, "fail@put:3:permanent,fail@put:4:denied", harness.FAILED)
    assert report["error"]["class"] == "permanent"
    assert report["error"]["path"] == str(site.sources["data"] / "small" / "0.dat")


def test_a_failure_on_top_of_a_point_leaves_that_one_whole(site, tmp_path):
    first = site.backup()
    live = {name: tree.snapshot(folder) for name, folder in site.sources.items()}
    tree.write(site.sources["data"] / "new", b"new")
    fails(site, "fail@put:1:no_space:/new", harness.FAILED)
    listed = site.listed()
    assert listed.pop(first["time_dir"]) == "complete"
    assert list(listed.values()) == ["incomplete"]
    assert site.findings("--all", "--deep") == []
    target = tmp_path / "restored"
    target.mkdir()
    site.restore("latest", target)
    for name, before in live.items():
        tree.assert_same(before, tree.snapshot(target / name))


@pytest.mark.parametrize("key", [".open", ".manifest.jsonl.zst", ".commit"])
@pytest.mark.parametrize("cls", ["permanent", "denied"])
def test_a_put_of_our_own_objects_that_fails_is_named_by_its_key(key, cls, site, tmp_path):
    report = fails(site, f"fail@put:1:{cls}:{key}", FINAL_CLASSES[cls])
    assert report["error"]["class"] == cls
    assert key in report["error"]["text"]
    assert "complete" not in site.listed().values()
    site.backup()
    expect_exact(site, tmp_path / "restored")


@pytest.mark.parametrize("slot", ["list", "get"])
@pytest.mark.parametrize("cls", ["permanent", "denied"])
def test_a_store_that_cannot_be_read_ends_the_run(slot, cls, site):
    site.backup()
    assert fails(site, f"fail@{slot}:*:{cls}", FINAL_CLASSES[cls])["error"]["class"] == cls


@pytest.mark.parametrize("command", ["list", "verify", "verify --deep", "restore latest"])
@pytest.mark.parametrize("cls", ["permanent", "denied"])
@pytest.mark.parametrize("slot", ["list", "get"])
def test_reading_commands_say_that_the_store_cannot_be_read(command, cls, slot, site, tmp_path):
    site.backup()
    words = command.split()
    if words[0] == "restore":
        (tmp_path / "out").mkdir()
        words += ["--to", tmp_path / "out"]
    result = site(*words, check=FINAL_CLASSES[cls], env={"SNAPFERRY_FAULT": f"fail@{slot}:*:{cls}"})
    assert f"injected {cls} failure of {slot}" in result.stderr
    assert result.stdout == ""


def test_a_put_that_stumbles_is_sent_again(site, tmp_path):
    report = site.backup(env={"SNAPFERRY_FAULT": "fail@put:3:transient,fail@put:4:throttled"})
    assert report["retries"] == 2
    assert total(report, "uploaded_files") == FILES
    assert site.findings("--deep") == []
    expect_exact(site, tmp_path / "restored")


def test_a_put_that_stumbles_every_time_fails_in_the_end(site):
    report = fails(site, "fail@put:*:transient:/small/2.dat", harness.FAILED)
    assert report["error"]["class"] == "transient"
    assert report["error"]["path"].endswith("/small/2.dat")
    assert report["retries"] > 2


def test_lists_and_gets_that_stumble_are_sent_again(site, tmp_path):
    first = site.backup()
    rule = {"SNAPFERRY_FAULT": "fail@list:1:transient,fail@list:4:throttled,fail@get:1:transient,fail@get:3:transient"}
    report = site.backup(env=rule)
    assert report["retries"] == 4
    assert total(report, "referenced_files") == total(first, "files")
    assert site("verify", "--deep", "--json", env=rule).json()["retries"] >= 3
    target = tmp_path / "restored"
    target.mkdir()
    assert site.restore("latest", target, env=rule)["retries"] >= 3
    for name, live in site.sources.items():
        tree.assert_same(tree.snapshot(live), tree.snapshot(target / name))


def test_a_run_whose_answers_are_lost_is_complete_and_sends_nothing_twice(site, tmp_path):
    """Each put in turn is applied, but its answer never comes: of .open, of every file, of the manifests and of .commit."""
    plain = site.backup()
    first = plain["time_dir"]
    puts, wanted = plain["requests"]["put"], {key.removeprefix(first) for key in site.store.objects() if key.startswith(first)}
    kinds = set()
    for number in range(1, puts + 1):
        store = harness.Store(tmp_path / f"store-{number}")
        store.root.mkdir()
        lossy = harness.Site(site.run, store, site.sources, upload={"concurrency": 1, "small_file_threshold": 4096})
        result = lossy("backup", "--json", "--log-level", "debug", env={"SNAPFERRY_FAULT": f"lose@put:{number}"})
        report, lost = result.json(), lost_key(result.stderr)
        kinds.add(lost.rsplit(".", 1)[-1] if "/.snapferry/" in "/" + lost else "data")
        assert report["status"] == "complete"
        assert total(report, "uploaded_files") == FILES and total(report, "repaired_files") == 0
        time_dir = report["time_dir"]
        assert {key.removeprefix(time_dir) for key in store.objects() if key.startswith(time_dir)} == wanted
        marks = [key for key in store.objects() if key.startswith(".snapferry/points/")]
        assert sorted(marks) == [f".snapferry/points/{time_dir}.commit", f".snapferry/points/{time_dir}.open"]
        assert list(lossy.listed().values()) == ["complete"]
        assert lossy.findings("--deep") == []
        if number in (1, 2, puts):
            expect_exact(lossy, tmp_path / f"restored-{number}")
    assert kinds == {"open", "data", "zst", "commit"}


def lost_key(messages):
    """Of the put whose answer was lost, as the messages tell."""
    key, = {line.partition(": injected loss")[0].split(" ")[-1] for line in messages.splitlines() if "injected loss" in line}
    return key


@pytest.mark.parametrize("suffix", [".open", ".commit", "/big", ".zst"])
def test_a_lost_answer_and_then_a_failure_for_good_is_settled_by_what_stands_there(suffix, site, tmp_path):
    """The put was applied; sending it again fails. What counts is that the object is ours."""
    report = site("backup", "--json", check=(harness.DONE, harness.FAILED),
                  env={"SNAPFERRY_FAULT": f"lose@put:1:{suffix},fail@put:2:permanent:{suffix}"}).json()
    complete = list(site.listed().values()) == ["complete"]
    assert complete == (report["status"] == "complete"), "what the run said is not what list says"
    if complete:
        expect_exact(site, tmp_path / "restored")


def test_a_byte_that_flips_on_its_way_back_does_not_pass_for_the_file(site, tmp_path):
    site.backup()
    rule = {"SNAPFERRY_FAULT": "corrupt@get:*:/data/small/3.dat"}
    found = site("verify", "--deep", "--json", env=rule, check=harness.DAMAGE).json()["points"][0]["findings"]
    assert [finding["key"].split("/", 1)[1] for finding in found] == ["data/small/3.dat"]
    target = tmp_path / "restored"
    target.mkdir()
    result = site("restore", "latest", "--to", target, "--json", env=rule, check=harness.DAMAGE)
    assert "/data/small/3.dat" in result.stderr
    assert list(target.rglob("*")) == []
