// Scores of a chunk -> weighted responsibilities, their sums, their entropy, log-sum-exp and labels. Rows are lanes.
#pragma once

#include <limits>

#include "../math.hpp"
#include "layout.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

// Responsibilities below exp(-30) = 9e-14 of the largest (float: exp(-20) = 2e-9) are exactly zero, and the others
// still sum to one: the bound is that of the responsibilities used, and lies within K x 1e-13 nats a row of the
// optimum. The zeros let the statistics skip most of their work.
template <class C>
constexpr C responsibility_floor = sizeof(C) == sizeof(double) ? C(-30) : C(-20);

/// Sums over rows of one tile, lane by lane: `counts` and `entropy` are components x lanes.
template <class C>
struct RowSums {
  C* counts;
  C* entropy;
};

template <class C>
[[maybe_unused]] static inline void clear(RowSums<C> sums, std::size_t components) {
  for (std::size_t i = 0; i < components * lanes<C>; ++i) sums.counts[i] = sums.entropy[i] = C(0);
}

template <class C>
[[maybe_unused]] static inline void add_row_sums(RowSums<C> sums, std::size_t components, double* suff,
                                                 std::size_t stride, double* entropy) {
  for (std::size_t k = 0; k < components; ++k) {
    suff[k * stride] += static_cast<double>(horizontal_sum(loadu(sums.counts + k * lanes<C>)));
    entropy[k] += static_cast<double>(horizontal_sum(loadu(sums.entropy + k * lanes<C>)));
  }
}

/// Largest score of each row, with log-sum-exp: resp (components x chunk_rows) = w r; with `tally`, sums are updated.
template <class C, bool tally>
[[maybe_unused]] static inline void softmax_chunk(std::size_t components, const C* scores, const C* weights, C* resp,
                                                  RowSums<C> sums, C* lse) {
  constexpr std::size_t ch = chunk_rows<C>, n = lanes<C>, nv = 2;
  for (std::size_t r = 0; r < ch; r += nv * n) {
    Vec<C> top[nv], total[nv];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < nv; ++v) {
      top[v] = loadu(scores + r + v * n);
      total[v] = broadcast<C>(C(0));
    }
    for (std::size_t k = 1; k < components; ++k)
#pragma GCC unroll 4
      for (std::size_t v = 0; v < nv; ++v) top[v] = max(top[v], loadu(scores + k * ch + r + v * n));
    for (std::size_t k = 0; k < components; ++k)
#pragma GCC unroll 4
      for (std::size_t v = 0; v < nv; ++v) {
        const Vec<C> e = exp_nonpositive(loadu(scores + k * ch + r + v * n) - top[v], responsibility_floor<C>);
        total[v] += e;
        storeu(resp + k * ch + r + v * n, e);
      }
    Vec<C> factor[nv], level[nv];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < nv; ++v) {
      level[v] = top[v] + log(total[v]);
      factor[v] = loadu(weights + r + v * n) / total[v];
      storeu(lse + r + v * n, level[v]);
    }
    for (std::size_t k = 0; k < components; ++k) {
      Vec<C> count = broadcast<C>(C(0)), entropy = broadcast<C>(C(0));
#pragma GCC unroll 4
      for (std::size_t v = 0; v < nv; ++v) {
        const Vec<C> p = loadu(resp + k * ch + r + v * n) * factor[v];
        storeu(resp + k * ch + r + v * n, p);
        if constexpr (tally) {
          count += p;
          entropy += p * (level[v] - loadu(scores + k * ch + r + v * n));
        }
      }
      if constexpr (tally) {
        storeu(sums.counts + k * n, loadu(sums.counts + k * n) + count);
        storeu(sums.entropy + k * n, loadu(sums.entropy + k * n) + entropy);
      }
    }
  }
}

/// Index of the largest score of each row, the lowest on ties.
template <class C>
[[maybe_unused]] static inline void argmax_chunk(std::size_t components, const C* scores, std::int32_t* labels) {
  constexpr std::size_t ch = chunk_rows<C>;
  C best[ch];
  for (std::size_t r = 0; r < ch; ++r) {
    best[r] = scores[r];
    labels[r] = 0;
  }
  for (std::size_t k = 1; k < components; ++k) {
    const C* row = scores + k * ch;
    for (std::size_t r = 0; r < ch; ++r) {
      const bool better = row[r] > best[r];
      best[r] = better ? row[r] : best[r];
      labels[r] = better ? static_cast<std::int32_t>(k) : labels[r];
    }
  }
}

/// resp = w at the label, 0 elsewhere.
template <class C, bool tally>
[[maybe_unused]] static inline void harden_chunk(std::size_t components, const std::int32_t* labels, const C* weights,
                                                 C* resp, RowSums<C> sums) {
  constexpr std::size_t ch = chunk_rows<C>, n = lanes<C>;
  for (std::size_t k = 0; k < components; ++k) {
    C* row = resp + k * ch;
    for (std::size_t r = 0; r < ch; ++r) row[r] = labels[r] == static_cast<std::int32_t>(k) ? weights[r] : C(0);
    if constexpr (tally) {
      Vec<C> count = loadu(sums.counts + k * n);
      for (std::size_t r = 0; r < ch; r += n) count += loadu(row + r);
      storeu(sums.counts + k * n, count);
    }
  }
}

/// resp = w r for responsibilities that are given, row by row, with the entropy of r.
template <class C>
[[maybe_unused]] static inline void read_resp(const View<const double>& given, std::size_t first, std::size_t count,
                                              const C* weights, C* resp, RowSums<C> sums) {
  constexpr std::size_t ch = chunk_rows<C>, n = lanes<C>;
  for (std::size_t k = 0; k < given.cols; ++k) {
    C* row = resp + k * ch;
    for (std::size_t r = 0; r < ch; ++r) row[r] = r < count ? static_cast<C>(given(first + r, k)) : C(0);
    Vec<C> total = loadu(sums.counts + k * n), entropy = loadu(sums.entropy + k * n);
    for (std::size_t r = 0; r < ch; r += n) {
      const Vec<C> p = loadu(row + r);
      const Vec<C> wp = p * loadu(weights + r);
      storeu(row + r, wp);
      total += wp;
      entropy -= select(p > C(0), wp * log(max(p, broadcast<C>(std::numeric_limits<C>::min()))), broadcast<C>(C(0)));
    }
    storeu(sums.counts + k * n, total);
    storeu(sums.entropy + k * n, entropy);
  }
}

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
