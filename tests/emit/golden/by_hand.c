/* ---- by_hand_and_grad.h */

#ifndef BY_HAND_AND_GRAD_H
#define BY_HAND_AND_GRAD_H

#include <stdint.h>

#define BY_HAND_AND_GRAD_WORKSPACE 113408 /* bytes, aligned as for a double */

/* The value and the gradient of by_hand, written by Clearprop.
 * For C f64[27,10], W1 f64[30,64], W2 f64[64,27], b1 f64[64], b2 f64[27], bnbias f64[1,64],
 * bngain f64[1,64], Xb i64[32,3], Yb i64[32].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
void by_hand_and_grad(
    const double *C,
    const double *W1,
    const double *W2,
    const double *b1,
    const double *b2,
    const double *bnbias,
    const double *bngain,
    const int64_t *Xb,
    const int64_t *Yb,
    double *loss,
    double *dC,
    double *dW1,
    double *dW2,
    double *db1,
    double *db2,
    double *dbnbias,
    double *dbngain,
    void *workspace);

#endif

/* ---- by_hand_and_grad.c */

/* The value and the gradient of by_hand, written by Clearprop.
 * For C f64[27,10], W1 f64[30,64], W2 f64[64,27], b1 f64[64], b2 f64[27], bnbias f64[1,64],
 * bngain f64[1,64], Xb i64[32,3], Yb i64[32].
 * Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
 * Run against Clearprop: largest relative error tiny; against finite differences: tiny.
 */
#include <math.h>
#include <stdint.h>
#include "by_hand_and_grad.h"

static double maximum(double x, double y) { return x >= y || x != x ? x : y; }

static const int64_t constant_7[32] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

