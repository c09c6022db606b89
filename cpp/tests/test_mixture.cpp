// Runs every mixture kernel of every instruction set over many shapes, against loops that say what is meant. Inputs and
// outputs live in heap blocks of their exact size, so that a sanitizer build sees every step outside.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "dispatch.hpp"
#include "driver.hpp"

namespace {

using namespace vivace;
using Rows = std::vector<double>;

double normal() { return std::normal_distribution<double>()(generator); }

Rows normals(std::size_t n) {
  Rows values(n);
  for (double& v : values) v = normal();
  return values;
}

Rows features(Kind kind, const Rows& z) {
  Rows f = {1.0};
  f.insert(f.end(), z.begin(), z.end());
  double norm = 0;
  for (double v : z) norm += v * v;
  if (kind == Kind::spherical) f.push_back(norm);
  if (kind == Kind::diag)
    for (double v : z) f.push_back(v * v);
  if (kind == Kind::full)
    for (std::size_t i = 0; i < z.size(); ++i)
      for (std::size_t j = i; j < z.size(); ++j) f.push_back(z[i] * z[j]);
  return f;
}

double dot(const Rows& f, const double* e) {
  double sum = 0;
  for (std::size_t i = 0; i < f.size(); ++i) sum += f[i] * e[i];
  return sum;
}

double log_sum_exp(const Rows& l) {
  const double top = *std::max_element(l.begin(), l.end());
  double sum = 0;
  for (double v : l) sum += std::exp(v - top);
  return top + std::log(sum);
}

template <class X>
struct Data {
  std::size_t n, d;
  std::vector<X> x;
  Rows centre, inv_scale;
  Data(std::size_t n, std::size_t d) : n(n), d(d), x(n * d), centre(normals(d)), inv_scale(d) {
    for (X& v : x) v = static_cast<X>(2 * normal() + 1);
    for (double& v : inv_scale) v = 0.5 + std::abs(normal());
  }
  Rows z(std::size_t i) const {
    Rows out(d);
    for (std::size_t j = 0; j < d; ++j) out[j] = (static_cast<double>(x[i * d + j]) - centre[j]) * inv_scale[j];
    return out;
  }
};

template <class X>
void mixture(const Kernels& kernels, std::size_t n, std::size_t d, std::size_t k, Kind score, Kind stat, Mode mode,
             bool weighted, bool single, double sharpness) {
  const Data<X> data(n, d);
  const std::size_t fs = feature_count(score, d), ft = feature_count(stat, d);
  Rows eta = normals(k * fs);
  for (double& v : eta) v *= sharpness / std::sqrt(static_cast<double>(fs));
  Rows weights(n);
  for (std::size_t i = 0; i < n; ++i) weights[i] = i % 7 == 3 ? 0.0 : std::abs(normal());
  Rows given(n * k);
  for (std::size_t i = 0; i < n; ++i) {
    double total = 0;
    for (std::size_t j = 0; j < k; ++j) total += given[i * k + j] = std::abs(normal());
    for (std::size_t j = 0; j < k; ++j) given[i * k + j] /= total;
  }

  Rows suff(k * ft, NAN), entropy(k, NAN), resp(n * k, NAN), lse(n, NAN);
  std::vector<float> resp_single(n * k);
  std::vector<std::int32_t> labels(n, -1);
  MixtureStep<X> a;
  a.x = {data.x.data(), n, d};
  a.weights = weighted ? weights.data() : nullptr;
  a.centre = data.centre.data();
  a.inv_scale = data.inv_scale.data();
  a.score = score;
  a.stat = stat;
  a.mode = mode;
  a.components = k;
  a.quadratic = d;
  if (mode == Mode::given) {
    a.resp_in = {given.data(), n, k};
  } else {
    a.eta = {eta.data(), k, fs};
    a.labels = labels.data();
    a.resp = {resp.data(), n, k};
    a.resp_single = {resp_single.data(), n, k};
    if (mode != Mode::hard) a.lse = lse.data();
  }
  if (mode != Mode::score) {
    a.suff = {suff.data(), k, ft};
    a.entropy = entropy.data();
  }
  const Scratch scratch(kernels.mixture_scratch(d, d, k, score, stat, single, 0, 0));
  a.scratch = scratch.p;
  if constexpr (std::is_same_v<X, double>) {
    (single ? kernels.mixture_step_df : kernels.mixture_step_dd)(a);
  } else {
    (single ? kernels.mixture_step_ff : kernels.mixture_step_fd)(a);
  }

  const std::string what = std::string(kernels.isa) + " n=" + std::to_string(n) + " d=" + std::to_string(d) +
                           " k=" + std::to_string(k) + " score=" + std::to_string(int(score)) +
                           " stat=" + std::to_string(int(stat)) + " mode=" + std::to_string(int(mode)) +
                           (single ? " single" : "");
  const double tolerance = single ? 2e-3 : 1e-10;
  Rows want(k * ft, 0.0), size(k * ft, 1.0), want_entropy(k, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    const Rows z = data.z(i), g = features(stat, z);
    Rows r(k);
    if (mode == Mode::given) {
      std::copy_n(given.begin() + static_cast<std::ptrdiff_t>(i * k), k, r.begin());
    } else {
      const Rows f = features(score, z);
      Rows l(k);
      for (std::size_t j = 0; j < k; ++j) l[j] = dot(f, eta.data() + j * fs);
      const double level = log_sum_exp(l);
      const auto best = static_cast<std::size_t>(labels[i]);
      expect(best < k && l[best] >= *std::max_element(l.begin(), l.end()) - tolerance * 100, what + " label");
      for (std::size_t j = 0; j < k; ++j) r[j] = mode == Mode::hard ? double(j == best) : std::exp(l[j] - level);
      if (mode != Mode::hard) expect(std::abs(lse[i] - level) < tolerance * (10 + std::abs(level)), what + " lse");
      for (std::size_t j = 0; j < k; ++j) {
        expect(std::abs(resp[i * k + j] - r[j]) < 10 * tolerance, what + " resp");
        expect(std::abs(static_cast<double>(resp_single[i * k + j]) - r[j]) < 10 * tolerance + 1e-6,
               what + " resp_single");
      }
    }
    const double w = weighted ? weights[i] : 1.0;
    for (std::size_t j = 0; j < k; ++j) {
      for (std::size_t f = 0; f < ft; ++f) {
        want[j * ft + f] += w * r[j] * g[f];
        size[j * ft + f] += std::abs(w * g[f]);
      }
      if (r[j] > 0) want_entropy[j] -= w * r[j] * std::log(r[j]);
    }
  }
  if (mode == Mode::score) return;
  for (std::size_t i = 0; i < k * ft; ++i)
    expect(std::abs(suff[i] - want[i]) < tolerance * size[i], what + " statistics");
  for (std::size_t j = 0; j < k; ++j)
    expect(std::abs(entropy[j] - want_entropy[j]) < tolerance * static_cast<double>(n + 1), what + " entropy");
}

template <class X>
void student(const Kernels& kernels, std::size_t n, std::size_t d, std::size_t k) {
  const Data<X> data(n, d);
  const std::string what = std::string(kernels.isa) + " student n=" + std::to_string(n) + " d=" + std::to_string(d);
  for (const Kind kind : {Kind::spherical, Kind::full}) {
    const std::size_t f = feature_count(kind, d);
    Rows eta(k * f), a = normals(k), b(k), out(n, NAN), resp(n * k, NAN);
    for (double& v : eta) v = std::abs(normal());
    for (double& v : b) v = 1 + std::abs(normal());
    const Scratch scratch(kernels.student_scratch(d, k, kind));
    StudentScore<X> args{{data.x.data(), n, d},
                         data.centre.data(),
                         data.inv_scale.data(),
                         {eta.data(), k, f},
                         kind,
                         a.data(),
                         b.data(),
                         out.data(),
                         {resp.data(), n, k},
                         scratch.p};
    if constexpr (std::is_same_v<X, double>) {
      kernels.student_d(args);
    } else {
      kernels.student_f(args);
    }
    for (std::size_t i = 0; i < n; ++i) {
      const Rows row = features(kind, data.z(i));
      Rows l(k);
      for (std::size_t j = 0; j < k; ++j) l[j] = a[j] - b[j] * std::log1p(std::max(0.0, dot(row, eta.data() + j * f)));
      const double level = log_sum_exp(l);
      expect(std::abs(out[i] - level) < 1e-9 * (1 + std::abs(level)), what);
      for (std::size_t j = 0; j < k; ++j)
        expect(std::abs(resp[i * k + j] - std::exp(l[j] - level)) < 1e-9, what + " resp");
    }
  }
  Rows means = normals(k * d), scales(k * d), a = normals(k), b(k * d), out(n, NAN);
  for (double& v : scales) v = std::abs(normal());
  for (std::size_t i = 0; i < k * d; ++i)
    b[i] = 1 + (i / d % 2 ? std::abs(normal()) : 0.5);  // equal and unequal exponents
  const Scratch scratch(kernels.student_scratch(d, k, Kind::diag));
  StudentDiagScore<X> args{{data.x.data(), n, d},
                           data.centre.data(),
                           data.inv_scale.data(),
                           {means.data(), k, d},
                           {scales.data(), k, d},
                           a.data(),
                           {b.data(), k, d},
                           out.data(),
                           {},
                           scratch.p};
  if constexpr (std::is_same_v<X, double>) {
    kernels.student_diag_d(args);
  } else {
    kernels.student_diag_f(args);
  }
  for (std::size_t i = 0; i < n; ++i) {
    const Rows z = data.z(i);
    Rows l(k);
    for (std::size_t j = 0; j < k; ++j) {
      l[j] = a[j];
      for (std::size_t c = 0; c < d; ++c) {
        const double t = z[c] - means[j * d + c];
        l[j] -= b[j * d + c] * std::log1p(scales[j * d + c] * t * t);
      }
    }
    const double level = log_sum_exp(l);
    expect(std::abs(out[i] - level) < 1e-9 * (1 + std::abs(level)), what + " diag");
  }
}

template <class X>
void columns(const Kernels& kernels, std::size_t n, std::size_t d) {
  Data<X> data(n, d);
  Rows shift = normals(d), weights(n), out(4 * d, NAN);
  for (double& w : weights) w = std::abs(normal());
  ColumnSums<X> a{{data.x.data(), n, d}, weights.data(), shift.data(), {out.data(), 4, d}};
  const auto run = [&] {
    if constexpr (std::is_same_v<X, double>) {
      return kernels.column_sums_d(a);
    } else {
      return kernels.column_sums_f(a);
    }
  };
  const std::string what = std::string(kernels.isa) + " columns";
  expect(run() == -1, what + " finite");
  for (std::size_t j = 0; j < d; ++j) {
    double sum = 0, square = 0, low = INFINITY, high = -INFINITY;
    for (std::size_t i = 0; i < n; ++i) {
      const double v = static_cast<double>(data.x[i * d + j]), t = v - shift[j];
      sum += weights[i] * t;
      square += weights[i] * t * t;
      low = std::min(low, v);
      high = std::max(high, v);
    }
    expect(std::abs(out[j] - sum) < 1e-9 * static_cast<double>(n) &&
               std::abs(out[d + j] - square) < 1e-9 * static_cast<double>(n * 10),
           what + " sums");
    expect(out[2 * d + j] == low && out[3 * d + j] == high, what + " extremes");
  }
  const std::size_t bad = generator() % n;
  data.x[bad * d + d - 1] = generator() % 2 ? X(NAN) : X(INFINITY);
  expect(run() == static_cast<std::ptrdiff_t>(bad), what + " bad row");
}

}  // namespace

