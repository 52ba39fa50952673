# SPDX-License-Identifier: Apache-2.0
"""Each config key does what docs/config.md says of it. EFFECTS names the test of every key and localfs setting; a key without one fails."""
import json
import os
import pathlib
import re
import time

import pytest

import harness
from kit import tree

EFFECTS = {
    "destination": "test_dest_replaces_the_destination_of_the_file_as_a_whole",
    "destination.plugin": "test_plugin_dirs_are_where_plugins_are_found",
    "destination.prefix": "test_a_prefix_is_what_all_keys_begin_with",
    "destination.path": "test_path_is_the_folder_that_objects_go_to",
    "destination.durability": "test_durability_says_when_writes_are_synced",
    "sources": "test_all_sources_of_the_file_are_one_point",
    "sources[].name": "test_all_sources_of_the_file_are_one_point",
    "sources[].path": "test_all_sources_of_the_file_are_one_point",
    "sources[].exclude": "test_exclude_leaves_out_by_name_and_by_path",
    "sources[].restore_to": "test_restore_to_is_where_a_restore_goes",
    "plugin_dirs": "test_plugin_dirs_are_where_plugins_are_found",
    "timeout": "test_a_run_over_its_timeout_fails",
    "grace": "test_grace_is_what_a_plugin_has_to_return",
    "time_style": "test_time_style_names_time_dirs",
    "incremental": "test_incremental_off_sends_everything_again",
    "compare": "test_compare_hash_sees_what_stat_cannot",
    "memory_max": "test_memory_max_is_what_workers_must_fit_into",
    "upload": "test_concurrency_is_how_many_small_files_are_sent_at_once",
    "upload.concurrency": "test_concurrency_is_how_many_small_files_are_sent_at_once",
    "upload.large_file_concurrency": "test_large_file_concurrency_is_how_many_large_files_are_sent_at_once",
    "upload.small_file_threshold": "test_small_file_threshold_is_where_large_files_begin",
    "upload.part_size": "test_part_size_is_what_large_files_are_cut_into",
    "upload.bandwidth": "test_bandwidth_is_what_a_run_moves_a_second",
}


def keys_of(schema, place=""):
    """All keys of a schema, dotted as in docs/config.md."""
    for form in schema.get("oneOf", [schema]):
        for name, member in form.get("properties", {}).items():
            if name == "$schema" or form is not schema and "const" in member and name != "plugin":
                continue
            yield place + name
            yield from keys_of(member, place + name + ".")
            yield from keys_of(member.get("items", {}), place + name + "[].")


def options_of(run, plugin):
    return {"destination." + option["key"] for option in run("plugin", "info", plugin, "--json").json()["options"]}


def test_every_key_has_a_test_of_its_effect(run):
    elsewhere = options_of(run, "s3")  # test_s3_options.py
    found = {key for key in keys_of(run("config", "schema").json()) if ".".join(key.split(".")[:2]) not in elsewhere}
    assert found == set(EFFECTS)
    for key, name in EFFECTS.items():
        assert callable(globals().get(name)), f"{key}: no test {name}"
    table = (harness.REPO / "docs/config.md").read_text()
    documented = set(re.findall(r"^\| `([a-z_.\[\]]+)` \|", table, re.MULTILINE))
    assert documented == found - options_of(run, "localfs")


@pytest.fixture
def configured(run, store, source, tmp_path):
    """configured(upload={...})("backup", "--json"): runs with a config file of these members; None as value leaves one out."""
    def make(**members):
        config = {"destination": {"plugin": "localfs", "path": str(store.root)},
                  "sources": [{"name": "data", "path": str(source)}], **members}
        path = tmp_path / "config.json"
        path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
        return lambda *args, **how: run(*args, "--config", path, **how)
    return make


def sent(report):
    return report["sources"][0]["uploaded_files"], report["sources"][0]["referenced_files"]


# --- destination ---


