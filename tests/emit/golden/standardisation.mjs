// The value and the gradient of standardisation, written by Clearprop.
// For x f64[30], target f64[30].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

/**
 * @param {Float64Array} x 30
 * @param {Float64Array} target 30
 * @returns {{standardisation: number, dx: Float64Array}}
 */
export function standardisation_and_grad(x, target) {
    if (x.length !== 30) throw new RangeError(`x has length ${x.length}, written for 30`);
    if (target.length !== 30) throw new RangeError(`target has length ${target.length}, written for 30`);
    let standardisation;
    const dx = new Float64Array(30); // 30

    // z = (x - x.mean()) / x.std()
    // return np.sum(z * target) + np.var(x)
    // backward of: z = (x - x.mean()) / x.std()
    let sum = 0;
    let sum2 = 0;
    let sum3 = 0;
    for (let i = 0; i < 30; i++) {
        sum += x[i];
        sum2 += x[i];
        sum3 += target[i];
    }
    const t = sum2 / 30;
    let sum4 = 0;
    for (let i = 0; i < 30; i++) {
        const t2 = x[i] - t;
        sum4 += t2 * t2;
    }
    const t3 = sum / 30;
    const t4 = sum4 / 30;
    const t5 = Math.sqrt(t4);
    let sum5 = 0;
    for (let i = 0; i < 30; i++) {
        const t6 = x[i] - t3;
        const z = t6 / t5;
        sum5 += z * target[i];
    }
    const t7 = sum3 / 30;
    const t8 = sum5 / 30;
    for (let i = 0; i < 30; i++) {
        const t9 = x[i] - t3;
        const z_i = t9 / t5;
        dx[i] = 0.06666666666666667 * t9 + (target[i] - t7 - t8 * z_i) / t5;
    }
    standardisation = sum5 + t4;

    return { standardisation, dx };
}
