// Collapsed variational Bayes: the words of a batch, each summed in the order of its entries.
#pragma once

#include "cvb0.hpp"
#include "cvb0_store.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

// What the table is given of an entry, over its factor: what its shares changed by. The last vector of topics is cut
// off after `tail` of them.
template <class T>
struct FromStore {
  using S = Store<T>;
  using Item = typename S::Item;
  const Item *gamma, *before;
  std::size_t width, tail;
  VIVACE_MEMBER FromStore(const Cvb0Words<T>& a, std::size_t last)
      : gamma(static_cast<const Item*>(a.gamma)),
        before(static_cast<const Item*>(a.before)),
        width(a.topics),
        tail(last) {}
  template <std::size_t vectors>
  VIVACE_MEMBER void ask(std::size_t at) const {
    repeat<(vectors + 1) / 2>([&](std::size_t j) VIVACE_LAMBDA {
      __builtin_prefetch(gamma + at + j * 2 * lanes<T>, 0, 3);
      __builtin_prefetch(before + at + j * 2 * lanes<T>, 0, 3);
    });
  }
  VIVACE_MEMBER Vec<T> get(std::size_t at) const { return S::load(gamma + at) - S::load(before + at); }
  VIVACE_MEMBER Vec<T> get_last(std::size_t at) const { return S::load(gamma + at, tail) - S::load(before + at, tail); }
};

template <class T>
struct FromFresh {
  using S = Store<T>;
  using Item = typename S::Item;
  const Item* gamma;
  std::size_t width, tail;
  VIVACE_MEMBER FromFresh(const Cvb0Words<T>& a, std::size_t last)
      : gamma(static_cast<const Item*>(a.gamma)), width(a.topics), tail(last) {}
  template <std::size_t vectors>
  VIVACE_MEMBER void ask(std::size_t) const {}
  VIVACE_MEMBER Vec<T> get(std::size_t at) const { return S::load(gamma + at); }
  VIVACE_MEMBER Vec<T> get_last(std::size_t at) const { return S::load(gamma + at, tail); }
};

template <class T>
struct FromChange {
  const T* change;
  std::size_t width;
  VIVACE_MEMBER FromChange(const Cvb0Words<T>& a, std::size_t) : change(a.change), width(a.table.cols) {}
  template <std::size_t vectors>
  VIVACE_MEMBER void ask(std::size_t) const {}
  VIVACE_MEMBER Vec<T> get(std::size_t at) const { return loadu(change + at); }
  VIVACE_MEMBER Vec<T> get_last(std::size_t at) const { return get(at); }
};

// Entries that are asked for before their turn: half of what they hold may be in another core's cache.
constexpr std::uint32_t asked_ahead = 6;

/// `vectors` vectors of topics of the i-th word, from column `k` on; `last` if they are the last ones.
template <class T, class From, std::size_t vectors, bool last>
VIVACE_INLINE void word(const Cvb0Words<T>& a, const From& from, std::size_t i, std::size_t k) {
  const std::uint32_t begin = i ? a.ends[i - 1] : a.begin;
  constexpr std::size_t n = lanes<T>, whole = last ? vectors - 1 : vectors;
  const std::size_t stride = a.table.cols;
  T* out = a.table.data + static_cast<std::size_t>(a.words[i]) * stride + k;
  const T* soon = a.table.data + static_cast<std::size_t>(a.words[i + 2 < a.count ? i + 2 : i]) * stride + k;
  Vec<T> row[vectors];
  repeat<vectors>([&](std::size_t j) VIVACE_LAMBDA {
    row[j] = loadu(out + j * n);
    __builtin_prefetch(soon + j * n, 1, 2);
  });
  const std::uint16_t* near = a.near;
  const std::int32_t* far = a.far;
  const std::uint32_t last_entry = a.ends[a.count - 1] - 1;
  for (std::uint32_t at = begin, end = a.ends[i]; at < end; ++at) {
    const std::uint32_t later = at + asked_ahead < last_entry ? at + asked_ahead : last_entry;
    from.template ask<vectors>((near ? near[later] : static_cast<std::size_t>(far[later])) * from.width + k);
    const std::size_t e = near ? near[at] : static_cast<std::size_t>(far[at]);
    const Vec<T> factor = broadcast<T>(a.factors[e]);
    const std::size_t first = e * from.width + k;
    repeat<whole>([&](std::size_t j) VIVACE_LAMBDA { row[j] = mul_add(from.get(first + j * n), factor, row[j]); });
    if constexpr (last) row[whole] = mul_add(from.get_last(first + whole * n), factor, row[whole]);
  }
  repeat<vectors>([&](std::size_t j) VIVACE_LAMBDA { storeu(out + j * n, row[j]); });
}

/// All words; eights of vectors, then the last ones, of which there are `rest`, one to eight.
template <class T, class From, std::size_t rest = 1>
static inline void words(const Cvb0Words<T>& a) {
  constexpr std::size_t n = lanes<T>, eight = 8 * n;
  if constexpr (rest < 8)
    if ((a.table.cols - n) % eight != (rest - 1) * n) return words<T, From, rest + 1>(a);
  const From from(a, a.topics - (a.table.cols - n));
  for (std::size_t i = 0; i < a.count; ++i) {
    std::size_t k = 0;
    for (; k + rest * n < a.table.cols; k += eight) word<T, From, 8, false>(a, from, i, k);
    word<T, From, rest, true>(a, from, i, k);
  }
}

template <class T>
static inline void all_words(const Cvb0Words<T>& a) {
  if (a.change)
    words<T, FromChange<T>>(a);
  else if (a.before)
    words<T, FromStore<T>>(a);
  else
    words<T, FromFresh<T>>(a);
}

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
