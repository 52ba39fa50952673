# SPDX-License-Identifier: Apache-2.0
"""Makes trees of files that are hard to back up, changes them at random, and compares them. All paths are bytes.

    make_tree(folder, seed=1)             10,000 small files and everything odd; small=200 for a quick one
    before = snapshot(folder)             {path: Item}; b"" is the folder itself
    mutate(folder, random.Random(7))
    print(diff(before, snapshot(folder)))  readable, "" if nothing differs
"""
import errno
import hashlib
import os
import random
import shutil
import stat
from typing import NamedTuple

THRESHOLD = 5 << 20  # small_file_threshold's default
NS = 1_000_000_000
OLD = 1_600_000_000 * NS  # an mtime that no run takes for a fresh one

ODD_NAMES = [
    b"with space", b" leading", b"trailing ", b"two\nlines", b"tab\there", b"plus+percent%hash#question?",
    b"%2F", b"%2f", b"%", b"%%", b"%41", b"100%", b"a%zz", "composed-\u00e9".encode(), "decomposed-e\u0301".encode(),
    b"not-utf8-\xff\xfe", b"cut-\xc3", b"overlong-\xc0\xaf", b"surrogate-\xed\xa0\x80", b"\x01\x02\x1f\x7f",
    "c1-\u0085".encode(), "noncharacter-\ufffe".encode(), "noncharacter-\uffff".encode(), "\U0001f980".encode(),
    b"-rf", b"--help", b".hidden", b"...", b"..x", b"*", b"[a-z]", b"back\\slash", b"quote'\"`$(x)", b"~", b"name=value",
    b"CASE", b"case", b".snapferry", b"time-dir",
    b"L" * 251 + b".dat", "\u00e9".encode() * 127 + b"x",
]
# Siblings whose order depends on a folder sorting as "name/".
ORDER_NAMES = [b"sort", b"sort-", b"sort.txt", b"sort0", b"sort!"]

MTIMES = [OLD, OLD + 123_456_789, OLD + 1, 0, 1, -1, -NS, -86_400 * 365 * 20 * NS + 987_654_321, -1_500_000_000 * NS - 1,
          2_147_483_648 * NS + 5, 4_102_444_800 * NS + 999_999_999]
FILE_MODES = [0o644, 0o600, 0o640, 0o755, 0o444, 0o400, 0o4755, 0o2755, 0o1644, 0o666, 0o4711, 0o000]
FOLDER_MODES = [0o755, 0o700, 0o750, 0o777, 0o1777, 0o2775, 0o500]
OWNERS = [(0, 0), (1000, 1000), (65534, 65534), (12345, 54321)]
SIZES = [0, 1, 100, 4095, 4096, 65536, 262_143, 262_144, 262_145, 1_000_000]


class Item(NamedTuple):
    type: str      # file, dir, link, or what else
    mode: int      # 07777; 0 for a link
    uid: int
    gid: int
    mtime_ns: int
    size: int      # of a file
    sha256: str    # of a file, "" if it may not be read
    target: bytes  # of a link


def make_tree(folder, seed=1, small=10_000, large=6):
    """Fills folder (made if missing). small: files of 0 to 8 KiB; large: files from the threshold on; the odd ones come on top.
    Modes that keep the owner out, and owners, only as root."""
    folder, rng = os.fsencode(folder), random.Random(seed)
    os.makedirs(folder, exist_ok=True)
    _make_many(folder, rng, small)
    _make_odd(folder, rng)
    for number in range(large):
        size = [THRESHOLD, THRESHOLD + 1, THRESHOLD * 2 - 1][number % 3] + number // 3
        write(os.path.join(folder, b"large", b"%d.bin" % number), rng.randbytes(size))
    _make_links(folder)
    _dress(folder, rng)


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def _make_many(folder, rng, count):
    for number in range(count):
        path = b"many/%02d/%d/file-%05d.dat" % (number % 37, number % 3, number)
        write(os.path.join(folder, path), rng.randbytes(rng.choice((0, 10, 100, 1000, 4096, 8192))))


