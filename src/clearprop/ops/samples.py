"""What several families of primitives are tested on."""

from __future__ import annotations

from ..engine.primitive import Draw, Sample, floats

PAIRS = (
    Sample(floats(3, 4), floats(3, 4)),
    Sample(floats(3, 4), floats(4)),
    Sample(floats(3, 1), floats(1, 4)),
    Sample(floats(), floats(2)),
    Sample(floats(), floats()),
    Sample(floats(2, 3), 1.5),
)
POSITIVE_PAIRS = (
    Sample(floats(3, 4), floats(3, 4, low=0.5)),
    Sample(floats(3, 1), floats(4, low=0.5)),
    Sample(floats(), floats(low=0.5)),
    Sample(2.0, floats(3, low=0.5)),
)
ANY = (Sample(floats(3, 4)), Sample(floats()), Sample(floats(0, 2)))
POSITIVE = (Sample(floats(3, 4, low=0.1)), Sample(floats(low=0.1)))
COMPLEX = (
    Sample(Draw((3, 4), dtype="complex128")),
    Sample(Draw((), dtype="complex128")),
)
COMPLEX_PAIRS = (
    Sample(Draw((3, 4), dtype="complex128"), Draw((4,), dtype="complex128")),
    Sample(floats(3, 1, low=0.5), Draw((4,), dtype="complex128")),
    Sample(Draw((3,), dtype="complex128"), floats(low=0.5)),
    Sample(Draw((), dtype="complex128"), 1.5),
)
REDUCTIONS = (
    Sample(floats(3, 4), axis=(0, 1), keepdims=False),
    Sample(floats(3, 4), axis=(0,), keepdims=True),
    Sample(floats(2, 3, 4), axis=(0, 2), keepdims=False),
    Sample(floats(2, 3, 4), axis=(2,), keepdims=False),
    Sample(floats(), axis=(), keepdims=False),
)
