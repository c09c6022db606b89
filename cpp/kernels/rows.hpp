// Reading rows: standardised, row-major with padded columns (for statistics), and transposed (for products).
#pragma once

#include <utility>

#include "layout.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

template <class C>
constexpr double reach = sizeof(C) == sizeof(double) ? 1e100 : 1e12;

/// Standardises rows [first, first + count) of x into `out` (chunk_rows x d_padded). The difference is taken in double:
/// a float row far from the origin loses nothing. Values are held to +-reach, so that no score overflows: a row beyond
/// it belongs to the component that it would belong to at the border. Rows beyond `count` become zero, and so does NaN
/// where there may be `gaps`.
template <class C, class X>
[[maybe_unused]] static inline void standardise(const View<const X>& x, std::size_t first, std::size_t count,
                                                const double* centre, const double* inv_scale, std::size_t d_padded,
                                                C* out, bool gaps = false) {
  const std::size_t d = x.cols;
  // the rows of the next chunk: they come from memory while this chunk is worked on
  const std::size_t ahead = x.rows - first < 2 * count ? x.rows - first : 2 * count;
  for (std::size_t i = count * d; i < ahead * d; i += 64 / sizeof(X)) __builtin_prefetch(x.row(first) + i);
  for (std::size_t i = 0; i < count; ++i) {
    const X* in = x.row(first + i);
    C* to = out + i * d_padded;
    for (std::size_t j = 0; j < d; ++j) {
      double z = (static_cast<double>(in[j]) - centre[j]) * inv_scale[j];
      z = z > reach<C> ? reach<C> : z;
      z = z < -reach<C> ? -reach<C> : z;
      to[j] = static_cast<C>(z);
    }
  }
  if (gaps)
    for (std::size_t i = 0; i < count * d_padded; ++i) out[i] = out[i] == out[i] ? out[i] : C(0);
  for (std::size_t i = count * d_padded; i < chunk_rows<C> * d_padded; ++i) out[i] = C(0);
}

template <class C, std::size_t stage, bool upper, std::size_t... lane>
VIVACE_INLINE Vec<C> interleave(Vec<C> a, Vec<C> b, std::index_sequence<lane...>) {
  constexpr std::size_t n = lanes<C>;
  if constexpr (!upper) {
    return __builtin_shufflevector(a, b, static_cast<int>((lane & stage) ? n + lane - stage : lane)...);
  } else {
    return __builtin_shufflevector(a, b, static_cast<int>((lane & stage) ? n + lane : lane + stage)...);
  }
}

template <class C, std::size_t stage>
VIVACE_INLINE void transpose_stages(Vec<C> (&v)[lanes<C>]) {
  if constexpr (stage < lanes<C>) {
    using index = std::make_index_sequence<lanes<C>>;
#pragma GCC unroll 16
    for (std::size_t i = 0; i < lanes<C>; ++i) {
      if (i & stage) continue;
      const Vec<C> a = v[i], b = v[i + stage];
      v[i] = interleave<C, stage, false>(a, b, index{});
      v[i + stage] = interleave<C, stage, true>(a, b, index{});
    }
    transpose_stages<C, stage * 2>(v);
  }
}

/// rows (chunk_rows x d_padded) -> columns (d x chunk_rows), square by square.
template <class C>
[[maybe_unused]] static inline void transpose(const C* rows, std::size_t d, std::size_t d_padded, C* columns) {
  constexpr std::size_t n = lanes<C>, ch = chunk_rows<C>;
  for (std::size_t j = 0; j < d; j += n) {
    for (std::size_t i = 0; i < ch; i += n) {
      Vec<C> v[n];
#pragma GCC unroll 16
      for (std::size_t r = 0; r < n; ++r) v[r] = loadu(rows + (i + r) * d_padded + j);
      transpose_stages<C, 1>(v);
      const std::size_t last = d - j < n ? d - j : n;
      if (last == n) {
#pragma GCC unroll 16
        for (std::size_t c = 0; c < n; ++c) storeu(columns + (j + c) * ch + i, v[c]);
      } else {
        for (std::size_t c = 0; c < last; ++c) storeu(columns + (j + c) * ch + i, v[c]);
      }
    }
  }
}

/// columns (d x chunk_rows) -> the first `count` rows, row-major with `stride` doubles each; zeros beyond d.
template <class C>
[[maybe_unused]] static inline void untranspose(const C* columns, std::size_t d, std::size_t count, std::size_t stride,
                                                double* rows) {
  constexpr std::size_t n = lanes<C>, ch = chunk_rows<C>;
  for (std::size_t j = 0; j < stride; j += n) {
    for (std::size_t i = 0; i < count; i += n) {
      Vec<C> v[n];
#pragma GCC unroll 16
      for (std::size_t c = 0; c < n; ++c) v[c] = j + c < d ? loadu(columns + (j + c) * ch + i) : broadcast<C>(C(0));
      transpose_stages<C, 1>(v);
      const std::size_t last = count - i < n ? count - i : n;
      for (std::size_t r = 0; r < last; ++r) {
        double* to = rows + (i + r) * stride + j;
        if constexpr (sizeof(C) == sizeof(double)) {
          storeu(to, v[r]);
        } else {
          for (std::size_t c = 0; c < n; ++c) to[c] = static_cast<double>(v[r][c]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
