"""The tree of an image is exactly what `umoci` unpacks of it: paths, types, modes, sizes, owners, times, links."""

from __future__ import annotations

import posixpath
import random
import subprocess
import tarfile
from pathlib import Path

import pytest

from regtui.layers.merged import MergedTree
from tests.layers.archives import member, walk
from tests.layers.unpacked import AS_ROOT, Refused, differences, in_tree, packed

OPAQUE = ".wh..wh..opq"


def file(path: str, size: int = 1, mode: int = 0o644) -> tarfile.TarInfo:
    info = member(path, size)
    info.mode, info.mtime, info.uid, info.gid = mode, 1_500_000_000 + size, size, 7
    return info


def gone(path: str) -> tarfile.TarInfo:
    folder, slash, name = path.rpartition("/")
    return member(f"{folder}{slash}.wh.{name}")


def folder(path: str, mode: int = 0o755) -> tarfile.TarInfo:
    info = member(path, type=tarfile.DIRTYPE)
    info.mode, info.mtime = mode, 1_400_000_000
    return info


def symlink(path: str, text: str) -> tarfile.TarInfo:
    info = member(path, type=tarfile.SYMTYPE, link=text)
    info.mtime = 1_600_000_000
    return info


def hard_link(path: str, target: str) -> tarfile.TarInfo:
    return member(path, type=tarfile.LNKTYPE, link=target)


def at_time(info: tarfile.TarInfo, seconds: int) -> tarfile.TarInfo:
    info.mtime = seconds
    return info


def owned(info: tarfile.TarInfo, owner: int) -> tarfile.TarInfo:
    info.uid = info.gid = owner
    return info


Layers = list[list[tarfile.TarInfo]]

BASE = [
    folder("usr"),
    folder("usr/lib"),
    file("usr/lib/libc.so", 400),
    symlink("lib", "usr/lib"),
    symlink("abs", "/usr"),
    folder("etc"),
    file("etc/passwd", 5),
    file("etc/shadow", 6, 0o640),
    folder("etc/conf.d"),
    file("etc/conf.d/a", 7),
    folder("etc/conf.d/deep", 0o700),
    file("etc/conf.d/deep/b", 8),
    file("opt", 9),
    folder("bin"),
    file("bin/sh", 10, 0o755),
    hard_link("bin/dash", "bin/sh"),
    folder("tmp", 0o1777),
]

