// Features of the rows of a chunk, feature by feature (the column of ones is never stored: it is the start value of a
// score).
#pragma once

#include "layout.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

/// Where a run through the features of a chunk stands; full features walk the upper triangle.
struct FeatureCursor {
  std::size_t next = 0;  // features made so far, the ones not counted
  std::size_t i = 0, j = 0;
};

template <class C>
[[maybe_unused]] static inline void copy_row(const C* from, C* to) {
  for (std::size_t r = 0; r < chunk_rows<C>; r += lanes<C>) storeu(to + r, loadu(from + r));
}

template <class C>
[[maybe_unused]] static inline void multiply_rows(const C* a, const C* b, C* to) {
  for (std::size_t r = 0; r < chunk_rows<C>; r += lanes<C>) storeu(to + r, loadu(a + r) * loadu(b + r));
}

/// Writes the next `count` features of the columns z (d x chunk_rows) to `out` (count x chunk_rows); the first q
/// columns have quadratic ones.
template <class C>
[[maybe_unused]] static inline void make_features(Kind kind, const C* z, std::size_t d, std::size_t q,
                                                  FeatureCursor& cursor, std::size_t count, C* out) {
  constexpr std::size_t ch = chunk_rows<C>;
  const std::size_t last = cursor.next + count;
  while (cursor.next < last && cursor.next < d) {
    copy_row(z + cursor.next * ch, out);
    out += ch;
    ++cursor.next;
  }
  switch (kind) {
    case Kind::linear: break;
    case Kind::spherical:
      if (cursor.next < last) {
        for (std::size_t r = 0; r < ch; r += lanes<C>) {
          Vec<C> sum = broadcast<C>(C(0));
          for (std::size_t c = 0; c < q; ++c) {
            const Vec<C> v = loadu(z + c * ch + r);
            sum += v * v;
          }
          storeu(out + r, sum);
        }
        ++cursor.next;
      }
      break;
    case Kind::diag:
      for (; cursor.next < last; ++cursor.next, out += ch) {
        const C* column = z + (cursor.next - d) * ch;
        multiply_rows(column, column, out);
      }
      break;
    case Kind::full:
      for (; cursor.next < last; ++cursor.next, out += ch) {
        multiply_rows(z + cursor.i * ch, z + cursor.j * ch, out);
        if (++cursor.j == q) cursor.j = ++cursor.i;
      }
      break;
  }
}

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
