/* ---- logistic_regression_and_grad.h */

#ifndef LOGISTIC_REGRESSION_AND_GRAD_H
#define LOGISTIC_REGRESSION_AND_GRAD_H

#include <stdint.h>

/* The value and the gradient of logistic_regression, written by Clearprop.
 * For x f64[100,5], w f64[5], b f64, y f64[100].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void logistic_regression_and_grad(
    const double *x,
    const double *w,
    double b,
    const double *y,
    double *loss,
    double *dw,
    double *db);

#endif

/* ---- logistic_regression_and_grad.c */

/* The value and the gradient of logistic_regression, written by Clearprop.
 * For x f64[100,5], w f64[5], b f64, y f64[100].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "logistic_regression_and_grad.h"

static double maximum(double x, double y) { return x >= y || x != x ? x : y; }

static double minimum(double x, double y) { return x <= y || x != x ? x : y; }

void logistic_regression_and_grad(
    const double *x,
    const double *w,
    double b,
    const double *y,
    double *loss,
    double *dw,
    double *db)
{
    double loss_pre;

    /* p = 1 / (1 + np.exp(-(x @ w + b))) */
    /* loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) */
    /* backward of: loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) */
    /* backward of: p = 1 / (1 + np.exp(-(x @ w + b))) */
    loss_pre = 0;
    *db = 0;
    for (int i = 0; i < 5; i++)
        dw[i] = 0;
    for (int i = 0; i < 100; i++) {
        double sum = 0;
        for (int j = 0; j < 5; j++) {
            sum += x[5*i + j] * w[j];
        }
        const double t = sum + b;
        const double t2 = -t;
        const double p = 1.0 / (1.0 + exp(t2));
        const double t3 = (p - y[i]) / 100.0;
        for (int j = 0; j < 5; j++) {
            dw[j] += x[5*i + j] * t3;
        }
        const double t4 = maximum(0.0, t2);
        const double t5 = maximum(0.0, t);
        loss_pre += -(y[i] * (t4 + log1p(exp(minimum(0.0, t2) - (isfinite(t4) ? t4 : 0.0))))) - (1.0 - y[i]) * (t5 + log1p(exp(minimum(0.0, t) - (isfinite(t5) ? t5 : 0.0))));
        *db += t3;
    }

    /* loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) */
    *loss = -(loss_pre / 100.0);
}
