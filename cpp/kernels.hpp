// The table of kernel pointers: one for each instruction set, chosen once by dispatch.cpp.
//
// Kernels are pure functions on views: no state, no globals, no allocation, no exceptions. Callers give scratch memory
// (aligned to 64 bytes; `*_scratch` says how much), and check every shape beforehand.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cvb0.hpp"
#include "sampled.hpp"
#include "topics.hpp"
#include "view.hpp"

namespace vivace {

/// Features of a standardised row z (docs/architecture.md, "Features").
enum class Kind : int { linear, spherical, diag, full };

/// How a local step turns scores into responsibilities.
enum class Mode : int {
  soft,   // softmax
  hard,   // one for the largest score
  given,  // read from `resp_in`
  score   // like soft, but no statistics
};

/// Of d columns, the first q of which enter the quadratic part.
static inline std::size_t feature_count(Kind kind, std::size_t d, std::size_t q) {
  switch (kind) {
    case Kind::linear: return 1 + d;
    case Kind::spherical: return 2 + d;
    case Kind::diag: return 1 + d + q;
    case Kind::full: return 1 + d + q * (q + 1) / 2;
  }
  return 0;
}

static inline std::size_t feature_count(Kind kind, std::size_t d) { return feature_count(kind, d, d); }

/// Columns of levels: level v of column c has row first[c] + v of the tables, and what is no level the last row.
struct Levels {
  View<const std::int32_t> codes;       // n x C, negative where missing
  const std::int32_t* first = nullptr;  // C + 1, rising to V
  View<const double> table;             // V + 1 x width, a whole number of vectors and at least K; the last row is zero
  View<double> sums;                    // V + 1 x width: += weighted responsibilities
};

/// Columns that may hold NaN: what is missing counts as zero, adds its row of the table to the scores, and its row of
/// the sums takes the weighted responsibilities.
struct Gaps {
  const std::int32_t* columns = nullptr;  // G columns of x
  std::size_t count = 0;                  // G
  View<const double> table;               // G x width, a whole number of vectors and at least K
  View<double> sums;                      // G x width: += weighted responsibilities
};

/// One block of rows through the local step of a mixture.
template <class X>
struct MixtureStep {
  View<const X> x;                    // n x D; without columns where levels or added scores say all
  const double* weights = nullptr;    // n, or null for ones
  const double* centre = nullptr;     // D
  const double* inv_scale = nullptr;  // D
  View<const double> eta;             // K x F(score)
  Kind score = Kind::linear;
  Kind stat = Kind::linear;
  Mode mode = Mode::soft;
  View<double> suff;               // K x F(stat), out
  double* entropy = nullptr;       // K, out
  View<const double> resp_in;      // n x K, mode given
  View<const double> added;        // n x at least K, a whole number of vectors: added to the scores, optional
  View<double> weighted;           // n x at least K: w r, out, optional
  Levels levels;                   // optional; arithmetic is in double then
  Gaps gaps;                       // optional; arithmetic is in double then
  View<double> resp;               // n x K, out, optional
  View<float> resp_single;         // the same in float32
  std::int32_t* labels = nullptr;  // n, out, optional
  double* lse = nullptr;           // n, out, optional
  std::byte* scratch = nullptr;
  std::size_t components = 0;  // K
  std::size_t quadratic = 0;   // columns with quadratic features, the first ones; D but for mixed columns
};

/// Log density of a mixture of multivariate Student-t: logsumexp_k(a_k - b_k log1p(features(z) . eta_k)).
template <class X>
struct StudentScore {
  View<const X> x;
  const double* centre = nullptr;
  const double* inv_scale = nullptr;
  View<const double> eta;  // K x F(score): the quadratic form
  Kind score = Kind::full;
  const double* a = nullptr;
  const double* b = nullptr;
  double* out = nullptr;  // n
  View<double> resp;      // n x K, out, optional: share of each component in the density
  std::byte* scratch = nullptr;
};

/// The same for products of one-dimensional Student-t: logsumexp_k(a_k - sum_d b_kd log1p(s_kd (z_d - m_kd)^2)).
template <class X>
struct StudentDiagScore {
  View<const X> x;
  const double* centre = nullptr;
  const double* inv_scale = nullptr;
  View<const double> means;   // K x D
  View<const double> scales;  // K x D
  const double* a = nullptr;
  View<const double> b;  // K x D
  double* out = nullptr;
  View<double> resp;
  std::byte* scratch = nullptr;
};

/// Sums of one pass over the columns of a block, about a shift.
template <class X>
struct ColumnSums {
  View<const X> x;
  const double* weights = nullptr;
  const double* shift = nullptr;  // D
  View<double> out;               // 4 x D: sum w (x - shift), sum w (x - shift)^2, min, max
};

/// Compressed rows of a V x K problem: row i has the entries start[i] to start[i + 1].
struct Entries {
  const std::int64_t* start = nullptr;  // n + 1
  const std::int32_t* index = nullptr;  // below V
  const double* values = nullptr;       // or null for ones
  std::size_t rows = 0;
};

/// scores(i, :) += sum over the row's entries of value table(index, :).
struct GatherScores {
  Entries entries;
  View<const double> table;  // V x width
  View<double> scores;       // n x width, a whole number of vectors
};

/// sums(index, :) += value resp(i, :) for every entry, in the order of the rows.
struct GatherSums {
  Entries entries;
  View<const double> resp;  // n x width
  View<double> sums;        // V x width
};

template <class T>
using ArrayFunction = void (*)(const T* x, T* out, std::size_t n);

template <class T>
struct SpecialFunctions {
  ArrayFunction<T> exp, log, digamma, exp_digamma, lgamma, exp_nonpositive, log1p;
};

struct Kernels {
  const char* isa;
  SpecialFunctions<double> special;
  SpecialFunctions<float> special_single;
  // [X = double, arithmetic double], [float, double], [float, float]
  void (*mixture_step_dd)(const MixtureStep<double>&);
  void (*mixture_step_df)(const MixtureStep<double>&);
  void (*mixture_step_fd)(const MixtureStep<float>&);
  void (*mixture_step_ff)(const MixtureStep<float>&);
  std::size_t (*mixture_scratch)(std::size_t d, std::size_t q, std::size_t k, Kind score, Kind stat, bool single,
                                 std::size_t met_columns, std::size_t met_width);
  void (*gather_scores)(const GatherScores&);
  void (*gather_sums)(const GatherSums&);
  void (*student_d)(const StudentScore<double>&);
  void (*student_f)(const StudentScore<float>&);
  void (*student_diag_d)(const StudentDiagScore<double>&);
  void (*student_diag_f)(const StudentDiagScore<float>&);
  std::size_t (*student_scratch)(std::size_t d, std::size_t k, Kind score);
  std::ptrdiff_t (*column_sums_d)(const ColumnSums<double>&);  // index of the first row that is not finite, or -1
  std::ptrdiff_t (*column_sums_f)(const ColumnSums<float>&);
  std::size_t (*topic_stride_d)(std::size_t topics);
  std::size_t (*topic_stride_f)(std::size_t topics);
  std::size_t (*topic_scratch)(std::size_t topics);
  void (*table_sizes_d)(const TableSizes<double>&);
  void (*table_sizes_f)(const TableSizes<float>&);
  void (*topic_table_d)(const TopicTable<double>&);
  void (*topic_table_f)(const TopicTable<float>&);
  void (*document_step_d)(const DocumentStep<double>&);
  void (*document_step_f)(const DocumentStep<float>&);
  void (*document_start_d)(const DocumentStart<double>&);
  void (*document_start_f)(const DocumentStart<float>&);
  void (*pack_rows_d)(const PackedRows<double>&);
  void (*pack_rows_f)(const PackedRows<float>&);
  std::size_t (*bits_between)(const std::uint64_t* bits, std::size_t first, std::size_t last);
  void (*sum_marks_d)(const PackedSum<double>&);
  void (*sum_marks_f)(const PackedSum<float>&);
  void (*packed_sum_d)(const PackedSum<double>&);
  void (*packed_sum_f)(const PackedSum<float>&);
  std::size_t (*fold_in_scratch)(std::size_t topics);
  void (*fold_in_d)(const FoldIn<double>&);
  void (*fold_in_f)(const FoldIn<float>&);
  void (*word_sums_d)(const WordSums<double>&);
  void (*word_sums_f)(const WordSums<float>&);
  void (*topic_terms_d)(const TopicTerms<double>&);
  void (*topic_terms_f)(const TopicTerms<float>&);
  std::size_t (*cvb0_scratch)(std::size_t topics);
  void (*cvb0_documents_d)(const Cvb0Documents<double>&);
  void (*cvb0_documents_f)(const Cvb0Documents<float>&);
  void (*cvb0_words_d)(const Cvb0Words<double>&);
  void (*cvb0_words_f)(const Cvb0Words<float>&);
  void (*cvb0_extrapolate_d)(const Cvb0Extrapolation<double>&);
  void (*cvb0_extrapolate_f)(const Cvb0Extrapolation<float>&);
  std::size_t (*sampled_scratch)(std::size_t topics);
  void (*sampled_documents)(const SampledDocuments&);
  void (*sampled_counts)(const SampledCounts&);
  void (*sampled_means_d)(const SampledMeans<double>&);
  void (*sampled_means_f)(const SampledMeans<float>&);
  void (*row_update_d)(const RowUpdate<double>&);
  void (*row_update_f)(const RowUpdate<float>&);
};

#define VIVACE_DECLARE_TABLE(ns) \
  namespace ns {                 \
  extern const Kernels kernels;  \
  }
VIVACE_DECLARE_TABLE(isa_v2)
VIVACE_DECLARE_TABLE(isa_v3)
VIVACE_DECLARE_TABLE(isa_v4)
VIVACE_DECLARE_TABLE(isa_portable)
#undef VIVACE_DECLARE_TABLE

}  // namespace vivace
