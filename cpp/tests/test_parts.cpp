// Runs what mixtures over tables ask of the kernels (entries of compressed rows; quadratic features of some columns,
// added scores, weighted responsibilities, columns of levels, gaps) against loops that say what is meant. Arrays are
// heap blocks of their exact size.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "dispatch.hpp"
#include "driver.hpp"

namespace {

using namespace vivace;
using Rows = std::vector<double>;

void expect_close(const Rows& got, const Rows& want, double tolerance, const std::string& what) {
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(got[i] - want[i]) / (1 + std::abs(want[i]));
    worst = error <= worst ? worst : error;  // NaN counts
  }
  if (!(worst <= tolerance)) {
    std::printf("FAILED: %s: off by %g\n", what.c_str(), worst);
    ++failures;
  }
}

Rows normals(std::size_t n, double scale = 1) {
  Rows values(n);
  for (double& v : values) v = scale * std::normal_distribution<double>()(generator);
  return values;
}

void gather(const Kernels& kernels, std::size_t n, std::size_t levels, std::size_t width, bool valued) {
  std::vector<std::int64_t> start = {0};
  for (std::size_t i = 0; i < n; ++i) start.push_back(start.back() + static_cast<std::int64_t>(generator() % 4));
  const std::size_t entries = static_cast<std::size_t>(start.back());
  std::vector<std::int32_t> index(entries);
  for (auto& v : index) v = static_cast<std::int32_t>(generator() % levels);
  const Rows values = normals(entries), table = normals(levels * width), resp = normals(n * width);
  const Entries e{start.data(), index.data(), valued ? values.data() : nullptr, n};

  Rows scores(n * width, 0.5), want_scores = scores, sums(levels * width, 0.25), want_sums = sums;
  for (std::size_t i = 0; i < n; ++i)
    for (auto j = static_cast<std::size_t>(start[i]); j < static_cast<std::size_t>(start[i + 1]); ++j)
      for (std::size_t k = 0; k < width; ++k) {
        const double v = valued ? values[j] : 1.0;
        const auto row = static_cast<std::size_t>(index[j]);
        want_scores[i * width + k] += v * table[row * width + k];
        want_sums[row * width + k] += v * resp[i * width + k];
      }
  kernels.gather_scores({e, {table.data(), levels, width}, {scores.data(), n, width}});
  kernels.gather_sums({e, {resp.data(), n, width}, {sums.data(), levels, width}});
  const std::string what = std::string(kernels.isa) + " gather n=" + std::to_string(n) + " K=" + std::to_string(width);
  expect_close(scores, want_scores, 1e-12, what + " scores");
  expect_close(sums, want_sums, 1e-12, what + " sums");
}

