// statistics = resp^T features for one tile: the second product of a local step, in two forms.
//
// Dense: features of the tile are kept, every component sums over every row.
// Listed: for each component the rows with a responsibility above zero are listed, and only these are summed; quadratic
// features come from the rows as a weighted symmetric update. After a few iterations most rows belong to one or two
// components, and this form costs a fraction of the dense one.
#pragma once

#include "layout.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

// ---- dense
// -----------------------------------------------------------------------------------------------------------

#if VIVACE_VECTOR_BYTES == 64
constexpr std::size_t dense_k = 4, dense_f = 5;
#else
constexpr std::size_t dense_k = 3, dense_f = 3;
#endif

template <class C, std::size_t nk, std::size_t nf>
[[maybe_unused]] static inline void dense_block(std::size_t chunks, const C* resp, std::size_t resp_stride,
                                                const C* features, std::size_t feature_stride, double* suff,
                                                std::size_t suff_stride) {
  constexpr std::size_t ch = chunk_rows<C>, n = lanes<C>;
  Vec<C> sum[nk][nf];
#pragma GCC unroll 8
  for (std::size_t k = 0; k < nk; ++k)
#pragma GCC unroll 8
    for (std::size_t f = 0; f < nf; ++f) sum[k][f] = broadcast<C>(C(0));
  for (std::size_t c = 0; c < chunks; ++c, resp += resp_stride, features += feature_stride) {
    for (std::size_t r = 0; r < ch; r += n) {
      Vec<C> x[nf];
#pragma GCC unroll 8
      for (std::size_t f = 0; f < nf; ++f) x[f] = loadu(features + f * ch + r);
#pragma GCC unroll 8
      for (std::size_t k = 0; k < nk; ++k) {
        const Vec<C> p = loadu(resp + k * ch + r);
#pragma GCC unroll 8
        for (std::size_t f = 0; f < nf; ++f) sum[k][f] += p * x[f];
      }
    }
  }
#pragma GCC unroll 8
  for (std::size_t k = 0; k < nk; ++k)
#pragma GCC unroll 8
    for (std::size_t f = 0; f < nf; ++f) suff[k * suff_stride + f] += static_cast<double>(horizontal_sum(sum[k][f]));
}

template <class C, std::size_t nk>
[[maybe_unused]] static inline void dense_features(std::size_t count, std::size_t chunks, const C* resp,
                                                   std::size_t resp_stride, const C* features,
                                                   std::size_t feature_stride, double* suff, std::size_t suff_stride) {
  std::size_t f = 0;
  for (; f + dense_f <= count; f += dense_f)
    dense_block<C, nk, dense_f>(chunks, resp, resp_stride, features + f * chunk_rows<C>, feature_stride, suff + f,
                                suff_stride);
  for (; f < count; ++f)
    dense_block<C, nk, 1>(chunks, resp, resp_stride, features + f * chunk_rows<C>, feature_stride, suff + f,
                          suff_stride);
}

/// suff[k][1 + f] += sum over the tile's rows of resp_k feature_f; resp and features are stored chunk after chunk.
template <class C>
[[maybe_unused]] static inline void accumulate_dense(std::size_t components, std::size_t features, std::size_t chunks,
                                                     const C* resp, const C* kept, double* suff) {
  constexpr std::size_t ch = chunk_rows<C>;
  const std::size_t stride = features + 1, rs = components * ch, fs = features * ch;
  std::size_t k = 0;
  for (; k + dense_k <= components; k += dense_k)
    dense_features<C, dense_k>(features, chunks, resp + k * ch, rs, kept, fs, suff + k * stride + 1, stride);
  for (; k < components; ++k)
    dense_features<C, 1>(features, chunks, resp + k * ch, rs, kept, fs, suff + k * stride + 1, stride);
}

// ---- listed
// ----------------------------------------------------------------------------------------------------------

// Block of the symmetric update: update_i columns (broadcast) by up to update_j vectors.
#if VIVACE_VECTOR_BYTES == 64
constexpr std::size_t update_i = 8, update_j = 3;
#elif VIVACE_VECTOR_BYTES == 32
constexpr std::size_t update_i = 4, update_j = 3;
#else
constexpr std::size_t update_i = 4, update_j = 2;
#endif

// Rows of one update: their scaled and plain copies (2 x 32 x D numbers) stay in the first-level cache up to D = 64.
constexpr std::size_t update_rows = 32;

/// Columns of a padded row: whole vectors and whole blocks.
template <class C>
[[maybe_unused]] static inline std::size_t padded_columns(std::size_t d) {
  return round_up(d, lanes<C> > update_i ? lanes<C> : update_i);
}

/// Adds a vector of C to doubles in memory.
template <class C>
VIVACE_INLINE void add_to(double* to, Vec<C> v) {
  if constexpr (sizeof(C) == sizeof(double)) {
    storeu(to, loadu(to) + v);
  } else {
    alignas(64) C part[lanes<C>];
    storeu(part, v);
    for (std::size_t i = 0; i < lanes<C>; ++i) to[i] += static_cast<double>(part[i]);
  }
}

template <class C, std::size_t nj>
[[maybe_unused]] static inline void update_block(std::size_t rows, const C* scaled, const C* const* plain,
                                                 std::size_t d_padded, std::size_t q_padded, std::size_t column_i,
                                                 std::size_t column_j, double* square) {
  constexpr std::size_t n = lanes<C>;
  Vec<C> sum[update_i][nj];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < update_i; ++i)
