/* ---- kalman_step_and_grad.h */

#ifndef KALMAN_STEP_AND_GRAD_H
#define KALMAN_STEP_AND_GRAD_H

#include <stdint.h>

#define KALMAN_STEP_AND_GRAD_WORKSPACE 1344 /* bytes, aligned as for a double */

/* The value and the gradient of kalman_step, written by Clearprop.
 * For x f64[4], P f64[4,4], F f64[4,4], Q f64[4,4], H f64[2,4], R f64[2,2], z f64[2], truth
 * f64[4].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void kalman_step_and_grad(
    const double *x,
    const double *P,
    const double *F,
    const double *Q,
    const double *H,
    const double *R,
    const double *z,
    const double *truth,
    double *kalman_step,
    double *dx,
    double *dF,
    double *dH,
    void *workspace);

#endif

/* ---- kalman_step_and_grad.c */

/* The value and the gradient of kalman_step, written by Clearprop.
 * For x f64[4], P f64[4,4], F f64[4,4], Q f64[4,4], H f64[2,4], R f64[2,2], z f64[2], truth
 * f64[4].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "kalman_step_and_grad.h"

static const double identity[4] = {1.0, 0.0, 0.0, 1.0};

void kalman_step_and_grad(
    const double *x,
    const double *P,
    const double *F,
    const double *Q,
    const double *H,
    const double *R,
    const double *z,
    const double *truth,
    double *kalman_step,
    double *dx,
    double *dF,
    double *dH,
    void *workspace)
{
    double det;
    double dK_K_sum;
    double dS01;
    double dS10;
    double product;
    double product_2;
    double *PPT = (double *)workspace; /* 4 x 4 */
    double *FPPT = (double *)((char *)workspace + 128); /* 4 x 4 */
    double *P_pred_part = (double *)((char *)workspace + 256); /* 4 x 4 */
    double *P_pred = (double *)((char *)workspace + 384); /* 4 x 4 */
    double *dP_pred_part = (double *)((char *)workspace + 256); /* 4 x 4 */
    double *dP_pred = (double *)((char *)workspace + 384); /* 4 x 4 */
    double *dFPPT = (double *)((char *)workspace + 256); /* 4 x 4 */
    double *dF_part = (double *)((char *)workspace + 512); /* 4 x 4 */
    double *FT_dx_pred = (double *)((char *)workspace + 128); /* 4 x 4 */
    double *H_P_pred = (double *)((char *)workspace + 512); /* 2 x 4 */
    double *P_pred_HT = (double *)((char *)workspace + 256); /* 4 x 2 */
    double *K = (double *)((char *)workspace + 320); /* 4 x 2 */
    double *H_x_pred = (double *)((char *)workspace + 576); /* 2 x 4 */
    double *dH_part = (double *)((char *)workspace + 576); /* 2 x 4 */
    double *dP_pred_HT_adjugate = (double *)((char *)workspace + 640); /* 4 x 2 */
    double *dP_pred_HT = (double *)((char *)workspace + 704); /* 4 x 2 */
    double *dH_part_4 = (double *)((char *)workspace + 640); /* 2 x 4 */
    double *dH_part_5 = (double *)((char *)workspace + 576); /* 2 x 4 */
    double *dH_P_pred = (double *)((char *)workspace + 512); /* 2 x 4 */
    double *x_pred = (double *)((char *)workspace + 704); /* 4 */
    double *H_P_pred_HT = (double *)((char *)workspace + 256); /* 2 x 2 */
    double *S = (double *)((char *)workspace + 768); /* 2 x 2 */
    double *adjugate = (double *)((char *)workspace + 832); /* 2 x 2 */
    double *x_new_part_2 = (double *)((char *)workspace + 640); /* 4 */
    double *dx_new = (double *)((char *)workspace + 896); /* 4 */
    double *HT_scaled_sum = (double *)((char *)workspace + 960); /* 4 */
    double *dS_part_5 = (double *)((char *)workspace + 1024); /* 2 x 2 */
    double *dS_part_6 = (double *)((char *)workspace + 1088); /* 2 x 2 */
    double *dS_part_7 = (double *)((char *)workspace + 1152); /* 2 x 2 */
    double *dS_part_8 = (double *)((char *)workspace + 1216); /* 2 x 2 */
    double *dx_pred = (double *)((char *)workspace + 1280); /* 4 */
    double *dadjugate = (double *)((char *)workspace + 768); /* 2 x 2 */
    double *dS = (double *)((char *)workspace + 704); /* 2 x 2 */
    double *adjugate0 = (double *)((char *)workspace + 256); /* 2 */
    double *adjugate1 = (double *)((char *)workspace + 320); /* 2 */
    double *z_minus_H_x_pred = (double *)((char *)workspace + 1280); /* 2 */

    /* x_pred = F @ x */
    for (int i = 0; i < 4; i++) {
        double x_pred_i = 0;
        for (int j = 0; j < 4; j++) {
            x_pred_i += F[4*i + j] * x[j];
        }
        x_pred[i] = x_pred_i;
    }

    /* P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++)
                sum += P[4*i + k] * P[4*j + k];
            PPT[4*i + j] = sum;
        }
    }

    /* P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++)
                sum += F[4*i + k] * PPT[4*k + j];
            FPPT[4*i + j] = sum;
        }
    }

    /* P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++)
                sum += FPPT[4*i + k] * F[4*j + k];
            P_pred_part[4*i + j] = sum;
        }
    }

    /* P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++)
                sum += Q[4*i + k] * Q[4*j + k];
            P_pred[4*i + j] = P_pred_part[4*i + j] + sum;
        }
    }

    /* S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]]) */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 4; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++)
                sum += H[4*i + k] * P_pred[4*k + j];
            H_P_pred[4*i + j] = sum;
        }
    }

    /* S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]]) */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++)
                sum += H_P_pred[4*i + k] * H[4*j + k];
            H_P_pred_HT[2*i + j] = sum;
        }
    }

    /* S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]]) */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            double sum = 0;
            for (int k = 0; k < 2; k++)
                sum += R[2*i + k] * R[2*j + k];
            S[2*i + j] = H_P_pred_HT[2*i + j] + sum + identity[2*i + j];
        }
    }

    /* det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0] */
    /* adjugate = np.stack([np.stack([S[1, 1], -S[0, 1]]), np.stack([-S[1, 0], S[0, ... */
    const double adjugate0_part = -S[1];
    const double adjugate1_part = -S[2];
    det = S[0] * S[3] - S[1] * S[2];
    adjugate0[0] = S[3];
    adjugate0[1] = adjugate0_part;
    adjugate1[0] = adjugate1_part;
    adjugate1[1] = S[0];

    /* adjugate = np.stack([np.stack([S[1, 1], -S[0, 1]]), np.stack([-S[1, 0], S[0, ... */
    for (int i = 0; i < 2; i++) {
        adjugate[i] = adjugate0[i];
        adjugate[i + 2] = adjugate1[i];
    }

    /* K = P_pred @ H.T @ adjugate / det */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 2; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++)
                sum += P_pred[4*i + k] * H[4*j + k];
            P_pred_HT[2*i + j] = sum;
        }
    }

    /* K = P_pred @ H.T @ adjugate / det */
    /* x_new = x_pred + K @ (z - H @ x_pred) */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 2; j++) {
            double sum = 0;
            for (int k = 0; k < 2; k++)
                sum += P_pred_HT[2*i + k] * adjugate[2*k + j];
            K[2*i + j] = sum / det;
            H_x_pred[4*j + i] = H[4*j + i] * x_pred[i];
        }
    }

    /* x_new = x_pred + K @ (z - H @ x_pred) */
    for (int i = 0; i < 4; i++)
        x_new_part_2[i] = 0;
    for (int i = 0; i < 2; i++) {
        double sum = 0;
        for (int j = 0; j < 4; j++) {
            sum += H_x_pred[4*i + j];
        }
        const double t = z[i] - sum;
        for (int j = 0; j < 4; j++) {
            x_new_part_2[j] += K[2*j + i] * t;
        }
        z_minus_H_x_pred[i] = t;
    }

    /* x_new = x_pred + K @ (z - H @ x_pred) */
    /* return np.sum((x_new - truth) ** 2) */
    /* backward of: return np.sum((x_new - truth) ** 2) */
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        const double x_new = x_pred[i] + x_new_part_2[i];
        const double t = x_new - truth[i];
        sum += t * t;
        dx_new[i] = 2.0 * t;
    }
    *kalman_step = sum;

    /* backward of: x_new = x_pred + K @ (z - H @ x_pred) */
    /* backward of: K = P_pred @ H.T @ adjugate / det */
    /* backward of: det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0] */
    for (int i = 0; i < 4; i++)
        HT_scaled_sum[i] = 0;
    dK_K_sum = 0;
    for (int j = 0; j < 2; j++) {
        double sum2 = 0;
        for (int i = 0; i < 4; i++) {
            const double dK = dx_new[i] * z_minus_H_x_pred[j];
            sum2 += K[2*i + j] * dx_new[i];
            dP_pred_HT_adjugate[2*i + j] = dK / det;
            dK_K_sum += dK * K[2*i + j];
        }
        for (int i = 0; i < 4; i++) {
            dH_part[4*j + i] = -sum2 * x_pred[i];
            HT_scaled_sum[i] += H[4*j + i] * sum2;
        }
        dS_part_5[j] = 0.0;
        dS_part_6[j + 2] = 0.0;
        dS_part_7[j] = 0.0;
        dS_part_8[j + 2] = 0.0;
    }

    /* backward of: x_new = x_pred + K @ (z - H @ x_pred) */
    for (int i = 0; i < 4; i++) {
        dx_pred[i] = dx_new[i] - HT_scaled_sum[i];
    }

    /* backward of: K = P_pred @ H.T @ adjugate / det */
    /* backward of: det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0] */
    const double t2 = dK_K_sum / det;
    dS01 = t2 * S[2];
    dS10 = t2 * S[1];
    product = t2 * S[0];
    product_2 = t2 * S[3];

    /* backward of: K = P_pred @ H.T @ adjugate / det */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            double sum2 = 0;
            for (int k = 0; k < 4; k++)
                sum2 += P_pred_HT[2*k + i] * dP_pred_HT_adjugate[2*k + j];
            dadjugate[2*i + j] = sum2;
        }
    }

    /* backward of: K = P_pred @ H.T @ adjugate / det */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 2; j++) {
            double sum2 = 0;
            for (int k = 0; k < 2; k++)
                sum2 += dP_pred_HT_adjugate[2*i + k] * adjugate[2*j + k];
            dP_pred_HT[2*i + j] = sum2;
        }
    }

    /* backward of: K = P_pred @ H.T @ adjugate / det */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 2; k++)
                sum2 += dP_pred_HT[2*i + k] * H[4*k + j];
            dP_pred_part[4*i + j] = sum2;
        }
    }

    /* backward of: K = P_pred @ H.T @ adjugate / det */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 4; k++)
                sum2 += dP_pred_HT[2*k + i] * P_pred[4*k + j];
            dH_part_4[4*i + j] = dH_part[4*i + j] + sum2;
        }
    }

    /* backward of: det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0] */
    const double dS_part_5_part = dS10 - dadjugate[2];
    const double dS_part_6_part = dS01 - dadjugate[1];
    const double dS_part_7_part = dadjugate[0] - product;
    const double dS_part_8_part = dadjugate[3] - product_2;
    dS_part_5[2] = dS_part_5_part;
    dS_part_5[3] = 0.0;
    dS_part_6[1] = dS_part_6_part;
    dS_part_6[0] = 0.0;
    dS_part_7[3] = dS_part_7_part;
    dS_part_7[2] = 0.0;
    dS_part_8[0] = dS_part_8_part;
    dS_part_8[1] = 0.0;

    /* backward of: det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0] */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            dS[2*i + j] = dS_part_5[2*i + j] + dS_part_6[2*i + j] + dS_part_7[2*i + j] + dS_part_8[2*i + j];
        }
    }

    /* backward of: S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]]) */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 2; k++)
                sum2 += dS[2*k + i] * H_P_pred[4*k + j];
            dH_part_5[4*i + j] = dH_part_4[4*i + j] + sum2;
        }
    }

    /* backward of: S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]]) */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 2; k++)
                sum2 += dS[2*i + k] * H[4*k + j];
            dH_P_pred[4*i + j] = sum2;
        }
    }

    /* backward of: S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]]) */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 4; k++)
                sum2 += dH_P_pred[4*i + k] * P_pred[4*j + k];
            dH[4*i + j] = dH_part_5[4*i + j] + sum2;
        }
    }

    /* backward of: S = H @ P_pred @ H.T + R @ R.T + np.array([[1.0, 0.0], [0.0, 1.0]]) */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 2; k++)
                sum2 += H[4*k + i] * dH_P_pred[4*k + j];
            dP_pred[4*i + j] = dP_pred_part[4*i + j] + sum2;
        }
    }

    /* backward of: P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 4; k++)
                sum2 += dP_pred[4*i + k] * F[4*k + j];
            dFPPT[4*i + j] = sum2;
        }
    }

    /* backward of: P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 4; k++)
                sum2 += dP_pred[4*k + i] * FPPT[4*k + j];
            dF_part[4*i + j] = sum2;
        }
    }

    /* backward of: P_pred = F @ (P @ P.T) @ F.T + Q @ Q.T */
    /* backward of: x_pred = F @ x */
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double sum2 = 0;
            for (int k = 0; k < 4; k++)
                sum2 += dFPPT[4*i + k] * PPT[4*j + k];
            dF[4*i + j] = dF_part[4*i + j] + sum2 + dx_pred[i] * x[j];
            FT_dx_pred[4*i + j] = F[4*j + i] * dx_pred[j];
        }
    }

    /* backward of: x_pred = F @ x */
    for (int i = 0; i < 4; i++) {
        double dx_i = 0;
        for (int j = 0; j < 4; j++) {
            dx_i += FT_dx_pred[4*i + j];
        }
        dx[i] = dx_i;
    }
}
