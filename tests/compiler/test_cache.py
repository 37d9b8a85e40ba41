"""Object code on disk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop
from clearprop.cli import main

pytest.importorskip("llvmlite")
from clearprop.compiler import plan
from clearprop.compiler.fingerprint import fingerprint
from clearprop.native import cache, target


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def compiled_sum(scale: float) -> float:
    return float(clearprop.compile(lambda x: np.sum(x * scale))(np.arange(3.0)))


def test_code_is_made_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiled_sum(7.0) == 21
    (file,) = folder.iterdir()

    def refuse(*_: object) -> bytes:
        raise AssertionError("compiled again")

    monkeypatch.setattr(target, "assemble", refuse)
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


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CLEARPROP_CACHE_DIR", str(tmp_path / "file" / "below"))
    assert compiled_sum(7.0) == 21


def test_info_and_clear(folder: Path) -> None:
    assert cache.info() == cache.Info(folder, 0, 0)
    compiled_sum(1.0)
    compiled_sum(2.0)
    found = cache.info()
    assert found.files == 2
    assert found.bytes == sum(f.stat().st_size for f in folder.iterdir())
    assert cache.clear() == 2
    assert cache.info().files == 0


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


def test_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compiled_sum(1.0)
    assert main(["cache", "info"]) == 0
    assert capsys.readouterr().out == f"{folder}: 1 files, {cache.info().bytes / 1e6:.1f} MB\n"
    assert main(["cache", "clear"]) == 0
    assert capsys.readouterr().out == f"removed 1 files from {folder}\n"
    with pytest.raises(SystemExit) as stopped:
        main(["cache"])
    assert stopped.value.code == 2
