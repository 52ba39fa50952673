# SPDX-License-Identifier: Apache-2.0
"""Sources, destinations and state folders that cannot be used: each has its own clear message, nothing is committed, and nothing
that was there is lost."""
import os
import socket
import subprocess

import pytest

import harness
from harness import total
from kit import tree

ROOT_ONLY = "mounting needs root"


@pytest.fixture
def site(run, store, source):
    for number in range(4):
        tree.write(source / "folder" / f"{number}.dat", b"content %d\n" % number)
    return harness.Site(run, store, {"data": source})


@pytest.fixture
def mount(tmp_path):
    """mount(folder, "size=1m") mounts a tmpfs there; again with "remount,ro" changes it."""
    if os.geteuid() != 0:
        pytest.skip(ROOT_ONLY)
    mounted = []

    def do(folder, options):
        folder.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], check=True)
        if "remount" not in options:
            mounted.append(folder)
        return folder

    yield do
    for folder in reversed(mounted):
        subprocess.run(["umount", folder], check=True)


def fails(site, status, *words, **how):
    """A backup that must fail, with all these words in its message, and leave the store's objects as they are."""
    before = site.store.objects()
    result = site("backup", "--json", check=status, **how)
    report = result.json()
    assert report["status"] == "failed"
    for word in words:
        assert str(word) in result.stderr and str(word) in report["error"]["text"], result
    after = site.store.objects()
    assert before.items() <= after.items(), "something was removed or changed"
    assert [key for key in after.keys() - before.keys() if key.endswith(".commit")] == []
    return report


# --- sources ---

def test_a_missing_source_fails_the_run_and_nothing_of_the_others_is_committed(site, tmp_path):
    first = site.backup()["time_dir"]
    site.sources["gone"] = tmp_path / "gone"
    site.configure()
    report = fails(site, harness.FAILED, tmp_path / "gone", "gone", "does not exist")
    assert report["error"]["class"] == "not_found"
    assert site.listed() == {first: "complete"}
    site.sources["gone"].mkdir()
    assert [source["name"] for source in site.backup()["sources"]] == ["data", "gone"]


def test_a_source_that_is_no_folder_fails_the_run(site, tmp_path):
    tree.write(tmp_path / "file", b"x")
    site.sources["file"] = tmp_path / "file"
    site.configure()
    fails(site, harness.FAILED, tmp_path / "file", "Not a directory")


@pytest.mark.parametrize("what", ["folder/2.dat", "folder", ""], ids=["file", "folder", "the source itself"])
def test_what_may_not_be_read_fails_the_run(what, site, nobody):
    site.store.root.chmod(0o777)
    path = site.sources["data"] / what
    mode = path.stat().st_mode
    path.chmod(0)
    report = fails(site, harness.DENIED, path, "Permission denied", as_user=nobody)
    assert report["error"]["class"] == "denied"
    path.chmod(mode)
    assert total(site.backup(as_user=nobody), "files") == 4


def test_a_fifo_fails_the_run_unless_it_is_excluded(site, tmp_path):
    fifo = site.sources["data"] / "folder" / "queue"
    os.mkfifo(fifo)
    fails(site, harness.FAILED, fifo, "FIFO", "exclude")
    site.config.write_text(site.config.read_text().replace('"name": "data"', '"name": "data", "exclude": ["queue"]'))
    assert total(site.backup(), "files") == 4
    site.restore("latest", tmp_path / "restored")
    assert sorted(os.listdir(tmp_path / "restored" / "folder")) == ["0.dat", "1.dat", "2.dat", "3.dat"]


@pytest.mark.skipif(os.geteuid() != 0, reason="making a device needs root")
def test_a_device_fails_the_run(site):
    device = site.sources["data"] / "null"
    os.mknod(device, 0o600 | 0o020000, os.makedev(1, 3))
    fails(site, harness.FAILED, device, "device", "exclude")


