// Branch-free elementary and special functions on Vec<double> and Vec<float>.
//
// Written for rounding to nearest. None of them needs a fused multiply-add to be right, all of them gain from it. The
// stated errors were measured against 40-digit references on every instruction set; tests/test_special.py holds them
// to it. Polynomials are minimax fits, made by tools/fit_polynomials.py. Special values follow C's functions of the
// same name; subnormal numbers are neither flushed nor refused unless it says so.
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

constexpr double log2_e = 1.4426950408889634, ln2 = 0.6931471805599453;

template <class T>
constexpr T infinity = T(__builtin_inf());
template <class T>
constexpr T not_a_number = T(__builtin_nan(""));

#if defined(__AVX512F__) && VIVACE_VECTOR_BYTES == 64
// The bits of 2^(j/16) less j << (mantissa - 4): adding n << (mantissa - 4) gives 2^(n/16) for every integer n.
alignas(64) constexpr std::uint64_t sixteenths_double[16] = {
    0x3ff0000000000000, 0x3fefb5586cf9890f, 0x3fef72b83c7d517b, 0x3fef387a6e756238,
    0x3fef06fe0a31b715, 0x3feedea64c123422, 0x3feebfdad5362a27, 0x3feeab07dd485429,
    0x3feea09e667f3bcd, 0x3feea11473eb0187, 0x3feeace5422aa0db, 0x3feec49182a3f090,
    0x3feee89f995ad3ad, 0x3fef199bdd85529c, 0x3fef5818dcfba487, 0x3fefa4afa2a490da};
alignas(64) constexpr std::uint32_t sixteenths_float[16] = {
    0x3f800000, 0x3f7daac3, 0x3f7b95c2, 0x3f79c3d3, 0x3f7837f0, 0x3f76f532, 0x3f75fed7, 0x3f75583f,
    0x3f7504f3, 0x3f7508a4, 0x3f75672a, 0x3f76248c, 0x3f7744fd, 0x3f78ccdf, 0x3f7ac0c7, 0x3f7d257d};
#endif

}  // namespace

// first + x (second + x (...)): coefficients of rising powers.
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

// e^x. Error below 1.1 ulp (double and float). Subnormal results are rounded twice (1 unit of the smallest subnormal).
template <class V>
VIVACE_INLINE V exp(V x) {
  using T = Element<V>;
  using R = Real<T>;
  // In this order of arguments NaN stays NaN.
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

// e^x for x <= 0 (a little above does no harm), exactly 0 below `floor`, which must not lie below the default. The hot
// function of softmax. Relative error below 6e-16 + 1.6e-16 |x| in double, 3e-7 + 6e-8 |x| in float: the reduction has
// one term of ln 2 only, since a score x is itself a rounded sum. NaN gives NaN.
template <class V>
VIVACE_INLINE V exp_nonpositive(V x, Element<V> floor = Real<Element<V>>::exp_floor) {
  using T = Element<V>;
  using R = Real<T>;
#if defined(__AVX512F__) && VIVACE_VECTOR_BYTES == 64
  // 2^(n/16) from a table in two registers; on the rest of the range half the polynomial of the other branch is enough.
  const V sum = mul_add(x, V{} + T(16 * log2_e), V{} + R::round);
  const V f = mul_add(sum - R::round, V{} - T(ln2 / 16), x);
  const __m512i n = (__m512i)sum;
  const BitsOf<V> exponent = (BitsOf<V>)sum << (R::mantissa - 4);
  if constexpr (sizeof(T) == 8) {
    const __m512i power =
        _mm512_permutex2var_epi64(_mm512_load_si512(sixteenths_double), n, _mm512_load_si512(sixteenths_double + 8));
    const __m512d scale = (__m512d)((BitsOf<V>)power + exponent);
    const V p = f * horner(f, 1.0000000000000022, 0.49999999999999656, 0.16666666662855223, 0.04166666668651454,
                           0.008333496100836404, 0.0013888723789597603);
    const __mmask8 keep = _mm512_cmp_pd_mask((__m512d)x, _mm512_set1_pd(floor), _CMP_NLT_UQ);
    return (V)_mm512_maskz_fmadd_pd(keep, scale, (__m512d)p, scale);
  } else {
    const __m512i power = _mm512_maskz_permutexvar_epi32(0xffff, n, _mm512_load_si512(sixteenths_float));
    const __m512 scale = (__m512)((BitsOf<V>)power + exponent);
    const V p = f * horner(f, 1.0000000030960157, 0.5000161994262047, 0.16666062619455554);
    const __mmask16 keep = _mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(floor), _CMP_NLT_UQ);
    return (V)_mm512_maskz_fmadd_ps(keep, scale, (__m512)p, scale);
  }
#else
  const V sum = mul_add(x, V{} + T(log2_e), V{} + R::round);
  const V f = mul_add(sum - R::round, V{} - T(ln2), x);
  const V g = f * f;
  V p;  // even and odd powers apart: two short chains
  if constexpr (sizeof(T) == 8) {
    p = mul_add(f,
                horner(g, 1.0000000000000056, 0.16666666666564542, 0.008333333382975004, 0.0001984117304590127,
                       2.763920459102788e-06),
                horner(g, 1.0, 0.4999999999999798, 0.04166666666820323, 0.0013888888529080968, 2.480190016461474e-05,
                       2.74920554312601e-07));
  } else {
    p = mul_add(f, horner(g, 0.9999997069758662, 0.16667636792471405, 0.008290292641172451),
                horner(g, 1.0, 0.4999914926113573, 0.04189797110413824));
  }
  const V y = (V)((BitsOf<V>)p + ((BitsOf<V>)sum << R::mantissa));
  return select<V>(x < floor, V{}, y);
#endif
}