def test_path_is_the_folder_that_objects_go_to(configured, files, tmp_path):
    files({"a": b"a"})
    elsewhere = harness.Store(tmp_path / "elsewhere")
    report = configured(destination={"plugin": "localfs", "path": str(elsewhere.root)})("backup", "--json").json()
    assert (elsewhere.root / report["time_dir"] / "data" / "a").read_bytes() == b"a"


def test_a_prefix_is_what_all_keys_begin_with(configured, files, store):
    files({"a": b"a"})
    call = configured(destination={"plugin": "localfs", "path": str(store.root), "prefix": "/prod//db-1/"})
    report = call("backup", "--json").json()
    assert store.objects() and all(key.startswith("prod/db-1/") for key in store.objects() if key != ".snapferry/lock")
    assert f"prod/db-1/{report['time_dir']}/data/a" in store.objects()
    assert [point["time_dir"] for point in call("list", "--json").json()] == [report["time_dir"]]
    other = configured(destination={"plugin": "localfs", "path": str(store.root), "prefix": "prod/db"})
    assert other("list", "--json").json() == []


@pytest.mark.parametrize("prefix, why", [("a/../b", "'..'"), (".snapferry/x", ".snapferry"), ("a\tb", "control character")])
def test_a_prefix_that_leads_astray_is_refused(configured, prefix, why):
    result = configured(destination={"plugin": "localfs", "path": "/x", "prefix": prefix})("config", "check", check=harness.USAGE)
    assert "prefix" in result.stderr and why in result.stderr


def test_dest_replaces_the_destination_of_the_file_as_a_whole(configured, files, store, tmp_path):
    files({"a": b"a"})
    other = tmp_path / "other"
    call = configured(destination={"plugin": "localfs", "path": str(store.root), "prefix": "unseen"})
    report = call("backup", "--dest", f"file://{other}", "--json").json()
    assert (other / report["time_dir"] / "data" / "a").exists()
    assert store.objects() == {}


