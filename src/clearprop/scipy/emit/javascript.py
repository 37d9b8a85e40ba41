"""SciPy's functions in JavaScript, which has none of them."""

from ...emit.javascript.js_operators import HELPERS, USES

HELPERS |= {
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
USES |= {
    "erf": ("erfc",),
    "erfc": ("erf",),
    "lgamma": ("sinpi", "stirling", "ZETA"),
    "tgamma": ("sinpi", "stirling"),
}
