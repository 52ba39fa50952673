# SPDX-License-Identifier: Apache-2.0
"""What was backed up comes back identical: content, type, mode, mtime, owner, link target."""
import json
import os
import shutil

import pytest

import harness
from harness import total
from kit import tree

OTHERS_MAX = 25  # requests of a run beside the puts of files: points, claim, manifest, check by lists, commit


def outcome(folder, uid=0, gid=0):
    """A snapshot as a restore by someone else than root gives it: everything is the restoring user's."""
    return {path: item._replace(uid=uid, gid=gid) for path, item in tree.snapshot(folder).items()}


@pytest.fixture(scope="module")
def made(session_folder):
    """The full tree, not to be changed, and its snapshot."""
    folder = session_folder / "made"
    tree.make_tree(folder)
    return folder, tree.snapshot(folder)


@pytest.fixture
def little(tmp_path):
    """A quick tree with everything odd in it."""
    folder = tmp_path / "little"
    tree.make_tree(folder, small=50, large=1)
    return folder


def requests_beside(report, kind):
    return sum(count for name, count in report["requests"].items() if name != kind)


def test_the_full_tree_comes_back_identical(run, store, made, tmp_path):
    folder, before = made
    files = [item for item in before.values() if item.type == "file"]
    assert len(files) > 10_000 and sum(item.size >= tree.THRESHOLD for item in files) == 6
    site = harness.Site(run, store, {"data": folder})

    report = site.backup()
    assert tree.snapshot(folder) == before, "a backup changed its source"
    assert total(report, "files") == total(report, "uploaded_files") == len(files)
    assert total(report, "bytes") == total(report, "uploaded_bytes") == sum(item.size for item in files)
    assert len(store.data()) == len(files)
    assert len(files) < report["requests"]["put"] <= len(files) + 5  # claim, manifest, commit; and one each file
    assert report["requests"]["put"] - len(files) + requests_beside(report, "put") <= OTHERS_MAX, report["requests"]

    site("verify")
    assert site.findings("--deep") == []
    target = tmp_path / "restored"
    restored = site.restore("latest", target)
    tree.assert_same(before, tree.snapshot(target))
    assert total(restored, "fetched_files") == len(files)
    assert len(files) < restored["requests"]["get"] <= len(files) + 5
    assert requests_beside(restored, "get") <= OTHERS_MAX, restored["requests"]


def test_a_real_database_comes_back_identical(run, store, real_tree, tmp_path):
    sources = {path.name: path for path in sorted(real_tree.iterdir())}
    assert len(sources) > 1
    before = {name: tree.snapshot(folder) for name, folder in sources.items()}
    site = harness.Site(run, store, sources)
    report = site.backup()
    files = sum(item.type == "file" for items in before.values() for item in items.values())
    assert total(report, "uploaded_files") == files
    assert {source["name"] for source in report["sources"]} == set(sources)
    site("verify")
    site("verify", "--deep")
    site.restore("latest", tmp_path / "restored")
    assert sorted(os.listdir(tmp_path / "restored")) == sorted(sources)
    for name in sources:
        tree.assert_same(before[name], tree.snapshot(tmp_path / "restored" / name))


def test_a_target_that_is_empty_or_does_not_exist_becomes_the_source(run, store, little, tmp_path):
    before = tree.snapshot(little)
    site = harness.Site(run, store, {"data": little})
    site.backup()
    site("verify")
    site("verify", "--deep")
    (tmp_path / "empty").mkdir(mode=0o711)
    os.utime(tmp_path / "empty", (1, 1))
    for target in ("empty", "missing"):
        site.restore("latest", tmp_path / target)
        tree.assert_same(before, tree.snapshot(tmp_path / target))


def test_objects_are_the_plain_bytes_of_files(run, store, little):
    """Byte for byte, and none more or less; test_format.py looks at the keys."""
    report = harness.Site(run, store, {"data": little}).backup()
    wanted = sorted(item.sha256 for item in tree.snapshot(little).values() if item.type == "file")
    assert sorted(store.data().values()) == wanted
    assert all(key.startswith(report["time_dir"] + "/data/") for key in store.data())
    assert store.temporaries() == []


def test_several_sources_go_below_the_target_by_name(run, store, little, source, tmp_path):
    tree.write(source / "only here", b"1")
    sources = {"little": little, "Other.2": source, "again": little}
    before = {name: tree.snapshot(folder) for name, folder in sources.items()}
    site = harness.Site(run, store, sources)
    report = site.backup()
    assert sorted(line["source"] for line in store.commit(report["time_dir"])[1:]) == sorted(sources)
    site.restore("latest", tmp_path / "all")
    for name in sources:
        tree.assert_same(before[name], tree.snapshot(tmp_path / "all" / name))
    # two of three are still several; a single one goes into the target itself
    site.restore("latest", tmp_path / "two", "--source", "little", "--source", "Other.2")
    assert sorted(os.listdir(tmp_path / "two")) == ["Other.2", "little"]
    tree.assert_same(before["Other.2"], tree.snapshot(tmp_path / "two" / "Other.2"))


