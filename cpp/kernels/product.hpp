// scores = eta . features for one chunk: the first of the two products that a local step consists of.
#pragma once

#include "features.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

/// Components are cut into groups of nearly equal size, at most block_k.
struct Groups {
  std::size_t count, k;
  VIVACE_MEMBER explicit Groups(std::size_t components) : count((components + block_k - 1) / block_k), k(components) {}
  VIVACE_MEMBER std::size_t begin(std::size_t g) const { return g * k / count; }
  VIVACE_MEMBER std::size_t size(std::size_t g) const { return begin(g + 1) - begin(g); }
};

/// eta (K x F) -> constants (K) and panels: for each panel, for each group, feature by feature the group's entries.
template <class C>
[[maybe_unused]] static inline void pack_eta(const View<const double>& eta, C* constants, C* packed) {
  const std::size_t features = eta.cols - 1;
  const Groups groups(eta.rows);
  for (std::size_t k = 0; k < eta.rows; ++k) constants[k] = static_cast<C>(eta(k, 0));
  for (std::size_t f0 = 0; f0 < features; f0 += panel_features) {
    const std::size_t width = features - f0 < panel_features ? features - f0 : panel_features;
    for (std::size_t g = 0; g < groups.count; ++g) {
      const std::size_t k0 = groups.begin(g), size = groups.size(g);
      for (std::size_t f = 0; f < width; ++f)
        for (std::size_t k = 0; k < size; ++k) *packed++ = static_cast<C>(eta(k0 + k, 1 + f0 + f));
    }
  }
}

template <class C, std::size_t size>
[[maybe_unused]] static inline void product_block(const C* features, std::size_t width, const C* eta, C* scores) {
  constexpr std::size_t ch = chunk_rows<C>, n = lanes<C>;
  for (std::size_t r = 0; r < ch; r += block_v * n) {
    Vec<C> sum[size][block_v];
#pragma GCC unroll 8
    for (std::size_t k = 0; k < size; ++k)
#pragma GCC unroll 8
      for (std::size_t v = 0; v < block_v; ++v) sum[k][v] = loadu(scores + k * ch + r + v * n);
    const C* e = eta;
    const C* f = features + r;
    for (std::size_t i = 0; i < width; ++i, e += size, f += ch) {
      Vec<C> x[block_v];
#pragma GCC unroll 8
      for (std::size_t v = 0; v < block_v; ++v) x[v] = loadu(f + v * n);
#pragma GCC unroll 8
      for (std::size_t k = 0; k < size; ++k) {
        const Vec<C> b = broadcast<C>(e[k]);
#pragma GCC unroll 8
        for (std::size_t v = 0; v < block_v; ++v) sum[k][v] += b * x[v];
      }
    }
#pragma GCC unroll 8
    for (std::size_t k = 0; k < size; ++k)
#pragma GCC unroll 8
      for (std::size_t v = 0; v < block_v; ++v) storeu(scores + k * ch + r + v * n, sum[k][v]);
  }
}

template <class C>
[[maybe_unused]] static inline void product_group(std::size_t size, const C* features, std::size_t width, const C* eta,
                                                  C* scores) {
  switch (size) {
    case 1: return product_block<C, 1>(features, width, eta, scores);
    case 2: return product_block<C, 2>(features, width, eta, scores);
    case 3: return product_block<C, 3>(features, width, eta, scores);
    case 4: return product_block<C, 4>(features, width, eta, scores);
    case 5: return product_block<C, 5>(features, width, eta, scores);
    default: return product_block<C, block_k>(features, width, eta, scores);
  }
}

/// scores (K x chunk_rows) of the rows in the columns z. `kept`: all features, made beforehand for the tile, or null;
/// `panel`: room for panel_features, used where nothing is kept.
template <class C>
[[maybe_unused]] static inline void score_chunk(Kind kind, const C* z, std::size_t d, std::size_t q,
                                                std::size_t features, std::size_t components, const C* constants,
                                                const C* packed, C* kept, C* panel, C* scores) {
  constexpr std::size_t ch = chunk_rows<C>;
  const Groups groups(components);
  for (std::size_t k = 0; k < components; ++k) {
    const Vec<C> c = broadcast<C>(constants[k]);
    for (std::size_t r = 0; r < ch; r += lanes<C>) storeu(scores + k * ch + r, c);
  }
  FeatureCursor cursor;
  for (std::size_t f0 = 0; f0 < features; f0 += panel_features) {
    const std::size_t width = features - f0 < panel_features ? features - f0 : panel_features;
    C* made = kept ? kept + f0 * ch : panel;
    make_features(kind, z, d, q, cursor, width, made);
    for (std::size_t g = 0; g < groups.count; ++g) {
      const std::size_t size = groups.size(g);
      product_group(size, made, width, packed, scores + groups.begin(g) * ch);
      packed += width * size;
    }
  }
}

}  // namespace
}  // namespace vivace::VIVACE_ISA_NS