IMAGES: dict[str, Layers] = {
    "a whiteout of a file and of a directory": [BASE, [gone("etc/passwd"), gone("etc/conf.d")]],
    "an opaque directory": [BASE, [folder("etc/conf.d"), member(f"etc/conf.d/{OPAQUE}"), file("etc/conf.d/new")]],
    "an opaque directory said last": [BASE, [file("etc/conf.d/new"), member(f"etc/conf.d/{OPAQUE}")]],
    "an opaque root": [BASE, [member(OPAQUE), file("only")]],
    "a directory removed and made anew": [BASE, [gone("etc"), folder("etc", 0o711), file("etc/passwd", 3)]],
    "a directory made anew and then removed": [BASE, [folder("etc", 0o711), file("etc/passwd", 3), gone("etc")]],
    "removed by one layer, back with the next": [BASE, [gone("etc")], [file("etc/passwd", 3)]],
    "a file over a directory": [BASE, [file("etc", 3)]],
    "a directory over a file": [BASE, [folder("opt"), file("opt/x")]],
    "a directory over a link": [BASE, [folder("lib"), file("lib/x")]],
    "a link over a directory": [BASE, [symlink("etc", "usr/lib")], [file("etc/x")]],
    "a file over a link": [BASE, [file("lib", 3)]],
    "written through a link": [BASE, [file("lib/ld.so", 3), file("abs/bin/x", 4)]],
    "removed through a link": [BASE, [gone("lib/libc.so")]],
    "emptied through a link": [BASE, [file("usr/lib/new"), member(f"lib/{OPAQUE}")]],
    "a link that leads out": [BASE, [symlink("out", "../../../etc"), file("out/passwd", 3)]],
    "a link to nowhere, written through": [BASE, [symlink("ghost", "var/lib/ghost"), file("ghost/x")]],
    "a link replaced in its own layer": [BASE, [symlink("l", "etc"), file("l/x"), folder("l"), file("l/y")]],
    "a hard link across directories": [BASE, [file("usr/a", 3), hard_link("etc/b", "usr/a"), hard_link("c", "etc/b")]],
    "a hard link's file changed later": [BASE, [file("bin/sh", 20)]],
    "a hard link's file removed later": [BASE, [gone("bin/sh")]],
    "a hard link replaced later": [BASE, [file("bin/dash", 20)]],
    "a hard link to a file of a layer below": [BASE, [hard_link("etc/sh", "bin/sh")]],
    "a hard link through links": [BASE, [hard_link("lib/c2", "abs/lib/libc.so")]],
    "a hard link to a link": [BASE, [hard_link("lib2", "lib")], [file("lib2/x", 3)]],
    "one path twice in a layer": [[file("a", 3), file("a", 4, 0o600)], [folder("b"), file("b"), folder("b", 0o700)]],
    "names with a leading dot or slash": [BASE, [file("./etc/x"), file("/etc/y"), gone("./etc/passwd"), folder("./")]],
    "names that lead out": [BASE, [file("../../etc/x", 3), file("etc/../usr/y"), gone("../etc/passwd")]],
    "names with slashes and dots to spare": [
        BASE,
        [file("etc//z"), file("etc/./w"), folder("var//"), folder("usr/lib/.", 0o700)],
    ],
    "set-user-id, set-group-id, sticky": [[folder("d", 0o2775), file("d/x", 1, 0o6755), folder("t", 0o1777)]],
    "directories with nothing in them": [[folder("a"), folder("a/b"), folder("a/b/c", 0o500)], [folder("a/b", 0o700)]],
    "directories that no layer lists": [[file("a/b/c/d")], [file("a/b/e")], [gone("a/b/c")]],
    "names that aren't UTF-8": [
        [file("caf\udce9/\udcff\udcfe"), symlink("\udc80", "caf\udce9")],
        [gone("caf\udce9/\udcff\udcfe")],
    ],
    "names with newlines, tabs, escapes": [
        [file("a\nb"), file("c\td"), file("\x1b[31m"), symlink("l\n", "a\nb"), file("\\n")]
    ],
    "names that look like whiteouts": [[file("wh.a"), file(".whb"), file("..wh.c"), file("x.wh.y")]],
    "names of 250 bytes, paths of 2,000": [
        [file("n" * 250), file("/".join(["long" * 20] * 25)), symlink("l", "t" * 300)]
    ],
    "times before 1970 and beyond 2038": [[at_time(file("a"), -1), at_time(file("b"), 0), at_time(file("c"), 2**33)]],
    "owners that octal doesn't hold": [[owned(file("a"), 3_000_000_000), owned(folder("b"), 2_097_152)]],
    "a pipe, and a file in its place": [
        [member("a", type=tarfile.FIFOTYPE), member("b", type=tarfile.FIFOTYPE)],
        [file("a")],
    ],
}


@pytest.mark.parametrize("name", IMAGES)
def test_the_tree_is_what_umoci_unpacks(name: str, tmp_path: Path) -> None:
    assert differences(tmp_path / "image", [packed(*layer) for layer in IMAGES[name]]) == {}


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT])
def test_however_its_archives_are_written(format: int, tmp_path: Path) -> None:
    layers = IMAGES["a hard link across directories"] + IMAGES["removed through a link"][1:]
    assert differences(tmp_path / "image", [packed(*layer, format=format) for layer in layers]) == {}


@pytest.mark.parametrize("format", ["posix --sparse-version=0.0", "posix --sparse-version=0.1", "posix"])
def test_a_sparse_file_has_its_whole_size(format: str, tmp_path: Path) -> None:
    """umoci knows no sparse files of GNU's own format: test_tar.py has those."""
    with (tmp_path / "holes").open("wb") as holes:
        for position in range(0, 40 * 2**20, 2**20):
            holes.seek(position)
            holes.write(b"data")
    command = ["tar", "-C", str(tmp_path), "--sparse", "--mtime=@1600000000", *f"--format={format}".split()]
    data = subprocess.run([*command, "-cf", "-", "holes"], check=True, capture_output=True).stdout
    assert len(data) < 2**20
    assert differences(tmp_path / "image", [data, packed(hard_link("two", "holes"))]) == {}


def test_extended_attributes_change_nothing(tmp_path: Path) -> None:
    info = file("bin/ping", 4, 0o755)
    info.pax_headers = {"SCHILY.xattr.user.note": "two\nlines = 1", "comment": "x" * 300}
    assert differences(tmp_path / "image", [packed(folder("bin"), info)]) == {}


