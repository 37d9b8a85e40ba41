"""Reading error messages: what they say, and which line of the user's they name."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

import pytest


def message(kind: type[BaseException], f: Callable[[], Any], *phrases: str) -> str:
    """Run `f`, which must raise exactly `kind` with these phrases and a line marked ``# here``."""
    with pytest.raises(kind) as caught:
        f()
    assert type(caught.value) is kind
    text = str(caught.value)
    for phrase in phrases:
        assert phrase in text, text
    where = text.splitlines()[1:]
    assert where, f"no line of the user's: {text}"
    file, number = where[0].strip().removeprefix("at ").split(", in ")[0].rsplit(":", 1)
    assert file == f.__code__.co_filename, text
    source = linecache.getline(file, int(number)).strip()
    assert where[1].strip() == source
    assert source.endswith("# here"), source
    return text
