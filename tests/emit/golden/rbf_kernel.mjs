// The value and the gradient of rbf_kernel, written by Clearprop.
// For x f64[20,3], centres f64[15,3], alpha f64[15], length f64, y f64[20].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

/**
 * @param {Float64Array} x 20 x 3
 * @param {Float64Array} centres 15 x 3
 * @param {Float64Array} alpha 15
 * @param {number} length
 * @param {Float64Array} y 20
 * @returns {{rbf_kernel: number, dalpha: Float64Array, dlength: number}}
 */
export function rbf_kernel_and_grad(x, centres, alpha, length, y) {
    if (x.length !== 60) throw new RangeError(`x has length ${x.length}, written for 20 x 3`);
    if (centres.length !== 45) throw new RangeError(`centres has length ${centres.length}, written for 15 x 3`);
    if (alpha.length !== 15) throw new RangeError(`alpha has length ${alpha.length}, written for 15`);
    if (y.length !== 20) throw new RangeError(`y has length ${y.length}, written for 20`);
    let rbf_kernel;
    const dalpha = new Float64Array(15); // 15
    let dlength;
    const K_pre = new Float64Array(300); // 20 x 15
    const K = new Float64Array(300); // 20 x 15
    const K_alpha_2 = new Float64Array(20); // 20
    const dK_alpha = new Float64Array(20); // 20
    let dlength_part_2;

    // d2 = ((x[:, None, :] - centres[None, :, :]) ** 2).sum(2)
    // K = np.exp(-d2 / (2 * length**2))
    // return np.mean((K @ alpha - y) ** 2)
    for (let i = 0; i < 20; i++) {
        for (let j = 0; j < 15; j++) {
            let d2 = 0;
            for (let k = 0; k < 3; k++) {
                const t = x[3*i + k] - centres[3*j + k];
                d2 += t * t;
            }
            const t2 = d2 / (2 * (length * length));
            const K_ij = Math.exp(-t2);
            K_pre[15*i + j] = t2;
            K[15*i + j] = K_ij;
            K_alpha_2[i] += K_ij * alpha[j];
        }
    }

    // return np.mean((K @ alpha - y) ** 2)
    // backward of: return np.mean((K @ alpha - y) ** 2)
    let sum = 0;
    for (let i = 0; i < 20; i++) {
        const t = K_alpha_2[i] - y[i];
        sum += t * t;
        dK_alpha[i] = t / 10;
    }
    rbf_kernel = sum / 20;

    // backward of: return np.mean((K @ alpha - y) ** 2)
    // backward of: K = np.exp(-d2 / (2 * length**2))
    dlength_part_2 = 0;
    for (let j = 0; j < 15; j++) {
        let dalpha_j = 0;
        for (let i = 0; i < 20; i++) {
            const dK = dK_alpha[i] * alpha[j];
            dalpha_j += K[15*i + j] * dK_alpha[i];
            dlength_part_2 += dK * K_pre[15*i + j] * K[15*i + j];
        }
        dalpha[j] = dalpha_j;
    }

    // backward of: K = np.exp(-d2 / (2 * length**2))
    dlength = 4 * dlength_part_2 * length / (2 * (length * length));

    return { rbf_kernel, dalpha, dlength };
}
