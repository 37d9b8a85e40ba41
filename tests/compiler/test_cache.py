"""Object code on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import clearprop
from clearprop.cli import main

pytest.importorskip("llvmlite")
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
