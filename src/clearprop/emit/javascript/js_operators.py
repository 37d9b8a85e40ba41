"""How numbers and operations are written in JavaScript, one entry each."""

from __future__ import annotations

import re

from ...callsite import printable
from ..spelling import Letters

ARRAYS = {
    "f8": "Float64Array", "f4": "Float32Array", "b1": "Uint8Array",
    "i1": "Int8Array", "i2": "Int16Array", "i4": "Int32Array", "i8": "Float64Array",
    "u1": "Uint8Array", "u2": "Uint16Array", "u4": "Uint32Array", "u8": "Float64Array",
}  # fmt: skip
"""By kind and size of a dtype. Whole numbers of 64 bits are numbers like all others, exact up to 2**53."""

MATH = {
    "absolute": "abs", "arctan": "atan", "arctan2": "atan2", "arcsin": "asin", "arccos": "acos",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "maximum": "max", "minimum": "min",
    "multiply": "imul",
}  # fmt: skip
"""Methods of Math that have other names than NumPy's functions; `imul` is for whole numbers."""

HELPERS = {
    "whole_32": """function whole_32(x) {
    return x > -2147483649 && x < 2147483648 ? Math.trunc(x) + 0 : -2147483648;
}""",
    "whole_32_unsigned": """function whole_32_unsigned(x) {
    if (x >= 2147483648) return x < 4294967296 ? Math.trunc(x) : 0;
    return x > -2147483649 ? x >>> 0 : 2147483648;
}""",
    "whole_64": """function whole_64(x) {
    const limit = 9223372036854775808;
    return x >= -limit && x < limit ? Math.trunc(x) + 0 : -limit;
}""",
    "whole_64_unsigned": """function whole_64_unsigned(x) {
    const limit = 9223372036854775808;
    if (x >= limit) return x < 2 * limit ? x : limit;
    if (!(x >= -limit)) return limit;
    return x > -1 ? Math.trunc(x) + 0 : Math.trunc(x) + 2 * limit;
}""",
    "power": """function power(x, y) {
    if (x === 1 || (x === -1 && Math.abs(y) === Infinity)) return 1;
    return Math.pow(x, y);
}""",
    "exp2": "function exp2(x) {\n    return Math.pow(2, x);\n}",
    "rint": """function rint(x) {
    const below = Math.floor(x), rest = x - below;
    if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
    return below % 2 === 0 ? below : below + 1; // of two that are as near, the even one
}""",
    "copysign": """function copysign(x, y) {
    const size = Math.abs(x);
    return y < 0 || Object.is(y, -0) ? -size : size;
}""",
    "fmax": """function fmax(x, y) {
    return Number.isNaN(x) ? y : Number.isNaN(y) ? x : Math.max(x, y);
}""",
    "fmin": """function fmin(x, y) {
    return Number.isNaN(x) ? y : Number.isNaN(y) ? x : Math.min(x, y);
}""",
    "floor_mod": """function floor_mod(x, y) {
    const rest = x % y; // with the sign of x, here with that of y
    return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest;
}""",
    "floor_divide": """function floor_divide(x, y) {
    const rest = x % y;
    return Math.round((x - rest) / y) - (rest !== 0 && rest < 0 !== y < 0);
}""",
    "nextafter": """function nextafter(x, y) {
    if (!(x < y || x > y)) return x === y ? y : NaN;
    if (x === 0) return y > 0 ? 2 ** -1074 : -(2 ** -1074);
    const number = Float64Array.of(x), bits = new BigInt64Array(number.buffer);
    bits[0] += x > 0 === y > x ? 1n : -1n;
    return number[0];
}""",
    "nextafter_32": """function nextafter_32(x, y) {
    if (!(x < y || x > y)) return x === y ? y : NaN;
    if (x === 0) return y > 0 ? 2 ** -149 : -(2 ** -149);
    const number = Float32Array.of(x), bits = new Int32Array(number.buffer);
    bits[0] += x > 0 === y > x ? 1 : -1;
    return number[0];
}""",
    "sigmoid": """function sigmoid(x) {
    const small = Math.exp(-Math.abs(x)); // never overflows
    return (x >= 0 ? 1 : small) / (1 + small);
}""",
}
"""Small functions that are written before the function that needs them; wings add some."""

USES: dict[str, tuple[str, ...]] = {}
"""Helpers that helpers need."""

_WORDS = (
    "arguments async await break case catch class const continue debugger default delete do else enum "
    "eval export extends false finally for function if implements import in instanceof interface let "
    "new null package private protected public return static super switch this throw true try typeof "
    "undefined var void while with yield NaN Infinity Math Number Object Boolean RangeError i j k m n"
)
_PATTERNS = re.compile(r"axis\d+|(Big)?(Ui|I)nt\d+(Clamped)?Array|Float\d+Array")
"""Loop variables, and the names of arrays."""


class JavaScriptSpelling(Letters):
    """Names and comments for JavaScript, also within a page."""

    def is_taken(self, name: str) -> bool:
        return super().is_taken(name) or _PATTERNS.fullmatch(name) is not None

    def comment(self, text: str) -> str:
        """Write a text so that nothing ends a comment, or the script element of a page."""
        text = printable(text)
        while (clear := text.replace("*/", "* /").replace("</", "< /")) != text:
            text = clear
        return text.replace("<!--", "< !--")


SPELLING = JavaScriptSpelling(_WORDS.split(), helpers=HELPERS)
