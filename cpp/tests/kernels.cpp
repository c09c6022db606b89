// Every kernel, for every instruction set of this machine, against plain loops.
//
// Arrays are exactly as large as the contract says: under the address sanitizer a read or a write beyond one stops the
// test, and the checks of view.hpp are on.
#include <cmath>
#include <cstdio>
#include <memory>
#include <new>
#include <vector>

#include "dispatch.hpp"

using namespace vivace;
using std::size_t;

namespace {

int failures = 0;

/// |got - expected| <= tolerance x scale, where NaN equals NaN and infinity itself.
void check_near(double got, double expected, double tolerance, double scale, const char* what, const char* isa) {
  if (got == expected || (std::isnan(got) && std::isnan(expected))) return;
  if (std::abs(got - expected) <= tolerance * scale) return;
  if (++failures <= 20) std::fprintf(stderr, "%s, %s: got %.17g, expected %.17g\n", isa, what, got, expected);
}

struct Random {  // a linear congruential generator: the same numbers everywhere
  std::uint64_t state;
  double uniform() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state >> 11) * 0x1p-53;
  }
  double normal() { return std::sqrt(-2 * std::log(uniform() + 1e-300)) * std::cos(6.283185307179586 * uniform()); }
};

template <class T>
std::vector<T> draw(Random& random, size_t n, double scale, double shift = 0) {
  std::vector<T> v(n);
  for (T& value : v) value = static_cast<T>(shift + scale * random.normal());
  return v;
}

struct Free {
  void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t(64)); }
};
std::unique_ptr<std::byte[], Free> scratch(size_t bytes) {
  return std::unique_ptr<std::byte[], Free>(static_cast<std::byte*>(::operator new[](bytes, std::align_val_t(64))));
}

std::vector<double> features(Kind kind, const std::vector<double>& z) {
  std::vector<double> f{1.0};
  f.insert(f.end(), z.begin(), z.end());
  double sum = 0;
  for (double v : z) sum += v * v;
  if (kind == Kind::spherical) f.push_back(sum);
  if (kind == Kind::diag)
    for (double v : z) f.push_back(v * v);
  if (kind == Kind::full)
    for (size_t i = 0; i < z.size(); ++i)
      for (size_t j = i; j < z.size(); ++j) f.push_back(z[i] * z[j]);
  return f;
}

double dot(const std::vector<double>& f, const double* eta) {
  double sum = 0;
  for (size_t i = 0; i < f.size(); ++i) sum += f[i] * eta[i];
  return sum;
}

/// Rows of a block with their standardisation.
template <class X>
struct Rows {
  size_t n, d;
  std::vector<X> x;
  std::vector<double> weights, centre, inv_scale;

  Rows(Random& random, size_t n, size_t d) : n(n), d(d), x(draw<X>(random, n * d, 2.0, 1.0)) {
    for (size_t i = 0; i < n; ++i) weights.push_back(i % 5 == 3 ? 0.0 : random.uniform() * 3);
    centre = draw<double>(random, d, 1.0, 1.0);
    for (size_t j = 0; j < d; ++j) inv_scale.push_back(0.3 + 0.4 * random.uniform());
  }
  View<const X> view() const { return {x.data(), n, d}; }
  std::vector<double> z(size_t i) const {
    std::vector<double> out(d);
    for (size_t j = 0; j < d; ++j) out[j] = (static_cast<double>(x[i * d + j]) - centre[j]) * inv_scale[j];
    return out;
  }
};

/// Log-sum-exp of `scores`, which become the softmax.
double softmax(std::vector<double>& scores) {
  double top = scores[0], sum = 0;
  for (double s : scores) top = std::fmax(top, s);
  for (double& s : scores) sum += s = std::exp(s - top);
  for (double& s : scores) s /= sum;
  return top + std::log(sum);
}

size_t argmax(const std::vector<double>& scores) {
  size_t best = 0;
  for (size_t k = 1; k < scores.size(); ++k)
    if (scores[k] > scores[best]) best = k;
  return best;
}

