"""Every primitive, also those that register only when they are first looked for."""

from __future__ import annotations

import clearprop.ops.special
import clearprop.scipy.linalg  # noqa: F401
from clearprop.primitive import Primitive, primitives

RECORDS: list[Primitive] = list(vars(primitives).values())
