// Log density of Student-t mixtures (posterior predictives), row by row, always in double.
#include "accumulate.hpp"
#include "mixture.hpp"
#include "product.hpp"
#include "rows.hpp"
#include "softmax.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

struct Buffers {
  std::size_t d_padded;
  double *constants, *packed, *rows, *columns, *panel, *scores, *resp, *weights, *lse;

  Buffers(Arena& arena, std::size_t d, std::size_t k, std::size_t features) {
    constexpr std::size_t ch = chunk_rows<double>;
    d_padded = padded_columns<double>(d);
    constants = arena.take<double>(k);
    packed = arena.take<double>(k * features);
    rows = arena.take<double>(ch * d_padded);
    columns = arena.take<double>(round_up(d, lanes<double>) * ch);
    panel = arena.take<double>(panel_features * ch);
    scores = arena.take<double>(k * ch);
    resp = arena.take<double>(k * ch);
    weights = arena.take<double>(ch);
    lse = arena.take<double>(ch);
  }
};

/// Reads chunk after chunk into columns, lets `score` fill the scores and writes their log-sum-exp.
template <class Args, class Score>
static inline void each_chunk(const Args& a, std::size_t components, const Buffers& b, Score score) {
  constexpr std::size_t ch = chunk_rows<double>;
  for (std::size_t r = 0; r < ch; ++r) b.weights[r] = 1.0;
  for (std::size_t i = 0; i < ch * b.d_padded; ++i) b.rows[i] = 0.0;
  for (std::size_t first = 0; first < a.x.rows; first += ch) {
    const std::size_t count = a.x.rows - first < ch ? a.x.rows - first : ch;
    standardise<double>(a.x, first, count, a.centre, a.inv_scale, b.d_padded, b.rows);
    transpose(b.rows, a.x.cols, b.d_padded, b.columns);
    score();
    softmax_chunk<double, false>(components, b.scores, b.weights, b.resp, RowSums<double>{}, b.lse);
    for (std::size_t r = 0; r < count; ++r) a.out[first + r] = b.lse[r];
    if (a.resp)
      for (std::size_t k = 0; k < components; ++k)
        for (std::size_t r = 0; r < count; ++r) a.resp(first + r, k) = b.resp[k * ch + r];
  }
}

template <class X>
static inline void student(const StudentScore<X>& a) {
  constexpr std::size_t ch = chunk_rows<double>, n = lanes<double>;
  const std::size_t components = a.eta.rows, features = a.eta.cols - 1;
  Arena arena{a.scratch};
  const Buffers b(arena, a.x.cols, components, features);
  pack_eta<double>(a.eta, b.constants, b.packed);
  each_chunk(a, components, b, [&] {
    score_chunk<double>(a.score, b.columns, a.x.cols, a.x.cols, features, components, b.constants, b.packed, nullptr,
                        b.panel, b.scores);
    for (std::size_t k = 0; k < components; ++k)
      for (std::size_t r = 0; r < ch; r += n) {
        // rounding may leave the square of a distance a little below zero
        const Vec<double> q = max(loadu(b.scores + k * ch + r), broadcast<double>(0.0));
        storeu(b.scores + k * ch + r, a.a[k] - a.b[k] * log1p(q));
      }
  });
}

// Factors of a product of Student-t densities are multiplied before one logarithm is taken; each is held to 1e75, so
// that four of them do not overflow.
constexpr std::size_t factors_per_log = 4;
constexpr double largest_factor = 1e75;

template <class X>
static inline void student_diag(const StudentDiagScore<X>& a) {
  constexpr std::size_t ch = chunk_rows<double>, n = lanes<double>;
  const std::size_t components = a.means.rows, d = a.x.cols;
  Arena arena{a.scratch};
  const Buffers b(arena, d, components, 0);
  each_chunk(a, components, b, [&] {
    for (std::size_t k = 0; k < components; ++k) {
      const double* exponent = a.b.row(k);
      for (std::size_t r = 0; r < ch; r += n) {
        Vec<double> score = broadcast<double>(a.a[k]);
        for (std::size_t j = 0; j < d;) {
          Vec<double> product = broadcast<double>(1.0);
          const std::size_t start = j;
          for (; j < d && j - start < factors_per_log && exponent[j] == exponent[start]; ++j) {
            const Vec<double> t = loadu(b.columns + j * ch + r) - a.means(k, j);
            product *= min(1.0 + a.scales(k, j) * t * t, broadcast<double>(largest_factor));
          }
          score -= exponent[start] * log(product);
        }
        storeu(b.scores + k * ch + r, score);
      }
    }
  });
}

}  // namespace

void student_d(const StudentScore<double>& a) { student(a); }
void student_f(const StudentScore<float>& a) { student(a); }
void student_diag_d(const StudentDiagScore<double>& a) { student_diag(a); }
void student_diag_f(const StudentDiagScore<float>& a) { student_diag(a); }

std::size_t student_scratch(std::size_t d, std::size_t k, Kind score) {
  Arena arena{nullptr};
  Buffers(arena, d, k, feature_count(score, d));
  return arena.used;
}

}  // namespace vivace::VIVACE_ISA_NS
