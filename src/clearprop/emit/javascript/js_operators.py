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
    "erf": """function erf(x) {
    if (!(Math.abs(x) < 1.5)) return x > 0 ? 1 - erfc(x) : erfc(-x) - 1;
    let term = x, sum = x;
    for (let n = 1; n < 40; n++) {
        term *= (2 * x * x) / (2 * n + 1);
        sum += term;
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}""",
    "erfc": """function erfc(x) {
    if (x < 1.5) return x > -1.5 ? 1 - erf(x) : 2 - erfc(-x);
    let rest = x; // a continued fraction, from its end
    for (let n = 100; n > 0; n--) rest = x + n / 2 / rest;
    return Math.exp(-x * x) / (Math.sqrt(Math.PI) * rest);
}""",
    "sinpi": """function sinpi(x) {
    const whole = Math.round(x), sine = Math.sin(Math.PI * (x - whole));
    return whole % 2 === 0 ? sine : -sine;
}""",
    "stirling": """function stirling(x) {
    const y = 1 / (x * x); // of the logarithm of a gamma function of 12 and more, beside the leading terms
    return (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y * (1 / 1188 -
        y * (691 / 360360)))))) / x;
}""",
    "lgamma": """function lgamma(x) {
    if (x < 0.5) return Math.log(Math.PI / Math.abs(sinpi(x))) - lgamma(1 - x);
    if (x < 2.5) { // around the roots at 1 and 2, by powers
        const z = x < 1.5 ? x - 1 : x - 2;
        let sum = 0;
        for (let k = ZETA.length; k > 0; k--) sum = (ZETA[k - 1] / (k + 1) - sum) * z;
        sum = (sum + 0.42278433509846714) * z;
        return x < 1.5 ? sum - Math.log1p(z) : sum;
    }
    if (x === Infinity) return x;
    let product = 1;
    for (; x < 12; x++) product *= x;
    return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + stirling(x) - Math.log(product);
}""",
    "tgamma": """function tgamma(x) {
    if (x < 0.5) return Math.PI / (sinpi(x) * tgamma(1 - x));
    if (x > 172) return Infinity;
    let product = 1;
    for (; x < 12; x++) product *= x;
    const root = Math.pow(x, (x - 0.5) / 2); // in two halves, the second of which may overflow
    return (root * Math.exp(-x) * root * Math.sqrt(2 * Math.PI) * Math.exp(stirling(x))) / product;
}""",
    "digamma": """function digamma(x) {
    if (x <= 0) return digamma(1 - x) - Math.PI / Math.tan(Math.PI * (x - Math.round(x)));
    let sum = 0;
    for (; x < 12; x++) sum -= 1 / x;
    const y = 1 / (x * x);
    return sum + Math.log(x) - 1 / (2 * x) - y * (1 / 12 - y * (1 / 120 - y * (1 / 252 -
        y * (1 / 240 - y * (1 / 132 - y * (691 / 32760))))));
}""",
    "ZETA": """const ZETA = [ // beside one, of 2, 3, ...
    0.6449340668482264, 0.2020569031595943, 0.08232323371113819, 0.03692775514336993,
    0.01734306198444914, 0.008349277381922827, 0.00407735619794434, 0.0020083928260822143,
    0.0009945751278180853, 0.0004941886041194645, 0.0002460865533080483, 0.00012271334757848915,
    6.124813505870483e-05, 3.058823630702049e-05, 1.528225940865187e-05, 7.637197637899763e-06,
    3.81729326499984e-06, 1.908212716553939e-06, 9.539620338727962e-07, 4.769329867878064e-07,
    2.38450502727733e-07, 1.1921992596531106e-07, 5.960818905125948e-08, 2.980350351465228e-08,
    1.4901554828365043e-08, 7.45071178983543e-09, 3.725334024788457e-09, 1.862659723513049e-09,
];""",
}
"""Small functions that are written before the function that needs them."""

USES = {
    "erf": ("erfc",),
    "erfc": ("erf",),
    "lgamma": ("sinpi", "stirling", "ZETA"),
    "tgamma": ("sinpi", "stirling"),
}
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


SPELLING = JavaScriptSpelling([*_WORDS.split(), *HELPERS])
