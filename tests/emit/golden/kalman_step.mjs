// The value and the gradient of kalman_step, written by Clearprop.
// For x f64[4], P f64[4,4], F f64[4,4], Q f64[4,4], H f64[2,4], R f64[2,2], z f64[2], truth
// f64[4].
// Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
// Run against Clearprop: largest relative error tiny; against finite differences: tiny.

const identity = Float64Array.of(1, 0, 0, 1);

/**
 * @param {Float64Array} x 4
 * @param {Float64Array} P 4 x 4
 * @param {Float64Array} F 4 x 4
 * @param {Float64Array} Q 4 x 4
 * @param {Float64Array} H 2 x 4
 * @param {Float64Array} R 2 x 2
 * @param {Float64Array} z 2
 * @param {Float64Array} truth 4
 * @returns {{kalman_step: number, dx: Float64Array, dF: Float64Array, dH: Float64Array}}
 */
export function kalman_step_and_grad(x, P, F, Q, H, R, z, truth) {
    if (x.length !== 4) throw new RangeError(`x has length ${x.length}, written for 4`);
    if (P.length !== 16) throw new RangeError(`P has length ${P.length}, written for 4 x 4`);
    if (F.length !== 16) throw new RangeError(`F has length ${F.length}, written for 4 x 4`);
    if (Q.length !== 16) throw new RangeError(`Q has length ${Q.length}, written for 4 x 4`);
    if (H.length !== 8) throw new RangeError(`H has length ${H.length}, written for 2 x 4`);
    if (R.length !== 4) throw new RangeError(`R has length ${R.length}, written for 2 x 2`);
    if (z.length !== 2) throw new RangeError(`z has length ${z.length}, written for 2`);
    if (truth.length !== 4) throw new RangeError(`truth has length ${truth.length}, written for 4`);
    let kalman_step;
    const dx = new Float64Array(4); // 4
    const dF = new Float64Array(16); // 4 x 4
    const dH = new Float64Array(8); // 2 x 4
    const x_pred = new Float64Array(4); // 4
    const PPT = new Float64Array(16); // 4 x 4
    const FPPT = new Float64Array(16); // 4 x 4
    const P_pred_part = new Float64Array(16); // 4 x 4
    const P_pred = new Float64Array(16); // 4 x 4
    const H_P_pred = new Float64Array(8); // 2 x 4
    const H_P_pred_HT = new Float64Array(4); // 2 x 2
    const S = new Float64Array(4); // 2 x 2
    let det;
    const adjugate0 = new Float64Array(2); // 2
    const adjugate1 = new Float64Array(2); // 2
    const adjugate = new Float64Array(4); // 2 x 2
    const P_pred_HT = new Float64Array(8); // 4 x 2
    const K = new Float64Array(8); // 4 x 2
    const H_x_pred = new Float64Array(8); // 2 x 4
    const z_minus_H_x_pred = new Float64Array(2); // 2
    const x_new_part_2 = new Float64Array(4); // 4
    const dx_new = new Float64Array(4); // 4
    const dH_part = new Float64Array(8); // 2 x 4
    const HT_scaled_sum = new Float64Array(4); // 4
    const dP_pred_HT_adjugate = new Float64Array(8); // 4 x 2
    let dK_K_sum;
    const dS_part_5 = new Float64Array(4); // 2 x 2
    const dS_part_6 = new Float64Array(4); // 2 x 2
    const dS_part_7 = new Float64Array(4); // 2 x 2
    const dS_part_8 = new Float64Array(4); // 2 x 2
    const dx_pred = new Float64Array(4); // 4
    let dS01;
    let dS10;
    let product;
    let product_2;
    const dadjugate = new Float64Array(4); // 2 x 2
    const dP_pred_HT = new Float64Array(8); // 4 x 2
    const dP_pred_part = new Float64Array(16); // 4 x 4
    const dH_part_4 = new Float64Array(8); // 2 x 4
    const dS = new Float64Array(4); // 2 x 2
    const dH_part_5 = new Float64Array(8); // 2 x 4
    const dH_P_pred = new Float64Array(8); // 2 x 4
    const dP_pred = new Float64Array(16); // 4 x 4
    const dFPPT = new Float64Array(16); // 4 x 4
    const dF_part = new Float64Array(16); // 4 x 4
    const FT_dx_pred = new Float64Array(16); // 4 x 4

    // x_pred = F @ x
    for (let i = 0; i < 4; i++) {
        let x_pred_i = 0;
        for (let j = 0; j < 4; j++) {
            x_pred_i += F[4*i + j] * x[j];
        }
        x_pred[i] = x_pred_i;
    }

    // P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T
    for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 4; j++) {
            let sum = 0;
            for (let k = 0; k < 4; k++)
                sum += P[4*i + k] * P[4*j + k];
            PPT[4*i + j] = sum;
        }
    }

    // P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T
    for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 4; j++) {
            let sum = 0;
            for (let k = 0; k < 4; k++)
                sum += F[4*i + k] * PPT[4*k + j];
            FPPT[4*i + j] = sum;
        }
    }

    // P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T
    for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 4; j++) {
            let sum = 0;
            for (let k = 0; k < 4; k++)
                sum += FPPT[4*i + k] * F[4*j + k];
            P_pred_part[4*i + j] = sum;
        }
    }

    // P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T
    for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 4; j++) {
            let sum = 0;
            for (let k = 0; k < 4; k++)
                sum += Q[4*i + k] * Q[4*j + k];
            P_pred[4*i + j] = P_pred_part[4*i + j] + sum;
        }
    }

    // S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]])
    for (let i = 0; i < 2; i++) {
        for (let j = 0; j < 4; j++) {
            let sum = 0;
            for (let k = 0; k < 4; k++)
                sum += H[4*i + k] * P_pred[4*k + j];
            H_P_pred[4*i + j] = sum;
        }
    }

    // S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]])
    for (let i = 0; i < 2; i++) {
        for (let j = 0; j < 2; j++) {
            let sum = 0;
            for (let k = 0; k < 4; k++)
                sum += H_P_pred[4*i + k] * H[4*j + k];
            H_P_pred_HT[2*i + j] = sum;
        }
    }

    // S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]])
    for (let i = 0; i < 2; i++) {
        for (let j = 0; j < 2; j++) {
            let sum = 0;
            for (let k = 0; k < 2; k++)
                sum += R[2*i + k] * R[2*j + k];
            S[2*i + j] = H_P_pred_HT[2*i + j] + sum + identity[2*i + j];
        }
    }

    // det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0]
    // adjugate = np.stack([np.stack([S[1, 1], -S[0, 1]]), np.stack([-S[1, 0], S[0, ...
    const adjugate0_part = -S[1];
    const adjugate1_part = -S[2];
    det = S[0] * S[3] - S[1] * S[2];
    adjugate0[0] = S[3];
    adjugate0[1] = adjugate0_part;
    adjugate1[0] = adjugate1_part;
    adjugate1[1] = S[0];

    // adjugate = np.stack([np.stack([S[1, 1], -S[0, 1]]), np.stack([-S[1, 0], S[0, ...
    for (let i = 0; i < 2; i++) {
        adjugate[i] = adjugate0[i];
        adjugate[i + 2] = adjugate1[i];
    }

    // K = P_pred @ H.T @ adjugate / det
    for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 2; j++) {
            let sum = 0;
            for (let k = 0; k < 4; k++)
                sum += P_pred[4*i + k] * H[4*j + k];
            P_pred_HT[2*i + j] = sum;
        }
    }

    // K = P_pred @ H.T @ adjugate / det
    // x_new = x_pred + K @ (z - H @ x_pred)
    for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 2; j++) {
            let sum = 0;
            for (let k = 0; k < 2; k++)
                sum += P_pred_HT[2*i + k] * adjugate[2*k + j];
            K[2*i + j] = sum / det;
            H_x_pred[4*j + i] = H[4*j + i] * x_pred[i];
        }
    }

    // x_new = x_pred + K @ (z - H @ x_pred)
    for (let i = 0; i < 2; i++) {
        let sum = 0;
        for (let j = 0; j < 4; j++) {
            sum += H_x_pred[4*i + j];
        }
        const t = z[i] - sum;
        for (let j = 0; j < 4; j++) {
            x_new_part_2[j] += K[2*j + i] * t;
        }
        z_minus_H_x_pred[i] = t;
    }

    // x_new = x_pred + K @ (z - H @ x_pred)
    // return np.sum((x_new - truth) ** 2)
    // backward of: return np.sum((x_new - truth) ** 2)
    let sum = 0;
    for (let i = 0; i < 4; i++) {
        const x_new = x_pred[i] + x_new_part_2[i];
        const t = x_new - truth[i];
        sum += t * t;
        dx_new[i] = 2 * t;
    }
    kalman_step = sum;

    // backward of: x_new = x_pred + K @ (z - H @ x_pred)
    // backward of: K = P_pred @ H.T @ adjugate / det
    // backward of: det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0]
    dK_K_sum = 0;
    for (let j = 0; j < 2; j++) {
        let sum2 = 0;
        for (let i = 0; i < 4; i++) {
            const dK = dx_new[i] * z_minus_H_x_pred[j];
            sum2 += K[2*i + j] * dx_new[i];
            dP_pred_HT_adjugate[2*i + j] = dK / det;
            dK_K_sum += dK * K[2*i + j];
        }
        for (let i = 0; i < 4; i++) {
            dH_part[4*j + i] = -sum2 * x_pred[i];
            HT_scaled_sum[i] += H[4*j + i] * sum2;
        }
        dS_part_5[j] = 0;
        dS_part_6[j + 2] = 0;
        dS_part_7[j] = 0;
        dS_part_8[j + 2] = 0;
    }

    // backward of: x_new = x_pred + K @ (z - H @ x_pred)
    for (let i = 0; i < 4; i++) {
        dx_pred[i] = dx_new[i] - HT_scaled_sum[i];
    }

    // backward of: K = P_pred @ H.T @ adjugate / det
    // backward of: det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0]
    const t2 = dK_K_sum / det;
    dS01 = t2 * S[2];
    dS10 = t2 * S[1];
    product = t2 * S[0];
    product_2 = t2 * S[3];

    // backward of: K = P_pred @ H.T @ adjugate / det
    for (let i = 0; i < 2; i++) {
        for (let j = 0; j < 2; j++) {
            let sum2 = 0;
            for (let k = 0; k < 4; k++)
                sum2 += P_pred_HT[2*k + i] * dP_pred_HT_adjugate[2*k + j];
            dadjugate[2*i + j] = sum2;
        }
    }

    // backward of: K = P_pred @ H.T @ adjugate / det
    for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 2; j++) {
            let sum2 = 0;
            for (let k = 0; k < 2; k++)
                sum2 += dP_pred_HT_adjugate[2*i + k] * adjugate[2*j + k];
            dP_pred_HT[2*i + j] = sum2;
        }
    }

    // backward of: K = P_pred @ H.T @ adjugate / det
    for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 4; j++) {
            let sum2 = 0;
            for (let k = 0; k < 2; k++)
                sum2 += dP_pred_HT[2*i + k] * H[4*k + j];
            dP_pred_part[4*i + j] = sum2;
        }
    }

    // backward of: K = P_pred @ H.T @ adjugate / det
    for (let i = 0; i < 2; i++) {
        for (let j = 0; j < 4; j++) {
            let sum2 = 0;
            for (let k = 0; k < 4; k++)
                sum2 += dP_pred_HT[2*k + i] * P_pred[4*k + j];
            dH_part_4[4*i + j] = dH_part[4*i + j] + sum2;
        }
    }

    // backward of: det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0]
    const dS_part_5_part = dS10 - dadjugate[2];
    const dS_part_6_part = dS01 - dadjugate[1];
    const dS_part_7_part = dadjugate[0] - product;
    const dS_part_8_part = dadjugate[3] - product_2;
    dS_part_5[2] = dS_part_5_part;
    dS_part_5[3] = 0;
    dS_part_6[1] = dS_part_6_part;
    dS_part_6[0] = 0;
    dS_part_7[3] = dS_part_7_part;
    dS_part_7[2] = 0;
    dS_part_8[0] = dS_part_8_part;
    dS_part_8[1] = 0;

    // backward of: det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0]
    for (let i = 0; i < 2; i++) {
        for (let j = 0; j < 2; j++) {
            dS[2*i + j] = dS_part_5[2*i + j] + dS_part_6[2*i + j] + dS_part_7[2*i + j] + dS_part_8[2*i + j];
        }
    }

    // backward of: S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]])
    for (let i = 0; i < 2; i++) {
        for (let j = 0; j < 4; j++) {
            let sum2 = 0;
            for (let k = 0; k < 2; k++)
                sum2 += dS[2*k + i] * H_P_pred[4*k + j];
            dH_part_5[4*i + j] = dH_part_4[4*i + j] + sum2;
        }
    }

    // backward of: S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]])
    for (let i = 0; i < 2; i++) {
        for (let j = 0; j < 4; j++) {
            let sum2 = 0;
            for (let k = 0; k < 2; k++)
                sum2 += dS[2*i + k] * H[4*k + j];
            dH_P_pred[4*i + j] = sum2;
        }
    }

    // backward of: S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]])
    for (let i = 0; i < 2; i++) {
        for (let j = 0; j < 4; j++) {
            let sum2 = 0;
            for (let k = 0; k < 4; k++)
                sum2 += dH_P_pred[4*i + k] * P_pred[4*j + k];
            dH[4*i + j] = dH_part_5[4*i + j] + sum2;
        }
    }

    // backward of: S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]])
    for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 4; j++) {
            let sum2 = 0;
            for (let k = 0; k < 2; k++)
                sum2 += H[4*k + i] * dH_P_pred[4*k + j];
            dP_pred[4*i + j] = dP_pred_part[4*i + j] + sum2;
        }
    }

    // backward of: P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T
    for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 4; j++) {
            let sum2 = 0;
            for (let k = 0; k < 4; k++)
                sum2 += dP_pred[4*i + k] * F[4*k + j];
            dFPPT[4*i + j] = sum2;
        }
    }

    // backward of: P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T
    for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 4; j++) {
            let sum2 = 0;
            for (let k = 0; k < 4; k++)
                sum2 += dP_pred[4*k + i] * FPPT[4*k + j];
            dF_part[4*i + j] = sum2;
        }
    }

    // backward of: P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T
    // backward of: x_pred = F @ x
    for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 4; j++) {
            let sum2 = 0;
            for (let k = 0; k < 4; k++)
                sum2 += dFPPT[4*i + k] * PPT[4*j + k];
            dF[4*i + j] = dF_part[4*i + j] + sum2 + dx_pred[i] * x[j];
            FT_dx_pred[4*i + j] = F[4*j + i] * dx_pred[j];
        }
    }

    // backward of: x_pred = F @ x
    for (let i = 0; i < 4; i++) {
        let dx_i = 0;
        for (let j = 0; j < 4; j++) {
            dx_i += FT_dx_pred[4*i + j];
        }
        dx[i] = dx_i;
    }

    return { kalman_step, dx, dF, dH };
}
