/* ---- gru_cell_and_grad.h */

#ifndef GRU_CELL_AND_GRAD_H
#define GRU_CELL_AND_GRAD_H

#include <stdint.h>

#define GRU_CELL_AND_GRAD_WORKSPACE 5120 /* bytes, aligned as for a double */

/* The value and the gradient of gru_cell, written by Clearprop.
 * For x f64[8,6], h f64[8,5], W f64[6,15], U f64[5,10], Un f64[5,5], b f64[15], target f64[8,5].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void gru_cell_and_grad(
    const double *x,
    const double *h,
    const double *W,
    const double *U,
    const double *Un,
    const double *b,
    const double *target,
    double *gru_cell,
    double *dx,
    double *dh,
    double *dW,
    double *dU,
    double *dUn,
    double *db,
    double *dtarget,
    void *workspace);

#endif

/* ---- gru_cell_and_grad.c */

/* The value and the gradient of gru_cell, written by Clearprop.
 * For x f64[8,6], h f64[8,5], W f64[6,15], U f64[5,10], Un f64[5,5], b f64[15], target f64[8,5].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "gru_cell_and_grad.h"

void gru_cell_and_grad(
    const double *x,
    const double *h,
    const double *W,
    const double *U,
    const double *Un,
    const double *b,
    const double *target,
    double *gru_cell,
    double *dx,
    double *dh,
    double *dW,
    double *dU,
    double *dUn,
    double *db,
    double *dtarget,
    void *workspace)
{
    double *a = (double *)workspace; /* 8 x 15 */
    double *da = (double *)((char *)workspace + 960); /* 8 x 15 */
    double *s = (double *)((char *)workspace + 960); /* 8 x 10 */
    double *ds = (double *)((char *)workspace + 1920); /* 8 x 10 */
    double *z_pre_4 = (double *)((char *)workspace + 2560); /* 8 x 5 */
    double *r_pre_4 = (double *)((char *)workspace + 2880); /* 8 x 5 */
    double *one_minus_z = (double *)((char *)workspace + 3200); /* 8 x 5 */
    double *z_h = (double *)((char *)workspace + 3520); /* 8 x 5 */
    double *one_minus_r = (double *)((char *)workspace + 3840); /* 8 x 5 */
    double *part = (double *)((char *)workspace + 4160); /* 8 x 5 */
    double *dh_new_z = (double *)((char *)workspace + 4480); /* 8 x 5 */
    double *dhUn = (double *)((char *)workspace + 4800); /* 8 x 5 */
    double *dh_part_2 = (double *)workspace; /* 8 x 5 */

    /* a = x @ W + b */
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 15; j++) {
            double sum = 0;
            for (int k = 0; k < 6; k++)
                sum += x[6*i + k] * W[15*k + j];
            a[15*i + j] = sum + b[j];
        }
    }

    /* s = h @ U */
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 10; j++) {
            double sum = 0;
            for (int k = 0; k < 5; k++)
                sum += h[5*i + k] * U[10*k + j];
            s[10*i + j] = sum;
        }
    }

    /* z = clearprop.sigmoid(a[:, :5] + s[:, :5]) */
    /* r = clearprop.sigmoid(a[:, 5:10] + s[:, 5:]) */
    /* h_new = (1 - z) * n + z * h */
    /* backward of: r = clearprop.sigmoid(a[:, 5:10] + s[:, 5:]) */
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 5; j++) {
            const double t = 1.0 + exp(-(a[15*i + j] + s[10*i + j]));
            const double t2 = 1.0 + exp(-(a[15*i + j + 5] + s[10*i + j + 5]));
            const double z = 1.0 / t;
            const double r = 1.0 / t2;
            z_pre_4[5*i + j] = t;
            r_pre_4[5*i + j] = t2;
            one_minus_z[5*i + j] = 1.0 - z;
            z_h[5*i + j] = h[5*i + j] / t;
            one_minus_r[5*i + j] = 1.0 - r;
        }
    }

    /* n = np.tanh(a[:, 10:] + r * (h @ Un)) */
    /* h_new = (1 - z) * n + z * h */
    /* return np.sum((h_new - target) ** 2) */
    /* backward of: return np.sum((h_new - target) ** 2) */
    /* backward of: h_new = (1 - z) * n + z * h */
    /* backward of: n = np.tanh(a[:, 10:] + r * (h @ Un)) */
    /* backward of: r = clearprop.sigmoid(a[:, 5:10] + s[:, 5:]) */
    /* backward of: z = clearprop.sigmoid(a[:, :5] + s[:, :5]) */
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 5; j++) {
            double sum = 0;
            for (int k = 0; k < 5; k++)
                sum += h[5*i + k] * Un[5*k + j];
            const double n_ = tanh(a[15*i + j + 10] + sum / r_pre_4[5*i + j]);
            const double h_new = one_minus_z[5*i + j] * n_ + z_h[5*i + j];
            const double t = h_new - target[5*i + j];
            const double dh_new = 2.0 * t;
            const double t2 = dh_new / z_pre_4[5*i + j];
            const double dn = dh_new * one_minus_z[5*i + j];
            const double da_part = dn * (1.0 - n_ * n_);
            const double da_part_ij = t2 * one_minus_z[5*i + j] * (h[5*i + j] - n_);
            const double da_part_ij2 = da_part * sum / r_pre_4[5*i + j] * one_minus_r[5*i + j];
            part[5*i + j] = t * t;
            dtarget[5*i + j] = -dh_new;
            dh_new_z[5*i + j] = t2;
            dhUn[5*i + j] = da_part / r_pre_4[5*i + j];
            ds[10*i + j] = da_part_ij;
            ds[10*i + j + 5] = da_part_ij2;
            da[15*i + j] = da_part_ij;
            da[15*i + j + 5] = da_part_ij2;
            da[15*i + j + 10] = da_part;
        }
    }

    /* return np.sum((h_new - target) ** 2) */
    double sum = 0;
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 5; j++) {
            sum += part[5*i + j];
        }
    }
    *gru_cell = sum;

    /* backward of: n = np.tanh(a[:, 10:] + r * (h @ Un)) */
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 5; j++) {
            double sum2 = 0;
            for (int k = 0; k < 5; k++)
                sum2 += dhUn[5*i + k] * Un[5*j + k];
            dh_part_2[5*i + j] = dh_new_z[5*i + j] + sum2;
        }
    }

    /* backward of: n = np.tanh(a[:, 10:] + r * (h @ Un)) */
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 5; j++) {
            double sum2 = 0;
            for (int k = 0; k < 8; k++)
                sum2 += h[5*k + i] * dhUn[5*k + j];
            dUn[5*i + j] = sum2;
        }
    }

    /* backward of: s = h @ U */
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 5; j++) {
            double sum2 = 0;
            for (int k = 0; k < 10; k++)
                sum2 += ds[10*i + k] * U[10*j + k];
            dh[5*i + j] = dh_part_2[5*i + j] + sum2;
        }
    }

    /* backward of: s = h @ U */
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 10; j++) {
            double sum2 = 0;
            for (int k = 0; k < 8; k++)
                sum2 += h[5*k + i] * ds[10*k + j];
            dU[10*i + j] = sum2;
        }
    }

    /* backward of: a = x @ W + b */
    for (int j = 0; j < 15; j++) {
        double db_j = 0;
        for (int i = 0; i < 8; i++) {
            db_j += da[15*i + j];
        }
        db[j] = db_j;
    }

    /* backward of: a = x @ W + b */
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 6; j++) {
            double sum2 = 0;
            for (int k = 0; k < 15; k++)
                sum2 += da[15*i + k] * W[15*j + k];
            dx[6*i + j] = sum2;
        }
    }

    /* backward of: a = x @ W + b */
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 15; j++) {
            double sum2 = 0;
            for (int k = 0; k < 8; k++)
                sum2 += x[6*k + i] * da[15*k + j];
            dW[15*i + j] = sum2;
        }
    }
}
