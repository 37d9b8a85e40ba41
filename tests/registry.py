"""Every primitive, also those that register only when they are first looked for."""

from __future__ import annotations

import clearprop.scipy.linalg
import clearprop.scipy.primitives  # noqa: F401
from clearprop.engine.primitive import Primitive, primitives

RECORDS: list[Primitive] = list(vars(primitives).values())
