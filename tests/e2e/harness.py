# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests run snapferry with, and how they look into a store. conftest.py makes fixtures of it."""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
DATA = REPO / "tests" / "data"
SLOWNESS = int(os.environ.get("SNAPFERRY_SLOWNESS", "1"))  # of sanitizers: limits are multiplied by it
SANITIZER_STATUS = 99  # see ./dev asan
NOBODY = 65534

DONE, FAILED, USAGE, GUARD, DAMAGE, NO_POINT, DENIED = range(7)


class Result(subprocess.CompletedProcess):
    """stdout and stderr are text; bytes that are not UTF-8 are surrogates in it."""

    def json(self):
        return json.loads(self.stdout)

    def __repr__(self):
        return f"exit status {self.returncode}\n--- stdout\n{self.stdout[-4000:]}\n--- stderr\n{self.stderr[-4000:]}"


class Runner:
    """Runs one binary with a home and a state folder of the test's own, and nothing else from the environment."""

    def __init__(self, binary, folder):
        self.binary = binary
        self.folder = folder
        self.state = folder / "state"
        self.state.mkdir()
        self.lowered = None  # a copy that users without rights can reach
        (folder / "home").mkdir()
        self.env = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder / "home"), "LC_ALL": "C.UTF-8",
            "STATE_DIRECTORY": str(self.state),
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]

    def __call__(self, *args, check=0, **how):
        """Runs it to its end. check: the exit status that must come (or a tuple of them; None: any). A crash, a sanitizer's
        finding and a run over its time limit always fail the test. how: see start(); and timeout, seconds."""
        timeout = how.pop("timeout", 60) * SLOWNESS
        process = self.start(*args, **how)
        return self.finish(process, check, timeout)

    def start(self, *args, env=None, as_user=None, cwd=None, stdin=subprocess.DEVNULL, pass_fds=(), prefix=()):
        """A Popen that runs. env: added to the environment (None as value: removed). as_user: a number, or NOBODY; only root
        changes its user, others stay who they are. prefix: words before the binary's ("prlimit", "--nofile=64")."""
        environment = dict(self.env, **(env or {}))
        environment = {name: str(value) for name, value in environment.items() if value is not None}
        binary, identity = self.binary, {}
        if as_user is not None and os.geteuid() == 0:
            binary = self.reachable()
            identity = {"user": as_user, "group": as_user, "extra_groups": []}
            for path, _, names in os.walk(self.state):
                for name in [path] + [os.path.join(path, name) for name in names]:
                    os.chown(name, as_user, as_user)
        words = [os.fsencode(word) for word in (*prefix, binary, *args)]
        return subprocess.Popen(words, env=environment, cwd=cwd, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                pass_fds=pass_fds, start_new_session=True, **identity)

    def finish(self, process, check=0, timeout=60 * SLOWNESS):
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGABRT)
            out, err = process.communicate()
            raise AssertionError(f"{process.args}: still running after {timeout} s\n{_text(err)[-4000:]}") from None
        result = Result(process.args, process.returncode, _text(out), _text(err))
        assert result.returncode != SANITIZER_STATUS and "runtime error:" not in result.stderr, f"sanitizer: {result!r}"
        if check is not None:
            wanted = check if isinstance(check, tuple) else (check,)
            assert result.returncode in wanted, f"{process.args}: exit status {wanted} was expected\n{result!r}"
        elif result.returncode < 0:
            raise AssertionError(f"killed by signal {-result.returncode}\n{result!r}")
        return result

    def reachable(self):
        """A copy of the binary and its plugins in the test's folder: the build may lie where only root can go. Plugins are
        found beside it, as in the build."""
        if self.lowered is None:
            self.lowered = self.folder / "bin" / "snapferry"
            for plugin in self.binary.parent.glob("plugins/*/*.so"):
                place = self.lowered.parent / plugin.relative_to(self.binary.parent)
                place.parent.mkdir(parents=True)
                shutil.copy2(plugin, place)
            shutil.copy2(self.binary, self.lowered)
            (self.lowered.parent / "build.ninja").touch()  # by this file the binary knows a build tree
        return self.lowered


def _text(raw):
    return raw.decode("utf-8", "surrogateescape")


