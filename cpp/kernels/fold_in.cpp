// Collapsed inference of documents at fixed topics.
#include "layout.hpp"
#include "topics.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

// Shares below this are zero: no subnormal number is made.
template <class T>
constexpr T least_share = T(1e-30);

template <class T>
class Folding {
  static constexpr std::size_t lane = lanes<T>;

 public:
  explicit Folding(const FoldIn<T>& args) : a(args), stride(args.table.cols) {
    Arena arena{args.scratch};
    held = arena.take<T>(stride);
    before = arena.take<T>(stride);
    for (std::size_t d = 0; d < a.documents; ++d) document(d);
  }

 private:
  const FoldIn<T>& a;
  std::size_t stride;
  T *held, *before;

  T* shares(std::size_t e) const { return a.shares + e * stride; }

  void document(std::size_t d) const {
    const auto first = static_cast<std::size_t>(a.start[d]), n = static_cast<std::size_t>(a.start[d + 1]) - first;
    const std::size_t topics = a.gamma.cols;
    for (std::size_t e = 0; e < n; ++e)
      for (std::size_t k = 0; k < stride; ++k) shares(e)[k] = k < topics ? T(1) / static_cast<T>(topics) : T(0);
    const T* counts = a.counts + first;
    collect(counts, n);
    for (std::size_t sweep = 0; sweep < a.max_sweeps && n > 0; ++sweep) {
      for (std::size_t k = 0; k < stride; k += lane) storeu(before + k, loadu(held + k));
      for (std::size_t e = 0; e < n; ++e)
        visit(shares(e), a.table.row(static_cast<std::size_t>(a.words[first + e])), counts[e]);
      collect(counts, n);  // afresh, so that rounding does not pile up
      Vec<T> moved{};
      for (std::size_t k = 0; k < stride; k += lane) {
        const Vec<T> difference = loadu(held + k) - loadu(before + k);
        moved += max(difference, -difference);
      }
      if (static_cast<double>(horizontal_sum(moved)) < a.tolerance * static_cast<double>(topics)) break;
    }
    for (std::size_t k = 0; k < topics; ++k) a.gamma.row(d)[k] = a.alpha[k] + held[k];
  }

  /// held = the document's expected counts.
  void collect(const T* counts, std::size_t n) const {
    for (std::size_t k = 0; k < stride; k += lane) {
      Vec<T> total{};
      for (std::size_t e = 0; e < n; ++e) total = mul_add(loadu(shares(e) + k), broadcast<T>(counts[e]), total);
      storeu(held + k, total);
    }
  }

  /// A word's new shares, from the counts of all others and of its own tokens but one.
  void visit(T* mine, const T* row, T count) const {
    const T own = count < T(1) ? count : T(1);
    Vec<T> sum{};
    for (std::size_t k = 0; k < stride; k += lane) {
      const Vec<T> share = loadu(mine + k), all = loadu(held + k);
      const Vec<T> others = max(all - share * own, Vec<T>{}) + loadu(a.alpha + k);
      const Vec<T> value = loadu(row + k) * others;
      storeu(held + k, all - share * count);
      storeu(mine + k, value);
      sum += value;
    }
    const Vec<T> inverse = broadcast<T>(T(1) / horizontal_sum(sum));
    for (std::size_t k = 0; k < stride; k += lane) {
      const Vec<T> value = loadu(mine + k) * inverse;
      const Vec<T> share = select<Vec<T>>(value < least_share<T>, Vec<T>{}, value);
      storeu(mine + k, share);
      storeu(held + k, mul_add(share, broadcast<T>(count), loadu(held + k)));
    }
  }
};

}  // namespace

void fold_in_d(const FoldIn<double>& a) { Folding<double> all(a); }
void fold_in_f(const FoldIn<float>& a) { Folding<float> all(a); }

std::size_t fold_in_scratch(std::size_t topics) {
  return 2 * round_up(round_up(topics, lanes<float>) * sizeof(double), 64) + 64;
}

}  // namespace vivace::VIVACE_ISA_NS