def _make_odd(folder, rng):
    for number, name in enumerate(ODD_NAMES):
        write(os.path.join(folder, b"odd", name), b"content of %d\n" % number)
        write(os.path.join(folder, b"odd folders", name, b"inside"), rng.randbytes(number))
    for name in ORDER_NAMES:
        write(os.path.join(folder, b"order", name + (b"/x" if name == b"sort" else b"")), name)
    for size in SIZES:
        write(os.path.join(folder, b"sizes", b"%d" % size), rng.randbytes(size))
    deep = folder
    for level in range(1, 41):
        deep = os.path.join(deep, b"level%02d" % level)
        write(os.path.join(deep, b"here"), b"%d" % level)
    for name in (b"empty", b"nested empty/a/b/c", b"odd folders/empty \xff"):
        os.makedirs(os.path.join(folder, name))
    write(os.path.join(folder, b"twice"), b"two names, one inode")
    os.link(os.path.join(folder, b"twice"), os.path.join(folder, b"twice again"))
    with open(os.path.join(folder, b"sparse"), "wb") as sparse:
        sparse.seek(700_000)
        sparse.write(b"end")
    for number, mode in enumerate(FILE_MODES):
        write(os.path.join(folder, b"modes", b"%04o" % mode), b"%d" % number)


def _make_links(folder):
    links = {b"to-file": b"../odd/CASE", b"to-folder": b"../many", b"dangling": b"nowhere/at all", b"absolute": b"/etc/hostname",
             b"up": b"..", b"self": b"self", b"odd \xff\n": b"target \xff\n%41", b"long": b"x/" * 1500 + b"y"}
    os.makedirs(os.path.join(folder, b"links"))
    for name, target in links.items():
        os.symlink(target, os.path.join(folder, b"links", name))


def _dress(folder, rng):
    """Owners, modes and mtimes, folders after what they hold."""
    root = os.geteuid() == 0
    for path, is_link, is_dir in _bottom_up(folder):
        if root:
            os.chown(path, *rng.choice(OWNERS), follow_symlinks=False)  # before chmod, which it undoes in part
        if is_dir:
            os.chmod(path, rng.choice(FOLDER_MODES) | (0 if root else 0o700))
        elif not is_link:
            mode = int(os.path.basename(path), 8) if os.path.dirname(path).endswith(b"/modes") else rng.choice(FILE_MODES)
            os.chmod(path, mode | (0 if root else 0o400))
        _set_mtime(path, rng.choice(MTIMES))


def _set_mtime(path, mtime_ns):
    try:
        os.utime(path, ns=(OLD, mtime_ns), follow_symlinks=False)
    except OSError as error:  # a file system that cannot hold that time
        if error.errno not in (errno.EINVAL, errno.EOVERFLOW):
            raise
        os.utime(path, ns=(OLD, OLD), follow_symlinks=False)


def _bottom_up(folder):
    """(path, is_link, is_dir) of all below folder and of folder itself, each after what it holds."""
    for item in sorted(os.scandir(folder), key=lambda item: item.name):
        if item.is_dir(follow_symlinks=False):
            yield from _bottom_up(item.path)
        else:
            yield item.path, item.is_symlink(), False
    yield folder, False, True


def snapshot(folder):
    """What stands in folder: {path relative to it: Item}. Does not change it."""
    folder = os.fsencode(folder)
    items = {}
    for path, is_link, is_dir in _bottom_up(folder):
        status = os.lstat(path)
        digest, target, size = "", b"", 0
        if is_link:
            kind, target = "link", os.readlink(path)
        elif is_dir:
            kind = "dir"
        elif stat.S_ISREG(status.st_mode):
            kind, size, digest = "file", status.st_size, sha256(path)
        else:
            kind = "other"
        mode = 0 if is_link else stat.S_IMODE(status.st_mode)
        items[path[len(folder) + 1:]] = Item(kind, mode, status.st_uid, status.st_gid, status.st_mtime_ns, size, digest, target)
    return items


def sha256(path):
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except PermissionError:
        return ""
    return digest.hexdigest()


def diff(before, after, ignore=()):
    """Lines that tell how two snapshots differ, "" if they do not. ignore: names of Item's members."""
    lines = []
    for path in sorted(before.keys() | after.keys()):
        one, two = before.get(path), after.get(path)
        if one is None or two is None:
            lines.append(f"{'only after' if one is None else 'only before'}: {path!r} ({(one or two).type})")
            continue
        for name, was, now in zip(Item._fields, one, two):
            if was != now and name not in ignore:
                if name == "mode":
                    was, now = oct(was), oct(now)
                lines.append(f"{path!r}: {name} {was} became {now}")
    return "\n".join(lines)


def assert_same(before, after, ignore=()):
    lines = diff(before, after, ignore).split("\n")
    assert lines == [""], f"{len(lines)} differences:\n" + "\n".join(lines[:30])


def mutate(folder, rng, times=40):
    """Random changes: new, gone, grown, cut, same size with other content, file to folder and back, renamed, mode, owner or mtime
    only, link elsewhere, folder renamed or gone."""
    folder = os.fsencode(folder)
    for _ in range(times):
        files, folders, links = [], [], []
        for path, is_link, is_dir in _bottom_up(folder):
            if _is_ours(path):
                (links if is_link else folders if is_dir else files).append(path)
        folders = [path for path in folders if path != folder]
        rng.choice(CHANGES)(rng, folder, files, folders, links)


