# SPDX-License-Identifier: Apache-2.0
"""How fast a backup to a local disk is next to rsync and cp. ./dev bench local builds snapferry and runs this.

Pairs of runs, ours and theirs in turn, the order swapped from pair to pair. Each ends with the data on the disk (sync -f for the
others; snapferry syncs before its commit). Sources are in the page cache, destinations fresh, dirty pages of the run before are
written out first and not counted. The medians go into docs/bench.md unless --dry is given.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import random
import shutil
import statistics
import subprocess
import sys
import threading
import time

REPO = pathlib.Path(__file__).resolve().parents[1]
MARKS = ("<!-- local: begin -->", "<!-- local: end -->")
MIB = 1 << 20


class Bench:
    def __init__(self, binary, folder):
        self.binary = binary
        self.folder = folder
        self.state = folder / "state"

    def timed(self, *commands):
        """Seconds of all commands together, and the largest resident set of any in KiB."""
        os.sync()
        rss = 0
        begin = time.perf_counter()
        for command in commands:
            with subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE) as process:
                rss = max(rss, watch(process.pid))
                text = process.stderr.read()
            if process.returncode != 0:
                sys.exit(f"{command}: exit status {process.returncode}\n{text.decode(errors='replace')}")
        return time.perf_counter() - begin, rss

    def ours(self, source, store):
        return (self.binary, "backup", "--dest", f"file://{store}", "--source", f"bench={source}", "--progress", "none",
                "--log-level", "error", "--state-dir", self.state)

    def fresh(self, name):
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path


def watch(pid):
    """Waits for a child's end, without reaping it. The high-water mark of its resident set, in KiB: read while it runs, since what
    wait4 answers counts this process' own memory at the fork too. The mark only rises, so the last reading is close."""
    exited = threading.Event()

    def wait():
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        exited.set()
    threading.Thread(target=wait, daemon=True).start()
    mark = 0
    while not exited.wait(0.01):
        try:
            with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
                mark = max([mark] + [int(line.split()[1]) for line in status if line.startswith("VmHWM:")])
        except OSError:
            break
    exited.wait()
    return mark


def make_many(folder, count, size):
    rng = random.Random(1)
    for number in range(count):
        path = folder / f"{number // 1000:03d}" / f"{number:06d}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rng.randbytes(size))


