// Collapsed variational Bayes with a lean store: of an entry's responsibilities the largest are kept, the rest is given
// to them. One step at a time, in loops of any length: memory is what matters here.
#pragma once

#include <initializer_list>
#include <limits>

#include "../math.hpp"
#include "cvb0.hpp"
#include "cvb0_store.hpp"
#include "layout.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

template <class T>
struct LeanBuffers {
  T *held, *now, *value;
  LeanBuffers(Arena& arena, std::size_t topics) {
    const std::size_t stride = round_up(topics, lanes<T>);
    for (T** buffer : {&held, &now, &value}) *buffer = arena.take<T>(stride);
  }
};

/// How many values are above a level; the padding holds none.
template <class T>
VIVACE_INLINE std::size_t count_above(const T* value, std::size_t stride, T level) {
  std::size_t count = 0;
  for (std::size_t k = 0; k < stride; k += lanes<T>)
    count += static_cast<std::size_t>(__builtin_popcount(bits_gt_zero(loadu(value + k) - level)));
  return count;
}

/// A level that at most `lean_entries` of the values are above, and at least one.
///
/// No more than n values are above 1/(n + 1) of the total; half of that, and so on, is tried after it. Where none is
/// above it (values all much alike), the n-th largest decides.
template <class T>
static inline T lean_level(const T* value, std::size_t stride, T total) {
  T level = total / T(lean_entries + 1);
  if (count_above(value, stride, level) > 0) {
    for (int i = 0; i < 10 && count_above(value, stride, level / 2) <= lean_entries; ++i) level /= 2;
    return level;
  }
  T below = total;
  for (std::size_t kept = 0; kept < lean_entries;) {
    T most = 0;
    for (std::size_t k = 0; k < stride; ++k) most = value[k] < below && value[k] > most ? value[k] : most;
    const std::size_t count = count_above(value, stride, most) + 1;
    if (!(most > T(0)) || count > lean_entries) break;
    kept = count;
    below = most;
  }
  // Just under the smallest that is kept; where the largest are too many equals, the first of them are taken.
  return below < total ? below * (T(1) - T(8) * std::numeric_limits<T>::epsilon()) : T(0);
}

template <class T, class Topic>
class LeanDocuments {
  using S = Store<T>;
  using Item = typename S::Item;
  static constexpr std::size_t n = lanes<T>;

 public:
  LeanDocuments(const Cvb0Documents<T>& args, Topic* given) : a(args), kept_topics(given), stride(args.table.cols) {
    Arena arena{args.scratch};
    const LeanBuffers<T> buffers(arena, args.topics);
    held = buffers.held;
    now = buffers.now;
    value = buffers.value;
    for (std::size_t k = 0; k < stride; ++k) now[k] = T(0);
    for (std::size_t k = 0; k < a.topics; ++k) {
      a.moved[k] = 0;
      alpha_sum += a.alpha[k];
    }
    double total = 0;
    for (std::size_t d = 0; d < a.documents; ++d) total += document(d);
    *a.likelihood = total;
  }

 private:
  const Cvb0Documents<T>& a;
  Topic* kept_topics;
  std::size_t stride;
  T alpha_sum = 0;
  T *held, *now, *value;

  Item* shares(std::size_t e) const { return static_cast<Item*>(a.gamma) + e * lean_entries; }
  Topic* topics(std::size_t e) const { return kept_topics + e * lean_entries; }

  double document(std::size_t d) const {
    const auto first = static_cast<std::size_t>(a.start[d]), last = static_cast<std::size_t>(a.start[d + 1]);
    const T weight = a.row_weights ? static_cast<T>(a.row_weights[d]) : T(1);
    T tokens = 0;
    for (std::size_t e = first; e < last; ++e) tokens += a.counts[e];
    for (std::size_t k = 0; k < stride; ++k) held[k] = a.alpha[k];
    if (!a.fresh)
      for (std::size_t e = first; e < last; ++e)
        for (std::size_t i = 0; i < lean_entries; ++i)
          held[topics(e)[i]] += S::widen_one(shares(e)[i]) * (a.counts[e] / S::one);
    for (std::size_t k = 0; k < a.topics; ++k) a.moved[k] -= static_cast<double>(weight * held[k]);
    double likelihood = 0;
    for (std::size_t s = 0; s < a.sweeps; ++s) {
      likelihood = 0;
      for (std::size_t e = first; e < last; ++e) likelihood += entry(e, weight, tokens, a.fresh && s == 0);
    }
    for (std::size_t k = 0; k < a.topics; ++k) a.moved[k] += static_cast<double>(weight * held[k]);
    return likelihood;
  }

  double entry(std::size_t e, T weight, T tokens, bool unseen) const {
    const T c = a.counts[e], y = c < T(1) ? c : T(1), x = weight < T(1) ? y * weight : y;
    const T* lambda = a.table.row(static_cast<std::size_t>(a.words[e]));
    T* change = a.change + (e - static_cast<std::size_t>(a.batch_first)) * stride;
    if (!unseen)
      for (std::size_t i = 0; i < lean_entries; ++i) now[topics(e)[i]] += S::widen_one(shares(e)[i]);
    // Of a fresh document the table holds nothing.
    const Vec<T> own_word = broadcast<T>(a.fresh ? T(0) : x / S::one), own_topic = broadcast<T>(y / S::one);
    Vec<T> sum{};
    for (std::size_t k = 0; k < stride; k += n) {
      const Vec<T> old = loadu(now + k), own = old * own_word;
      const Vec<T> l = max(loadu(lambda + k) - own, broadcast<T>(a.least_word));
      const Vec<T> m = max(loadu(held + k) - old * own_topic, broadcast<T>(a.least_topic));
      const Vec<T> v = l * m / (loadu(a.totals + k) - own);
      storeu(value + k, v);
      sum += v;
      storeu(change + k, a.fresh ? Vec<T>{} : -old);
      storeu(held + k, loadu(held + k) - old * (c / S::one));
      storeu(now + k, Vec<T>{});
    }
    const T total = horizontal_sum(sum), level = lean_level(value, stride, total);
    T kept[lean_entries], mass = 0;
    std::size_t count = 0;
    for (std::size_t k = 0; k < stride && count < lean_entries; k += n)
      for (std::uint32_t bits = bits_gt_zero(loadu(value + k) - level); bits && count < lean_entries;
           bits &= bits - 1) {
        const std::size_t topic = k + static_cast<std::size_t>(__builtin_ctz(bits));
        topics(e)[count] = static_cast<Topic>(topic);
        mass += kept[count++] = value[topic];
      }
    for (std::size_t i = 0; i < lean_entries; ++i) {
      if (i >= count) topics(e)[i] = 0;
      const T share = S::narrow_one(i < count ? kept[i] / mass * S::one : T(0), shares(e) + i);
      held[topics(e)[i]] += share * (c / S::one);
      change[topics(e)[i]] += share;
    }
    a.factors[e - static_cast<std::size_t>(a.batch_first)] = weight * c / S::one;
    const double chance = static_cast<double>(total) / static_cast<double>(tokens - y + alpha_sum);
    return static_cast<double>(weight * c) * log(broadcast<double>(chance))[0];
  }
};

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
