// The value and the gradient of neuron, written by Clearprop.
// For w0 f64, x0 f64, w1 f64, x1 f64, w2 f64.
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

/**
 * @param {number} w0
 * @param {number} x0
 * @param {number} w1
 * @param {number} x1
 * @param {number} w2
 * @returns {{out: number, dw0: number, dx0: number, dw1: number, dx1: number, dw2: number}}
 */
export function neuron_and_grad(w0, x0, w1, x1, w2) {
    let out;
    let dw0;
    let dx0;
    let dw1;
    let dx1;
    let dw2;

    // s2 = np.exp(s1)
    // s3 = 1 + s2
    // out = 1 / s3
    // backward of: out = 1 / s3
    // backward of: s0 = w0 * x0 + w1 * x1 + w2
    const s0 = w0 * x0 + w1 * x1 + w2;
    const s1 = -s0;
    const s2 = Math.exp(s1);
    const s3 = 1 + s2;
    const out2 = 1 / s3;
    const ds0 = (1 - out2) / s3;
    out = out2;
    dw2 = ds0;
    dw1 = ds0 * x1;
    dx1 = ds0 * w1;
    dw0 = ds0 * x0;
    dx0 = ds0 * w0;

    return { out, dw0, dx0, dw1, dx1, dw2 };
}