// ln(x + rest) for finite x > 0, with |rest| no larger than half a unit in the last place of x; nonsense elsewhere.
// What is not asked for is not computed: `subnormals` in x, and a `rest`.
template <bool subnormals, bool with_rest, class V>
VIVACE_INLINE V log_positive(V x, V rest = V{}) {
  using T = Element<V>;
  using R = Real<T>;
  constexpr auto mantissa_bits = (decltype(R::one)(1) << R::mantissa) - 1;
  V bias = V{} + T(R::one >> R::mantissa);
  if constexpr (subnormals) {
    constexpr int up = R::mantissa + 2;
    const MaskOf<V> tiny = x < R::smallest;
    x = select<V>(tiny, x * T(std::uint64_t(1) << up), x);
    bias = select<V>(tiny, bias + T(up), bias);
  }
  // x = 2^k m with m in [sqrt(1/2), sqrt(2)).
  const BitsOf<V> u = (BitsOf<V>)x + (R::one - R::sqrt_half);
  const V biased = (V)((u >> R::mantissa) | (BitsOf<V>)(V{} + R::round)) - R::round;
  const V k = biased - bias;
  V f = (V)((u & mantissa_bits) + R::sqrt_half) - T(1);
  if constexpr (with_rest) {
    // 2^-k rest; a rest of an x this large has no influence, and 2^-k might not exist.
    const V down = power_of_two(R::round - k);
    f += select<V>(x < T(std::uint64_t(1) << 60), rest * down, V{});
  }
  // ln(1 + f) = 2 artanh s = f - s (f - s^2 r).
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
  return mul_add(k, V{} + R::ln2_high, f - (w - k * R::ln2_low));
}

// ln x. Error below 1 ulp (double and float).
template <class V>
VIVACE_INLINE V log(V x) {
  using T = Element<V>;
  const V y = select<V>(x < infinity<T>, log_positive<true, false>(x), x);
  const V outside = select<V>(x == T(0), V{} - infinity<T>, V{} + not_a_number<T>);
  return select<V>(x > T(0), y, outside);
}

// ln(1 + x). Error below 2 ulp (double and float).
template <class V>
VIVACE_INLINE V log1p(V x) {
  using T = Element<V>;
  const V sum = T(1) + x;
  // What rounding took from the sum; exact below 2^52, without influence above.
  const V rest = x - (sum - T(1));
  const V y = select<V>(sum < infinity<T>, log_positive<false, true>(sum, rest), sum);
  const V outside = select<V>(sum == T(0), V{} - infinity<T>, V{} + not_a_number<T>);
  return select<V>(sum > T(0), y, outside);
}

// 1/x + 1/(x+1) + 1/(x+2) + 1/(x+3) for x > 0, as one fraction in q = x (x + 3).
template <class V>
VIVACE_INLINE V reciprocals_of_four(V x) {
  using T = Element<V>;
  const V q = x * (x + T(3));
  return (x + x + T(3)) * (q + q + T(2)) / (q * (q + T(2)));
}

// digamma(x), x > 0; NaN elsewhere. Error below 2e-15 max(1, |digamma(x)|) in double, 8e-7 in float.
template <class V>
VIVACE_INLINE V digamma(V x) {
  using T = Element<V>;
  // digamma(x) = digamma(x + 4) - sum of reciprocals, and from 4 on ln y - 1/(2y) - t r(t), t = 1 / y^2.
  const MaskOf<V> small = x < T(4);
  const V y = select<V>(small, x + T(4), x);
  const V inverse = T(1) / y;
  const V t = inverse * inverse;
  V r;
  if constexpr (sizeof(T) == 8) {
    r = horner(t, 0.08333333333323874, -0.00833333328226467, 0.003968244492403652, -0.004165807043509097,
               0.0075317460113267735, -0.019729033954148562, 0.05680816869914849, -0.1079782598796369);
  } else {
    r = horner(t, 0.08333318439322675, -0.00831841147745231, 0.0035344975870164924);
  }
  const V large = log_positive<false, false>(y) - mul_add(t, r, inverse * T(0.5));
  const V result = large - select<V>(small, reciprocals_of_four(x), V{});
  return select<V>(x > T(0), select<V>(x < infinity<T>, result, x), V{} + not_a_number<T>);
}