template <class X>
void mixture(const Kernels& kernels, void (*step)(const MixtureStep<X>&), bool single, const Rows<X>& rows, size_t k,
             Kind score, Kind stat, Mode mode, bool weighted, bool resp_single) {
  const size_t n = rows.n, d = rows.d, fs = feature_count(score, d), ft = feature_count(stat, d);
  Random random{n + 31 * d + 101 * k};
  const std::vector<double> eta = draw<double>(random, k * fs, 2 / std::sqrt(static_cast<double>(fs)));
  std::vector<double> given;
  if (mode == Mode::given)
    for (size_t i = 0; i < n; ++i) {
      std::vector<double> r = draw<double>(random, k, 1.0);
      softmax(r);
      if (k > 1 && i % 2) r[0] += r[1], r[1] = 0;  // zeros are allowed
      given.insert(given.end(), r.begin(), r.end());
    }
  const bool scored = mode == Mode::soft || mode == Mode::score;
  std::vector<double> suff(k * ft, NAN), entropy(k, NAN), resp(n * k, NAN), lse(n, NAN);
  std::vector<float> resp32(n * k, NAN);
  std::vector<std::int32_t> labels(n, -1);
  const auto memory = scratch(kernels.mixture_scratch(d, k, score, stat, single));

  MixtureStep<X> a;
  a.x = rows.view();
  a.weights = weighted ? rows.weights.data() : nullptr;
  a.centre = rows.centre.data();
  a.inv_scale = rows.inv_scale.data();
  a.score = score, a.stat = stat, a.mode = mode, a.components = k;
  a.scratch = memory.get();
  if (mode == Mode::given) a.resp_in = {given.data(), n, k};
  if (mode != Mode::given) {
    a.eta = {eta.data(), k, fs};
    a.labels = labels.data();
    if (resp_single) a.resp_single = {resp32.data(), n, k};
    if (!resp_single) a.resp = {resp.data(), n, k};
  }
  if (mode != Mode::score) {
    a.suff = {suff.data(), k, ft};
    a.entropy = entropy.data();
  }
  if (scored) a.lse = lse.data();
  step(a);

  const double tolerance = single ? 2e-4 : 1e-11;
  std::vector<double> expected(k * ft), size(k * ft), expected_entropy(k);
  for (size_t i = 0; i < n; ++i) {
    const std::vector<double> z = rows.z(i), f = features(score, z), t = features(stat, z);
    std::vector<double> r(k);
    if (mode == Mode::given) {
      r.assign(given.begin() + static_cast<std::ptrdiff_t>(i * k),
               given.begin() + static_cast<std::ptrdiff_t>((i + 1) * k));
    } else {
      for (size_t c = 0; c < k; ++c) r[c] = dot(f, &eta[c * fs]);
      const size_t best = argmax(r);
      check_near(labels[i], static_cast<double>(best), 0, 0, "label", kernels.isa);
      const double sum = softmax(r);
      if (scored) check_near(lse[i], sum, tolerance, 1 + std::abs(sum), "log-sum-exp", kernels.isa);
      if (mode == Mode::hard) r.assign(k, 0.0), r[best] = 1;
      for (size_t c = 0; c < k; ++c)
        check_near(resp_single ? resp32[i * k + c] : resp[i * k + c], r[c], resp_single ? 2e-4 : tolerance, 10, "resp",
                   kernels.isa);
    }
    const double w = weighted ? rows.weights[i] : 1.0;
    for (size_t c = 0; c < k; ++c) {
      for (size_t j = 0; j < ft; ++j) {
        expected[c * ft + j] += w * r[c] * t[j];
        size[c * ft + j] += w * std::abs(t[j]);
      }
      if (r[c] > 0) expected_entropy[c] -= w * r[c] * std::log(r[c]);
    }
  }
  if (mode == Mode::score) return;
  for (size_t i = 0; i < k * ft; ++i) check_near(suff[i], expected[i], tolerance, 1 + size[i], "suff", kernels.isa);
  for (size_t c = 0; c < k; ++c)
    check_near(entropy[c], expected_entropy[c], tolerance, static_cast<double>(n) + 1, "entropy", kernels.isa);
}