void mixed(const Kernels& kernels, std::size_t n, std::size_t d, std::size_t q, std::size_t k, std::size_t width) {
  const Rows zeros(d, 0.0), ones(d, 1.0), added = normals(n * width);
  Rows x = normals(n * d);
  const std::size_t f = feature_count(Kind::full, d, q);
  const Rows eta = normals(k * f, 0.3 / std::sqrt(static_cast<double>(f)));
  Rows weights(n), suff(k * f, NAN), entropy(k, NAN), weighted(n * width, NAN);
  for (double& w : weights) w = std::abs(normals(1)[0]);
  MixtureStep<double> a;
  a.x = {x.data(), n, d};
  a.weights = weights.data();
  a.centre = zeros.data();
  a.inv_scale = ones.data();
  a.eta = {eta.data(), k, f};
  a.score = a.stat = Kind::full;
  a.mode = Mode::soft;
  a.components = k;
  a.quadratic = q;
  a.suff = {suff.data(), k, f};
  a.entropy = entropy.data();
  a.added = {added.data(), n, width};
  a.weighted = {weighted.data(), n, width};
  // columns of 1, 2, ... levels; codes from -1 to one beyond the last
  const std::size_t columns = 1 + generator() % 5;
  std::vector<std::int32_t> codes(n * columns), first = {0};
  for (std::size_t c = 0; c < columns; ++c) first.push_back(first.back() + static_cast<std::int32_t>(c + 1));
  for (std::size_t i = 0; i < codes.size(); ++i)
    codes[i] = static_cast<std::int32_t>(generator() % (i % columns + 3)) - 1;
  const auto last = static_cast<std::size_t>(first.back());
  Rows table = normals((last + 1) * width, 0.3), level_sums((last + 1) * width, 0.0), want_level_sums = level_sums;
  std::fill(table.end() - static_cast<std::ptrdiff_t>(width), table.end(), 0.0);
  const auto place = [&](std::size_t i, std::size_t c) {
    const std::int32_t code = codes[i * columns + c];
    return code < 0 || code > static_cast<std::int32_t>(c) ? last : static_cast<std::size_t>(first[c] + code);
  };
  a.levels.codes = {codes.data(), n, columns};
  a.levels.first = first.data();
  a.levels.table = {table.data(), last + 1, width};
  a.levels.sums = {level_sums.data(), last + 1, width};
  // columns beyond the quadratic ones may have gaps
  std::vector<std::int32_t> lost;
  for (std::size_t j = q; j < d; ++j) lost.push_back(static_cast<std::int32_t>(j));
  for (std::size_t i = 0; i < n; ++i)
    for (const auto j : lost)
      if (generator() % 4 == 0) x[i * d + static_cast<std::size_t>(j)] = NAN;
  const Rows gap_table = normals(lost.size() * width, 0.3);
  Rows gap_sums(lost.size() * width, 0.0), want_gap_sums = gap_sums;
  a.gaps.columns = lost.data();
  a.gaps.count = lost.size();
  a.gaps.table = {gap_table.data(), lost.size(), width};
  a.gaps.sums = {gap_sums.data(), lost.size(), width};
  const Scratch scratch(kernels.mixture_scratch(d, q, k, a.score, a.stat, false, columns + lost.size(), width));
  a.scratch = scratch.p;
  kernels.mixture_step_dd(a);

  Rows want(k * f, 0.0), want_entropy(k, 0.0), want_weighted(n * width, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    Rows g = {1.0};
    for (std::size_t j = 0; j < d; ++j) g.push_back(std::isnan(x[i * d + j]) ? 0.0 : x[i * d + j]);
    for (std::size_t j = 0; j < q; ++j)
      for (std::size_t l = j; l < q; ++l) g.push_back(x[i * d + j] * x[i * d + l]);
    Rows s(k);
    double total = 0;
    for (std::size_t c = 0; c < k; ++c) {
      s[c] = added[i * width + c];
      for (std::size_t j = 0; j < columns; ++j) s[c] += table[place(i, j) * width + c];
      for (std::size_t j = q; j < d; ++j)
        if (std::isnan(x[i * d + j])) s[c] += gap_table[(j - q) * width + c];
      for (std::size_t j = 0; j < f; ++j) s[c] += g[j] * eta[c * f + j];
      total += std::exp(s[c]);
    }
    for (std::size_t c = 0; c < k; ++c) {
      const double r = std::exp(s[c]) / total, wr = weights[i] * r;
      want_weighted[i * width + c] = wr;
      want_entropy[c] -= wr * std::log(r);
      for (std::size_t j = 0; j < columns; ++j) want_level_sums[place(i, j) * width + c] += wr;
      for (std::size_t j = q; j < d; ++j)
        if (std::isnan(x[i * d + j])) want_gap_sums[(j - q) * width + c] += wr;
      for (std::size_t j = 0; j < f; ++j) want[c * f + j] += wr * g[j];
    }
  }
  const std::string what = std::string(kernels.isa) + " mixed n=" + std::to_string(n) + " d=" + std::to_string(d) +
                           " q=" + std::to_string(q) + " K=" + std::to_string(k);
  expect_close(suff, want, 1e-10, what + " statistics");
  expect_close(entropy, want_entropy, 1e-10, what + " entropy");
  expect_close(level_sums, want_level_sums, 1e-10, what + " levels");
  expect_close(gap_sums, want_gap_sums, 1e-10, what + " gaps");
  expect_close(weighted, want_weighted, 1e-10, what + " responsibilities");
}

}  // namespace

int main() {
  for (const std::string& name : available_isas()) {
    const Kernels& kernels = kernels_for(name);
    for (const std::size_t n : {std::size_t{1}, std::size_t{31}, std::size_t{33}, std::size_t{700}})
      for (const std::size_t k : {std::size_t{1}, std::size_t{7}, std::size_t{8}, std::size_t{20}, std::size_t{41}}) {
        const std::size_t width = (k + 7) / 8 * 8;
        gather(kernels, n, 1 + k, width, k % 2 == 0);
        gather(kernels, n, 3, width + 8, k % 2 == 1);
        for (const std::size_t d : {std::size_t{0}, std::size_t{1}, std::size_t{5}, std::size_t{16}, std::size_t{19}})
          mixed(kernels, n, d, generator() % (d + 1), k, width + 8 * (d % 2));
      }
    std::printf("%s: kernels of tables done\n", name.c_str());
  }
  return outcome();
}
