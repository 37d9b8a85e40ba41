// The value and the gradient of by_hand, written by Clearprop.
// For C f64[27,10], W1 f64[30,64], W2 f64[64,27], b1 f64[64], b2 f64[27], bnbias f64[1,64],
// bngain f64[1,64], Xb i64[32,3], Yb i64[32].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

function power(x, y) {
    if (x === 1 || (x === -1 && Math.abs(y) === Infinity)) return 1;
    return Math.pow(x, y);
}

const constant_7 = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31];

/**
 * @param {Float64Array} C 27 x 10
 * @param {Float64Array} W1 30 x 64
 * @param {Float64Array} W2 64 x 27
 * @param {Float64Array} b1 64
 * @param {Float64Array} b2 27
 * @param {Float64Array} bnbias 1 x 64
 * @param {Float64Array} bngain 1 x 64
 * @param {ArrayLike<number>} Xb 32 x 3
 * @param {ArrayLike<number>} Yb 32
 * @returns {{loss: number, dC: Float64Array, dW1: Float64Array, dW2: Float64Array, db1: Float64Array, db2: Float64Array, dbnbias: Float64Array, dbngain: Float64Array}}
 */
export function by_hand_and_grad(C, W1, W2, b1, b2, bnbias, bngain, Xb, Yb) {
    if (C.length !== 270) throw new RangeError(`C has length ${C.length}, written for 27 x 10`);
    if (W1.length !== 1920) throw new RangeError(`W1 has length ${W1.length}, written for 30 x 64`);
    if (W2.length !== 1728) throw new RangeError(`W2 has length ${W2.length}, written for 64 x 27`);
    if (b1.length !== 64) throw new RangeError(`b1 has length ${b1.length}, written for 64`);
    if (b2.length !== 27) throw new RangeError(`b2 has length ${b2.length}, written for 27`);
    if (bnbias.length !== 64) throw new RangeError(`bnbias has length ${bnbias.length}, written for 1 x 64`);
    if (bngain.length !== 64) throw new RangeError(`bngain has length ${bngain.length}, written for 1 x 64`);
    if (Xb.length !== 96) throw new RangeError(`Xb has length ${Xb.length}, written for 32 x 3`);
    if (Yb.length !== 32) throw new RangeError(`Yb has length ${Yb.length}, written for 32`);
    let loss;
    const dC = new Float64Array(270); // 27 x 10
    const dW1 = new Float64Array(1920); // 30 x 64
    const dW2 = new Float64Array(1728); // 64 x 27
    const db1 = new Float64Array(64); // 64
    const db2 = new Float64Array(27); // 27
    const dbnbias = new Float64Array(64); // 1 x 64
    const dbngain = new Float64Array(64); // 1 x 64
    const emb = new Float64Array(960); // 32 x 3 x 10
    const hprebn = new Float64Array(2048); // 32 x 64
    const bnvar_inv = new Float64Array(64); // 1 x 64
    const bnraw = new Float64Array(2048); // 32 x 64
    const h = new Float64Array(2048); // 32 x 64
    const one_minus_h_squared = new Float64Array(2048); // 32 x 64
    const logits = new Float64Array(864); // 32 x 27
    const logprobs = new Float64Array(864); // 32 x 27
    const probs_2 = new Float64Array(864); // 32 x 27
    const kept1 = new Float64Array(864); // 32 x 27
    const dlogits_part = new Float64Array(864); // 32 x 27
    const dlogits = new Float64Array(864); // 32 x 27
    const dhpreact = new Float64Array(2048); // 32 x 64
    const dhpreact_bnraw = new Float64Array(2048); // 32 x 64
    const dbnraw = new Float64Array(2048); // 32 x 64
    const dbnraw_bnraw = new Float64Array(2048); // 32 x 64
    const dhprebn = new Float64Array(2048); // 32 x 64
    const dembcat = new Float64Array(960); // 32 x 30

    // emb = C[Xb]
    for (let i = 0; i < 32; i++) {
        for (let j = 0; j < 3; j++) {
            for (let k = 0; k < 10; k++) {
                emb[30*i + 10*j + k] = C[10*Xb[3*i + j] + k];
            }
        }
    }

    // hprebn = embcat @ W1 + b1
    for (let i = 0; i < 32; i++) {
        for (let j = 0; j < 64; j++) {
            let sum = 0;
            for (let k = 0; k < 30; k++)
                sum += emb[30*i + k] * W1[64*k + j];
            hprebn[64*i + j] = sum + b1[j];
        }
    }

    // bnmeani = 1 / n * hprebn.sum(0, keepdims=True)
    // bndiff = hprebn - bnmeani
    // bndiff2 = bndiff**2
    // bnvar = 1 / (n - 1) * bndiff2.sum(0, keepdims=True)
    // bnvar_inv = (bnvar + 1e-5) ** -0.5
    // bnraw = bndiff * bnvar_inv
    // hpreact = bngain * bnraw + bnbias
    // h = np.tanh(hpreact)
    // backward of: h = np.tanh(hpreact)
    for (let j = 0; j < 64; j++) {
        let sum = 0;
        for (let i = 0; i < 32; i++) {
            sum += hprebn[64*i + j];
        }
        const bnmeani = 0.03125 * sum;
        let sum2 = 0;
        for (let i = 0; i < 32; i++) {
            const bndiff = hprebn[64*i + j] - bnmeani;
            const bndiff2 = bndiff * bndiff;
            sum2 += bndiff2;
        }
        const bnvar = 0.03225806451612903 * sum2;
        const bnvar_inv_j = power(bnvar + 1e-05, -0.5);
        for (let i = 0; i < 32; i++) {
            const bndiff_ij = hprebn[64*i + j] - bnmeani;
            const bnraw_ij = bndiff_ij * bnvar_inv_j;
            const hpreact = bngain[j] * bnraw_ij + bnbias[j];
            const h_ij = Math.tanh(hpreact);
            bnraw[64*i + j] = bnraw_ij;
            h[64*i + j] = h_ij;
            one_minus_h_squared[64*i + j] = 1 - h_ij * h_ij;
        }
        bnvar_inv[j] = bnvar_inv_j;
    }

    // logits = h @ W2 + b2
    for (let i = 0; i < 32; i++) {
        for (let j = 0; j < 27; j++) {
            let sum = 0;
            for (let k = 0; k < 64; k++)
                sum += h[64*i + k] * W2[27*k + j];
            logits[27*i + j] = sum + b2[j];
        }
    }

    // logit_maxes = logits.max(1, keepdims=True)
    // norm_logits = logits - logit_maxes
    // counts = np.exp(norm_logits)
    // counts_sum = counts.sum(1, keepdims=True)
    // counts_sum_inv = counts_sum**-1
    // probs = counts * counts_sum_inv
    // logprobs = np.log(probs)
    // backward of: logprobs = np.log(probs)
    for (let i = 0; i < 32; i++) {
        let logit_maxes = -Infinity;
        for (let j = 0; j < 27; j++) {
            logit_maxes = Math.max(logit_maxes, logits[27*i + j]);
        }
        let counts_sum = 0;
        for (let j = 0; j < 27; j++) {
            const norm_logits = logits[27*i + j] - logit_maxes;
            const counts = Math.exp(norm_logits);
            counts_sum += counts;
            kept1[27*i + j] = counts;
        }
        const counts_sum_inv = 1 / counts_sum;
        for (let j = 0; j < 27; j++) {
            const probs = kept1[27*i + j] * counts_sum_inv;
            logprobs[27*i + j] = Math.log(probs);
            probs_2[27*i + j] = probs / 32;
        }
    }

    // loss = -logprobs[np.arange(n), Yb].mean()
    // backward of: loss = -logprobs[np.arange(n), Yb].mean()
    let sum = 0;
    for (let i = 0; i < 32; i++) {
        sum += logprobs[27*constant_7[i] + Yb[i]];
        dlogits_part[27*constant_7[i] + Yb[i]] += 0.03125;
    }
    loss = -(sum / 32);

    // backward of: logprobs = np.log(probs)
    // backward of: logits = h @ W2 + b2
    for (let j = 0; j < 27; j++) {
        let db2_j = 0;
        for (let i = 0; i < 32; i++) {
            const dlogits_ij = probs_2[27*i + j] - dlogits_part[27*i + j];
            db2_j += dlogits_ij;
            dlogits[27*i + j] = dlogits_ij;
        }
        db2[j] = db2_j;
    }

    // backward of: logits = h @ W2 + b2
    for (let i = 0; i < 64; i++) {
        for (let j = 0; j < 27; j++) {
            let sum2 = 0;
            for (let k = 0; k < 32; k++)
                sum2 += h[64*k + i] * dlogits[27*k + j];
            dW2[27*i + j] = sum2;
        }
    }

    // backward of: logits = h @ W2 + b2
    // backward of: h = np.tanh(hpreact)
    // backward of: hpreact = bngain * bnraw + bnbias
    // backward of: bnraw = bndiff * bnvar_inv
    for (let i = 0; i < 32; i++) {
        for (let j = 0; j < 64; j++) {
            let sum2 = 0;
            for (let k = 0; k < 27; k++)
                sum2 += dlogits[27*i + k] * W2[27*j + k];
            const dhpreact_ij = sum2 * one_minus_h_squared[64*i + j];
            const dbnraw_ij = bngain[j] * dhpreact_ij;
            dhpreact[64*i + j] = dhpreact_ij;
            dhpreact_bnraw[64*i + j] = dhpreact_ij * bnraw[64*i + j];
            dbnraw[64*i + j] = dbnraw_ij;
            dbnraw_bnraw[64*i + j] = dbnraw_ij * bnraw[64*i + j];
        }
    }

    // backward of: hpreact = bngain * bnraw + bnbias
    // backward of: bnraw = bndiff * bnvar_inv
    // backward of: hprebn = embcat @ W1 + b1
    for (let j = 0; j < 64; j++) {
        let dbnbias_j = 0;
        let dbngain_j = 0;
        let sum2 = 0;
        let sum3 = 0;
        for (let i = 0; i < 32; i++) {
            dbnbias_j += dhpreact[64*i + j];
            dbngain_j += dhpreact_bnraw[64*i + j];
            sum2 += dbnraw[64*i + j];
            sum3 += dbnraw_bnraw[64*i + j];
        }
        const t = sum2 / 32;
        const t2 = sum3 / 31;
        let db1_j = 0;
        for (let i = 0; i < 32; i++) {
            const dhprebn_ij = bnvar_inv[j] * (dbnraw[64*i + j] - t - bnraw[64*i + j] * t2);
            db1_j += dhprebn_ij;
            dhprebn[64*i + j] = dhprebn_ij;
        }
        dbnbias[j] = dbnbias_j;
        dbngain[j] = dbngain_j;
        db1[j] = db1_j;
    }

    // backward of: hprebn = embcat @ W1 + b1
    for (let i = 0; i < 30; i++) {
        for (let j = 0; j < 64; j++) {
            let sum2 = 0;
            for (let k = 0; k < 32; k++)
                sum2 += emb[30*k + i] * dhprebn[64*k + j];
            dW1[64*i + j] = sum2;
        }
    }

    // backward of: hprebn = embcat @ W1 + b1
    for (let i = 0; i < 32; i++) {
        for (let j = 0; j < 30; j++) {
            let sum2 = 0;
            for (let k = 0; k < 64; k++)
                sum2 += dhprebn[64*i + k] * W1[64*j + k];
            dembcat[30*i + j] = sum2;
        }
    }

    // backward of: emb = C[Xb]
    for (let i = 0; i < 32; i++) {
        for (let j = 0; j < 3; j++) {
            for (let k = 0; k < 10; k++) {
                dC[10*Xb[3*i + j] + k] += dembcat[30*i + 10*j + k];
            }
        }
    }

    return { loss, dC, dW1, dW2, db1, db2, dbnbias, dbngain };
}
