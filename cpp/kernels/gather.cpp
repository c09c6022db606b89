// Scores and sums of rows that are few entries of many columns: categories (one entry a column) and sparse counts. K
// contiguous numbers belong to each entry's column, so that a product with mostly zeros is never made.
#include <type_traits>

#include "layout.hpp"
#include "mixture.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

template <std::size_t nv, bool valued>
static inline void scores_of_row(const Entries& e, std::int64_t begin, std::int64_t end, const double* table,
                                 std::size_t width, double* scores) {
  constexpr std::size_t n = lanes<double>;
  Vec<double> sum[nv];
#pragma GCC unroll 4
  for (std::size_t v = 0; v < nv; ++v) sum[v] = loadu(scores + v * n);
  for (std::int64_t i = begin; i < end; ++i) {
    const double* row = table + static_cast<std::size_t>(e.index[i]) * width;
    if constexpr (valued) {
      const Vec<double> x = broadcast<double>(e.values[i]);
#pragma GCC unroll 4
      for (std::size_t v = 0; v < nv; ++v) sum[v] += x * loadu(row + v * n);
    } else {
#pragma GCC unroll 4
      for (std::size_t v = 0; v < nv; ++v) sum[v] += loadu(row + v * n);
    }
  }
#pragma GCC unroll 4
  for (std::size_t v = 0; v < nv; ++v) storeu(scores + v * n, sum[v]);
}

template <std::size_t nv, bool valued>
static inline void sums_of_row(const Entries& e, std::int64_t begin, std::int64_t end, const double* resp,
                               std::size_t width, double* sums) {
  constexpr std::size_t n = lanes<double>;
  Vec<double> p[nv];
#pragma GCC unroll 4
  for (std::size_t v = 0; v < nv; ++v) p[v] = loadu(resp + v * n);
  for (std::int64_t i = begin; i < end; ++i) {
    double* row = sums + static_cast<std::size_t>(e.index[i]) * width;
    const Vec<double> x = broadcast<double>(valued ? e.values[i] : 1.0);
#pragma GCC unroll 4
    for (std::size_t v = 0; v < nv; ++v) {
      if constexpr (valued) {
        storeu(row + v * n, loadu(row + v * n) + x * p[v]);
      } else {
        storeu(row + v * n, loadu(row + v * n) + p[v]);
      }
    }
  }
}

/// Calls `work` with the number of vectors (as a type), row by row and group of components by group.
template <class Work>
static inline void each_row(const Entries& e, std::size_t width, Work work) {
  constexpr std::size_t n = lanes<double>;
  for (std::size_t r = 0; r < e.rows; ++r) {
    for (std::size_t j = 0; j < width;) {
      const std::size_t left = (width - j) / n;
      if (left >= 4) {
        work(std::integral_constant<std::size_t, 4>(), r, j);
        j += 4 * n;
      } else if (left == 3) {
        work(std::integral_constant<std::size_t, 3>(), r, j);
        j += 3 * n;
      } else if (left == 2) {
        work(std::integral_constant<std::size_t, 2>(), r, j);
        j += 2 * n;
      } else {
        work(std::integral_constant<std::size_t, 1>(), r, j);
        j += n;
      }
    }
  }
}

template <bool valued>
static inline void scores_of(const GatherScores& a) {
  const Entries& e = a.entries;
  const std::size_t width = a.scores.cols;
  each_row(e, width, [&](auto nv, std::size_t r, std::size_t j) {
    scores_of_row<decltype(nv)::value, valued>(e, e.start[r], e.start[r + 1], a.table.data + j, width,
                                               a.scores.row(r) + j);
  });
}

template <bool valued>
static inline void sums_of(const GatherSums& a) {
  const Entries& e = a.entries;
  const std::size_t width = a.sums.cols;
  each_row(e, width, [&](auto nv, std::size_t r, std::size_t j) {
    sums_of_row<decltype(nv)::value, valued>(e, e.start[r], e.start[r + 1], a.resp.row(r) + j, width, a.sums.data + j);
  });
}

}  // namespace

void gather_scores(const GatherScores& a) {
  if (a.entries.values) {
    scores_of<true>(a);
  } else {
    scores_of<false>(a);
  }
}

void gather_sums(const GatherSums& a) {
  if (a.entries.values) {
    sums_of<true>(a);
  } else {
    sums_of<false>(a);
  }
}

}  // namespace vivace::VIVACE_ISA_NS
