// The value and the gradient of linear_regression, written by Clearprop.
// For x f64[32,5], w f64[5], b f64, y f64[32].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

/**
 * @param {Float64Array} x 32 x 5
 * @param {Float64Array} w 5
 * @param {number} b
 * @param {Float64Array} y 32
 * @returns {{loss: number, dw: Float64Array, db: number}}
 */
export function linear_regression_and_grad(x, w, b, y) {
    if (x.length !== 160) throw new RangeError(`x has length ${x.length}, written for 32 x 5`);
    if (w.length !== 5) throw new RangeError(`w has length ${w.length}, written for 5`);
    if (y.length !== 32) throw new RangeError(`y has length ${y.length}, written for 32`);
    let loss;
    const dw = new Float64Array(5); // 5
    let db;
    let loss_pre;

    // prediction = x @ w + b
    // loss = np.mean((prediction - y) ** 2)
    // backward of: loss = np.mean((prediction - y) ** 2)
    // backward of: prediction = x @ w + b
    loss_pre = 0;
    db = 0;
    for (let i = 0; i < 32; i++) {
        let sum = 0;
        for (let j = 0; j < 5; j++) {
            sum += x[5*i + j] * w[j];
        }
        const prediction = sum + b;
        const t = prediction - y[i];
        const dprediction = 0.0625 * t;
        for (let j = 0; j < 5; j++) {
            dw[j] += x[5*i + j] * dprediction;
        }
        loss_pre += t * t;
        db += dprediction;
    }

    // loss = np.mean((prediction - y) ** 2)
    loss = loss_pre / 32;

    return { loss, dw, db };
}
