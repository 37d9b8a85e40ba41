/* ---- cosine_similarity_and_grad.h */

#ifndef COSINE_SIMILARITY_AND_GRAD_H
#define COSINE_SIMILARITY_AND_GRAD_H

#include <stdint.h>

/* The value and the gradient of cosine_similarity, written by Clearprop.
 * For a f64[7], b f64[7].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void cosine_similarity_and_grad(
    const double *a,
    const double *b,
    double *cosine_similarity,
    double *da,
    double *db);

#endif

/* ---- cosine_similarity_and_grad.c */

/* The value and the gradient of cosine_similarity, written by Clearprop.
 * For a f64[7], b f64[7].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "cosine_similarity_and_grad.h"

void cosine_similarity_and_grad(
    const double *a,
    const double *b,
    double *cosine_similarity,
    double *da,
    double *db)
{

    /* norm_a = np.sqrt(np.sum(a**2)) */
    /* norm_b = np.sqrt(np.sum(b**2)) */
    /* return a @ b / (norm_a * norm_b) */
    /* backward of: norm_b = np.sqrt(np.sum(b**2)) */
    /* backward of: norm_a = np.sqrt(np.sum(a**2)) */
    double sum = 0;
    double sum2 = 0;
    double sum3 = 0;
    for (int i = 0; i < 7; i++) {
        sum += a[i] * b[i];
        sum2 += a[i] * a[i];
        sum3 += b[i] * b[i];
    }
    const double norm_a = sqrt(sum2);
    const double norm_b = sqrt(sum3);
    const double t = norm_a * norm_b;
    const double t2 = sum / t;
    const double t3 = norm_a * t2 / norm_b;
    const double t4 = norm_b * t2 / norm_a;
    for (int i = 0; i < 7; i++) {
        db[i] = (a[i] - t3 * b[i]) / t;
        da[i] = (b[i] - t4 * a[i]) / t;
    }
    *cosine_similarity = t2;
}
