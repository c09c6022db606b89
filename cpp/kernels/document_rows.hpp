// Where documents find the rows of their words: in the table, or unpacked beside them.
#pragma once

#include "document_room.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

// Rows of the next document that a sweep asks for, and all of them.
constexpr std::int64_t fetch_rows = 8, most_fetched = 256;

/// Rows of one document at a time.
template <class T>
class DocumentRows {
 public:
  DocumentRows(const DocumentStep<T>& args, const Room<T>& buffers) : a(args), room(buffers) {}

  void open(std::size_t d) {
    first = static_cast<std::size_t>(a.start[d]);
    const std::size_t n = static_cast<std::size_t>(a.start[d + 1]) - first;
    fetched = a.start[d + 1];
    fetch_end = d + 1 < a.documents ? a.start[d + 2] : fetched;
    if (fetch_end > fetched + most_fetched) fetch_end = fetched + most_fetched;
    unpacked = !a.table.whole && n * room.stride <= room.capacity;
    if (unpacked)
      for (std::size_t e = 0; e < n; ++e) unpack(e, e);
  }

  /// The row of entry `e`: packed ones that do not all fit last until as many others are asked for as vectors have
  /// lanes.
  VIVACE_MEMBER const T* row(std::size_t e) const {
    if (unpacked) return room.rows + e * room.stride;
    return a.table.whole ? a.table.whole.row(word(first + e)) : unpack(e, e % lanes<T>);
  }

  /// Asks for some rows of the next document, a part at each sweep: memory works while this document does.
  void fetch() {
    const std::int64_t stop = fetched + fetch_rows < fetch_end ? fetched + fetch_rows : fetch_end;
    for (; fetched < stop; ++fetched) {
      const std::size_t i = word(static_cast<std::size_t>(fetched));
      // Most packed rows are short.
      const T* from = a.table.whole ? a.table.whole.row(i) : a.table.packed + a.table.start[i];
      const std::size_t width = a.table.whole ? room.stride : 2 * line_of<T>;
      for (std::size_t k = 0; k < width; k += line_of<T>) __builtin_prefetch(from + k, 0, 2);
    }
  }

 private:
  const DocumentStep<T>& a;
  const Room<T>& room;
  std::size_t first = 0;
  std::int64_t fetched = 0, fetch_end = 0;
  bool unpacked = false;

  std::size_t word(std::size_t e) const { return static_cast<std::size_t>(a.words[e]); }

  // Apart: rows that are there already need no call.
  __attribute__((noinline)) const T* unpack(std::size_t e, std::size_t place) const {
    T* to = room.rows + place * room.stride;
    unpack_row(a.table, word(first + e), room.stride, to);
    return to;
  }
};

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
