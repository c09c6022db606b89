// Arguments of the kernels of latent Dirichlet allocation (Blei, Ng and Jordan 2003; Hoffman, Blei and Bach 2010).
//
// Topics are stored word by word: the entries of one word for all topics are contiguous. `topics` holds the Dirichlet
// parameters lambda, V x K. A `table` made from it holds B = exp(E ln beta), V x topic_stride with zeros behind the
// K-th column; each row is divided by its largest entry, whose logarithm is its `level`, and multiplied by a power of
// two. The weights P = exp(digamma(gamma)) of a document are scaled in the same way. Together this keeps float32 away
// from underflow down to priors of about 0.01. Where a word still gets no weight from any topic (smaller priors), its
// responsibilities are found from logarithms in double: an `orphan`, marked by a negative weight.
#pragma once

#include <cstddef>
#include <cstdint>

#include "view.hpp"

namespace vivace {

/// Rows of B for the given words (all, where `words` is null).
template <class T>
struct TopicTable {
  View<const T> topics;               // V x K
  const double* psi_total = nullptr;  // K: digamma of a topic's sum
  const std::int32_t* words = nullptr;
  std::size_t count = 0;
  View<T> table;            // V x stride, rows of `words` are written
  double* level = nullptr;  // V
  std::byte* scratch = nullptr;
};

/// Variational step of documents at fixed topics.
///
/// s_w = sum_k P_k B_wk, gamma_k = alpha_k + P_k sum_w n_w B_wk / s_w until the mean change of gamma is below
/// `tolerance` or `max_sweeps` are made. What comes out belongs to the final gamma.
template <class T>
struct DocumentStep {
  const std::int64_t* start = nullptr;  // documents + 1 offsets into words, counts and weights
  std::size_t documents = 0;
  const std::int32_t* words = nullptr;
  const T* counts = nullptr;
  const double* row_weights = nullptr;  // documents, or null for ones
  View<const T> topics;
  const double* psi_total = nullptr;
  View<const T> table;
  const double* level = nullptr;
  const double* alpha = nullptr;  // K
  std::size_t max_sweeps = 100;
  double tolerance = 1e-3;
  View<T> gamma;                   // documents x K, in (start) and out
  View<T> previous;                // documents x K: no document ends with a lower bound than this gamma has; or null
  T* weights = nullptr;            // out: row weight x n_w / s_w; for an orphan - row weight x n_w
  View<T> theta;                   // documents x stride, out: P; or null
  double* bound = nullptr;         // documents, out: the document's terms of the bound; or null
  std::int32_t* sweeps = nullptr;  // documents, out; or null
  std::byte* scratch = nullptr;
};

/// Expected counts of words: out[w] += B_w * sum over the word's entries of weight x P_document, in their order.
template <class T>
struct WordSums {
  const std::int32_t* words = nullptr;  // distinct words
  std::size_t count = 0;
  const std::int64_t* start = nullptr;      // count + 1 offsets into entries and documents
  const std::int32_t* entries = nullptr;    // place in `weights`
  const std::int32_t* documents = nullptr;  // row of theta and gamma
  const T* weights = nullptr;
  View<const T> theta;
  View<const T> gamma;
  View<const T> topics;
  const double* psi_total = nullptr;
  View<const T> table;
  View<double> out;  // V x K
  std::byte* scratch = nullptr;
};

/// Terms of the bound that belong to topics: out[k] = sum over words w of
///   (S_wk + prior - lambda_wk) E ln beta_wk + ln Gamma(lambda_wk),  or without a prior  S_wk E ln beta_wk.
template <class T>
struct TopicTerms {
  View<const T> topics;
  const double* psi_total = nullptr;
  const std::int32_t* words = nullptr;  // or null: all
  std::size_t count = 0;
  View<const double> statistics;  // V x K: S, or null: zero
  bool with_prior = false;
  double prior = 0;
  double* out = nullptr;  // K
  std::byte* scratch = nullptr;
};

}  // namespace vivace
