# SPDX-License-Identifier: Apache-2.0
"""Real data and odd names to S3 servers and back: bit for bit, few requests, and plain for other tools."""
import os
import subprocess

import harness
import servers
from harness import total
from kit import tree

REQUESTS_MAX = 25  # of a run in which nothing changed


def sources_of(real_tree):
    sources = {path.name: path for path in sorted(real_tree.iterdir())}
    assert len(sources) > 1
    return sources


def files_of(snapshot):
    return {path: item for path, item in snapshot.items() if item.type == "file"}


def aws(store, folder, *words):
    """Debian's aws, an S3 client that knows nothing of us."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "AWS_ACCESS_KEY_ID": servers.ACCESS, "LC_ALL": "C.UTF-8",
                   "AWS_SECRET_ACCESS_KEY": servers.SECRET, "AWS_DEFAULT_REGION": servers.REGION, "AWS_EC2_METADATA_DISABLED": "true"}
    subprocess.run(["/usr/bin/aws", "--endpoint-url", store.options["endpoint"], "s3", *words], env=environment, check=True,
                   stdin=subprocess.DEVNULL)


def test_a_real_database_comes_back_identical_and_is_sent_once(signed, store, real_tree, tmp_path):
    sources = sources_of(real_tree)
    before = {name: tree.snapshot(folder) for name, folder in sources.items()}
    files = sum(len(files_of(items)) for items in before.values())
    site = harness.Site(signed, store, sources)
    report = site.backup()
    assert total(report, "uploaded_files") == files
    assert report["requests"]["put"] <= files + 2 + len(sources)  # claim, manifests, commit

    stored = store.sizes()
    again = site.backup()
    assert total(again, "uploaded_files") == total(again, "uploaded_bytes") == 0
    assert sum(again["requests"].values()) <= REQUESTS_MAX, again["requests"]
    assert stored.items() <= store.sizes().items() and len(store.commits()) == 2
    assert store.uploads() == []

    assert site.findings("--all", "--deep") == []
    for point in (report, again):
        target = tmp_path / point["run"]
        site.restore(point["time_dir"], target)
        for name in sources:
            tree.assert_same(before[name], tree.snapshot(target / name))


def test_what_is_stored_is_plain_for_other_tools(signed, store, banyandb, tmp_path):
    sources = sources_of(banyandb)
    report = harness.Site(signed, store, sources).backup()
    copied = tmp_path / "copied"
    aws(store, tmp_path, "cp", "--recursive", "--only-show-errors", f"{store.url}/{report['time_dir']}/", copied)
    assert sorted(os.listdir(copied)) == sorted([*sources, ".snapferry"])
    for name, folder in sources.items():
        tree.assert_same(files_of(tree.snapshot(folder)), files_of(tree.snapshot(copied / name)),
                         ignore=("mode", "uid", "gid", "mtime_ns"))


def test_two_bases_in_one_bucket_do_not_see_each_other(signed, strict, files, tmp_path):
    site = harness.Site(signed, strict, {"data": files({"a": b"1"})})
    beside = f"{strict.url}/prod/db-1"
    site.backup()
    words = ["--dest", beside, *strict.words()[2:]]
    assert signed("list", "--json", *words).json() == []
    signed("backup", *words, "--source", f"data={site.sources['data']}")
    assert len(signed("list", "--json", *words).json()) == len(site.listed()) == 1
    assert all(key.startswith(("prod/db-1/", ".snapferry/")) or key.split("/")[0] in site.listed() for key in strict.sizes())


def test_runs_at_the_same_time_never_share_a_time_dir(signed, store, files, tmp_path):
    """As from several machines: each has a state folder of its own, so only the store keeps them apart."""
    site = harness.Site(signed, store, {"data": files({f"{number}": b"x" * number for number in range(50)})})
    runs = []
    for number in range(4):
        (tmp_path / f"state-{number}").mkdir()
        runs.append(signed.start("backup", "--json", "--config", site.config, env={"STATE_DIRECTORY": tmp_path / f"state-{number}"}))
    reports = [signed.finish(process).json() for process in runs]
    assert len({report["time_dir"] for report in reports}) == 4
    assert site.listed() == {report["time_dir"]: "complete" for report in reports}
    assert site.findings("--all", "--deep") == []


# --- names ---

# Beside those of kit/tree.py; a name is a file and, with a file inside, a folder.
NAMES = [
    b"a&b=c", b"a?b", b"a#b", b"a+b", b"a b", b"a  b", b"<tag>", b"'quoted'", b'"quoted"', b"&amp;", b"&#34;", b"x;y", b"a:b", b"a@b",
    b"a,b", b"a|b", b"a^b", b"{a}", b"`a`", b"!a", b"$a", b"(a)", b"a*b", b"trailing.", b"trailing..", b"%C3%A9", b"%252F", b"+%2B",
    b"soap", b"?", b"#", b"&", b"?uploads", b"?partNumber=1&uploadId=x", b"cr\rhere", b"]]>", b"<!--", b"caf\xe9",
    "\u65e5\u672c\u8a9e".encode(), "\u00df\u0131\u0130".encode(), "\U0001f600".encode(), "e\u0301".encode(), "\u202eright".encode(),
    "\u00a0".encode(), "\u2028".encode(), "\ufeff".encode(), "\ufffd".encode(),
]
# A byte of these becomes three: a part of a key with more than 255 bytes, which a server on a file system cannot hold.
LONG_NAMES = [b"\xff" * 255, b"\x01" * 120 + b"z"]


def test_odd_names_come_back_identical(signed, store, server, source, tmp_path):
    names = [*tree.ODD_NAMES, *NAMES, *(LONG_NAMES if server.name == "gofakes3" else [])]
    assert len(set(names)) == len(names) > 80
    for number, name in enumerate(names):
        tree.write(os.path.join(os.fsencode(source), b"files", name), b"content of %d\n" % number)
        tree.write(os.path.join(os.fsencode(source), b"folders", name, b"inside"), b"inside of %d\n" % number)
    before = tree.snapshot(source)
    site = harness.Site(signed, store, {"data": source})
    report = site.backup()
    assert total(report, "uploaded_files") == 2 * len(names)
    assert sorted(store.data().values()) == sorted(item.sha256 for item in files_of(before).values())
    assert list(site.listed().values()) == ["complete"]
    assert site.findings("--deep") == []
    site.restore("latest", tmp_path / "restored")
    tree.assert_same(before, tree.snapshot(tmp_path / "restored"))
    assert total(site.backup(), "uploaded_files") == 0  # each was found again in the manifest


def test_a_name_that_the_server_cannot_hold_fails_the_run_and_is_named(signed, strict, source):
    tree.write(os.path.join(os.fsencode(source), LONG_NAMES[0]), b"x")
    site = harness.Site(signed, strict, {"data": source})
    report = site("backup", "--json", check=harness.FAILED).json()
    assert "%FF%FF%FF" in report["error"]["text"] or "\\xff\\xff" in report["error"]["text"]
    assert strict.commits() == []