def test_a_socket_is_skipped_and_said(site, tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(site.sources["data"] / "server.sock"))
        result = site("backup")
    assert "socket" in result.stderr
    site.restore("latest", tmp_path / "restored")
    assert os.listdir(tmp_path / "restored") == ["folder"]


def test_a_file_system_mounted_below_a_source_is_not_entered_and_said(site, mount, tmp_path):
    mounted = mount(site.sources["data"] / "mounted", "size=1m")
    tree.write(mounted / "inside", b"x")
    result = site("backup")
    assert "other file systems" in result.stderr
    assert [key for key in site.store.data() if "inside" in key] == []


# --- destinations ---

@pytest.mark.parametrize("through_link", [False, True], ids=["plainly", "through a symlink"])
@pytest.mark.parametrize("exists", [False, True], ids=["not there yet", "there"])
def test_a_destination_inside_a_source_is_refused(exists, through_link, run, source, tmp_path):
    inside = source / "sub" / "backups"
    inside.parent.mkdir()
    if exists:
        inside.mkdir()
    path = inside
    if through_link:
        (tmp_path / "link").symlink_to(source / "sub")
        path = tmp_path / "link" / "backups"
    tree.write(source / "file", b"x")
    site = harness.Site(run, harness.Store(path), {"data": source})
    before = tree.snapshot(source)
    fails(site, harness.USAGE, path, source, "inside")
    tree.assert_same(before, tree.snapshot(source))


def test_a_destination_that_is_a_source_is_refused(run, source):
    tree.write(source / "file", b"x")
    before = tree.snapshot(source)
    fails(harness.Site(run, harness.Store(source), {"data": source}), harness.USAGE, source)
    tree.assert_same(before, tree.snapshot(source))


def test_a_source_reached_through_a_symlink_is_still_seen_to_hold_the_destination(run, source, tmp_path):
    (tmp_path / "link").symlink_to(source)
    site = harness.Site(run, harness.Store(source / "backups"), {"data": tmp_path / "link"})
    fails(site, harness.USAGE, source / "backups", "inside")
    assert os.listdir(source) == []


def test_a_destination_without_the_folder_above_it_fails(run, source, tmp_path):
    missing = tmp_path / "not mounted" / "backups"
    report = fails(harness.Site(run, harness.Store(missing), {"data": source}), harness.FAILED, tmp_path / "not mounted",
                   "no such folder")
    assert report["error"]["class"] == "not_found"
    assert not missing.parent.exists()


def test_a_destination_that_is_a_file_fails(run, source, tmp_path):
    tree.write(tmp_path / "file", b"precious")
    result = run("backup", "--dest", f"file://{tmp_path}/file", "--source", f"data={source}", check=(harness.FAILED, harness.USAGE))
    assert f"{tmp_path}/file" in result.stderr
    assert (tmp_path / "file").read_bytes() == b"precious"


def test_no_destination_is_a_usage_error(run, source, tmp_path):
    result = run("backup", "--source", f"data={source}", check=harness.USAGE)
    assert "--dest" in result.stderr and "--config" in result.stderr
    (tmp_path / "config.json").write_text("{}")
    result = run("backup", "--source", f"data={source}", "--config", tmp_path / "config.json", check=harness.USAGE)
    assert "--dest" in result.stderr and "destination" in result.stderr


def test_no_source_is_a_usage_error(run, store):
    result = run("backup", "--dest", store.url, check=harness.USAGE)
    assert "--source" in result.stderr
    assert store.objects() == {}


def test_a_full_destination_fails_the_run_and_keeps_what_it_holds(site, mount, tmp_path):
    disk = mount(tmp_path / "disk", "size=1m")
    site.store = harness.Store(disk)
    site.configure()
    first = site.backup()["time_dir"]
    big = site.sources["data"] / "big"
    tree.write(big, b"x" * (2 << 20))
    report = fails(site, harness.FAILED, big)
    assert report["error"]["class"] == "no_space" and report["error"]["path"] == str(big)
    assert site.store.temporaries() == [], "what could not be stored still takes room"
    assert site.listed()[first] == "complete"
    assert site.findings(first, "--deep") == []
    mount(disk, "remount,size=8m")
    assert total(site.backup(), "uploaded_files") == 1
    assert site.findings("--all", "--deep") == []