#pragma GCC unroll 8
    for (std::size_t j = 0; j < nj; ++j) sum[i][j] = broadcast<C>(C(0));
  for (std::size_t r = 0; r < rows; ++r) {
    const C* s = scaled + r * d_padded + column_i;
    const C* p = plain[r] + column_j;
    Vec<C> x[nj];
#pragma GCC unroll 8
    for (std::size_t j = 0; j < nj; ++j) x[j] = loadu(p + j * n);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < update_i; ++i) {
      const Vec<C> b = broadcast<C>(s[i]);
#pragma GCC unroll 8
      for (std::size_t j = 0; j < nj; ++j) sum[i][j] += b * x[j];
    }
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < update_i; ++i)
#pragma GCC unroll 8
    for (std::size_t j = 0; j < nj; ++j) add_to<C>(square + (column_i + i) * q_padded + column_j + j * n, sum[i][j]);
}

/// square (q_padded x q_padded, the blocks on and above the diagonal) += sum_r scaled_r plain_r^T.
template <class C>
[[maybe_unused]] static inline void symmetric_update(std::size_t rows, const C* scaled, const C* const* plain,
                                                     std::size_t d_padded, std::size_t q_padded, double* square) {
  constexpr std::size_t n = lanes<C>;
  for (std::size_t i = 0; i < q_padded; i += update_i) {
    std::size_t j = i / n * n;
    for (; j + update_j * n <= q_padded; j += update_j * n)
      update_block<C, update_j>(rows, scaled, plain, d_padded, q_padded, i, j, square);
    if constexpr (update_j > 2) {
      if (j + 2 * n <= q_padded) {
        update_block<C, 2>(rows, scaled, plain, d_padded, q_padded, i, j, square);
        j += 2 * n;
      }
    }
    if (j + n <= q_padded) update_block<C, 1>(rows, scaled, plain, d_padded, q_padded, i, j, square);
  }
}

/// What the listed form sums for a component: rows always, then squares of columns, or the symmetric square.
struct ListedSums {
  double* linear;  // components x d_padded
  double* second;  // diag, spherical: components x d_padded; full: components x q_padded x q_padded
};

/// Adds up to update_rows listed rows to one component.
template <class C>
[[maybe_unused]] static inline void add_rows(Kind kind, std::size_t count, const C* const* plain, const C* weights,
                                             std::size_t d_padded, std::size_t q_padded, C* scaled, double* linear,
                                             double* second) {
  constexpr std::size_t n = lanes<C>;
  const bool squares = kind == Kind::diag || kind == Kind::spherical;
  for (std::size_t j = 0; j < d_padded; j += n) {
    Vec<C> sum = broadcast<C>(C(0)), sum2 = sum;
    for (std::size_t r = 0; r < count; ++r) {
      const Vec<C> x = loadu(plain[r] + j);
      const Vec<C> s = broadcast<C>(weights[r]) * x;
      sum += s;
      if (kind == Kind::full) {
        storeu(scaled + r * d_padded + j, s);
      } else if (squares) {
        sum2 += s * x;
      }
    }
    add_to<C>(linear + j, sum);
    if (squares) add_to<C>(second + j, sum2);
  }
  if (kind == Kind::full) symmetric_update(count, scaled, plain, d_padded, q_padded, second);
}

/// Adds the rows of a tile (row-major, standardised) with resp > 0. `bits`: components x chunks x words of resp > 0.
template <class C>
[[maybe_unused]] static inline void accumulate_listed(Kind kind, std::size_t components, std::size_t chunks,
                                                      const C* resp, const std::uint64_t* bits, const C* rows,
                                                      std::size_t d_padded, std::size_t q_padded, C* scaled,
                                                      ListedSums sums) {
  constexpr std::size_t ch = chunk_rows<C>;
  const std::size_t second_stride = kind == Kind::full ? q_padded * q_padded : d_padded;
  const C* plain[update_rows];
  C weights[update_rows];
  for (std::size_t k = 0; k < components; ++k) {
    double* linear = sums.linear + k * d_padded;
    double* second = sums.second + k * second_stride;
    std::size_t count = 0;
    for (std::size_t c = 0; c < chunks; ++c) {
      const C* p = resp + (c * components + k) * ch;
      for (std::uint64_t left = bits[c * components + k]; left; left &= left - 1) {
        const std::size_t r = static_cast<std::size_t>(__builtin_ctzll(left));
        plain[count] = rows + (c * ch + r) * d_padded;
        weights[count] = p[r];
        if (++count == update_rows) {
          add_rows(kind, count, plain, weights, d_padded, q_padded, scaled, linear, second);
          count = 0;
        }
      }
    }
    if (count) add_rows(kind, count, plain, weights, d_padded, q_padded, scaled, linear, second);
  }
}

/// Adds the listed sums to the statistics (components x F) in feature order.
[[maybe_unused]] static inline void unpack_listed(Kind kind, std::size_t components, std::size_t d, std::size_t q,
                                                  std::size_t d_padded, std::size_t q_padded, ListedSums sums,
                                                  double* suff) {
  const std::size_t stride = feature_count(kind, d, q);
  for (std::size_t k = 0; k < components; ++k) {
    double* out = suff + k * stride + 1;
    const double* linear = sums.linear + k * d_padded;
    for (std::size_t j = 0; j < d; ++j) *out++ += linear[j];
    if (kind == Kind::full) {
      const double* square = sums.second + k * q_padded * q_padded;
      for (std::size_t i = 0; i < q; ++i)
        for (std::size_t j = i; j < q; ++j) *out++ += square[i * q_padded + j];
    } else if (kind != Kind::linear) {
      const double* squares = sums.second + k * d_padded;
      if (kind == Kind::diag) {
        for (std::size_t j = 0; j < q; ++j) *out++ += squares[j];
      } else {
        for (std::size_t j = 0; j < q; ++j) *out += squares[j];
      }
    }
  }
}

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
