"""Where in the user's code we are: the line that a message names and that a node remembers."""

from __future__ import annotations

import linecache
import os
import sys
import warnings
from dataclasses import dataclass
from types import CodeType, FrameType

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


@dataclass(frozen=True, slots=True)
class Line:
    """One line of source: its file, its number (from 1) and the function it stands in."""

    file: str
    number: int
    function: str

    @property
    def text(self) -> str:
        """The source text without indentation, or an empty string where there is none to read."""
        return linecache.getline(self.file, self.number).strip()

    def __str__(self) -> str:
        return f"{os.path.basename(self.file)}:{self.number}"


_ours: dict[CodeType, bool] = {}
_numpy, _scipy = (os.sep + library + os.sep for library in ("numpy", "scipy"))


def is_ours(code: CodeType) -> bool:
    """Whether a frame belongs to Clearprop (or to NumPy or SciPy), so that it is not the user's."""
    known = _ours.get(code)
    if known is None:
        file = code.co_filename
        known = _ours[code] = file.startswith(_HERE) or _numpy in file or _scipy in file
    return known


def scipy_asks() -> bool:
    """Whether a function of SciPy's, which the user called, is what led here."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_ours(frame.f_code):
        file = frame.f_code.co_filename
        if _scipy in file and not file.startswith(_HERE):
            return True
        frame = frame.f_back
    return False


def user_frame() -> FrameType | None:
    """The innermost frame that is neither Clearprop's nor NumPy's nor SciPy's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_ours(frame.f_code):
        frame = frame.f_back
    return frame


def line_of(frame: FrameType) -> Line:
    """The line that a frame is executing."""
    return Line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


def user_line() -> Line | None:
    """The user's line that led here, or None at the edge of an embedding."""
    frame = user_frame()
    return None if frame is None else line_of(frame)


def warn(message: str) -> None:
    """A warning that names the user's line."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and is_ours(frame.f_code):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


def here() -> str:
    """The tail of an error message: where it happened, with the source text when it is known."""
    line = user_line()
    if line is None:
        return ""
    return f"\n  at {line.file}:{line.number}, in {line.function}" + (
        f"\n    {line.text}" if line.text else ""
    )
