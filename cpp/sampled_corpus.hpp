// A corpus as collapsed Gibbs sampling goes through it: tokens document by document, and where those of each word are.
// Made once for a fit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "view.hpp"

namespace vivace {
namespace {

struct SampledCorpus {
  std::vector<std::int64_t> start{0};    // offsets of documents into tokens
  std::vector<std::int32_t> words;       // of the tokens
  std::vector<std::int64_t> word_start;  // offsets of words into `tokens`
  std::vector<std::int32_t> tokens;      // places of tokens, word by word

  /// Documents of the compressed rows (from, columns, values); values are whole numbers, not negative, and add up to
  /// less than 2^31.
  template <class T>
  SampledCorpus(const View<const std::int64_t>& from, const std::int32_t* columns, const T* values,
                std::size_t vocabulary)
      : word_start(vocabulary + 1) {
    std::size_t size = 0;
    for (auto e = from[0]; e < from[from.rows - 1]; ++e) size += static_cast<std::size_t>(values[e]);
    words.reserve(size);  // grown bit by bit it would take three times the memory for a moment
    start.reserve(from.rows);
    for (std::size_t d = 0; d + 1 < from.rows; ++d) {
      for (auto e = from[d]; e < from[d + 1]; ++e)
        words.insert(words.end(), static_cast<std::size_t>(values[e]), columns[e]);
      start.push_back(static_cast<std::int64_t>(words.size()));
    }
    for (const std::int32_t w : words) ++word_start[static_cast<std::size_t>(w) + 1];
    for (std::size_t w = 0; w < vocabulary; ++w) word_start[w + 1] += word_start[w];
    std::vector<std::int64_t> next(word_start);
    tokens.resize(words.size());
    for (std::size_t t = 0; t < words.size(); ++t)
      tokens[static_cast<std::size_t>(next[static_cast<std::size_t>(words[t])]++)] = static_cast<std::int32_t>(t);
  }

  std::size_t documents() const { return start.size() - 1; }
};

}  // namespace
}  // namespace vivace
