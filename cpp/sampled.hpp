// Arguments of the kernels of collapsed Gibbs sampling (Griffiths and Steyvers 2004) against topics that stand still
// for a pass.
//
// Every token of a document has one topic. A pass draws each anew, given the others of its document as they are now and
// the words' counts as the pass before left them, the token's own topic taken out of both (Newman, Asuncion, Smyth and
// Welling 2009, with as many processors as documents). Documents do not see each other within a pass, so that neither
// their order nor the number of threads matters. Random numbers are a function of a key, the token's place and the
// sweep. Probabilities are in single precision, whatever the precision of the fit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "view.hpp"

namespace vivace {

/// Topics of tokens: bytes where there are so few topics, else 16 bits.
struct TokenTopics {
  std::uint8_t* bytes = nullptr;
  std::uint16_t* wide = nullptr;

  VIVACE_MEMBER std::size_t operator[](std::size_t t) const { return bytes ? bytes[t] : wide[t]; }
  VIVACE_MEMBER void set(std::size_t t, std::size_t topic) const {
    if (bytes)
      bytes[t] = static_cast<std::uint8_t>(topic);
    else
      wide[t] = static_cast<std::uint16_t>(topic);
  }
};

/// Documents in compressed rows: the tokens of an entry, a word of a document, follow each other.
struct SampledRows {
  const std::int64_t* start = nullptr;   // offsets of rows into entries
  const std::int64_t* chosen = nullptr;  // rows that are the documents; null: all
  const std::int64_t* tokens = nullptr;  // offsets of documents into tokens
  const std::int32_t* words = nullptr;   // of entries
  const float* floats = nullptr;         // counts of entries: whole numbers, in one type or the other
  const double* doubles = nullptr;
  bool ordered = false;  // words rise within each row

  VIVACE_MEMBER std::int64_t begin(std::size_t d) const { return start[row(d)]; }
  VIVACE_MEMBER std::int64_t end(std::size_t d) const { return start[row(d) + 1]; }
  VIVACE_MEMBER std::size_t row(std::size_t d) const { return chosen ? static_cast<std::size_t>(chosen[d]) : d; }
  VIVACE_MEMBER std::int32_t count(std::size_t e) const {
    return static_cast<std::int32_t>(floats ? static_cast<double>(floats[e]) : doubles[e]);
  }
};

/// New topics of the tokens of documents: p(k) ~ table(w, k) (n_k + alpha_k), with n the document's other tokens. The
/// token itself is taken out of table(w, k), which is (N_wk + prior) / total_k: see `one` and `rest`.
struct SampledDocuments {
  SampledRows rows;
  std::size_t first = 0, last = 0;  // documents
  TokenTopics topic;                // in (unless fresh) and out
  std::size_t topics = 0;
  View<const float> table;       // V x stride, zeros in the padding
  const float* alpha = nullptr;  // stride, zeros in the padding
  const float* one = nullptr;    // stride: 1 / total, what one token is in the table
  const float* rest = nullptr;   // stride: total / (total - 1)
  float least = 0;               // what an entry of the table is at least without the token, whatever rounding did
  bool fresh = false;            // the tokens have no topic yet, and the table holds nothing of them
  std::size_t sweeps = 1;        // over a document; more than one where fresh, else one
  std::uint64_t key = 0;
  // Out, the sum over documents and their topics of digamma(n_k + alpha_k) - digamma(alpha_k), n as it was before:
  // topics, or null; not where fresh.
  double* learned = nullptr;
  double* likelihood = nullptr;  // 1, out: sum of log p(word | all other tokens), of the last sweep
  std::byte* scratch = nullptr;
};

/// Counts of words `first` to `last`, from the topics of all tokens. Other calls may do other words at the same time.
struct SampledCounts {
  SampledRows rows;
  std::size_t documents = 0;
  TokenTopics topic;
  std::size_t topics = 0, first = 0, last = 0;
  View<std::int32_t> table;      // V x stride, out: the counts, zeros in the padding
  std::int64_t* sums = nullptr;  // topics, out: sums over the words
};

/// The end of a pass, for words `first` to `last`: the mean of counts over passes moves on by `rate`, and the counts in
/// `table` (32-bit whole numbers in the place of the others) become (N_wk + prior) one_k.
template <class T>
struct SampledMeans {
  View<float> table;       // V x stride, in and out
  View<const T> previous;  // V x K, means of counts
  View<T> means;           // V x K, out
  View<const T> prior;     // 1 x 1, V x 1 or V x K
  const float* one = nullptr;
  T rate = 0;
  std::size_t first = 0, last = 0;
  double* sums = nullptr;  // topics, out: column sums of the means
};

}  // namespace vivace
