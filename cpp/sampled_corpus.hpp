// A corpus as collapsed Gibbs sampling goes through it. Made once for a fit; the documents stay the caller's.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "sampled.hpp"

namespace vivace {
namespace {

struct SampledCorpus {
  std::vector<std::int64_t> tokens;  // offsets of documents into tokens
  SampledRows rows;
  std::size_t n_entries, vocabulary;

  /// Compressed rows (start, words, counts), or those `chosen` of them; all must outlive this.
  template <class T>
  SampledCorpus(const View<const std::int64_t>& start, const std::int32_t* words, const T* counts, std::size_t v,
                const View<const std::int64_t>& chosen = {})
      : tokens(chosen ? chosen.rows + 1 : start.rows),
        n_entries(static_cast<std::size_t>(start[start.rows - 1])),
        vocabulary(v) {
    rows.start = start.data;
    rows.chosen = chosen.data;
    rows.tokens = tokens.data();
    rows.words = words;
    if constexpr (std::is_same_v<T, double>)
      rows.doubles = counts;
    else
      rows.floats = counts;
    rows.ordered = true;
    for (std::size_t d = 0; d < documents(); ++d) {
      tokens[d + 1] = tokens[d] + tokens_of(d);
      const auto from = static_cast<std::size_t>(rows.begin(d)), to = static_cast<std::size_t>(rows.end(d));
      rows.ordered &= std::is_sorted(words + from, words + to);
    }
  }

  std::size_t documents() const { return tokens.size() - 1; }
  std::size_t n_tokens() const { return static_cast<std::size_t>(tokens.back()); }

  std::int64_t tokens_of(std::size_t d) const {
    std::int64_t sum = 0;
    for (auto e = rows.begin(d); e < rows.end(d); ++e) sum += rows.count(static_cast<std::size_t>(e));
    return sum;
  }

  /// Where ranges of words with as many tokens each begin, and the size of the vocabulary; at most `parts`.
  std::vector<std::size_t> word_edges(std::size_t parts) const {
    std::vector<std::int64_t> counts(vocabulary);
    for (std::size_t d = 0; d < documents(); ++d)
      for (auto e = static_cast<std::size_t>(rows.begin(d)); e < static_cast<std::size_t>(rows.end(d)); ++e)
        counts[static_cast<std::size_t>(rows.words[e])] += rows.count(e);
    std::vector<std::size_t> edges{0};
    std::size_t before = 0;
    for (std::size_t w = 0; w < vocabulary; ++w) {
      before += static_cast<std::size_t>(counts[w]);
      if (w + 1 < vocabulary && before * parts >= edges.size() * n_tokens() && edges.size() < parts)
        edges.push_back(w + 1);
    }
    edges.push_back(vocabulary);
    return edges;
  }

  /// Whether these documents are as they were: their owner may have changed them, and kernels rely on it.
  bool same(std::size_t first, std::size_t last) const {
    bool found = true;
    for (std::size_t d = first; d < last && found; ++d) {
      const auto from = rows.begin(d), to = rows.end(d);
      std::int64_t sum = 0;
      if (from < 0 || to < from || static_cast<std::size_t>(to) > n_entries) return false;
      for (auto e = static_cast<std::size_t>(from); e < static_cast<std::size_t>(to); ++e) {
        const std::int32_t count = rows.count(e);
        found &= static_cast<std::size_t>(rows.words[e]) < vocabulary && count >= 0;
        sum += count;
      }
      found &= sum == tokens[d + 1] - tokens[d];
    }
    return found;
  }
};

}  // namespace
}  // namespace vivace