def make_large(folder, count, size):
    rng = random.Random(2)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        with open(folder / f"{number}.bin", "wb") as file:
            for _ in range(size // MIB):
                file.write(rng.randbytes(MIB))


def warm(folder):
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with open(path, "rb") as file:
                while file.read(MIB):
                    pass


def first_run(bench, source, theirs):
    """One pair's two functions for a backup into an empty folder."""
    def run_ours():
        store = bench.fresh("ours")
        shutil.rmtree(bench.state, ignore_errors=True)
        warm(source)
        return bench.timed(bench.ours(source, store))

    def run_theirs():
        copy = bench.fresh("theirs")
        warm(source)
        return bench.timed(*theirs(copy))
    return run_ours, run_theirs


def second_run(bench, source, theirs):
    """The same with nothing changed since a first run, which is not counted."""
    def run_ours():
        store = bench.fresh("ours")
        shutil.rmtree(bench.state, ignore_errors=True)
        bench.timed(bench.ours(source, store))
        return bench.timed(bench.ours(source, store))

    def run_theirs():
        copy = bench.fresh("theirs")
        bench.timed(*theirs(copy))
        return bench.timed(*theirs(copy))
    return run_ours, run_theirs


def compare(name, against, goal, pairs, runs):
    taken = ([], [])
    rss = [0, 0]
    for pair in range(pairs):
        for which in ((0, 1), (1, 0))[pair % 2]:
            seconds, peak = runs[which]()
            taken[which].append(seconds)
            rss[which] = max(rss[which], peak)
        print(f"{name}: pair {pair + 1}: {taken[0][-1]:.3f} s, {against} {taken[1][-1]:.3f} s", file=sys.stderr)
    ours, theirs = (statistics.median(times) for times in taken)
    return {"name": name, "against": against, "goal": goal, "ours": ours, "theirs": theirs, "ratio": ours / theirs,
            "spread": (min(taken[0]), max(taken[0]), min(taken[1]), max(taken[1])), "rss": rss}


def run_all(bench, args):
    rows = []
    many, large = bench.folder / "many", bench.folder / "large"
    shutil.rmtree(many, ignore_errors=True)
    make_many(many, args.files, 4096)

    def rsync(copy):
        return ("rsync", "-a", f"{many}/", f"{copy}/"), ("sync", "-f", copy)

    def cp(copy):
        return ("cp", "-r", "--reflink=never", f"{large}/.", copy), ("sync", "-f", copy)

    if "a" in args.cases:
        rows.append(compare(f"{args.files:,} files of 4 KiB, first run", "rsync -a; sync -f", 1.0, args.pairs,
                            first_run(bench, many, rsync)))
    if "c" in args.cases:
        rows.append(compare(f"{args.files:,} files of 4 KiB, nothing changed", "rsync -a; sync -f", 1.0, args.pairs,
                            second_run(bench, many, rsync)))
    shutil.rmtree(many)
    if "b" in args.cases:
        shutil.rmtree(large, ignore_errors=True)
        make_large(large, 4, args.large_mib * MIB)
        rows.append(compare(f"4 files of {args.large_mib} MiB, first run", "cp -r --reflink=never; sync -f", 1.15, args.pairs,
                            first_run(bench, large, cp)))
    return rows


def first_line(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return (done.stdout.decode().splitlines() or ["?"])[0].strip()


def machine(folder):
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if line.startswith("model name")),
                 platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    kind = first_line("findmnt", "-n", "-o", "FSTYPE", "-T", str(folder))  # stat calls ext4 "ext2/ext3"
    return f"{os.cpu_count()} × {model}, {memory:.0f} GiB, {kind}, Linux {platform.release()}"


def table(rows, args, bench):
    version = first_line(str(bench.binary), "--version")
    commit = first_line("git", "-C", str(REPO), "rev-parse", "--short", "HEAD")
    lines = [f"{datetime.date.today().isoformat()}; {machine(bench.folder)}  ",
             f"{version} ({commit}), {first_line('rsync', '--version')}, {first_line('cp', '--version')}; medians of {args.pairs} "
             "interleaved pairs, in brackets the fastest and the slowest", "",
             "| what | snapferry | against | takes | ratio | goal | peak RSS |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        spread = row["spread"]
        lines.append(f"| {row['name']} | {row['ours']:.2f} s ({spread[0]:.2f}–{spread[1]:.2f}) | `{row['against']}` | "
                     f"{row['theirs']:.2f} s ({spread[2]:.2f}–{spread[3]:.2f}) | **{row['ratio']:.2f}** | ≤ {row['goal']:.2f} | "
                     f"{row['rss'][0] / 1024:.1f} MiB, theirs {row['rss'][1] / 1024:.1f} MiB |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="./dev bench local", description=__doc__.split("\n\n")[0])
    parser.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--dir", default=REPO / "build" / "bench", help="folder on the disk to measure (default build/bench)")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--cases", default="abc", help="a: many small, b: few large, c: second run (default abc)")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--large-mib", type=int, default=512)
    parser.add_argument("--dry", action="store_true", help="leave docs/bench.md as it is")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON too")
    args = parser.parse_args()

    folder = pathlib.Path(args.dir).resolve() / f"run-{os.getpid()}"
    folder.mkdir(parents=True)
    try:
        bench = Bench(pathlib.Path(args.bin).resolve(), folder)
        rows = run_all(bench, args)
        text = table(rows, args, bench)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(text)
    if args.json:
        print(json.dumps(rows))
    page = REPO / "docs" / "bench.md"
    before, rest = page.read_text(encoding="utf-8").split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    if not args.dry:
        page.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}", encoding="utf-8")
        print(f"written to {page.relative_to(REPO)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
