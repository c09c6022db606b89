// Columns of levels inside a mixture's local step: the scores of a tile's rows and its sums, level by level.
//
// Every level has K contiguous numbers, in the table of scores and in the table of sums. A tile goes over a few columns
// at a time, so that their rows of the tables stay in the first-level cache however many columns there are.
#pragma once

#include "layout.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

// Bytes of the tables' rows that a pass over a tile may touch: three quarters of a first-level cache of 32 kB (8 and 64
// kB were measured to be 10 % slower).
constexpr std::size_t level_bytes = 24 * 1024;

/// Where in the tables each entry of a tile's rows finds its numbers; what is no level of its column: in the last row.
[[maybe_unused]] static inline void level_places(const Levels& a, std::size_t first, std::size_t count,
                                                 std::uint32_t* out) {
  const std::size_t columns = a.codes.cols;
  const auto last = static_cast<std::uint32_t>(a.table.rows - 1), width = static_cast<std::uint32_t>(a.table.cols);
  const std::int32_t* starts = a.first;
  for (std::size_t r = 0; r < count; ++r) {
    const std::int32_t* codes = a.codes.row(first + r);
    std::uint32_t* to = out + r * columns;
    for (std::size_t c = 0; c < columns; ++c) {
      const auto code = static_cast<std::uint32_t>(codes[c]);  // a gap becomes large
      const auto start = static_cast<std::uint32_t>(starts[c]),
                 levels = static_cast<std::uint32_t>(starts[c + 1]) - start;
      to[c] = (code < levels ? start + code : last) * width;
    }
  }
}

/// Some columns of some rows, and a group of components: strides are those of whole rows.
struct LevelRun {
  const std::uint32_t* places;
  std::size_t columns, stride, rows, width;
};

template <std::size_t nv>
static inline void add_scores_of(const LevelRun run, const double* table, double* scores) {
  constexpr std::size_t n = lanes<double>;
  for (std::size_t r = 0; r < run.rows; ++r, scores += run.width) {
    const std::uint32_t *place = run.places + r * run.stride, *stop = place + run.columns;
    Vec<double> sum[nv];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < nv; ++v) sum[v] = loadu(scores + v * n);
    for (; place != stop; ++place) {
      const double* level = table + *place;
#pragma GCC unroll 4
      for (std::size_t v = 0; v < nv; ++v) sum[v] += loadu(level + v * n);
    }
#pragma GCC unroll 4
    for (std::size_t v = 0; v < nv; ++v) storeu(scores + v * n, sum[v]);
  }
}

template <std::size_t nv>
static inline void add_sums_of(const LevelRun run, const double* resp, double* sums) {
  constexpr std::size_t n = lanes<double>;
  for (std::size_t r = 0; r < run.rows; ++r, resp += run.width) {
    const std::uint32_t *place = run.places + r * run.stride, *stop = place + run.columns;
    Vec<double> p[nv];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < nv; ++v) p[v] = loadu(resp + v * n);
    for (; place != stop; ++place) {
      double* level = sums + *place;
      Vec<double> own[nv];
#pragma GCC unroll 4
      for (std::size_t v = 0; v < nv; ++v) own[v] = loadu(level + v * n) + p[v];
#pragma GCC unroll 4
      for (std::size_t v = 0; v < nv; ++v) storeu(level + v * n, own[v]);
    }
  }
}

/// Calls `work` with a run of columns, the first component of a group and how many vectors it has.
template <class Work>
static inline void each_level_run(const Levels& a, const std::uint32_t* places, std::size_t rows, Work work) {
  constexpr std::size_t n = lanes<double>;
  const std::size_t width = a.table.cols, columns = a.codes.cols;
  for (std::size_t j = 0; j < width;) {
    const std::size_t left = (width - j) / n, nv = left < 4 ? left : 4;
    const std::size_t most = level_bytes / (nv * n * sizeof(double));
    for (std::size_t c = 0; c < columns;) {
      std::size_t stop = c + 1;
      while (stop < columns && static_cast<std::size_t>(a.first[stop + 1] - a.first[c]) <= most) ++stop;
      work(LevelRun{places + c, stop - c, columns, rows, width}, j, nv);
      c = stop;
    }
    j += nv * n;
  }
}

/// scores (count x width) += what the rows' levels say.
[[maybe_unused]] static inline void add_level_scores(const Levels& a, const std::uint32_t* places, std::size_t count,
                                                     double* scores) {
  each_level_run(a, places, count, [&](const LevelRun& run, std::size_t j, std::size_t nv) {
    if (nv == 4) add_scores_of<4>(run, a.table.data + j, scores + j);
    if (nv == 3) add_scores_of<3>(run, a.table.data + j, scores + j);
    if (nv == 2) add_scores_of<2>(run, a.table.data + j, scores + j);
    if (nv == 1) add_scores_of<1>(run, a.table.data + j, scores + j);
  });
}

