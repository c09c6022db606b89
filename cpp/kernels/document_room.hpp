// What the documents' step works in, and its inner loop: dot products of rows with a document's weights, and their sum.
#pragma once

#include <initializer_list>

#include "topic_range.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

// A document's rows are gathered once when they fit this much (a second-level cache with room to spare); longer
// documents read the table itself.
constexpr std::size_t gather_bytes = 256 * 1024;

// Rows worked on together: their dot products hide each other's latency and are added up and inverted as one vector,
// and the sum is loaded and stored once for all.
template <class T>
constexpr std::size_t rows_at_once = lanes<T> < 8 ? lanes<T> : 8;

// Up to so many vectors of topics the weights and the sum stay in registers (of 32, or of 16).
constexpr std::size_t most_held = VIVACE_VECTOR_BYTES == 64 ? 4 : 2;

// Numbers in a line of the cache.
template <class T>
constexpr std::size_t line_of = 64 / sizeof(T);

// The number of a topic, as wide as T: chosen as numbers are.
template <class T>
using Place = Element<VecInt<T>>;

/// `store_chosen` for places.
template <class T>
VIVACE_INLINE void choose(Place<T>* to, const Place<T>* from, std::uint32_t bits) {
  if constexpr (VIVACE_VECTOR_BYTES == 64)
    store_chosen(reinterpret_cast<T*>(to), loadu(reinterpret_cast<const T*>(from)), bits);
  else
    for (; bits; bits &= bits - 1) *to++ = from[__builtin_ctz(bits)];
}

template <class T>
struct Room {
  T *gamma, *alpha, *all_alpha, *p, *sum, *extra, *counts, *gathered, *rows;
  Place<T>*topic, *all_topics, *place;
  double *phi, *gamma_d, *alpha_d;
  std::size_t stride, capacity;
  Room(Arena& arena, std::size_t topics) {
    stride = round_up(topics, lanes<T>);
    capacity = gather_bytes / sizeof(T);
    for (T** buffer : {&gamma, &alpha, &all_alpha, &p, &sum, &extra, &counts}) *buffer = arena.take<T>(stride);
    for (Place<T>** buffer : {&topic, &all_topics, &place}) *buffer = arena.take<Place<T>>(stride);
    for (double** buffer : {&phi, &gamma_d, &alpha_d}) *buffer = arena.take<double>(doubles_of(topics));
    gathered = arena.take<T>(capacity);
    rows = arena.take<T>(capacity > lanes<T> * stride ? capacity : lanes<T> * stride);
  }
};

/// Rows of a document's words, some of them at a time.
template <class T>
struct Entries {
  static constexpr std::size_t some = rows_at_once<T>;
  const T* rows[some];
  Vec<T> counts;
  std::size_t inside;

  /// Those from `e` on. Behind the last of `n` come rows of count zero.
  template <class Row>
  VIVACE_MEMBER Entries(const T* all, std::size_t e, std::size_t n, const Row& row) {
    inside = n - e < some ? n - e : some;
    T held[lanes<T>];
    for (std::size_t i = 0; i < lanes<T>; ++i) held[i] = i < inside ? all[e + i] : T(0);
    counts = loadu(held);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < some; ++i) rows[i] = row(i < inside ? e + i : e);
  }
};

/// sum = start + sum over the document's rows of (n / (row . p)) row. Dot products that are not reliable are stored as
/// zero and left out; returns whether there were any. `held`: vectors of a row, where they are few (else 0).
template <class T, std::size_t held, class Row>
static inline bool absorb(const T* n, std::size_t entries, const T* p, std::size_t width, T* sum, T* s_out,
                          const Row& row) {
  constexpr std::size_t some = rows_at_once<T>, room = held ? held : 1;
  const Vec<T> start = broadcast<T>(Range<T>::start), reliable = broadcast<T>(Range<T>::reliable);
  Vec<T> weights[room], total[room];
  for (std::size_t j = 0; j < held; ++j) {
    weights[j] = loadu(p + j * lanes<T>);
    total[j] = start;
  }
  if (held == 0)
    for (std::size_t k = 0; k < width; k += lanes<T>) storeu(sum + k, start);
  bool lost = false;
  for (std::size_t e = 0; e < entries; e += some) {
    const Entries<T> at(n, e, entries, row);
    Vec<T> dot[some];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < some; ++i) dot[i] = start;
    if constexpr (held > 0) {
#pragma GCC unroll 8
      for (std::size_t i = 0; i < some; ++i)
#pragma GCC unroll 4
        for (std::size_t j = 0; j < held; ++j) dot[i] = mul_add(loadu(at.rows[i] + j * lanes<T>), weights[j], dot[i]);
    } else {
      for (std::size_t k = 0; k < width; k += lanes<T>) {
        const Vec<T> q = loadu(p + k);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < some; ++i) dot[i] = mul_add(loadu(at.rows[i] + k), q, dot[i]);
      }
    }
    const Vec<T> s = horizontal_sums<some>(dot);
    const Vec<T> good = select<Vec<T>>(s > reliable, s, Vec<T>{});
    T ratio[lanes<T>], reached[lanes<T>];
    storeu(ratio, select<Vec<T>>(s > reliable, at.counts / s, Vec<T>{}));
    storeu(reached, good);
    for (std::size_t i = 0; i < at.inside; ++i) s_out[e + i] = reached[i];
    lost |= horizontal_max(select<Vec<T>>(s > reliable, Vec<T>{}, at.counts)) > T(0);
    if constexpr (held > 0) {
#pragma GCC unroll 8
      for (std::size_t i = 0; i < some; ++i)
#pragma GCC unroll 4
        for (std::size_t j = 0; j < held; ++j)
          total[j] = mul_add(loadu(at.rows[i] + j * lanes<T>), broadcast<T>(ratio[i]), total[j]);
    } else {
      for (std::size_t k = 0; k < width; k += lanes<T>) {
        Vec<T> value = loadu(sum + k);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < some; ++i) value = mul_add(loadu(at.rows[i] + k), broadcast<T>(ratio[i]), value);
        storeu(sum + k, value);
      }
    }
  }
  for (std::size_t j = 0; j < held; ++j) storeu(sum + j * lanes<T>, total[j]);
  return lost;
}

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
