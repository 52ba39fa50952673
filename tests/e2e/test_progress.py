# SPDX-License-Identifier: Apache-2.0
"""--progress: a bar on a terminal, wiped at the end; plain lines now and then elsewhere; nothing where nothing is wanted."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import pytest

import harness

WIPE = "\r\x1b[K"
SLOW = {"SNAPFERRY_FAULT": "slow@put:400:data/"}  # the bar is drawn every 200 ms


@pytest.fixture
def arguments(store, files):
    source = files({f"{number:02}": b"x" * 5000 for number in range(12)})
    return ["backup", "--dest", store.url, "--source", f"data={source}"]


@pytest.fixture
def on_terminal(run, tmp_path):
    """What a run writes to a terminal of 100 columns as its stderr; config: upload.concurrency 3."""
    (tmp_path / "config.json").write_text('{"upload": {"concurrency": 3}}')

    def call(*words, columns=100, env=None):
        try:
            ours, theirs = pty.openpty()
        except OSError as error:  # a chroot without /dev/pts; not in tests/skips-allowed
            pytest.skip(f"no pseudo-terminal to be had: {error}")
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([run.binary, *words, "--config", tmp_path / "config.json"], env={**run.env, **(env or {})},
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        written = b""
        try:
            while block := os.read(ours, 65536):
                written += block
        except OSError:  # EIO: the other end is closed
            pass
        os.close(ours)
        assert process.wait(timeout=60 * harness.SLOWNESS) == 0, written
        return written.decode().replace("\r\n", "\n")
    return call


def bars(written):
    """What was drawn, in order; and what remains on the screen."""
    parts = written.split(WIPE)
    drawn = [part for part in parts if part and not part.startswith("snapferry: ")]
    return drawn, "".join(part for part in parts if part.startswith("snapferry: "))


def test_a_bar_on_a_terminal_is_wiped_at_the_end(on_terminal, arguments):
    drawn, remains = bars(on_terminal(*arguments, env=SLOW))
    full = [line for line in drawn if "ETA" in line]
    assert full, drawn
    for line in full:
        assert re.search(r"^backup  (?:send|check|commit) +\[=*>? *\] +\d+%  \d+/12 files  [\d.]+ \wi?B/\d+ KiB  [\d.]+ \w*B/s  ETA \d+:\d\d$", line), line
    assert all(len(line) < 100 for line in drawn)
    percents = [int(value) for value in re.findall(r"(\d+)%", " ".join(drawn))]
    assert percents == sorted(percents) and len(set(percents)) > 1
    assert re.fullmatch(r"snapferry: data backed up: .*\nsnapferry: point .* is complete .*\n", remains)


def test_a_narrow_terminal_gets_a_narrow_bar(on_terminal, arguments):
    drawn, _ = bars(on_terminal(*arguments, columns=30, env=SLOW))
    assert drawn and all(len(line) < 30 for line in drawn)


def test_messages_stand_above_the_bar(on_terminal, arguments):
    written = on_terminal(*arguments, "--log-level", "debug", env={"SNAPFERRY_FAULT": SLOW["SNAPFERRY_FAULT"] + ",fail@put:1:transient:data/05"})
    for line in written.split("\n")[:-1]:
        assert line.rsplit(WIPE, 1)[-1].startswith("snapferry: "), line
    between = [line for line in written.split("\n") if "data/05" in line]
    assert between and WIPE in between[0], written  # there was a bar, and it comes back
    assert re.search(r"data/05.*\nbackup  ", written), written


@pytest.mark.parametrize("style", ["none", "plain"])
def test_no_bar_is_drawn_where_none_is_wanted(on_terminal, arguments, style):
    written = on_terminal(*arguments, "--progress", style, env=SLOW)
    assert "\x1b" not in written and "%" not in written and written.count("\n") == 2
    assert on_terminal("verify", "--deep", "--log-level", "error", "--progress", style, *arguments[1:3]) == ""


@pytest.mark.parametrize("command", ["restore", "verify"])
def test_restore_and_verify_have_a_bar_too(run, on_terminal, arguments, tmp_path, command):
    run(*arguments)
    own = ["latest", "--to", tmp_path / "back"] if command == "restore" else ["--deep"]
    drawn, remains = bars(on_terminal(command, *own, *arguments[1:3], env={"SNAPFERRY_FAULT": "slow@get:250:data/"}))
    assert drawn and all(line.startswith(command + "  ") for line in drawn)
    assert any("/12 files" in line and re.search(r"\d+%", line) for line in drawn), drawn
    assert remains


def test_progress_bar_is_drawn_without_a_terminal_if_asked_for(run, arguments):
    drawn, _ = bars(run(*arguments, "--progress", "bar", env=SLOW).stderr)
    assert any("/12 files" in line for line in drawn)


def test_plain_lines_come_now_and_then_without_a_terminal(run, store, arguments, tmp_path):
    """The first line comes after 30 s, so the run is made to last a little longer: once for each style, all at the same time."""
    processes = {}
    for style in ("auto", "plain", "none"):
        state = tmp_path / f"state-{style}"
        processes[style] = run.start(*arguments, "-o", f"prefix={style}", "--state-dir", state, "--progress", style,
                                     env={"SNAPFERRY_FAULT": "slow@put:33000:data/07"})
    said = {style: run.finish(process).stderr for style, process in processes.items()}
    line = r"^snapferry: backup: send: \d+ %, 11 of 12 files, \d+ KiB of \d+ KiB, [\d.]+ \w*B/s"
    for style in ("auto", "plain"):
        assert re.search(line, said[style], re.MULTILINE), said[style]
    assert "files, " in said["none"] and "%" not in said["none"]
    assert not any("\x1b" in text for text in said.values())
