# SPDX-License-Identifier: Apache-2.0
"""The command line: each flag does what --help says, help and man page know all of them, what is unknown is refused with the nearest
name. EFFECTS names the test of every flag; a flag without one fails."""
import os
import pathlib
import re
import signal
import subprocess

import pytest

import harness
from kit import tree

EFFECTS = {
    "--source": "test_source_takes_some_sources_or_others",
    "--to": "test_to_is_where_a_restore_goes",
    "--only": "test_only_restores_what_matches",
    "--replace": "test_replace_is_needed_for_a_target_that_holds_files",
    "--dry-run": "test_a_dry_run_says_what_would_be_done_and_changes_nothing",
    "--all": "test_all_verifies_every_point",
    "--deep": "test_deep_reads_every_byte",
    "--config": "test_config_counts_before_the_environment",
    "--dest": "test_dest_and_o_say_where_to",
    "-o": "test_dest_and_o_say_where_to",
    "--state-dir": "test_the_state_folder_is_the_first_that_is_named",
    "--plugin-dir": "test_plugin_dir_is_looked_into_first",
    "--json": "test_json_prints_one_value",
    "--progress": "test_a_bar_on_a_terminal_is_wiped_at_the_end",
    "--log-level": "test_log_level_is_the_least_that_is_said",
    "--help": "test_help_of_a_command_has_the_flags_that_it_takes",
    "--version": "test_version",
}
COMMANDS = ["backup", "restore", "verify", "list", "plugin list", "plugin info", "plugin check", "config check", "config show",
            "config schema"]
VALUES = {"NAME[=DIR]": "n=/d", "DIR": "/d", "GLOB": "g", "FILE": "/f", "URL": "file:///d", "KEY=VALUE": "k=v", "STYLE": "none",
          "LEVEL": "error"}


def flags_of(page):
    """{flag: word of its value, "" for a switch} of a help page."""
    return {name: value for name, value in re.findall(r"^  (?:-\w, )?(--?[a-z-]+) ?(\S*)", page.split("Flags", 1)[1], re.MULTILINE)}


@pytest.fixture
def backed_up(run, store, files):
    """A source data with a, b.txt and deep/a in a point; its time-dir."""
    files({"a": b"a", "b.txt": b"b", "deep/a": b"deep a"})
    return run("backup", "--dest", store.url, "--source", f"data={files({})}", "--json").json()["time_dir"]


def test_every_flag_has_a_test_of_its_effect(run):
    assert set(flags_of(run("--help").stdout)) == set(EFFECTS)
    tests = "".join(path.read_text() for path in pathlib.Path(__file__).parent.glob("test_*.py"))
    for flag, name in EFFECTS.items():
        assert f"\ndef {name}(" in tests, f"{flag}: no test {name}"


# --- help, version, man page ---


def test_help_names_all_commands_and_every_exit_status(run):
    page = run("--help").stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command}\b", page, re.MULTILINE), command
    statuses = re.findall(r"^  (\d+(?:, \d+)*) ", page.split("Exit status:")[1], re.MULTILINE)
    assert statuses == ["0", "1", "2", "3", "4", "5", "6", "130, 143"]
    assert max(len(line) for line in page.splitlines()) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_has_the_flags_that_it_takes(run, command):
    """Each flag that there is: either the page has it and the command takes it, or it refuses it."""
    words = command.split()
    page = run(*words, "--help").stdout
    assert page.startswith(f"usage: snapferry {command}") and page == run("-h", *words).stdout
    for flag, value in flags_of(run("--help").stdout).items():
        if flag in ("--help", "--version"):
            continue
        typed = [flag] + ([VALUES[value]] if value else [])
        result = run(*words, *typed, "one", "two", "three", check=harness.USAGE)  # too many words: refused after the flags are seen
        assert ("is too much" in result.stderr) == (flag in flags_of(page)), f"{flag}: {result!r}"
        assert ("is not a flag of" in result.stderr) == (flag not in flags_of(page)), f"{flag}: {result!r}"


