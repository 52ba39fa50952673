# SPDX-License-Identifier: Apache-2.0
"""What the commands take at their peak with a store on the network: it depends on the connections, not on the files."""
import os
import re

import pytest

import harness
import peak
import s3

MIB = 1 << 20
FILES, MANY = 10_000, 100_000
LARGE_FILES, LARGE = 4, 512 * MIB
PEAKS = {8: 16 << 10, 32: 32 << 10}  # KiB, as all peaks here, of a backup by its concurrency
READ_MAX = 24 << 10  # of list, verify and restore
LARGE_MAX = 40 << 10
GROWTH_MAX = 2 << 10

pytestmark = pytest.mark.big


@pytest.fixture(scope="module")
def runner(snapferry, shm):
    (shm / "run").mkdir()
    runner = harness.Runner(snapferry, shm / "run")
    runner.env.update(s3.ENVIRONMENT)
    return runner


@pytest.fixture(scope="module")
def measure(runner, shm):
    return peak.Measure(runner, shm)


@pytest.fixture(scope="module")
def few(shm):
    return peak.make_files(shm / "few", FILES, size=4096)


def site_of(runner, store, source, **keys):
    return harness.Site(runner, store, {"data": source}, **keys)


def backup(measure, site, *args):
    return measure("backup", "--config", site.config, *args)


@pytest.mark.parametrize("concurrency", PEAKS)
def test_a_backup_takes_what_its_connections_take(runner, measure, on_sink, few, concurrency):
    site = site_of(runner, on_sink(), few, upload={"concurrency": concurrency})
    first, second = backup(measure, site), backup(measure, site)
    print(f"concurrency {concurrency}: {first} KiB, unchanged {second} KiB")
    assert max(first, second) <= PEAKS[concurrency]


def test_many_files_take_no_more_than_few(runner, measure, on_sink, few, shm):
    store = on_sink()
    of_few = backup(measure, site_of(runner, store, few))
    store.sink.clear()
    of_many = backup(measure, site_of(runner, store, peak.make_files(shm / "many", MANY)))
    assert store.sink.stats()["objects"] == MANY + 3
    print(f"{FILES} files: {of_few} KiB, {MANY} files: {of_many} KiB")
    assert of_many <= of_few + GROWTH_MAX


def test_large_files_take_no_more_than_a_part_could(runner, measure, on_sink, shm):
    """The files have holes, so that they take no memory here."""
    source = shm / "large"
    source.mkdir()
    for number in range(LARGE_FILES):
        with open(source / f"{number}.dat", "wb") as file:
            file.truncate(LARGE)
            for place in range(0, LARGE, LARGE // 8):
                file.seek(place)
                file.write(os.urandom(4096))
    store = on_sink()
    taken = backup(measure, site_of(runner, store, source))
    stats = store.sink.stats()
    assert stats["received"] > LARGE_FILES * LARGE and stats["requests"]["upload_commit"] == LARGE_FILES
    print(f"{LARGE_FILES} files of {LARGE // MIB} MiB: {taken} KiB")
    assert taken <= LARGE_MAX


def test_readers_take_what_their_connections_take(runner, measure, on_sink, few, shm):
    site = site_of(runner, on_sink("--keep", 4096), few)
    site.backup()
    taken = {"list": ["list"], "verify": ["verify"], "verify --deep": ["verify", "--deep"],
             "restore": ["restore", "latest", "--to", shm / "restored"]}
    for name, words in taken.items():
        taken[name] = measure(*words, "--config", site.config)
    print(f"peaks in KiB: {taken}")
    assert sum(len(files) for _, _, files in os.walk(shm / "restored")) == FILES
    assert max(taken.values()) <= READ_MAX, taken


@pytest.mark.parametrize("memory_max", [18 * MIB, 24 * MIB, 40 * MIB])
def test_memory_max_is_kept(runner, measure, on_sink, few, memory_max):
    """With more workers than fit into any of them."""
    site = site_of(runner, on_sink(), few, memory_max=memory_max, upload={"concurrency": 128})
    taken = backup(measure, site, "--log-level", "info")
    told = re.search(r"(\d+) workers instead of 128: memory_max is", measure.result.stderr)
    assert told, measure.result
    connections = site.store.sink.stats()["connections"]
    print(f"memory_max {memory_max >> 10} KiB: {taken} KiB, {told[1]} workers, {connections} connections")
    assert taken <= memory_max >> 10
    assert 1 < connections <= int(told[1]) + 1


def test_a_memory_max_that_nothing_fits_into_is_refused(runner, on_sink, few):
    site = site_of(runner, on_sink(), few, memory_max="1MiB")
    result = site("backup", "--json", check=harness.USAGE)
    assert re.search(r"memory_max is 1024 KiB; .*\d+ \+ 1 \* \d+ = \d+ KiB: not even one worker fits; raise memory_max",
                     result.stderr), result
    assert result.json()["status"] == "failed"
    stats = site.store.sink.stats()
    assert stats["connections"] == 0 and sum(stats["requests"].values()) == 0, stats  # nothing was begun that would be left over
