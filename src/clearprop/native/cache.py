"""Object code kept on disk, so that a program that ran before starts fast.

A file is named after what its code was made from: a graph or its IR, the processor and its features, the
level and LLVM's version. It starts with a checksum: one that was damaged, or written by half, is made anew.
Files are written beside their place and moved there, so processes may share a folder.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import llvmlite
from platformdirs import user_cache_path

from . import target

_DIGEST = hashlib.sha256().digest_size
_MOST_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Info:
    """What the cache holds."""

    folder: Path
    files: int
    bytes: int


def folder() -> Path:
    """Where files are kept: ``CLEARPROP_CACHE_DIR``, or the user's cache folder."""
    chosen = os.environ.get("CLEARPROP_CACHE_DIR")
    return Path(chosen) if chosen else user_cache_path("clearprop")


def object_code(text: str, level: int) -> bytes:
    """The object code of a module's IR: from disk, or made and put there."""
    code = load(text.encode(), level)
    if code is None:
        code = target.assemble(text, level)
        store(text.encode(), level, code)
    return code


def load(source: bytes, level: int) -> bytes | None:
    """What was kept of this source, for a processor like this one; None where there is nothing sound."""
    return None if _keeps_nothing() else _read(_path(source, level))


def store(source: bytes, level: int, data: bytes) -> None:
    """Keep what was made of this source.

    An empty ``CLEARPROP_CACHE_DIR`` keeps nothing; nor is anything kept where nothing can be written.
    """
    if not _keeps_nothing():
        with suppress(OSError):
            _write(_path(source, level), data)
            _prune()


def info() -> Info:
    """How much is kept, and where."""
    sizes = [path.stat().st_size for path in _files()]
    return Info(folder(), len(sizes), sum(sizes))


def clear() -> int:
    """Remove everything that is kept; the number of files that were removed."""
    removed = 0
    for path in _files():
        with suppress(FileNotFoundError):
            path.unlink()
            removed += 1
    return removed


def _files() -> list[Path]:
    return sorted(folder().glob("*.o"))


def _keeps_nothing() -> bool:
    return os.environ.get("CLEARPROP_CACHE_DIR") == ""


def _path(source: bytes, level: int) -> Path:
    cpu, features = target.host()
    facts = "\n".join([llvmlite.__version__, str(level), cpu, features, ""])
    return folder() / f"{hashlib.sha256(facts.encode() + source).hexdigest()[:40]}.o"


def _read(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    digest, code = data[:_DIGEST], data[_DIGEST:]
    if hashlib.sha256(code).digest() != digest:
        return None
    with suppress(OSError):
        os.utime(path)  # used just now: among the last to be removed
    return code


def _write(path: Path, code: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        file.write(hashlib.sha256(code).digest() + code)
    try:
        os.replace(file.name, path)
    except OSError:
        os.unlink(file.name)
        raise


def _prune() -> None:
    """Remove what was not used for longest, if there is too much."""
    stats = [(path.stat(), path) for path in _files()]
    total = sum(s.st_size for s, _ in stats)
    for s, path in sorted(stats, key=lambda item: item[0].st_mtime):
        if total <= _MOST_BYTES:
            return
        with suppress(FileNotFoundError):
            path.unlink()
        total -= s.st_size
