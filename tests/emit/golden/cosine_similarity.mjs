// The value and the gradient of cosine_similarity, written by Clearprop.
// For a f64[7], b f64[7].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

/**
 * @param {Float64Array} a 7
 * @param {Float64Array} b 7
 * @returns {{cosine_similarity: number, da: Float64Array, db: Float64Array}}
 */
export function cosine_similarity_and_grad(a, b) {
    if (a.length !== 7) throw new RangeError(`a has length ${a.length}, written for 7`);
    if (b.length !== 7) throw new RangeError(`b has length ${b.length}, written for 7`);
    let cosine_similarity;
    const da = new Float64Array(7); // 7
    const db = new Float64Array(7); // 7

    // norm_a = np.sqrt(np.sum(a**2))
    // norm_b = np.sqrt(np.sum(b**2))
    // return a @ b / (norm_a * norm_b)
    // backward of: norm_b = np.sqrt(np.sum(b**2))
    // backward of: norm_a = np.sqrt(np.sum(a**2))
    let sum = 0;
    let sum2 = 0;
    let sum3 = 0;
    for (let i = 0; i < 7; i++) {
        sum += a[i] * b[i];
        sum2 += a[i] * a[i];
        sum3 += b[i] * b[i];
    }
    const norm_a = Math.sqrt(sum2);
    const norm_b = Math.sqrt(sum3);
    const t = norm_a * norm_b;
    const t2 = sum / t;
    const t3 = norm_a * t2 / norm_b;
    const t4 = norm_b * t2 / norm_a;
    for (let i = 0; i < 7; i++) {
        db[i] = (a[i] - t3 * b[i]) / t;
        da[i] = (b[i] - t4 * a[i]) / t;
    }
    cosine_similarity = t2;

    return { cosine_similarity, da, db };
}