@pytest.mark.parametrize("durability", ["batch", "each", "none"])
def test_durability_says_when_writes_are_synced(configured, files, store, built, tmp_path, run, durability):
    files({f"{number}": b"%d" % number for number in range(20)})
    seen = tmp_path / "syncs"
    environment = {"LD_PRELOAD": built / "tests/e2e/syncs.so", "SYNCS_BELOW": store.root, "SYNCS_REPORT": seen,
                   "ASAN_OPTIONS": run.env.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
    configured(destination={"plugin": "localfs", "path": str(store.root), "durability": durability})("backup", env=environment)
    syncs = json.loads(seen.read_text())
    if durability == "each":
        assert syncs["files"] >= 20 and syncs["folders"] > 0 and syncs["systems"] == 0
    elif durability == "batch":
        assert syncs["systems"] >= 1 and syncs["files"] < 20
    else:
        assert syncs == {"files": 0, "folders": 0, "systems": 0}


# --- sources ---


def test_all_sources_of_the_file_are_one_point(configured, tmp_path, store):
    for name in ("one", "two"):
        tree.write(tmp_path / name / "file", name.encode())
    call = configured(sources=[{"name": name, "path": str(tmp_path / name)} for name in ("one", "two")])
    time_dir = call("backup", "--json").json()["time_dir"]
    points = call("list", "--json").json()
    assert [[source["name"] for source in point["sources"]] for point in points] == [["one", "two"]]
    for name in ("one", "two"):
        assert store.path(f"{time_dir}/{name}/file").read_bytes() == name.encode()


def test_exclude_leaves_out_by_name_and_by_path(configured, files, source, store):
    files({path: b"x" for path in ["a", "a.tmp", "deep/b.tmp", "wal/1", "wal/deep/2", "deep/wal/3", "cache/x/y", "deep/cache/z", "q7"]})
    call = configured(sources=[{"name": "data", "path": str(source), "exclude": ["*.tmp", "wal/*", "cache", "q[0-9]"]}])
    time_dir = call("backup", "--json").json()["time_dir"]
    paths = [entry["path"] for entry in store.manifest(time_dir, "data")[1] if entry["type"] == "file"]
    assert paths == ["a", "deep/wal/3"]
    assert "wal" in [entry["path"] for entry in store.manifest(time_dir, "data")[1]]


def test_restore_to_is_where_a_restore_goes(configured, files, source, tmp_path):
    files({"a": b"a"})
    call = configured(sources=[{"name": "data", "path": str(source), "restore_to": str(tmp_path / "back")}])
    call("backup")
    call("restore", "latest")
    assert (tmp_path / "back" / "a").read_bytes() == b"a"
    assert tree.snapshot(source)[b"a"].mtime_ns == tree.OLD


def test_without_restore_to_a_restore_goes_to_path(configured, files, source):
    files({"a": b"a"})
    call = configured()
    call("backup")
    (source / "a").unlink()
    call("restore", "latest")
    assert (source / "a").read_bytes() == b"a"


# --- how a run goes ---


def test_plugin_dirs_are_where_plugins_are_found(configured, files, probe_folder):
    files({"a": b"a"})
    call = configured(destination={"plugin": "probe"}, plugin_dirs=[str(probe_folder)])
    assert call("backup", "--json").json()["status"] == "complete"
    result = configured(destination={"plugin": "probe"})("backup", check=(harness.USAGE, harness.FAILED))
    assert "no plugin 'probe'" in result.stderr and "localfs" in result.stderr


def test_a_run_over_its_timeout_fails(configured, files, store):
    files({"a": b"a"})
    result = configured(timeout="1s")("backup", "--json", check=harness.FAILED, env={"SNAPFERRY_FAULT": "slow@put:600000:data/a"})
    assert result.json()["status"] == "timeout" and "timeout has passed" in result.stderr
    assert store.data() == {}
    assert [point["status"] for point in configured()("list", "--json").json()] == ["incomplete"]


def test_grace_is_what_a_plugin_has_to_return(configured, files, store):
    files({"a": b"a"})
    result = configured(timeout="1s", grace="2s")("backup", check=harness.FAILED, env={"SNAPFERRY_FAULT": "hang@put:data/a"})
    told = re.search(r"put of \S+/data/a has not returned for [0-9.]+ s, ([0-9.]+) s after it was to stop", result.stderr)
    assert told and float(told.group(1)) >= 2
    claim = next(key for key in store.objects() if key.endswith(".open"))
    assert json.loads((store.root / claim).read_text())["grace_ms"] == 2000


@pytest.mark.parametrize("style, form", [("daily", "{0:.10}"), ("hourly", "{0:.10}-{0[11]}{0[12]}"), ("run", None)])
def test_time_style_names_time_dirs(configured, files, style, form):
    files({"a": b"a"})
    call = configured(time_style=style)
    names = [call("backup", "--json").json()["time_dir"] for _ in range(2)]
    started = {point["time_dir"]: point["started"] for point in call("list", "--json").json()}
    plain = [form.format(started[name]) if form else started[name][:19].replace(":", "-") + "Z" for name in names]
    assert names[0] == plain[0]
    # the name is taken, unless an hour or a day has just begun
    assert names[1] != names[0] and (names[1] == plain[1] or re.fullmatch(r"[0-9-]{10}T[0-9-]{8}Z", names[1]))


def test_incremental_off_sends_everything_again(configured, files):
    files({"a": b"a", "b": b"b"})
    assert sent(configured()("backup", "--json").json()) == (2, 0)
    assert sent(configured(incremental="reference")("backup", "--json").json()) == (0, 2)
    assert sent(configured(incremental="off")("backup", "--json").json()) == (2, 0)


def test_compare_hash_sees_what_stat_cannot(configured, files):
    files({"a": b"a", "b": b"b"})
    configured()("backup")
    files({"a": b"A"})  # same size, same mtime
    assert sent(configured(compare="stat")("backup", "--json").json()) == (0, 2)
    assert sent(configured(compare="hash")("backup", "--json").json()) == (1, 1)


def test_memory_max_is_what_workers_must_fit_into(configured, files, store):
    files({"a": b"a"})
    many = {"concurrency": 256}
    refused = configured(memory_max="1MiB")("backup", check=harness.USAGE)
    assert "memory_max is 1024 KiB" in refused.stderr and "not even one worker fits" in refused.stderr
    assert not list(store.root.rglob("*.open"))
    assert "instead of" not in configured(memory_max="1GiB", upload=many)("backup").stderr
    fewer = configured(memory_max="40MiB", upload=many)("backup").stderr
    assert re.search(r"\b[1-9]\d* workers instead of 256: memory_max is 40960 KiB", fewer)


# --- upload ---


@pytest.mark.parametrize("size, parts", [("5MiB", 3), ("6MiB", 2), ("12MiB", 0)])
def test_part_size_is_what_large_files_are_cut_into(configured, files, probe_folder, size, parts):
    files({"large": os.urandom(12 << 20), "small": b"x"})
    call = configured(destination={"plugin": "probe"}, plugin_dirs=[str(probe_folder)],
                      upload={"part_size": size})
    requests = call("backup", "--json").json()["requests"]
    assert (requests["upload_begin"], requests["upload_part"], requests["upload_commit"], requests["upload_abort"]) == \
        (min(parts, 1), parts, min(parts, 1), 0)
    assert requests["put"] == (2 if parts == 0 else 1) + 3  # .open, manifest, .commit


def test_bandwidth_is_what_a_run_moves_a_second(configured, files, tmp_path):
    files({"a": os.urandom(1 << 20)})
    call = configured(upload={"bandwidth": "512KiB"})
    assert call("backup", "--json").json()["duration_ms"] >= 1500  # 2 s, less what is given in advance
    began = time.monotonic()
    call("restore", "latest", "--to", tmp_path / "restored")
    assert time.monotonic() - began >= 1.5
    tree.assert_same(tree.snapshot(tmp_path / "source"), tree.snapshot(tmp_path / "restored"))


@pytest.fixture
def most_at_once(configured, files, probe_folder, tmp_path):
    """How many puts of 12 files of 1000 bytes ran at once, where the store waits for as many as are expected."""
    def count(expected, small=0, **upload):
        files({f"{number:02}": b"x" * 1000 for number in range(12)})
        report = tmp_path / "most"
        destination = {"plugin": "probe", "gate": expected, "small": small, "report": str(report)}
        configured(destination=destination, plugin_dirs=[str(probe_folder)], upload=upload)("backup")
        return int(report.read_text())
    return count


@pytest.mark.parametrize("workers", [1, 3, 8])
def test_concurrency_is_how_many_small_files_are_sent_at_once(most_at_once, workers):
    assert most_at_once(workers, concurrency=workers) == workers


def test_concurrency_is_8_if_not_set(most_at_once):
    assert most_at_once(8) == 8


@pytest.mark.parametrize("large, expected", [(1, 1), (3, 3), (0, 2), (99, 6)])
def test_large_file_concurrency_is_how_many_large_files_are_sent_at_once(most_at_once, large, expected):
    """0: two, since the memory plugin takes parts in parallel; never more than there are workers."""
    assert most_at_once(expected, concurrency=6, large_file_concurrency=large, small_file_threshold=100) == expected


@pytest.mark.parametrize("threshold, expected", [(1000, 1), ("1000B", 1), (1001, 4), ("1KiB", 4), (0, 1)])
def test_small_file_threshold_is_where_large_files_begin(most_at_once, threshold, expected):
    assert most_at_once(expected, concurrency=4, large_file_concurrency=1, small_file_threshold=threshold) == expected


def test_small_file_threshold_is_raised_to_what_the_backend_takes_in_one(most_at_once):
    assert most_at_once(4, small=2000, concurrency=4, large_file_concurrency=1, small_file_threshold=10) == 4


# --- what is refused ---


@pytest.mark.parametrize("line, refused, near", [
    ('"tiemout": "1h"', "tiemout", "timeout"),
    ('"upload": { "concurency": 3 }', "upload.concurency", "upload.concurrency"),
    ('"concurrency": 3', "concurrency", "upload.concurrency"),
    ('"sources": [{ "name": "a", "path": "/a", "exlude": [] }]', "sources[0].exlude", "sources[0].exclude"),
    ('"destination": { "plugin": "localfs", "path": "/x", "durabilty": "each" }', "durabilty", "durability"),
])
def test_an_unknown_key_is_refused_with_file_line_and_nearest_name(run, tmp_path, line, refused, near):
    path = tmp_path / "config.json"
    members = ['"_comment": "two"', line] + ([] if "destination" in line else ['"destination": { "plugin": "localfs", "path": "/x" }'])
    path.write_text("{\n" + ",\n".join(members) + "\n}\n")
    result = run("config", "check", "--config", path, check=harness.USAGE)
    assert f"{path}:3: unknown key" in result.stderr and refused in result.stderr
    assert re.search(rf"did you mean '{re.escape(near)}'|did you mean '.*\.{re.escape(near)}'", result.stderr), result


@pytest.mark.parametrize("members, words", [
    ({"timeout": "soon"}, ["timeout", "a duration"]),
    ({"timeout": 5}, ["timeout", "a duration"]),
    ({"time_style": "weekly"}, ["time_style", "daily, hourly, run"]),
    ({"incremental": "copy"}, ["incremental", "reference, off"]),
    ({"compare": True}, ["compare", "stat, hash"]),
    ({"upload": {"concurrency": 0}}, ["upload.concurrency", "from 1 to 256"]),
    ({"upload": {"large_file_concurrency": 257}}, ["upload.large_file_concurrency", "from 0 to 256"]),
    ({"upload": {"small_file_threshold": "5 miles"}}, ["upload.small_file_threshold", "a size"]),
    ({"upload": []}, ["upload", "an object"]),
    ({"plugin_dirs": ["relative"]}, ["plugin_dirs[0]", "absolute"]),
    ({"sources": [{"name": "a b", "path": "/a"}]}, ["sources[0].name", "a name"]),
    ({"sources": [{"name": "a"}]}, ["sources[0].path is missing"]),
    ({"sources": [{"name": "a", "path": "a"}]}, ["sources[0].path", "absolute"]),
    ({"sources": [{"name": "a", "path": "/a"}, {"name": "A", "path": "/b"}]}, ["sources[1].name", "sources[0]"]),
    ({"sources": [{"name": "a", "path": "/a", "restore_to": "b"}]}, ["sources[0].restore_to", "absolute"]),
    ({"sources": [{"name": "a", "path": "/a", "exclude": "*.tmp"}]}, ["sources[0].exclude", "a list"]),
    ({"destination": {"path": "/x"}}, ["destination.plugin is missing"]),
    ({"destination": {"plugin": "localfs", "path": "/x", "durability": "often"}}, ["durability", "batch", "each", "none"]),
])
def test_a_value_of_the_wrong_form_is_refused_with_what_is_expected(configured, tmp_path, members, words):
    result = configured(**members)("config", "check", check=harness.USAGE)
    assert str(tmp_path / "config.json") + ":1:" in result.stderr
    assert [word for word in words if word not in result.stderr] == [], result


def test_a_setting_that_the_plugin_needs_is_asked_for(configured):
    result = configured(destination={"plugin": "localfs"})("config", "check", check=harness.USAGE)
    assert "plugin localfs needs 'path'" in result.stderr and "-o path=VALUE" in result.stderr


@pytest.mark.parametrize("text, words", [
    ('{"timeout": "1h", "timeout": "2h"}', ["duplicate", "timeout"]), ('{"timeout": ', ["not valid JSON"]), ("[]", ["an object"]),
    ('{"timeout": "' + "1" * (1 << 20) + '"}', ["1 MiB"]),
])
def test_a_file_that_is_no_config_is_refused(run, tmp_path, text, words):
    (tmp_path / "config.json").write_text(text)
    result = run("config", "check", "--config", tmp_path / "config.json", check=harness.USAGE)
    assert [word for word in [str(tmp_path / "config.json"), *words] if word not in result.stderr] == [], result


# --- secrets ---


def test_a_secret_is_taken_from_elsewhere_and_never_shown(configured, tmp_path, probe_folder, run):
    def check(token, *args, status=harness.USAGE, **env):
        call = configured(destination={"plugin": "probe", "token": token}, plugin_dirs=[str(probe_folder)])
        result = call("config", "show", *args, check=status, env=env)
        assert "hush" not in result.stdout + result.stderr, result
        return result

    assert "token" in check("hush-hush").stderr
    assert "token" in check({"env": "T"}, "-o", "token=hush-hush", T="x").stderr
    assert "T" in check({"env": "T"}).stderr  # not set
    assert check({"env": "T"}, status=0, T="hush").json()["destination"]["token"] == {"env": "T"}
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    secret.chmod(0o640)
    assert str(secret) in check({"file": str(secret)}).stderr
    secret.chmod(0o600)
    assert check({"file": str(secret)}, status=0).json()["destination"]["token"] == {"file": str(secret)}


# --- config check, show, schema ---


def test_the_sample_passes_config_check(run):
    result = run("config", "check", "--config", harness.REPO / "etc/snapferry.json", "--json")
    assert result.json()["status"] == "ok"


def test_what_config_show_prints_is_a_config_that_shows_the_same(configured, run, source, tmp_path):
    call = configured(timeout="90m", time_style="run", incremental="off", compare="hash", plugin_dirs=[str(tmp_path)],
                      upload={"concurrency": 3, "large_file_concurrency": 2, "small_file_threshold": "1MiB",
                              "part_size": "6MiB", "bandwidth": "1GiB"}, memory_max="1GiB",
                      sources=[{"name": "data", "path": str(source), "exclude": ["*.tmp"], "restore_to": "/elsewhere"}])
    shown = call("config", "show").stdout
    again = tmp_path / "shown.json"
    again.write_text(shown)
    assert run("config", "show", "--config", again).stdout == shown
    given = json.loads((tmp_path / "config.json").read_text())
    for key in given.keys() - {"destination", "timeout"}:
        assert json.loads(shown)[key] == given[key]
    assert json.loads(shown)["timeout"] in ("90m", "1h30m")


def test_config_show_has_all_keys_and_the_defaults_of_the_docs(run, tmp_path):
    shown = run("config", "show", "--dest", f"file://{tmp_path}").json()
    assert shown["destination"] == {"plugin": "localfs", "prefix": "", "path": str(tmp_path), "durability": "batch"}
    text = (harness.REPO / "docs/config.md").read_text()
    for key, default in re.findall(r"^\| `([a-z_.]+)` \|[^|]*\| `([^|`]+)` \|", text, re.MULTILINE):
        value = shown
        for part in key.split("."):
            value = value[part]
        assert str(value) == default, key


def test_config_check_contacts_nothing(configured, store, tmp_path):
    call = configured(destination={"plugin": "localfs", "path": str(tmp_path / "missing" / "too")})
    assert "ok" in call("config", "check").stdout
    assert os.listdir(store.root) == [] and not pathlib.Path(tmp_path / "missing").exists()


def test_the_schema_knows_what_the_parser_knows(run, probe_folder):
    schema = run("config", "schema", "--plugin-dir", probe_folder).json()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema" and schema["additionalProperties"] is False
    assert "$schema" in schema["properties"] and any("_comment" in pattern for pattern in schema["patternProperties"])
    plugins = {form["properties"]["plugin"]["const"]: form for form in schema["properties"]["destination"]["oneOf"]}
    assert set(plugins) == {"localfs", "probe", "s3"}
    assert plugins["localfs"]["required"] == ["plugin", "path"] and plugins["localfs"]["additionalProperties"] is False
    assert plugins["localfs"]["properties"]["durability"]["enum"] == ["batch", "each", "none"]
    assert schema["properties"]["sources"]["items"]["required"] == ["name", "path"]
    assert schema["properties"]["upload"]["properties"]["concurrency"]["minimum"] == 1
