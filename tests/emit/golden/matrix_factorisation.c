/* ---- matrix_factorisation_and_grad.h */

#ifndef MATRIX_FACTORISATION_AND_GRAD_H
#define MATRIX_FACTORISATION_AND_GRAD_H

#include <stdint.h>

#define MATRIX_FACTORISATION_AND_GRAD_WORKSPACE 1792 /* bytes, aligned as for a double */

/* The value and the gradient of matrix_factorisation, written by Clearprop.
 * For U f64[12,3], V f64[9,3], ratings f64[12,9], seen f64[12,9].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void matrix_factorisation_and_grad(
    const double *U,
    const double *V,
    const double *ratings,
    const double *seen,
    double *matrix_factorisation,
    double *dU,
    double *dV,
    void *workspace);

#endif

/* ---- matrix_factorisation_and_grad.c */

/* The value and the gradient of matrix_factorisation, written by Clearprop.
 * For U f64[12,3], V f64[9,3], ratings f64[12,9], seen f64[12,9].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "matrix_factorisation_and_grad.h"

void matrix_factorisation_and_grad(
    const double *U,
    const double *V,
    const double *ratings,
    const double *seen,
    double *matrix_factorisation,
    double *dU,
    double *dV,
    void *workspace)
{
    double product;
    double U_squared_sum;
    double *error_squared = (double *)workspace; /* 12 x 9 */
    double *dUVT = (double *)((char *)workspace + 896); /* 12 x 9 */

    /* error = seen * (U @ V.T - ratings) */
    /* return 0.5 * np.sum(error**2) + 0.05 * (np.sum(U**2) + np.sum(V**2)) */
    /* backward of: error = seen * (U @ V.T - ratings) */
    for (int i = 0; i < 12; i++) {
        for (int j = 0; j < 9; j++) {
            double sum = 0;
            for (int k = 0; k < 3; k++)
                sum += U[3*i + k] * V[3*j + k];
            const double error = seen[9*i + j] * (sum - ratings[9*i + j]);
            error_squared[9*i + j] = error * error;
            dUVT[9*i + j] = seen[9*i + j] * error;
        }
    }

    /* return 0.5 * np.sum(error**2) + 0.05 * (np.sum(U**2) + np.sum(V**2)) */
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        for (int j = 0; j < 9; j++) {
            sum += error_squared[9*i + j];
        }
    }
    product = 0.5 * sum;

    /* return 0.5 * np.sum(error**2) + 0.05 * (np.sum(U**2) + np.sum(V**2)) */
    double sum2 = 0;
    for (int i = 0; i < 12; i++) {
        for (int j = 0; j < 3; j++) {
            sum2 += U[3*i + j] * U[3*i + j];
        }
    }
    U_squared_sum = sum2;

    /* return 0.5 * np.sum(error**2) + 0.05 * (np.sum(U**2) + np.sum(V**2)) */
    double sum3 = 0;
    for (int i = 0; i < 9; i++) {
        for (int j = 0; j < 3; j++) {
            sum3 += V[3*i + j] * V[3*i + j];
        }
    }
    *matrix_factorisation = product + 0.05 * (U_squared_sum + sum3);

    /* backward of: error = seen * (U @ V.T - ratings) */
    for (int i = 0; i < 12; i++) {
        for (int j = 0; j < 3; j++) {
            double sum4 = 0;
            for (int k = 0; k < 9; k++)
                sum4 += dUVT[9*i + k] * V[3*k + j];
            dU[3*i + j] = U[3*i + j] / 10.0 + sum4;
        }
    }

    /* backward of: error = seen * (U @ V.T - ratings) */
    for (int i = 0; i < 9; i++) {
        for (int j = 0; j < 3; j++) {
            double sum4 = 0;
            for (int k = 0; k < 12; k++)
                sum4 += dUVT[9*k + i] * U[3*k + j];
            dV[3*i + j] = V[3*i + j] / 10.0 + sum4;
        }
    }
}
