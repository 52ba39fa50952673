# SPDX-License-Identifier: Apache-2.0
"""docs/format.md is true: the recipe in it restores without Snapferry, and objects lie under the keys that it says."""
import json
import os
import random
import re
import subprocess

import pytest

import harness
from kit import tree

FORMAT = harness.REPO / "docs" / "format.md"


def key_of(path):
    """The rule of "Keys" in the document, written down a second time."""
    key, at = b"", 0
    for character in path.decode("utf-8", "surrogateescape"):  # bytes that are not UTF-8 become U+DC80 to U+DCFF
        code, raw = ord(character), character.encode("utf-8", "surrogateescape")
        at += len(raw)
        if 0xDC80 <= code <= 0xDCFF or code < 0x20 or 0x7F <= code <= 0x9F or code in (0xFFFE, 0xFFFF):
            key += b"".join(b"%%%02X" % byte for byte in raw)
        elif raw == b"%" and re.match(rb"[0-9a-fA-F]{2}", path[at:]):
            key += b"%25"
        else:
            key += raw
    return key


def plain(key):
    """The way back, as the document says it."""
    return re.sub(rb"%([0-9A-F]{2})", lambda match: bytes([int(match[1], 16)]), key)


@pytest.fixture
def two_points(run, store, tmp_path):
    """(site, [(time_dir, snapshot)]) of a tree with everything odd, changed between two runs."""
    folder = tmp_path / "live"
    tree.make_tree(folder, small=30, large=1)
    tree.write(os.fsencode(folder) + b"/50% off/50%41/c\xff", b"of the document's examples")
    site, points = harness.Site(run, store, {"stream": folder}), []
    for _ in range(2):
        before = tree.snapshot(folder)
        points.append((site.backup()["time_dir"], before))
        tree.mutate(folder, random.Random(5))
    return site, points


def test_the_documents_examples_are_what_the_rule_says():
    text = FORMAT.read_text()
    for path, key in ((b"50% off", "50% off"), (b"50%41", "50%2541"), (b"\x63\xff", "c%FF")):
        assert f"`{key}`" in text and key_of(path) == key.encode()


def test_each_object_lies_under_the_key_that_the_document_says(two_points, store):
    site, points = two_points
    time_dir, before = points[0]
    wanted = {os.fsencode(f"{time_dir}/stream/") + key_of(path): item.sha256 for path, item in before.items() if item.type == "file"}
    assert {key for key in wanted if b"%" in key} and all(plain(key_of(path)) == path for path in before)
    found = {os.fsencode(key): digest for key, digest in store.data().items() if key.startswith(time_dir + "/")}
    assert found == wanted


def test_manifest_and_commit_are_what_the_document_says(two_points, store):
    """Order, totals and digests, members and forms; the second point's too, which refers to the first."""
    site, points = two_points
    for time_dir, before in points:
        header, entries, trailer = store.manifest(time_dir, "stream")
        assert (header["format"], header["version"], header["features"]) == ("snapferry-manifest", 1, [])
        assert (header["source"], header["time_dir"]) == ("stream", time_dir)
        paths = [path_of(entry, "path") for entry in entries]
        assert paths == sorted(before, key=lambda path: path and key_of(path) + (b"/" if before[path].type == "dir" else b""))
        for path, entry in zip(paths, entries):
            check_entry(entry, before[path], path, time_dir)
        sizes = [item.size for item in before.values() if item.type == "file"]
        assert (trailer["entries"], trailer["files"], trailer["bytes"]) == (len(before), len(sizes), sum(sizes))
        point, line = store.commit(time_dir)
        packed = store.manifest_path(time_dir, "stream").read_bytes()
        assert (point["format"], point["time_dir"], point["sources"], point["run"]) == ("snapferry-point", time_dir, 1, header["run"])
        assert point["refers"] == sorted({entry["key"].split("/")[0] for entry in entries if "key" in entry} - {time_dir})
        assert (line["size"], line["sha256"]) == (len(packed), tree.sha256(store.manifest_path(time_dir, "stream")))
        assert (line["files"], line["bytes"], line["entries"]) == (len(sizes), sum(sizes), len(before))
        assert line["manifest"] == f"{time_dir}/.snapferry/stream.manifest.jsonl.zst"
    assert point["refers"] == [points[0][0]]


def path_of(entry, member):
    if member + "_b64" in entry:
        return subprocess.run(["base64", "-d"], input=entry[member + "_b64"].encode(), check=True, stdout=subprocess.PIPE).stdout
    return entry[member].encode()


def check_entry(entry, item, path, time_dir):
    assert (entry["type"], entry["mtime_ns"], entry["uid"], entry["gid"]) == (item.type, item.mtime_ns, item.uid, item.gid), path
    if item.type == "link":
        assert path_of(entry, "target") == item.target
        return
    assert entry["mode"] == f"{item.mode:04o}"
    if item.type == "file":
        assert (entry["size"], entry["sha256"]) == (item.size, item.sha256)
        own = os.fsdecode(f"{time_dir}/stream/".encode() + path)
        assert entry.get("key", own).encode().split(b"/", 1)[1] == b"stream/" + key_of(path)


@pytest.fixture
def script(tmp_path):
    """The recipe in the document, as it stands there."""
    section = FORMAT.read_text().split("\n## Restore without Snapferry\n")[1]
    path = tmp_path / "restore.sh"
    path.write_text(re.search(r"```bash\n(#!/bin/bash\n.*?)```", section, re.S)[1])
    return path


def test_the_recipe_in_the_document_restores_without_snapferry(two_points, store, tmp_path, script):
    site, points = two_points
    for time_dir, before in points:
        target = tmp_path / f"restored-{time_dir}"
        subprocess.run(["bash", script, store.root, time_dir, "stream", target], check=True)
        tree.assert_same(before, tree.snapshot(target))


def test_the_recipe_stops_at_damage(two_points, store, tmp_path, script):
    site, points = two_points
    time_dir = points[0][0]
    harmed = store.path(f"{time_dir}/stream/odd/case")
    harmed.write_bytes(b"X" * harmed.stat().st_size)
    result = subprocess.run(["bash", script, store.root, time_dir, "stream", tmp_path / "one"], stderr=subprocess.PIPE, text=True)
    assert result.returncode != 0 and "odd/case" in result.stderr
    manifest = store.manifest_path(time_dir, "stream")
    manifest.write_bytes(manifest.read_bytes()[:-1])
    result = subprocess.run(["bash", script, store.root, time_dir, "stream", tmp_path / "two"], stderr=subprocess.PIPE, text=True)
    assert result.returncode != 0 and not (tmp_path / "two").exists()


@pytest.mark.parametrize("command", ["the points", "one file: its sha256, its key"])
def test_the_single_steps_in_the_document_work(two_points, store, command):
    site, points = two_points
    text = FORMAT.read_text()
    line, = [line for line in text.splitlines() if line.endswith(f"# {command}")]
    line = line.replace("BASE", str(store.root)).replace("2026-11-22", points[0][0]).replace("a/b", "odd/CASE")
    output = subprocess.run(["bash", "-c", line], check=True, stdout=subprocess.PIPE).stdout.decode()
    values = [json.loads(text) for text in output.splitlines()]
    if command == "the points":
        assert [value[1] for value in sorted(values)] == [time_dir for time_dir, _ in points]
    else:
        assert [value["sha256"] for value in values] == [points[0][1][b"odd/CASE"].sha256]
