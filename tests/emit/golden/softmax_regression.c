/* ---- softmax_regression_and_grad.h */

#ifndef SOFTMAX_REGRESSION_AND_GRAD_H
#define SOFTMAX_REGRESSION_AND_GRAD_H

#include <stdint.h>

#define SOFTMAX_REGRESSION_AND_GRAD_WORKSPACE 6144 /* bytes, aligned as for a double */

/* The value and the gradient of softmax_regression, written by Clearprop.
 * For x f64[50,8], W f64[8,5], b f64[5], y i64[50].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void softmax_regression_and_grad(
    const double *x,
    const double *W,
    const double *b,
    const int64_t *y,
    double *loss,
    double *dW,
    double *db,
    void *workspace);

#endif

/* ---- softmax_regression_and_grad.c */

/* The value and the gradient of softmax_regression, written by Clearprop.
 * For x f64[50,8], W f64[8,5], b f64[5], y i64[50].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "softmax_regression_and_grad.h"

static double maximum(double x, double y) { return x >= y || x != x ? x : y; }

static const int64_t constant[50] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49};

void softmax_regression_and_grad(
    const double *x,
    const double *W,
    const double *b,
    const int64_t *y,
    double *loss,
    double *dW,
    double *db,
    void *workspace)
{
    double *logits = (double *)workspace; /* 50 x 5 */
    double *log_softmax_logits = (double *)((char *)workspace + 2048); /* 50 x 5 */
    double *exp_log_softmax_logits_2 = (double *)((char *)workspace + 4096); /* 50 x 5 */
    double *dlogits_part = (double *)workspace; /* 50 x 5 */
    double *dlogits = (double *)((char *)workspace + 2048); /* 50 x 5 */

    /* logits = x @ W + b */
    for (int i = 0; i < 50; i++) {
        for (int j = 0; j < 5; j++) {
            double sum = 0;
            for (int k = 0; k < 8; k++)
                sum += x[8*i + k] * W[5*k + j];
            logits[5*i + j] = sum + b[j];
        }
    }

    /* loss = clearprop.cross_entropy(logits, y) */
    /* backward of: loss = clearprop.cross_entropy(logits, y) */
    for (int i = 0; i < 50; i++) {
        double top = -INFINITY;
        for (int j = 0; j < 5; j++) {
            top = maximum(top, logits[5*i + j]);
        }
        double sum = 0;
        for (int j = 0; j < 5; j++) {
            const double t = logits[5*i + j] - top;
            sum += exp(t);
        }
        const double t2 = log(sum);
        for (int j = 0; j < 5; j++) {
            const double t3 = logits[5*i + j] - top;
            const double t4 = t3 - t2;
            log_softmax_logits[5*i + j] = t4;
            exp_log_softmax_logits_2[5*i + j] = exp(t4) / 50.0;
        }
    }

    /* loss = clearprop.cross_entropy(logits, y) */
    /* backward of: loss = clearprop.cross_entropy(logits, y) */
    for (int i = 0; i < 250; i++)
        dlogits_part[i] = 0;
    double sum = 0;
    for (int i = 0; i < 50; i++) {
        sum += log_softmax_logits[5*constant[i] + y[i]];
        dlogits_part[5*constant[i] + y[i]] += 0.02;
    }
    *loss = -(sum / 50.0);

    /* backward of: loss = clearprop.cross_entropy(logits, y) */
    /* backward of: logits = x @ W + b */
    for (int j = 0; j < 5; j++) {
        double db_j = 0;
        for (int i = 0; i < 50; i++) {
            const double dlogits_ij = exp_log_softmax_logits_2[5*i + j] - dlogits_part[5*i + j];
            db_j += dlogits_ij;
            dlogits[5*i + j] = dlogits_ij;
        }
        db[j] = db_j;
    }

    /* backward of: logits = x @ W + b */
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 5; j++) {
            double sum2 = 0;
            for (int k = 0; k < 50; k++)
                sum2 += x[8*k + i] * dlogits[5*k + j];
            dW[5*i + j] = sum2;
        }
    }
}
