// Runs every topic kernel of every instruction set over many shapes. Values are compared with slow references in Python
// (tests/models/test_documents.py); here identities are checked that hold for any input, on heap blocks of exact size,
// so that a sanitizer build sees every step outside.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <type_traits>
#include <vector>

#include "dispatch.hpp"
#include "driver.hpp"
#include "packing.hpp"

namespace {

using namespace vivace;

double digamma(double x) {
  double shift = 0;
  while (x < 10) shift -= 1 / x++;
  const double t = 1 / (x * x);
  return shift + std::log(x) - 0.5 / x - t * (1.0 / 12 - t * (1.0 / 120 - t / 252));
}

template <class T>
struct Corpus {
  std::size_t v, k, documents;
  double prior;
  std::vector<T> topics, counts;
  std::vector<double> psi_total, alpha;
  std::vector<std::int64_t> start{0};
  std::vector<std::int32_t> words;

  Corpus(std::size_t v, std::size_t k, std::size_t documents, std::size_t length, double prior)
      : v(v), k(k), documents(documents), prior(prior), topics(v * k), psi_total(k), alpha(k, prior) {
    std::vector<double> totals(k);
    for (std::size_t i = 0; i < v * k; ++i) {
      topics[i] = static_cast<T>(uniform() < 0.2 ? 50 * uniform() : 0);
      totals[i % k] += prior + static_cast<double>(topics[i]);
    }
    for (std::size_t i = 0; i < k; ++i) psi_total[i] = digamma(totals[i]);
    for (std::size_t d = 0; d < documents; ++d) {
      for (std::size_t w = 0; w < v; ++w)
        if (d != 1 && uniform() * static_cast<double>(v) < static_cast<double>(length)) {
          words.push_back(static_cast<std::int32_t>(w));
          counts.push_back(static_cast<T>(1 + generator() % 4));
        }
      start.push_back(static_cast<std::int64_t>(words.size()));
    }
  }
};

template <class T>
void fold_in(const Kernels& kernels, const Corpus<T>& c, std::size_t stride, const std::string& what) {
  std::vector<T> table(c.v * stride), alpha(stride), gamma(c.documents * c.k);
  std::size_t longest = 0;
  for (std::size_t w = 0; w < c.v; ++w) {
    const T *from = c.topics.data() + w * c.k, prior = static_cast<T>(c.prior);
    const T most = *std::max_element(from, from + c.k) + prior;
    for (std::size_t k = 0; k < c.k; ++k) table[w * stride + k] = (from[k] + prior) / most;
  }
  for (std::size_t k = 0; k < c.k; ++k) alpha[k] = static_cast<T>(c.prior);
  for (std::size_t d = 0; d < c.documents; ++d)
    longest = std::max(longest, static_cast<std::size_t>(c.start[d + 1] - c.start[d]));
  std::vector<T> shares(longest * stride);
  const Scratch scratch(kernels.fold_in_scratch(c.k));
  FoldIn<T> a;
  a.start = c.start.data();
  a.documents = c.documents;
  a.words = c.words.data();
  a.counts = c.counts.data();
  a.table = {table.data(), c.v, stride};
  a.alpha = alpha.data();
  a.gamma = {gamma.data(), c.documents, c.k};
  a.shares = shares.data();
  a.scratch = scratch.p;
  if constexpr (std::is_same_v<T, double>)
    kernels.fold_in_d(a);
  else
    kernels.fold_in_f(a);
  for (std::size_t d = 0; d < c.documents; ++d) {
    double total = 0, tokens = 0;
    for (std::size_t k = 0; k < c.k; ++k) total += static_cast<double>(gamma[d * c.k + k]) - c.prior;
    for (auto e = c.start[d]; e < c.start[d + 1]; ++e) tokens += static_cast<double>(c.counts[e]);
    expect(std::abs(total - tokens) < 1e-4 * (1 + tokens), what + " tokens of a folded document");
  }
}

template <class T>
void run(const Kernels& kernels, const Corpus<T>& c, bool guarded) {
  constexpr bool twice = std::is_same_v<T, double>;
  const std::string what = std::string(kernels.isa) + " V=" + std::to_string(c.v) + " K=" + std::to_string(c.k) +
                           " prior=" + std::to_string(c.prior) + (twice ? " double" : " float");
  const std::size_t stride = twice ? kernels.topic_stride_d(c.k) : kernels.topic_stride_f(c.k);
  const std::size_t nnz = c.words.size();
  const Scratch scratch(kernels.topic_scratch(c.k));
  std::vector<T> table(c.v * stride);
  std::vector<double> level(c.v);

  TopicTable<T> t;
  std::vector<T> prior(1, static_cast<T>(c.prior));
  std::vector<std::int32_t> vocabulary(c.v);
  for (std::size_t w = 0; w < c.v; ++w) vocabulary[w] = static_cast<std::int32_t>(w);
  t.topics.counts = {c.topics.data(), c.v, c.k};
  t.topics.prior = prior.data();
  t.topics.psi_total = c.psi_total.data();
  t.words = vocabulary.data();
  t.count = c.v;
  std::vector<T> common(stride);
  const double least = *std::min_element(c.psi_total.begin(), c.psi_total.end());
  for (std::size_t k = 0; k < c.k; ++k) common[k] = static_cast<T>(std::exp(least - c.psi_total[k]));
  t.common = common.data();
  t.whole = {table.data(), c.v, stride};
  t.level = level.data();
  std::vector<T> row_sums(c.v);
  t.row_sums = row_sums.data();
  t.scratch = scratch.p;
  if constexpr (twice)
    kernels.topic_table_d(t);
  else
    kernels.topic_table_f(t);
  const Packing<T> packing(c.topics, c.v, c.k);
  if (guarded) {  // the same topics, from here on, without their zeros
    const std::vector<T> before = table;
    t.topics.counts.data = nullptr;
    t.topics.packed = {packing.bits.data(), packing.kept.data(), packing.first.data()};
    if constexpr (twice)
      kernels.topic_table_d(t);
    else
      kernels.topic_table_f(t);
    expect(table == before, what + " table of packed counts");
  }
  for (std::size_t w = 0; w < c.v; ++w) {
    double best = -INFINITY;
    for (std::size_t k = 0; k < c.k; ++k)
      best = std::max(best, digamma(c.prior + static_cast<double>(c.topics[w * c.k + k])) - c.psi_total[k]);
    expect(std::abs(level[w] - best) < (twice ? 1e-9 : 1e-5) * std::max(1.0, std::abs(digamma(c.prior))),
           what + " level");
  }
  const TablePacking<T> packed(kernels, t, stride, what);

  std::vector<T> gamma(c.documents * c.k, T(1)), weights(nnz), theta(c.documents * stride), previous;
  std::vector<double> bound(c.documents);
  std::vector<std::int32_t> sweeps(c.documents);
  DocumentStep<T> s;
  s.start = c.start.data();
  s.documents = c.documents;
  s.words = c.words.data();
  s.counts = c.counts.data();
  s.topics = t.topics;
  s.vocabulary = vocabulary.data();
  s.table.whole = {table.data(), c.v, stride};
  s.level = level.data();
  s.sharpen = !guarded;
  if (!guarded && c.k % 2) s.row_sums = row_sums.data();
  s.alpha = c.alpha.data();
  s.max_sweeps = guarded ? 3 : 60;
  s.tolerance = 1e-4;
  s.gamma = {gamma.data(), c.documents, c.k};
  if (guarded) {  // everything on one topic: most words get no weight from it
    previous.assign(c.documents * c.k, static_cast<T>(c.prior));
    for (std::size_t d = 0; d < c.documents; ++d) previous[d * c.k + d % c.k] += T(10);
    gamma = previous;
    s.gamma.data = gamma.data();
    s.previous = {previous.data(), c.documents, c.k};
  }
  s.weights = weights.data();
  s.theta = {theta.data(), c.documents, stride};
  s.bound = bound.data();
  s.sweeps = sweeps.data();
  s.scratch = scratch.p;
  if constexpr (twice)
    kernels.document_step_d(s);
  else
    kernels.document_step_f(s);
  for (std::size_t d = 0; d < c.documents; ++d) {
    double total = 0, tokens = 0;
    for (std::size_t k = 0; k < c.k; ++k) total += static_cast<double>(gamma[d * c.k + k]) - c.prior;
    for (auto e = c.start[d]; e < c.start[d + 1]; ++e) tokens += static_cast<double>(c.counts[e]);
    if (!guarded) expect(std::abs(total - tokens) < 1e-4 * (1 + tokens), what + " tokens of a document");
    expect(std::isfinite(bound[d]), what + " bound");
  }

  {  // the same documents from packed rows, to the last bit
    DocumentStep<T> again = s;
    std::vector<T> own = guarded ? previous : std::vector<T>(gamma.size(), T(1)), room(nnz), shares(theta.size());
    std::vector<double> reached(c.documents);
    again.table = packed.rows;
    again.gamma.data = own.data();
    again.weights = room.data();
    again.theta.data = shares.data();
    again.bound = reached.data();
    if constexpr (twice)
      kernels.document_step_d(again);
    else
      kernels.document_step_f(again);
    expect(own == gamma && room == weights && shares == theta && reached == bound, what + " documents, packed");
  }

  if (s.row_sums) {  // shares alone: fewer rows are looked at, the same documents come out
    const std::vector<T> before = gamma;
    DocumentStep<T> again = s;
    std::vector<T> room(nnz);
    std::fill(gamma.begin(), gamma.end(), T(1));
    again.weights = room.data();
    again.theta = {};
    again.bound = nullptr;
    if constexpr (twice)
      kernels.document_step_d(again);
    else
      kernels.document_step_f(again);
    for (std::size_t i = 0; i < gamma.size(); ++i)
      expect(std::abs(gamma[i] - before[i]) <= 1e-2 * static_cast<double>(c.k), what + " shares alone");
    gamma = before;
  }

  fold_in(kernels, c, stride, what);

  std::vector<std::int32_t> distinct, entries, documents;
  std::vector<std::int64_t> starts{0};
  std::vector<std::int32_t> document_of(nnz);
  for (std::size_t d = 0; d < c.documents; ++d)
    for (auto e = c.start[d]; e < c.start[d + 1]; ++e) document_of[e] = static_cast<std::int32_t>(d);
  for (std::size_t w = 0; w < c.v; ++w) {
    const std::size_t before = entries.size();
    for (std::size_t e = 0; e < nnz; ++e)
      if (static_cast<std::size_t>(c.words[e]) == w) {
        entries.push_back(static_cast<std::int32_t>(e));
        documents.push_back(document_of[e]);
      }
    if (entries.size() == before) continue;
    distinct.push_back(static_cast<std::int32_t>(w));
    starts.push_back(static_cast<std::int64_t>(entries.size()));
  }
  std::vector<T> sums(c.v * c.k);
  WordSums<T> a;
  a.words = distinct.data();
  a.count = distinct.size();
  a.start = starts.data();
  a.entries = entries.data();
  a.documents = documents.data();
  a.weights = weights.data();
  a.theta = {theta.data(), c.documents, stride};
  a.gamma = {gamma.data(), c.documents, c.k};
  a.topics = t.topics;
  a.vocabulary = vocabulary.data();
  std::vector<T> rows(table);
  a.table.whole = {rows.data(), c.v, stride};
  a.out = {sums.data(), c.v, c.k};
  a.dense = guarded;
  a.scratch = scratch.p;
  if constexpr (twice)
    kernels.word_sums_d(a);
  else
    kernels.word_sums_f(a);
  {
    std::vector<T> again(c.v * c.k);
    a.table = packed.rows;
    a.out.data = again.data();
    if constexpr (twice)
      kernels.word_sums_d(a);
    else
      kernels.word_sums_f(a);
    expect(again == sums, what + " sums of words, packed");
  }
  if (!guarded) {
    a.table = {};
    a.table.whole = {rows.data(), c.v, stride};
    a.place = rows.data();
    a.out = {};
    if constexpr (twice)
      kernels.word_sums_d(a);
    else
      kernels.word_sums_f(a);
    for (std::size_t i = 0; i < distinct.size(); ++i)
      for (std::size_t k = 0; k < c.k; ++k) {
        const auto w = static_cast<std::size_t>(distinct[i]);
        expect(rows[w * stride + k] == sums[w * c.k + k], what + " sums in the place of the table");
      }
  }
  std::vector<double> expected(c.v), found(c.v);
  for (std::size_t e = 0; e < nnz; ++e)
    expected[static_cast<std::size_t>(c.words[e])] += static_cast<double>(c.counts[e]);
  for (std::size_t i = 0; i < sums.size(); ++i) found[i / c.k] += static_cast<double>(sums[i]);
  for (std::size_t w = 0; w < c.v; ++w)
    expect(std::abs(found[w] - expected[w]) <= 1e-5 * (1 + expected[w]), what + " tokens of a word");

  std::vector<double> terms(c.k);
  TopicTerms<T> m;
  m.topics = t.topics;
  m.words = distinct.data();
  m.count = distinct.size();
  m.statistics = {sums.data(), c.v, c.k};
  m.dense = true;
  m.factor = 1;
  m.own_factor = guarded ? -1 : 0;
  m.log_gamma = guarded;
  m.out = terms.data();
  m.scratch = scratch.p;
  if constexpr (twice)
    kernels.topic_terms_d(m);
  else
    kernels.topic_terms_f(m);
  for (const double value : terms) expect(std::isfinite(value), what + " terms");

  std::vector<T> base(c.topics);
  RowUpdate<T> u;
  u.base = {base.data(), c.v, c.k};
  u.keep = guarded ? T(0.5) : T(1);
  u.rows = distinct.data();
  u.count = distinct.size();
  u.add = sums.data();
  u.factor = T(2);
  u.subtract = guarded ? sums.data() : nullptr;
  u.factor_old = T(2);
  if constexpr (twice)
    kernels.row_update_d(u);
  else
    kernels.row_update_f(u);
  for (const T value : base) expect(std::isfinite(value) && value >= T(0), what + " row update");
}

}  // namespace

int main() {
  const std::size_t topics[] = {1, 2, 4, 7, 8, 16, 17, 33, 100};
  const double priors[] = {1.0, 0.05, 1e-3, 1e-5};
  for (const std::string& name : available_isas()) {
    const Kernels& kernels = kernels_for(name);
    for (const std::size_t k : topics)
      for (const double prior : priors)
        for (const bool guarded : {false, true}) {
          run(kernels, Corpus<double>(1 + generator() % 60, k, 1 + generator() % 12, 1 + generator() % 40, prior),
              guarded);
          run(kernels, Corpus<float>(1 + generator() % 60, k, 1 + generator() % 12, 1 + generator() % 40, prior),
              guarded);
        }
    // Longer than what is gathered.
    run(kernels, Corpus<double>(900, 100, 3, 800, 0.1), false);
    run(kernels, Corpus<float>(900, 100, 3, 800, 0.1), true);
    std::printf("%s: topic kernels done\n", name.c_str());
  }
  return outcome();
}
