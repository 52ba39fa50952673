# SPDX-License-Identifier: Apache-2.0
"""The clients that ./dev bench s3 compares, how each is called, and the server that they talk to."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

import local

REPO = pathlib.Path(__file__).resolve().parents[1]
ORDER = ("floor", "snapferry", "snapferry again", "rclone", "s5cmd")  # in tables and charts


class Sink:
    """bench/sink.c, running."""

    def __init__(self, binary, latency):
        self.process = subprocess.Popen([str(binary), "--latency", str(latency)], stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    def ask(self, path, method="GET"):
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/_sink/{path}", method=method), timeout=60) as answer:
            return answer.read()

    def stats(self):
        return json.loads(self.ask("stats"))

    def reset(self):
        self.ask("reset", "POST")

    def clear(self):
        self.ask("clear", "POST")


def measure(command, environment, folder):
    """Wall and CPU seconds of a command, its largest resident set in KiB, and what it printed."""
    with tempfile.TemporaryFile(dir=folder) as out, tempfile.TemporaryFile(dir=folder) as err:
        begin = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        rss = local.watch(process.pid)
        wall = time.perf_counter() - begin
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            err.seek(0)
            sys.exit(f"{command}: exit status {process.returncode}\n{err.read().decode(errors='replace')[-4000:]}")
        out.seek(0)
        return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "rss": rss, "output": out.read().decode()}


class Tool:
    name = ""

    def __init__(self, binary, folder):
        self.binary = binary
        self.folder = folder

    def command(self, url, source, concurrency):
        raise NotImplementedError

    def environment(self):
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench",
                "AWS_REGION": "us-east-1"}

    def forget(self):
        """What a run left on this machine."""

    def counted(self, _output):
        """The requests that it says it made; None: it does not say."""
        return None

    def version(self):
        return local.first_line(str(self.binary), "--version")


class Floor(Tool):
    name = "floor"

    def command(self, url, source, concurrency):
        return self.binary, f"{url}/bucket", source, concurrency

    def version(self):
        return ""


class Snapferry(Tool):
    name = "snapferry"

    def command(self, url, source, concurrency):
        config = self.folder / "snapferry.json"
        config.write_text(json.dumps({"upload": {"concurrency": concurrency}}))
        return (self.binary, "backup", "--config", config, "--dest", "s3://bucket/bench", "-o", f"endpoint={url}", "-o",
                "region=us-east-1", "--source", f"bench={source}", "--state-dir", self.folder / "state", "--json", "--progress",
                "none", "--log-level", "error")

    def forget(self):
        shutil.rmtree(self.folder / "state", ignore_errors=True)

    def counted(self, output):
        return sum(json.loads(output)["requests"].values())


class Rclone(Tool):
    """Told not to look before or after: one request a file. This version signs bodies over http; it has no option against it."""
    name = "rclone"

    def command(self, url, source, concurrency):
        return (self.binary, "copy", "--config", "", "--s3-provider", "Other", "--s3-env-auth", "--s3-endpoint", url,
                "--s3-no-check-bucket", "--s3-no-head", "--s3-disable-checksum", "--no-check-dest", "--transfers", concurrency,
                "--checkers", concurrency, "--retries", 1, source, ":s3:bucket/bench")


class S5cmd(Tool):
    name = "s5cmd"

    def command(self, url, source, concurrency):
        return (self.binary, "--endpoint-url", url, "--numworkers", concurrency, "--log", "error", "cp", f"{source}/",
                "s3://bucket/bench/")

    def version(self):
        """Its own answer is right in the project's releases only; Go knows what it built."""
        if shutil.which("go"):
            built = subprocess.run(["go", "version", "-m", str(self.binary)], stdout=subprocess.PIPE, text=True, check=False).stdout
            for words in map(str.split, built.splitlines()):
                if len(words) > 2 and words[1] == "github.com/peak/s5cmd/v2" and words[2].startswith("v"):
                    return "s5cmd " + words[2]
        return "s5cmd " + local.first_line(str(self.binary), "version")


def _has_plugin(binary):
    return subprocess.run([str(binary), "plugin", "info", "s3"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def _candidates(build):
    s5cmd = REPO / "build-servers" / "bin" / "s5cmd"
    snapferry = build / "snapferry"
    yield Floor, build / "bench" / "floor", ""
    yield Snapferry, snapferry if _has_plugin(snapferry) else None, "it has no plugin s3"
    yield Rclone, shutil.which("rclone", path="/usr/bin:/bin"), "./dev setup installs it"
    yield S5cmd, s5cmd if s5cmd.exists() else shutil.which("s5cmd"), "./dev bench s3 installs it where there is Go"


def found(build, folder):
    return [kind(binary, folder) for kind, binary, _ in _candidates(build) if binary is not None]


def missing(build):
    return [(kind.name, why) for kind, binary, why in _candidates(build) if binary is None]
