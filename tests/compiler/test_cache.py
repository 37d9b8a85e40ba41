"""Object code on disk."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import zipfile
import zipimport
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.cli import main

pytest.importorskip("llvmlite")
from clearprop.compiler import fingerprint as fingerprints
from clearprop.compiler import plan
from clearprop.compiler.fingerprint import fingerprint
from clearprop.native import cache, machine


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def unsaid() -> Iterator[None]:
    """Whatever was said before is said again, once."""
    cache._warn_once.cache_clear()
    yield
    cache._warn_once.cache_clear()


StoreFor = Callable[[Callable[[bytes], bytes]], Path]


@pytest.fixture
def store_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> StoreFor:
    """Keep something else, with the right checksum, for what `compiled_sum` makes; its file."""

    def put(change: Callable[[bytes], bytes]) -> Path:
        kept: list[tuple[bytes, int, bytes]] = []
        store = cache.store
        with monkeypatch.context() as patch:
            patch.setattr(cache, "store", lambda *args: kept.append(args))
            compiled_sum(7.0)
        ((source, level, content),) = kept
        store(source, level, change(content))
        (file,) = folder.iterdir()
        return file

    return put


def compiled_sum(scale: float) -> float:
    return float(clearprop.compile(lambda x: np.sum(x * scale))(np.arange(3.0)))


def test_code_is_made_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiled_sum(7.0) == 21
    (file,) = folder.iterdir()

    def refuse(*_: object) -> bytes:
        raise AssertionError("compiled again")

    monkeypatch.setattr(machine, "assemble", refuse)
    assert compiled_sum(7.0) == 21
    assert list(folder.iterdir()) == [file]
    with pytest.raises(AssertionError, match="compiled again"):
        compiled_sum(8.0)


def test_code_from_disk_needs_no_stages(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def loss(p: Any, x: Any) -> Any:
        return np.sum(np.tanh(x @ p["w"] + p["b"]) ** 2)

    def step(p: Any, x: Any) -> Any:
        value, g = clearprop.value_and_grad(loss)(p, x)
        return value, {k: p[k] - 0.1 * g[k] for k in p}

    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 3))
    params = {"w": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}
    copies = [{k: p.copy() for k, p in params.items()} for _ in range(4)]
    wanted = clearprop.compile(step, donate="p")(copies[0], x)

    again = clearprop.compile(step, donate="p")
    with monkeypatch.context() as patch:
        patch.setattr(plan, "fuse", None)  # as if there were none
        for given in copies[1:3]:
            value, new = again(given, x)
            assert value == wanted[0]
            for k in params:
                np.testing.assert_array_equal(new[k], wanted[1][k])
                assert new[k] is given[k]
    strided = np.asfortranarray(x)  # not as compiled for: needs the stages after all
    np.testing.assert_allclose(again(copies[3], strided)[0], wanted[0], rtol=1e-14)
    assert "from disk" in str(again.report())
    assert "nest" in again.source()


def test_code_from_disk_knows_other_objects(folder: Path) -> None:
    """Equal keys and dtypes, one object here and two there: the entry is another one."""
    x, whole = np.arange(3.0), np.arange(3)
    for key in ("weight", "".join(["wei", "ght"])):
        add = clearprop.compile(lambda p, q: next(iter(p.values())) + next(iter(q.values())))
        for _ in range(2):
            np.testing.assert_array_equal(add({"weight": x}, {key: x}), 2 * x)
    for char in "lq":
        add = clearprop.compile(lambda p, q: p + q)
        for _ in range(2):
            np.testing.assert_array_equal(add(whole, whole.astype(char)), 2 * whole)


def test_many_threads_with_code_from_disk(folder: Path) -> None:
    """Arguments not as compiled for need the plan, which all threads want at once."""
    x = np.arange(12.0).reshape(3, 4)
    wanted = np.exp(x.T[:, ::-1]).sum(0)
    for _ in range(3):
        compiled = clearprop.compile(lambda x: np.exp(x).sum(0))
        compiled(np.ones((4, 3)))
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(compiled, [x.T[:, ::-1]] * 16))
        for result in results:
            np.testing.assert_allclose(result, wanted, rtol=1e-14)


def test_what_decides_about_code_decides_about_its_name() -> None:
    def key(f: Any, *args: Any) -> bytes | None:
        return fingerprint(clearprop.trace(f, *args))

    x = np.ones(3)
    known = key(lambda x: np.sum(x * 2.0), x)
    assert known is not None
    assert key(lambda y: np.sum(y * 2.0), x) == known  # whatever it is called
    others = [
        key(lambda x: np.sum(x * 3.0), x),
        key(lambda x: np.sum(x * 2.0), np.ones(4)),
        key(lambda x: np.sum(x * 2.0), x.astype("f4")),
        key(lambda x: np.sum(x * np.full(3, 2.0)), x),
        key(lambda x: np.max(x * 2.0), x),
        key(lambda x: np.sum(x * 2.0, keepdims=True), x),
        key(lambda x: np.sum(2.0 - x), x),
        key(lambda x: np.sum(x - 2.0), x),
    ]
    assert len({known, *others}) == 1 + len(others)
    large, many = np.arange(100_000.0), np.ones(100_000)
    assert key(lambda x: x * large, many) is None
    assert (
        len({key(lambda x, c=c: x * np.full(100_000, c), many) for c in (2.0, 3.0, -0.0, 0.0)}) == 4
    )


def test_large_arrays_are_not_kept(folder: Path) -> None:
    data = np.random.default_rng(0).normal(size=100_000)
    for shift in (0.0, 1.0):
        mine = data + shift
        compiled = clearprop.compile(lambda x, mine=mine: np.sum(mine * x))
        np.testing.assert_allclose(compiled(np.ones(100_000)), mine.sum())
    assert all(file.stat().st_size < 100_000 for file in folder.iterdir())


@pytest.mark.parametrize("damage", [b"", b"x" * 10, b"x" * 5000])
def test_a_damaged_file_is_made_anew(folder: Path, damage: bytes) -> None:
    assert compiled_sum(7.0) == 21
    (file,) = folder.iterdir()
    sound = file.read_bytes()
    file.write_bytes(damage)
    assert compiled_sum(7.0) == 21
    assert file.read_bytes() == sound


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"{}\n\n", b"[]\na\nb", b'{"arena": 0}\nx\ny', "\nµ\n".encode()],
    ids=repr,
)
def test_what_is_sound_but_strange_is_made_anew(content: bytes, store_for: StoreFor) -> None:
    file = store_for(lambda kept: content)
    assert compiled_sum(7.0) == 21
    assert file.read_bytes()[32:] != content


@pytest.mark.parametrize("cut", [0, 10, 100, -8])
def test_object_code_that_cannot_be_linked_is_made_anew(cut: int, store_for: StoreFor) -> None:
    def shortened(kept: bytes) -> bytes:
        facts, digest, code = kept.split(b"\n", 2)
        return b"\n".join([facts, digest, code[:cut]])

    store_for(shortened)
    assert compiled_sum(7.0) == 21


def test_object_code_named_after_its_ir_is_made_anew(folder: Path) -> None:
    """Of a graph with a large array in it."""
    data = np.arange(10_000.0)
    for _ in range(2):
        compiled = clearprop.compile(lambda x: np.sum(data * x))
        assert compiled(np.ones(10_000)) == data.sum()
        text = compiled.source("llvm")
        cache.store(text.encode(), 1, b"no object code")
    assert len(list(folder.iterdir())) == 1


def test_files_under_each_others_names_are_made_anew(folder: Path) -> None:
    assert compiled_sum(7.0) == 21
    (first,) = folder.iterdir()
    assert compiled_sum(8.0) == 24
    (second,) = set(folder.iterdir()) - {first}
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    assert (compiled_sum(7.0), compiled_sum(8.0)) == (21, 24)
    assert (first.read_bytes(), second.read_bytes()) == (one, other)


# ---- what others may have written

posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no modes here")


@posix
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770, 0o702])
def test_a_folder_that_others_may_write_is_not_used(folder: Path, mode: int, unsaid: None) -> None:
    assert compiled_sum(7.0) == 21
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes()[:-1] + b"x")  # not made anew below
    folder.chmod(mode)
    with pytest.warns(UserWarning, match="others may write to it") as caught:
        assert compiled_sum(7.0) == 21
    (warned,) = caught
    assert warned.filename == __file__
    assert "CLEARPROP_CACHE_DIR says where code is kept" in str(warned.message)
    assert compiled_sum(8.0) == 24  # said once
    assert list(folder.iterdir()) == [file]
    assert file.read_bytes()[-1:] == b"x"
    advice = re.search("chmod go-w .*", str(warned.message))
    assert advice is not None
    subprocess.run(advice[0], shell=True, check=True)
    assert compiled_sum(7.0) == 21
    assert file.read_bytes()[-1:] != b"x"


@posix
@pytest.mark.parametrize("mode", [0o666, 0o620])
def test_a_file_that_others_may_write_is_made_anew(folder: Path, mode: int, unsaid: None) -> None:
    assert compiled_sum(7.0) == 21
    (file,) = folder.iterdir()
    file.chmod(mode)
    before = file.stat().st_ino
    with pytest.warns(UserWarning, match="others may write to it"):
        assert compiled_sum(7.0) == 21
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.stat().st_ino != before
    assert compiled_sum(7.0) == 21


@posix
@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_belongs_to_another_user_is_not_used(
    what: str, folder: Path, unsaid: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compiled_sum(7.0) == 21
    (file,) = folder.iterdir()
    named = {"folder": folder, "file": file}[what]
    refused = cache._refused

    def given_away(path: Path, status: os.stat_result) -> bool:
        if path == named:
            status = os.stat_result([*status[:4], 4321, *status[5:]])
        return refused(path, status)

    monkeypatch.setattr(cache, "_refused", given_away)
    with pytest.warns(UserWarning, match=f"{named} is not used, since it belongs to user 4321"):
        assert compiled_sum(7.0) == 21
    assert compiled_sum(7.0) == 21  # said once


@posix
def test_roots_folders_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    status = os.stat_result([0o40755, 1, 1, 2, 0, 0, 0, 0, 0, 0])
    monkeypatch.setattr(os, "geteuid", lambda: 4321, raising=False)
    assert not cache._refused(Path("folder"), status)


@posix
def test_new_folders_and_files_are_the_users_alone(folder: Path) -> None:
    before = os.umask(0)
    try:
        assert compiled_sum(7.0) == 21
    finally:
        os.umask(before)
    (file,) = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


# ---- where nothing can be kept


def test_a_folder_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unsaid: None
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", str(tmp_path / "file" / "below"))
    with pytest.warns(UserWarning, match="cannot be kept in .*: Not a directory") as caught:
        assert compiled_sum(7.0) == 21
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert compiled_sum(8.0) == 24


def test_without_a_home(monkeypatch: pytest.MonkeyPatch, unsaid: None) -> None:
    def homeless(_: str) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("CLEARPROP_CACHE_DIR")
    monkeypatch.setattr(cache, "user_cache_path", homeless)
    with pytest.warns(UserWarning, match="no home directory") as caught:
        assert compiled_sum(7.0) == 21
    assert len(caught) == 1
    assert compiled_sum(8.0) == 24
    assert cache.info() == cache.Info(None, 0, 0)
    assert cache.clear() == 0


def test_a_full_disk_keeps_nothing_by_half(folder: Path, unsaid: None) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.warns(UserWarning, match="cannot be kept in .*: File too large"):
            value = compiled_sum(7.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert value == 21
    assert list(folder.iterdir()) == []


def test_a_folder_that_another_process_empties_meanwhile(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def too_late(source: Path, target: Path) -> None:
        source.unlink()
        replace(source, target)

    monkeypatch.setattr(os, "replace", too_late)
    assert compiled_sum(7.0) == 21
    assert list(folder.iterdir()) == []


def test_info_and_clear(folder: Path) -> None:
    assert cache.info() == cache.Info(folder, 0, 0)
    compiled_sum(1.0)
    compiled_sum(2.0)
    found = cache.info()
    assert found.files == 2
    assert found.bytes == sum(f.stat().st_size for f in folder.iterdir())
    assert cache.clear() == 2
    assert cache.info().files == 0


def test_only_files_of_its_own_are_counted_and_removed(folder: Path) -> None:
    compiled_sum(1.0)
    (code,) = folder.iterdir()
    (folder / "tmpabc123.part").write_bytes(b"12345")  # left by a process that was killed
    others = [folder / name for name in ("main.o", "film.part", f"{'0' * 40}.o", "notes")]
    others[2].mkdir()
    for other in (*others[:2], others[3]):
        other.write_bytes(b"mine")
    assert cache.info() == cache.Info(folder, 2, code.stat().st_size + 5)
    assert cache.clear() == 2
    assert sorted(folder.iterdir()) == sorted(others)


def test_what_nobody_finished_writing_is_removed(folder: Path) -> None:
    compiled_sum(1.0)
    old, new = folder / "tmp_old.part", folder / "tmp_new.part"
    for part in (old, new):
        part.write_bytes(b"12345")
    os.utime(old, (time.time() - 7200,) * 2)
    compiled_sum(2.0)
    assert not old.exists()
    assert new.exists()


def test_files_that_vanish_meanwhile(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled_sum(1.0)
    files = cache._files

    def outdated(place: Path | None) -> Any:
        return [(folder / f"{'f' * 40}.o", folder.stat()), *files(place)]

    monkeypatch.setattr(cache, "_files", outdated)
    monkeypatch.setattr(cache, "_MOST_BYTES", 0)
    compiled_sum(2.0)
    compiled_sum(3.0)
    assert cache.clear() == 0


def test_the_oldest_goes_when_there_is_too_much(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled_sum(1.0)
    (first,) = folder.iterdir()
    monkeypatch.setattr(cache, "_MOST_BYTES", first.stat().st_size * 3 // 2)
    compiled_sum(2.0)
    assert not first.exists()
    assert cache.info().files == 1


def test_an_empty_setting_keeps_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", "")
    assert compiled_sum(7.0) == 21
    assert not folder.exists()


def command(capsys: pytest.CaptureFixture[str], action: str) -> tuple[int, str, str]:
    code = main(["cache", action])
    return code, *capsys.readouterr()


def test_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(capsys, "info") == (0, f"{folder}: 0 files, 0.0 MB\n", "")
    assert command(capsys, "clear") == (0, f"removed 0 files from {folder}\n", "")
    compiled_sum(1.0)
    megabytes = f"{cache.info().bytes / 1e6:.1f} MB"
    assert command(capsys, "info") == (0, f"{folder}: 1 file, {megabytes}\n", "")
    assert command(capsys, "clear") == (0, f"removed 1 file from {folder}\n", "")
    with pytest.raises(SystemExit) as stopped:
        main(["cache"])
    assert stopped.value.code == 2


@pytest.mark.parametrize("action", ["info", "clear"])
def test_the_command_line_where_there_is_no_folder(
    action: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder.write_text("a file")
    assert command(capsys, action) == (1, "", f"clearprop: {folder}: Not a directory\n")
    folder.unlink()
    folder.mkdir()

    def unreadable(place: Path) -> Any:
        raise PermissionError(13, "Permission denied", str(place))

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", unreadable)
        assert command(capsys, action) == (1, "", f"clearprop: {folder}: Permission denied\n")
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", "")
    code, out, _ = command(capsys, action)
    assert (code, out.startswith("no code is kept")) == (0, True)


# ---- which version of Clearprop it was


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """What tells versions apart, where Clearprop is imported from elsewhere."""

    def at(folder: Path, loader: object = None) -> bytes | None:
        monkeypatch.setattr(fingerprints, "__file__", str(folder / "compiler" / "fingerprint.py"))
        monkeypatch.setattr(fingerprints, "__spec__", SimpleNamespace(loader=loader))
        fingerprints.versions.cache_clear()
        return fingerprints.versions()

    yield at
    fingerprints.versions.cache_clear()


def test_versions_of_a_zip_file(tmp_path: Path, versions: Callable[..., Any]) -> None:
    archive = tmp_path / "app.zip"
    found = []
    for content in (b"one", b"another one"):
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("clearprop/__init__.py", content)
        importer = zipimport.zipimporter(str(archive))
        found.append(versions(archive / "clearprop", importer))
    assert None not in found
    assert found[0] != found[1]
    archive.unlink()
    assert versions(archive / "clearprop", importer) is None


@pytest.mark.parametrize("suffix", [".py", ".pyc"])
def test_versions_of_files(suffix: str, tmp_path: Path, versions: Callable[..., Any]) -> None:
    (tmp_path / "native").mkdir()
    kernel = tmp_path / "native" / f"kernel{suffix}"
    found = []
    for content in ("one", "another one"):
        kernel.write_text(content)
        found.append(versions(tmp_path))
    assert None not in found
    assert found[0] != found[1]


def test_nothing_is_kept_where_versions_cannot_be_told(
    tmp_path: Path, versions: Callable[..., Any]
) -> None:
    assert versions(tmp_path / "frozen") is None
    assert fingerprint(clearprop.trace(lambda x: x * 2, 1.0)) is None


# ---- the same code in every process

SAME = """
import hashlib, sys
import numpy as np, clearprop
from clearprop.compiler.fingerprint import fingerprint