def test_many_files_that_do_not_fit_fail_the_run(site, mount, tmp_path):
    site.store = harness.Store(mount(tmp_path / "disk", "size=1m,nr_inodes=60"))
    site.configure()
    for number in range(100):
        tree.write(site.sources["data"] / f"small-{number}", b"x")
    assert fails(site, harness.FAILED)["error"]["class"] == "no_space"
    assert "complete" not in site.listed().values()


def test_a_full_state_folder_fails_the_run_and_keeps_what_the_store_holds(site, mount, tmp_path):
    first = site.backup()["time_dir"]
    for number in range(3000):
        tree.write(site.sources["data"] / f"file with a long name to fill a page of the draft {number}", b"")
    state = mount(tmp_path / "small state", "size=200k,mode=700")
    report = fails(site, harness.FAILED, "No space left", env={"STATE_DIRECTORY": state})
    assert report["error"]["class"] == "no_space"
    assert site.listed()[first] == "complete"
    site.backup()
    assert site.findings("--all", "--deep") == []


@pytest.mark.parametrize("how", ["mounted read-only", "not ours to write"])
def test_a_read_only_destination_fails_a_backup_but_not_the_reading_commands(how, site, nobody, request, tmp_path):
    if how == "mounted read-only":
        mount = request.getfixturevalue("mount")
        site.store, user = harness.Store(mount(tmp_path / "disk", "size=8m")), None
        site.configure()
    else:
        user = nobody
    point = site.backup()["time_dir"]
    if user is None:
        mount(site.store.root, "remount,ro")
    else:
        subprocess.run(["chmod", "-R", "a+rX", site.store.root], check=True)
    before = tree.snapshot(site.store.root)
    tree.write(site.sources["data"] / "new", b"new")
    if user is None:
        fails(site, (harness.FAILED, harness.DENIED), "Read-only file system", site.store.root)
    else:
        report = fails(site, harness.DENIED, "Permission denied", site.store.root, as_user=user)
        assert report["error"]["class"] == "denied"
    tree.assert_same(before, tree.snapshot(site.store.root))
    assert site.listed() == {point: "complete"}
    assert site.findings("--deep") == []
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets").chmod(0o777)
    site.restore("latest", tmp_path / "targets" / "restored", as_user=user)
    assert sorted(os.listdir(tmp_path / "targets" / "restored")) == ["folder"]


# --- state folder ---

def state_that_fails(kind, tmp_path):
    """STATE_DIRECTORY, and the user for whom it cannot be written."""
    folder = tmp_path / "other state"
    if kind == "a file":
        tree.write(folder, b"x")
        return folder, None
    folder.mkdir(mode=0o755)
    return (folder / "missing" / "deep", harness.NOBODY) if kind == "cannot be made" else (folder, harness.NOBODY)


@pytest.mark.parametrize("kind", ["not ours to write", "cannot be made", "a file"])
def test_a_state_folder_that_cannot_be_written_stops_a_backup_but_not_the_reading_commands(kind, site, tmp_path):
    folder, user = state_that_fails(kind, tmp_path)
    site.store.root.chmod(0o777)
    point = site.backup(as_user=user)["time_dir"]
    how = {"env": {"STATE_DIRECTORY": folder}, "as_user": user}
    fails(site, harness.USAGE, folder, "state", **how)
    assert site("list", "--json", **how).json()[0]["time_dir"] == point
    site("verify", "--deep", **how)
    target = tmp_path / "targets" / "restored"
    target.parent.mkdir()
    target.parent.chmod(0o777)
    site("restore", "latest", "--to", target, **how)
    assert sorted(os.listdir(target)) == ["folder"]
