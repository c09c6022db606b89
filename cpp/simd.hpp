// Vectors of the width that the instruction set has, in the compiler's vector extension (gcc, clang).
//
// Everything here is compiled once per instruction set into its own namespace and is always inlined, so that an object
// emits no weak symbol and the linker can never mix two instruction sets. A vector is the bare type (+, -, *, /, <, ?:
// and [] work on it); no class wraps it, because gcc kept such classes in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#ifndef VIVACE_ISA_NS
#define VIVACE_ISA_NS isa_portable
#endif
#ifndef VIVACE_VECTOR_BYTES
#define VIVACE_VECTOR_BYTES 16
#endif

#define VIVACE_INLINE [[maybe_unused]] static inline __attribute__((always_inline))

namespace vivace::VIVACE_ISA_NS {
namespace {

// A vector of `Bytes` bytes, and the integers of the same lanes.
template <class T, std::size_t Bytes>
struct VectorTypes;

template <std::size_t Bytes>
struct VectorTypes<double, Bytes> {
  typedef double Value __attribute__((vector_size(Bytes)));
  // Loads and stores dereference this type: memcpy made gcc 12 copy halves through the stack (6 times slower).
  typedef double Loose __attribute__((vector_size(Bytes), aligned(alignof(double)), may_alias));
  typedef std::int64_t Int __attribute__((vector_size(Bytes)));
  typedef std::uint64_t Bits __attribute__((vector_size(Bytes)));
};

template <std::size_t Bytes>
struct VectorTypes<float, Bytes> {
  typedef float Value __attribute__((vector_size(Bytes)));
  typedef float Loose __attribute__((vector_size(Bytes), aligned(alignof(float)), may_alias));
  typedef std::int32_t Int __attribute__((vector_size(Bytes)));
  typedef std::uint32_t Bits __attribute__((vector_size(Bytes)));
};

template <class T>
struct Bare {
  using type = T;
};
template <class T>
struct Bare<T&> {
  using type = T;
};
template <class T>
struct Bare<T&&> {  // what Clang makes of a lane
  using type = T;
};

}  // namespace

template <class T>
using Vec = typename VectorTypes<T, VIVACE_VECTOR_BYTES>::Value;
template <class T>
using VecInt = typename VectorTypes<T, VIVACE_VECTOR_BYTES>::Int;
template <class T>
inline constexpr std::size_t lanes = VIVACE_VECTOR_BYTES / sizeof(T);

// Of a vector type V: its element, the integers and the unsigned bits of the same lanes, and the result of a comparison
// (lanes of 0 or -1, to be used by select, &, | and ~).
template <class V>
using Element = typename Bare<decltype(V{}[0])>::type;
template <class V>
using IntOf = typename VectorTypes<Element<V>, sizeof(V)>::Int;
template <class V>
using BitsOf = typename VectorTypes<Element<V>, sizeof(V)>::Bits;
template <class V>
using MaskOf = decltype(V{} < V{});

template <class T>
VIVACE_INLINE Vec<T> loadu(const T* p) {
  return *reinterpret_cast<const typename VectorTypes<T, VIVACE_VECTOR_BYTES>::Loose*>(p);
}

template <class T>
VIVACE_INLINE void storeu(T* p, Vec<T> v) {
  *reinterpret_cast<typename VectorTypes<T, VIVACE_VECTOR_BYTES>::Loose*>(p) = v;
}

template <class T>
VIVACE_INLINE Vec<T> broadcast(T value) {
  return value - Vec<T>{};  // not 0 + value: the compiler must keep that addition, for the sake of -0
}

// The first `count` lanes from memory, `fill` in the others; and the way back. For the tail of an array.
template <class T>
VIVACE_INLINE Vec<T> load_part(const T* p, std::size_t count, T fill) {
  Vec<T> v = broadcast<T>(fill);
#if defined(__AVX512F__) && VIVACE_VECTOR_BYTES == 64
  const std::uint32_t bits = (std::uint32_t{1} << count) - 1;
  if constexpr (sizeof(T) == 8)
    return (Vec<T>)_mm512_mask_loadu_pd((__m512d)v, static_cast<__mmask8>(bits), p);
  else
    return (Vec<T>)_mm512_mask_loadu_ps((__m512)v, static_cast<__mmask16>(bits), p);
#else
  for (std::size_t i = 0; i < count; ++i) v[i] = p[i];
  return v;
#endif
}

template <class T>
VIVACE_INLINE void store_part(T* p, Vec<T> v, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) p[i] = v[i];
}

