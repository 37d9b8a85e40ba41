// The value and the gradient of huber, written by Clearprop.
// For prediction f64[40], target f64[40].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

/**
 * @param {Float64Array} prediction 40
 * @param {Float64Array} target 40
 * @returns {{huber: number, dprediction: Float64Array}}
 */
export function huber_and_grad(prediction, target) {
    if (prediction.length !== 40) throw new RangeError(`prediction has length ${prediction.length}, written for 40`);
    if (target.length !== 40) throw new RangeError(`target has length ${target.length}, written for 40`);
    let huber;
    const dprediction = new Float64Array(40); // 40

    // return np.mean(np.where(a <= 0.5, 0.5 * r**2, 0.5 * (a - 0.25)))
    // backward of: a = np.abs(r)
    let sum = 0;
    for (let i = 0; i < 40; i++) {
        const r = prediction[i] - target[i];
        const a = Math.abs(r);
        const t = a <= 0.5;
        const dr = t ? 0.025 * r : Math.sign(r) / 80;
        sum += t ? 0.5 * (r * r) : 0.5 * (a - 0.25);
        dprediction[i] = dr;
    }
    huber = sum / 40;

    return { huber, dprediction };
}
