"""`compile`: a function of arrays as native code, or as plain NumPy where there is no LLVM."""

from .compiled import Compiled, compile

__all__ = ["Compiled", "compile"]
