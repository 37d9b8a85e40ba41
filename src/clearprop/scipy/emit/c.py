"""SciPy's functions in C: <math.h> has most."""

from ...emit.c.operators import HELPERS

HELPERS["digamma"] = """{T} digamma({T} x)
{{
    {T} sum = 0, y;
    if (x <= 0) /* mirrored at one half */
        return digamma(1 - x) - ({T})3.141592653589793 / tan{f}(({T})3.141592653589793 * x);
    for (; x < 12; x++)
        sum -= 1 / x;
    y = 1 / (x * x);
    return sum + log{f}(x) - 1 / (2 * x) -
        y * (({T})(1.0 / 12) - y * (({T})(1.0 / 120) - y * (({T})(1.0 / 252) -
        y * (({T})(1.0 / 240) - y * (({T})(1.0 / 132) - y * ({T})(691.0 / 32760))))));
}}"""