// exp(digamma(x)) = factor exp(-rest) for x > 0, with rest >= 0: for those who scale before they take the exponential.
// No logarithm: exp(digamma(y)) = h + r(1 / h^2) / h with h = y - 1/2.
template <class V>
VIVACE_INLINE V exp_digamma_factor(V x, V& rest) {
  using T = Element<V>;
  const MaskOf<V> small = x < T(4);
  const V h = select<V>(small, x + T(3.5), x - T(0.5));
  // `reciprocals_of_four` again: one division for it and for 1 / h. At the lower limit exp(-rest) is zero long since.
  const V within = min(max(V{} + T(4) * Real<T>::smallest, x), V{} + T(4));
  const V q = within * (within + T(3)), below = q * (q + T(2));
  const V shared = T(1) / (h * below);
  const V inverse = shared * below;
  const V t = inverse * inverse;
  V r;
  if constexpr (sizeof(T) == 8) {
    r = horner(t, 0.04166666666660566, -0.006423611079597977, 0.0035524772761644937, -0.003953057260686209,
               0.007339430749968703, -0.019914955415279437, 0.06511221617207238, -0.18869586002528102,
               0.3064177547971668);
  } else {
    r = horner(t, 0.04166637153998396, -0.006400794466143987, 0.0030370857341810243);
  }
  rest = select<V>(small, (within + within + T(3)) * (q + q + T(2)) * (shared * h), V{});
  return mul_add(inverse, r, h);
}

// exp(digamma(x)), x >= 0 (0 at 0, where it is below the smallest number long before); NaN for x < 0. Relative error
// below 1.5e-15 max(1, 1/x) in double, 8e-7 max(1, 1/x) in float, as if x were off by a few units in its last place.
template <class V>
VIVACE_INLINE V exp_digamma(V x) {
  using T = Element<V>;
  V rest;
  const V factor = exp_digamma_factor(x, rest);
  const V result = factor * exp(-rest);
  return select<V>(x > T(0), result, select<V>(x == T(0), V{}, V{} + not_a_number<T>));
}

// ln Gamma(x), x > 0; NaN elsewhere. Error below 1e-15 max(1, |lgamma(x)|) in double, 5e-7 in float; near 1 and 2
// the relative error is of the same size.
template <class V>
VIVACE_INLINE V lgamma(V x) {
  using T = Element<V>;
  // Below 2.5 lgamma(x) = lgamma(2 + d) - ln p, |d| <= 1/2; from there on Stirling's formula. One logarithm does both.
  const MaskOf<V> large = x >= T(2.5);
  const MaskOf<V> half = x < T(0.5), first = x < T(1.5);
  const V d = x - select<V>(half, V{}, select<V>(first, V{} + T(1), V{} + T(2)));
  const V p = select<V>(half, x * (x + T(1)), select<V>(first | large, x, V{} + T(1)));
  const V log_p = log_positive<true, false>(p);
  const V inverse = T(1) / x;
  const V t = inverse * inverse;
  V near, far;
  if constexpr (sizeof(T) == 8) {
    near = horner(d, 0.42278433509846713, -0.10031730167435306, 0.03296500062115923, -0.01238419219354105,
                  0.0049986411644512545, -0.0021081308242819124, 0.0009153769282689335, -0.0004057076436318433,
                  0.00018255258717920315, -8.309182428118052e-05, 3.8168775465052196e-05, -1.768663149784341e-05,
                  8.227115259223518e-06, -3.7411098617604752e-06, 1.7747851127852912e-06, -1.0868765980486414e-06,
                  4.977272027106971e-07);
    far = horner(t, 0.08333333333332998, -0.002777777775795477, 0.0007936504445645058, -0.0005952093991486199,
                 0.0008404140534881361, -0.0018781931939356102, 0.005623559809722961, -0.018145764344158433,
                 0.04999351053826368, -0.09356225458756158, 0.08417558182104291);
  } else {
    near = horner(d, 0.4227843296874819, -0.10031732282479422, 0.03296573257756698, -0.012383740417587837,
                  0.004983600254374149, -0.002107709180949027, 0.0010118528319960464, -0.0004347276751123729);
    far = horner(t, 0.08333332384282563, -0.0027769386471422405, 0.0007731666394751033, -0.0003964725267174117);
  }
  constexpr T half_ln_2pi_less_half = T(0.41893853320467274);
  near = mul_add(d * (d + T(1)), near, -log_p);
  far = mul_add(x - T(0.5), log_p - T(1), mul_add(inverse, far, V{} + half_ln_2pi_less_half));
  const V result = select<V>(large, far, near);
  return select<V>(x > T(0), result, V{} + not_a_number<T>);
}

}  // namespace vivace::VIVACE_ISA_NS
