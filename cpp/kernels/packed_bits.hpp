// Bits of packed tables: rows follow each other without a gap.
#pragma once

#include "../simd.hpp"
#include "../topics.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

/// Up to 64 bits from a place on, at most `n`.
[[maybe_unused]] static inline std::uint64_t bits_from(const std::uint64_t* bits, std::size_t place, std::size_t n) {
  const std::size_t at = place / word_bits, shift = place % word_bits;
  if (n > word_bits) n = word_bits;
  std::uint64_t found = bits[at] >> shift;
  if (shift + n > word_bits) found |= bits[at + 1] << (word_bits - shift);
  return n < word_bits ? found & ((std::uint64_t{1} << n) - 1) : found;
}

/// How many bits are set from place `first` to below `last`.
[[maybe_unused]] static inline std::size_t count_bits(const std::uint64_t* bits, std::size_t first, std::size_t last) {
  if (first >= last) return 0;
  const std::size_t from = first / word_bits, to = last / word_bits;
  const std::uint64_t head = ~std::uint64_t{0} << first % word_bits, tail = (std::uint64_t{1} << last % word_bits) - 1;
  if (from == to) return static_cast<std::size_t>(__builtin_popcountll(bits[from] & head & tail));
  auto count = static_cast<std::size_t>(__builtin_popcountll(bits[from] & head));
  for (std::size_t i = from + 1; i < to; ++i) count += static_cast<std::size_t>(__builtin_popcountll(bits[i]));
  return tail ? count + static_cast<std::size_t>(__builtin_popcountll(bits[to] & tail)) : count;
}

/// The lanes in which two vectors are not equal.
template <class T>
VIVACE_INLINE std::uint32_t differs(T x, T y) {
  return bits_gt_zero(select<T>(x != y, T{} + Element<T>(1), T{}));
}

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
