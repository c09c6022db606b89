// What the documents' step works in, and its inner loop: dot products of rows with a document's weights, and their sum.
#pragma once

#include <initializer_list>

#include "topic_range.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

// A document's rows are gathered once when they fit this much (a second-level cache with room to spare); longer
// documents read the table itself.
constexpr std::size_t gather_bytes = 256 * 1024;

// Rows worked on together: their dot products hide each other's latency, and the sum is loaded and stored once for all.
constexpr std::size_t rows_at_once = 4;

template <class T>
struct Room {
  T *gamma, *alpha, *p, *sum, *extra, *gathered;
  std::int32_t* topic;
  std::uint32_t* alive;  // a bit for each column, a word for each vector
  double *phi, *gamma_d, *alpha_d;
  std::size_t stride, capacity;
  Room(Arena& arena, std::size_t topics) {
    stride = round_up(topics, lanes<T>);
    capacity = gather_bytes / sizeof(T);
    for (T** buffer : {&gamma, &alpha, &p, &sum, &extra}) *buffer = arena.take<T>(stride);
    topic = arena.take<std::int32_t>(stride);
    alive = arena.take<std::uint32_t>(stride / lanes<T>);
    for (double** buffer : {&phi, &gamma_d, &alpha_d}) *buffer = arena.take<double>(doubles_of(topics));
    gathered = arena.take<T>(capacity);
  }
};

/// sum += sum over `count` rows of (n / (row . p)) row. Dot products that are not reliable are stored as zero and left
/// out; returns whether there were any.
template <class T, std::size_t count>
static inline bool absorb(const T* const* rows, const T* n, const T* p, std::size_t width, T* sum, T* s_out) {
  Vec<T> dot[count];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < count; ++i) dot[i] = broadcast<T>(Range<T>::start);
  for (std::size_t k = 0; k < width; k += lanes<T>) {
    const Vec<T> q = loadu(p + k);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < count; ++i) dot[i] = mul_add(loadu(rows[i] + k), q, dot[i]);
  }
  T ratio[count];
  bool lost = false;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < count; ++i) {
    const T s = horizontal_sum(dot[i]);
    const bool good = s > Range<T>::reliable;
    ratio[i] = good ? n[i] / s : T(0);
    s_out[i] = good ? s : T(0);
    lost |= !good;
  }
  for (std::size_t k = 0; k < width; k += lanes<T>) {
    Vec<T> total = loadu(sum + k);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < count; ++i) total = mul_add(loadu(rows[i] + k), broadcast<T>(ratio[i]), total);
    storeu(sum + k, total);
  }
  return lost;
}

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
