# SPDX-License-Identifier: Apache-2.0
"""--json prints exactly one JSON value on standard output, whatever happens; and standard output that is full or closed is a failure."""
import json
import os
import subprocess

import pytest

import harness
from kit import tree

DEST = "<dest>"      # stands for the arguments that name the store, SOURCE for a source in it, BACK for an empty target
SOURCE = "<source>"
BACK = "<back>"
SOURCE_COUNTS = {"name", "files", "bytes", "uploaded_files", "uploaded_bytes", "referenced_files", "copied_files", "kept_files",
                 "repaired_files"}
REQUESTS = {"put", "get", "stat", "list", "remove", "copy", "upload_begin", "upload_part", "upload_commit", "upload_abort",
            "other"}


@pytest.fixture
def scene(run, store, files, tmp_path):
    """Runs with the placeholders above filled in, on a store with one point."""
    files({"a": b"a", "b\udcff\n": b"b"})

    def call(*words, **how):
        fill = {DEST: ["--dest", store.url], SOURCE: ["--source", f"data={files({})}"], BACK: ["--to", tmp_path / "back"]}
        return run(*[part for word in words for part in fill.get(word, [word])], **how)
    call("backup", DEST, SOURCE)
    return call


def one_value(result):
    """The one JSON value on stdout: what follows it would be an error."""
    return json.loads(result.stdout)


SUCCESSES = [["backup", SOURCE, DEST], ["backup", SOURCE, DEST, "--dry-run"], ["restore", "latest", BACK, DEST],
             ["restore", "latest", BACK, DEST, "--dry-run"], ["verify", DEST], ["verify", "--all", "--deep", DEST], ["list", DEST],
             ["plugin", "list"], ["plugin", "info", "localfs"], ["plugin", "check", "localfs", DEST], ["config", "check", DEST],
             ["config", "show", DEST], ["config", "schema"]]


@pytest.mark.parametrize("words", SUCCESSES, ids=" ".join)
def test_json_prints_one_value(scene, words):
    value = one_value(scene(*words, "--json"))
    assert isinstance(value, list if words[0] == "list" or words[1:] == ["list"] else dict)
    if words[0] in ("backup", "restore", "verify"):
        assert value["status"] == "complete" and "error" not in value
        assert set(value["requests"]) == REQUESTS and value["retries"] == 0 and value["duration_ms"] >= 0


@pytest.mark.parametrize("words", SUCCESSES, ids=" ".join)
def test_a_wrong_command_line_is_one_value_too(scene, words):
    result = scene("--json", *words, "--no-such-flag", check=harness.USAGE)
    value = one_value(result)
    assert value["status"] == "failed" and set(value["error"]) == {"class", "path", "text", "status"}
    assert value["error"]["class"] == "invalid" and value["error"]["text"] in result.stderr


@pytest.mark.parametrize("words, status, cls", [
    (["backup", "--source", "data=/no/such", DEST], harness.FAILED, None),
    (["backup", SOURCE, "--config", "/no/such"], harness.USAGE, None),
    (["restore", "2001-01-01", BACK, DEST], harness.NO_POINT, "not_found"),
    (["restore", "latest", "--to", "/dev/null", DEST], None, None),
    (["verify", "2001-01-01", DEST], harness.NO_POINT, "not_found"),
    (["list", "--dest", "nowhere://x"], harness.USAGE, "invalid"),
    (["list"], harness.USAGE, "invalid"),
    (["plugin", "info", "none"], None, "not_found"),
    (["plugin", "info", "/no/such.so"], None, None),
    (["plugin", "check", "none", DEST], None, "not_found"),
    (["plugin", "check", "localfs", "--dest", "nowhere://x"], harness.USAGE, "invalid"),
    (["plugin", "check", "localfs", "--dest", "file:///dev/null/x"], None, None),
    (["plugin", "list", "--config", "/no/such"], harness.USAGE, None),
    (["config", "check", "--dest", "nowhere://x"], harness.USAGE, "invalid"),
    (["config", "show", DEST, "-o", "x=y"], harness.USAGE, "invalid"),
    (["config", "schema", "--config", "/no/such"], harness.USAGE, None),
], ids=lambda value: " ".join(value) if isinstance(value, list) else None)
def test_a_failure_is_one_value_with_class_path_text_and_status(scene, words, status, cls):
    result = scene(*words, "--json", check=status)
    value = one_value(result)
    assert result.returncode != 0
    assert value["status"] == "failed" and set(value["error"]) == {"class", "path", "text", "status"}
    assert cls in (None, value["error"]["class"])
    assert value["error"]["text"] and value["error"]["text"] in result.stderr