// f(0), ..., f(count - 1), written out. Loops over few vectors in registers became calls of memcpy (rep movs) in
// gcc 12.
template <std::size_t count, class F>
VIVACE_INLINE void repeat(F&& f) {
  [&]<std::size_t... i>(std::index_sequence<i...>)
      __attribute__((always_inline)) { (f(i), ...); }(std::make_index_sequence<count>());
}

template <class V>
VIVACE_INLINE V select(MaskOf<V> mask, V yes, V no) {
  return mask ? yes : no;
}

// a * b + c in one expression: one instruction, rounded once, where the processor has it (v3 and v4, not v2).
template <class V>
VIVACE_INLINE V mul_add(V a, V b, V c) {
  return a * b + c;
}

// The larger and the smaller; `b` where either is NaN.
template <class V>
VIVACE_INLINE V max(V a, V b) {
  return a > b ? a : b;
}

template <class V>
VIVACE_INLINE V min(V a, V b) {
  return a < b ? a : b;
}

// Horizontal sum and maximum: halves are folded, in an order fixed by the number of lanes.
template <class V>
VIVACE_INLINE Element<V> horizontal_sum(V v) {
  constexpr std::size_t n = sizeof(V) / sizeof(Element<V>);
  if constexpr (n == 2) {
    return v[0] + v[1];
  } else if constexpr (n == 4) {
    return horizontal_sum(__builtin_shufflevector(v, v, 0, 1) + __builtin_shufflevector(v, v, 2, 3));
  } else if constexpr (n == 8) {
    return horizontal_sum(__builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7));
  } else {
    static_assert(n == 16);
    return horizontal_sum(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                          __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15));
  }
}

// Adds neighbouring groups of `step` lanes of two vectors: those of a go to the even groups of the result, those of b
// to the odd ones.
template <std::size_t step, class V, std::size_t... lane>
VIVACE_INLINE V fold_pair(V a, V b, std::index_sequence<lane...>) {
  constexpr std::size_t n = sizeof...(lane);
  const V even = __builtin_shufflevector(a, b, (lane / step % 2 ? n + lane - step : lane)...);
  const V odd = __builtin_shufflevector(a, b, (lane / step % 2 ? n + lane : lane + step)...);
  return even + odd;
}

template <std::size_t step, class V, std::size_t... lane>
VIVACE_INLINE V rotate(V v, std::index_sequence<lane...>) {
  return __builtin_shufflevector(v, v, ((lane + step) % sizeof...(lane))...);
}

// The sums of `count` vectors (a power of two, no more than there are lanes): lane i has that of v[i % count]. Each is
// added up in the same order, whatever its place.
template <std::size_t count, std::size_t step = 1, class V>
VIVACE_INLINE V horizontal_sums(V* v) {
  constexpr std::size_t n = sizeof(V) / sizeof(Element<V>);
  constexpr auto all = std::make_index_sequence<n>();
  if constexpr (count > 1) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < count / 2; ++i) v[i] = fold_pair<step>(v[2 * i], v[2 * i + 1], all);
    return horizontal_sums<count / 2, 2 * step>(v);
  } else if constexpr (step < n) {
    v[0] += rotate<step>(v[0], all);
    return horizontal_sums<1, 2 * step>(v);
  } else {
    return v[0];
  }
}

