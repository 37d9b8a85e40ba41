// The value and the gradient of two_layers, written by Clearprop.
// For x f64[64,10], W1 f64[10,20], b1 f64[20], W2 f64[20,1], b2 f64[1], y f64[64,1].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

/**
 * @param {Float64Array} x 64 x 10
 * @param {Float64Array} W1 10 x 20
 * @param {Float64Array} b1 20
 * @param {Float64Array} W2 20 x 1
 * @param {Float64Array} b2 1
 * @param {Float64Array} y 64 x 1
 * @returns {{loss: number, dW1: Float64Array, db1: Float64Array, dW2: Float64Array, db2: Float64Array}}
 */
export function two_layers_and_grad(x, W1, b1, W2, b2, y) {
    if (x.length !== 640) throw new RangeError(`x has length ${x.length}, written for 64 x 10`);
    if (W1.length !== 200) throw new RangeError(`W1 has length ${W1.length}, written for 10 x 20`);
    if (b1.length !== 20) throw new RangeError(`b1 has length ${b1.length}, written for 20`);
    if (W2.length !== 20) throw new RangeError(`W2 has length ${W2.length}, written for 20 x 1`);
    if (b2.length !== 1) throw new RangeError(`b2 has length ${b2.length}, written for 1`);
    if (y.length !== 64) throw new RangeError(`y has length ${y.length}, written for 64 x 1`);
    let loss;
    const dW1 = new Float64Array(200); // 10 x 20
    const db1 = new Float64Array(20); // 20
    const dW2 = new Float64Array(20); // 20 x 1
    let db2;
    const h = new Float64Array(1280); // 64 x 20
    const h_W2T = new Float64Array(1280); // 64 x 20
    const h_positive = new Uint8Array(1280); // 64 x 20
    let loss_pre;
    const dprediction = new Float64Array(64); // 64 x 1
    const dh_pre = new Float64Array(1280); // 64 x 20

    // h = np.maximum(x @ W1 + b1, 0)
    // prediction = h @ W2 + b2
    // backward of: h = np.maximum(x @ W1 + b1, 0)
    for (let i = 0; i < 64; i++) {
        for (let j = 0; j < 20; j++) {
            let sum = 0;
            for (let k = 0; k < 10; k++)
                sum += x[10*i + k] * W1[20*k + j];
            const h_ij = Math.max(sum + b1[j], 0);
            h[20*i + j] = h_ij;
            h_W2T[20*i + j] = h_ij * W2[j];
            h_positive[20*i + j] = h_ij > 0;
        }
    }

    // prediction = h @ W2 + b2
    // loss = np.mean((prediction - y) ** 2)
    // backward of: loss = np.mean((prediction - y) ** 2)
    // backward of: prediction = h @ W2 + b2
    loss_pre = 0;
    db2 = 0;
    for (let i = 0; i < 64; i++) {
        let sum = 0;
        for (let j = 0; j < 20; j++) {
            sum += h_W2T[20*i + j];
        }
        const prediction = sum + b2[0];
        const t = prediction - y[i];
        const dprediction_i = 0.03125 * t;
        for (let j = 0; j < 20; j++) {
            dW2[j] += h[20*i + j] * dprediction_i;
        }
        loss_pre += t * t;
        dprediction[i] = dprediction_i;
        db2 += dprediction_i;
    }

    // loss = np.mean((prediction - y) ** 2)
    loss = loss_pre / 64;

    // backward of: prediction = h @ W2 + b2
    // backward of: h = np.maximum(x @ W1 + b1, 0)
    for (let i = 0; i < 64; i++) {
        for (let j = 0; j < 20; j++) {
            let sum = 0;
            for (let k = 0; k < 1; k++)
                sum += dprediction[i] * W2[j];
            dh_pre[20*i + j] = sum * Number(h_positive[20*i + j] !== 0);
        }
    }

    // backward of: h = np.maximum(x @ W1 + b1, 0)
    for (let j = 0; j < 20; j++) {
        let db1_j = 0;
        for (let i = 0; i < 64; i++) {
            db1_j += dh_pre[20*i + j];
        }
        db1[j] = db1_j;
    }

    // backward of: h = np.maximum(x @ W1 + b1, 0)
    for (let i = 0; i < 10; i++) {
        for (let j = 0; j < 20; j++) {
            let sum = 0;
            for (let k = 0; k < 64; k++)
                sum += x[10*k + i] * dh_pre[20*k + j];
            dW1[20*i + j] = sum;
        }
    }

    return { loss, dW1, db1, dW2, db2: Float64Array.of(db2) };
}
