# SPDX-License-Identifier: Apache-2.0
"""How fast an upload to S3 is, and what it costs the client. ./dev bench s3 builds snapferry, sink and floor and runs this.

Against bench/sink.c on 127.0.0.1, which throws bodies away and answers after a set latency, run in turn: floor (bare libcurl and
SHA-256: bench/floor.c), snapferry, rclone and s5cmd, with the order rotated from round to round. Sources are in the page cache.
The medians and the charts go into docs/ unless --dry is given.
"""
import argparse
import datetime
import json
import os
import pathlib
import shutil
import statistics
import sys

import chart
import local
import s3_cases
import s3_tools

REPO = pathlib.Path(__file__).resolve().parents[1]
MARKS = ("<!-- s3: begin -->", "<!-- s3: end -->")


class Bench:
    def __init__(self, args, folder):
        self.folder = folder
        self.tools = s3_tools.found(args.build, folder)
        self.rounds = args.rounds
        self.sink = args.build / "bench" / "sink"
        self.notes = [f"{name} is left out: {why}" for name, why in s3_tools.missing(args.build)]

    def note(self, text):
        print(text, file=sys.stderr)
        if text not in self.notes:
            self.notes.append(text)

    def run(self, sink, tool, case, source, again=False):
        """One run into an empty bucket, or, if again, once more into the one it filled: what it took."""
        if not again:
            sink.clear()
            tool.forget()
        sink.reset()
        taken = s3_tools.measure(tool.command(sink.url, source, case.concurrency), tool.environment(), self.folder)
        stats = sink.stats()
        requests = sum(stats["requests"].values())
        if not again and stats["objects"] < case.data.files:
            sys.exit(f"{tool.name}, {case}: only {stats['objects']} objects arrived")
        counted = tool.counted(taken["output"])
        if counted is not None and counted != requests:
            self.note(f"{tool.name}, {case}: counts {counted} requests, the server {requests}")
        return {"wall": taken["wall"], "cpu": taken["cpu"], "rss": taken["rss"], "requests": requests / case.data.files,
                "connections": stats["connections"]}

    def compare(self, case, source):
        """{tool: [what each round took]}; "snapferry again": its second run, nothing changed."""
        taken = {}
        with s3_tools.Sink(self.sink, case.latency) as sink:
            for number in range(self.rounds):
                shift = number % len(self.tools)
                for tool in self.tools[shift:] + self.tools[:shift]:
                    taken.setdefault(tool.name, []).append(self.run(sink, tool, case, source))
                    if tool.name == "snapferry":
                        taken.setdefault("snapferry again", []).append(self.run(sink, tool, case, source, again=True))
                line = ", ".join(f"{name} {runs[-1]['wall']:.2f} s" for name, runs in taken.items())
                print(f"{case}: round {number + 1}: {line}", file=sys.stderr)
        return taken


def summary(case, taken):
    """Medians of each tool, and the ratios to floor as the median of those of each round."""
    rows = []
    for name in s3_tools.ORDER:
        if name not in taken:
            continue
        runs = taken[name]
        row = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        row.update(tool=name, case=case, spread=(min(run["wall"] for run in runs), max(run["wall"] for run in runs)),
                   rss=max(run["rss"] for run in runs))
        for key in ("wall", "cpu"):
            row[key + "_ratio"] = {
                other: statistics.median(run[key] / max(base[key], 1e-3) for run, base in zip(runs, taken[other]))
                for other in taken}
        rows.append(row)
    return rows


def run_all(bench, cases):
    rows, source, made = [], bench.folder / "source", None
    for case in cases:
        if case.data is not made:
            shutil.rmtree(source, ignore_errors=True)
            made = case.data
            made.make(source)
            local.warm(source)
        rows.append(summary(case, bench.compare(case, source)))
    return rows


def table(blocks, bench, args):
    commit = local.first_line("git", "-C", str(REPO), "rev-parse", "--short", "HEAD")
    versions = [tool.version() for tool in bench.tools]
    lines = [f"{datetime.date.today().isoformat()}; {local.machine(bench.folder)}  ",
             f"commit {commit}; {', '.join(version for version in versions if version)}; medians of {args.rounds} rounds, in brackets "
             "the fastest and the slowest; requests are per file", ""]
    if bench.notes:
        lines += [f"Note: {note}  " for note in bench.notes] + [""]
    lines += ["| latency | at once | tool | wall | CPU | × floor's CPU | peak RSS | requests | connections | goals |",
              "|---|---|---|---|---|---|---|---|---|---|"]
    title = None
    for block in blocks:
        case = block[0]["case"]
        if case.data.title != title:
            title = case.data.title
            lines.append(f"| **{title}** |||||||||||"[:-1])
        for row in block:
            goals = [f"{'met' if met else '**missed**'}: {text}" for text, met in s3_cases.goals(case, row)]
            lines.append(f"| {case.latency} ms | {case.concurrency} | {row['tool']} | {row['wall']:.2f} s ({row['spread'][0]:.2f}–"
                         f"{row['spread'][1]:.2f}) | {row['cpu']:.2f} s | {row['cpu_ratio'].get('floor', 0):.2f} | "
                         f"{row['rss'] / 1024:.1f} MiB | {row['requests']:.2f} | {row['connections']:.0f} | {'; '.join(goals)} |")
    return "\n".join(lines)


def write(text, blocks):
    page = REPO / "docs" / "bench.md"
    before, rest = page.read_text(encoding="utf-8").split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    pictures = ""
    for name, title, key, unit, scale in chart.METRICS:
        groups = [(str(block[0]["case"]), [(row["tool"], row[key] * scale) for row in block]) for block in blocks]
        (REPO / "docs" / f"bench-s3-{name}.svg").write_text(chart.bars(title, unit, groups), encoding="utf-8")
        pictures += f"\n![{title}](bench-s3-{name}.svg)\n"
    page.write_text(f"{before}{MARKS[0]}\n{text}\n{pictures}{MARKS[1]}{after}", encoding="utf-8")
    print(f"written to {page.relative_to(REPO)} and docs/bench-s3-*.svg", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(prog="./dev bench s3", description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--build", required=True, type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--dir", default=REPO / "build" / "bench", help="folder for the sources (default build/bench)")
    parser.add_argument("--rounds", type=int, default=None, help="of every tool (default 3, with --quick 2)")
    parser.add_argument("--case", action="append", help='only those whose name begins so: "small, 20 ms"; may stand again')
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, no table in docs/")
    parser.add_argument("--dry", action="store_true", help="leave docs/ as it is")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON too")
    args = parser.parse_args()
    args.build = args.build.resolve()
    args.rounds = args.rounds or (2 if args.quick else 3)
    cases = [case for case in s3_cases.all_cases(args.quick) if str(case).startswith(tuple(args.case or ("",)))]

    folder = pathlib.Path(args.dir).resolve() / f"run-{os.getpid()}"
    folder.mkdir(parents=True)
    try:
        bench = Bench(args, folder)
        blocks = run_all(bench, cases)
        text = table(blocks, bench, args)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(text)
    if args.json:
        print(json.dumps([row for block in blocks for row in block], default=str))
    if not args.dry and not args.quick:
        write(text, blocks)
    return 0


if __name__ == "__main__":
    sys.exit(main())
