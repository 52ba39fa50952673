# SPDX-License-Identifier: Apache-2.0
"""Adds up the tests of meson's log (TAP inside) and pytest's JUnit file; ./dev test and ./dev asan run it.

Prints the names of what failed and was skipped, and as the last line "N passed, N failed, N skipped". Exit status 1 if
anything failed, or (CI=true) was skipped without standing in tests/skips-allowed.
"""
import argparse
import json
import os
import re
import sys
import xml.etree.ElementTree as ElementTree

TAP = re.compile(r"^(not ok|ok)\b\s*\d*\s*-?\s*(.*?)(?:\s+#\s*(skip|todo)\b\s*(.*))?$", re.IGNORECASE)


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = []   # names
        self.skipped = []  # (name, reason)


def read_meson(path, status, tally):
    """A TAP program counts by its test points; one that ended badly without a failed point counts as a failure itself."""
    before = len(tally.failed)
    lines = []
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="replace") as log:
            lines = [json.loads(line) for line in log if line.strip()]
    for test in lines:
        name = test["name"].split(" / ")[-1].removeprefix("snapferry:")
        points = [match for match in map(TAP.match, test.get("stdout", "").splitlines()) if match]
        bad = len(tally.failed)
        for verdict, text, directive, reason in (point.groups() for point in points):
            text = re.sub(r"^\S*/(?=[\w.]+:)", "", text)  # Check begins with the source's path
            if directive and directive.lower() == "skip":
                tally.skipped.append((f"{name}: {text}", reason or "no reason given"))
            elif verdict == "ok":
                tally.passed += 1
            else:
                tally.failed.append(f"{name}: {text}")
        if test["result"] == "SKIP" and not points:
            tally.skipped.append((name, "exit status 77"))
        elif test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL") and len(tally.failed) == bad:
            tally.failed.append(f"{name}: {test['result'].lower()}, exit status {test.get('returncode')}")
        elif not points and test["result"] in ("OK", "EXPECTEDFAIL"):
            tally.passed += 1
    if status != 0 and len(tally.failed) == before:
        tally.failed.append(f"meson test: exit status {status}")


def read_pytest(path, status, tally):
    before = len(tally.failed)
    cases = ElementTree.parse(path).getroot().iter("testcase") if os.path.exists(path) else []
    for case in cases:
        module = "/".join((case.get("classname") or "").split(".")[-2:])  # tests.e2e.test_cli
        name = f"{module}: {case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            if name not in tally.failed:  # a failure in the test and one in its teardown are one
                tally.failed.append(name)
        elif skipped is not None:
            tally.skipped.append((name, skipped.get("message") or "no reason given"))
        else:
            tally.passed += 1
    if status != 0 and len(tally.failed) == before:
        tally.failed.append(f"pytest: exit status {status}")


def allowed_patterns(path):
    patterns = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            parts = re.split(r"\t+|  +", line, maxsplit=1)
            if len(parts) != 2 or not parts[1].strip():
                sys.exit(f"{path}:{number}: a name, two spaces or a tab, and a reason are wanted")
            patterns.append(re.compile(".*".join(re.escape(piece) for piece in parts[0].split("*"))))
    return patterns


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--allowed", required=True)
    parser.add_argument("--meson")
    parser.add_argument("--meson-status", type=int, default=0)
    parser.add_argument("--pytest")
    parser.add_argument("--pytest-status", type=int, default=0)
    args = parser.parse_args()
    tally = Tally()
    if args.meson:
        read_meson(args.meson, args.meson_status, tally)
    if args.pytest:
        read_pytest(args.pytest, args.pytest_status, tally)

    patterns = allowed_patterns(args.allowed)
    skipped = 0
    for name, reason in tally.skipped:
        listed = any(pattern.fullmatch(name) for pattern in patterns)
        print(f"skipped: {name} ({reason})" + ("" if listed else " [not in tests/skips-allowed]"))
        if os.environ.get("CI") == "true" and not listed:
            tally.failed.append(f"{name}: skipped, and tests/skips-allowed does not list it")
        else:
            skipped += 1
    for name in tally.failed:
        print(f"failed: {name}")
    nothing = not tally.passed and not tally.failed and not skipped
    if nothing:
        print("no test has that in its name")
    print(f"{tally.passed} passed, {len(tally.failed)} failed, {skipped} skipped")
    sys.stdout.flush()
    return 1 if tally.failed or nothing else 0


if __name__ == "__main__":
    sys.exit(main())