void by_hand_and_grad(
    const double *C,
    const double *W1,
    const double *W2,
    const double *b1,
    const double *b2,
    const double *bnbias,
    const double *bngain,
    const int64_t *Xb,
    const int64_t *Yb,
    double *loss,
    double *dC,
    double *dW1,
    double *dW2,
    double *db1,
    double *db2,
    double *dbnbias,
    double *dbngain,
    void *workspace)
{
    double *hprebn = (double *)workspace; /* 32 x 64 */
    double *bnraw = (double *)((char *)workspace + 16384); /* 32 x 64 */
    double *h = (double *)((char *)workspace + 32768); /* 32 x 64 */
    double *one_minus_h_squared = (double *)((char *)workspace + 49152); /* 32 x 64 */
    double *dhpreact = (double *)workspace; /* 32 x 64 */
    double *dhpreact_bnraw = (double *)((char *)workspace + 32768); /* 32 x 64 */
    double *dbnraw = (double *)((char *)workspace + 65536); /* 32 x 64 */
    double *dbnraw_bnraw = (double *)((char *)workspace + 81920); /* 32 x 64 */
    double *dhprebn = (double *)((char *)workspace + 49152); /* 32 x 64 */
    double *emb = (double *)((char *)workspace + 98304); /* 32 x 3 x 10 */
    double *dembcat = (double *)workspace; /* 32 x 30 */
    double *logits = (double *)workspace; /* 32 x 27 */
    double *logprobs = (double *)((char *)workspace + 6912); /* 32 x 27 */
    double *probs_2 = (double *)((char *)workspace + 65536); /* 32 x 27 */
    double *kept1 = (double *)((char *)workspace + 72448); /* 32 x 27 */
    double *dlogits_part = (double *)workspace; /* 32 x 27 */
    double *dlogits = (double *)((char *)workspace + 105984); /* 32 x 27 */
    double *bnvar_inv = (double *)((char *)workspace + 112896); /* 1 x 64 */

    /* emb = C[Xb] */
    for (int i = 0; i < 32; i++) {
        for (int j = 0; j < 3; j++) {
            for (int k = 0; k < 10; k++) {
                emb[30*i + 10*j + k] = C[10*Xb[3*i + j] + k];
            }
        }
    }

    /* hprebn = embcat @ W1 + b1 */
    for (int i = 0; i < 32; i++) {
        for (int j = 0; j < 64; j++) {
            double sum = 0;
            for (int k = 0; k < 30; k++)
                sum += emb[30*i + k] * W1[64*k + j];
            hprebn[64*i + j] = sum + b1[j];
        }
    }

    /* bnmeani = 1 / n * hprebn.sum(0, keepdims=True) */
    /* bndiff = hprebn - bnmeani */
    /* bndiff2 = bndiff**2 */
    /* bnvar = 1 / (n - 1) * bndiff2.sum(0, keepdims=True) */
    /* bnvar_inv = (bnvar + 1e-5) ** -0.5 */
    /* bnraw = bndiff * bnvar_inv */
    /* hpreact = bngain * bnraw + bnbias */
    /* h = np.tanh(hpreact) */
    /* backward of: h = np.tanh(hpreact) */
    for (int j = 0; j < 64; j++) {
        double sum = 0;
        for (int i = 0; i < 32; i++) {
            sum += hprebn[64*i + j];
        }
        const double bnmeani = 0.03125 * sum;
        double sum2 = 0;
        for (int i = 0; i < 32; i++) {
            const double bndiff = hprebn[64*i + j] - bnmeani;
            const double bndiff2 = bndiff * bndiff;
            sum2 += bndiff2;
        }
        const double bnvar = 0.03225806451612903 * sum2;
        const double bnvar_inv_j = pow(bnvar + 1e-05, -0.5);
        for (int i = 0; i < 32; i++) {
            const double bndiff_ij = hprebn[64*i + j] - bnmeani;
            const double bnraw_ij = bndiff_ij * bnvar_inv_j;
            const double hpreact = bngain[j] * bnraw_ij + bnbias[j];
            const double h_ij = tanh(hpreact);
            bnraw[64*i + j] = bnraw_ij;
            h[64*i + j] = h_ij;
            one_minus_h_squared[64*i + j] = 1.0 - h_ij * h_ij;
        }
        bnvar_inv[j] = bnvar_inv_j;
    }

    /* logits = h @ W2 + b2 */
    for (int i = 0; i < 32; i++) {
        for (int j = 0; j < 27; j++) {
            double sum = 0;
            for (int k = 0; k < 64; k++)
                sum += h[64*i + k] * W2[27*k + j];
            logits[27*i + j] = sum + b2[j];
        }
    }

    /* logit_maxes = logits.max(1, keepdims=True) */
    /* norm_logits = logits - logit_maxes */
    /* counts = np.exp(norm_logits) */
    /* counts_sum = counts.sum(1, keepdims=True) */
    /* counts_sum_inv = counts_sum**-1 */
    /* probs = counts * counts_sum_inv */
    /* logprobs = np.log(probs) */
    /* backward of: logprobs = np.log(probs) */
    for (int i = 0; i < 32; i++) {
        double logit_maxes = -INFINITY;
        for (int j = 0; j < 27; j++) {
            logit_maxes = maximum(logit_maxes, logits[27*i + j]);
        }
        double counts_sum = 0;
        for (int j = 0; j < 27; j++) {
            const double norm_logits = logits[27*i + j] - logit_maxes;
            const double counts = exp(norm_logits);
            counts_sum += counts;
            kept1[27*i + j] = counts;
        }
        const double counts_sum_inv = 1.0 / counts_sum;
        for (int j = 0; j < 27; j++) {
            const double probs = kept1[27*i + j] * counts_sum_inv;
            logprobs[27*i + j] = log(probs);
            probs_2[27*i + j] = probs / 32.0;
        }
    }

    /* loss = -logprobs[np.arange(n), Yb].mean() */
    /* backward of: loss = -logprobs[np.arange(n), Yb].mean() */
    for (int i = 0; i < 864; i++)
        dlogits_part[i] = 0;
    double sum = 0;
    for (int i = 0; i < 32; i++) {
        sum += logprobs[27*constant_7[i] + Yb[i]];
        dlogits_part[27*constant_7[i] + Yb[i]] += 0.03125;
    }
    *loss = -(sum / 32.0);

    /* backward of: logprobs = np.log(probs) */
    /* backward of: logits = h @ W2 + b2 */
    for (int j = 0; j < 27; j++) {
        double db2_j = 0;
        for (int i = 0; i < 32; i++) {
            const double dlogits_ij = probs_2[27*i + j] - dlogits_part[27*i + j];
            db2_j += dlogits_ij;
            dlogits[27*i + j] = dlogits_ij;
        }
        db2[j] = db2_j;
    }

    /* backward of: logits = h @ W2 + b2 */
    for (int i = 0; i < 64; i++) {
        for (int j = 0; j < 27; j++) {
            double sum2 = 0;
            for (int k = 0; k < 32; k++)
                sum2 += h[64*k + i] * dlogits[27*k + j];
            dW2[27*i + j] = sum2;
        }
    }

    /* backward of: logits = h @ W2 + b2 */
    /* backward of: h = np.tanh(hpreact) */
    /* backward of: hpreact = bngain * bnraw + bnbias */
    /* backward of: bnraw = bndiff * bnvar_inv */
    for (int i = 0; i < 32; i++) {
        for (int j = 0; j < 64; j++) {
            double sum2 = 0;
            for (int k = 0; k < 27; k++)
                sum2 += dlogits[27*i + k] * W2[27*j + k];
            const double dhpreact_ij = sum2 * one_minus_h_squared[64*i + j];
            const double dbnraw_ij = bngain[j] * dhpreact_ij;
            dhpreact[64*i + j] = dhpreact_ij;
            dhpreact_bnraw[64*i + j] = dhpreact_ij * bnraw[64*i + j];
            dbnraw[64*i + j] = dbnraw_ij;
            dbnraw_bnraw[64*i + j] = dbnraw_ij * bnraw[64*i + j];
        }
    }

    /* backward of: hpreact = bngain * bnraw + bnbias */
    /* backward of: bnraw = bndiff * bnvar_inv */
    /* backward of: hprebn = embcat @ W1 + b1 */
    for (int j = 0; j < 64; j++) {
        double dbnbias_j = 0;
        double dbngain_j = 0;
        double sum2 = 0;
        double sum3 = 0;
        for (int i = 0; i < 32; i++) {
            dbnbias_j += dhpreact[64*i + j];
            dbngain_j += dhpreact_bnraw[64*i + j];
            sum2 += dbnraw[64*i + j];
            sum3 += dbnraw_bnraw[64*i + j];
        }
        const double t = sum2 / 32.0;
        const double t2 = sum3 / 31.0;
        double db1_j = 0;
        for (int i = 0; i < 32; i++) {
            const double dhprebn_ij = bnvar_inv[j] * (dbnraw[64*i + j] - t - bnraw[64*i + j] * t2);
            db1_j += dhprebn_ij;
            dhprebn[64*i + j] = dhprebn_ij;
        }
        dbnbias[j] = dbnbias_j;
        dbngain[j] = dbngain_j;
        db1[j] = db1_j;
    }

    /* backward of: hprebn = embcat @ W1 + b1 */
    for (int i = 0; i < 30; i++) {
        for (int j = 0; j < 64; j++) {
            double sum2 = 0;
            for (int k = 0; k < 32; k++)
                sum2 += emb[30*k + i] * dhprebn[64*k + j];
            dW1[64*i + j] = sum2;
        }
    }

    /* backward of: hprebn = embcat @ W1 + b1 */
    for (int i = 0; i < 32; i++) {
        for (int j = 0; j < 30; j++) {
            double sum2 = 0;
            for (int k = 0; k < 64; k++)
                sum2 += dhprebn[64*i + k] * W1[64*j + k];
            dembcat[30*i + j] = sum2;
        }
    }

    /* backward of: emb = C[Xb] */
    for (int i = 0; i < 270; i++)
        dC[i] = 0;
    for (int i = 0; i < 32; i++) {
        for (int j = 0; j < 3; j++) {
            for (int k = 0; k < 10; k++) {
                dC[10*Xb[3*i + j] + k] += dembcat[30*i + 10*j + k];
            }
        }
    }
}
