// A document's terms of the bound.
#pragma once

#include "document_room.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

/// ln Gamma(sum of alpha) - sum of ln Gamma(alpha).
[[maybe_unused]] static inline double log_norm(const double* alpha, std::size_t topics) {
  double sum = 0, terms = 0;
  for (std::size_t k = 0; k < topics; ++k) {
    sum += alpha[k];
    terms -= lgamma(broadcast<double>(alpha[k]))[0];
  }
  return terms + lgamma(broadcast<double>(sum))[0];
}

/// The words' terms of document (first, n), and E ln p(theta) - E ln q(theta) less `log_norm`, in double. The weights
/// hold the dot products that belong to `gamma`, whose largest number is `top`, and `room.p` its weights.
template <class T>
static inline double document_bound(const DocumentStep<T>& a, const Room<T>& room, const T* gamma, std::size_t first,
                                    std::size_t n, double top, bool orphans) {
  constexpr std::size_t nd = lanes<double>;
  const std::size_t topics = a.topics.counts.cols;
  double tokens = 0, sum = 0, total = 0;
  for (std::size_t k = 0; k < doubles_of(topics); ++k) {
    const bool inside = k < topics;
    room.gamma_d[k] = inside ? static_cast<double>(gamma[k]) : 1.0;
    room.alpha_d[k] = inside ? a.alpha[k] : 1.0;
    sum += inside ? room.gamma_d[k] : 0.0;
  }
  const double psi_sum = digamma(broadcast<double>(sum))[0];
  Vec<double> terms{};
  for (std::size_t k = 0; k < doubles_of(topics); k += nd) {
    const Vec<double> g = loadu(room.gamma_d + k);
    terms += (loadu(room.alpha_d + k) - g) * (digamma(g) - psi_sum) + lgamma(g);
  }
  for (std::size_t e = first; e < first + n; e += nd) {
    Vec<double> s = broadcast<double>(1), counts{}, level{};
    for (std::size_t i = 0; i < nd && e + i < first + n; ++i) {
      if (!(a.weights[e + i] > T(0))) continue;
      s[i] = static_cast<double>(a.weights[e + i]);
      counts[i] = static_cast<double>(a.counts[e + i]);
      level[i] = a.level[a.words[e + i]];
    }
    terms += counts * (log(s) + level);
    tokens += horizontal_sum(counts);
  }
  total += horizontal_sum(terms) - lgamma(broadcast<double>(sum))[0];
  Vec<T> most = loadu(room.p);
  for (std::size_t k = lanes<T>; k < room.stride; k += lanes<T>) most = max(most, loadu(room.p + k));
  const double scales = log(broadcast<double>(static_cast<double>(horizontal_max(most))))[0] + Range<T>::bits * ln2;
  total += tokens * (digamma(broadcast<double>(top))[0] - psi_sum - scales);
  if (orphans)
    for (std::size_t e = first; e < first + n; ++e)
      if (!(a.weights[e] > T(0))) {
        const double l = orphan_phi(gamma, a.topics, a.vocabulary[a.words[e]], room.phi, room.counts);
        total += static_cast<double>(a.counts[e]) * (l - psi_sum);
      }
  return total;
}

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
