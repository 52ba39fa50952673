# SPDX-License-Identifier: Apache-2.0
"""Memory does not grow with the number or the size of files: the peak of each command, for few files and for many."""
import os
import subprocess

import pytest

import harness
import peak

FEW, MANY = 10_000, 300_000
BIG = 2 << 30
PEAK_MAX = 24 << 10  # KiB, as all peaks here
GROWTH_MAX = 2 << 10

pytestmark = pytest.mark.big


@pytest.fixture(scope="module")
def measure(snapferry, shm):
    (shm / "run").mkdir()
    return peak.Measure(harness.Runner(snapferry, shm / "run"), shm)


def all_in_one(folder):
    """Moves all files of the folders of make_files into one, under their own names."""
    place = folder / "one"
    place.mkdir()
    for part in sorted(folder.iterdir()):
        if part != place:
            for item in os.scandir(part):
                os.rename(item.path, place / item.name)
            part.rmdir()


def story(measure, folder, source, count):
    """Peaks of each command on a source of so many files."""
    store = folder / "store"
    where, peaks = ("--dest", f"file://{store}"), {}
    store.mkdir(parents=True)
    backup = ("backup", "--source", f"data={source}", *where)
    peaks["backup"] = measure(*backup)
    peaks["second run"] = measure(*backup)
    peaks["list"] = measure("list", *where)
    peaks["verify --deep"] = measure("verify", "--deep", *where)
    peaks["restore"] = measure("restore", "latest", "--to", folder / "restored", *where)
    assert sum(len(files) for _, _, files in os.walk(folder / "restored")) == count
    subprocess.run(["rm", "-rf", folder / "restored", store], check=True)
    return peaks


@pytest.fixture(scope="module")
def few(measure, shm):
    peak.make_files(shm / "few-files", FEW)
    return story(measure, shm / "few", shm / "few-files", FEW)


@pytest.fixture(scope="module")
def many_files(shm):
    peak.make_files(shm / "many-files", MANY)
    return shm / "many-files"


def assert_flat(few, peaks):
    print(f"peaks in KiB: {few} for few, {peaks} for much")
    for name, taken in peaks.items():
        assert taken <= PEAK_MAX, f"{name}: {taken} KiB"
        assert taken <= few[name] + GROWTH_MAX, f"{name}: {few[name]} KiB for {FEW} small files, now {taken} KiB"


def test_peaks_are_measured_truly(few, measure, shm):
    """What this stands on: a peak is the command's own, neither that of this Python process nor nothing."""
    own = int([line for line in open("/proc/self/status") if line.startswith("VmHWM")][0].split()[1])
    nothing = measure("--version")
    assert 500 < nothing < min(few.values()) + GROWTH_MAX
    assert nothing < own - GROWTH_MAX, "this process is too small to prove anything"


def test_many_files_take_no_more_memory_than_few(few, many_files, measure, shm):
    peaks = story(measure, shm / "many", many_files, MANY)
    assert_flat(few, peaks)


def test_many_files_in_one_folder_take_no_more_memory_than_few(few, many_files, measure, shm):
    all_in_one(many_files)  # the tests of this file run in order; this one needs the other's files, not its result
    (shm / "one").mkdir()
    where = ("--dest", f"file://{shm / 'one'}")
    backup = ("backup", "--source", f"data={many_files}", *where)
    peaks = {"backup": measure(*backup)}
    assert len(os.listdir(many_files / "one")) == MANY
    peaks["second run"] = measure(*backup)
    subprocess.run(["rm", "-rf", shm / "one", many_files], check=True)
    assert_flat(few, peaks)


def test_a_large_file_takes_no_more_memory_than_small_ones(few, measure, shm):
    source = shm / "large-file"
    source.mkdir()
    with open(source / "large", "wb") as file:
        file.truncate(BIG)
        file.seek(BIG // 2)
        file.write(b"in the middle")
    peaks = story(measure, shm / "large", source, 1)
    (source / "large").unlink()
    assert_flat(few, peaks)
