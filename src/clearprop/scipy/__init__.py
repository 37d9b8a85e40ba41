"""SciPy's functions: the records of scipy.special, and those that turn what they get into plain arrays, once
more with gradients. All that readers know of them stands here, too, in rooms named after the readers.
"""

from ..engine.wings import open_wing

try:
    import scipy  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "clearprop.scipy is about SciPy's functions, and SciPy is not installed: "
        'pip install "clearprop[scipy]"'
    ) from error

_READERS = """
passes.decompositions stages native.math emit.c emit.javascript emit.latex
emit.forms.numpy emit.forms.torch emit.forms.jax
"""
open_wing(__name__, *_READERS.split())
