// The array functions of every instruction set: against the C library, at special values, at every length up to a few
// vectors, misaligned and in place; and the vector helpers at the portable width. Arrays live in heap blocks of their
// exact size, so that a sanitizer build sees every step outside. tests/test_special.py judges the errors more closely.
#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>

#include "dispatch.hpp"
#include "driver.hpp"
#include "math.hpp"

namespace {

using namespace vivace;

void expect(bool condition, const char* isa, const char* what, double x, double got) {
  if (condition) return;
  if (++failures <= 20) std::printf("FAILED: %s, %s(%.17g): got %.17g\n", isa, what, x, got);
}

template <class T>
struct Function {
  const char* name;
  ArrayFunction<T> fast;
  double (*slow)(double);
  double low, high;  // where it is compared with `slow`
};

double digamma_series(double x) {
  double shift = 0;
  for (; x < 20; x += 1) shift -= 1 / x;
  const double t = 1 / (x * x);
  return shift + std::log(x) - 0.5 / x - t * (1.0 / 12 - t * (1.0 / 120 - t * (1.0 / 252 - t / 240)));
}

template <class T>
std::vector<Function<T>> functions(const SpecialFunctions<T>& f) {
  return {
      {"exp", f.exp, std::exp, -80, 80},
      {"log", f.log, std::log, 1e-30, 1e30},
      {"digamma", f.digamma, digamma_series, 0.05, 50},
      {"exp_digamma", f.exp_digamma, [](double x) { return std::exp(digamma_series(x)); }, 0.05, 50},
      {"lgamma", f.lgamma, std::lgamma, 0.05, 50},
      {"exp_nonpositive", f.exp_nonpositive, std::exp, -80, 0},
      {"log1p", f.log1p, std::log1p, -0.99, 50},
  };
}

// Every length and every offset from an aligned address; in place as well.
template <class T>
void lengths(const char* isa, const Function<T>& f) {
  const double tolerance = sizeof(T) == sizeof(double) ? 1e-13 : 2e-5;
  const std::size_t longest = 3 * 64 / sizeof(T) + 1;
  for (std::size_t n = 0; n <= longest; ++n)
    for (std::size_t offset = 0; offset < 3; ++offset) {
      std::vector<T> x(offset + n), out(offset + n, T(7));
      for (std::size_t i = 0; i < n; ++i) {
        const double share = (static_cast<double>(i) + 0.5) / static_cast<double>(longest);
        x[offset + i] = static_cast<T>(f.low + (f.high - f.low) * share * share);
      }
      f.fast(x.data() + offset, out.data() + offset, n);
      std::vector<T> both = x;
      f.fast(both.data() + offset, both.data() + offset, n);
      for (std::size_t i = 0; i < offset; ++i) expect(out[i] == T(7), isa, "before the array", 0, out[i]);
      for (std::size_t i = offset; i < offset + n; ++i) {
        const double expected = f.slow(static_cast<double>(x[i]));
        expect(std::abs(out[i] - expected) <= tolerance * std::fmax(1, std::abs(expected)), isa, f.name, x[i], out[i]);
        expect(out[i] == both[i], isa, f.name, x[i], both[i]);
      }
    }
}

template <class T>
void special_values(const char* isa, const SpecialFunctions<T>& f) {
  constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  constexpr T least = std::numeric_limits<T>::denorm_min(), most = std::numeric_limits<T>::max();
  const struct {
    const char* name;
    ArrayFunction<T> fast;
    T x, y;
  } cases[] = {
      {"exp", f.exp, -inf, 0},
      {"exp", f.exp, inf, inf},
      {"exp", f.exp, -most, 0},
      {"exp", f.exp, most, inf},
      {"exp", f.exp, 0, 1},
      {"exp_nonpositive", f.exp_nonpositive, -inf, 0},
      {"exp_nonpositive", f.exp_nonpositive, -most, 0},
      {"exp_nonpositive", f.exp_nonpositive, 0, 1},
      {"log", f.log, 0, -inf},
      {"log", f.log, -T(0), -inf},
      {"log", f.log, inf, inf},
      {"log", f.log, -1, nan},
      {"log", f.log, -inf, nan},
      {"log", f.log, 1, 0},
      {"log", f.log, least, static_cast<T>(std::log(static_cast<double>(least)))},
      {"log1p", f.log1p, -1, -inf},
      {"log1p", f.log1p, inf, inf},
      {"log1p", f.log1p, -2, nan},
      {"log1p", f.log1p, 0, 0},
      {"log1p", f.log1p, least, least},
      {"digamma", f.digamma, 0, nan},
      {"digamma", f.digamma, -T(0.5), nan},
      {"digamma", f.digamma, inf, inf},
      {"digamma", f.digamma, least, -inf},
      {"exp_digamma", f.exp_digamma, 0, 0},
      {"exp_digamma", f.exp_digamma, -T(0), 0},
      {"exp_digamma", f.exp_digamma, -1, nan},
      {"exp_digamma", f.exp_digamma, inf, inf},
      {"exp_digamma", f.exp_digamma, least, 0},
      {"lgamma", f.lgamma, 0, nan},
      {"lgamma", f.lgamma, -T(0.5), nan},
      {"lgamma", f.lgamma, inf, inf},
      {"lgamma", f.lgamma, most, inf},
      {"lgamma", f.lgamma, 1, 0},
      {"lgamma", f.lgamma, 2, 0},
  };
  for (const auto& c : cases) {
    T y = 0;
    c.fast(&c.x, &y, 1);
    expect(y == c.y || (std::isnan(y) && std::isnan(c.y)), isa, c.name, c.x, y);
  }
  for (const Function<T>& g : functions(f)) {
    T y = 0;
    g.fast(&nan, &y, 1);
    expect(std::isnan(y), isa, g.name, nan, y);
  }
}

template <class T>
void vector_helpers() {
  using namespace VIVACE_ISA_NS;
  constexpr std::size_t n = lanes<T>;
  std::vector<T> x(n);
  for (std::size_t hot = 0; hot < n; ++hot) {
    for (std::size_t i = 0; i < n; ++i) x[i] = i == hot ? T(2) : -T(1);
    const Vec<T> v = loadu(x.data());
    expect(horizontal_sum(v) == T(3) - T(n), "portable", "horizontal_sum", hot, horizontal_sum(v));
    expect(horizontal_max(v) == T(2), "portable", "horizontal_max", hot, horizontal_max(v));
    expect(bits_gt_zero(v) == 1u << hot, "portable", "bits_gt_zero", hot, bits_gt_zero(v));
    const Vec<T> positive = select(v > T(0), v, broadcast<T>(T(0)));
    expect(horizontal_sum(positive) == T(2), "portable", "select", hot, horizontal_sum(positive));
    expect(max(v, broadcast<T>(T(1)))[hot] == T(2), "portable", "max", hot, 0);
    expect(min(v, broadcast<T>(T(1)))[hot] == T(1), "portable", "min", hot, 0);
  }
  Vec<T> rows[n];
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) rows[i][j] = T(i + 100 * (j == i));
  Vec<T> few[2] = {rows[0], rows[1]};
  const Vec<T> sums = horizontal_sums<n>(rows), pair = horizontal_sums<2>(few);
  for (std::size_t i = 0; i < n; ++i) {
    expect(sums[i] == T(n * i + 100), "portable", "horizontal_sums", i, sums[i]);
    expect(pair[i] == T(n * (i % 2) + 100), "portable", "horizontal_sums of two", i, pair[i]);
  }
  expect(bits_gt_zero(broadcast(std::numeric_limits<T>::quiet_NaN())) == 0, "portable", "bits_gt_zero", NAN, 0);
  for (std::size_t count = 0; count <= n; ++count) {
    const std::vector<T> part(count, T(4));
    std::vector<T> out(count);
    const Vec<T> v = load_part(part.data(), count, T(1));
    expect(horizontal_sum(v) == T(n + 3 * count), "portable", "load_part", count, horizontal_sum(v));
    store_part(out.data(), v, count);
    expect(out == part, "portable", "store_part", count, 0);
  }
}

}  // namespace

int main() {
  for (const std::string& name : available_isas()) {
    const Kernels& kernels = kernels_for(name);
    for (const auto& f : functions(kernels.special)) lengths(kernels.isa, f);
    for (const auto& f : functions(kernels.special_single)) lengths(kernels.isa, f);
    special_values(kernels.isa, kernels.special);
    special_values(kernels.isa, kernels.special_single);
  }
  vector_helpers<double>();
  vector_helpers<float>();
  if (failures) std::printf("%d failures\n", failures);
  return outcome();
}
