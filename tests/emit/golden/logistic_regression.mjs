// The value and the gradient of logistic_regression, written by Clearprop.
// For x f64[100,5], w f64[5], b f64, y f64[100].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

/**
 * @param {Float64Array} x 100 x 5
 * @param {Float64Array} w 5
 * @param {number} b
 * @param {Float64Array} y 100
 * @returns {{loss: number, dw: Float64Array, db: number}}
 */
export function logistic_regression_and_grad(x, w, b, y) {
    if (x.length !== 500) throw new RangeError(`x has length ${x.length}, written for 100 x 5`);
    if (w.length !== 5) throw new RangeError(`w has length ${w.length}, written for 5`);
    if (y.length !== 100) throw new RangeError(`y has length ${y.length}, written for 100`);
    let loss;
    const dw = new Float64Array(5); // 5
    let db;
    let loss_pre;

    // p = 1 / (1 + np.exp(-(x @ w + b)))
    // loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    // backward of: loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    // backward of: p = 1 / (1 + np.exp(-(x @ w + b)))
    loss_pre = 0;
    db = 0;
    for (let i = 0; i < 100; i++) {
        let sum = 0;
        for (let j = 0; j < 5; j++) {
            sum += x[5*i + j] * w[j];
        }
        const t = sum + b;
        const t2 = -t;
        const p = 1 / (1 + Math.exp(t2));
        const t3 = (p - y[i]) / 100;
        for (let j = 0; j < 5; j++) {
            dw[j] += x[5*i + j] * t3;
        }
        const t4 = Math.max(0, t2);
        const t5 = Math.max(0, t);
        loss_pre += -(y[i] * (t4 + Math.log1p(Math.exp(Math.min(0, t2) - (Number.isFinite(t4) ? t4 : 0))))) - (1 - y[i]) * (t5 + Math.log1p(Math.exp(Math.min(0, t) - (Number.isFinite(t5) ? t5 : 0))));
        db += t3;
    }

    // loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    loss = -(loss_pre / 100);

    return { loss, dw, db };
}
