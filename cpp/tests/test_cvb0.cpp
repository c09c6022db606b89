// Runs the kernels of collapsed variational Bayes of every instruction set over many shapes. Values are compared with a
// slow reference in Python (tests/models/test_cvb0.py); here identities are checked that hold for any input, on heap
// blocks of exact size, so that a sanitizer build sees every step outside.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "crew.hpp"
#include "cvb0_corpus.hpp"
#include "dispatch.hpp"
#include "driver.hpp"

namespace {

using namespace vivace;

struct Settings {
  std::size_t sweeps;
  bool fresh, divide;
};

template <class T>
void run(const Kernels& kernels, std::size_t v, std::size_t topics, std::size_t documents, double scale, bool lean) {
  constexpr bool twice = std::is_same_v<T, double>;
  using Item = std::conditional_t<twice, float, std::uint16_t>;
  const std::string what = std::string(kernels.isa) + " V=" + std::to_string(v) + " K=" + std::to_string(topics) +
                           (twice ? " double" : " float") + (lean ? " lean" : "");
  const std::size_t stride = twice ? kernels.topic_stride_d(topics) : kernels.topic_stride_f(topics);
  std::vector<std::int64_t> start{0}, order(documents), edges;
  std::vector<std::int32_t> columns;
  std::vector<T> values;
  std::vector<double> weights;
  for (std::size_t d = 0; d < documents; ++d) {
    for (std::size_t w = 0; w < v; ++w)
      if (d != 1 && uniform() < 0.4) {
        columns.push_back(static_cast<std::int32_t>(w));
        values.push_back(static_cast<T>(scale * static_cast<double>(1 + generator() % 4)));
      }
    start.push_back(static_cast<std::int64_t>(columns.size()));
    weights.push_back(d % 3 == 0 ? 0.5 : 2.0);
  }
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), generator);
  for (std::size_t d = 0; d < documents; d += 3) edges.push_back(static_cast<std::int64_t>(d));
  edges.push_back(static_cast<std::int64_t>(documents));
  const Cvb0Corpus corpus(View<const std::int64_t>{start.data(), start.size(), 1}, columns.data(), values.data(),
                          scale < 1 ? weights.data() : nullptr, v,
                          View<const std::int64_t>{order.data(), order.size(), 1},
                          View<const std::int64_t>{edges.data(), edges.size(), 1}, 20);
  expect(corpus.size() == columns.size(), what + " corpus");

  std::vector<T> table(v * stride), totals(stride, static_cast<T>(INFINITY)), inverse(stride);
  std::vector<T> alpha(stride), change(lean ? corpus.most_entries * stride : 0), factors(corpus.most_entries);
  std::vector<Item> gamma(corpus.size() * (lean ? lean_entries : topics));
  std::vector<Item> before(lean ? 0 : corpus.most_entries * topics);
  const bool bytes = topics <= 256;
  std::vector<std::uint8_t> kept_bytes(lean && bytes ? corpus.size() * lean_entries : 0);
  std::vector<std::uint16_t> kept(lean && !bytes ? corpus.size() * lean_entries : 0);
  std::vector<double> moved(topics), sums(topics);
  for (std::size_t w = 0; w < v; ++w)
    for (std::size_t k = 0; k < topics; ++k) table[w * stride + k] = static_cast<T>(0.01 + uniform());
  for (std::size_t k = 0; k < topics; ++k) alpha[k] = T(0.1);
  const double begun = std::accumulate(table.begin(), table.end(), 0.0);
  double tokens = 0;
  for (std::size_t d = 0; d < documents; ++d) {
    const auto at = static_cast<std::size_t>(order[d]);
    for (auto e = start[at]; e < start[at + 1]; ++e)
      tokens += static_cast<double>(values[static_cast<std::size_t>(e)]) * (scale < 1 ? weights[at] : 1);
  }

  const Scratch scratch(kernels.cvb0_scratch(topics));
  const Settings passes[] = {{3, true, false}, {1, false, false}, {1, false, true}};
  for (const Settings& s : passes) {
    for (std::size_t b = 0; b < corpus.batches(); ++b) {
      for (std::size_t k = 0; k < topics; ++k) {
        sums[k] = 0;
        for (std::size_t w = 0; w < v; ++w) sums[k] += static_cast<double>(table[w * stride + k]);
        totals[k] = static_cast<T>(sums[k]);
        inverse[k] = static_cast<T>(1 / sums[k]);
      }
      const auto d = static_cast<std::size_t>(corpus.batch[b]), e = corpus.first_entry(b);
      double likelihood = 0;
      Cvb0Documents<T> a;
      a.start = corpus.start.data() + d;
      a.documents = static_cast<std::size_t>(corpus.batch[b + 1]) - d;
      a.words = corpus.words.data();
      a.counts = corpus.counts(T());
      a.row_weights = corpus.weights.empty() ? nullptr : corpus.weights.data() + d;
      a.topics = topics;
      a.table = {table.data(), v, stride};
      a.totals = totals.data();
      a.inverse = inverse.data();
      a.alpha = alpha.data();
      a.least_word = T(0.005);
      a.least_topic = T(0.05);
      a.sweeps = s.sweeps;
      a.fresh = s.fresh;
      a.divide = s.divide;
      a.gamma = gamma.data();
      a.kept_bytes = lean && bytes ? kept_bytes.data() : nullptr;
      a.kept = lean && !bytes ? kept.data() : nullptr;
      a.entries = corpus.size();
      a.before = before.data();
      a.change = lean ? change.data() : nullptr;
      a.factors = factors.data();
      a.batch_first = static_cast<std::int64_t>(e);
      a.moved = moved.data();
      a.likelihood = &likelihood;
      a.scratch = scratch.p;
      Cvb0Words<T> w;
      const auto t = static_cast<std::size_t>(corpus.tasks[static_cast<std::size_t>(corpus.batch_tasks[b])]);
      const auto until = static_cast<std::size_t>(corpus.tasks[static_cast<std::size_t>(corpus.batch_tasks[b + 1])]);
      w.words = corpus.distinct.data() + t;
      w.count = until - t;
      w.ends = corpus.word_ends.data() + t;
      w.begin = corpus.word_begin(t, true);
      w.near = corpus.near.data() + e;
      w.topics = topics;
      w.gamma = gamma.data() + (lean ? 0 : e * topics);
      w.before = s.fresh ? nullptr : before.data();
      w.change = a.change;
      w.factors = factors.data();
      w.table = {table.data(), v, stride};
      if constexpr (twice) {
        kernels.cvb0_documents_d(a);
        kernels.cvb0_words_d(w);
      } else {
        kernels.cvb0_documents_f(a);
        kernels.cvb0_words_f(w);
      }
      expect(std::isfinite(likelihood) && likelihood <= 1e-2 * tokens, what + " likelihood");
      const double all = std::accumulate(moved.begin(), moved.end(), 0.0);
      if (!s.fresh) expect(std::abs(all) < 1e-2 * (1 + tokens), what + " mass moved");
    }
    double mass = -begun;
    for (std::size_t w = 0; w < v; ++w)
      for (std::size_t k = 0; k < stride; ++k) {
        const T value = table[w * stride + k];
        mass += static_cast<double>(value);
        expect(k < topics ? value > T(0) : value == T(0), what + " table");
      }
    expect(std::abs(mass - tokens) < 2e-3 * (1 + tokens), what + " tokens");
  }

  // Without a step before, all of the table is shift.
  std::vector<T> previous(v * topics), counts(v * topics), prior{T(0.01)};
  for (std::size_t w = 0; w < v; ++w)
    for (std::size_t k = 0; k < topics; ++k) counts[w * topics + k] = table[w * stride + k];
  std::vector<double> both(2 * topics);
  Cvb0Extrapolation<T> x;
  x.table = {table.data(), v, stride};
  x.previous = {previous.data(), v, topics};
  x.counts = {counts.data(), v, topics};
  x.prior = {prior.data(), 1, 1};
  x.last = v;
  x.fresh = true;
  x.step = T(0.8);
  x.sums = {both.data(), 2, topics};
  if constexpr (twice)
    kernels.cvb0_extrapolate_d(x);
  else
    kernels.cvb0_extrapolate_f(x);
  for (std::size_t k = 0; k < topics; ++k)
    expect(both[k] == 0 && std::abs(both[topics + k] - 0.01 * static_cast<double>(v)) < 1e-4, what + " extrapolation");
}

