// The value and the gradient of triplet_loss, written by Clearprop.
// For anchor f64[10,4], positive f64[10,4], negative f64[10,4].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

/**
 * @param {Float64Array} anchor 10 x 4
 * @param {Float64Array} positive 10 x 4
 * @param {Float64Array} negative 10 x 4
 * @returns {{triplet_loss: number, danchor: Float64Array, dpositive: Float64Array, dnegative: Float64Array}}
 */
export function triplet_loss_and_grad(anchor, positive, negative) {
    if (anchor.length !== 40) throw new RangeError(`anchor has length ${anchor.length}, written for 10 x 4`);
    if (positive.length !== 40) throw new RangeError(`positive has length ${positive.length}, written for 10 x 4`);
    if (negative.length !== 40) throw new RangeError(`negative has length ${negative.length}, written for 10 x 4`);
    let triplet_loss;
    const danchor = new Float64Array(40); // 10 x 4
    const dpositive = new Float64Array(40); // 10 x 4
    const dnegative = new Float64Array(40); // 10 x 4
    let total;

    // near = ((anchor - positive) ** 2).sum(1)
    // far = ((anchor - negative) ** 2).sum(1)
    // return np.mean(clearprop.relu(near - far + 0.5))
    // backward of: return np.mean(clearprop.relu(near - far + 0.5))
    // backward of: far = ((anchor - negative) ** 2).sum(1)
    // backward of: near = ((anchor - positive) ** 2).sum(1)
    total = 0;
    for (let i = 0; i < 10; i++) {
        let near = 0;
        let far = 0;
        for (let j = 0; j < 4; j++) {
            const t = anchor[4*i + j] - positive[4*i + j];
            const t2 = anchor[4*i + j] - negative[4*i + j];
            near += t * t;
            far += t2 * t2;
        }
        const t3 = near - far + 0.5;
        const t4 = Number(t3 > 0) / 10;
        const t5 = -2 * t4;
        const t6 = 2 * t4;
        for (let j = 0; j < 4; j++) {
            const t7 = anchor[4*i + j] - positive[4*i + j];
            const t8 = anchor[4*i + j] - negative[4*i + j];
            const t9 = t5 * t8;
            const t10 = t6 * t7;
            dnegative[4*i + j] = -t9;
            danchor[4*i + j] = t9 + t10;
            dpositive[4*i + j] = -t10;
        }
        total += Math.max(t3, 0);
    }

    // return np.mean(clearprop.relu(near - far + 0.5))
    triplet_loss = total / 10;

    return { triplet_loss, danchor, dpositive, dnegative };
}