template <class V>
VIVACE_INLINE Element<V> horizontal_max(V v) {
  constexpr std::size_t n = sizeof(V) / sizeof(Element<V>);
  if constexpr (n == 2) {
    return v[0] > v[1] ? v[0] : v[1];
  } else if constexpr (n == 4) {
    return horizontal_max(max(__builtin_shufflevector(v, v, 0, 1), __builtin_shufflevector(v, v, 2, 3)));
  } else if constexpr (n == 8) {
    return horizontal_max(max(__builtin_shufflevector(v, v, 0, 1, 2, 3), __builtin_shufflevector(v, v, 4, 5, 6, 7)));
  } else {
    static_assert(n == 16);
    return horizontal_max(max(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7),
                              __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15)));
  }
}

// One bit a lane (lane 0 lowest), set where the lane is > 0; not for NaN.
VIVACE_INLINE std::uint32_t bits_gt_zero(Vec<double> v) {
#if defined(__AVX512F__) && VIVACE_VECTOR_BYTES == 64
  return _mm512_cmp_pd_mask(v, _mm512_setzero_pd(), _CMP_GT_OQ);
#elif defined(__AVX__) && VIVACE_VECTOR_BYTES == 32
  return static_cast<std::uint32_t>(_mm256_movemask_pd(_mm256_cmp_pd(v, _mm256_setzero_pd(), _CMP_GT_OQ)));
#elif defined(__SSE2__) && VIVACE_VECTOR_BYTES == 16
  return static_cast<std::uint32_t>(_mm_movemask_pd(_mm_cmpgt_pd(v, _mm_setzero_pd())));
#else
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < lanes<double>; ++i) bits |= static_cast<std::uint32_t>(v[i] > 0) << i;
  return bits;
#endif
}

VIVACE_INLINE std::uint32_t bits_gt_zero(Vec<float> v) {
#if defined(__AVX512F__) && VIVACE_VECTOR_BYTES == 64
  return _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_GT_OQ);
#elif defined(__AVX__) && VIVACE_VECTOR_BYTES == 32
  return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_GT_OQ)));
#elif defined(__SSE2__) && VIVACE_VECTOR_BYTES == 16
  return static_cast<std::uint32_t>(_mm_movemask_ps(_mm_cmpgt_ps(v, _mm_setzero_ps())));
#else
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < lanes<float>; ++i) bits |= static_cast<std::uint32_t>(v[i] > 0) << i;
  return bits;
#endif
}

// Writes the lanes whose bit is set one after the other; a whole vector is written, its rest undefined.
template <class T>
VIVACE_INLINE void store_chosen(T* p, Vec<T> v, std::uint32_t bits) {
#if defined(__AVX512F__) && VIVACE_VECTOR_BYTES == 64
  if constexpr (sizeof(T) == 8)
    storeu(p, (Vec<T>)_mm512_maskz_compress_pd(static_cast<__mmask8>(bits), (__m512d)v));
  else
    storeu(p, (Vec<T>)_mm512_maskz_compress_ps(static_cast<__mmask16>(bits), (__m512)v));
#else
  for (; bits; bits &= bits - 1) *p++ = v[__builtin_ctz(bits)];
#endif
}

// The way back: lanes whose bit is set from memory, one number after the other, the others from `rest`. A whole vector
// may be read.
template <class T>
VIVACE_INLINE Vec<T> load_chosen(const T* p, Vec<T> rest, std::uint32_t bits) {
#if defined(__AVX512F__) && VIVACE_VECTOR_BYTES == 64
  Vec<T> all = loadu(p);
  asm("" : "+v"(all));  // not the form that expands from memory
  if constexpr (sizeof(T) == 8)
    return (Vec<T>)_mm512_mask_expand_pd((__m512d)rest, static_cast<__mmask8>(bits), (__m512d)all);
  else
    return (Vec<T>)_mm512_mask_expand_ps((__m512)rest, static_cast<__mmask16>(bits), (__m512)all);
#else
  for (; bits; bits &= bits - 1) rest[__builtin_ctz(bits)] = *p++;
  return rest;
#endif
}

}  // namespace vivace::VIVACE_ISA_NS
