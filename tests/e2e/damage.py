# SPDX-License-Identifier: Apache-2.0
"""How the tests of damage break things: objects, manifests and commits, by the formats of docs/format.md."""
import hashlib
import json
import os

import harness
from kit import tree


def two_points(run, store, folder):
    """A site with two points, the second of which refers to the first: site.first, site.second; site.held[point][source] is what
    each restores to. data/old and other/deep/old have not changed between them, data/changed has, data/new is new."""
    site = harness.Site(run, store, {"data": folder / "live" / "data", "other": folder / "live" / "other"}, time_style="daily")
    site.held = {}
    tree.write(site.sources["data"] / "old", b"old content\n")
    tree.write(site.sources["data"] / "changed", b"before\n")
    tree.write(site.sources["other"] / "deep" / "old", b"0123456789" * 2000)
    (site.sources["other"] / "link").symlink_to("deep/old")
    (site.sources["other"] / "empty folder").mkdir()
    site.first = add_point(site)
    tree.write(site.sources["data"] / "changed", b"after\n")
    tree.write(site.sources["data"] / "new", b"new content\n")
    site.configure(time_style="hourly")  # names of another kind: none is taken, so no run waits for the next second
    site.second = add_point(site)
    site.configure(time_style="run")
    return site


def add_point(site):
    for folder in site.sources.values():
        for path, _, names in os.walk(folder):
            for name in names:
                os.utime(os.path.join(path, name), ns=(tree.OLD, tree.OLD), follow_symlinks=False)
    time_dir = site.backup()["time_dir"]
    site.held[time_dir] = {name: tree.snapshot(live) for name, live in site.sources.items()}
    return time_dir


def flip(path, at=0):
    """Another byte, same size."""
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 0x01]))


def hide_time(path, change):
    """Damages the file at path and gives it its mtime back."""
    before = path.stat()
    change(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def objects_of(store, time_dir):
    """Keys of the data below a time-dir, relative to it."""
    return {key.removeprefix(time_dir + "/") for key in store.data() if key.startswith(time_dir + "/")}


def replace(path, data):
    """A new file, without the attributes of the old one, as another tool would write it."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def rewrite_commit(store, time_dir, change):
    """change(lines) alters the parsed lines of a commit object."""
    lines = store.commit(time_dir)
    change(lines)
    replace(commit_path(store, time_dir), "".join(json.dumps(line) + "\n" for line in lines).encode())


def commit_path(store, time_dir):
    return store.root / store.prefix / ".snapferry" / "points" / f"{time_dir}.commit"


def rewrite_manifest(store, time_dir, source, change):
    """change(lines) alters the parsed lines of a manifest (header, entries, trailer); what it leaves is sealed, so that only the
    content can tell that something is wrong."""
    header, entries, trailer = store.manifest(time_dir, source)
    lines = [header, *entries, trailer]
    change(lines)
    if lines[-1].get("end"):
        texts = [json.dumps(line) + "\n" for line in lines[:-1]]
        lines[-1]["sha256"] = hashlib.sha256("".join(texts).encode()).hexdigest()
    path = store.manifest_path(time_dir, source)
    path.unlink()
    store.write_manifest(time_dir, source, lines)
    seal(store, time_dir, source)


def seal(store, time_dir, source):
    """Makes the commit say what the manifest object is now."""
    packed = store.manifest_path(time_dir, source).read_bytes()

    def change(lines):
        line, = (line for line in lines[1:] if line["source"] == source)
        line.update(size=len(packed), sha256=hashlib.sha256(packed).hexdigest())

    rewrite_commit(store, time_dir, change)
