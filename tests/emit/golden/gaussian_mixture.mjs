// The value and the gradient of gaussian_mixture, written by Clearprop.
// For x f64[50,2], logits f64[3], means f64[3,2], log_sds f64[3,2].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

/**
 * @param {Float64Array} x 50 x 2
 * @param {Float64Array} logits 3
 * @param {Float64Array} means 3 x 2
 * @param {Float64Array} log_sds 3 x 2
 * @returns {{gaussian_mixture: number, dlogits: Float64Array, dmeans: Float64Array, dlog_sds: Float64Array}}
 */
export function gaussian_mixture_and_grad(x, logits, means, log_sds) {
    if (x.length !== 100) throw new RangeError(`x has length ${x.length}, written for 50 x 2`);
    if (logits.length !== 3) throw new RangeError(`logits has length ${logits.length}, written for 3`);
    if (means.length !== 6) throw new RangeError(`means has length ${means.length}, written for 3 x 2`);
    if (log_sds.length !== 6) throw new RangeError(`log_sds has length ${log_sds.length}, written for 3 x 2`);
    let gaussian_mixture;
    const dlogits = new Float64Array(3); // 3
    const dmeans = new Float64Array(6); // 3 x 2
    const dlog_sds = new Float64Array(6); // 3 x 2
    const exp_log_sds = new Float64Array(6); // 3 x 2
    const log_sds_sum = new Float64Array(3); // 3
    let logits_max;
    const z = new Float64Array(300); // 50 x 3 x 2
    const log_density = new Float64Array(150); // 50 x 3
    const log_softmax_logits = new Float64Array(3); // 3
    const exp_log_softmax_logits = new Float64Array(3); // 3
    let logsumexp_joint_sum;
    const djoint = new Float64Array(150); // 50 x 3
    const dlog_softmax_logits = new Float64Array(3); // 3

    // z = (x[:, None, :] - means) / np.exp(log_sds)
    // log_density = -0.5 * (z**2).sum(2) - log_sds.sum(1) - np.log(2 * np.pi)
    // joint = clearprop.log_softmax(logits) + log_density
    logits_max = -Infinity;
    for (let i = 0; i < 3; i++) {
        let sum = 0;
        for (let j = 0; j < 2; j++) {
            sum += log_sds[2*i + j];
            exp_log_sds[2*i + j] = Math.exp(log_sds[2*i + j]);
        }
        log_sds_sum[i] = sum;
        logits_max = Math.max(logits_max, logits[i]);
    }

    // z = (x[:, None, :] - means) / np.exp(log_sds)
    // log_density = -0.5 * (z**2).sum(2) - log_sds.sum(1) - np.log(2 * np.pi)
    for (let i = 0; i < 50; i++) {
        for (let j = 0; j < 3; j++) {
            let sum = 0;
            for (let k = 0; k < 2; k++) {
                const z_ijk = (x[2*i + k] - means[2*j + k]) / exp_log_sds[2*j + k];
                sum += z_ijk * z_ijk;
                z[6*i + 2*j + k] = z_ijk;
            }
            log_density[3*i + j] = -0.5 * sum - log_sds_sum[j] - 1.8378770664093453;
        }
    }

    // joint = clearprop.log_softmax(logits) + log_density
    // backward of: joint = clearprop.log_softmax(logits) + log_density
    let sum = 0;
    for (let i = 0; i < 3; i++) {
        const t = logits[i] - logits_max;
        sum += Math.exp(t);
    }
    const t2 = Math.log(sum);
    for (let i = 0; i < 3; i++) {
        const t3 = logits[i] - logits_max;
        const t4 = t3 - t2;
        log_softmax_logits[i] = t4;
        exp_log_softmax_logits[i] = Math.exp(t4);
    }

    // joint = clearprop.log_softmax(logits) + log_density
    // return -np.mean(clearprop.logsumexp(joint, axis=1))
    // backward of: return -np.mean(clearprop.logsumexp(joint, axis=1))
    // backward of: joint = clearprop.log_softmax(logits) + log_density
    logsumexp_joint_sum = 0;
    for (let i = 0; i < 50; i++) {
        let top = -Infinity;
        for (let j = 0; j < 3; j++) {
            const joint = log_softmax_logits[j] + log_density[3*i + j];
            top = Math.max(top, joint);
        }
        let sum2 = 0;
        for (let j = 0; j < 3; j++) {
            const joint_ij = log_softmax_logits[j] + log_density[3*i + j];
            sum2 += Math.exp(joint_ij - top);
        }
        const t5 = top + Math.log(sum2);
        for (let j = 0; j < 3; j++) {
            const joint_ij2 = log_softmax_logits[j] + log_density[3*i + j];
            const djoint_ij = -0.02 * Math.exp(joint_ij2 - t5);
            djoint[3*i + j] = djoint_ij;
            dlog_softmax_logits[j] += djoint_ij;
        }
        logsumexp_joint_sum += t5;
    }

    // return -np.mean(clearprop.logsumexp(joint, axis=1))
    gaussian_mixture = -(logsumexp_joint_sum / 50);

    // backward of: joint = clearprop.log_softmax(logits) + log_density
    let sum2 = 0;
    for (let i = 0; i < 3; i++) {
        sum2 += dlog_softmax_logits[i];
    }
    for (let i = 0; i < 3; i++) {
        dlogits[i] = dlog_softmax_logits[i] - sum2 * exp_log_softmax_logits[i];
    }

    // backward of: log_density = -0.5 * (z**2).sum(2) - log_sds.sum(1) - np.log(2 * np.pi)
    // backward of: z = (x[:, None, :] - means) / np.exp(log_sds)
    for (let j = 0; j < 3; j++) {
        for (let k = 0; k < 2; k++) {
            let sum3 = 0;
            let sum4 = 0;
            for (let i = 0; i < 50; i++) {
                const t5 = djoint[3*i + j] * z[6*i + 2*j + k];
                sum3 += t5 * z[6*i + 2*j + k];
                sum4 += t5;
            }
            dlog_sds[2*j + k] = sum3 - dlog_softmax_logits[j];
            dmeans[2*j + k] = sum4 / exp_log_sds[2*j + k];
        }
    }

    return { gaussian_mixture, dlogits, dmeans, dlog_sds };
}