clutter = [bytearray(n % 300) for n in range(int(sys.argv[1]))]

def with_parts_for_numpy(p, x):
    h = np.maximum(x @ p["w"] + p["b"], 0)
    h = np.sort(h, axis=1) * p["s"] - np.take_along_axis(h, np.zeros((4, 1), int), 1)
    return np.mean((np.fft.rfft(h).real + np.cumsum(h, 1)[:, :3]) ** 2) + np.sum(p["u"] * p["v"])

def with_pieces(p, x):
    y = np.concatenate([x @ p["w"], p["b"][None] * p["s"]])
    return np.sum(np.log(np.sum(np.exp(y), 1))) + np.var(p["u"][np.array([2, 0, 1])] / p["v"])

p = {"w": np.ones((3, 5)), "b": np.ones(5), "s": np.ones(5), "u": np.ones(3), "v": np.ones(3)}
for f in (with_parts_for_numpy, with_pieces):
    for _ in range(2):
        gradient = clearprop.value_and_grad(f)
        compiled = clearprop.compile(gradient)
        compiled(p, np.ones((4, 3)))
        text = compiled.source("llvm").encode() + fingerprint(clearprop.trace(gradient, p, np.ones((4, 3))))
        print(hashlib.sha256(text).hexdigest())
"""


def test_the_same_code_in_every_process() -> None:
    """Whatever the order of addresses and of hashes."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SAME, str(1000 * seed)],
            env=os.environ | {"PYTHONHASHSEED": str(seed), "CLEARPROP_CACHE_DIR": ""},
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        for seed in (1, 2)
    ]
    outputs = [process.communicate(timeout=120)[0].split() for process in processes]
    for one, again, other, once_more in outputs:
        assert one == again
        assert other == once_more
    assert outputs[0] == outputs[1]
