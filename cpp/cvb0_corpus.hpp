// A corpus as collapsed variational Bayes goes through it: documents in their own order, cut into batches; the words of
// each batch; blocks of documents and tasks of words for threads. Made once for a fit.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "view.hpp"

namespace vivace {
namespace {

/// Where the parts of a row of things begin: an even number of parts, for two threads, of equal work.
class Parts {
 public:
  Parts(std::size_t work, std::size_t wanted)
      : whole(work), count(2 * std::max<std::size_t>(1, (work + wanted) / (2 * wanted))) {}

  /// Whether a part begins with what comes after so much work; asked for one after the other, from 0 on.
  bool begins(std::size_t done) {
    if (begun > 0 && (begun == count || done * count < whole * begun)) return false;
    while (begun < count && whole * begun <= done * count) ++begun;
    return true;
  }

 private:
  std::size_t whole, count, begun = 0;
};

struct Cvb0Corpus {
  // A document takes as much work as so many entries, beside its own.
  static constexpr std::size_t document_work = 4;

  std::vector<std::int64_t> start{0}, batch;  // offsets of documents into entries, and of batches into documents
  // Copies, as they are read in this order: to look them up where the caller has them takes a quarter longer.
  std::vector<std::int32_t> words;
  std::vector<float> counts_f;
  std::vector<double> counts_d, weights;
  std::vector<std::int64_t> blocks, batch_blocks{0};  // first documents of blocks; first blocks of batches
  // Words of a batch; their entries, counted within the batch, in 16 bits unless a batch is too large; and where those
  // of each word end.
  std::vector<std::int32_t> distinct, far;
  std::vector<std::uint16_t> near;
  std::vector<std::uint32_t> word_ends;
  std::vector<std::int64_t> tasks, batch_tasks{0};
  std::size_t n_words, block_entries, most_entries = 0, most_blocks = 0;

  /// Documents `order` of the compressed rows (from, columns, values); batches end at `edges`. Within a batch long
  /// documents come first, so that neighbours are as long as each other.
  template <class T>
  Cvb0Corpus(const View<const std::int64_t>& from, const std::int32_t* columns, const T* values, const double* given,
             std::size_t vocabulary, const View<const std::int64_t>& order, const View<const std::int64_t>& edges,
             std::size_t entries_of_block)
      : batch(edges.data, edges.data + edges.rows), n_words(vocabulary), block_entries(entries_of_block) {
    std::vector<std::int64_t> sorted(order.data, order.data + order.rows);
    for (std::size_t b = 0; b + 1 < batch.size(); ++b)
      std::stable_sort(sorted.begin() + batch[b], sorted.begin() + batch[b + 1], [&](std::int64_t i, std::int64_t j) {
        const auto p = static_cast<std::size_t>(i), q = static_cast<std::size_t>(j);
        return from[p + 1] - from[p] > from[q + 1] - from[q];
      });
    std::size_t all = 0;  // room for them at once: vectors that grow touch twice the memory
    for (const std::int64_t d : sorted)
      all += static_cast<std::size_t>(from[static_cast<std::size_t>(d) + 1] - from[static_cast<std::size_t>(d)]);
    start.reserve(sorted.size() + 1);
    words.reserve(all);
    reserve(T(), all);
    for (const std::int64_t i : sorted) {
      const auto d = static_cast<std::size_t>(i);
      for (auto e = from[d]; e < from[d + 1]; ++e) {
        words.push_back(columns[e]);
        add(values[e]);
      }
      start.push_back(static_cast<std::int64_t>(words.size()));
      if (given) weights.push_back(given[d]);
    }
    for (std::size_t b = 0; b < batches(); ++b) most_entries = std::max(most_entries, entries_of(b));
    if (most_entries <= std::size_t{1} << 16)
      near.resize(size());
    else
      far.resize(size());
    std::vector<std::int32_t> place(n_words, -1);
    std::vector<std::uint32_t> next;
    std::size_t words_of_batches = 0;
    for (std::size_t b = 0; b < batches(); ++b) words_of_batches += meet(b, place, next);
    distinct.reserve(words_of_batches);
    word_ends.reserve(words_of_batches);
    for (std::size_t b = 0; b < batches(); ++b) index(b, place, next);
    blocks.push_back(batch.back());
    tasks.push_back(static_cast<std::int64_t>(distinct.size()));
  }

