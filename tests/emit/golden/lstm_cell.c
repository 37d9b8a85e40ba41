/* ---- lstm_cell_and_grad.h */

#ifndef LSTM_CELL_AND_GRAD_H
#define LSTM_CELL_AND_GRAD_H

#include <stdint.h>

#define LSTM_CELL_AND_GRAD_WORKSPACE 2560 /* bytes, aligned as for a double */

/* The value and the gradient of lstm_cell, written by Clearprop.
 * For x f64[8,6], h f64[8,5], c f64[8,5], W f64[6,20], U f64[5,20], b f64[20], target f64[8,5].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void lstm_cell_and_grad(
    const double *x,
    const double *h,
    const double *c,
    const double *W,
    const double *U,
    const double *b,
    const double *target,
    double *lstm_cell,
    double *dx,
    double *dh,
    double *dc,
    double *dW,
    double *dU,
    double *db,
    double *dtarget,
    void *workspace);

#endif

/* ---- lstm_cell_and_grad.c */

/* The value and the gradient of lstm_cell, written by Clearprop.
 * For x f64[8,6], h f64[8,5], c f64[8,5], W f64[6,20], U f64[5,20], b f64[20], target f64[8,5].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "lstm_cell_and_grad.h"

void lstm_cell_and_grad(
    const double *x,
    const double *h,
    const double *c,
    const double *W,
    const double *U,
    const double *b,
    const double *target,
    double *lstm_cell,
    double *dx,
    double *dh,
    double *dc,
    double *dW,
    double *dU,
    double *db,
    double *dtarget,
    void *workspace)
{
    double *xW = (double *)workspace; /* 8 x 20 */
    double *gates = (double *)((char *)workspace + 1280); /* 8 x 20 */
    double *dgates = (double *)workspace; /* 8 x 20 */

    /* gates = x @ W + h @ U + b */
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 20; j++) {
            double sum = 0;
            for (int k = 0; k < 6; k++)
                sum += x[6*i + k] * W[20*k + j];
            xW[20*i + j] = sum;
        }
    }

    /* gates = x @ W + h @ U + b */
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 20; j++) {
            double sum = 0;
            for (int k = 0; k < 5; k++)
                sum += h[5*i + k] * U[20*k + j];
            gates[20*i + j] = xW[20*i + j] + sum + b[j];
        }
    }

    /* i = clearprop.sigmoid(gates[:, :n]) */
    /* f = clearprop.sigmoid(gates[:, n : 2 * n]) */
    /* o = clearprop.sigmoid(gates[:, 2 * n : 3 * n]) */
    /* g = np.tanh(gates[:, 3 * n :]) */
    /* c_new = f * c + i * g */
    /* h_new = o * np.tanh(c_new) */
    /* return np.sum((h_new - target) ** 2) */
    /* backward of: return np.sum((h_new - target) ** 2) */
    /* backward of: h_new = o * np.tanh(c_new) */
    /* backward of: c_new = f * c + i * g */
    /* backward of: g = np.tanh(gates[:, 3 * n :]) */
    /* backward of: o = clearprop.sigmoid(gates[:, 2 * n : 3 * n]) */
    /* backward of: f = clearprop.sigmoid(gates[:, n : 2 * n]) */
    /* backward of: i = clearprop.sigmoid(gates[:, :n]) */
    double sum = 0;
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 5; j++) {
            const double t = 1.0 + exp(-gates[20*i + j + 5]);
            const double g = tanh(gates[20*i + j + 15]);
            const double t2 = 1.0 + exp(-gates[20*i + j]);
            const double c_new = c[5*i + j] / t + g / t2;
            const double t3 = tanh(c_new);
            const double t4 = 1.0 + exp(-gates[20*i + j + 10]);
            const double h_new = t3 / t4;
            const double t5 = h_new - target[5*i + j];
            const double dh_new = 2.0 * t5;
            const double dc_new = dh_new / t4 * (1.0 - t3 * t3);
            const double i_ = 1.0 / t2;
            const double dgates_part = dc_new * g / t2 * (1.0 - i_);
            const double f = 1.0 / t;
            const double dgates_part_ij = dc_new * c[5*i + j] / t * (1.0 - f);
            const double o = 1.0 / t4;
            const double dgates_part_ij2 = dh_new * t3 / t4 * (1.0 - o);
            const double dg = dc_new / t2;
            const double dgates_part_ij3 = dg * (1.0 - g * g);
            sum += t5 * t5;
            dtarget[5*i + j] = -dh_new;
            dc[5*i + j] = dc_new / t;
            dgates[20*i + j] = dgates_part;
            dgates[20*i + j + 5] = dgates_part_ij;
            dgates[20*i + j + 10] = dgates_part_ij2;
            dgates[20*i + j + 15] = dgates_part_ij3;
        }
    }
    *lstm_cell = sum;

    /* backward of: gates = x @ W + h @ U + b */
    for (int j = 0; j < 20; j++) {
        double db_j = 0;
        for (int i = 0; i < 8; i++) {
            db_j += dgates[20*i + j];
        }
        db[j] = db_j;
    }

    /* backward of: gates = x @ W + h @ U + b */
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 5; j++) {
            double sum2 = 0;
            for (int k = 0; k < 20; k++)
                sum2 += dgates[20*i + k] * U[20*j + k];
            dh[5*i + j] = sum2;
        }
    }

    /* backward of: gates = x @ W + h @ U + b */
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 20; j++) {
            double sum2 = 0;
            for (int k = 0; k < 8; k++)
                sum2 += h[5*k + i] * dgates[20*k + j];
            dU[20*i + j] = sum2;
        }
    }

    /* backward of: gates = x @ W + h @ U + b */
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 6; j++) {
            double sum2 = 0;
            for (int k = 0; k < 20; k++)
                sum2 += dgates[20*i + k] * W[20*j + k];
            dx[6*i + j] = sum2;
        }
    }

    /* backward of: gates = x @ W + h @ U + b */
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 20; j++) {
            double sum2 = 0;
            for (int k = 0; k < 8; k++)
                sum2 += x[6*k + i] * dgates[20*k + j];
            dW[20*i + j] = sum2;
        }
    }
}
