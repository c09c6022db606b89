// A packed table as Python holds it: arrays that were checked once, so that each kernel need not.
#pragma once

#include <vector>

#include "arguments.hpp"

namespace vivace {

struct Packed {
  py::object bits, kept;            // arrays that nobody writes to
  std::vector<std::int64_t> first;  // rows: how many numbers come before
  std::size_t rows = 0, columns = 0;
};

namespace {

constexpr std::size_t words_of(std::size_t bits) { return (bits + word_bits - 1) / word_bits; }

/// What kernels read of a packed table of this shape.
template <class T>
PackedTable<T> packed_numbers(const Packed& packed, std::size_t rows, std::size_t columns) {
  if (packed.rows != rows || packed.columns != columns)
    throw py::value_error("packed table: expected shape (" + std::to_string(rows) + ", " + std::to_string(columns) +
                          "), got (" + std::to_string(packed.rows) + ", " + std::to_string(packed.columns) + ")");
  return {view<const std::uint64_t>(packed.bits, "bits", any, 0).data, view<const T>(packed.kept, "kept", any, 0).data,
          packed.first.data()};
}

/// Counts of topics, packed or not.
template <class T>
void set_counts(TopicRows<T>& t, const py::object& counts) {
  if (!py::isinstance<Packed>(counts)) {
    t.counts = view<const T>(counts, "topics", any, any);
    return;
  }
  const auto& packed = counts.cast<const Packed&>();
  t.counts = {nullptr, packed.rows, packed.columns};
  t.packed = packed_numbers<T>(packed, packed.rows, packed.columns);
}

/// The array whose type is that of a table, packed or not.
[[maybe_unused]] py::object numbers_of(const py::object& table) {
  return py::isinstance<Packed>(table) ? table.cast<const Packed&>().kept : table;
}

}  // namespace
}  // namespace vivace
