// Arguments of the kernels of latent Dirichlet allocation (Blei, Ng and Jordan 2003; Hoffman, Blei and Bach 2010).
//
// Topics are stored word by word: the entries of one word for all topics are contiguous. A `table` made from them holds
// B = exp(E ln beta) of the words of a batch, one row a word, topic_stride columns with zeros behind the K-th; each row
// is divided by its largest entry, whose logarithm is its `level`, and multiplied by a power of two. Documents know
// words by their rows in the table; `vocabulary` tells their numbers among all words. The weights P =
// exp(digamma(gamma)) of a document are scaled in the same way. Together this keeps float32 away from underflow down to
// priors of about 0.01. Where a word still gets no weight from any topic (smaller priors), its responsibilities are
// found from logarithms in double: an `orphan`, marked by a negative weight.
#pragma once

#include <cstddef>
#include <cstdint>

#include "view.hpp"

namespace vivace {

/// Places that a number of bits tells of.
inline constexpr std::size_t word_bits = 64;

/// The numbers of a table that are not zero, one after the other, and a bit for each place: set where one is.
template <class T>
struct PackedTable {
  const std::uint64_t* bits = nullptr;
  const T* kept = nullptr;
  const std::int64_t* first = nullptr;  // rows: how many numbers come before
};

/// Dirichlet parameters of topics: lambda = prior + scale x counts.
template <class T>
struct TopicRows {
  View<const T> counts;  // V x K; without data where they are packed
  PackedTable<T> packed;
  T scale = 1;
  const T* prior = nullptr;               // of word w and topic k: prior[w by_word + k by_topic]
  std::size_t by_word = 0, by_topic = 0;  // 0 and 0: one number; 1 and 0: one a word; K and 1: a table
  const double* psi_total = nullptr;      // K: digamma of a topic's sum
};

/// How many entries of the given words' rows of B are not `common` ones.
template <class T>
struct TableSizes {
  TopicRows<T> topics;
  const std::int32_t* words = nullptr;
  std::size_t count = 0;
  std::int64_t* sizes = nullptr;  // count, out
  std::byte* scratch = nullptr;
};

/// Rows of B for the given words, as they are or packed.
template <class T>
struct TopicTable {
  TopicRows<T> topics;
  const std::int32_t* words = nullptr;
  std::size_t count = 0;
  const T* common = nullptr;  // stride
  View<T> whole;              // count x stride, out; or null, and
  T* packed = nullptr;        // out, as in `TableRows`
  const std::int64_t* start = nullptr;
  double* level = nullptr;  // count
  T* row_sums = nullptr;    // count: sum of each row
  std::byte* scratch = nullptr;
};

/// Numbers of type T that hold the bits of a packed row.
template <class T>
VIVACE_MEMBER constexpr std::size_t bit_numbers(std::size_t stride) {
  return (stride + 63) / 64 * (sizeof(std::uint64_t) / sizeof(T));
}

/// Numbers behind the last of the packed rows, so that whole vectors can be read wherever a row ends.
template <class T>
VIVACE_MEMBER constexpr std::size_t packed_room(std::size_t stride) {
  return stride + bit_numbers<T>(stride) + 1;
}

/// Rows of B, as they are or packed. Where lambda is the prior an entry is `factor` of the word times `common` of the
/// topic, either way; packed rows hold the others one after the other, and a bit for each place, set where they do.
template <class T>
struct TableRows {
  View<const T> whole;                  // rows x stride; or null, and
  const T* packed = nullptr;            // bits, factor and values of each row; `packed_room` behind the last
  const std::int64_t* start = nullptr;  // rows + 1 offsets into `packed`
  const T* common = nullptr;            // stride: exp(-digamma(sum of a topic)) over the largest of them
};

/// Variational step of documents at fixed topics.
///
/// s_w = sum_k P_k B_wk, gamma_k = alpha_k + P_k sum_w n_w B_wk / s_w until the mean change of gamma is below
/// `tolerance` or `max_sweeps` are made. What comes out belongs to the final gamma.
template <class T>
struct DocumentStep {
  const std::int64_t* start = nullptr;  // documents + 1 offsets into words, counts and weights
  std::size_t documents = 0;
  const std::int32_t* words = nullptr;  // rows of the table
  const T* counts = nullptr;
  const double* row_weights = nullptr;  // documents, or null for ones
  TopicRows<T> topics;
  const std::int32_t* vocabulary = nullptr;  // word of each row of the table
  TableRows<T> table;
  const double* level = nullptr;
  const double* alpha = nullptr;  // K
  std::size_t max_sweeps = 100;
  double tolerance = 1e-3;
  bool sharpen = false;         // look for an optimum of few topics, from equal shares
  const T* row_sums = nullptr;  // of the table, where it starts from equal shares exactly; or null
  View<T> gamma;                // documents x K, in (start) and out
  View<T> previous;             // documents x K: no document ends with a lower bound than this gamma has; or null
  // Out, unless neither theta, bound, previous nor log_theta is given: row weight x n_w / s_w; for an orphan - row
  // weight x n_w.
  T* weights = nullptr;
  View<T> theta;                   // documents x stride, out: P; or null
  double* bound = nullptr;         // documents, out: the document's terms of the bound; or null
  double* log_theta = nullptr;     // K, out, with `bound`: sum over documents of row weight x E ln theta; or null
  std::int32_t* sweeps = nullptr;  // documents, out; or null
  std::byte* scratch = nullptr;
};

/// Random parameters of documents: uniform within `width` of `centre`. They follow from the seed and a document's words
/// and counts, not from its place: their order does not matter, and a document of weight 2 is the document twice.
template <class T>
struct DocumentStart {
  const std::int64_t* start = nullptr;  // documents + 1 offsets into words and counts
  const std::int32_t* words = nullptr;  // numbers among all words
  const T* counts = nullptr;
  std::uint64_t seed = 0;
  double centre = 0, width = 0;
  View<T> gamma;  // documents x K, out
};

/// The values of rows that are not `common`, one after the other, and a bit for each place: set where a value follows.
template <class T>
struct PackedRows {
  View<const T> values;
  const T* common = nullptr;      // columns
  std::uint64_t* bits = nullptr;  // rows x (columns / 64, rounded up), out
  T* kept = nullptr;              // out, with room for all values and 64 bytes
  std::size_t* count = nullptr;   // out: how many there are
};

/// Rows of a packed table become greater by `factor` x values, in place. First the bits of the sum are marked, then its
/// numbers are made and `bits` become the marks.
template <class T>
struct PackedSum {
  View<const T> values;                // a row for each of
  const std::int32_t* rows = nullptr;  // rising; or null: all
  T factor = 1;
  std::uint64_t* marks = nullptr;     // in (as `bits`) and out: also set where values are not zero
  std::uint64_t* bits = nullptr;      // of the table, in and out
  std::size_t places = 0;             // of the table: rows x columns
  T* kept = nullptr;                  // its numbers, in and out, with room for two vectors behind those of the sum
  std::size_t before = 0, after = 0;  // how many they are, and those of the sum
};

/// Documents at fixed topics by collapsed variational Bayes of order zero: shares g of a document's words, each in turn
/// proportional to mean_wk (n_k - min(count, 1) g_k + alpha_k), with n the document's expected counts, until the mean
/// change of n in a sweep is below `tolerance` or `max_sweeps` are made.
template <class T>
struct FoldIn {
  const std::int64_t* start = nullptr;  // documents + 1 offsets into words and counts
  std::size_t documents = 0;
  const std::int32_t* words = nullptr;  // rows of the table
  const T* counts = nullptr;
  View<const T> table;       // expected probabilities, each row divided by its largest; zeros behind the K-th column
  const T* alpha = nullptr;  // stride, zeros in the padding
  std::size_t max_sweeps = 100;
  double tolerance = 1e-3;
  View<T> gamma;        // documents x K, out: alpha + n
  T* shares = nullptr;  // words of the longest document x stride: working memory
  std::byte* scratch = nullptr;
};

/// Expected counts of words: out[w] += B_w * sum over the word's entries of weight x P_document, in their order.
/// Without `out` the counts of a word take the place of B_w.
template <class T>
struct WordSums {
  const std::int32_t* words = nullptr;  // rows of the table, distinct
  std::size_t count = 0;
  const std::int64_t* start = nullptr;      // count + 1 offsets into entries and documents
  const std::int32_t* entries = nullptr;    // place in `weights`
  const std::int32_t* documents = nullptr;  // row of theta and gamma
  const T* weights = nullptr;
  View<const T> theta;
  View<const T> gamma;
  TopicRows<T> topics;
  const std::int32_t* vocabulary = nullptr;
  TableRows<T> table;
  T* place = nullptr;  // of the whole table, where there is no `out`
  View<T> out;         // V x K, or a row for each row of the table; or null
  bool dense = false;  // the former
  std::byte* scratch = nullptr;
};

/// Terms of the bound that belong to topics, summed over words: out[k] = sum of
///   (factor S_wk + own_factor scale counts_wk) E ln beta_wk + ln Gamma(lambda_wk) + digamma(lambda_wk),
/// the last two where they are asked for.
template <class T>
struct TopicTerms {
  TopicRows<T> topics;
  const std::int32_t* words = nullptr;  // or null: all
  std::size_t count = 0;
  View<const T> statistics;          // S: V x K, or one row for each of `words`; or null
  bool dense = false;                // the former
  PackedTable<T> packed_statistics;  // S, V x K, in their place; or null
  double factor = 0, own_factor = 0;
  bool log_gamma = false, digamma = false;
  double* out = nullptr;   // K
  double* sums = nullptr;  // K, out: sums of S; or null
  std::byte* scratch = nullptr;
};

/// base = keep base, then base[rows] += factor add - factor_old subtract, not below zero where `clip` says so.
template <class T>
struct RowUpdate {
  View<T> base;
  T keep = 1;
  const std::int32_t* rows = nullptr;  // distinct; or null: all
  std::size_t count = 0;
  const T* add = nullptr;  // count x columns
  T factor = 0;
  const T* subtract = nullptr;  // the same, or null
  T factor_old = 0;
  bool clip = false;
};

}  // namespace vivace
