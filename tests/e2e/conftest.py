# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests. ./dev test e2e runs them; one of them: ./dev test NAME."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1]), str(pathlib.Path(__file__).resolve().parent)]
sys.dont_write_bytecode = True

import harness  # noqa: E402  (found by the line above)
import proxy  # noqa: E402
import s3  # noqa: E402
import sink  # noqa: E402
from kit import tree  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "big: needs much time, memory or disk; not run under sanitizers")


@pytest.fixture(scope="session")
def snapferry():
    """The binary under test, as ./dev test built it."""
    path = os.environ.get("SNAPFERRY_BIN")
    assert path, "SNAPFERRY_BIN is not set: run the tests with ./dev test e2e"
    return pathlib.Path(path)


@pytest.fixture
def tmp_path():
    """A folder of the test's own that any user may enter (pytest's is root's alone), removed whatever the modes in it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="snapferry-e2e-"))
    folder.chmod(0o755)
    yield folder
    tree.remove_tree(folder)


@pytest.fixture
def run(snapferry, tmp_path):
    """run("list", "--dest", store.url, check=0).json(): see harness.Runner."""
    return harness.Runner(snapferry, tmp_path)


@pytest.fixture
def signed(run):
    """run, with credentials in its environment that S3 servers here take, and nothing that leads elsewhere."""
    run.env.update(s3.ENVIRONMENT)
    return run


@pytest.fixture
def store(tmp_path):
    """An empty localfs destination: store.url, store.objects(): see harness.Store."""
    root = tmp_path / "store"
    root.mkdir()
    return harness.Store(root)


@pytest.fixture
def source(tmp_path):
    """An empty folder to be backed up."""
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def session_folder():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="snapferry-e2e-"))
    folder.chmod(0o755)
    yield folder
    tree.remove_tree(folder)


@pytest.fixture(scope="module")
def shm():
    """A folder in memory, for tests that a disk would only make slow."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="snapferry-e2e-", dir="/dev/shm"))
    yield folder
    subprocess.run(["rm", "-rf", folder], check=True)


@pytest.fixture(scope="session")
def banyandb(session_folder):
    """A real tree, not to be changed: measure, property and schema-property of a BanyanDB server."""
    return harness.unpack(harness.DATA / "banyandb-small.tar.zst", session_folder / "banyandb-small")


@pytest.fixture(scope="session", params=["banyandb-small", "banyandb-snapshot"])
def real_tree(request, session_folder):
    """The tree above, and a larger one where SNAPFERRY_TEST_DATA names the folder that holds it."""
    if request.param == "banyandb-small":
        return request.getfixturevalue("banyandb")
    folder = os.environ.get("SNAPFERRY_TEST_DATA")
    if not folder:
        pytest.skip("SNAPFERRY_TEST_DATA is not set")
    return harness.unpack(pathlib.Path(folder) / f"{request.param}.tar.zst", session_folder / request.param)


@pytest.fixture
def nobody():
    """run(..., as_user=nobody): someone without rights. Tests of permissions use it, since root may do everything."""
    return harness.NOBODY


@pytest.fixture(scope="session")
def built(snapferry):
    """The build folder: built / "examples/memory.so"."""
    return pathlib.Path(os.environ.get("SNAPFERRY_BUILD", snapferry.parent))


@pytest.fixture(scope="session")
def probe_folder(built, session_folder):
    """A plugin folder that holds the plugin probe alone (tests/e2e/plugins/probe.c)."""
    folder = session_folder / "probe"
    folder.mkdir(mode=0o755)
    shutil.copy2(built / "tests/e2e/probe.so", folder)
    return folder


@pytest.fixture
def files(source):
    """Fills the source with these files ({path: bytes}), all of them old."""
    def fill(contents):
        for path, data in contents.items():
            tree.write(source / path, data)
            os.utime(source / path, ns=(tree.OLD, tree.OLD))
        return source
    return fill


@pytest.fixture
def start_sink(built):
    """start_sink("--latency", 20): a running S3 server that counts what it is asked, see sink.Sink. Must end well after the test."""
    running = []

    def start(*args):
        running.append(sink.Sink(built / "bench/sink", *args))
        return running[-1]
    yield start
    assert [each.close() for each in running] == [0] * len(running)


@pytest.fixture
def on_sink(start_sink):
    """on_sink("--keep", 100, checksum="md5"): a store on a sink of its own, store.sink. Words are the sink's, the rest s3.Store's."""
    def make(*words, **how):
        server = start_sink(*words)
        store = s3.Store(s3.Client(server.url), "bucket", **{"prefix": "host/1", "is_there": True, **how})
        store.sink = server
        return store
    return make


@pytest.fixture
def proxied(on_sink):
    """proxied("--keep", 100): likewise, with store.proxy before the sink; see proxy.Proxy."""
    running = []

    def make(*words, **how):
        store = on_sink(*words, **how)
        store.proxy = proxy.Proxy(store.sink.port)
        running.append(store.proxy)
        store.through(store.proxy.url)
        return store
    yield make
    for each in running:
        each.close()
