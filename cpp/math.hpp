// Branch-free elementary and special functions on Vec<double> and Vec<float>.
//
// Written for rounding to nearest. None of them needs a fused multiply-add to be right, all of them gain from it. The
// stated errors were measured against 60-digit references (tests/test_special.py keeps them) and hold for every
// instruction set. Polynomials without a name are minimax fits made for this file.
#pragma once

#include "simd.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

// Numbers that differ between the two precisions.
template <class T>
struct Real;

template <>
struct Real<double> {
  static constexpr double round = 0x1.8p52;  // adding it rounds to an integer, which is left in the low bits
  static constexpr int mantissa = 52;
  static constexpr std::uint64_t one = 0x3ff0000000000000u;
  static constexpr std::uint64_t sqrt_half = 0x3fe6a09e667f3bcdu;
  static constexpr double smallest = 0x1p-1022;
  static constexpr double ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c7673p-45;
  static constexpr double exp_lowest = -746, exp_highest = 710, exp_floor = -708;
};

template <>
struct Real<float> {
  static constexpr float round = 0x1.8p23f;
  static constexpr int mantissa = 23;
  static constexpr std::uint32_t one = 0x3f800000u;
  static constexpr std::uint32_t sqrt_half = 0x3f3504f3u;
  static constexpr float smallest = 0x1p-126f;
  static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;
  static constexpr float exp_lowest = -105, exp_highest = 89, exp_floor = -87;
};

inline constexpr double log2_e = 1.4426950408889634, ln2 = 0.6931471805599453;

}  // namespace

// first + x (second + x (...)), the coefficients of rising powers.
template <class V>
VIVACE_INLINE V horner(V, Element<V> last) {
  return V{} + last;
}

template <class V, class... Rest>
VIVACE_INLINE V horner(V x, Element<V> first, Rest... rest) {
  return mul_add(horner(x, static_cast<Element<V>>(rest)...), x, V{} + first);
}

// 2^n for the integer that sum = n + Real::round holds, -1022 <= n <= 1023 (float: -126 <= n <= 127).
template <class V>
VIVACE_INLINE V power_of_two(V sum) {
  using R = Real<Element<V>>;
  return (V)(((BitsOf<V>)sum << R::mantissa) + R::one);
}

// e^x. Error below 0.9 ulp in double and 1.0 ulp in float. -inf gives 0, overflow inf, NaN NaN; subnormal results are
// rounded twice (error 1 unit of the smallest subnormal).
template <class V>
VIVACE_INLINE V exp(V x) {
  using T = Element<V>;
  using R = Real<T>;
  // In this order NaN stays NaN.
  x = max(V{} + R::exp_lowest, x);
  x = min(V{} + R::exp_highest, x);
  const V n = mul_add(x, V{} + T(log2_e), V{} + R::round) - R::round;
  const V f = mul_add(n, V{} - R::ln2_low, mul_add(n, V{} - R::ln2_high, x));
  V q;
  if constexpr (sizeof(T) == 8) {
    q = horner(f, 0.5000000000000011, 0.16666666666666413, 0.04166666666653017, 0.008333333333494532,
               0.0013888888943627078, 0.00019841269506410927, 2.4801493101838745e-05, 2.755758652983383e-06,
               2.7630247467745947e-07, 2.500001169011044e-08);
  } else {
    q = horner(f, 0.49999993453925895, 0.16666520625006895, 0.041668386517674016, 0.008368717566174976,
               0.0013814684572656367);
  }
  const V p = T(1) + mul_add(f * f, q, f);
  // Two factors, so that neither overflows where the result does not.
  const V half = mul_add(n, V{} + T(0.5), V{} + R::round);
  return p * power_of_two(half) * power_of_two((n - (half - R::round)) + R::round);
}

// e^x for x <= 0 (a little above does no harm), exactly 0 below `floor`, which must be at least the default. The hot
// function of softmax. Relative error below 4e-16 + 1.2e-16 |x| in double, 2e-7 + 6e-8 |x| in float: the ln 2 of the
// reduction has one term, for a score x that came out of a sum is not known better. NaN gives NaN.
template <class V>
VIVACE_INLINE V exp_nonpositive(V x, Element<V> floor = Real<Element<V>>::exp_floor) {
  using T = Element<V>;
  using R = Real<T>;
  const V sum = mul_add(x, V{} + T(log2_e), V{} + R::round);
  const V n = sum - R::round;
  const V f = mul_add(n, V{} - T(ln2), x);
  V q;
  if constexpr (sizeof(T) == 8) {
    q = horner(f, 1.0000000000000056, 0.4999999999999798, 0.16666666666564542, 0.04166666666820323,
               0.008333333382975004, 0.0013888888529080968, 0.0001984117304590127, 2.480190016461474e-05,
               2.763920459102788e-06, 2.74920554312601e-07);
  } else {
    q = horner(f, 0.9999997069758662, 0.4999914926113573, 0.16667636792471405, 0.04189797110413824,
               0.008290292641172451);
  }
  const V p = mul_add(f, q, V{} + T(1));
  const V y = (V)((BitsOf<V>)p + ((BitsOf<V>)sum << R::mantissa));
  return x < floor ? V{} : y;
}

// ln x. Error below 1 ulp (double and float), subnormal arguments included. 0 gives -inf, x < 0 NaN, inf inf.
template <class V>
VIVACE_INLINE V log(V x) {
  using T = Element<V>;
  using R = Real<T>;
  constexpr T up = T(std::uint64_t(1) << (R::mantissa + 2));
  constexpr auto mantissa_bits = (decltype(R::one)(1) << R::mantissa) - 1;
  const MaskOf<V> tiny = x < R::smallest;
  const V normal = select<V>(tiny, x * up, x);
  // x = 2^k m with m in [sqrt(1/2), sqrt(2)).
  const BitsOf<V> u = (BitsOf<V>)normal + (R::one - R::sqrt_half);
  const V m = (V)((u & mantissa_bits) + R::sqrt_half);
  const V biased = (V)((u >> R::mantissa) | (BitsOf<V>)(V{} + R::round));
  constexpr T bias = T(R::one >> R::mantissa);
  const V k = (biased - R::round) - select<V>(tiny, V{} + (bias + T(R::mantissa + 2)), V{} + bias);
  // ln(1 + f) = 2 artanh s = f - s (f - s^2 r).
  const V f = m - T(1);
  const V s = f / (T(2) + f);
  const V z = s * s;
  V r;
  if constexpr (sizeof(T) == 8) {
    r = horner(z, 0.6666666666666734, 0.39999999999414027, 0.2857142874255142, 0.22222198554649453, 0.18183565373690008,
               0.15314021716249562, 0.1479625749077126);
  } else {
    r = horner(z, 0.6666677642316702, 0.399775346002522, 0.2987195453888826);
  }
  const V w = s * (f - z * r);
  const V y = mul_add(k, V{} + R::ln2_high, f - (w - k * R::ln2_low));
  const V inf = V{} + T(__builtin_inf());
  const V rest = select<V>(x == T(0), -inf, V{} + T(__builtin_nan("")));
  return select<V>(x > T(0), select<V>(x < inf, y, x), rest);
}

}  // namespace vivace::VIVACE_ISA_NS
