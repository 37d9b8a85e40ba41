// The value and the gradient of quaternion_rotation, written by Clearprop.
// For q f64[4], v f64[3], target f64[3].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

/**
 * @param {Float64Array} q 4
 * @param {Float64Array} v 3
 * @param {Float64Array} target 3
 * @returns {{quaternion_rotation: number, dq: Float64Array, dv: Float64Array}}
 */
export function quaternion_rotation_and_grad(q, v, target) {
    if (q.length !== 4) throw new RangeError(`q has length ${q.length}, written for 4`);
    if (v.length !== 3) throw new RangeError(`v has length ${v.length}, written for 3`);
    if (target.length !== 3) throw new RangeError(`target has length ${target.length}, written for 3`);
    let quaternion_rotation;
    const dq = new Float64Array(4); // 4
    const dv = new Float64Array(3); // 3
    let q_norm;
    const unit = new Float64Array(4); // 4
    const cross = new Float64Array(3); // 3
    let two_uv;
    let w_squared_minus_uu;
    const rotated_part = new Float64Array(3); // 3
    let two_w;
    const dcross = new Float64Array(3); // 3
    const du_part_7 = new Float64Array(3); // 3
    const two_drotated_v_u = new Float64Array(3); // 3
    const dv_part_2 = new Float64Array(3); // 3
    const dunit = new Float64Array(4); // 4
    const du_part_4 = new Float64Array(3); // 3
    const du_part_5 = new Float64Array(3); // 3
    const du_part_6 = new Float64Array(3); // 3
    const dv_part_6 = new Float64Array(3); // 3
    const dv_part_7 = new Float64Array(3); // 3
    const dv_part_8 = new Float64Array(3); // 3

    // unit = q / np.sqrt(np.sum(q**2))
    let sum = 0;
    for (let i = 0; i < 4; i++) {
        sum += q[i] * q[i];
    }
    const t = Math.sqrt(sum);
    for (let i = 0; i < 4; i++) {
        unit[i] = q[i] / t;
    }
    q_norm = t;

    // uv = u @ v
    // [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] *  ...
    // cross = np.stack(
    // rotated = 2 * uv * u + (w**2 - u @ u) * v + 2 * w * cross
    let uv = 0;
    let sum2 = 0;
    for (let i = 0; i < 3; i++) {
        uv += unit[i + 1] * v[i];
        sum2 += unit[i + 1] * unit[i + 1];
    }
    const t2 = 2 * uv;
    const t3 = unit[0] * unit[0] - sum2;
    for (let i = 0; i < 3; i++) {
        rotated_part[i] = t2 * unit[i + 1] + t3 * v[i];
    }
    const cross_part = unit[2] * v[2] - unit[3] * v[1];
    const cross_part2 = unit[3] * v[0] - unit[1] * v[2];
    const cross_part3 = unit[1] * v[1] - unit[2] * v[0];
    cross[0] = cross_part;
    cross[1] = cross_part2;
    cross[2] = cross_part3;
    two_uv = t2;
    w_squared_minus_uu = t3;
    two_w = 2 * unit[0];

    // rotated = 2 * uv * u + (w**2 - u @ u) * v + 2 * w * cross
    // return np.sum((rotated - target) ** 2)
    // backward of: return np.sum((rotated - target) ** 2)
    // backward of: rotated = 2 * uv * u + (w**2 - u @ u) * v + 2 * w * cross
    // backward of: uv = u @ v
    // backward of: w, u = unit[0], unit[1:]
    let sum3 = 0;
    let sum4 = 0;
    let sum5 = 0;
    let sum6 = 0;
    for (let i = 0; i < 3; i++) {
        const rotated = rotated_part[i] + two_w * cross[i];
        const t4 = rotated - target[i];
        const drotated = 2 * t4;
        sum3 += t4 * t4;
        sum4 += drotated * unit[i + 1];
        sum5 += drotated * v[i];
        sum6 += drotated * cross[i];
        dcross[i] = two_w * drotated;
    }
    const duv = 2 * sum4;
    for (let i = 0; i < 3; i++) {
        const rotated_i = rotated_part[i] + two_w * cross[i];
        const t5 = rotated_i - target[i];
        const drotated_i = 2 * t5;
        du_part_7[i] = two_uv * drotated_i + duv * v[i];
        two_drotated_v_u[i] = 2 * sum5 * unit[i + 1];
        dv_part_2[i] = w_squared_minus_uu * drotated_i + duv * unit[i + 1];
    }
    const dunit_part = 2 * sum6 + sum5 * two_w;
    quaternion_rotation = sum3;
    dunit[0] = dunit_part;

    // backward of: [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] *  ...
    // backward of: uv = u @ v
    const du_part_4_part = dcross[2] * v[1] - dcross[1] * v[2];
    const du_part_5_part = dcross[1] * v[0] - dcross[0] * v[1];
    const du_part_6_part = dcross[0] * v[2] - dcross[2] * v[0];
    const dv_part_6_part = dcross[1] * unit[3] - dcross[2] * unit[2];
    const dv_part_7_part = dcross[2] * unit[1] - dcross[0] * unit[3];
    const dv_part_8_part = dcross[0] * unit[2] - dcross[1] * unit[1];
    du_part_4[0] = du_part_4_part;
    du_part_5[2] = du_part_5_part;
    du_part_6[1] = du_part_6_part;
    du_part_6[0] = 0;
    du_part_6[2] = 0;
    dv_part_6[0] = dv_part_6_part;
    dv_part_7[1] = dv_part_7_part;
    dv_part_7[0] = 0;
    dv_part_7[2] = 0;
    dv_part_8[2] = dv_part_8_part;

    // backward of: uv = u @ v
    for (let i = 0; i < 2; i++) {
        du_part_4[i + 1] = 0;
        du_part_5[i] = 0;
        dv_part_6[i + 1] = 0;
        dv_part_8[i] = 0;
    }

    // backward of: uv = u @ v
    // backward of: w, u = unit[0], unit[1:]
    for (let i = 0; i < 3; i++) {
        const dunit_part_i = du_part_7[i] + du_part_4[i] + du_part_5[i] + du_part_6[i] - two_drotated_v_u[i];
        dv[i] = dv_part_2[i] + dv_part_6[i] + dv_part_7[i] + dv_part_8[i];
        dunit[i + 1] = dunit_part_i;
    }

    // backward of: unit = q / np.sqrt(np.sum(q**2))
    let sum7 = 0;
    for (let i = 0; i < 4; i++) {
        sum7 += dunit[i] * unit[i];
    }
    const t6 = sum7 / q_norm;
    for (let i = 0; i < 4; i++) {
        dq[i] = (dunit[i] - t6 * q[i]) / q_norm;
    }

    return { quaternion_rotation, dq, dv };
}
