// Counts of topics and tables made from them, packed, for the drivers.
#pragma once

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "driver.hpp"
#include "kernels.hpp"

namespace {

using namespace vivace;

/// Counts without their zeros.
template <class T>
struct Packing {
  std::vector<std::uint64_t> bits;
  std::vector<T> kept;
  std::vector<std::int64_t> first;

  Packing(const std::vector<T>& counts, std::size_t rows, std::size_t columns)
      : bits((rows * columns + 63) / 64), first(rows) {
    for (std::size_t i = 0; i < rows * columns; ++i) {
      if (i % columns == 0) first[i / columns] = static_cast<std::int64_t>(kept.size());
      if (counts[i] == T(0)) continue;
      bits[i / 64] |= std::uint64_t{1} << i % 64;
      kept.push_back(counts[i]);
    }
  }
};

/// The rows that `t` made, packed, on memory of exact size.
template <class T>
struct TablePacking {
  std::vector<std::int64_t> start;
  std::vector<T> numbers;
  TableRows<T> rows;

  TablePacking(const Kernels& kernels, TopicTable<T> t, std::size_t stride, const std::string& what)
      : start(t.count + 1) {
    TableSizes<T> sizes;
    sizes.topics = t.topics;
    sizes.words = t.words;
    sizes.count = t.count;
    sizes.sizes = start.data() + 1;
    sizes.scratch = t.scratch;
    if constexpr (std::is_same_v<T, double>)
      kernels.table_sizes_d(sizes);
    else
      kernels.table_sizes_f(sizes);
    for (std::size_t i = 0; i < t.count; ++i) start[i + 1] += start[i];
    numbers.resize(static_cast<std::size_t>(start.back()));
    const std::vector<double> level(t.level, t.level + t.count);
    const std::vector<T> sums(t.row_sums, t.row_sums + t.count);
    t.whole = {};
    t.packed = numbers.data();
    t.start = start.data();
    if constexpr (std::is_same_v<T, double>)
      kernels.topic_table_d(t);
    else
      kernels.topic_table_f(t);
    expect(std::equal(level.begin(), level.end(), t.level) && std::equal(sums.begin(), sums.end(), t.row_sums),
           what + " levels and sums of packed rows");
    numbers.resize(numbers.size() + packed_room<T>(stride));
    rows.packed = numbers.data();
    rows.start = start.data();
    rows.common = t.common;
  }
};

}  // namespace
