# SPDX-License-Identifier: Apache-2.0
"""plugin list, info and check: the conformance suite passes on our plugins, and fails on one that breaks a promise (plugins/probe.c)."""
import os
import re

import pytest

import harness

LOCALFS_CASES = 43
UPLOAD_CASES = 16  # localfs has no uploads in parts
# what the probe breaks: a case that must name it
BROKEN = {
    "create-only": "precondition: create-only refuses a second put",
    "digest": "put: bytes without the given digest are refused",
    "metadata": "put: metadata travels with the object",
    "tag": "list: size and tag are those of put and stat",
    "short-get": "put: bodies in memory come back, from nothing to over 1 MiB",
    "order": "list: strict byte order for awkward names, any prefix, any page",
    "start-after": "list: start_after",
    "batch": "remove: a batch, with a result a key; what is not there is removed",
    "report": "abi: every request is reported",
    "capabilities": "abi: capabilities and limits make sense",
    "upload-early": "upload: parts in order come back, and nothing is visible before commit",
    "upload-metadata": "upload: metadata travels with the object",
    "upload-digest": "upload: a part without the given digest is refused, and can be sent again",
    "upload-create-only": "upload: create-only commit refuses where an object came meanwhile",
    "upload-missing": "upload: commit with a part missing or unknown fails, and can be made good",
    "upload-abort": "upload: abort leaves nothing, and may be repeated",
    "upload-prefix": "upload: uploads_list finds by prefix, and its token aborts",
    "upload-report": "upload: every request is reported",
    "upload-element": "upload: larger arguments are understood, smaller answers not overrun",
}


def verdicts(text):
    """{name of a case: verdict} of plugin check's lines, and the last line."""
    *lines, last = text.splitlines()
    return {match[2]: match[1] for line in lines if (match := re.match(r"(ok|FAILED|skipped) +(\S.*)", line))}, last


def place(folder, file, name=None):
    folder.mkdir(mode=0o755, exist_ok=True)
    (folder / (name or file.name)).write_bytes(file.read_bytes())
    return folder / (name or file.name)


# --- plugin check ---


def test_localfs_passes_the_suite_and_nothing_is_left_behind(run, store, files):
    run("backup", "--dest", store.url, "--source", f"data={files({'a': b'a'})}")
    before = store.objects().keys() | {".snapferry/lock"}  # localfs' own, and empty
    cases, last = verdicts(run("plugin", "check", "localfs", "--dest", store.url, "-o", "prefix=some/where", timeout=180).stdout)
    assert last == f"{LOCALFS_CASES} passed, 0 failed, {UPLOAD_CASES} skipped"
    assert {name for name, verdict in cases.items() if verdict == "skipped"} == {name for name in cases if name.startswith("upload: ")}
    assert store.objects().keys() | {".snapferry/lock"} == before and store.temporaries() == []
    assert not (store.root / "some").exists() and not (store.root / ".snapferry-check").exists()


@pytest.mark.parametrize("durability", ["each", "none"])
def test_localfs_passes_the_suite_however_durable(run, store, durability):
    result = run("plugin", "check", "localfs", "--dest", store.url, "-o", f"durability={durability}", "--json", timeout=180)
    assert (result.json()["passed"], result.json()["failed"], result.json()["skipped"]) == (LOCALFS_CASES, 0, UPLOAD_CASES)


@pytest.mark.parametrize("file, url", [("examples/memory.so", "memory://x"), ("tests/abi/memory.so", "memory://x"),
                                       ("tests/e2e/probe.so", "probe://x"), ("tests/e2e/serial.so", "probe://x")])
def test_the_example_passes_as_a_serial_plugin_too(run, built, file, url):
    """Skipped are the cases of what the memory plugin does not claim; two calls at once are an error in serial.so."""
    cases, last = verdicts(run("plugin", "check", built / file, "--dest", url, timeout=180).stdout)
    assert last == f"{LOCALFS_CASES + UPLOAD_CASES - 4} passed, 0 failed, 4 skipped"
    assert {name.split(":")[0] for name, verdict in cases.items() if verdict == "skipped"} == {"copy", "abi"}


@pytest.mark.parametrize("promise", BROKEN)
def test_a_broken_promise_fails_the_case_that_is_about_it(run, built, promise):
    result = run("plugin", "check", built / "tests/e2e/probe.so", "--dest", "probe://x", "-o", f"break={promise}", "--json",
                 check=harness.FAILED, timeout=180)
    report = result.json()
    failed = {case["name"]: case["text"] for case in report["cases"] if case["verdict"] == "FAILED"}
    assert BROKEN[promise] in failed and report["failed"] == len(failed) and report["status"] == "failed"
    assert all(re.match(r"\w+\.c:\d+: \S", text) for text in failed.values())
    assert report["passed"] > LOCALFS_CASES / 2  # the others still hold


def test_plugin_check_names_the_failed_case_in_text_too(run, built):
    result = run("plugin", "check", built / "tests/e2e/probe.so", "--dest", "probe://x", "-o", "break=digest", check=harness.FAILED,
                 timeout=180)
    cases, last = verdicts(result.stdout)
    assert cases[BROKEN["digest"]] == "FAILED" and last.split(",")[1] == " 1 failed"


def test_a_serial_plugin_backs_up_with_one_call_at_a_time(run, built, files, tmp_path):
    plugin = place(tmp_path / "plugins", built / "tests/e2e/serial.so")
    source = files({f"{number:03}": b"x" * number for number in range(100)})
    report = run("backup", "--dest", "probe://x", "--plugin-dir", plugin.parent, "--source", f"data={source}", "--json").json()
    assert report["status"] == "complete" and report["sources"][0]["uploaded_files"] == 100 and report["retries"] == 0


