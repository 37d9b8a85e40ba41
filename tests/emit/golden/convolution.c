/* ---- convolution_and_grad.h */

#ifndef CONVOLUTION_AND_GRAD_H
#define CONVOLUTION_AND_GRAD_H

#include <stdint.h>

#define CONVOLUTION_AND_GRAD_WORKSPACE 12672 /* bytes, aligned as for a double */

/* The value and the gradient of convolution, written by Clearprop.
 * For image f64[12,12], kernel f64[3,3], target f64[10,10].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void convolution_and_grad(
    const double *image,
    const double *kernel,
    const double *target,
    double *convolution,
    double *dimage,
    double *dkernel,
    double *dtarget,
    void *workspace);

#endif

/* ---- convolution_and_grad.c */

/* The value and the gradient of convolution, written by Clearprop.
 * For image f64[12,12], kernel f64[3,3], target f64[10,10].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "convolution_and_grad.h"

void convolution_and_grad(
    const double *image,
    const double *kernel,
    const double *target,
    double *convolution,
    double *dimage,
    double *dkernel,
    double *dtarget,
    void *workspace)
{
    double *spread = (double *)workspace; /* 12 x 12 */
    double *spread_2 = (double *)((char *)workspace + 1152); /* 12 x 12 */
    double *spread_3 = (double *)((char *)workspace + 2304); /* 12 x 12 */
    double *spread_4 = (double *)((char *)workspace + 3456); /* 12 x 12 */
    double *spread_5 = (double *)((char *)workspace + 4608); /* 12 x 12 */
    double *spread_6 = (double *)((char *)workspace + 5760); /* 12 x 12 */
    double *spread_7 = (double *)((char *)workspace + 6912); /* 12 x 12 */
    double *spread_8 = (double *)((char *)workspace + 8064); /* 12 x 12 */
    double *spread_9 = (double *)((char *)workspace + 9216); /* 12 x 12 */
    double *total_2 = (double *)((char *)workspace + 10368); /* 12 x 12 */
    double *scatter_product_sum = (double *)((char *)workspace + 11520); /* 3 x 3 */
    double *scatter_product_2_sum = (double *)((char *)workspace + 11648); /* 3 x 3 */
    double *scatter_product_3_sum = (double *)((char *)workspace + 11776); /* 3 x 3 */
    double *scatter_product_4_sum = (double *)((char *)workspace + 11904); /* 3 x 3 */
    double *scatter_product_5_sum = (double *)((char *)workspace + 12032); /* 3 x 3 */
    double *scatter_product_6_sum = (double *)((char *)workspace + 12160); /* 3 x 3 */
    double *scatter_product_7_sum = (double *)((char *)workspace + 12288); /* 3 x 3 */
    double *scatter_product_8_sum = (double *)((char *)workspace + 12416); /* 3 x 3 */
    double *scatter_total_14 = (double *)((char *)workspace + 12544); /* 3 x 3 */
    double *total_3 = (double *)workspace; /* 3 x 3 */

    /* out = out + kernel[i, j] * image[i : i + 10, j : j + 10] */
    /* return np.mean((out - target) ** 2) */
    /* backward of: return np.mean((out - target) ** 2) */
    /* backward of: out = out + kernel[i, j] * image[i : i + 10, j : j + 10] */
    double sum = 0;
    double scatter_product_sum_part = 0;
    double scatter_product_2_sum_part = 0;
    double scatter_product_3_sum_part = 0;
    double scatter_product_4_sum_part = 0;
    double scatter_product_5_sum_part = 0;
    double scatter_product_6_sum_part = 0;
    double scatter_product_7_sum_part = 0;
    double scatter_product_8_sum_part = 0;
    double scatter_total_14_part = 0;
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 10; j++) {
            const double out = kernel[0] * image[12*i + j];
            const double out_2 = out + kernel[1] * image[12*i + j + 1];
            const double out_3 = out_2 + kernel[2] * image[12*i + j + 2];
            const double out_4 = out_3 + kernel[3] * image[12*i + j + 12];
            const double out_5 = out_4 + kernel[4] * image[12*i + j + 13];
            const double out_6 = out_5 + kernel[5] * image[12*i + j + 14];
            const double out_7 = out_6 + kernel[6] * image[12*i + j + 24];
            const double out_8 = out_7 + kernel[7] * image[12*i + j + 25];
            const double out_9 = out_8 + kernel[8] * image[12*i + j + 26];
            const double t = out_9 - target[10*i + j];
            const double t2 = t / 50.0;
            const double spread_part = kernel[8] * t2;
            const double spread_2_part = kernel[7] * t2;
            const double spread_3_part = kernel[6] * t2;
            const double spread_4_part = kernel[5] * t2;
            const double spread_5_part = kernel[4] * t2;
            const double spread_6_part = kernel[3] * t2;
            const double spread_7_part = kernel[2] * t2;
            const double spread_8_part = kernel[1] * t2;
            const double spread_9_part = kernel[0] * t2;
            sum += t * t;
            scatter_product_sum_part += t2 * image[12*i + j + 26];
            scatter_product_2_sum_part += t2 * image[12*i + j + 25];
            scatter_product_3_sum_part += t2 * image[12*i + j + 24];
            scatter_product_4_sum_part += t2 * image[12*i + j + 14];
            scatter_product_5_sum_part += t2 * image[12*i + j + 13];
            scatter_product_6_sum_part += t2 * image[12*i + j + 12];
            scatter_product_7_sum_part += t2 * image[12*i + j + 2];
            scatter_product_8_sum_part += t2 * image[12*i + j + 1];
            scatter_total_14_part += t2 * image[12*i + j];
            dtarget[10*i + j] = -t2;
            spread[12*i + j + 26] = spread_part;
            spread_2[12*i + j + 25] = spread_2_part;
            spread_3[12*i + j + 24] = spread_3_part;
            spread_4[12*i + j + 14] = spread_4_part;
            spread_5[12*i + j + 13] = spread_5_part;
            spread_6[12*i + j + 12] = spread_6_part;
            spread_7[12*i + j + 2] = spread_7_part;
            spread_8[12*i + j + 1] = spread_8_part;
            spread_9[12*i + j] = spread_9_part;
        }
    }
    *convolution = sum / 100.0;
    scatter_product_sum[8] = scatter_product_sum_part;
    scatter_product_2_sum[7] = scatter_product_2_sum_part;
    scatter_product_2_sum[6] = 0.0;
    scatter_product_2_sum[8] = 0.0;
    scatter_product_3_sum[6] = scatter_product_3_sum_part;
    scatter_product_4_sum[5] = scatter_product_4_sum_part;
    scatter_product_5_sum[4] = scatter_product_5_sum_part;
    scatter_product_5_sum[3] = 0.0;
    scatter_product_5_sum[5] = 0.0;
    scatter_product_6_sum[3] = scatter_product_6_sum_part;
    scatter_product_7_sum[2] = scatter_product_7_sum_part;
    scatter_product_8_sum[1] = scatter_product_8_sum_part;
    scatter_product_8_sum[0] = 0.0;
    scatter_product_8_sum[2] = 0.0;
    scatter_total_14[0] = scatter_total_14_part;

    /* backward of: out = out + kernel[i, j] * image[i : i + 10, j : j + 10] */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 12; j++) {
            spread[12*i + j] = 0.0;
            spread_2[12*i + j] = 0.0;
            spread_3[12*i + j] = 0.0;
            spread_7[12*i + j + 120] = 0.0;
            spread_8[12*i + j + 120] = 0.0;
            spread_9[12*i + j + 120] = 0.0;
        }
    }

    /* backward of: out = out + kernel[i, j] * image[i : i + 10, j : j + 10] */
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 2; j++) {
            spread[12*i + j + 24] = 0.0;
            spread_3[12*i + j + 34] = 0.0;
            spread_4[12*i + j + 12] = 0.0;
            spread_6[12*i + j + 22] = 0.0;
            spread_7[12*i + j] = 0.0;
            spread_9[12*i + j + 10] = 0.0;
        }
    }

    /* backward of: out = out + kernel[i, j] * image[i : i + 10, j : j + 10] */
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 3; j++) {
            scatter_product_sum[3*i + j] = 0.0;
            scatter_product_2_sum[3*i + j] = 0.0;
            scatter_product_3_sum[3*i + j] = 0.0;
            scatter_product_7_sum[3*i + j + 3] = 0.0;
            scatter_product_8_sum[3*i + j + 3] = 0.0;
            scatter_total_14[3*i + j + 3] = 0.0;
        }
    }

    /* backward of: out = out + kernel[i, j] * image[i : i + 10, j : j + 10] */
    for (int i = 0; i < 2; i++) {
        scatter_product_sum[i + 6] = 0.0;
        scatter_product_3_sum[i + 7] = 0.0;
        scatter_product_4_sum[i + 3] = 0.0;
        scatter_product_6_sum[i + 4] = 0.0;
        scatter_product_7_sum[i] = 0.0;
        scatter_total_14[i + 1] = 0.0;
    }

    /* backward of: out = out + kernel[i, j] * image[i : i + 10, j : j + 10] */
    for (int i = 0; i < 10; i++) {
        spread_2[12*i + 24] = 0.0;
        spread_2[12*i + 35] = 0.0;
        spread_5[12*i + 12] = 0.0;
        spread_5[12*i + 23] = 0.0;
        spread_8[12*i] = 0.0;
        spread_8[12*i + 11] = 0.0;
    }

    /* backward of: out = out + kernel[i, j] * image[i : i + 10, j : j + 10] */
    for (int i = 0; i < 12; i++) {
        for (int j = 0; j < 12; j++) {
            total_2[12*i + j] = spread[12*i + j] + spread_2[12*i + j] + spread_3[12*i + j];
        }
    }

    /* backward of: out = out + kernel[i, j] * image[i : i + 10, j : j + 10] */
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            total_3[3*i + j] = scatter_product_sum[3*i + j] + scatter_product_2_sum[3*i + j] + scatter_product_3_sum[3*i + j];
        }
    }

    /* backward of: out = out + kernel[i, j] * image[i : i + 10, j : j + 10] */
    for (int i = 0; i < 12; i++) {
        spread_4[i] = 0.0;
        spread_4[i + 132] = 0.0;
        spread_5[i] = 0.0;
        spread_5[i + 132] = 0.0;
        spread_6[i] = 0.0;
        spread_6[i + 132] = 0.0;
    }

    /* backward of: out = out + kernel[i, j] * image[i : i + 10, j : j + 10] */
    for (int i = 0; i < 12; i++) {
        for (int j = 0; j < 12; j++) {
            dimage[12*i + j] = total_2[12*i + j] + spread_4[12*i + j] + spread_5[12*i + j] + spread_6[12*i + j] + spread_7[12*i + j] + spread_8[12*i + j] + spread_9[12*i + j];
        }
    }

    /* backward of: out = out + kernel[i, j] * image[i : i + 10, j : j + 10] */
    for (int i = 0; i < 3; i++) {
        scatter_product_4_sum[i] = 0.0;
        scatter_product_4_sum[i + 6] = 0.0;
        scatter_product_5_sum[i] = 0.0;
        scatter_product_5_sum[i + 6] = 0.0;
        scatter_product_6_sum[i] = 0.0;
        scatter_product_6_sum[i + 6] = 0.0;
    }

    /* backward of: out = out + kernel[i, j] * image[i : i + 10, j : j + 10] */
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            dkernel[3*i + j] = total_3[3*i + j] + scatter_product_4_sum[3*i + j] + scatter_product_5_sum[3*i + j] + scatter_product_6_sum[3*i + j] + scatter_product_7_sum[3*i + j] + scatter_product_8_sum[3*i + j] + scatter_total_14[3*i + j];
        }
    }
}
