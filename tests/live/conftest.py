# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the live tests: those of the end-to-end tests, and servers. ./dev test live runs them."""
import itertools
import os
import pathlib
import sys

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1]), str(pathlib.Path(__file__).resolve().parents[1] / "e2e")]
sys.dont_write_bytecode = True

import s3  # noqa: E402  (found by the line above)
import servers  # noqa: E402
from e2e.conftest import (banyandb, files, pytest_configure, real_tree, run, session_folder, signed,  # noqa: E402,F401
                          snapferry, source, tmp_path)

BUCKETS = itertools.count(1)


def installed(name):
    if not servers.is_installed(name):
        pytest.skip(f"{name} is not installed: ./dev servers needs Go")


def started(name, start, session_folder):
    installed(name)
    folder = session_folder / f"server-{name}"
    folder.mkdir()
    server = start(folder)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def versitygw(session_folder):  # noqa: F811
    yield from started("versitygw", servers.versitygw, session_folder)


@pytest.fixture(scope="session")
def gofakes3(session_folder):  # noqa: F811
    yield from started("gofakes3", servers.gofakes3, session_folder)


@pytest.fixture(scope="session")
def toxiproxy(session_folder):  # noqa: F811
    yield from started("toxiproxy", servers.toxiproxy, session_folder)


@pytest.fixture(params=["versitygw", "gofakes3"])
def server(request):
    """Each S3 server in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def bucket(signed):  # noqa: F811
    """bucket(server, **options): a store in a new bucket there. See s3.Store."""
    def make(server, **how):  # noqa: F811
        return s3.Store(s3.Client(server.endpoint), f"bucket-{os.getpid()}-{next(BUCKETS)}", **how)
    return make


@pytest.fixture
def store(bucket, server):
    return bucket(server)


@pytest.fixture
def strict(bucket, versitygw):
    """A store on the server that checks what it is sent."""
    return bucket(versitygw)
