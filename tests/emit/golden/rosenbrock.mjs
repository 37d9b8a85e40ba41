// The value and the gradient of rosenbrock, written by Clearprop.
// For x f64[6].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

/**
 * @param {Float64Array} x 6
 * @returns {{rosenbrock: number, dx: Float64Array}}
 */
export function rosenbrock_and_grad(x) {
    if (x.length !== 6) throw new RangeError(`x has length ${x.length}, written for 6`);
    let rosenbrock;
    const dx = new Float64Array(6); // 6
    const dx_part_2 = new Float64Array(6); // 6
    const dx_part_6 = new Float64Array(6); // 6

    // return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    // backward of: return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    let sum = 0;
    for (let i = 0; i < 5; i++) {
        const t = x[i + 1] - x[i] * x[i];
        const t2 = 1 - x[i];
        const dx_part_2_part = 200 * t;
        const dx_part_6_part = -2 * (t2 + dx_part_2_part * x[i]);
        sum += 100 * (t * t) + t2 * t2;
        dx_part_2[i + 1] = dx_part_2_part;
        dx_part_6[i] = dx_part_6_part;
    }
    rosenbrock = sum;
    dx_part_2[0] = 0;
    dx_part_6[5] = 0;

    // backward of: return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    for (let i = 0; i < 6; i++) {
        dx[i] = dx_part_2[i] + dx_part_6[i];
    }

    return { rosenbrock, dx };
}