template <class X>
void student(const Kernels& kernels, void (*score)(const StudentScore<X>&),
             void (*score_diag)(const StudentDiagScore<X>&), const Rows<X>& rows, size_t k, Kind kind) {
  const size_t n = rows.n, d = rows.d, fs = feature_count(kind, d);
  Random random{n + d + k};
  const std::vector<double> means = draw<double>(random, k * d, 1.0), a = draw<double>(random, k, 1.0);
  std::vector<double> b, eta(k * fs), scales(k * d), b_diag(k * d);
  for (size_t c = 0; c < k; ++c) {
    b.push_back(1 + 3 * random.uniform());
    const double s = 0.1 + random.uniform();
    double* e = &eta[c * fs];
    for (size_t j = 0; j < d; ++j) {
      e[0] += s * means[c * d + j] * means[c * d + j];
      e[1 + j] = -2 * s * means[c * d + j];
      scales[c * d + j] = s;
      b_diag[c * d + j] = j < d / 2 ? b[c] : b[c] + 1;  // two runs of equal exponents
    }
    if (kind == Kind::spherical) e[1 + d] = s;
    if (kind == Kind::diag)
      for (size_t j = 0; j < d; ++j) e[1 + d + j] = s;
    if (kind == Kind::full)
      for (size_t i = 0, at = 1 + d; i < d; at += d - i, ++i) e[at] = s;
  }
  std::vector<double> out(n), resp(n * k), out_diag(n), resp_diag(n * k);
  const auto memory = scratch(kernels.student_scratch(d, k, kind));
  score({rows.view(),
         rows.centre.data(),
         rows.inv_scale.data(),
         {eta.data(), k, fs},
         kind,
         a.data(),
         b.data(),
         out.data(),
         {resp.data(), n, k},
         memory.get()});
  const auto memory_diag = scratch(kernels.student_scratch(d, k, Kind::diag));
  score_diag({rows.view(),
              rows.centre.data(),
              rows.inv_scale.data(),
              {means.data(), k, d},
              {scales.data(), k, d},
              a.data(),
              {b_diag.data(), k, d},
              out_diag.data(),
              {resp_diag.data(), n, k},
              memory_diag.get()});
  for (size_t i = 0; i < n; ++i) {
    const std::vector<double> z = rows.z(i);
    std::vector<double> joint(k), joint_diag(k);
    for (size_t c = 0; c < k; ++c) {
      double q = 0;
      joint_diag[c] = a[c];
      for (size_t j = 0; j < d; ++j) {
        const double t = z[j] - means[c * d + j], s = scales[c * d + j] * t * t;
        q += s;
        joint_diag[c] -= b_diag[c * d + j] * std::log1p(s);
      }
      joint[c] = a[c] - b[c] * std::log1p(q);
    }
    const double sum = softmax(joint), sum_diag = softmax(joint_diag);
    check_near(out[i], sum, 1e-11, 10 + std::abs(sum), "student", kernels.isa);
    check_near(out_diag[i], sum_diag, 1e-11, 10 + std::abs(sum_diag), "student diag", kernels.isa);
    for (size_t c = 0; c < k; ++c) {
      check_near(resp[i * k + c], joint[c], 1e-10, 10, "student resp", kernels.isa);
      check_near(resp_diag[i * k + c], joint_diag[c], 1e-10, 10, "student diag resp", kernels.isa);
    }
  }
}

template <class X>
void columns(const Kernels& kernels, std::ptrdiff_t (*column_sums)(const ColumnSums<X>&), Rows<X> rows) {
  const size_t n = rows.n, d = rows.d;
  for (const bool weighted : {false, true}) {
    std::vector<double> out(4 * d);
    const double* weights = weighted ? rows.weights.data() : nullptr;
    const auto bad = column_sums({rows.view(), weights, rows.centre.data(), {out.data(), 4, d}});
    check_near(static_cast<double>(bad), -1, 0, 0, "row that is not finite", kernels.isa);
    for (size_t j = 0; j < d; ++j) {
      double sum = 0, square = 0, low = INFINITY, high = -INFINITY;
      for (size_t i = 0; i < n; ++i) {
        const double v = static_cast<double>(rows.x[i * d + j]), t = v - rows.centre[j], w = weighted ? weights[i] : 1;
        sum += w * t, square += w * t * t;
        low = std::fmin(low, v), high = std::fmax(high, v);
      }
      const double scale = 10 * static_cast<double>(n);
      check_near(out[j], sum, 1e-13, scale, "column sum", kernels.isa);
      check_near(out[d + j], square, 1e-13, 10 * scale, "column sum of squares", kernels.isa);
      check_near(out[2 * d + j], low, 0, 0, "column minimum", kernels.isa);
      check_near(out[3 * d + j], high, 0, 0, "column maximum", kernels.isa);
    }
  }
  std::vector<double> out(4 * d);
  for (const double wrong : {static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
    rows.x[(n / 2) * d + d - 1] = static_cast<X>(wrong);
    const auto bad = column_sums({rows.view(), nullptr, rows.centre.data(), {out.data(), 4, d}});
    check_near(static_cast<double>(bad), static_cast<double>(n / 2), 0, 0, "row that is not finite", kernels.isa);
  }
}

double digamma(double x) {
  double shift = 0;
  for (; x < 12; x += 1) shift -= 1 / x;
  const double y = 1 / (x * x);
  return shift + std::log(x) - 0.5 / x - y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y * (1.0 / 240 - y / 132))));
}

