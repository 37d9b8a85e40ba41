// The value and the gradient of gru_cell, written by Clearprop.
// For x f64[8,6], h f64[8,5], W f64[6,15], U f64[5,10], Un f64[5,5], b f64[15], target f64[8,5].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

/**
 * @param {Float64Array} x 8 x 6
 * @param {Float64Array} h 8 x 5
 * @param {Float64Array} W 6 x 15
 * @param {Float64Array} U 5 x 10
 * @param {Float64Array} Un 5 x 5
 * @param {Float64Array} b 15
 * @param {Float64Array} target 8 x 5
 * @returns {{gru_cell: number, dx: Float64Array, dh: Float64Array, dW: Float64Array, dU: Float64Array, dUn: Float64Array, db: Float64Array, dtarget: Float64Array}}
 */
export function gru_cell_and_grad(x, h, W, U, Un, b, target) {
    if (x.length !== 48) throw new RangeError(`x has length ${x.length}, written for 8 x 6`);
    if (h.length !== 40) throw new RangeError(`h has length ${h.length}, written for 8 x 5`);
    if (W.length !== 90) throw new RangeError(`W has length ${W.length}, written for 6 x 15`);
    if (U.length !== 50) throw new RangeError(`U has length ${U.length}, written for 5 x 10`);
    if (Un.length !== 25) throw new RangeError(`Un has length ${Un.length}, written for 5 x 5`);
    if (b.length !== 15) throw new RangeError(`b has length ${b.length}, written for 15`);
    if (target.length !== 40) throw new RangeError(`target has length ${target.length}, written for 8 x 5`);
    let gru_cell;
    const dx = new Float64Array(48); // 8 x 6
    const dh = new Float64Array(40); // 8 x 5
    const dW = new Float64Array(90); // 6 x 15
    const dU = new Float64Array(50); // 5 x 10
    const dUn = new Float64Array(25); // 5 x 5
    const db = new Float64Array(15); // 15
    const dtarget = new Float64Array(40); // 8 x 5
    const a = new Float64Array(120); // 8 x 15
    const s = new Float64Array(80); // 8 x 10
    const z_pre_4 = new Float64Array(40); // 8 x 5
    const r_pre_4 = new Float64Array(40); // 8 x 5
    const one_minus_z = new Float64Array(40); // 8 x 5
    const z_h = new Float64Array(40); // 8 x 5
    const one_minus_r = new Float64Array(40); // 8 x 5
    const part = new Float64Array(40); // 8 x 5
    const dh_new_z = new Float64Array(40); // 8 x 5
    const dhUn = new Float64Array(40); // 8 x 5
    const ds = new Float64Array(80); // 8 x 10
    const da = new Float64Array(120); // 8 x 15
    const dh_part_2 = new Float64Array(40); // 8 x 5

    // a = x @ W + b
    for (let i = 0; i < 8; i++) {
        for (let j = 0; j < 15; j++) {
            let sum = 0;
            for (let k = 0; k < 6; k++)
                sum += x[6*i + k] * W[15*k + j];
            a[15*i + j] = sum + b[j];
        }
    }

    // s = h @ U
    for (let i = 0; i < 8; i++) {
        for (let j = 0; j < 10; j++) {
            let sum = 0;
            for (let k = 0; k < 5; k++)
                sum += h[5*i + k] * U[10*k + j];
            s[10*i + j] = sum;
        }
    }

    // z = clearprop.sigmoid(a[:, :5] + s[:, :5])
    // r = clearprop.sigmoid(a[:, 5:10] + s[:, 5:])
    // h_new = (1 - z) * n + z * h
    // backward of: r = clearprop.sigmoid(a[:, 5:10] + s[:, 5:])
    for (let i = 0; i < 8; i++) {
        for (let j = 0; j < 5; j++) {
            const t = 1 + Math.exp(-(a[15*i + j] + s[10*i + j]));
            const t2 = 1 + Math.exp(-(a[15*i + j + 5] + s[10*i + j + 5]));
            const z = 1 / t;
            const r = 1 / t2;
            z_pre_4[5*i + j] = t;
            r_pre_4[5*i + j] = t2;
            one_minus_z[5*i + j] = 1 - z;
            z_h[5*i + j] = h[5*i + j] / t;
            one_minus_r[5*i + j] = 1 - r;
        }
    }

    // n = np.tanh(a[:, 10:] + r * (h @ Un))
    // h_new = (1 - z) * n + z * h
    // return np.sum((h_new - target) ** 2)
    // backward of: return np.sum((h_new - target) ** 2)
    // backward of: h_new = (1 - z) * n + z * h
    // backward of: n = np.tanh(a[:, 10:] + r * (h @ Un))
    // backward of: r = clearprop.sigmoid(a[:, 5:10] + s[:, 5:])
    // backward of: z = clearprop.sigmoid(a[:, :5] + s[:, :5])
    for (let i = 0; i < 8; i++) {
        for (let j = 0; j < 5; j++) {
            let sum = 0;
            for (let k = 0; k < 5; k++)
                sum += h[5*i + k] * Un[5*k + j];
            const n_ = Math.tanh(a[15*i + j + 10] + sum / r_pre_4[5*i + j]);
            const h_new = one_minus_z[5*i + j] * n_ + z_h[5*i + j];
            const t = h_new - target[5*i + j];
            const dh_new = 2 * t;
            const t2 = dh_new / z_pre_4[5*i + j];
            const dn = dh_new * one_minus_z[5*i + j];
            const da_part = dn * (1 - n_ * n_);
            const da_part_ij = t2 * one_minus_z[5*i + j] * (h[5*i + j] - n_);
            const da_part_ij2 = da_part * sum / r_pre_4[5*i + j] * one_minus_r[5*i + j];
            part[5*i + j] = t * t;
            dtarget[5*i + j] = -dh_new;
            dh_new_z[5*i + j] = t2;
            dhUn[5*i + j] = da_part / r_pre_4[5*i + j];
            ds[10*i + j] = da_part_ij;
            ds[10*i + j + 5] = da_part_ij2;
            da[15*i + j] = da_part_ij;
            da[15*i + j + 5] = da_part_ij2;
            da[15*i + j + 10] = da_part;
        }
    }

    // return np.sum((h_new - target) ** 2)
    let sum = 0;
    for (let i = 0; i < 8; i++) {
        for (let j = 0; j < 5; j++) {
            sum += part[5*i + j];
        }
    }
    gru_cell = sum;

    // backward of: n = np.tanh(a[:, 10:] + r * (h @ Un))
    for (let i = 0; i < 8; i++) {
        for (let j = 0; j < 5; j++) {
            let sum2 = 0;
            for (let k = 0; k < 5; k++)
                sum2 += dhUn[5*i + k] * Un[5*j + k];
            dh_part_2[5*i + j] = dh_new_z[5*i + j] + sum2;
        }
    }

    // backward of: n = np.tanh(a[:, 10:] + r * (h @ Un))
    for (let i = 0; i < 5; i++) {
        for (let j = 0; j < 5; j++) {
            let sum2 = 0;
            for (let k = 0; k < 8; k++)
                sum2 += h[5*k + i] * dhUn[5*k + j];
            dUn[5*i + j] = sum2;
        }
    }

    // backward of: s = h @ U
    for (let i = 0; i < 8; i++) {
        for (let j = 0; j < 5; j++) {
            let sum2 = 0;
            for (let k = 0; k < 10; k++)
                sum2 += ds[10*i + k] * U[10*j + k];
            dh[5*i + j] = dh_part_2[5*i + j] + sum2;
        }
    }

    // backward of: s = h @ U
    for (let i = 0; i < 5; i++) {
        for (let j = 0; j < 10; j++) {
            let sum2 = 0;
            for (let k = 0; k < 8; k++)
                sum2 += h[5*k + i] * ds[10*k + j];
            dU[10*i + j] = sum2;
        }
    }

    // backward of: a = x @ W + b
    for (let j = 0; j < 15; j++) {
        let db_j = 0;
        for (let i = 0; i < 8; i++) {
            db_j += da[15*i + j];
        }
        db[j] = db_j;
    }

    // backward of: a = x @ W + b
    for (let i = 0; i < 8; i++) {
        for (let j = 0; j < 6; j++) {
            let sum2 = 0;
            for (let k = 0; k < 15; k++)
                sum2 += da[15*i + k] * W[15*j + k];
            dx[6*i + j] = sum2;
        }
    }

    // backward of: a = x @ W + b
    for (let i = 0; i < 6; i++) {
        for (let j = 0; j < 15; j++) {
            let sum2 = 0;
            for (let k = 0; k < 8; k++)
                sum2 += x[6*k + i] * da[15*k + j];
            dW[15*i + j] = sum2;
        }
    }

    return { gru_cell, dx, dh, dW, dU, dUn, db, dtarget };
}
