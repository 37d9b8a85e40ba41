"""Names and numbers as LaTeX: numbers in italics, arrays in bold, Greek names as their letters."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ..spelling import Letters

GREEK = re.findall(
    r"\w+",
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi "
    "chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega",
)
_WORDS = {"eps": "epsilon", "lam": "lambda", **{name: name for name in GREEK}}
_ACCENTS = {"hat": "hat", "bar": "bar", "tilde": "tilde"}


class TexSpelling(Letters):
    """Names of letters and digits that mean nothing else in LaTeX, joined by underscores."""

    def identifier(self, name: str) -> str:
        return re.sub(r"[^0-9A-Za-z]+", "_", self._letters(name)).strip("_")


SPELLING = TexSpelling(())


def symbol(name: str, ndim: int, *, accents: bool = True) -> str:
    r"""Return a name as a symbol; trailing digits and what follows an underscore are subscripts.

    >>> symbol("x", 0), symbol("w1", 2), symbol("sigma", 1), symbol("h_pre", 1), symbol("y_hat", 0)
    ('x', '\\mathbf{w}_1', '\\boldsymbol{\\sigma}', '\\mathbf{h}_{\\mathrm{pre}}', '\\hat{y}')
    """
    first, *rest = [part for part in SPELLING.identifier(name).split("_") if part] or ["v"]
    split = re.fullmatch(r"(\D+?)(\d+)", first)
    if split:
        first, rest = split[1], [split[2], *rest]
    text = _letters(first, ndim)
    if accents and rest and rest[0] in _ACCENTS:
        text = f"\\{_ACCENTS[rest.pop(0)]}{{{text}}}"
    if not rest:
        return text
    subscripts = ",".join(_subscript(part) for part in rest)
    return f"{text}_{subscripts}" if len(subscripts) == 1 else f"{text}_{{{subscripts}}}"


def _letters(word: str, ndim: int) -> str:
    greek = _WORDS.get(word)
    if greek:
        return f"\\boldsymbol{{\\{greek}}}" if ndim else f"\\{greek}"
    if ndim:
        return f"\\mathbf{{{word}}}"
    return word if len(word) == 1 else f"\\mathit{{{word}}}"


def _subscript(part: str) -> str:
    if part.isdigit() or len(part) == 1:
        return part
    return f"\\{_WORDS[part]}" if part in _WORDS else f"\\mathrm{{{part}}}"


def subscripted(text: str, tokens: Sequence[str]) -> str:
    """Return a symbol (or an expression in brackets) with indices.

    >>> subscripted("x", ["i", "j"]), subscripted("w_1", ["i"]), subscripted("x", ["i", "y_i"])
    ('x_{ij}', '(w_1)_i', 'x_{i,y_i}')
    """
    if "_" in text and not text.endswith(")"):
        text = f"({text})"
    together = all(len(token) == 1 and token.isalpha() for token in tokens)
    joined = ("" if together else ",").join(tokens)
    return f"{text}_{joined}" if len(joined) == 1 and joined.isalnum() else f"{text}_{{{joined}}}"


_KNOWN = {
    math.pi: "\\pi",
    2 * math.pi: "2\\pi",
    math.pi / 2: "\\frac{\\pi}{2}",
    math.sqrt(2 * math.pi): "\\sqrt{2\\pi}",
    math.e: "\\mathrm{e}",
    math.log(2): "\\log 2",
    math.log(10): "\\log 10",
    math.log(2 * math.pi): "\\log 2\\pi",
    0.5 * math.log(2 * math.pi): "\\frac{1}{2} \\log 2\\pi",
}
_SHORT = 7
"""A number of more letters than this is written as a fraction, or with fewer digits."""


def number(value: Any) -> str:
    r"""Return a number as people write it: few digits, small fractions, powers of ten, multiples of pi.

    >>> number(1e-5), number(2.0), number(1 / 3), number(2 * math.pi), number(0.1)
    ('10^{-5}', '2', '\\frac{1}{3}', '2\\pi', '0.1')
    >>> number(1 - 2j), number(-1j)
    ('(1 - 2\\,\\mathrm{i})', '-\\mathrm{i}')
    """
    value = value.item() if isinstance(value, np.generic | np.ndarray) else value
    if isinstance(value, complex):
        size, sign = abs(value.imag), "-" if value.imag < 0 else "+"
        imag = "\\mathrm{i}" if size == 1 else f"{number(size)}\\,\\mathrm{{i}}"
        if not value.real:
            return f"-{imag}" if sign == "-" else imag
        return f"({number(value.real)} {sign} {imag})"
    if isinstance(value, bool):
        return f"\\mathrm{{{value}}}"
    if isinstance(value, float) and not math.isfinite(value):
        return {"inf": "\\infty", "-inf": "-\\infty"}.get(str(value), "\\mathrm{nan}")
    text = repr(value).removesuffix(".0")
    if "e" not in text and len(text) <= _SHORT:
        return text
    if abs(value) in _KNOWN:
        return ("-" if value < 0 else "") + _KNOWN[abs(value)]
    square = round(value * value) if abs(value) < 100 else 0
    if 1 < square < 10_000 and abs(value) == math.sqrt(square):
        return f"{'-' if value < 0 else ''}\\sqrt{{{square}}}"
    fraction = Fraction(value).limit_denominator(1000)
    if fraction and float(fraction) == value and abs(value) > 1e-3 and fraction.denominator > 1:
        sign = "-" if fraction < 0 else ""
        return f"{sign}\\frac{{{abs(fraction.numerator)}}}{{{fraction.denominator}}}"
    digits, _, power = f"{value:.6g}".partition("e")
    if not power:
        return digits
    ten = f"10^{{{int(power)}}}"
    return {"1": ten, "-1": f"-{ten}"}.get(digits, f"{digits} \\cdot {ten}")


def visible(text: str) -> int:
    """Return about how many letters wide LaTeX text is when it is set."""
    text = re.sub(
        r"\\(left|right|mathbf|mathrm|mathit|operatorname|boldsymbol|text|partial)\b", "", text
    )
    text = re.sub(r"\\(begin|end)\{\w+\}|\\quad", "", text)
    while (shorter := re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", _longer, text)) != text:
        text = shorter
    return len(re.sub(r"\\[A-Za-z]+", "x", text).translate({ord(c): None for c in "{}_^\\&, "}))


def _longer(match: re.Match[str]) -> str:
    return max(match[1], match[2], key=len)
