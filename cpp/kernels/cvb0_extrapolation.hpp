// The end of a pass of collapsed variational Bayes: expected counts, and the table of the next pass.
#pragma once

#include "../math.hpp"
#include "cvb0.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

template <class T>
static inline void extrapolate(const Cvb0Extrapolation<T>& a) {
  const std::size_t topics = a.counts.cols, across = a.prior.cols > 1 ? 1 : 0;
  double* counted = a.sums.row(0);
  double* used = a.sums.row(1);
  const auto next = [](T now, T before, T step, T eta) VIVACE_LAMBDA {
    const T ahead = now + step * (now - before);
    return (ahead > T(0) ? ahead : T(0)) + eta;
  };
  for (std::size_t k = 0; k < topics; ++k) counted[k] = used[k] = 0;
  for (std::size_t w = a.first; w < a.last; ++w) {
    T* table = a.table.row(w);
    const T* previous = a.previous.row(w);
    const T* prior = a.prior.row(a.prior.rows > 1 ? w : 0);
    T* counts = a.counts.row(w);
    for (std::size_t k = 0; k < topics; ++k) {
      const T eta = prior[k * across], before = previous[k];
      const T shift = a.fresh ? counts[k] : next(before, counts[k], a.begun, eta) - before;
      const T found = table[k] - shift, now = found > T(0) ? found : T(0);
      table[k] = next(now, before, a.step, eta);
      counts[k] = now;
      counted[k] += static_cast<double>(now);
      used[k] += static_cast<double>(table[k]);
    }
  }
}

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
