// The value and the gradient of batchnorm, written by Clearprop.
// For x f64[32,10], gamma f64[10], beta f64[10], target f64[32,10].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

/**
 * @param {Float64Array} x 32 x 10
 * @param {Float64Array} gamma 10
 * @param {Float64Array} beta 10
 * @param {Float64Array} target 32 x 10
 * @returns {{batchnorm: number, dx: Float64Array, dgamma: Float64Array, dbeta: Float64Array}}
 */
export function batchnorm_and_grad(x, gamma, beta, target) {
    if (x.length !== 320) throw new RangeError(`x has length ${x.length}, written for 32 x 10`);
    if (gamma.length !== 10) throw new RangeError(`gamma has length ${gamma.length}, written for 10`);
    if (beta.length !== 10) throw new RangeError(`beta has length ${beta.length}, written for 10`);
    if (target.length !== 320) throw new RangeError(`target has length ${target.length}, written for 32 x 10`);
    let batchnorm;
    const dx = new Float64Array(320); // 32 x 10
    const dgamma = new Float64Array(10); // 10
    const dbeta = new Float64Array(10); // 10
    let part_sum;
    const kept1 = new Float64Array(320); // 32 x 10

    // mu = x.mean(0)
    // xmu = x - mu
    // var = (xmu**2).mean(0)
    // ivar = 1 / np.sqrt(var + 1e-5)
    // xhat = xmu * ivar
    // out = gamma * xhat + beta
    // return np.mean((out - target) ** 2)
    // backward of: return np.mean((out - target) ** 2)
    // backward of: out = gamma * xhat + beta
    // backward of: xhat = xmu * ivar
    part_sum = 0;
    for (let j = 0; j < 10; j++) {
        let sum = 0;
        for (let i = 0; i < 32; i++) {
            sum += x[10*i + j];
        }
        const mu = sum / 32;
        let sum2 = 0;
        for (let i = 0; i < 32; i++) {
            const xmu = x[10*i + j] - mu;
            sum2 += xmu * xmu;
        }
        const var_ = sum2 / 32;
        const t = Math.sqrt(var_ + 1e-05);
        let dbeta_j = 0;
        let dgamma_j = 0;
        let sum3 = 0;
        let sum4 = 0;
        for (let i = 0; i < 32; i++) {
            const xmu_ij = x[10*i + j] - mu;
            const xhat = xmu_ij / t;
            const out = gamma[j] * xhat + beta[j];
            const t2 = out - target[10*i + j];
            const dout = 0.00625 * t2;
            const dxhat = gamma[j] * dout;
            dbeta_j += dout;
            dgamma_j += dout * xhat;
            sum3 += dxhat;
            sum4 += dxhat * xhat;
            part_sum += t2 * t2;
            kept1[10*i + j] = dout;
        }
        const t3 = sum3 / 32;
        const t4 = sum4 / 32;
        for (let i = 0; i < 32; i++) {
            const xmu_ij2 = x[10*i + j] - mu;
            const xhat_ij = xmu_ij2 / t;
            const dxhat_ij = gamma[j] * kept1[10*i + j];
            dx[10*i + j] = (dxhat_ij - t3 - t4 * xhat_ij) / t;
        }
        dbeta[j] = dbeta_j;
        dgamma[j] = dgamma_j;
    }

    // return np.mean((out - target) ** 2)
    batchnorm = part_sum / 320;

    return { batchnorm, dx, dgamma, dbeta };
}