def test_a_source_goes_where_its_flag_says(run, store, little, source, tmp_path):
    tree.write(source / "only here", b"1")
    before = {"little": tree.snapshot(little), "other": tree.snapshot(source)}
    site = harness.Site(run, store, {"little": little, "other": source})
    site.backup()
    site("restore", "latest", "--source", f"little={tmp_path / 'here'}", "--source", f"other={tmp_path / 'there'}")
    tree.assert_same(before["little"], tree.snapshot(tmp_path / "here"))
    tree.assert_same(before["other"], tree.snapshot(tmp_path / "there"))
    # without any config
    run("restore", "latest", "--dest", store.url, "--source", f"other={tmp_path / 'third'}")
    tree.assert_same(before["other"], tree.snapshot(tmp_path / "third"))


def test_a_source_goes_where_the_config_says_or_where_it_was(run, store, little, source, tmp_path):
    tree.write(source / "only here", b"1")
    before = {"little": tree.snapshot(little), "other": tree.snapshot(source)}
    site = harness.Site(run, store, {"little": little, "other": source})
    config = json.loads(site.config.read_text())
    config["sources"][0]["restore_to"] = str(tmp_path / "configured")
    site.config.write_text(json.dumps(config))
    site.backup()
    shutil.rmtree(source)
    site("restore", "latest")
    tree.assert_same(before["little"], tree.snapshot(tmp_path / "configured"))
    tree.assert_same(before["other"], tree.snapshot(source))
    tree.assert_same(before["little"], tree.snapshot(little))


def test_a_user_without_rights_gets_all_but_the_owners(run, store, tmp_path, nobody):
    """The tree is made by nobody too: root's has files that nobody may not read."""
    if os.geteuid() != 0:
        nobody = os.geteuid()
    folder = tmp_path / "source"
    tree.make_tree(folder, small=50, large=1)
    for path, names, files in os.walk(os.fsencode(folder)):
        for name in [path] + [os.path.join(path, name) for name in names + files]:
            status = os.lstat(name)
            os.chown(name, nobody, nobody, follow_symlinks=False)
            if not os.path.islink(name):
                # chown took the set-id bits; and the owner must be able to read
                os.chmod(name, status.st_mode & 0o7777 | (0o700 if os.path.isdir(name) else 0o400))
            os.utime(name, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)
    for path in (store.root, tmp_path / "out"):
        path.mkdir(exist_ok=True)
        os.chown(path, nobody, nobody)
    before = outcome(folder, nobody, nobody)
    assert sum(item.type == "file" for item in before.values()) > 150

    site = harness.Site(run, store, {"data": folder})
    os.chmod(site.config, 0o644)
    site.backup(as_user=nobody)
    site("verify", "--deep", as_user=nobody)
    site.restore("latest", tmp_path / "out" / "restored", as_user=nobody)
    tree.assert_same(before, tree.snapshot(tmp_path / "out" / "restored"))
    # one that root made is restored too, as far as the user may
    site.restore("latest", tmp_path / "as-root")
    tree.assert_same(before, tree.snapshot(tmp_path / "as-root"))


def test_what_root_backed_up_is_restored_by_a_user_as_his_own(run, store, little, tmp_path, nobody):
    site = harness.Site(run, store, {"data": little})
    site.backup()
    for path, _, names in os.walk(store.root):  # objects of root's umask: readable, or the user could not even look
        for name in [path] + [os.path.join(path, name) for name in names]:
            os.chmod(name, 0o755)
    (tmp_path / "out").mkdir()
    os.chmod(site.config, 0o644)
    uid = nobody if os.geteuid() == 0 else os.geteuid()
    os.chown(tmp_path / "out", uid, uid)
    site.restore("latest", tmp_path / "out" / "restored", as_user=nobody)
    before, after = outcome(little, uid, uid), tree.snapshot(tmp_path / "out" / "restored")
    # a set-id bit must not come to mean another user, so it may go with the owner; nothing else may differ
    strip = {path: item._replace(mode=item.mode & 0o1777) for path, item in before.items()}
    tree.assert_same(strip, {path: item._replace(mode=item.mode & 0o1777) for path, item in after.items()})


def test_a_source_that_is_one_empty_folder_comes_back(run, store, source, tmp_path):
    source.chmod(0o2710)
    os.utime(source, ns=(tree.OLD, -5))
    before = tree.snapshot(source)
    site = harness.Site(run, store, {"data": source})
    report = site.backup()
    assert total(report, "files") == 0 and store.data() == {}
    site("verify", "--deep")
    site.restore("latest", tmp_path / "restored")
    tree.assert_same(before, tree.snapshot(tmp_path / "restored"))


def test_what_is_written_while_others_are_sent_in_few_lanes_is_the_same(run, store, little, tmp_path):
    """One lane, many lanes, everything large: the same point."""
    before = tree.snapshot(little)
    site = harness.Site(run, store, {"data": little})
    for number, upload in enumerate(({"concurrency": 1}, {"concurrency": 64, "large_file_concurrency": 8},
                                     {"concurrency": 2, "small_file_threshold": 1})):
        site.configure(incremental="off", upload=upload)
        report = site.backup()
        assert total(report, "uploaded_files") == total(report, "files")
        site.restore(report["time_dir"], tmp_path / f"restored-{number}")
        tree.assert_same(before, tree.snapshot(tmp_path / f"restored-{number}"))
