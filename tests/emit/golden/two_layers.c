/* ---- two_layers_and_grad.h */

#ifndef TWO_LAYERS_AND_GRAD_H
#define TWO_LAYERS_AND_GRAD_H

#include <stdint.h>

#define TWO_LAYERS_AND_GRAD_WORKSPACE 22272 /* bytes, aligned as for a double */

/* The value and the gradient of two_layers, written by Clearprop.
 * For x f64[64,10], W1 f64[10,20], b1 f64[20], W2 f64[20,1], b2 f64[1], y f64[64,1].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void two_layers_and_grad(
    const double *x,
    const double *W1,
    const double *b1,
    const double *W2,
    const double *b2,
    const double *y,
    double *loss,
    double *dW1,
    double *db1,
    double *dW2,
    double *db2,
    void *workspace);

#endif

/* ---- two_layers_and_grad.c */

/* The value and the gradient of two_layers, written by Clearprop.
 * For x f64[64,10], W1 f64[10,20], b1 f64[20], W2 f64[20,1], b2 f64[1], y f64[64,1].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "two_layers_and_grad.h"

static double maximum(double x, double y) { return x >= y || x != x ? x : y; }

void two_layers_and_grad(
    const double *x,
    const double *W1,
    const double *b1,
    const double *W2,
    const double *b2,
    const double *y,
    double *loss,
    double *dW1,
    double *db1,
    double *dW2,
    double *db2,
    void *workspace)
{
    double loss_pre;
    double *h = (double *)workspace; /* 64 x 20 */
    double *h_W2T = (double *)((char *)workspace + 10240); /* 64 x 20 */
    double *dh_pre = (double *)workspace; /* 64 x 20 */
    unsigned char *h_positive = (unsigned char *)((char *)workspace + 20480); /* 64 x 20 */
    double *dprediction = (double *)((char *)workspace + 21760); /* 64 x 1 */

    /* h = np.maximum(x @ W1 + b1, 0) */
    /* prediction = h @ W2 + b2 */
    /* backward of: h = np.maximum(x @ W1 + b1, 0) */
    for (int i = 0; i < 64; i++) {
        for (int j = 0; j < 20; j++) {
            double sum = 0;
            for (int k = 0; k < 10; k++)
                sum += x[10*i + k] * W1[20*k + j];
            const double h_ij = maximum(sum + b1[j], 0.0);
            h[20*i + j] = h_ij;
            h_W2T[20*i + j] = h_ij * W2[j];
            h_positive[20*i + j] = h_ij > 0.0;
        }
    }

    /* prediction = h @ W2 + b2 */
    /* loss = np.mean((prediction - y) ** 2) */
    /* backward of: loss = np.mean((prediction - y) ** 2) */
    /* backward of: prediction = h @ W2 + b2 */
    loss_pre = 0;
    *db2 = 0;
    for (int i = 0; i < 20; i++)
        dW2[i] = 0;
    for (int i = 0; i < 64; i++) {
        double sum = 0;
        for (int j = 0; j < 20; j++) {
            sum += h_W2T[20*i + j];
        }
        const double prediction = sum + b2[0];
        const double t = prediction - y[i];
        const double dprediction_i = 0.03125 * t;
        for (int j = 0; j < 20; j++) {
            dW2[j] += h[20*i + j] * dprediction_i;
        }
        loss_pre += t * t;
        dprediction[i] = dprediction_i;
        *db2 += dprediction_i;
    }

    /* loss = np.mean((prediction - y) ** 2) */
    *loss = loss_pre / 64.0;

    /* backward of: prediction = h @ W2 + b2 */
    /* backward of: h = np.maximum(x @ W1 + b1, 0) */
    for (int i = 0; i < 64; i++) {
        for (int j = 0; j < 20; j++) {
            double sum = 0;
            for (int k = 0; k < 1; k++)
                sum += dprediction[i] * W2[j];
            dh_pre[20*i + j] = sum * (double)(h_positive[20*i + j] != 0);
        }
    }

    /* backward of: h = np.maximum(x @ W1 + b1, 0) */
    for (int j = 0; j < 20; j++) {
        double db1_j = 0;
        for (int i = 0; i < 64; i++) {
            db1_j += dh_pre[20*i + j];
        }
        db1[j] = db1_j;
    }

    /* backward of: h = np.maximum(x @ W1 + b1, 0) */
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 20; j++) {
            double sum = 0;
            for (int k = 0; k < 64; k++)
                sum += x[10*k + i] * dh_pre[20*k + j];
            dW1[20*i + j] = sum;
        }
    }
}
