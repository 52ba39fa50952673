# SPDX-License-Identifier: Apache-2.0
"""Measures how much memory a command took at its peak, and makes the many files for it."""
import subprocess

TIMEOUT = 300

# Starts a command and writes down its peak. The peak of a process survives exec: one that Python starts (by vfork, in Python's
# own memory) would begin with Python's. The child of this tiny one begins with less than a MiB, so what the kernel tells
# of it (ru_maxrss, which is the VmHWM that /proc no longer shows once the memory is given back) is its own.
PEAK_C = r"""
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    struct rusage usage;
    int status;
    FILE *out;
    pid_t child = argc < 3 ? -1 : fork();
    if (child == 0) {
        execv(argv[2], argv + 2);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child || !(out = fopen(argv[1], "w")))
        return 126;
    fprintf(out, "%ld\n", usage.ru_maxrss);
    return fclose(out) != 0 ? 126 : WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
"""


class Measure:
    """measure("list", ...) runs it to its good end and returns its peak in KiB; measure.result is what it said."""

    def __init__(self, runner, folder):
        self.runner, self.program, self.answer = runner, folder / "peak", folder / "peak-result"
        subprocess.run(["gcc", "-O1", "-x", "c", "-", "-o", self.program], input=PEAK_C.encode(), check=True)

    def __call__(self, *args):
        self.result = self.runner(*args, prefix=(self.program, self.answer), timeout=TIMEOUT)
        return int(self.answer.read_text())


def make_files(folder, count, size=100, in_one=1_000):
    """count files of this size, each with a content of its own, in folders of in_one files."""
    for start in range(0, count, in_one):
        place = folder / f"{start // in_one:04}"
        place.mkdir(parents=True)
        for number in range(start, min(start + in_one, count)):
            (place / f"file-{number:06}").write_bytes(b"%0*d" % (size, number))
    return folder
