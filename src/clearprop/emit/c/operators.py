"""How numbers and operations are written in C, one entry each."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ...callsite import printable
from ...stages.operations import ELEMENTARY, FURTHER
from ..spelling import Letters

TYPES = {
    "f8": "double", "f4": "float", "b1": "unsigned char",
    "i1": "int8_t", "i2": "int16_t", "i4": "int32_t", "i8": "int64_t",
    "u1": "uint8_t", "u2": "uint16_t", "u4": "uint32_t", "u8": "uint64_t",
}  # fmt: skip
"""By kind and size of a dtype."""


RENAMED = {
    "absolute": "fabs", "power": "pow", "arctan": "atan", "arctan2": "atan2", "arcsin": "asin",
    "arccos": "acos", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
}  # fmt: skip

HELPERS = {
    "maximum": "{T} maximum({T} x, {T} y) {{ return x >= y || x != x ? x : y; }}",
    "minimum": "{T} minimum({T} x, {T} y) {{ return x <= y || x != x ? x : y; }}",
    "sign": "{T} sign({T} x) {{ return x > 0 ? 1 : x < 0 ? -1 : x; }}",
    "whole_absolute": "{T} whole_absolute({T} x) {{ return x < 0 ? -x : x; }}",
    "whole_32": """int32_t whole_32({T} x)
{{
    return x > -2147483649.0 && x < 2147483648.0 ? (int32_t)x : INT32_MIN;
}}""",
    "whole_32_unsigned": """uint32_t whole_32_unsigned({T} x)
{{
    if (x >= 2147483648.0)
        return x < 4294967296.0 ? (uint32_t)x : 0;
    return x > -2147483649.0 ? (uint32_t)(int32_t)x : 2147483648u;
}}""",
    "whole_64": """int64_t whole_64({T} x)
{{
    return x >= -9223372036854775808.0 && x < 9223372036854775808.0 ? (int64_t)x : INT64_MIN;
}}""",
    "whole_64_unsigned": """uint64_t whole_64_unsigned({T} x)
{{
    if (x >= 9223372036854775808.0)
        return x < 18446744073709551616.0 ? (uint64_t)x : 0;
    return x >= -9223372036854775808.0 ? (uint64_t)(int64_t)x : 9223372036854775808u;
}}""",
    "floor_mod": """{T} floor_mod({T} x, {T} y)
{{
    {T} rest = fmod{f}(x, y); /* with the sign of x, here with that of y */
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}}""",
    "floor_divide": """{T} floor_divide({T} x, {T} y)
{{
    {T} rest = fmod{f}(x, y);
    return rint{f}((x - rest) / y) - (rest != 0 && (rest < 0) != (y < 0));
}}""",
    "sigmoid": """{T} sigmoid({T} x)
{{
    {T} small = exp{f}(-fabs{f}(x)); /* never overflows */
    return (x >= 0 ? 1 : small) / (1 + small);
}}""",
}
"""Small functions that are written before the function that needs them; NaN goes through, as in NumPy. Wings
add some."""


def helper(name: str, kind: str) -> str:
    """Return the name of a helper for a type of C's: each type has its own."""
    endings = {"double": "", "float": "f", "unsigned char": "_char"}
    return name + endings.get(kind, f"_{kind.removesuffix('_t')}")


_WORDS = (
    "auto break case char const continue default do double else enum extern float for goto if inline "
    "int long register restrict return short signed sizeof static struct switch typedef union "
    "unsigned void volatile while main errno NAN INFINITY NULL y0 y1 yn j0 "
    "j1 jn gamma lgamma tgamma signgam i j k m n isnan isfinite isinf signbit remainder fmod fmin "
    "fmax fma hypot round trunc logb ldexp frexp modf abs labs div index rindex exit time clock asm "
    "typeof linux unix i386 workspace erf erfc erff erfcf lgammaf tgammaf"
)
_FUNCTIONS = (ELEMENTARY.keys() | FURTHER.keys()) - {"divide", *RENAMED, *HELPERS}
_FUNCTIONS |= {*RENAMED.values()}
"""Functions of <math.h>; those on float end in f."""
_PATTERNS = re.compile(
    r"axis\d+|u?int\w*_t|U?INT\w*_(MAX|MIN|C)|(M|FP|MATH|SIZE|PTRDIFF)_\w+|HUGE_VAL[FL]?"
)
"""Loop variables, and what <stdint.h> and <math.h> define."""


class CSpelling(Letters):
    """Names and comments for C99."""

    def is_taken(self, name: str) -> bool:
        of_float = name.removesuffix("f") in self.helpers
        return super().is_taken(name) or of_float or _PATTERNS.fullmatch(name) is not None

    def identifier(self, name: str) -> str:
        name = super().identifier(name)
        return f"x{name}" if re.match("_[_A-Z]", name) else name  # those are the compiler's

    def comment(self, text: str) -> str:
        """Write a text so that nothing ends or begins a comment, stands for another letter or goes on
        in the next line.
        """
        text = printable(text).replace("??", "? ?")
        while (clear := text.replace("*/", "* /").replace("/*", "/ *")) != text:
            text = clear
        return f"{text} ." if text.endswith("\\") else text


SPELLING = CSpelling(
    [*_WORDS.split(), *_FUNCTIONS, *(f"{name}f" for name in _FUNCTIONS)], helpers=HELPERS
)


def type_of(dtype: np.dtype[Any]) -> str:
    return TYPES[f"{dtype.kind}{dtype.itemsize}"]