@pytest.mark.parametrize("word", ["plugin", "config"])
def test_help_of_half_a_command_is_the_main_page(run, word):
    assert run(word, "--help").stdout == run("--help").stdout == run("-h", word).stdout


def test_version(run):
    version = re.search(r"version: '([^']+)'", (harness.REPO / "meson.build").read_text())[1]
    assert run("--version").stdout == f"snapferry {version}\n" == run("list", "--version").stdout


def test_the_man_page_has_every_command_flag_and_exit_status_and_no_others(run):
    page = (harness.REPO / "docs/snapferry.1").read_text()
    described = page.split(".Sh FLAGS")[1].split(".Sh JSON")[0]
    flags = {name.lstrip("-") for name in flags_of(run("--help").stdout)} | {"h"}
    assert set(re.findall(r"^\.It Fl -?([a-z-]+)", described, re.MULTILINE)) | set(re.findall(r", -([a-z-]+)", described)) == flags
    assert set(re.findall(r"\bFl -?([a-z-]+)", page)) - {"name"} <= flags  # "name": a flag's form
    commands = page.split("The commands are:")[1].split(".Sh FLAGS")[0]
    found = [re.sub(r" (Ar|Op) .*", "", line) for line in re.findall(r"^\.It Cm (.*)", commands, re.MULTILINE)]
    assert found == COMMANDS
    statuses = re.findall(r"^\.It (\d[\d, ]*)$", page.split(".Sh EXIT STATUS")[1], re.MULTILINE)
    assert statuses == re.findall(r"^  (\d+(?:, \d+)*)  ?", run("--help").stdout.split("Exit status:")[1], re.MULTILINE)


# --- what is refused ---


@pytest.mark.parametrize("words, message", [
    (["lits"], "unknown command 'lits': did you mean 'list'?"),
    (["plugin", "chekc", "x"], "unknown command 'plugin chekc': did you mean 'plugin check'?"),
    (["config", "shwo"], "unknown command 'config shwo': did you mean 'config show'?"),
    (["config"], "config needs one word more: check, show or schema"),
    (["frobnicate"], "unknown command 'frobnicate': see snapferry --help"),
    ([], "no command"),
    (["list", "--dst", "x"], "unknown flag '--dst' for list: did you mean '--dest'?"),
    (["verify", "--depe"], "unknown flag '--depe' for verify: did you mean '--deep'?"),
    (["--jsno", "list"], "unknown flag '--jsno': did you mean '--json'?"),
    (["list", "-x"], "unknown flag '-x' for list: see snapferry list --help"),
    (["list", "--deep"], "--deep is not a flag of list (but of verify)"),
    (["list", "--json=yes"], "--json takes no value"),
    (["list", "--dest"], "--dest needs a value: URL"),
    (["list", "--dest=x", "--dest=y"], "--dest is given twice"),
    (["backup", "--progress", "fancy"], "--progress fancy: expected one of auto|bar|plain|none"),
    (["list", "--log-level=loud"], "--log-level loud: expected one of error|warning|info|debug"),
    (["list", "here"], "list takes no argument: 'here' is too much"),
    (["restore"], "restore needs a point"),
    (["verify", "latest", "--all"], "name a point or give --all, not both"),
    (["backup", "--source", "a b=/x"], "not a source's name"),
    (["backup", "--source", "a=/x", "--source", "A=/y"], "source 'a' is given twice"),
    (["backup", "--source", "a="], "no folder after '='"),
    (["list", "-o", "prefix"], "-o needs KEY=VALUE"),
    (["list", "--dest", "ftp://x/y"], "no plugin serves ftp:// URLs"),
    (["list", "--dest", "/no/url"], "--dest"),
    (["list", "--dest", "file:///x", "-o", "durabilty=each"], "durabilty"),
    (["list", "--dest", "file:///x", "-o", "durabilty=each"], "did you mean 'durability'?"),
    (["list", "--dest", "file:///x", "-o", "durability=often"], "batch"),
    (["list", "--config", "/no/such/file"], "/no/such/file"),
    (["restore", "latest", "--only", "x/"], "leave the '/' off"),
])
def test_a_wrong_command_line_is_refused_with_the_way_out(run, words, message):
    result = run(*words, check=harness.USAGE)
    assert message in result.stderr and result.stdout == ""


