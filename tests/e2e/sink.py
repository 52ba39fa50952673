# SPDX-License-Identifier: Apache-2.0
"""The S3 server that tests run against: bench/sink.c. conftest.py makes the fixture start_sink of it."""
import http.client
import json
import subprocess
import urllib.parse


class Sink:
    """A running sink; args: its options. As a context it ends with it."""

    def __init__(self, binary, *args):
        self.process = subprocess.Popen([str(word) for word in (binary, *args)], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Its exit status: 0 after a run in which no sanitizer found anything."""
        self.process.terminate()
        self.process.stdout.close()
        return self.process.wait()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, method, target, body=None, headers=None, connection=None):
        """(status, headers, body) of one request, on a connection of its own unless one is given."""
        own = connection or self.connect()
        own.request(method, target, body=body, headers=headers or {})
        answer = own.getresponse()
        data = answer.read()
        if connection is None:
            own.close()
        return answer.status, answer.headers, data

    def put(self, key, body=b"", **headers):
        status, _, data = self.ask("PUT", "/bucket/" + urllib.parse.quote(key), body, headers)
        assert status == 200, data

    def stats(self):
        status, _, data = self.ask("GET", "/_sink/stats")
        assert status == 200
        return json.loads(data)

    def reset(self):
        """Counts from 0; the objects stay."""
        assert self.ask("POST", "/_sink/reset")[0] == 200

    def clear(self):
        """Counts from 0, without objects and uploads."""
        assert self.ask("POST", "/_sink/clear")[0] == 200
