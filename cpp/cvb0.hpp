// Arguments of the kernels of collapsed variational Bayes, order zero (Asuncion, Welling, Smyth and Teh 2009).
//
// A batch of documents is worked on against the table that the batch before it left, in two phases: documents, each on
// its own, then words, each on its own. The table holds lambda = prior + expected counts, V x stride with zeros behind
// the K-th column. An `entry` is a word of a document; its responsibilities gamma (K shares that sum to one) are kept
// from visit to visit in a store, from which they are read and to which they are written: float64 fits store float32,
// float32 fits store half precision (scaled by 2^15, so that nothing above 2^-29 is lost). What the table is given is
// what the store holds, rounding included, so that the two never drift apart.
#pragma once

#include <cstddef>
#include <cstdint>

#include "view.hpp"

namespace vivace {

/// Responsibilities of an entry that a lean store keeps, the largest (or fewer, where the others hardly count).
constexpr std::size_t lean_entries = 12;

/// Documents of a batch: new gamma of their entries.
///
/// gamma_k ~ (lambda_wk - x g_k) (n_k + alpha_k - y g_k) / (Lambda_k - x g_k) with g the entry's old gamma, n the
/// document's expected counts, y = min(count, 1) and x = y min(weight, 1): the entry's own share (of one token) is
/// left out. An entry's new gamma counts for the document's next entries at once, for the table after the batch.
template <class T>
struct Cvb0Documents {
  const std::int64_t* start = nullptr;  // documents + 1 offsets into words, counts and gamma
  std::size_t documents = 0;
  const std::int32_t* words = nullptr;
  const T* counts = nullptr;
  const double* row_weights = nullptr;  // documents, or null for ones
  std::size_t topics = 0;
  View<const T> table;                // V x stride
  const T* totals = nullptr;          // stride: column sums of the table, infinite in the padding
  const T* inverse = nullptr;         // stride: 1 / totals
  const T* alpha = nullptr;           // stride, zeros in the padding
  T least_word = 0, least_topic = 0;  // what lambda and n + alpha are at least, whatever rounding did
  std::size_t sweeps = 1;             // more than one where documents are fresh
  bool fresh = false;                 // the table holds nothing of these documents, and gamma is not read
  bool divide = false;                // totals are so small that 1 / (Lambda - x g) needs a division
  // entries x topics of the store's type; with a lean store entries x lean_entries, and their topics in one of the
  // others: in bytes where that is enough
  void* gamma = nullptr;
  std::uint8_t* kept_bytes = nullptr;
  std::uint16_t* kept = nullptr;
  std::size_t entries = 0;       // of the store that may be read ahead
  std::int64_t batch_first = 0;  // the batch's first entry
  // Out: what gamma was, entries of the batch x topics in the store's type, unless fresh; with a lean store, new - old
  // gamma in its units, entries of the batch x stride.
  void* before = nullptr;
  T* change = nullptr;
  T* factors = nullptr;          // entries of the batch, out: weight x count over what the store takes for one
  double* moved = nullptr;       // K, out: sum of the change
  double* likelihood = nullptr;  // 1, out: sum of weight x count x log p(word | the rest of the document)
  std::byte* scratch = nullptr;
};

/// Words of a batch: table[w] += factor x (gamma - before) of the word's entries, in their order. Without `before` they
/// were fresh; with a lean store there is their `change` in the place of both.
template <class T>
struct Cvb0Words {
  const std::int32_t* words = nullptr;  // distinct
  std::size_t count = 0;
  const std::uint32_t* ends = nullptr;  // offsets into entries where each ends; the first begins at `begin`
  std::uint32_t begin = 0;
  const std::uint16_t* near = nullptr;  // entries, rows of the following: in 16 bits,
  const std::int32_t* far = nullptr;    // or where that is not enough
  std::size_t topics = 0;
  const void *gamma = nullptr, *before = nullptr;
  const T* change = nullptr;
  const T* factors = nullptr;
  View<T> table;
};

/// The end of a pass, for words `first` to `last`. The table is expected counts + shift; what the counts moved by since
/// the pass before is added to them `step` times, and the prior, to make the table of the next pass.
///
/// The shift is made again from the two counts before and the step that this pass began with, `begun`; without one it
/// is what `counts` holds.
template <class T>
struct Cvb0Extrapolation {
  View<T> table;           // V x stride, in and out
  View<const T> previous;  // V x K, counts of the pass before
  View<T> counts;          // V x K, in: those of the pass before that, out: those of this one
  View<const T> prior;     // 1 x 1, V x 1 or V x K
  std::size_t first = 0, last = 0;
  bool fresh = false;  // there is no `begun`
  T begun = 0, step = 0;
  View<double> sums;  // 2 x K, out: column sums of the counts, of the table
};

}  // namespace vivace
