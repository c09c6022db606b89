// Runs the kernels of collapsed Gibbs sampling of every instruction set over many shapes. Probabilities are compared
// with exact ones in Python (tests/models/test_sampled.py); here identities are checked that hold for any input, on
// heap blocks of exact size, so that a sanitizer build sees every step outside.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "dispatch.hpp"
#include "driver.hpp"
#include "sampled_corpus.hpp"

namespace {

using namespace vivace;

void call(const Kernels& kernels, const SampledMeans<double>& a) { kernels.sampled_means_d(a); }
void call(const Kernels& kernels, const SampledMeans<float>& a) { kernels.sampled_means_f(a); }

template <class T>
void run(const Kernels& kernels, std::size_t v, std::size_t topics, std::size_t documents, bool bytes,
         bool rising = true) {
  const std::string what = std::string(kernels.isa) + " V=" + std::to_string(v) + " K=" + std::to_string(topics) +
                           " documents=" + std::to_string(documents);
  const std::size_t stride = kernels.topic_stride_f(topics);
  std::vector<std::int64_t> start{0};
  std::vector<std::int32_t> columns;
  std::vector<T> values;
  for (std::size_t d = 0; d < documents; ++d) {
    for (std::size_t w = 0; w < v; ++w)
      if (d != 1 && uniform() < 0.4) {
        columns.push_back(static_cast<std::int32_t>(rising ? w : v - 1 - w));
        values.push_back(static_cast<T>(generator() % 4));
      }
    start.push_back(static_cast<std::int64_t>(columns.size()));
  }
  const SampledCorpus corpus(View<const std::int64_t>{start.data(), start.size(), 1}, columns.data(), values.data(), v);
  const std::size_t tokens = corpus.n_tokens();
  const std::vector<std::int64_t> last_two{static_cast<std::int64_t>(documents) - 1, std::int64_t(0)};
  const SampledCorpus part_of(View<const std::int64_t>{start.data(), start.size(), 1}, columns.data(), values.data(), v,
                              {last_two.data(), last_two.size(), 1});
  expect(part_of.documents() == 2 && part_of.same(0, 2), what + " chosen");
  expect(part_of.tokens[1] == corpus.tokens[documents] - corpus.tokens[documents - 1],
         what + " tokens of a chosen one");
  expect(static_cast<double>(tokens) == std::accumulate(values.begin(), values.end(), 0.0), what + " corpus");
  expect(corpus.documents() == documents && corpus.same(0, documents), what + " sizes");
  expect(corpus.rows.ordered || !rising, what + " order");
  if (!values.empty()) {
    values.back() += 1;
    expect(!corpus.same(0, documents), what + " changed");
    values.back() -= 1;
  }

  std::vector<std::uint16_t> wide(tokens, std::uint16_t(65535));
  std::vector<std::uint8_t> narrow(tokens, std::uint8_t(255));
  const TokenTopics topic{bytes ? narrow.data() : nullptr, wide.data()};
  std::vector<float> table(v * stride), alpha(stride), one(stride), rest(stride);
  std::vector<double> learned(topics), means_sums(topics);
  std::vector<std::int64_t> sums(topics), part(topics);
  std::vector<std::int32_t> counted(v * stride);
  std::vector<T> means(v * topics), previous(v * topics), prior{T(0.1)};
  for (std::size_t k = 0; k < topics; ++k) alpha[k] = 0.2f;
  for (std::size_t w = 0; w < v; ++w)
    for (std::size_t k = 0; k < topics; ++k) table[w * stride + k] = static_cast<float>(0.01 + uniform());
  const Scratch scratch(kernels.sampled_scratch(topics));
  for (std::size_t pass = 0; pass < 3; ++pass) {
    double likelihood = 0;
    SampledDocuments a;
    a.rows = corpus.rows;
    a.last = documents;
    a.topic = topic;
    a.topics = topics;
    a.table = {table.data(), v, stride};
    a.alpha = alpha.data();
    a.one = one.data();
    a.rest = rest.data();
    a.least = 1e-9f;
    a.fresh = pass == 0;
    a.sweeps = pass == 0 ? 3 : 1;
    a.key = pass + 7;
    a.learned = pass == 2 ? learned.data() : nullptr;
    a.likelihood = &likelihood;
    a.scratch = scratch.p;
    kernels.sampled_documents(a);
    expect(std::isfinite(likelihood), what + " likelihood");
    if (pass > 0) expect(likelihood <= 1e-5 * static_cast<double>(tokens), what + " likelihood below one");
    for (std::size_t t = 0; t < tokens; ++t) expect(topic[t] < topics, what + " topic");

    // Words in one to three parts: one call must not touch the other's rows.
    std::vector<std::int32_t> expected(v * stride);
    std::size_t t = 0;
    for (std::size_t e = 0; e < values.size(); ++e)
      for (auto i = static_cast<std::int32_t>(values[e]); i > 0; --i)
        ++expected[static_cast<std::size_t>(columns[e]) * stride + topic[t++]];
    std::fill(sums.begin(), sums.end(), 0);
    const std::vector<std::size_t> edges = corpus.word_edges(pass + 1);
    for (std::size_t i = edges.size() - 1; i > 0; --i) {
      SampledCounts c;
      c.rows = corpus.rows;
      c.documents = documents;
      c.topic = topic;
      c.topics = topics;
      c.first = edges[i - 1];
      c.last = edges[i];
      c.table = {counted.data(), v, stride};
      c.sums = part.data();
      kernels.sampled_counts(c);
      for (std::size_t k = 0; k < topics; ++k) sums[k] += part[k];
    }
    expect(counted == expected, what + " counts of words");
    expect(std::accumulate(sums.begin(), sums.end(), std::int64_t(0)) == static_cast<std::int64_t>(tokens),
           what + " counts");
    std::memcpy(table.data(), counted.data(), table.size() * sizeof(float));
    for (std::size_t k = 0; k < topics; ++k) {
      const double total = static_cast<double>(sums[k]) + 0.1 * static_cast<double>(v);
      one[k] = static_cast<float>(1 / total);
      rest[k] = static_cast<float>(total / std::max(total - 1, 0.1 * static_cast<double>(v)));
    }
    SampledMeans<T> m;
    m.table = {table.data(), v, stride};
    m.previous = {previous.data(), v, topics};
    m.means = {means.data(), v, topics};
    m.prior = {prior.data(), 1, 1};
    m.one = one.data();
    m.rate = pass == 0 ? T(1) : T(0.5);
    m.last = v;
    m.sums = means_sums.data();
    call(kernels, m);
    expect(std::abs(std::accumulate(means_sums.begin(), means_sums.end(), 0.0) - static_cast<double>(tokens)) <
               1e-3 * (1 + static_cast<double>(tokens)),
           what + " means");
    for (std::size_t k = 0; k < stride; ++k) {
      double column = 0;
      for (std::size_t w = 0; w < v; ++w) column += static_cast<double>(table[w * stride + k]);
      expect(std::abs(column - (k < topics ? 1 : 0)) < 1e-4, what + " table");
    }
    previous.swap(means);
  }
  for (const double gain : learned) expect(gain >= 0 && std::isfinite(gain), what + " learned");
}

}  // namespace

int main() {
  for (const std::string& name : available_isas()) {
    const Kernels& kernels = kernels_for(name);
    for (const std::size_t topics : {1, 2, 7, 8, 15, 16, 17, 33, 64, 100, 128, 130, 300})
      for (const std::size_t documents : {1, 3, 5, 30}) {
        run<double>(kernels, 1 + generator() % 30, topics, documents, false);
        run<float>(kernels, 1 + generator() % 30, topics, documents, topics <= 256);
        run<float>(kernels, 2 + generator() % 30, topics, documents, topics <= 256, false);
      }
    std::printf("%s: kernels of collapsed Gibbs sampling done\n", name.c_str());
  }
  return outcome();
}
