/* ---- polynomial_fit_and_grad.h */

#ifndef POLYNOMIAL_FIT_AND_GRAD_H
#define POLYNOMIAL_FIT_AND_GRAD_H

#include <stdint.h>

/* The value and the gradient of polynomial_fit, written by Clearprop.
 * For coefficients f64[4], x f64[25], y f64[25].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void polynomial_fit_and_grad(
    const double *coefficients,
    const double *x,
    const double *y,
    double *polynomial_fit,
    double *dcoefficients);

#endif

/* ---- polynomial_fit_and_grad.c */

/* The value and the gradient of polynomial_fit, written by Clearprop.
 * For coefficients f64[4], x f64[25], y f64[25].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "polynomial_fit_and_grad.h"

void polynomial_fit_and_grad(
    const double *coefficients,
    const double *x,
    const double *y,
    double *polynomial_fit,
    double *dcoefficients)
{

    /* return np.mean((p - y) ** 2) */
    /* backward of: p = p * x + coefficients[k] */
    /* backward of: p = coefficients[3] */
    double sum = 0;
    double dcoefficients_part = 0;
    double dcoefficients_part2 = 0;
    double dcoefficients_part3 = 0;
    double dcoefficients_part4 = 0;
    for (int i = 0; i < 25; i++) {
        const double p_2 = coefficients[3] * x[i] + coefficients[2];
        const double p_3 = p_2 * x[i] + coefficients[1];
        const double p_4 = p_3 * x[i] + coefficients[0];
        const double t = p_4 - y[i];
        const double dp = 0.08 * t;
        const double dp_2 = dp * x[i];
        const double dp_3 = dp_2 * x[i];
        sum += t * t;
        dcoefficients_part += dp;
        dcoefficients_part2 += dp_2;
        dcoefficients_part3 += dp_3;
        dcoefficients_part4 += dp_3 * x[i];
    }
    *polynomial_fit = sum / 25.0;
    dcoefficients[0] = dcoefficients_part;
    dcoefficients[1] = dcoefficients_part2;
    dcoefficients[2] = dcoefficients_part3;
    dcoefficients[3] = dcoefficients_part4;
}