def test_without_config_and_destination_the_default_file_is_named(run):
    if os.path.exists("/etc/snapferry/snapferry.json"):
        pytest.skip("this machine has a config file")
    assert "/etc/snapferry/snapferry.json" in run("list", check=harness.USAGE).stderr


# --- the flags ---


def test_flags_may_stand_before_or_after_and_with_or_without_equals(run, store, backed_up):
    expected = run("list", "--dest", store.url, "--json").stdout
    assert run(f"--dest={store.url}", "list", "--json").stdout == expected
    assert run("--json", "--dest", store.url, "--", "list").stdout == expected
    assert run("list", f"--dest={store.url}", "-oprefix=none", "--json").stdout == "[]\n"


def test_config_counts_before_the_environment(run, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_text('{"destination": {"plugin": "localfs", "path": "/%s"}}' % name)
    shown = lambda *args, **env: run("config", "show", *args, env=env).json()["destination"]["path"]  # noqa: E731
    assert shown(SNAPFERRY_CONFIG=tmp_path / "one") == "/one"
    assert shown("--config", tmp_path / "two", SNAPFERRY_CONFIG=tmp_path / "one") == "/two"


def test_dest_and_o_say_where_to(run, store, files):
    call = lambda command, *args: run(command, "--dest", store.url, "-o", "prefix=a/b", "-o", "durability=none", *args)  # noqa: E731
    time_dir = call("backup", "--source", f"data={files({'a': b'a'})}", "--json").json()["time_dir"]
    assert store.path(f"a/b/{time_dir}/data/a").exists()
    assert call("list", "--json").json()[0]["time_dir"] == time_dir
    shown = run("config", "show", "--dest", store.url, "-o", "durability=none").json()
    assert shown["destination"]["durability"] == "none"


def test_source_takes_some_sources_or_others(run, store, tmp_path):
    for name in ("one", "two", "three"):
        tree.write(tmp_path / name / "file", name.encode())
    config = harness.write_config(tmp_path / "config.json", store, {name: tmp_path / name for name in ("one", "two")})
    names = lambda *args, **how: [source["name"] for source in run("backup", "--config", config, "--json", *args, **how).json()["sources"]]  # noqa: E731
    assert names() == ["one", "two"]
    assert names("--source", "two") == ["two"]
    assert names("--source", f"three={tmp_path / 'three'}", "--source=one") == ["three", "one"]
    result = run("backup", "--config", config, "--source", "tow", check=harness.USAGE)
    assert "no such source" in result.stderr and "one, two" in result.stderr
    run("restore", "latest", "--dest", store.url, "--source", f"one={tmp_path / 'back'}")
    assert (tmp_path / "back" / "file").read_bytes() == b"one"


def test_to_is_where_a_restore_goes(run, store, backed_up, tmp_path):
    run("restore", "latest", "--dest", store.url, "--to", tmp_path / "back")
    assert (tmp_path / "back" / "deep" / "a").read_bytes() == b"deep a"
    sources = ["--source", f"x={tmp_path / 'source'}", "--source", f"y={tmp_path / 'source'}"]
    run("backup", "--dest", store.url, *sources)
    run("restore", "latest", "--dest", store.url, "--to", "several", cwd=tmp_path)
    assert sorted(os.listdir(tmp_path / "several")) == ["x", "y"]


def test_only_restores_what_matches(run, store, backed_up, tmp_path):
    def restored(*patterns):
        target = tmp_path / "-".join(patterns).replace("/", "_")
        run("restore", "latest", "--dest", store.url, "--to", target, *[word for pattern in patterns for word in ("--only", pattern)])
        return sorted(os.path.relpath(os.path.join(path, name), target) for path, _, names in os.walk(target) for name in names)

    assert restored("a") == ["a", "deep/a"]
    assert restored("deep/a") == ["deep/a"]
    assert restored("*.txt", "deep/?") == ["b.txt", "deep/a"]


def test_replace_is_needed_for_a_target_that_holds_files(run, store, backed_up, tmp_path):
    tree.write(tmp_path / "back" / "other", b"mine")
    arguments = ["restore", "latest", "--dest", store.url, "--to", tmp_path / "back"]
    assert "--replace" in run(*arguments, check=harness.USAGE).stderr
    assert os.listdir(tmp_path / "back") == ["other"]
    run(*arguments, "--replace")
    assert sorted(name for name in os.listdir(tmp_path / "back") if not name.startswith(".snapferry")) == ["a", "b.txt", "deep"]


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(run, store, backed_up, source, tmp_path):
    before, target = store.objects(), tmp_path / "back"
    tree.write(source / "new", b"new")
    result = run("backup", "--dest", store.url, "--source", f"data={source}", "--dry-run")
    assert "data/new" in result.stdout and "data/b.txt" not in result.stdout
    assert "would be backed up" in result.stderr and store.objects() == before
    result = run("restore", "latest", "--dest", store.url, "--to", target, "--dry-run")
    assert "deep/a" in result.stdout + result.stderr and not target.exists()


def test_all_verifies_every_point(run, store, backed_up, source):
    tree.write(source / "new", b"new")
    second = run("backup", "--dest", store.url, "--source", f"data={source}", "--json").json()["time_dir"]
    verified = lambda *args: {point["time_dir"] for point in run("verify", "--dest", store.url, "--json", *args).json()["points"]}  # noqa: E731
    assert verified() == verified("latest") == {second}
    assert verified(backed_up) == {backed_up}
    assert verified("--all") == {backed_up, second}


def test_deep_reads_every_byte(run, store, backed_up):
    path = store.path(f"{backed_up}/data/b.txt")
    status = path.stat()
    attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)}
    path.write_bytes(b"B")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    for name, value in attributes.items():
        os.setxattr(path, name, value)
    gets = lambda *args, **how: run("verify", "--dest", store.url, "--json", *args, **how).json()  # noqa: E731
    shallow, deep = gets(), gets("--deep", check=harness.DAMAGE)
    assert shallow["points"][0]["status"] == "verified" and deep["points"][0]["damaged"] == 1
    assert deep["points"][0]["findings"][0]["key"] == f"{backed_up}/data/b.txt"
    assert deep["requests"]["get"] == shallow["requests"]["get"] + 3


