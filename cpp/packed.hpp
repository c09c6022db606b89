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

constexpr std::size_t word_bits = 64;

constexpr std::size_t words_of(std::size_t bits) { return (bits + word_bits - 1) / word_bits; }

/// Counts of topics, packed or not.
template <class T>
void set_counts(TopicRows<T>& t, const py::object& counts) {
  if (!py::isinstance<Packed>(counts)) {
    t.counts = view<const T>(counts, "topics", any, any);
    return;
  }
  const auto& packed = counts.cast<const Packed&>();
  t.counts = {nullptr, packed.rows, packed.columns};
  t.packed.bits = view<const std::uint64_t>(packed.bits, "bits", any, 0).data;
  t.packed.kept = view<const T>(packed.kept, "kept", any, 0).data;
  t.packed.first = packed.first.data();
}

/// The array whose type is that of a table, packed or not.
[[maybe_unused]] py::object numbers_of(const py::object& table) {
  return py::isinstance<Packed>(table) ? table.cast<const Packed&>().kept : table;
}

}  // namespace
}  // namespace vivace
