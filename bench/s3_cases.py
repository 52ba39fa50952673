# SPDX-License-Identifier: Apache-2.0
"""What ./dev bench s3 uploads, under which conditions, and what is wanted of snapferry then."""
import dataclasses
import random
import typing

import local

MIB = 1 << 20
CONCURRENCIES = (8, 32)
# Goals of an upload, all against floor in the same round.
CPU_MAX = 1.5
WALL_MAX = 1.05  # where latency is what an upload waits for
LARGE_WALL_MAX = 1.2
RSS_MAX_MIB = {8: 16, 32: 32}
LARGE_RSS_MAX_MIB = 40


@dataclasses.dataclass(eq=False)
class Data:
    name: str
    title: str
    files: int
    make: typing.Callable
    latencies: tuple


@dataclasses.dataclass
class Case:
    data: Data
    latency: int
    concurrency: int

    def __str__(self):
        return f"{self.data.name}, {self.latency} ms, {self.concurrency} at once"


def make_mixed(folder, count, total):
    """Log-normal sizes, as a database's parts have: most are small, and most bytes are in a few."""
    rng = random.Random(3)
    weights = [rng.lognormvariate(0, 2.2) for _ in range(count)]
    block = rng.randbytes(16 * MIB)
    for number, weight in enumerate(weights):
        path = folder / f"{number // 100:03d}" / f"{number:06d}"
        path.parent.mkdir(parents=True, exist_ok=True)
        left = max(1, int(total * weight / sum(weights)))
        with open(path, "wb") as file:
            while left > 0:
                begin = rng.randrange(len(block) // 2)
                left -= file.write(block[begin:begin + left])


def all_cases(quick):
    part = 10 if quick else 1
    small, medium, mixed = 10_000 // part, 1_000 // part, 3_000 // part
    large, large_mib, mixed_mib = (2, 128, 256) if quick else (4, 512, 2048)
    sets = (
        Data("small", f"{small:,} files of 4 KiB", small, lambda folder: local.make_many(folder, small, 4096), (0, 20)),
        Data("medium", f"{medium:,} files of 256 KiB", medium, lambda folder: local.make_many(folder, medium, 256 * 1024), (0, 20)),
        Data("large", f"{large} files of {large_mib} MiB", large,
             lambda folder: local.make_large(folder, large, large_mib * MIB), (0,)),
        Data("mixed", f"{mixed:,} files of log-normal sizes, {mixed_mib} MiB together", mixed,
             lambda folder: make_mixed(folder, mixed, mixed_mib * MIB), (0, 20)),
    )
    return [Case(data, latency, concurrency) for data in sets for latency in data.latencies for concurrency in CONCURRENCIES]


def goals(case, row):
    """[(what is wanted and what came, whether it is met)] of a tool's row: snapferry's first run has some, others none."""
    if row["tool"] != "snapferry":
        return []
    wall, cpu, rss = row["wall_ratio"], row["cpu_ratio"], row["rss"] / 1024
    is_large = case.data.name == "large"
    rss_max = LARGE_RSS_MAX_MIB if is_large else RSS_MAX_MIB[case.concurrency]
    found = [(f"CPU {cpu['floor']:.2f} ≤ {CPU_MAX} × floor", cpu["floor"] <= CPU_MAX),
             (f"RSS ≤ {rss_max} MiB", rss <= rss_max)]
    if is_large:
        found.append((f"wall {wall['floor']:.2f} ≤ {LARGE_WALL_MAX} × floor", wall["floor"] <= LARGE_WALL_MAX))
        if "rclone" in wall:
            found.append((f"wall {wall['rclone']:.2f} < 1 × rclone", wall["rclone"] < 1))
    elif case.latency > 0:
        found.append((f"wall {wall['floor']:.2f} ≤ {WALL_MAX} × floor", wall["floor"] <= WALL_MAX))
    return found