def _is_ours(path):
    """Whether it and what holds it may be changed (root may change all)."""
    return os.geteuid() == 0 or os.access(os.path.dirname(path), os.W_OK)


def _new_path(rng, folder, folders):
    places = [path for path in folders if os.access(path, os.W_OK)] + [folder]
    names = [b"new %d", b"%d.new", b"n%%41-%d", b"new-\xff-%d", "neu-\u00fc-%d".encode()]
    return os.path.join(rng.choice(places), rng.choice(names) % rng.randrange(10**9))


def _new(rng, folder, files, folders, links):
    write(_new_path(rng, folder, folders), rng.randbytes(rng.choice((0, 5, 5000, 300_000))))


def _new_folder(rng, folder, files, folders, links):
    os.makedirs(_new_path(rng, folder, folders))


def _gone(rng, folder, files, folders, links):
    if files or links:
        os.unlink(rng.choice(files + links))


def _write_at(path, offset, data, cut=None):
    mode = stat.S_IMODE(os.lstat(path).st_mode)
    os.chmod(path, mode | 0o600)
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)
        if cut is not None:
            file.truncate(cut)
    os.chmod(path, mode)


def _grown(rng, folder, files, folders, links):
    if files:
        path = rng.choice(files)
        _write_at(path, os.lstat(path).st_size, rng.randbytes(rng.randrange(1, 9000)))


def _cut(rng, folder, files, folders, links):
    if files:
        path = rng.choice(files)
        _write_at(path, 0, b"", cut=os.lstat(path).st_size // 2)


def _same_size(rng, folder, files, folders, links):
    files = [path for path in files if os.lstat(path).st_size > 0]
    if files:
        path = rng.choice(files)
        with open(path, "rb") as file:
            first = file.read(1)
        _write_at(path, 0, bytes([first[0] ^ 0xFF]))


def _file_to_folder(rng, folder, files, folders, links):
    if files:
        path = rng.choice(files)
        os.unlink(path)
        for number in range(rng.randrange(3)):
            write(os.path.join(path, b"was a file %d" % number), rng.randbytes(50))
        os.makedirs(path, exist_ok=True)


def _folder_to_file(rng, folder, files, folders, links):
    path = _leaf(rng, folders)
    if path is not None:
        shutil.rmtree(path)
        write(path, b"was a folder")


def _folder_gone(rng, folder, files, folders, links):
    path = _leaf(rng, folders)
    if path is not None:
        shutil.rmtree(path)


def _leaf(rng, folders):
    """A folder of few things without folders, so that a tree survives many changes."""
    leaves = [path for path in folders if os.access(path, os.W_OK | os.X_OK) and len(os.listdir(path)) < 20
              and not any(item.is_dir(follow_symlinks=False) for item in os.scandir(path))]
    return rng.choice(leaves) if leaves else None


def _renamed(rng, folder, files, folders, links):
    leaf = _leaf(rng, folders)
    if files or links or leaf:
        path = leaf if leaf and rng.random() < 0.3 else rng.choice(files + links or [leaf])
        os.rename(path, os.path.join(os.path.dirname(path), b"renamed %d" % rng.randrange(10**9)))


def _mode(rng, folder, files, folders, links):
    if files:
        os.chmod(rng.choice(files), rng.choice(FILE_MODES) | (0 if os.geteuid() == 0 else 0o400))


def _owner(rng, folder, files, folders, links):
    if files and os.geteuid() == 0:
        os.chown(rng.choice(files), *rng.choice(OWNERS), follow_symlinks=False)


def _mtime(rng, folder, files, folders, links):
    if files:
        _set_mtime(rng.choice(files), rng.choice(MTIMES))


def _link(rng, folder, files, folders, links):
    path = rng.choice(links) if links else _new_path(rng, folder, folders)
    if links:
        os.unlink(path)
    os.symlink(b"elsewhere %d" % rng.randrange(10**9), path)


CHANGES = [_new, _new, _new_folder, _gone, _gone, _grown, _grown, _cut, _same_size, _same_size, _file_to_folder, _folder_to_file,
           _folder_gone, _renamed, _renamed, _mode, _owner, _mtime, _link]


def remove_tree(folder):
    """rmtree that modes do not stop."""
    folder = os.fsencode(folder)
    if os.path.isdir(folder):
        _unlock(folder)
        shutil.rmtree(folder)


def _unlock(folder):
    os.chmod(folder, 0o700)
    for item in os.scandir(folder):
        if item.is_dir(follow_symlinks=False):
            _unlock(item.path)
