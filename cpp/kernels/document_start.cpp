// Latent Dirichlet allocation: where documents start that were not seen before.
#include "layout.hpp"
#include "topics.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

constexpr std::uint64_t golden = 0x9E3779B97F4A7C15;

/// Mixes the bits of a number: the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
VIVACE_INLINE std::uint64_t scramble(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

template <class T>
static inline void document_start(const DocumentStart<T>& a) {
  for (std::size_t d = 0; d < a.gamma.rows; ++d) {
    std::uint64_t document = 0;
    for (std::int64_t e = a.start[d]; e < a.start[d + 1]; ++e) {
      // float, so that the same counts in either precision start at the same place.
      const std::uint32_t count = __builtin_bit_cast(std::uint32_t, static_cast<float>(a.counts[e]));
      document += scramble(scramble(static_cast<std::uint64_t>(a.words[e]) + a.seed) + count);
    }
    T* out = a.gamma.row(d);
    for (std::size_t k = 0; k < a.gamma.cols; ++k) {
      const auto bits = static_cast<std::int64_t>(scramble(document + (k + 1) * golden) >> 11);
      out[k] = static_cast<T>(a.centre + a.width * (static_cast<double>(bits) * 0x1p-52 - 1.0));
    }
  }
}

}  // namespace

void document_start_d(const DocumentStart<double>& a) { document_start(a); }
void document_start_f(const DocumentStart<float>& a) { document_start(a); }

}  // namespace vivace::VIVACE_ISA_NS
