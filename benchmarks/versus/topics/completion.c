/* Document completion at fixed topics: see completion.py, which compiles this, for what it means.

   beta is words x topics. The first halves of the documents are (indptr, indices, counts), the
   second halves the same with an h. `scratch` holds 2 (longest first half + 1) K floats.           */

#include <math.h>
#include <stdint.h>

static void shares_of(const float *rows, float *gamma, const double *counts, int64_t entries,
                      int64_t K, float alpha, int sweeps, float tol, float *held, float *before)
{
    double tokens = 0;
    for (int64_t i = 0; i < entries; i++)
        tokens += counts[i];
    for (int64_t i = 0; i < entries * K; i++)
        gamma[i] = 1.0f / (float)K;
    for (int sweep = 0; sweep < sweeps; sweep++) {
        /* Summed afresh in each sweep, so that rounding does not pile up. */
        for (int64_t k = 0; k < K; k++)
            held[k] = 0;
        for (int64_t i = 0; i < entries; i++)
            for (int64_t k = 0; k < K; k++)
                held[k] += (float)counts[i] * gamma[i * K + k];
        for (int64_t k = 0; k < K; k++)
            before[k] = held[k];
        for (int64_t i = 0; i < entries; i++) {
            const float *row = rows + i * K;
            float *mine = gamma + i * K, count = (float)counts[i], own = count < 1 ? count : 1;
            float sum = 0;
            for (int64_t k = 0; k < K; k++) {
                held[k] -= count * mine[k];
                float others = held[k] + (count - own) * mine[k];
                mine[k] = row[k] * ((others > 0 ? others : 0) + alpha);
                sum += mine[k];
            }
            for (int64_t k = 0; k < K; k++) {
                mine[k] /= sum;
                held[k] += count * mine[k];
            }
        }
        float moved = 0;
        for (int64_t k = 0; k < K; k++)
            moved += fabsf(held[k] - before[k]);
        if (moved < tol * (float)tokens)
            break;
    }
}

void complete(int64_t documents, int64_t K, const float *beta, const int64_t *indptr,
              const int32_t *indices, const double *counts, const int64_t *hindptr,
              const int32_t *hindices, const double *hcounts, double alpha, int sweeps,
              double tol, int64_t longest, float *scratch, double *score)
{
    float *rows = scratch, *gamma = rows + longest * K;
    float *held = gamma + longest * K, *before = held + K;
    for (int64_t d = 0; d < documents; d++) {
        int64_t start = indptr[d], entries = indptr[d + 1] - start;
        double tokens = 0;
        for (int64_t i = 0; i < entries; i++) {
            const float *row = beta + (int64_t)indices[start + i] * K;
            tokens += counts[start + i];
            for (int64_t k = 0; k < K; k++)
                rows[i * K + k] = row[k];
        }
        shares_of(rows, gamma, counts + start, entries, K, (float)alpha, sweeps, (float)tol, held,
                  before);
        score[d] = 0;
        for (int64_t j = hindptr[d]; j < hindptr[d + 1]; j++) {
            const float *row = beta + (int64_t)hindices[j] * K;
            double likely = 0;
            for (int64_t k = 0; k < K; k++)
                likely += ((double)held[k] + alpha) * (double)row[k];
            score[d] += hcounts[j] * log(likely / (tokens + (double)K * alpha));
        }
    }
}
