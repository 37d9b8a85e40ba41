"""Object code kept on disk, so that a program that ran before starts fast.

A file is named after what its code was made from: a graph or its IR, the processor and its features, the
level and LLVM's version. It starts with a checksum of all of that and of its content: what was damaged,
written by half, renamed, or put there by something else is made anew. Files are written beside their place
and moved there, so processes may share a folder.

What is read here is run. So, as OpenSSH does with keys, a folder and a file are used only if they belong to
this user or to root, and nobody else may write to them. There is no secret in the checksum: who can write
such files can run code as this user anyway, and the secret would be one more file to guard.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_cache_path

from ..callsite import warn

if TYPE_CHECKING:
    from . import machine

_FORMAT = b"clearprop 1\n"
_DIGEST = hashlib.sha256().digest_size
_MOST_BYTES = 256 * 1024 * 1024
"""Of all files together; what was not used for longest goes first."""
_OURS = re.compile(r"[0-9a-f]{40}\.o|tmp\w+\.part")
"""Code, and what is being written: no other files of a folder are touched."""
_ABANDONED = 3600
"""Seconds after which nobody goes on writing a file."""


@dataclass(frozen=True)
class Info:
    """What the cache holds."""

    folder: Path | None
    """None if nothing is ever kept; see `folder`."""
    files: int
    bytes: int


def folder() -> Path | None:
    """Return where files are kept: ``CLEARPROP_CACHE_DIR``, or the user's cache folder.

    None if nothing is kept, for the variable is empty, or there is no home directory.
    """
    chosen = os.environ.get("CLEARPROP_CACHE_DIR")
    if chosen is not None:
        return Path(chosen) if chosen else None
    try:
        return user_cache_path("clearprop")
    except RuntimeError:  # no HOME, and no user of this number
        return None


def linked(text: str, level: int, names: tuple[str, ...]) -> machine.Code:
    """Return the code of a module's IR with the addresses of these names: from disk, or made and put
    there.
    """
    from . import machine

    kept = load(text.encode(), level)
    if kept is not None:
        with suppress(RuntimeError):  # LLVM's: whatever that is, it is not what was kept
            return machine.Code(kept, names)
    made = machine.assemble(text, level)
    store(text.encode(), level, made)
    return machine.Code(made, names)


def load(source: bytes, level: int) -> bytes | None:
    """Return the object code that was kept of this source at an optimisation `level` (0 to 3), for a
    processor like this one; None where there is nothing sound.
    """
    place = folder()
    if place is None:
        return None
    key = _key(source, level)
    try:
        if _refused(place, place.stat()):
            return None
        with open(place / _name(key), "rb") as file:
            if _refused(place / _name(key), os.fstat(file.fileno())):
                return None
            data = file.read()
    except OSError:
        return None
    digest, content = data[:_DIGEST], data[_DIGEST:]
    if _checksum(key, content) != digest:
        return None
    with suppress(OSError):
        os.utime(place / _name(key))  # used just now: among the last to be removed
    return content


def store(source: bytes, level: int, content: bytes) -> None:
    """Keep the object code `content` that this source gives. Where that cannot be done, a warning says so
    once.
    """
    place = folder()
    if place is None:
        if "CLEARPROP_CACHE_DIR" not in os.environ:
            _warn_once("Compiled code is not kept, since this user has no home directory.")
        return
    try:
        os.makedirs(place, mode=0o700, exist_ok=True)
        if not _refused(place, place.stat()):
            key = _key(source, level)
            _write(place / _name(key), _checksum(key, content) + content)
            _prune(place)
    except OSError as error:
        _warn_once(f"Compiled code cannot be kept in {place}: {error.strerror}.")


def info() -> Info:
    """Return how much is kept, and where.

    Raises
    ------
    OSError : the folder cannot be read.
    """
    place = folder()
    sizes = [status.st_size for _, status in _files(place)]
    return Info(place, len(sizes), sum(sizes))


def clear() -> int:
    """Remove everything that is kept; the number of files that were removed.

    Raises
    ------
    OSError : the folder cannot be read, or a file not removed.
    """
    removed = 0
    for path, _ in _files(folder()):
        with suppress(FileNotFoundError):  # another process was quicker
            path.unlink()
            removed += 1
    return removed


def _key(source: bytes, level: int) -> bytes:
    """Return a digest of what code is made from, of `_DIGEST` bytes."""
    import llvmlite  # here, so that the cache can be looked at without it

    from . import machine

    cpu, features = machine.host()
    facts = "\n".join([llvmlite.__version__, str(level), cpu, features, ""])
    return hashlib.sha256(facts.encode() + source).digest()


def _name(key: bytes) -> str:
    return f"{key.hex()[:40]}.o"


def _checksum(key: bytes, content: bytes) -> bytes:
    """Return a digest of a key and of what is kept under it, of `_DIGEST` bytes."""
    return hashlib.sha256(_FORMAT + key + content).digest()


def _files(place: Path | None) -> list[tuple[Path, os.stat_result]]:
    """Return everything in a folder that is ours; nothing where there is no such folder."""
    found: list[tuple[Path, os.stat_result]] = []
    if place is None:
        return found
    with suppress(FileNotFoundError), os.scandir(place) as entries:
        for entry in entries:
            if _OURS.fullmatch(entry.name) and not entry.is_dir():
                with suppress(FileNotFoundError):  # another process removed it
                    found.append((place / entry.name, entry.stat(follow_symlinks=False)))
    return found


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f"tmp{os.urandom(8).hex()}.part")
    try:
        with open(part, "xb", opener=_private) as file:
            file.write(data)
        with suppress(FileNotFoundError):  # another process emptied the folder
            os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _prune(place: Path) -> None:
    """Remove what was not used for longest, if there is too much, and what nobody finished writing."""
    files = sorted(_files(place), key=lambda file: file[1].st_mtime)
    total = sum(status.st_size for _, status in files)
    for path, status in files:
        is_abandoned = path.suffix == ".part" and time.time() - status.st_mtime > _ABANDONED
        if total > _MOST_BYTES or is_abandoned:
            total -= status.st_size
            with suppress(OSError):
                path.unlink()


# ---- what others may have written, and what cannot be written


def _refused(path: Path, status: os.stat_result) -> bool:
    """Return whether somebody else may have written this; a warning says so once."""
    if not hasattr(os, "geteuid"):  # Windows: a user's folders are the user's own
        return False
    if status.st_uid not in (0, os.geteuid()):
        wrong = f"it belongs to user {status.st_uid}."
    elif status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        wrong = f"others may write to it. If they should not: chmod go-w {shlex.quote(str(path))}"
    else:
        return False
    _warn_once(f"Compiled code in {path} is not used, since {wrong}")
    return True


@cache
def _warn_once(what: str) -> None:
    warn(
        f"{what}\nCLEARPROP_CACHE_DIR says where code is kept: a folder of your own, or nothing to keep none."
    )
