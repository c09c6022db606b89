// The topics that are left in a document, a column each: what its sweeps read once most topics have gone.
//
// Entries are the lanes, so that dot products need no sums over lanes, and topics need not fill whole vectors.
#pragma once

#include "document_room.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

// Vectors of entries whose dot products are made together: they hide each other's latency.
constexpr std::size_t most_dots = 8;

/// The number at place `k` of each row.
template <class T, std::size_t... i>
VIVACE_INLINE Vec<T> collect(const T* const* rows, std::size_t k, std::index_sequence<i...>) {
  return Vec<T>{rows[i][k]...};
}

/// Columns of `rows` numbers one after the other: counts, counts over dot products, and one for each topic. Behind the
/// entries the last one is repeated with a count of zero; behind the last topic come columns of any finite numbers up
/// to whole vectors of topics.
template <class T>
struct Columns {
  T* memory = nullptr;
  std::size_t entries = 0, rows = 0, count = 0;

  VIVACE_MEMBER T* counts() const { return memory; }
  VIVACE_MEMBER T* ratios() const { return memory + rows; }
  VIVACE_MEMBER T* topic(std::size_t j) const { return memory + (j + 2) * rows; }

  /// Whether so many topics fit into room for `capacity` numbers.
  static VIVACE_MEMBER bool fit(std::size_t entries, std::size_t count, std::size_t capacity) {
    return (round_up(count, lanes<T>) + 2) * round_up(entries, lanes<T>) <= capacity;
  }

  /// Of the rows of n entries, the numbers at the places `chosen`.
  template <class Row>
  VIVACE_MEMBER void fill(T* room, const T* all_counts, std::size_t n, const Place<T>* chosen, std::size_t topics,
                          const Row& row) {
    memory = room;
    entries = n;
    rows = round_up(n, lanes<T>);
    count = topics;
    for (std::size_t e = 0; e < rows; e += lanes<T>) {
      storeu(counts() + e, load_tail(all_counts, e, n, T(0)));
      const T* from[lanes<T>];
      for (std::size_t i = 0; i < lanes<T>; ++i) from[i] = row(e + i < n ? e + i : n - 1);
      T* to = topic(0) + e;
      for (std::size_t j = 0; j < topics; ++j, to += rows)
        storeu(to, collect(from, static_cast<std::size_t>(chosen[j]), std::make_index_sequence<lanes<T>>()));
    }
    const Vec<T> none{};
    for (T* to = topic(count); to < topic(round_up(count, lanes<T>)); to += lanes<T>) storeu(to, none);
  }

  /// Keeps the topics at the given places, which rise.
  VIVACE_MEMBER void keep(const Place<T>* places, std::size_t topics) {
    for (std::size_t j = 0; j < topics; ++j) {
      const T* from = topic(static_cast<std::size_t>(places[j]));
      T* to = topic(j);
      if (from != to)
        for (std::size_t e = 0; e < rows; e += lanes<T>) storeu(to + e, loadu(from + e));
    }
    count = topics;
  }
};

/// Dot products of up to `m` vectors of entries from `e` on; returns how many vectors they were.
template <class T, std::size_t m = most_dots>
VIVACE_INLINE std::size_t column_dots(const Columns<T>& columns, const T* p, std::size_t e, Vec<T>* s) {
  if constexpr (m > 1)
    if (columns.rows - e < m * lanes<T>) return column_dots<T, m - 1>(columns, p, e, s);
  Vec<T> total[m];
  for (std::size_t i = 0; i < m; ++i) total[i] = broadcast<T>(Range<T>::start);
  const T* from = columns.topic(0) + e;
  for (std::size_t j = 0; j < columns.count; ++j, from += columns.rows) {
    const Vec<T> weight = broadcast<T>(p[j]);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < m; ++i) total[i] = mul_add(loadu(from + i * lanes<T>), weight, total[i]);
  }
  for (std::size_t i = 0; i < m; ++i) s[i] = total[i];
  return m;
}

/// Sums of ratio x column for `m` topics from `j` on, lane by lane.
template <class T, std::size_t m>
VIVACE_INLINE Vec<T> column_sums(const Columns<T>& columns, std::size_t j) {
  Vec<T> total[m];
  for (std::size_t i = 0; i < m; ++i) total[i] = broadcast<T>(Range<T>::start);
  const T *from = columns.topic(j), *ratios = columns.ratios();
  for (std::size_t e = 0; e < columns.rows; e += lanes<T>) {
    const Vec<T> ratio = loadu(ratios + e);
#pragma GCC unroll 16
    for (std::size_t i = 0; i < m; ++i) total[i] = mul_add(loadu(from + i * columns.rows + e), ratio, total[i]);
  }
  return horizontal_sums<m>(total);
}

/// `absorb` for columns: sums for whole vectors of topics, those behind the last one of any finite number.
template <class T>
static inline bool absorb_columns(const Columns<T>& columns, const T* p, T* sum, T* s_out) {
  const Vec<T> reliable = broadcast<T>(Range<T>::reliable), none{};
  bool lost = false;
  for (std::size_t e = 0; e < columns.rows;) {
    Vec<T> s[most_dots];
    const std::size_t found = column_dots(columns, p, e, s);
    for (std::size_t i = 0; i < found; ++i, e += lanes<T>) {
      const Vec<T> counts = loadu(columns.counts() + e), good = select<Vec<T>>(s[i] > reliable, s[i], none);
      storeu(columns.ratios() + e, select<Vec<T>>(s[i] > reliable, counts / s[i], none));
      lost |= bits_gt_zero(select<Vec<T>>(s[i] > reliable, none, counts)) != 0;
      const std::size_t left = columns.entries - e;
      if (left < lanes<T>)
        store_part(s_out + e, good, left);
      else
        storeu(s_out + e, good);
    }
  }
  for (std::size_t j = 0; j < columns.count; j += lanes<T>) {
    constexpr std::size_t half = lanes<T> / 2;
    if (columns.count - j <= half)
      storeu(sum + j, column_sums<T, half>(columns, j));
    else
      storeu(sum + j, column_sums<T, lanes<T>>(columns, j));
  }
  return lost;
}

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
