# SPDX-License-Identifier: Apache-2.0
"""The processes that the live tests talk to, each on a free port of 127.0.0.1: S3 servers, and toxiproxy for a bad network in
front of one. ./dev servers installs them; conftest.py starts each once a session."""
import contextlib
import http.client
import json
import os
import socket
import subprocess
import time

import harness
from s3 import ACCESS, REGION, SECRET

BIN = harness.REPO / "build-servers" / "bin"
PORTS_TRIED = 5


def is_installed(name):
    return os.access(BIN / name, os.X_OK)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A process that listens on self.port. words(port): its command line. Its output goes to a file in folder."""

    def __init__(self, name, folder, words, env=None):
        self.name, self.log = name, folder / f"{name}.log"
        for _ in range(PORTS_TRIED):  # another process may take the port before the server has it
            self.port = free_port()
            if self._start(words(self.port), env):
                return
        raise AssertionError(f"{name} does not start:\n{self.log.read_text()[-2000:]}")

    def _start(self, words, env):
        with open(self.log, "wb") as log:  # setpriv: gone with the test process, however that ends
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", BIN / self.name, *words], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT, env={"PATH": "/usr/bin:/bin", **(env or {})})
        deadline = time.monotonic() + 60 * harness.SLOWNESS
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=10):
                return self.process.poll() is None
            time.sleep(0.01)
        self.stop()
        return False

    def stop(self):
        self.process.kill()
        self.process.wait()


def versitygw(folder, *words, scheme="http"):
    """The strict one: signatures, digests, preconditions, rules of parts. Its keys are paths of a file system."""
    (folder / "buckets").mkdir()
    (folder / "users").mkdir()  # without it an unknown access key is answered 404
    server = Server("versitygw", folder, lambda port: ["--port", f"127.0.0.1:{port}", "--keep-alive", "--quiet", "--region", REGION,
                                                       "--iam-dir", folder / "users", *words, "posix", folder / "buckets"],
                    {"ROOT_ACCESS_KEY": ACCESS, "ROOT_SECRET_KEY": SECRET})
    server.endpoint = f"{scheme}://127.0.0.1:{server.port}"
    return server


def add_user(server, access, secret):
    """A user of versitygw who may do nothing until a bucket's policy lets him."""
    subprocess.run([BIN / "versitygw", "admin", "--endpoint-url", server.endpoint, "create-user", "--access", access, "--secret", secret,
                    "--role", "user"], env={"ADMIN_ACCESS_KEY": ACCESS, "ADMIN_SECRET_KEY": SECRET}, check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def gofakes3(folder):
    """The lax one: any key, in memory; it checks neither signatures nor digests."""
    server = Server("gofakes3", folder, lambda port: ["-host", f"127.0.0.1:{port}", "-backend", "memory", "-quiet"])
    server.endpoint = f"http://127.0.0.1:{server.port}"
    return server


def toxiproxy(folder):
    return Server("toxiproxy", folder, lambda port: ["-host", "127.0.0.1", "-port", str(port)], {"LOG_LEVEL": "error"})


class Proxy:
    """A way through toxiproxy to a server; toxic() makes it a bad one, clean() a good one again."""

    def __init__(self, toxiproxy_server, upstream, name):
        self.control, self.name = toxiproxy_server, name
        made = self._ask("POST", "/proxies", {"name": name, "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{upstream.port}",
                                              "enabled": True})
        self.endpoint = "http://" + made["listen"]

    def _ask(self, method, path, value=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.control.port, timeout=60)
        try:
            connection.request(method, path, json.dumps(value) if value is not None else None)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        assert answer.status < 300, f"toxiproxy: {method} {path}: {answer.status} {text}"
        return json.loads(text) if text else None

    def toxic(self, kind, stream, toxicity=1.0, **attributes):
        """kind: latency, bandwidth, timeout, reset_peer, limit_data, slicer. stream: upstream is what the client sends. It holds
        for connections made from now on too; toxicity: the share of them."""
        self._ask("POST", f"/proxies/{self.name}/toxics", {"type": kind, "stream": stream, "toxicity": toxicity,
                                                           "name": f"{kind}-{stream}", "attributes": attributes})

    def clean(self):
        for toxic in self._ask("GET", f"/proxies/{self.name}/toxics"):
            self._ask("DELETE", f"/proxies/{self.name}/toxics/{toxic['name']}")

    def enable(self, enabled):
        """False: nobody listens any more, and what was connected is closed."""
        self._ask("POST", f"/proxies/{self.name}", {"enabled": enabled})

    def close(self):
        self._ask("DELETE", f"/proxies/{self.name}")
