// How the responsibilities of an entry are kept between visits.
#pragma once

#include "../simd.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

/// The first `count` items in memory, zeros behind them.
template <class V, class Item>
VIVACE_INLINE V first_of(const Item* p, std::size_t count) {
  V v{};
  for (std::size_t i = 0; i < count; ++i) v[i] = p[i];
  return v;
}

template <class V, class Item>
VIVACE_INLINE void save_first(Item* p, V v, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) p[i] = v[i];
}

/// Shares from 0 to 1, a vector at a time, in a narrower type.
template <class T>
struct Store;

template <>
struct Store<double> {
  using Item = float;
  typedef float Narrow __attribute__((vector_size(VIVACE_VECTOR_BYTES / 2), aligned(alignof(float)), may_alias));
  typedef float Value __attribute__((vector_size(VIVACE_VECTOR_BYTES / 2)));
  static constexpr double one = 1;  // what a share of one is stored as

  VIVACE_MEMBER static Vec<double> load(const Item* p) {
    return __builtin_convertvector(*reinterpret_cast<const Narrow*>(p), Vec<double>);
  }
  VIVACE_MEMBER static void save(Item* p, Vec<double> v) {
    *reinterpret_cast<Narrow*>(p) = __builtin_convertvector(v, Value);
  }
  VIVACE_MEMBER static void copy(Item* to, const Item* from) {
    *reinterpret_cast<Narrow*>(to) = *reinterpret_cast<const Narrow*>(from);
  }
  VIVACE_MEMBER static void copy(Item* to, const Item* from, std::size_t count) {
    save_first(to, first_of<Value>(from, count), count);
  }
  /// The first `count` shares, zeros behind them; and the way back.
  VIVACE_MEMBER static Vec<double> load(const Item* p, std::size_t count) {
    return __builtin_convertvector(first_of<Value>(p, count), Vec<double>);
  }
  VIVACE_MEMBER static void save(Item* p, Vec<double> v, std::size_t count) {
    save_first(p, __builtin_convertvector(v, Value), count);
  }
  /// The same for one share.
  VIVACE_MEMBER static double widen_one(Item item) { return static_cast<double>(item); }
  VIVACE_MEMBER static double narrow_one(double v, Item* p) { return widen_one(*p = static_cast<float>(v)); }
};

/// Half precision, times 2^15: from 2^-29 on with eleven bits. What is smaller is zero where it takes arithmetic to
/// convert, and subnormal where an instruction does.
template <>
struct Store<float> {
  using Item = std::uint16_t;
  static constexpr float one = 0x1p15f;
  static constexpr float smallest = 0x1p-14f;
  typedef std::uint16_t Narrow __attribute__((vector_size(VIVACE_VECTOR_BYTES / 2), aligned(2), may_alias));
  typedef std::uint16_t Halves __attribute__((vector_size(VIVACE_VECTOR_BYTES / 2)));

  // There are no signs, and neither zero nor subnormal halves need care: 2^112 is between the two exponents.
  VIVACE_MEMBER static float widen_one(Item item) {
    return __builtin_bit_cast(float, static_cast<std::uint32_t>(item) << 13) * 0x1p112f;
  }
  VIVACE_MEMBER static float narrow_one(float v, Item* p) {
    const auto bits = __builtin_bit_cast(std::uint32_t, (v < smallest ? 0.0f : v) * 0x1p-112f);
    return widen_one(*p = static_cast<Item>((bits + 0x0fff + ((bits >> 13) & 1)) >> 13));
  }

#if defined(__AVX512F__) && VIVACE_VECTOR_BYTES == 64
  VIVACE_MEMBER static Vec<float> load(const Item* p) {
    return (Vec<float>)_mm512_maskz_cvtph_ps(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  VIVACE_MEMBER static void save(Item* p, Vec<float> v) {
    const __m256i half = _mm512_maskz_cvtps_ph(0xffff, (__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), half);
  }
  VIVACE_MEMBER static __mmask16 first(std::size_t count) { return static_cast<__mmask16>((1u << count) - 1u); }
  VIVACE_MEMBER static void copy(Item* to, const Item* from, std::size_t count) {
    _mm256_mask_storeu_epi16(to, first(count), _mm256_maskz_loadu_epi16(first(count), from));
  }
  VIVACE_MEMBER static Vec<float> load(const Item* p, std::size_t count) {
    return (Vec<float>)_mm512_maskz_cvtph_ps(0xffff, _mm256_maskz_loadu_epi16(first(count), p));
  }
  VIVACE_MEMBER static void save(Item* p, Vec<float> v, std::size_t count) {
    const __m256i half = _mm512_maskz_cvtps_ph(0xffff, (__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm256_mask_storeu_epi16(p, first(count), half);
  }
#elif defined(__F16C__) && VIVACE_VECTOR_BYTES == 32
  VIVACE_MEMBER static Vec<float> load(const Item* p) {
    return (Vec<float>)_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  VIVACE_MEMBER static void save(Item* p, Vec<float> v) {
    const __m128i half = _mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), half);
  }
  VIVACE_MEMBER static Vec<float> load(const Item* p, std::size_t count) {
    return (Vec<float>)_mm256_cvtph_ps((__m128i)first_of<Halves>(p, count));
  }
  VIVACE_MEMBER static void save(Item* p, Vec<float> v, std::size_t count) {
    const __m128i half = _mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    save_first(p, (Halves)half, count);
  }
  VIVACE_MEMBER static void copy(Item* to, const Item* from, std::size_t count) {
    save_first(to, first_of<Halves>(from, count), count);
  }
#else
  typedef std::uint32_t Bits __attribute__((vector_size(VIVACE_VECTOR_BYTES)));

  VIVACE_MEMBER static Vec<float> widen(Halves half) {
    return (Vec<float>)(__builtin_convertvector(half, Bits) << 13) * 0x1p112f;
  }
  VIVACE_MEMBER static Vec<float> load(const Item* p) { return widen(*reinterpret_cast<const Narrow*>(p)); }
  VIVACE_MEMBER static Halves narrow(Vec<float> v) {
    const Vec<float> kept = select<Vec<float>>(v < smallest, Vec<float>{}, v);
    const Bits bits = (Bits)(kept * 0x1p-112f);
    return __builtin_convertvector((bits + 0x0fff + ((bits >> 13) & 1)) >> 13, Halves);
  }
  VIVACE_MEMBER static void save(Item* p, Vec<float> v) { *reinterpret_cast<Narrow*>(p) = narrow(v); }
  VIVACE_MEMBER static Vec<float> load(const Item* p, std::size_t count) { return widen(first_of<Halves>(p, count)); }
  VIVACE_MEMBER static void save(Item* p, Vec<float> v, std::size_t count) { save_first(p, narrow(v), count); }
  VIVACE_MEMBER static void copy(Item* to, const Item* from, std::size_t count) {
    save_first(to, first_of<Halves>(from, count), count);
  }
#endif

  VIVACE_MEMBER static void copy(Item* to, const Item* from) {
    *reinterpret_cast<Narrow*>(to) = *reinterpret_cast<const Narrow*>(from);
  }
};

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