def test_the_state_folder_is_the_first_that_is_named(run, store, files, tmp_path, nobody):
    store.root.chmod(0o777)
    places = {name: tmp_path / name for name in ("flag", "systemd", "xdg", "home2")}
    for place in places.values():
        place.mkdir()
        os.chown(place, nobody if os.geteuid() == 0 else -1, -1)
    source = files({"a": b"a"})

    def used(*args, **env):
        environment = {"STATE_DIRECTORY": None, "XDG_STATE_HOME": None, "HOME": places["home2"], **env}
        run("backup", "--dest", store.url, "--source", f"data={source}", *args, env=environment, as_user=nobody)
        found = [str(next(path for path in place.rglob("*") if path.is_file()).relative_to(tmp_path).parent)
                 for place in places.values() if any(path.is_file() for path in place.rglob("*"))]
        for place in places.values():
            subprocess.run(["find", place, "-mindepth", "1", "-delete"], check=True)
        return found

    xdg = {"XDG_STATE_HOME": places["xdg"]}
    assert used() == ["home2/.local/state/snapferry"]
    assert used(**xdg) == ["xdg/snapferry"]
    assert used(STATE_DIRECTORY=places["systemd"], **xdg) == ["systemd"]
    assert used("--state-dir", places["flag"], STATE_DIRECTORY=places["systemd"], **xdg) == ["flag"]