template <class T>
void special(const Kernels& kernels, const SpecialFunctions<T>& functions) {
  struct Function {
    const char* name;
    ArrayFunction<T> fast;
    double (*slow)(double);
  };
  const Function all[] = {
      {"exp", functions.exp, [](double x) { return std::exp(x); }},
      {"log", functions.log, [](double x) { return std::log(x); }},
      {"digamma", functions.digamma, digamma},
      {"exp_digamma", functions.exp_digamma, [](double x) { return std::exp(digamma(x)); }},
      {"lgamma", functions.lgamma, [](double x) { return std::lgamma(x); }},
  };
  const double tolerance = sizeof(T) == sizeof(double) ? 1e-11 : 1e-4;
  for (const Function& function : all)
    for (const size_t n : {1, 2, 3, 7, 8, 9, 16, 31, 33, 100}) {
      std::vector<T> x(n), out(n);
      for (size_t i = 0; i < n; ++i) x[i] = static_cast<T>(0.01 + 0.37 * static_cast<double>(i));
      function.fast(x.data(), out.data(), n);
      for (size_t i = 0; i < n; ++i) {
        const double expected = function.slow(static_cast<double>(x[i]));
        check_near(static_cast<double>(out[i]), expected, tolerance, 1 + std::abs(expected), function.name,
                   kernels.isa);
      }
    }
}

template <class X>
void shape(const Kernels& kernels, size_t n, size_t d, size_t k) {
  Random random{n * 7 + d * 3 + k};
  const Rows<X> rows(random, n, d);
  const Kind kinds[] = {Kind::linear, Kind::spherical, Kind::diag, Kind::full};
  for (const Kind stat : kinds)
    for (const Kind score : {Kind::linear, stat})
      for (const Mode mode : {Mode::soft, Mode::hard, Mode::given, Mode::score})
        for (const bool weighted : {false, true}) {
          const Kind read = mode == Mode::given ? stat : score;
          if constexpr (sizeof(X) == sizeof(double)) {
            mixture<double>(kernels, kernels.mixture_step_dd, false, rows, k, read, stat, mode, weighted, false);
          } else {
            mixture<float>(kernels, kernels.mixture_step_fd, false, rows, k, read, stat, mode, weighted, !weighted);
            mixture<float>(kernels, kernels.mixture_step_ff, true, rows, k, read, stat, mode, weighted, weighted);
          }
        }
  for (const Kind kind : {Kind::spherical, Kind::diag, Kind::full})
    if constexpr (sizeof(X) == sizeof(double)) {
      student<double>(kernels, kernels.student_d, kernels.student_diag_d, rows, k, kind);
    } else {
      student<float>(kernels, kernels.student_f, kernels.student_diag_f, rows, k, kind);
    }
  if constexpr (sizeof(X) == sizeof(double)) {
    columns<double>(kernels, kernels.column_sums_d, rows);
  } else {
    columns<float>(kernels, kernels.column_sums_f, rows);
  }
}

}  // namespace

int main() {
  // One row; a row beyond a chunk; more rows than a tile; odd columns; features in more than one panel; a wide column
  // strip.
  const size_t shapes[][3] = {{1, 1, 1},    {33, 2, 8},    {65, 3, 1},  {130, 5, 13},
                              {97, 16, 33}, {1100, 4, 40}, {70, 21, 6}, {40, 300, 2}};
  for (const std::string& isa : available_isas()) {
    const Kernels& kernels = kernels_for(isa);
    for (const auto& [n, d, k] : shapes) {
      if (d > 100) {  // columns alone: a full covariance would take minutes under the sanitizers
        Random random{1};
        columns<double>(kernels, kernels.column_sums_d, Rows<double>(random, n, d));
        columns<float>(kernels, kernels.column_sums_f, Rows<float>(random, n, d));
        continue;
      }
      shape<double>(kernels, n, d, k);
      shape<float>(kernels, n, d, k);
    }
    special<double>(kernels, kernels.special);
    special<float>(kernels, kernels.special_single);
    std::printf("%s: %s\n", isa.c_str(), failures ? "FAILED" : "ok");
  }
  if (failures) std::fprintf(stderr, "%d failures\n", failures);
  return failures ? 1 : 0;
}
