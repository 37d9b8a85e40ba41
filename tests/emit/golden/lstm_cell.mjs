// The value and the gradient of lstm_cell, written by Clearprop.
// For x f64[8,6], h f64[8,5], c f64[8,5], W f64[6,20], U f64[5,20], b f64[20], target f64[8,5].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

/**
 * @param {Float64Array} x 8 x 6
 * @param {Float64Array} h 8 x 5
 * @param {Float64Array} c 8 x 5
 * @param {Float64Array} W 6 x 20
 * @param {Float64Array} U 5 x 20
 * @param {Float64Array} b 20
 * @param {Float64Array} target 8 x 5
 * @returns {{lstm_cell: number, dx: Float64Array, dh: Float64Array, dc: Float64Array, dW: Float64Array, dU: Float64Array, db: Float64Array, dtarget: Float64Array}}
 */
export function lstm_cell_and_grad(x, h, c, W, U, b, target) {
    if (x.length !== 48) throw new RangeError(`x has length ${x.length}, written for 8 x 6`);
    if (h.length !== 40) throw new RangeError(`h has length ${h.length}, written for 8 x 5`);
    if (c.length !== 40) throw new RangeError(`c has length ${c.length}, written for 8 x 5`);
    if (W.length !== 120) throw new RangeError(`W has length ${W.length}, written for 6 x 20`);
    if (U.length !== 100) throw new RangeError(`U has length ${U.length}, written for 5 x 20`);
    if (b.length !== 20) throw new RangeError(`b has length ${b.length}, written for 20`);
    if (target.length !== 40) throw new RangeError(`target has length ${target.length}, written for 8 x 5`);
    let lstm_cell;
    const dx = new Float64Array(48); // 8 x 6
    const dh = new Float64Array(40); // 8 x 5
    const dc = new Float64Array(40); // 8 x 5
    const dW = new Float64Array(120); // 6 x 20
    const dU = new Float64Array(100); // 5 x 20
    const db = new Float64Array(20); // 20
    const dtarget = new Float64Array(40); // 8 x 5
    const xW = new Float64Array(160); // 8 x 20
    const gates = new Float64Array(160); // 8 x 20
    const dgates = new Float64Array(160); // 8 x 20

    // gates = x @ W + h @ U + b
    for (let i = 0; i < 8; i++) {
        for (let j = 0; j < 20; j++) {
            let sum = 0;
            for (let k = 0; k < 6; k++)
                sum += x[6*i + k] * W[20*k + j];
            xW[20*i + j] = sum;
        }
    }

    // gates = x @ W + h @ U + b
    for (let i = 0; i < 8; i++) {
        for (let j = 0; j < 20; j++) {
            let sum = 0;
            for (let k = 0; k < 5; k++)
                sum += h[5*i + k] * U[20*k + j];
            gates[20*i + j] = xW[20*i + j] + sum + b[j];
        }
    }

    // i = clearprop.sigmoid(gates[:, :n])
    // f = clearprop.sigmoid(gates[:, n : 2 * n])
    // o = clearprop.sigmoid(gates[:, 2 * n : 3 * n])
    // g = np.tanh(gates[:, 3 * n :])
    // c_new = f * c + i * g
    // h_new = o * np.tanh(c_new)
    // return np.sum((h_new - target) ** 2)
    // backward of: return np.sum((h_new - target) ** 2)
    // backward of: h_new = o * np.tanh(c_new)
    // backward of: c_new = f * c + i * g
    // backward of: g = np.tanh(gates[:, 3 * n :])
    // backward of: o = clearprop.sigmoid(gates[:, 2 * n : 3 * n])
    // backward of: f = clearprop.sigmoid(gates[:, n : 2 * n])
    // backward of: i = clearprop.sigmoid(gates[:, :n])
    let sum = 0;
    for (let i = 0; i < 8; i++) {
        for (let j = 0; j < 5; j++) {
            const t = 1 + Math.exp(-gates[20*i + j + 5]);
            const g = Math.tanh(gates[20*i + j + 15]);
            const t2 = 1 + Math.exp(-gates[20*i + j]);
            const c_new = c[5*i + j] / t + g / t2;
            const t3 = Math.tanh(c_new);
            const t4 = 1 + Math.exp(-gates[20*i + j + 10]);
            const h_new = t3 / t4;
            const t5 = h_new - target[5*i + j];
            const dh_new = 2 * t5;
            const dc_new = dh_new / t4 * (1 - t3 * t3);
            const i_ = 1 / t2;
            const dgates_part = dc_new * g / t2 * (1 - i_);
            const f = 1 / t;
            const dgates_part_ij = dc_new * c[5*i + j] / t * (1 - f);
            const o = 1 / t4;
            const dgates_part_ij2 = dh_new * t3 / t4 * (1 - o);
            const dg = dc_new / t2;
            const dgates_part_ij3 = dg * (1 - g * g);
            sum += t5 * t5;
            dtarget[5*i + j] = -dh_new;
            dc[5*i + j] = dc_new / t;
            dgates[20*i + j] = dgates_part;
            dgates[20*i + j + 5] = dgates_part_ij;
            dgates[20*i + j + 10] = dgates_part_ij2;
            dgates[20*i + j + 15] = dgates_part_ij3;
        }
    }
    lstm_cell = sum;

    // backward of: gates = x @ W + h @ U + b
    for (let j = 0; j < 20; j++) {
        let db_j = 0;
        for (let i = 0; i < 8; i++) {
            db_j += dgates[20*i + j];
        }
        db[j] = db_j;
    }

    // backward of: gates = x @ W + h @ U + b
    for (let i = 0; i < 8; i++) {
        for (let j = 0; j < 5; j++) {
            let sum2 = 0;
            for (let k = 0; k < 20; k++)
                sum2 += dgates[20*i + k] * U[20*j + k];
            dh[5*i + j] = sum2;
        }
    }

    // backward of: gates = x @ W + h @ U + b
    for (let i = 0; i < 5; i++) {
        for (let j = 0; j < 20; j++) {
            let sum2 = 0;
            for (let k = 0; k < 8; k++)
                sum2 += h[5*k + i] * dgates[20*k + j];
            dU[20*i + j] = sum2;
        }
    }

    // backward of: gates = x @ W + h @ U + b
    for (let i = 0; i < 8; i++) {
        for (let j = 0; j < 6; j++) {
            let sum2 = 0;
            for (let k = 0; k < 20; k++)
                sum2 += dgates[20*i + k] * W[20*j + k];
            dx[6*i + j] = sum2;
        }
    }

    // backward of: gates = x @ W + h @ U + b
    for (let i = 0; i < 6; i++) {
        for (let j = 0; j < 20; j++) {
            let sum2 = 0;
            for (let k = 0; k < 8; k++)
                sum2 += x[6*k + i] * dgates[20*k + j];
            dW[20*i + j] = sum2;
        }
    }

    return { lstm_cell, dx, dh, dc, dW, dU, db, dtarget };
}
