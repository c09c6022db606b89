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

struct Cvb0Corpus {
  // Entries of a task of words, in blocks of documents: they take less work.
  static constexpr std::size_t task_blocks = 2;

  std::vector<std::int64_t> start{0}, batch;  // offsets of documents into entries, and of batches into documents
  std::vector<std::int32_t> words;
  std::vector<float> counts_f;
  std::vector<double> counts_d, weights;
  std::vector<std::int64_t> blocks, batch_blocks{0};  // first documents of blocks; first blocks of batches
  std::vector<std::int32_t> distinct, entries;        // words of a batch; their entries, counted within the batch
  std::vector<std::int64_t> word_start, tasks, batch_tasks{0};
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
    entries.reserve(all);
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
    std::vector<std::int32_t> place(n_words, -1);
    for (std::size_t b = 0; b + 1 < batch.size(); ++b) index(b, place);
    blocks.push_back(batch.back());
    tasks.push_back(static_cast<std::int64_t>(distinct.size()));
    word_start.push_back(static_cast<std::int64_t>(words.size()));
  }

  std::size_t batches() const { return batch.size() - 1; }
  std::size_t first_entry(std::size_t b) const {
    return static_cast<std::size_t>(start[static_cast<std::size_t>(batch[b])]);
  }
  const float* counts(float) const { return counts_f.data(); }
  const double* counts(double) const { return counts_d.data(); }

 private:
  void reserve(float, std::size_t size) { counts_f.reserve(size); }
  void reserve(double, std::size_t size) { counts_d.reserve(size); }
  void add(float value) { counts_f.push_back(value); }
  void add(double value) { counts_d.push_back(value); }

  /// Blocks, words and tasks of a batch. Words come in the order in which the batch meets them.
  void index(std::size_t b, std::vector<std::int32_t>& place) {
    const std::size_t first = first_entry(b), last = first_entry(b + 1);
    std::size_t block = first;
    for (auto d = batch[b]; d < batch[b + 1]; ++d) {
      const auto at = static_cast<std::size_t>(start[static_cast<std::size_t>(d)]);
      if (d > batch[b] && at - block < block_entries) continue;
      block = at;
      blocks.push_back(d);
    }
    const std::size_t known = distinct.size();
    std::vector<std::int64_t> size;
    for (std::size_t e = first; e < last; ++e) {
      std::int32_t& p = place[static_cast<std::size_t>(words[e])];
      if (p < 0) {
        p = static_cast<std::int32_t>(size.size());
        size.push_back(0);
        distinct.push_back(words[e]);
      }
      ++size[static_cast<std::size_t>(p)];
    }
    std::vector<std::int64_t> next(size.size());
    std::size_t at = first, task = first;
    for (std::size_t i = 0; i < size.size(); ++i) {
      if (i == 0 || at - task >= task_blocks * block_entries) {
        task = at;
        tasks.push_back(static_cast<std::int64_t>(known + i));
      }
      word_start.push_back(static_cast<std::int64_t>(at));
      next[i] = static_cast<std::int64_t>(at);
      at += static_cast<std::size_t>(size[i]);
    }
    entries.resize(last);
    for (std::size_t e = first; e < last; ++e) {
      const auto p = static_cast<std::size_t>(place[static_cast<std::size_t>(words[e])]);
      entries[static_cast<std::size_t>(next[p]++)] = static_cast<std::int32_t>(e - first);
    }
    for (std::size_t i = known; i < distinct.size(); ++i) place[static_cast<std::size_t>(distinct[i])] = -1;
    batch_blocks.push_back(static_cast<std::int64_t>(blocks.size()));
    batch_tasks.push_back(static_cast<std::int64_t>(tasks.size()));
    most_entries = std::max(most_entries, last - first);
    most_blocks = std::max(most_blocks, blocks.size() - static_cast<std::size_t>(batch_blocks[b]));
  }
};

}  // namespace
}  // namespace vivace
