// Shapes inside a kernel call: how many rows a tile has, how features are cut into panels, and the arena for scratch.
//
// A chunk is the rows that one column of buffers holds (256 bytes of each feature). Within a chunk everything is
// stored component-major or feature-major with the rows contiguous, so that all arithmetic is vertical: no reduction
// over lanes is needed for a softmax, and K and D need no padding.
#pragma once

#include "../kernels.hpp"
#include "../simd.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

template <class C>
constexpr std::size_t chunk_rows = 256 / sizeof(C);  // 32 doubles, 64 floats

// Accumulators of the product's micro-kernel, block_k components x block_v vectors of rows. Chosen for the register
// file: 6 x 4 of 32 registers (512 bit), 6 x 2 of 16 with fused multiply-add, 4 x 2 of 16 without.
#if VIVACE_VECTOR_BYTES == 64
constexpr std::size_t block_k = 6, block_v = 4;
#elif defined(__FMA__) || defined(__aarch64__)
constexpr std::size_t block_k = 6, block_v = 2;
#else
constexpr std::size_t block_k = 4, block_v = 2;
#endif

// 96 features x 256 bytes: a panel stays in the first-level cache while every component passes over it.
constexpr std::size_t panel_features = 96;

// Up to this many features a tile keeps them all, and the statistics can use them as they are (dense product).
// Beyond it features are made panel by panel and statistics come from the rows themselves.
constexpr std::size_t kept_features = 176;

// Bytes that the largest buffer of a tile may take: a quarter of a 1 MB second-level cache.
constexpr std::size_t tile_bytes = 256 * 1024;
constexpr std::size_t tile_max_rows = 1024;

[[maybe_unused]] static inline std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

/// Hands out 64-byte aligned pieces of scratch memory; with a null base it only adds up sizes.
struct Arena {
  std::byte* base;
  std::size_t used = 0;
  template <class T>
  VIVACE_MEMBER T* take(std::size_t n) {
    T* p = base ? reinterpret_cast<T*>(base + used) : nullptr;
    used += round_up(n * sizeof(T), 64);
    return p;
  }
};

/// Rows a tile holds so that features (when kept), rows and responsibilities each fit `tile_bytes`.
template <class C>
[[maybe_unused]] static inline std::size_t tile_rows(std::size_t d_padded, std::size_t k, std::size_t features) {
  std::size_t widest = d_padded > k ? d_padded : k;
  if (features <= kept_features && features > widest) widest = features;
  std::size_t rows = tile_bytes / (widest * sizeof(C));
  if (rows > tile_max_rows) rows = tile_max_rows;
  const std::size_t least = 4 * chunk_rows<C>;
  if (rows < least) rows = least;
  return rows / chunk_rows<C> * chunk_rows<C>;
}

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