def test_a_failed_put_has_its_path_and_class(scene, files):
    files({"new": b"new"})
    value = one_value(scene("backup", SOURCE, DEST, "--json", check=harness.FAILED, env={"SNAPFERRY_FAULT": "fail@put:*:no_space:data/new"}))
    assert (value["error"]["class"], value["status"]) == ("no_space", "failed")
    assert "data/new" in value["error"]["text"] and value["error"]["path"].endswith("new")
    assert value["time_dir"] and value["run"]


def test_damage_is_one_value_with_its_findings(scene, store):
    for key in store.data():
        store.path(key).unlink()
    value = one_value(scene("verify", DEST, "--json", check=harness.DAMAGE))
    assert value["status"] == "damaged" and value["points"][0]["damaged"] == 2
    assert {finding["key"].rsplit("/", 1)[1] for finding in value["points"][0]["findings"]} == {"a", "b%FF%0A"}


def test_the_report_of_a_backup_counts_what_was_done(scene, files, store):
    files({"a": b"other", "new": b"new!"})
    value = one_value(scene("backup", SOURCE, DEST, "--json"))
    counts, = value["sources"]
    assert set(counts) == SOURCE_COUNTS
    assert counts == {"name": "data", "files": 3, "bytes": 10, "uploaded_files": 2, "uploaded_bytes": 9, "referenced_files": 1,
                      "copied_files": 0, "kept_files": 0, "repaired_files": 0}
    assert value["requests"]["put"] == 2 + 3  # the files, .open, manifest, .commit
    assert store.commit(value["time_dir"])[0]["run"] == value["run"]


def test_retries_are_counted(scene, files):
    files({"new": b"new"})
    value = one_value(scene("backup", SOURCE, DEST, "--json", env={"SNAPFERRY_FAULT": "fail@put:1:transient:data/new"}))
    assert value["retries"] == 1 and value["status"] == "complete"


def test_list_has_what_the_man_page_says(scene):
    point, = one_value(scene("list", DEST, "--json"))
    assert set(point) == {"time_dir", "run", "status", "started", "finished", "sources"}
    assert point["sources"] == [{"name": "data", "files": 2, "bytes": 2}] and point["status"] == "complete"
    assert point["started"] <= point["finished"] and len(point["run"]) == 32


# --- standard output that takes nothing ---

PRINTING = [words + more for words in SUCCESSES for more in ([], ["--json"])
            if words[0] not in ("backup", "restore", "verify") or more or words[0] == "backup" and "--dry-run" in words]
PRINTING += [["--help"], ["restore", "--help"], ["--version"]]


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_full_standard_output_is_a_failure_and_said(scene, files, run, words):
    files({"new": b"new"})
    result = scene(*words, prefix=("sh", "-c", 'exec "$0" "$@" >/dev/full'), check=harness.FAILED)
    assert "standard output: No space left on device" in result.stderr


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_closed_standard_output_is_a_failure_and_said(scene, files, words):
    files({"new": b"new"})
    result = scene(*words, prefix=("sh", "-c", 'exec "$0" "$@" >&-'), check=harness.FAILED)
    assert "standard output: Bad file descriptor" in result.stderr


def test_a_reader_that_went_away_is_a_failure_and_no_death(run):
    for words in (["config", "schema"], ["plugin", "list", "--json"]):
        read_end, write_end = os.pipe()
        os.close(read_end)
        process = subprocess.Popen([run.binary, *words], env=run.env, stdout=write_end, stderr=subprocess.PIPE, text=True)
        os.close(write_end)
        _, said = process.communicate(timeout=60)
        assert process.returncode == harness.FAILED and "standard output: Broken pipe" in said


def test_messages_never_go_into_the_store_where_all_three_standard_files_are_closed(scene, source, files):
    files({"new": b"new"})
    for words in (["backup", SOURCE, DEST, "--log-level", "debug", "--progress", "bar"], ["backup", SOURCE, DEST, "--dry-run"]):
        scene(*words, prefix=("sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-'), check=(harness.DONE, harness.FAILED))
    assert len(one_value(scene("list", DEST, "--json"))) == 2
    scene("verify", "--all", "--deep", DEST)
    scene("restore", "latest", BACK, DEST)
    tree.assert_same(tree.snapshot(source), tree.snapshot(source.parent / "back"))