/// Every task of every step is done once, and no step begins before the one before is done.
void crew(std::size_t threads) {
  constexpr std::size_t steps = 200, tasks = 7;
  std::vector<std::int64_t> marks(2 * steps);
  std::vector<int> done(steps * tasks);
  const auto work = [&](bool from_behind) {
    const Crew together(View<std::int64_t>{marks.data(), marks.size(), 1}, from_behind);
    for (std::size_t s = 0; s < steps; ++s)
      together.step(s, tasks, [&](std::size_t i) {
        const bool ready =
            s == 0 || std::all_of(done.begin() + static_cast<std::ptrdiff_t>((s - 1) * tasks),
                                  done.begin() + static_cast<std::ptrdiff_t>(s * tasks), [](int n) { return n == 1; });
        done[s * tasks + i] += ready ? 1 : 100;
      });
  };
  std::vector<std::thread> others;
  for (std::size_t t = 1; t < threads; ++t) others.emplace_back(work, t % 2 == 1);
  work(false);
  for (auto& other : others) other.join();
  expect(std::all_of(done.begin(), done.end(), [](int n) { return n == 1; }), "crew of " + std::to_string(threads));
}

}  // namespace

int main() {
  for (const std::size_t threads : {1, 2, 4}) crew(threads);
  for (const std::string& name : available_isas()) {
    const Kernels& kernels = kernels_for(name);
    for (const std::size_t topics : {1, 2, 7, 8, 15, 16, 17, 33, 64, 100, 128, 130, 300})
      for (const double scale : {1.0, 0.3}) {
        for (const bool lean : {false, true}) {
          run<double>(kernels, 1 + generator() % 30, topics, 2 + generator() % 12, scale, lean);
          run<float>(kernels, 1 + generator() % 30, topics, 2 + generator() % 12, scale, lean);
        }
      }
    std::printf("%s: kernels of collapsed variational Bayes done\n", name.c_str());
  }
  return outcome();
}
