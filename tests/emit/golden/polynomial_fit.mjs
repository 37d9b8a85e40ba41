// The value and the gradient of polynomial_fit, written by Clearprop.
// For coefficients f64[4], x f64[25], y f64[25].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

/**
 * @param {Float64Array} coefficients 4
 * @param {Float64Array} x 25
 * @param {Float64Array} y 25
 * @returns {{polynomial_fit: number, dcoefficients: Float64Array}}
 */
export function polynomial_fit_and_grad(coefficients, x, y) {
    if (coefficients.length !== 4) throw new RangeError(`coefficients has length ${coefficients.length}, written for 4`);
    if (x.length !== 25) throw new RangeError(`x has length ${x.length}, written for 25`);
    if (y.length !== 25) throw new RangeError(`y has length ${y.length}, written for 25`);
    let polynomial_fit;
    const dcoefficients = new Float64Array(4); // 4

    // return np.mean((p - y) ** 2)
    // backward of: p = p * x + coefficients[k]
    // backward of: p = coefficients[3]
    let sum = 0;
    let dcoefficients_part = 0;
    let dcoefficients_part2 = 0;
    let dcoefficients_part3 = 0;
    let dcoefficients_part4 = 0;
    for (let i = 0; i < 25; i++) {
        const p_2 = coefficients[3] * x[i] + coefficients[2];
        const p_3 = p_2 * x[i] + coefficients[1];
        const p_4 = p_3 * x[i] + coefficients[0];
        const t = p_4 - y[i];
        const dp = 0.08 * t;
        const dp_2 = dp * x[i];
        const dp_3 = dp_2 * x[i];
        sum += t * t;
        dcoefficients_part += dp;
        dcoefficients_part2 += dp_2;
        dcoefficients_part3 += dp_3;
        dcoefficients_part4 += dp_3 * x[i];
    }
    polynomial_fit = sum / 25;
    dcoefficients[0] = dcoefficients_part;
    dcoefficients[1] = dcoefficients_part2;
    dcoefficients[2] = dcoefficients_part3;
    dcoefficients[3] = dcoefficients_part4;

    return { polynomial_fit, dcoefficients };
}
