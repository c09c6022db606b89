// Adding rows to a packed table: the numbers of others are moved as they are.
#include "topic_range.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

template <class T>
static inline void sum_marks(const PackedSum<T>& a) {
  const std::size_t columns = a.values.cols;
  for (std::size_t i = 0; i < a.values.rows; ++i) {
    const T* row = a.values.row(i);
    const std::size_t place = (a.rows ? static_cast<std::size_t>(a.rows[i]) : i) * columns;
    for (std::size_t k = 0; k < columns; k += word_bits) {
      const std::size_t end = k + word_bits < columns ? k + word_bits : columns;
      std::uint64_t found = 0;
      for (std::size_t j = k; j < end; j += lanes<T>)
        found |= static_cast<std::uint64_t>(differs(load_tail(row, j, columns, T(0)), Vec<T>{})) << (j - k);
      const std::size_t at = (place + k) / word_bits, shift = (place + k) % word_bits;
      a.marks[at] |= found << shift;
      if (shift + (end - k) > word_bits) a.marks[at + 1] |= found >> (word_bits - shift);
    }
  }
}

template <class T>
static inline void packed_sum(const PackedSum<T>& a) {
  constexpr std::uint64_t one_vector = (std::uint64_t{1} << lanes<T>)-1;
  const std::size_t columns = a.values.cols;
  // What is there moves up by what will come in between, and a vector more: whole ones are stored.
  T *to = a.kept, *moved = to + (a.after - a.before) + lanes<T>;
  __builtin_memmove(moved, to, a.before * sizeof(T));
  const T* from = moved;
  std::size_t place = 0;
  for (std::size_t i = 0; i <= a.values.rows; ++i) {
    const std::size_t next =
        i == a.values.rows ? a.places : (a.rows ? static_cast<std::size_t>(a.rows[i]) : i) * columns;
    const std::size_t between = count_bits(a.bits, place, next);
    for (std::size_t k = 0; k < between; k += lanes<T>) storeu(to + k, loadu(from + k));
    from += between;
    to += between;
    place = next + columns;
    if (i == a.values.rows) break;
    const T* row = a.values.row(i);
    for (std::size_t k = 0; k < columns; k += word_bits) {
      const std::size_t end = k + word_bits < columns ? k + word_bits : columns;
      std::uint64_t before = bits_from(a.bits, next + k, end - k), after = bits_from(a.marks, next + k, end - k);
      for (std::size_t j = k; j < end; j += lanes<T>, before >>= lanes<T>, after >>= lanes<T>) {
        const auto held = static_cast<std::uint32_t>(before & one_vector);
        const auto kept = static_cast<std::uint32_t>(after & one_vector);
        const Vec<T> sum = load_chosen(from, Vec<T>{}, held) + load_tail(row, j, columns, T(0)) * a.factor;
        store_chosen(to, sum, kept);
        from += __builtin_popcount(held);
        to += __builtin_popcount(kept);
      }
    }
  }
  __builtin_memcpy(a.bits, a.marks, (a.places + word_bits - 1) / word_bits * sizeof *a.bits);
}

}  // namespace

std::size_t bits_between(const std::uint64_t* bits, std::size_t first, std::size_t last) {
  return count_bits(bits, first, last);
}

void sum_marks_d(const PackedSum<double>& a) { sum_marks(a); }
void sum_marks_f(const PackedSum<float>& a) { sum_marks(a); }
void packed_sum_d(const PackedSum<double>& a) { packed_sum(a); }
void packed_sum_f(const PackedSum<float>& a) { packed_sum(a); }

}  // namespace vivace::VIVACE_ISA_NS
