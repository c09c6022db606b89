// Rows without what they have in common, and the way back.
#include "topic_range.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

template <class T>
static inline void pack_rows(const PackedRows<T>& a) {
  const std::size_t columns = a.values.cols;
  std::uint64_t* word = a.bits;
  T* out = a.kept;
  for (std::size_t i = 0; i < a.values.rows; ++i) {
    const T* row = a.values.row(i);
    for (std::size_t first = 0; first < columns; first += word_bits) {
      const std::size_t end = first + word_bits < columns ? first + word_bits : columns;
      std::uint64_t bits = 0;
      for (std::size_t k = first; k < end; k += lanes<T>) {
        const Vec<T> value = load_tail(row, k, columns, T(0)), common = load_tail(a.common, k, columns, T(0));
        const std::uint32_t other = differs(value, common);
        store_chosen(out, value, other);
        out += __builtin_popcount(other);
        bits |= static_cast<std::uint64_t>(other) << (k - first);
      }
      *word++ = bits;
    }
  }
  *a.count = static_cast<std::size_t>(out - a.kept);
}

}  // namespace

void pack_rows_d(const PackedRows<double>& a) { pack_rows(a); }
void pack_rows_f(const PackedRows<float>& a) { pack_rows(a); }

}  // namespace vivace::VIVACE_ISA_NS
