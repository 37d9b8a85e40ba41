// The value and the gradient of layernorm, written by Clearprop.
// For x f64[16,12], gain f64[12], bias f64[12], target f64[16,12].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

/**
 * @param {Float64Array} x 16 x 12
 * @param {Float64Array} gain 12
 * @param {Float64Array} bias 12
 * @param {Float64Array} target 16 x 12
 * @returns {{layernorm: number, dx: Float64Array, dgain: Float64Array, dbias: Float64Array}}
 */
export function layernorm_and_grad(x, gain, bias, target) {
    if (x.length !== 192) throw new RangeError(`x has length ${x.length}, written for 16 x 12`);
    if (gain.length !== 12) throw new RangeError(`gain has length ${gain.length}, written for 12`);
    if (bias.length !== 12) throw new RangeError(`bias has length ${bias.length}, written for 12`);
    if (target.length !== 192) throw new RangeError(`target has length ${target.length}, written for 16 x 12`);
    let layernorm;
    const dx = new Float64Array(192); // 16 x 12
    const dgain = new Float64Array(12); // 12
    const dbias = new Float64Array(12); // 12
    const kept1 = new Float64Array(192); // 16 x 12

    // mean = x.mean(axis=-1, keepdims=True)
    // var = x.var(axis=-1, keepdims=True)
    // xhat = (x - mean) / np.sqrt(var + 1e-5)
    // out = gain * xhat + bias
    // return np.sum((out - target) ** 2)
    // backward of: return np.sum((out - target) ** 2)
    // backward of: out = gain * xhat + bias
    // backward of: xhat = (x - mean) / np.sqrt(var + 1e-5)
    layernorm = 0;
    for (let i = 0; i < 16; i++) {
        let sum = 0;
        for (let j = 0; j < 12; j++) {
            sum += x[12*i + j];
        }
        const mean = sum / 12;
        let sum2 = 0;
        for (let j = 0; j < 12; j++) {
            const t = x[12*i + j] - mean;
            sum2 += t * t;
        }
        const var_ = sum2 / 12;
        const t2 = Math.sqrt(var_ + 1e-05);
        let sum3 = 0;
        let sum4 = 0;
        for (let j = 0; j < 12; j++) {
            const t3 = x[12*i + j] - mean;
            const xhat = t3 / t2;
            const out = gain[j] * xhat + bias[j];
            const t4 = out - target[12*i + j];
            const dout = 2 * t4;
            const dxhat = gain[j] * dout;
            sum3 += dxhat;
            sum4 += dxhat * xhat;
            layernorm += t4 * t4;
            dbias[j] += dout;
            dgain[j] += dout * xhat;
            kept1[12*i + j] = dout;
        }
        const t5 = sum3 / 12;
        const t6 = sum4 / 12;
        for (let j = 0; j < 12; j++) {
            const t7 = x[12*i + j] - mean;
            const xhat_ij = t7 / t2;
            const dxhat_ij = gain[j] * kept1[12*i + j];
            dx[12*i + j] = (dxhat_ij - t5 - t6 * xhat_ij) / t2;
        }
    }

    return { layernorm, dx, dgain, dbias };
}
