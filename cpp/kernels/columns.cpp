// One pass over the columns of a block: weighted sums about a shift, extremes, and the first row that is not finite.
#include "../math.hpp"
#include "mixture.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

// Columns handled side by side: their running sums stay in the first-level cache.
constexpr std::size_t strip = 256;

template <class X>
static inline std::ptrdiff_t first_bad_row(const View<const X>& x) {
  for (std::size_t i = 0; i < x.rows; ++i)
    for (std::size_t j = 0; j < x.cols; ++j)
      if (!(x(i, j) - x(i, j) == X(0))) return static_cast<std::ptrdiff_t>(i);
  return -1;
}

template <class X>
static inline std::ptrdiff_t column_sums(const ColumnSums<X>& a) {
  const std::size_t d = a.x.cols;
  double bad[strip] = {};
  bool finite = true;
  for (std::size_t j0 = 0; j0 < d; j0 += strip) {
    const std::size_t width = d - j0 < strip ? d - j0 : strip;
    double* sum = a.out.row(0) + j0;
    double* square = a.out.row(1) + j0;
    double* low = a.out.row(2) + j0;
    double* high = a.out.row(3) + j0;
    for (std::size_t j = 0; j < width; ++j) {
      sum[j] = square[j] = bad[j] = 0.0;
      low[j] = high[j] = static_cast<double>(a.x(0, j0 + j));
    }
    for (std::size_t i = 0; i < a.x.rows; ++i) {
      const X* row = a.x.row(i) + j0;
      const double w = a.weights ? a.weights[i] : 1.0;
#pragma omp simd
      for (std::size_t j = 0; j < width; ++j) {
        const double v = static_cast<double>(row[j]);
        const double t = v - a.shift[j0 + j];
        bad[j] += v - v;  // NaN as soon as one value is not finite
        sum[j] += w * t;
        square[j] += w * t * t;
        low[j] = v < low[j] ? v : low[j];
        high[j] = v > high[j] ? v : high[j];
      }
    }
    for (std::size_t j = 0; j < width; ++j) finite = finite && bad[j] == 0.0;
  }
  return finite ? -1 : first_bad_row(a.x);
}

}  // namespace

std::ptrdiff_t column_sums_d(const ColumnSums<double>& a) { return column_sums(a); }
std::ptrdiff_t column_sums_f(const ColumnSums<float>& a) { return column_sums(a); }

}  // namespace vivace::VIVACE_ISA_NS
