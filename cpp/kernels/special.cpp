#include "special.hpp"

#include "../math.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

template <class T, class F>
static inline void apply(const T* x, T* out, std::size_t n, F f) {
  std::size_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) storeu(out + i, f(loadu(x + i)));
  if (i < n) store_part(out + i, f(load_part(x + i, n - i, T(1))), n - i);
}

}  // namespace

#define VIVACE_DEFINE_ARRAY_FUNCTION(name)                         \
  void name##_array(const double* x, double* out, std::size_t n) { \
    apply(x, out, n, [](Vec<double> v) { return name(v); });       \
  }                                                                \
  void name##_array(const float* x, float* out, std::size_t n) {   \
    apply(x, out, n, [](Vec<float> v) { return name(v); });        \
  }
VIVACE_DEFINE_ARRAY_FUNCTION(exp)
VIVACE_DEFINE_ARRAY_FUNCTION(log)
VIVACE_DEFINE_ARRAY_FUNCTION(digamma)
VIVACE_DEFINE_ARRAY_FUNCTION(exp_digamma)
VIVACE_DEFINE_ARRAY_FUNCTION(lgamma)
VIVACE_DEFINE_ARRAY_FUNCTION(exp_nonpositive)
VIVACE_DEFINE_ARRAY_FUNCTION(log1p)
#undef VIVACE_DEFINE_ARRAY_FUNCTION

}  // namespace vivace::VIVACE_ISA_NS