/// Adds resp (count x width) to the sums of the rows' levels, in the order of the rows.
[[maybe_unused]] static inline void add_level_sums(const Levels& a, const std::uint32_t* places, std::size_t count,
                                                   const double* resp) {
  each_level_run(a, places, count, [&](const LevelRun& run, std::size_t j, std::size_t nv) {
    if (nv == 4) add_sums_of<4>(run, resp + j, a.sums.data + j);
    if (nv == 3) add_sums_of<3>(run, resp + j, a.sums.data + j);
    if (nv == 2) add_sums_of<2>(run, resp + j, a.sums.data + j);
    if (nv == 1) add_sums_of<1>(run, resp + j, a.sums.data + j);
  });
}

/// What is missing of some rows: row i lacks places[start[i]] to places[start[i + 1]] of the tables. There is room for
/// `missing_slack` more than can be missing.
struct MissingPlaces {
  std::uint32_t* start;
  std::uint32_t* places;
};

constexpr std::size_t missing_slack = 8;

#if defined(__AVX512F__) && VIVACE_VECTOR_BYTES == 64
/// Writes the places (0, width, 2 width, ...) of the NaN among `count` values that follow one another, and returns how
/// many there are; eight at a time, three times faster than one by one.
[[maybe_unused]] static inline std::uint32_t nan_places(const double* values, std::size_t count, std::uint32_t width,
                                                        std::uint32_t* out) {
  const __m256i step = _mm256_set1_epi32(static_cast<int>(8 * width));
  __m256i place =
      _mm256_mullo_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(static_cast<int>(width)));
  std::uint32_t found = 0;
  for (std::size_t g = 0; g < count; g += 8, place = _mm256_add_epi32(place, step)) {
    const std::size_t left = count - g;
    const auto some = static_cast<__mmask8>(left < 8 ? (1u << left) - 1 : 0xffu);
    const __m512d v = _mm512_maskz_loadu_pd(some, values + g);
    const __mmask8 gone = _mm512_mask_cmp_pd_mask(some, v, v, _CMP_UNORD_Q);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + found), _mm256_maskz_compress_epi32(gone, place));
    found += static_cast<std::uint32_t>(__builtin_popcount(gone));
  }
  return found;
}
#endif

template <class X>
[[maybe_unused]] static inline void missing_places(const Gaps& a, const View<const X>& x, std::size_t first,
                                                   std::size_t count, const MissingPlaces& out) {
  const auto width = static_cast<std::uint32_t>(a.table.cols);
  std::uint32_t found = 0;
#if defined(__AVX512F__) && VIVACE_VECTOR_BYTES == 64
  bool together = a.count > 0;
  for (std::size_t g = 1; g < a.count; ++g) together = together && a.columns[g] == a.columns[g - 1] + 1;
  if constexpr (sizeof(X) == sizeof(double)) {
    if (together) {
      for (std::size_t r = 0; r < count; ++r) {
        out.start[r] = found;
        found += nan_places(x.row(first + r) + a.columns[0], a.count, width, out.places + found);
      }
      out.start[count] = found;
      return;
    }
  }
#endif
  for (std::size_t r = 0; r < count; ++r) {
    const X* row = x.row(first + r);
    out.start[r] = found;
    for (std::size_t g = 0; g < a.count; ++g) {
      const X value = row[a.columns[g]];
      out.places[found] = static_cast<std::uint32_t>(g) * width;
      found += value != value;
    }
  }
  out.start[count] = found;
}

/// The missing units of a row, as a run of one row.
static inline LevelRun missing_run(const MissingPlaces& missing, std::size_t r, std::size_t width) {
  return {missing.places + missing.start[r], missing.start[r + 1] - missing.start[r], 0, 1, width};
}

/// scores (count x width) += what the rows' gaps say.
[[maybe_unused]] static inline void add_gap_scores(const Gaps& a, const MissingPlaces& missing, std::size_t count,
                                                   double* scores) {
  constexpr std::size_t n = lanes<double>;
  const std::size_t width = a.table.cols;
  for (std::size_t r = 0; r < count; ++r, scores += width) {
    const LevelRun run = missing_run(missing, r, width);
    std::size_t j = 0;
    for (; j + 3 * n <= width; j += 3 * n) add_scores_of<3>(run, a.table.data + j, scores + j);
    for (; j < width; j += n) add_scores_of<1>(run, a.table.data + j, scores + j);
  }
}

/// Adds resp (count x width) to the sums of the rows' gaps, in the order of the rows.
[[maybe_unused]] static inline void add_gap_sums(const Gaps& a, const MissingPlaces& missing, std::size_t count,
                                                 const double* resp) {
  constexpr std::size_t n = lanes<double>;
  const std::size_t width = a.table.cols;
  for (std::size_t r = 0; r < count; ++r, resp += width) {
    const LevelRun run = missing_run(missing, r, width);
    std::size_t j = 0;
    for (; j + 3 * n <= width; j += 3 * n) add_sums_of<3>(run, resp + j, a.sums.data + j);
    for (; j < width; j += n) add_sums_of<1>(run, resp + j, a.sums.data + j);
  }
}

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