class Store:
    """A localfs destination."""

    def __init__(self, root, prefix=""):
        self.root = pathlib.Path(root)
        self.prefix = prefix
        self.url = "file://" + str(self.root)
        self.destination = {"plugin": "localfs", "path": str(self.root)}  # of a config file

    def path(self, key):
        return self.root / key

    def read(self, key):
        """The bytes of an object; None if there is none."""
        return self.path(key).read_bytes() if self.path(key).exists() else None

    def objects(self):
        """{key: SHA-256 of the object}, localfs' temporaries left out."""
        found = {}
        for folder, names, files in os.walk(os.fsencode(self.root)):
            if folder == os.fsencode(self.root / ".snapferry"):
                names[:] = [name for name in names if name != b"tmp"]
            for name in files:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    digest = hashlib.sha256(file.read()).hexdigest()
                found[os.fsdecode(path[len(os.fsencode(self.root)) + 1:])] = digest
        return found

    def data(self):
        """Those of objects() that are files of sources: <prefix>/<time-dir>/<source>/..."""
        start = self.prefix + "/" if self.prefix else ""
        return {key: digest for key, digest in self.objects().items()
                if key.startswith(start) and ".snapferry" not in key[len(start):].split("/")[:2]}

    def temporaries(self):
        folder = self.root / ".snapferry" / "tmp"
        return sorted(os.listdir(folder)) if folder.exists() else []

    def commit(self, time_dir):
        """The lines of a commit object, parsed; None if there is none."""
        text = self.read(self._key(".snapferry", "points", f"{time_dir}.commit"))
        return [json.loads(line) for line in text.splitlines()] if text is not None else None

    def _key(self, *parts):
        return "/".join([self.prefix, *parts] if self.prefix else parts)

    def manifest_key(self, time_dir, source):
        return self._key(time_dir, ".snapferry", f"{source}.manifest.jsonl.zst")

    def manifest_path(self, time_dir, source):
        return self.path(self.manifest_key(time_dir, source))

    def manifest(self, time_dir, source):
        """(header, entries, trailer) of a manifest, parsed."""
        packed = self.read(self.manifest_key(time_dir, source))
        text = subprocess.run(["zstd", "-dcq"], input=packed, check=True, stdout=subprocess.PIPE).stdout
        lines = [json.loads(line) for line in text.splitlines()]
        return lines[0], lines[1:-1], lines[-1]

    def write_manifest(self, time_dir, source, lines):
        """Puts other lines (dicts or text) in its place, as a hostile or damaged store would."""
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        packed = subprocess.run(["zstd", "-cq", "--zstd=wlog=19"], input=text.encode("utf-8", "surrogateescape"), check=True,
                                stdout=subprocess.PIPE).stdout
        self.manifest_path(time_dir, source).write_bytes(packed)


def unpack(archive, folder):
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "--use-compress-program=zstd", "-xpf", archive, "-C", folder], check=True)
    return folder


def write_config(path, store, sources, **keys):
    """A config file for a store and sources {name: folder}; keys: other top-level members. Returns its path."""
    config = {"destination": store.destination,
              "sources": [{"name": name, "path": str(folder)} for name, folder in sources.items()], **keys}
    path.write_text(json.dumps(config))
    return path


class Site:
    """Sources {name: folder} and the store they go to, by a config file: site("list", "--json"). keys: see write_config."""

    def __init__(self, run, store, sources, **keys):
        self.run, self.store, self.sources = run, store, sources
        self.configure(**keys)

    def configure(self, **keys):
        self.config = write_config(self.run.folder / "config.json", self.store, self.sources, **keys)

    def __call__(self, *args, **how):
        return self.run(*args, "--config", self.config, **how)

    def backup(self, *args, **how):
        """A run that must make a point; returns its report."""
        report = self("backup", "--json", *args, **how).json()
        assert report["status"] == "complete" and "error" not in report, report
        return report

    def restore(self, point, target, *args, **how):
        """Its report, of a failure too (how: check)."""
        return self("restore", point, "--to", target, "--json", *args, **how).json()

    def listed(self):
        """{time_dir: status} in the order of list."""
        return {point["time_dir"]: point["status"] for point in self("list", "--json").json()}

    def findings(self, *args, check=DONE):
        """What verify names: its report's findings, of all points that it looked at."""
        report = self("verify", "--json", *args, check=check).json()
        return [finding for point in report["points"] for finding in point["findings"]]


def total(report, name):
    """Sum of one of the counts of a report's sources."""
    return sum(source[name] for source in report["sources"])


def wait_until(condition, process):
    """Waits until condition() is true while process runs; what it was is returned."""
    deadline = time.monotonic() + 60 * SLOWNESS
    while True:
        ended = process.poll() is not None
        value = condition()
        if value:
            return value
        assert not ended, f"the process ended first: {process.communicate()}"
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.002)
