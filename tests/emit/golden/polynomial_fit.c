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
    double stacked_part = 0;
    double stacked_part2 = 0;
    double stacked_part3 = 0;
    double stacked_part4 = 0;
    for (int i = 0; i < 25; i++) {
        const double p_2 = coefficients[3] * x[i] + coefficients[2];
        const double p_3 = p_2 * x[i] + coefficients[1];
        const double p_4 = p_3 * x[i] + coefficients[0];
        const double t = p_4 - y[i];
        const double t2 = 0.08 * t;
        const double t3 = t2 * x[i];
        const double t4 = t3 * x[i];
        sum += t * t;
        stacked_part += t2;
        stacked_part2 += t3;
        stacked_part3 += t4;
        stacked_part4 += t4 * x[i];
    }
    *polynomial_fit = sum / 25.0;
    dcoefficients[0] = stacked_part;
    dcoefficients[1] = stacked_part2;
    dcoefficients[2] = stacked_part3;
    dcoefficients[3] = stacked_part4;
}