@pytest.mark.skipif(not AS_ROOT, reason="only root can make devices")
def test_devices(tmp_path: Path) -> None:
    null, disk = member("dev/null", type=tarfile.CHRTYPE), member("dev/sda", type=tarfile.BLKTYPE)
    null.mode, (null.devmajor, null.devminor) = 0o666, (1, 3)
    disk.mode, (disk.devmajor, disk.devminor) = 0o660, (8, 0)
    assert differences(tmp_path / "image", [packed(folder("dev"), null, disk), packed(gone("dev/sda"))]) == {}


@pytest.mark.parametrize(
    ("layers", "paths"),
    [
        ([[file("a")], [file("a/b")]], ["a", "a/b"]),
        ([[hard_link("a", "nowhere")]], ["a"]),
        ([[folder("d"), hard_link("a", "d")]], ["a", "d"]),
        ([[symlink("a", "a"), file("a/b")]], ["a", "a/b"]),
        ([[file(".."), file("b")]], ["b"]),
    ],
    ids=["a file under a file", "a hard link to nothing", "to a directory", "through a loop", "the root as a file"],
)
def test_what_umoci_refuses_is_shown_all_the_same(layers: Layers, paths: list[str], tmp_path: Path) -> None:
    """A tool that looks into images shows the bad ones too."""
    tars = [packed(*layer) for layer in layers]
    with pytest.raises(Refused):
        differences(tmp_path / "image", tars)
    assert sorted(in_tree(tars)) == paths


# Layers made at random


def test_two_hundred_random_images(tmp_path: Path) -> None:
    compare_random_images(range(200), tmp_path)


@pytest.mark.slow
def test_three_thousand_random_images(tmp_path: Path) -> None:
    compare_random_images(range(1000, 4000), tmp_path)


def compare_random_images(seeds: range, folder: Path) -> None:
    refused = 0
    for seed in seeds:
        layers = random_layers(random.Random(seed))
        try:
            different = differences(folder / str(seed), [packed(*layer) for layer in layers])
        except Refused:
            refused += 1
            continue
        listed = [[(info.name, info.type, info.linkname) for info in layer] for layer in layers]
        assert not different, f"seed {seed}: {listed}"
    assert refused < len(seeds) / 20


def random_layers(rng: random.Random) -> Layers:
    """Layers that write over, link and remove few names again and again; nearly all are such as umoci unpacks."""
    tree, written = MergedTree(), ["a"]
    layers: Layers = []
    for number in range(rng.randint(2, 4)):
        layers.append([])
        for _ in range(rng.randint(1, 12)):
            info = random_member(rng, written)
            if fits(tree, info):
                tree.add_layer(number, walk(packed(info), 100_000))
                layers[-1].append(info)
                if ".wh." not in info.name:
                    written.append(plain(info.name))
    return layers


def random_member(rng: random.Random, written: list[str]) -> tarfile.TarInfo:
    path = "/".join(rng.choice("abcd") for _ in range(rng.randint(1, 3)))
    if rng.random() < 0.5:
        path = rng.choice(written)
        if rng.random() < 0.4:
            path += f"/{rng.choice('abcd')}"
    kind = rng.choices(["file", "dir", "symlink", "hard link", "whiteout", "opaque"], [5, 4, 2, 2, 3, 1])[0]
    if kind == "whiteout":
        info = gone(path)
    elif kind == "opaque":
        info = member(f"{path}/{OPAQUE}")
    elif kind == "symlink":
        info = symlink(path, rng.choice(["", "/", "./", "../", "../../"]) + rng.choice(written))
    elif kind == "hard link":
        info = hard_link(path, rng.choice(written))
    else:
        info = folder(path) if kind == "dir" else file(path, rng.randint(0, 2000))
        info.mode = rng.choice([0o644, 0o600, 0o4755, 0o2755, 0o1777])
    info.name = rng.choice(["", "", "", "./", "/", "../", "a/../"]) + info.name
    return info


def plain(name: str) -> str:
    return posixpath.normpath("/" + name.lstrip("/"))[1:]


def fits(tree: MergedTree, info: tarfile.TarInfo) -> bool:
    """Whether a member lies in directories, or in none yet, and a hard link's file is there and stays."""
    path = plain(info.name)
    if info.islnk():
        target = tree.find(info.linkname, follow=False)
        if target is None or target.is_directory or f"{target.path}/".startswith(f"{path}/"):
            return False
    parents = path.split("/")[:-1]
    for length in range(1, len(parents) + 1):
        parent = "/".join(parents[:length])
        if (node := tree.find(parent)) is None:
            return tree.find(parent, follow=False) is None
        if not node.is_directory:
            return False
    return True