@pytest.mark.parametrize("words, message", [
    (["localfs"], "no destination"),
    (["localfs", "--dest", "gs://bucket"], "does not serve gs:// URLs"),
    (["locafs", "--dest", "file:///x"], "there is no plugin 'locafs'"),
    (["Local FS", "--dest", "file:///x"], "cannot be a plugin's name"),
])
def test_plugin_check_of_what_cannot_be_checked_is_refused(run, tmp_path, words, message):
    (tmp_path / "config.json").write_text("{}")
    result = run("plugin", "check", *words, "--config", tmp_path / "config.json", check=(harness.USAGE, harness.FAILED))
    assert message in result.stderr and result.stdout == ""


# --- plugin list, info ---


def test_plugin_list_has_each_with_its_file(run, probe_folder, snapferry):
    rows = run("plugin", "list", "--plugin-dir", probe_folder).stdout.splitlines()
    assert rows[0].split() == ["NAME", "VERSION", "SCHEMES", "DESCRIPTION", "PATH"]
    assert [row.split()[0] for row in rows[1:]] == ["localfs", "probe", "s3"]
    assert rows[2].endswith(str(probe_folder / "probe.so"))
    values = {value["name"]: value for value in run("plugin", "list", "--plugin-dir", probe_folder, "--json").json()}
    assert values["localfs"]["schemes"] == ["file"] and values["localfs"]["error"] is None
    assert os.path.samefile(values["localfs"]["path"], snapferry.parent / "plugins/localfs/localfs.so")


def test_plugin_info_tells_what_a_plugin_says_of_itself(run, probe_folder):
    value = run("plugin", "info", "localfs", "--json").json()
    assert (value["name"], value["abi"], value["threads"], value["schemes"]) == ("localfs", "1.0", "per_conn", ["file"])
    options = {option["key"]: option for option in value["options"]}
    assert set(options) == {"path", "durability"}
    assert options["path"]["required"] and options["path"]["url"] == "path"
    assert options["durability"]["choices"] == ["batch", "each", "none"] and options["durability"]["default"] == "batch"
    text = run("plugin", "info", "localfs").stdout
    for word in ("localfs", "1.0", "per_conn", "durability", "batch|each|none, default batch", "required", options["path"]["help"]):
        assert word in text
    by_path = run("plugin", "info", probe_folder / "probe.so", "--json").json()
    assert [option["key"] for option in by_path["options"] if option["secret"]] == ["token"]
    assert "secret" in run("plugin", "info", probe_folder / "probe.so").stdout


def test_an_unknown_setting_of_a_plugin_is_refused_with_the_nearest_name(run, store):
    result = run("list", "--dest", store.url, "-o", "durablity=each", check=harness.USAGE)
    assert "durablity" in result.stderr and "plugin localfs" in result.stderr and "did you mean 'durability'?" in result.stderr


# --- loading (more of it: tests/abi) ---


@pytest.mark.parametrize("mode, who", [(0o664, "file"), (0o646, "file"), (0o755, "folder")])
def test_a_plugin_that_others_can_change_is_not_loaded(run, built, tmp_path, mode, who):
    plugin = place(tmp_path / "plugins", built / "examples/memory.so")
    plugin.chmod(mode)
    plugin.parent.chmod(0o777 if who == "folder" else 0o755)
    result = run("plugin", "info", plugin, check=harness.FAILED)
    assert f"plugin {who} " in result.stderr and "others may write to it" in result.stderr and "chmod go-w" in result.stderr
    result = run("list", "--dest", "memory://x", "--plugin-dir", plugin.parent, check=harness.USAGE)
    assert "no plugin serves memory:// URLs" in result.stderr
    assert "not safe" in run("plugin", "list", "--plugin-dir", plugin.parent).stdout
    plugin.parent.chmod(0o755)


def test_a_plugin_of_someone_else_is_not_loaded(run, built, tmp_path, nobody):
    plugin = place(tmp_path / "plugins", built / "examples/memory.so")
    if os.geteuid() == 0:
        os.chown(plugin, nobody, nobody)
        assert f"belongs to user {nobody}" in run("plugin", "info", plugin, check=harness.FAILED).stderr
        os.chown(plugin, 12345, 12345)
    else:
        plugin = "/proc/1/exe.so"  # whoever is root
    assert run("plugin", "info", plugin, check=harness.FAILED, as_user=nobody).stderr


@pytest.mark.parametrize("name, message", [("other.so", "holds the plugin 'memory': name the file memory.so"),
                                           ("Memory.so", "does not have a plugin's name")])
def test_a_plugin_under_another_name_is_not_loaded(run, built, tmp_path, name, message):
    plugin = place(tmp_path / "plugins", built / "examples/memory.so", name)
    assert message in run("plugin", "info", plugin, check=(harness.FAILED, harness.USAGE)).stderr


def test_what_is_no_plugin_is_not_loaded(run, built, tmp_path):
    text = place(tmp_path / "plugins", harness.REPO / "README.md", "text.so")
    assert "is not a shared object" in run("plugin", "info", text, check=harness.FAILED).stderr
    library = place(tmp_path / "plugins", built / "tests/e2e/syncs.so")
    assert "does not export snapferry_plugin_v1" in run("plugin", "info", library, check=harness.FAILED).stderr
    plugins = run("plugin", "list", "--plugin-dir", tmp_path / "plugins", "--json").json()
    assert {plugin["name"]: plugin["error"] is None for plugin in plugins} == {"localfs": True, "s3": True, "syncs": False, "text": False}