def test_without_a_state_folder_backup_is_refused_and_the_rest_goes_on(run, store, backed_up, source, tmp_path):
    (tmp_path / "file").write_text("")
    bad = ["--dest", store.url, "--state-dir", tmp_path / "file" / "state"]
    before = store.objects()
    assert "state" in run("backup", "--source", f"data={source}", *bad, check=harness.USAGE).stderr
    assert store.objects() == before
    run("list", *bad)
    run("verify", "--deep", *bad)
    run("restore", "latest", "--to", tmp_path / "back", *bad)
    assert (tmp_path / "back" / "a").exists()


def test_plugin_dir_is_looked_into_first(run, built, tmp_path):
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir(mode=0o755)
        (folder / "memory.so").write_bytes((built / "examples/memory.so").read_bytes())
    (folders[1] / "localfs.so").write_bytes(b"not a plugin")
    plugins = run("plugin", "list", "--json", "--plugin-dir", folders[0], "--plugin-dir", folders[1]).json()
    paths = {plugin["name"]: plugin["path"] for plugin in plugins if plugin["name"] != "s3"}  # that one stands in no folder of ours
    assert paths == {"memory": str(folders[0] / "memory.so"), "localfs": str(folders[1] / "localfs.so")}


def test_log_level_is_the_least_that_is_said(run, store, backed_up, source):
    said = lambda level: run("backup", "--dest", store.url, "--source", f"data={source}", "--log-level", level).stderr  # noqa: E731
    assert said("error") == said("warning") == ""
    assert "is complete" in said("info") and "debug: " not in said("info")
    assert "debug: " in said("debug") and "is complete" in said("debug")
    assert run("list", "--log-level", "error", "--dest", "nonsense", check=harness.USAGE).stderr.startswith("snapferry: error: ")


# --- exit statuses ---


@pytest.mark.parametrize("rule, status", [("fail@put:*:no_space:data/", harness.FAILED), ("fail@put:*:denied", harness.DENIED),
                                          ("fail@list:*:auth", harness.DENIED), ("fail@put:*:permanent", harness.FAILED)])
def test_a_backup_that_fails_exits_by_its_error(run, store, files, rule, status):
    run("backup", "--dest", store.url, "--source", f"data={files({'a': b'a'})}", env={"SNAPFERRY_FAULT": rule}, check=status)


def test_no_such_point_is_5_and_damage_is_4(run, store, backed_up, tmp_path):
    run("verify", "2001-01-01", "--dest", store.url, check=harness.NO_POINT)
    run("restore", "0" * 32, "--dest", store.url, "--to", tmp_path / "back", check=harness.NO_POINT)
    run("verify", "--dest", store.url, "-o", "prefix=empty", check=harness.NO_POINT)
    store.path(f"{backed_up}/data/a").unlink()
    run("verify", "--dest", store.url, check=harness.DAMAGE)
    run("restore", "latest", "--dest", store.url, "--to", tmp_path / "back", check=harness.DAMAGE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_held_guard_is_3_and_a_signal_128_and_its_number(run, store, files, number):
    arguments = ["backup", "--dest", store.url, "--source", f"data={files({'a': b'a'})}", "--json"]
    first = run.start(*arguments, env={"SNAPFERRY_FAULT": "slow@put:600000:data/a"})
    harness.wait_until(lambda: list(store.root.glob(".snapferry/points/*.open")), first)
    assert run(*arguments, check=harness.GUARD).json()["status"] == "skipped"
    first.send_signal(number)
    assert run.finish(first, 128 + number).json()["status"] == "cancelled"