  std::size_t batches() const { return batch.size() - 1; }
  std::size_t first_entry(std::size_t b) const {
    return static_cast<std::size_t>(start[static_cast<std::size_t>(batch[b])]);
  }
  std::size_t size() const { return words.size(); }
  std::size_t entries_of(std::size_t b) const { return first_entry(b + 1) - first_entry(b); }
  const float* counts(float) const { return counts_f.data(); }
  const double* counts(double) const { return counts_d.data(); }

  /// Where the words of task `t`, the first of its batch or not, begin.
  std::uint32_t word_begin(std::size_t t, bool first) const { return first ? 0 : word_ends[t - 1]; }

 private:
  void reserve(float, std::size_t size) { counts_f.reserve(size); }
  void reserve(double, std::size_t size) { counts_d.reserve(size); }
  void add(float value) { counts_f.push_back(value); }
  void add(double value) { counts_d.push_back(value); }

  /// Calls f(word, entry) for each entry of a batch.
  template <class F>
  void each(std::size_t b, F&& f) const {
    for (std::size_t e = first_entry(b); e < first_entry(b + 1); ++e) f(words[e], e);
  }

  /// Number of distinct words of a batch.
  std::size_t meet(std::size_t b, std::vector<std::int32_t>& place, std::vector<std::uint32_t>& seen) const {
    seen.clear();
    each(b, [&](std::int32_t word, std::size_t) {
      std::int32_t& p = place[static_cast<std::size_t>(word)];
      if (p < 0) seen.push_back(static_cast<std::uint32_t>(word));
      p = 0;
    });
    for (const std::uint32_t word : seen) place[word] = -1;
    return seen.size();
  }

  /// Blocks, words and tasks of a batch. Words come in the order in which the batch meets them.
  void index(std::size_t b, std::vector<std::int32_t>& place, std::vector<std::uint32_t>& next) {
    const std::size_t first = first_entry(b), entries = entries_of(b);
    const auto documents = static_cast<std::size_t>(batch[b + 1] - batch[b]);
    Parts parts(entries + document_work * documents, block_entries);
    for (std::size_t i = 0; i < documents; ++i) {
      const std::size_t d = static_cast<std::size_t>(batch[b]) + i;
      if (parts.begins(static_cast<std::size_t>(start[d]) - first + document_work * i))
        blocks.push_back(static_cast<std::int64_t>(d));
    }
    const std::size_t known = distinct.size();
    next.clear();  // sizes, then places
    each(b, [&](std::int32_t word, std::size_t) {
      std::int32_t& p = place[static_cast<std::size_t>(word)];
      if (p < 0) {
        p = static_cast<std::int32_t>(next.size());
        next.push_back(0);
        distinct.push_back(word);
      }
      ++next[static_cast<std::size_t>(p)];
    });
    std::uint32_t at = 0;
    Parts shares(entries, block_entries);
    for (std::size_t i = 0; i < next.size(); ++i) {
      if (shares.begins(at)) tasks.push_back(static_cast<std::int64_t>(known + i));
      const std::uint32_t size = next[i];
      next[i] = at;
      word_ends.push_back(at += size);
    }
    each(b, [&](std::int32_t word, std::size_t e) {
      const std::size_t to = first + next[static_cast<std::size_t>(place[static_cast<std::size_t>(word)])]++;
      if (far.empty())
        near[to] = static_cast<std::uint16_t>(e - first);
      else
        far[to] = static_cast<std::int32_t>(e - first);
    });
    for (std::size_t i = known; i < distinct.size(); ++i) place[static_cast<std::size_t>(distinct[i])] = -1;
    batch_blocks.push_back(static_cast<std::int64_t>(blocks.size()));
    batch_tasks.push_back(static_cast<std::int64_t>(tasks.size()));
    most_blocks = std::max(most_blocks, blocks.size() - static_cast<std::size_t>(batch_blocks[b]));
  }
};

}  // namespace
}  // namespace vivace
