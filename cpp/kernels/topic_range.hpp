// What the topic kernels share: their scales, and the way out for words that the scales do not reach.
#pragma once

#include "../math.hpp"
#include "layout.hpp"
#include "packed_bits.hpp"
#include "topics.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

// The largest entry of a row of B, and of the weights P of a document, is 2^bits. What is below `flushed` counts as
// zero: no subnormal number is made. A sum of products P B is good when it is above `reliable`: what flushing took from
// it is at most 2^bits flushed for each topic. Sums start from `start` rather than zero, for the same reason; it
// changes nothing.
template <class T>
struct Range;
template <>
struct Range<double> {
  static constexpr int bits = 300;
  static constexpr double scale = 0x1p300, half_scale = 0x1p150, half_floor = -350;
  static constexpr double flushed = 0x1p-700, reliable = 0x1p-360, start = 0x1p-900;
};
template <>
struct Range<float> {
  static constexpr int bits = 50;
  static constexpr float scale = 0x1p50f, half_scale = 0x1p25f, half_floor = -55;
  static constexpr float flushed = 0x1p-110f, reliable = 0x1p-46f, start = 0x1p-100f;
};

// Dirichlet parameter of the columns that fill a vector: exp(digamma) of it is zero beside any other.
template <class T>
constexpr T no_topic = T(1e-30);

template <class T>
VIVACE_INLINE Vec<T> load_tail(const T* p, std::size_t i, std::size_t n, T fill) {
  return n - i < lanes<T> ? load_part(p + i, n - i, fill) : loadu(p + i);
}

// Smallest parameter: rounding may take a start that is far below its prior to zero.
template <class T>
constexpr T least_parameter = T(1e-30);

/// Row `w` of a table that is packed, in `room` for its numbers.
template <class T>
static inline const T* row_of(const PackedTable<T>& packed, std::size_t w, std::size_t columns, T* room) {
  for (std::size_t k = 0; k < columns; ++k) room[k] = T(0);
  const T* next = packed.kept + packed.first[w];
  for (std::size_t k = 0; k < columns; k += word_bits) {
    std::uint64_t bits = bits_from(packed.bits, w * columns + k, columns - k);
    for (; bits; bits &= bits - 1) room[k + static_cast<std::size_t>(__builtin_ctzll(bits))] = *next++;
  }
  return room;
}

/// Counts of one word: where they are packed, in `room` for K numbers.
template <class T>
static inline const T* counts_of(const TopicRows<T>& t, std::size_t w, T* room) {
  return t.counts ? t.counts.row(w) : row_of(t.packed, w, t.counts.cols, room);
}

/// lambda of word w and topic k; `counts` are the word's.
template <class T>
VIVACE_INLINE T parameter(const TopicRows<T>& t, const T* counts, std::size_t w, std::size_t k) {
  const T value = t.prior[w * t.by_word + k * t.by_topic] + t.scale * counts[k];
  return value > least_parameter<T> ? value : least_parameter<T>;
}

/// lambda of one word with these counts, filled up to whole vectors.
template <class T>
static inline void parameters(const TopicRows<T>& t, const T* counts, std::size_t w, T* out) {
  const std::size_t topics = t.counts.cols;
  const T* prior = t.prior + w * t.by_word;
  std::size_t k = 0;
  for (; k + lanes<T> <= topics; k += lanes<T>) {
    const Vec<T> p = t.by_topic ? loadu(prior + k) : broadcast<T>(*prior);
    storeu(out + k, max(p + loadu(counts + k) * t.scale, broadcast<T>(least_parameter<T>)));
  }
  for (; k < topics; ++k) out[k] = parameter(t, counts, w, k);
  for (; k < round_up(topics, lanes<T>); ++k) out[k] = no_topic<T>;
}

template <class T>
static inline void parameters(const TopicRows<T>& t, std::size_t w, T* out) {
  parameters(t, counts_of(t, w, out), w, out);
}

// e^x times the scale, for x <= 0, in two factors that keep the result's range.
template <class T>
VIVACE_INLINE Vec<T> scaled_exp(Vec<T> x) {
  using R = Range<T>;
  const Vec<T> half = exp_nonpositive(x * T(0.5), R::half_floor) * R::half_scale;
  return half * half;
}

template <class T>
VIVACE_INLINE Vec<T> flush(Vec<T> v) {
  return select<Vec<T>>(v < Range<T>::flushed, Vec<T>{}, v);
}

/// Row `i` of a packed table, whole.
template <class T>
VIVACE_INLINE void unpack_row(const TableRows<T>& table, std::size_t i, std::size_t stride, T* out) {
  const T *packed = table.packed + table.start[i], *from = packed + bit_numbers<T>(stride), *common = table.common;
  const Vec<T> factor = broadcast<T>(*from++);
  for (std::size_t k = 0; k < stride; k += 64) {
    std::uint64_t bits;
    __builtin_memcpy(&bits, packed + bit_numbers<T>(k), sizeof bits);
    const std::size_t end = k + 64 < stride ? k + 64 : stride;
    for (std::size_t j = k; j < end; j += lanes<T>, bits >>= lanes<T>) {
      const std::uint32_t here = static_cast<std::uint32_t>(bits) & ((std::uint32_t{1} << lanes<T>)-1);
      storeu(out + j, load_chosen(from, flush<T>(loadu(common + j) * factor), here));
      from += __builtin_popcount(here);
    }
  }
}

[[maybe_unused]] static inline std::size_t doubles_of(std::size_t topics) { return round_up(topics, lanes<double>); }

/// Responsibilities of a word in a document from logarithms, in double: phi (doubles_of(topics) entries) and the
/// log-sum-exp of digamma(gamma) + E ln beta. `room`: K numbers.
template <class T>
[[maybe_unused]] static inline double orphan_phi(const T* gamma, const TopicRows<T>& t, std::int32_t word, double* phi,
                                                 T* room) {
  constexpr std::size_t n = lanes<double>;
  const std::size_t topics = t.counts.cols, padded = doubles_of(topics);
  for (std::size_t k = 0; k < topics; ++k) phi[k] = static_cast<double>(gamma[k]);
  for (std::size_t k = topics; k < padded; ++k) phi[k] = 1;
  for (std::size_t k = 0; k < padded; k += n) storeu(phi + k, digamma(loadu(phi + k)));
  const auto w = static_cast<std::size_t>(word);
  const T* counts = counts_of(t, w, room);
  double top = -infinity<double>;
  for (std::size_t k = 0; k < topics; k += n) {
    Vec<double> lambda = broadcast<double>(1);
    for (std::size_t i = 0; i < n && k + i < topics; ++i)
      lambda[i] = static_cast<double>(parameter(t, counts, w, k + i));
    const Vec<double> l = loadu(phi + k) + digamma(lambda) - load_tail(t.psi_total, k, topics, 0.0);
    storeu(phi + k, l);
    for (std::size_t i = 0; i < n && k + i < topics; ++i) top = l[i] > top ? l[i] : top;
  }
  for (std::size_t k = topics; k < padded; ++k) phi[k] = -infinity<double>;
  Vec<double> total{};
  for (std::size_t k = 0; k < padded; k += n) {
    const Vec<double> e = exp_nonpositive(loadu(phi + k) - top);
    storeu(phi + k, e);
    total += e;
  }
  const double sum = horizontal_sum(total);
  for (std::size_t k = 0; k < padded; ++k) phi[k] /= sum;
  return top + log(broadcast<double>(sum))[0];
}

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
