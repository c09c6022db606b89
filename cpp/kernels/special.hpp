// Special functions on arrays: out[i] = f(x[i]) for i < n. `out` may be `x` itself, but no other overlap is allowed.
//
// Each of them is bound as _core.special_<name>(x, out) for contiguous one-dimensional float64 and float32 arrays.
// vivace.special gives the public ones to users; exp_nonpositive and log1p are there for the kernels and bound for the
// tests. Definitions, domains and errors: math.hpp.
#pragma once

#include <cstddef>

#include "../kernels.hpp"

namespace vivace::VIVACE_ISA_NS {

#define VIVACE_DECLARE_ARRAY_FUNCTION(name)                       \
  void name##_array(const double* x, double* out, std::size_t n); \
  void name##_array(const float* x, float* out, std::size_t n);
VIVACE_DECLARE_ARRAY_FUNCTION(exp)
VIVACE_DECLARE_ARRAY_FUNCTION(log)
VIVACE_DECLARE_ARRAY_FUNCTION(digamma)
VIVACE_DECLARE_ARRAY_FUNCTION(exp_digamma)
VIVACE_DECLARE_ARRAY_FUNCTION(lgamma)
VIVACE_DECLARE_ARRAY_FUNCTION(exp_nonpositive)
VIVACE_DECLARE_ARRAY_FUNCTION(log1p)
#undef VIVACE_DECLARE_ARRAY_FUNCTION

/// The entry of the table for elements of type T.
template <class T>
static constexpr SpecialFunctions<T> special_functions = {
    .exp = exp_array,
    .log = log_array,
    .digamma = digamma_array,
    .exp_digamma = exp_digamma_array,
    .lgamma = lgamma_array,
    .exp_nonpositive = exp_nonpositive_array,
    .log1p = log1p_array,
};

}  // namespace vivace::VIVACE_ISA_NS
