// Groups of documents that are alike, drawn so that no two groups are: what topics form around.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "view.hpp"

namespace vivace {
namespace {

/// Documents as directions: log counts weighted by inverse document frequency, of length one; and where each word is.
class Directions {
 public:
  /// Compressed rows (start, words, counts); words lie below `n_words`.
  template <class T>
  Directions(const View<const std::int64_t>& row_start, const std::int32_t* row_words, const T* counts,
             std::size_t n_words)
      : documents(row_start.rows - 1), start(row_start), words(row_words), first(n_words + 1) {
    const auto entries = static_cast<std::size_t>(start[documents]);
    for (std::size_t e = 0; e < entries; ++e) ++first[word(e) + 1];
    std::vector<double> rarity(n_words);
    for (std::size_t w = 0; w < n_words; ++w) {
      rarity[w] = std::log1p(static_cast<double>(documents) / static_cast<double>(first[w + 1]));
      first[w + 1] += first[w];
    }
    values.resize(entries);
    holders.resize(entries);
    held.resize(entries);
    std::vector<std::size_t> next(first.begin(), first.end() - 1);
    const double log_two = std::log1p(1.0);  // most counts are one
    for (std::size_t d = 0; d < documents; ++d) {
      double squares = 0;
      for (std::size_t e = begin(d); e < begin(d + 1); ++e) {
        const auto count = static_cast<double>(counts[e]);
        values[e] = (count == 1.0 ? log_two : std::log1p(count)) * rarity[word(e)];
        squares += values[e] * values[e];
      }
      const double length = squares > 0 ? std::sqrt(squares) : 1.0;  // counts may be too small to be squared
      for (std::size_t e = begin(d); e < begin(d + 1); ++e) {
        values[e] /= length;
        const std::size_t at = next[word(e)]++;
        holders[at] = static_cast<std::int32_t>(d);
        held[at] = values[e];
      }
    }
  }

  /// cosines[i] += that of documents d and i. Documents without a word of d are not looked at.
  void add_cosines(std::size_t d, std::vector<double>& cosines) const {
    for (std::size_t e = begin(d); e < begin(d + 1); ++e) {
      const double value = values[e];
      for (std::size_t at = first[word(e)]; at < first[word(e) + 1]; ++at)
        cosines[static_cast<std::size_t>(holders[at])] += held[at] * value;
    }
  }

  const std::size_t documents;

 private:
  std::size_t word(std::size_t e) const { return static_cast<std::size_t>(words[e]); }
  std::size_t begin(std::size_t d) const { return static_cast<std::size_t>(start[d]); }

  View<const std::int64_t> start;
  const std::int32_t* words;
  std::vector<double> values;         // of entries
  std::vector<std::size_t> first;     // of each word's places below
  std::vector<std::int32_t> holders;  // documents, rising
  std::vector<double> held;           // their values
};

/// Fills `members` (groups x alike) and returns how many groups there are: fewer where the rest is all copies.
///
/// The first document of a group is drawn with a probability of 1 - its largest cosine with a first one before it; then
/// come those that are most like it, of equals the first; -1 stands for none. `draws` (groups - 1) are uniform numbers.
[[maybe_unused]] std::size_t seed_groups(const Directions& rows, std::size_t first, const View<const double>& draws,
                                         const View<std::int64_t>& members) {
  constexpr std::size_t block = 64;
  const std::size_t n = rows.documents, alike = members.cols;
  std::vector<double> cosines(n), nearest(n), weights(n), sums((n + block - 1) / block), best(alike);
  for (std::size_t group = 0;; ++group) {
    rows.add_cosines(first, cosines);
    cosines[first] = 2.0;  // of itself: never drawn again
    std::int64_t* found = members.row(group);
    std::fill_n(found, alike, -1);
    std::fill(best.begin(), best.end(), 0.0);
    double total = 0;
    for (std::size_t b = 0; b < sums.size(); ++b) {
      double sum = 0;
      for (std::size_t i = b * block, end = std::min(n, i + block); i < end; ++i) {
        const double cosine = cosines[i];
        cosines[i] = 0;
        if (cosine > best.back()) {
          std::size_t at = alike - 1;
          for (; at > 0 && best[at - 1] < cosine; --at) best[at] = best[at - 1], found[at] = found[at - 1];
          best[at] = cosine, found[at] = static_cast<std::int64_t>(i);
        }
        nearest[i] = std::max(nearest[i], cosine);
        sum += weights[i] = std::max(0.0, 1.0 - nearest[i]);
      }
      total += sum;
      sums[b] = total;
    }
    if (group + 1 == members.rows || !(total > 0)) return group + 1;
    const double wanted = draws[group] * total;
    const auto b = static_cast<std::size_t>(std::lower_bound(sums.begin(), sums.end() - 1, wanted) - sums.begin());
    double sum = b ? sums[b - 1] : 0;
    for (std::size_t i = b * block, end = std::min(n, i + block); i < end; ++i) {
      if (!(weights[i] > 0)) continue;
      first = i;  // the last one that can be, should rounding leave none
      sum += weights[i];
      if (sum >= wanted) break;
    }
  }
}

}  // namespace
}  // namespace vivace
