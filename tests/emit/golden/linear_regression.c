/* ---- linear_regression_and_grad.h */

#ifndef LINEAR_REGRESSION_AND_GRAD_H
#define LINEAR_REGRESSION_AND_GRAD_H

#include <stdint.h>

/* The value and the gradient of linear_regression, written by Clearprop.
 * For x f64[32,5], w f64[5], b f64, y f64[32].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void linear_regression_and_grad(
    const double *x,
    const double *w,
    double b,
    const double *y,
    double *loss,
    double *dw,
    double *db);

#endif

/* ---- linear_regression_and_grad.c */

/* The value and the gradient of linear_regression, written by Clearprop.
 * For x f64[32,5], w f64[5], b f64, y f64[32].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "linear_regression_and_grad.h"

void linear_regression_and_grad(
    const double *x,
    const double *w,
    double b,
    const double *y,
    double *loss,
    double *dw,
    double *db)
{
    double loss_pre;

    /* prediction = x @ w + b */
    /* loss = np.mean((prediction - y) ** 2) */
    /* backward of: loss = np.mean((prediction - y) ** 2) */
    /* backward of: prediction = x @ w + b */
    loss_pre = 0;
    *db = 0;
    for (int i = 0; i < 5; i++)
        dw[i] = 0;
    for (int i = 0; i < 32; i++) {
        double sum = 0;
        for (int j = 0; j < 5; j++) {
            sum += x[5*i + j] * w[j];
        }
        const double prediction = sum + b;
        const double t = prediction - y[i];
        const double dprediction = 0.0625 * t;
        for (int j = 0; j < 5; j++) {
            dw[j] += x[5*i + j] * dprediction;
        }
        loss_pre += t * t;
        *db += dprediction;
    }

    /* loss = np.mean((prediction - y) ** 2) */
    *loss = loss_pre / 32.0;
}