int main() {
  const std::size_t sizes[] = {1, 31, 32, 63, 65, 300, 1100}, widths[] = {1, 2, 3, 5, 8, 9, 16, 17, 20, 40};
  const std::size_t counts[] = {1, 2, 3, 5, 6, 7, 8, 13, 32};
  const Kind kinds[] = {Kind::linear, Kind::spherical, Kind::diag, Kind::full};
  const Mode modes[] = {Mode::soft, Mode::hard, Mode::given, Mode::score};
  const double sharpness[] = {0.01, 1.0, 10.0};
  for (const std::string& name : available_isas()) {
    const Kernels& kernels = kernels_for(name);
    std::size_t round = 0;
    for (const Kind score : kinds)
      for (const Kind stat : kinds)
        for (const Mode mode : modes)
          for (int repeat = 0; repeat < 6; ++repeat, ++round) {
            const std::size_t n = sizes[generator() % 7], d = widths[generator() % 10], k = counts[generator() % 9];
            const double sharp = sharpness[generator() % 3];
            const bool weighted = generator() % 2;
            const Kind of = mode == Mode::given ? stat : score;
            if (round % 3 == 0) mixture<double>(kernels, n, d, k, of, stat, mode, weighted, false, sharp);
            if (round % 3 == 1) mixture<float>(kernels, n, d, k, of, stat, mode, weighted, false, sharp);
            if (round % 3 == 2) mixture<float>(kernels, n, d, k, of, stat, mode, weighted, true, std::min(sharp, 1.0));
          }
    for (const std::size_t n : sizes) {
      student<double>(kernels, n, 1 + n % 11, 1 + n % 4);
      student<float>(kernels, n, 1 + n % 13, 1 + n % 5);
      columns<double>(kernels, n, 1 + n % 11);
      columns<float>(kernels, n, 300);
    }
    std::printf("%s: mixture kernels done\n", name.c_str());
  }
  return outcome();
}
