# SPDX-License-Identifier: Apache-2.0
"""Calls that this project does not make, and why. Reads names of C files on stdin; ./dev lint runs it."""
import re
import sys

# In a test the texts are fixed, and the sanitizers watch.
TESTS = ("tests/",)

# name: (what to do instead, files or folders where it is allowed)
BANNED = {
    "strcpy": ("no bound: memcpy with a length that was checked, or snprintf", TESTS),
    "strcat": ("no bound: buf_add_text of base/buf.h", TESTS),
    "strncpy": ("may leave no NUL: memcpy with a length that was checked, or snprintf", TESTS),
    "sprintf": ("no bound: snprintf, or buf_printf of base/buf.h", ()),
    "vsprintf": ("no bound: vsnprintf", ()),
    "gets": ("no bound", ()),
    "strtok": ("hidden state, not thread-safe: strchr or strcspn", TESTS),
    "atoi": ("no errors: strtoul with its checks, or parse_bytes", TESTS),
    "atol": ("no errors: strtoul with its checks, or parse_bytes", TESTS),
    "system": ("a shell sees the arguments: posix_spawn or fork and exec", ("tests/",)),
    "popen": ("a shell sees the arguments: posix_spawn or fork and exec", ("tests/",)),
    "tmpnam": ("a race: an unlinked file, as base/spill.c has it", ()),
    "mktemp": ("a race: an unlinked file, as base/spill.c has it", ()),
    "pthread_cancel": ("skips cleanups: set a flag that the thread looks at", ()),
    "alloca": ("no check of the stack: a fixed array or mem_*", ()),
    "setjmp": ("skips cleanups: return an error", ()),
    "longjmp": ("skips cleanups: return an error", ()),
    "rand": ("not random, not thread-safe: getrandom", ()),
    "srand": ("not random, not thread-safe: getrandom", ()),
    "time": ("clock_wall_ms of base/clock.h: one place that asks for the time", ("base/clock.c", "tests/")),
    "gettimeofday": ("clock_wall_ms of base/clock.h: one place that asks for the time", ("base/clock.c", "tests/")),
    "localtime": ("hidden state, and a zone nobody asked for: gmtime_r", ()),
    "gmtime": ("hidden state, not thread-safe: gmtime_r", ()),
    "malloc": ("may fail: mem_alloc of base/mem.h", ("base/mem.c", "tests/", "examples/", "plugins/")),
    "realloc": ("may fail: mem_resize of base/mem.h", ("base/mem.c", "tests/", "examples/", "plugins/")),
    "calloc": ("may fail: mem_alloc of base/mem.h", ("base/mem.c", "tests/", "examples/", "plugins/")),
    "strdup": ("may fail: mem_text of base/mem.h", ("base/mem.c", "tests/", "examples/", "plugins/")),
}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
# Comments, string and character literals: blanked out, newlines kept so that line numbers stay right.
NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def is_allowed(name, allowed):
    if name.startswith("tests/conformance/"):  # part of the binary
        return "plugins/" in allowed
    return name.startswith(allowed or ("\0",))


def main():
    bad = 0
    for name in sys.stdin.read().split("\n"):
        if not name:
            continue
        with open(name, encoding="utf-8") as file:
            text = NOISE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), file.read())
        for number, line in enumerate(text.split("\n"), 1):
            for match in CALL.finditer(line):
                reason, allowed = BANNED[match.group(1)]
                if not is_allowed(name, allowed):
                    print(f"{name}:{number}: {match.group(1)}(): {reason}")
                    bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
