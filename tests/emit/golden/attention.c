/* ---- attention_and_grad.h */

#ifndef ATTENTION_AND_GRAD_H
#define ATTENTION_AND_GRAD_H

#include <stdint.h>

#define ATTENTION_AND_GRAD_WORKSPACE 5248 /* bytes, aligned as for a double */

/* The value and the gradient of attention, written by Clearprop.
 * For x f64[10,16], Wq f64[16,8], Wk f64[16,8], Wv f64[16,8], target f64[10,8].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void attention_and_grad(
    const double *x,
    const double *Wq,
    const double *Wk,
    const double *Wv,
    const double *target,
    double *attention,
    double *dx,
    double *dWq,
    double *dWk,
    double *dWv,
    void *workspace);

#endif

/* ---- attention_and_grad.c */

/* The value and the gradient of attention, written by Clearprop.
 * For x f64[10,16], Wq f64[16,8], Wk f64[16,8], Wv f64[16,8], target f64[10,8].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "attention_and_grad.h"

static double maximum(double x, double y) { return x >= y || x != x ? x : y; }

static const unsigned char mask[100] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

void attention_and_grad(
    const double *x,
    const double *Wq,
    const double *Wk,
    const double *Wv,
    const double *target,
    double *attention,
    double *dx,
    double *dWq,
    double *dWk,
    double *dWv,
    void *workspace)
{
    double *dv_WvT = (double *)workspace; /* 10 x 16 */
    double *dv_WvT_plus_dk_WkT = (double *)((char *)workspace + 1280); /* 10 x 16 */
    double *scores_2 = (double *)workspace; /* 10 x 10 */
    double *weights = (double *)((char *)workspace + 832); /* 10 x 10 */
    double *kept1 = (double *)((char *)workspace + 1664); /* 10 x 10 */
    double *dweights = (double *)workspace; /* 10 x 10 */
    double *dweights_weights = (double *)((char *)workspace + 1664); /* 10 x 10 */
    double *dscores_pre = (double *)((char *)workspace + 2496); /* 10 x 10 */
    double *q = (double *)((char *)workspace + 3328); /* 10 x 8 */
    double *k_ = (double *)((char *)workspace + 3968); /* 10 x 8 */
    double *v = (double *)((char *)workspace + 2496); /* 10 x 8 */
    double *part = (double *)workspace; /* 10 x 8 */
    double *dout = (double *)((char *)workspace + 4608); /* 10 x 8 */
    double *dv = (double *)((char *)workspace + 1664); /* 10 x 8 */
    double *dq = (double *)((char *)workspace + 4608); /* 10 x 8 */
    double *dk = (double *)((char *)workspace + 3968); /* 10 x 8 */

    /* q, k, v = x @ Wq, x @ Wk, x @ Wv */
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 8; j++) {
            double sum = 0;
            for (int k = 0; k < 16; k++)
                sum += x[16*i + k] * Wq[8*k + j];
            q[8*i + j] = sum;
        }
    }

    /* q, k, v = x @ Wq, x @ Wk, x @ Wv */
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 8; j++) {
            double sum = 0;
            for (int k = 0; k < 16; k++)
                sum += x[16*i + k] * Wk[8*k + j];
            k_[8*i + j] = sum;
        }
    }

    /* q, k, v = x @ Wq, x @ Wk, x @ Wv */
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 8; j++) {
            double sum = 0;
            for (int k = 0; k < 16; k++)
                sum += x[16*i + k] * Wv[8*k + j];
            v[8*i + j] = sum;
        }
    }

    /* scores = q @ k.T / np.sqrt(q.shape[1]) */
    /* scores = np.where(mask, scores, -1e9) */
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 10; j++) {
            double sum = 0;
            for (int k = 0; k < 8; k++)
                sum += q[8*i + k] * k_[8*j + k];
            const double scores = sum / 2.8284271247461903;
            scores_2[10*i + j] = mask[10*i + j] != 0 ? scores : -1000000000.0;
        }
    }

    /* weights = clearprop.softmax(scores) */
    for (int i = 0; i < 10; i++) {
        double top = -INFINITY;
        for (int j = 0; j < 10; j++) {
            top = maximum(top, scores_2[10*i + j]);
        }
        double sum = 0;
        for (int j = 0; j < 10; j++) {
            const double t = exp(scores_2[10*i + j] - top);
            sum += t;
            kept1[10*i + j] = t;
        }
        for (int j = 0; j < 10; j++) {
            weights[10*i + j] = kept1[10*i + j] / sum;
        }
    }

    /* out = weights @ v */
    /* return np.mean((out - target) ** 2) */
    /* backward of: return np.mean((out - target) ** 2) */
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 8; j++) {
            double sum = 0;
            for (int k = 0; k < 10; k++)
                sum += weights[10*i + k] * v[8*k + j];
            const double t = sum - target[8*i + j];
            part[8*i + j] = t * t;
            dout[8*i + j] = 0.025 * t;
        }
    }

    /* return np.mean((out - target) ** 2) */
    double sum = 0;
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 8; j++) {
            sum += part[8*i + j];
        }
    }
    *attention = sum / 80.0;

    /* backward of: out = weights @ v */
    /* backward of: weights = clearprop.softmax(scores) */
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 10; j++) {
            double sum2 = 0;
            for (int k = 0; k < 8; k++)
                sum2 += dout[8*i + k] * v[8*j + k];
            dweights[10*i + j] = sum2;
            dweights_weights[10*i + j] = sum2 * weights[10*i + j];
        }
    }

    /* backward of: weights = clearprop.softmax(scores) */
    /* backward of: scores = q @ k.T / np.sqrt(q.shape[1]) */
    for (int i = 0; i < 10; i++) {
        double sum2 = 0;
        for (int j = 0; j < 10; j++) {
            sum2 += dweights_weights[10*i + j];
        }
        for (int j = 0; j < 10; j++) {
            dscores_pre[10*i + j] = (dweights[10*i + j] - sum2) * weights[10*i + j] * (double)(mask[10*i + j] != 0) / 2.8284271247461903;
        }
    }

    /* backward of: out = weights @ v */
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 8; j++) {
            double sum2 = 0;
            for (int k = 0; k < 10; k++)
                sum2 += weights[10*k + i] * dout[8*k + j];
            dv[8*i + j] = sum2;
        }
    }

    /* backward of: scores = q @ k.T / np.sqrt(q.shape[1]) */
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 8; j++) {
            double sum2 = 0;
            for (int k = 0; k < 10; k++)
                sum2 += dscores_pre[10*i + k] * k_[8*k + j];
            dq[8*i + j] = sum2;
        }
    }

    /* backward of: scores = q @ k.T / np.sqrt(q.shape[1]) */
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 8; j++) {
            double sum2 = 0;
            for (int k = 0; k < 10; k++)
                sum2 += dscores_pre[10*k + i] * q[8*k + j];
            dk[8*i + j] = sum2;
        }
    }

    /* backward of: q, k, v = x @ Wq, x @ Wk, x @ Wv */
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 16; j++) {
            double sum2 = 0;
            for (int k = 0; k < 8; k++)
                sum2 += dv[8*i + k] * Wv[8*j + k];
            dv_WvT[16*i + j] = sum2;
        }
    }

    /* backward of: q, k, v = x @ Wq, x @ Wk, x @ Wv */
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 8; j++) {
            double sum2 = 0;
            for (int k = 0; k < 10; k++)
                sum2 += x[16*k + i] * dv[8*k + j];
            dWv[8*i + j] = sum2;
        }
    }

    /* backward of: q, k, v = x @ Wq, x @ Wk, x @ Wv */
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 16; j++) {
            double sum2 = 0;
            for (int k = 0; k < 8; k++)
                sum2 += dk[8*i + k] * Wk[8*j + k];
            dv_WvT_plus_dk_WkT[16*i + j] = dv_WvT[16*i + j] + sum2;
        }
    }

    /* backward of: q, k, v = x @ Wq, x @ Wk, x @ Wv */
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 8; j++) {
            double sum2 = 0;
            for (int k = 0; k < 10; k++)
                sum2 += x[16*k + i] * dk[8*k + j];
            dWk[8*i + j] = sum2;
        }
    }

    /* backward of: q, k, v = x @ Wq, x @ Wk, x @ Wv */
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 16; j++) {
            double sum2 = 0;
            for (int k = 0; k < 8; k++)
                sum2 += dq[8*i + k] * Wq[8*j + k];
            dx[16*i + j] = dv_WvT_plus_dk_WkT[16*i + j] + sum2;
        }
    }

    /* backward of: q, k, v = x @ Wq, x @ Wk, x @ Wv */
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 8; j++) {
            double sum2 = 0;
            for (int k = 0; k < 10; k++)
                sum2 += x[16*k + i] * dq[8*k + j];
            dWq[8*i + j] = sum2;
        }
    }
}
