// Collapsed Gibbs sampling for Python: a block of documents, or a part of the words, a call.
#include <cmath>

#include "arguments.hpp"
#include "sampled_corpus.hpp"

namespace vivace {
void bind_sampled(py::module_& m);

namespace {

template <class T>
std::unique_ptr<SampledCorpus> make_corpus(const py::object& counts, const py::object& start, const py::object& words,
                                           std::size_t n_words, const py::object& chosen) {
  const auto values = view<const T>(counts, "counts", any, 0);
  const auto offsets = view<const std::int64_t>(start, "start", any, 0);
  const auto columns = view<const std::int32_t>(words, "words", values.rows, 0);
  bool good = offsets.rows > 0 && offsets[0] == 0 && static_cast<std::size_t>(offsets[offsets.rows - 1]) == values.rows;
  for (std::size_t i = 1; good && i < offsets.rows; ++i) good = offsets[i - 1] <= offsets[i];
  if (!good) throw py::value_error("start must rise from 0 to " + std::to_string(values.rows));
  double tokens = 0;
  for (std::size_t e = 0; e < values.rows; ++e) {
    const auto count = static_cast<double>(values[e]);
    if (columns[e] < 0 || static_cast<std::size_t>(columns[e]) >= n_words)
      throw py::value_error("words must lie from 0 to below " + std::to_string(n_words));
    if (!(count >= 0 && count < 0x1p31) || count != std::floor(count))
      throw py::value_error("counts must be whole numbers, not negative, got " + std::to_string(count));
    tokens += count;
  }
  if (!(tokens < 0x1p31)) throw py::value_error("counts must add up to less than 2^31 tokens");
  const auto documents = optional_view<const std::int64_t>(chosen, "chosen", any, 0);
  for (std::size_t d = 0; d < documents.rows; ++d)
    if (documents[d] < 0 || static_cast<std::size_t>(documents[d]) + 1 >= offsets.rows)
      throw py::value_error("chosen must lie from 0 to below the number of rows");
  return without_gil(
      [&] { return std::make_unique<SampledCorpus>(offsets, columns.data, values.data, n_words, documents); });
}

std::vector<std::size_t> word_edges(const SampledCorpus& corpus, std::size_t parts) {
  if (parts == 0) throw py::value_error("parts must be at least 1");
  return without_gil([&] { return corpus.word_edges(parts); });
}

template <class Topic>
bool below(const Topic* topic, std::size_t size, std::size_t topics) {
  Topic most = 0;
  for (std::size_t t = 0; t < size; ++t) most = topic[t] > most ? topic[t] : most;
  return size == 0 || most < topics;
}

/// Whether the topics of tokens `from` to `to` are such.
bool below(const TokenTopics& topic, std::int64_t from, std::int64_t to, std::size_t topics) {
  const auto size = static_cast<std::size_t>(to - from);
  return topic.bytes ? below(topic.bytes + from, size, topics) : below(topic.wide + from, size, topics);
}

void check_topics(bool good, std::size_t topics) {
  if (!good) throw py::value_error("topic must lie from 0 to below " + std::to_string(topics));
}

/// The topics of the tokens, of which there are `topics`.
TokenTopics topics_of(const SampledCorpus& corpus, const py::object& topic, std::size_t topics) {
  TokenTopics found;
  if (!has_dtype<std::uint8_t>(topic))
    found.wide = view<std::uint16_t>(topic, "topic", corpus.n_tokens(), 0).data;
  else if (topics > 256)
    throw py::type_error("topic must be a uint16 array for more than 256 topics");
  else
    found.bytes = view<std::uint8_t>(topic, "topic", corpus.n_tokens(), 0).data;
  return found;
}

double documents(const SampledCorpus& corpus, std::size_t first, std::size_t last, const py::object& topic,
                 const py::object& table, const py::object& alpha, const py::object& one, const py::object& rest,
                 double least, std::size_t topics, std::size_t sweeps, std::uint64_t key, const py::object& learned) {
  const Kernels& kernels = active_kernels();
  check_range(first, last, corpus.documents());
  if (topics == 0 || topics > 65536) throw py::value_error("topics must lie from 1 to 65536");
  const std::size_t stride = kernels.topic_stride_f(topics);
  SampledDocuments a;
  a.rows = corpus.rows;
  a.first = first;
  a.last = last;
  a.topic = topics_of(corpus, topic, topics);
  a.topics = topics;
  a.table = view<const float>(table, "table", corpus.vocabulary, stride);
  a.alpha = view<const float>(alpha, "alpha", stride, 0).data;
  a.one = view<const float>(one, "one", stride, 0).data;
  a.rest = view<const float>(rest, "rest", stride, 0).data;
  a.least = static_cast<float>(least);
  // More than one sweep is for tokens that have no topic yet.
  a.fresh = sweeps > 1;
  a.sweeps = sweeps;
  a.key = key;
  a.learned = optional_view<double>(learned, "learned", topics, 0).data;
  if (sweeps == 0 || (a.fresh && a.learned)) throw py::value_error("sweeps must be 1, or more without learned");
  double likelihood = 0;
  a.likelihood = &likelihood;
  const Scratch memory = scratch(kernels.sampled_scratch(topics));
  a.scratch = memory.get();
  bool good = true, same = true;
  without_gil([&] {
    good = a.fresh || below(a.topic, corpus.tokens[first], corpus.tokens[last], topics);
    same = corpus.same(first, last);
    if (good && same) kernels.sampled_documents(a);
  });
  check_topics(good, topics);
  // The documents are the caller's arrays, and kernels rely on them.
  if (!same) throw py::value_error("documents must not change while they are sampled");
  return likelihood;
}

void counts(const SampledCorpus& corpus, std::size_t first, std::size_t last, const py::object& topic,
            const py::object& table, const py::object& sums) {
  const Kernels& kernels = active_kernels();
  SampledCounts a;
  const auto out = view<std::int64_t>(sums, "sums", any, 0);
  a.topics = out.rows;
  a.sums = out.data;
  a.rows = corpus.rows;
  a.documents = corpus.documents();
  a.topic = topics_of(corpus, topic, a.topics);
  a.table = view<std::int32_t>(table, "table", corpus.vocabulary, kernels.topic_stride_f(a.topics));
  check_range(first, last, a.table.rows);
  a.first = first;
  a.last = last;
  const bool good = without_gil([&] {
    const bool within = below(a.topic, 0, corpus.tokens.back(), a.topics);
    if (within) kernels.sampled_counts(a);
    return within;
  });
  check_topics(good, a.topics);
}

template <class T>
void means(const py::object& previous, std::size_t first, std::size_t last, const py::object& table,
           const py::object& means, const py::object& prior, const py::object& one, double rate,
           const py::object& sums) {
  const Kernels& kernels = active_kernels();
  SampledMeans<T> a;
  const auto out = view<double>(sums, "sums", any, 0);
  const std::size_t topics = out.rows, stride = kernels.topic_stride_f(topics);
  a.sums = out.data;
  a.table = view<float>(table, "table", any, stride);
  a.previous = view<const T>(previous, "previous", a.table.rows, topics);
  a.means = view<T>(means, "means", a.table.rows, topics);
  a.prior = prior_view<T>(prior, a.table.rows, topics);
  a.one = view<const float>(one, "one", stride, 0).data;
  check_range(first, last, a.table.rows);
  a.first = first;
  a.last = last;
  a.rate = static_cast<T>(rate);
  without_gil([&] {
    if constexpr (std::is_same_v<T, double>)
      kernels.sampled_means_d(a);
    else
      kernels.sampled_means_f(a);
  });
}

}  // namespace

void bind_sampled(py::module_& m) {
  using py::arg;
  using O = py::object;
  py::class_<SampledCorpus>(m, "SampledCorpus",
                            "Documents in compressed rows, which stay the caller's and must not change.")
      .def(py::init([](const O& start, const O& words, const O& counts, std::size_t n_words, const O& chosen) {
             return by_dtype(&make_corpus<double>, &make_corpus<float>, counts, start, words, n_words, chosen);
           }),
           arg("start"), arg("words"), arg("counts"), arg("n_words"), arg("chosen") = py::none(),
           py::keep_alive<1, 2>(), py::keep_alive<1, 3>(), py::keep_alive<1, 4>(), py::keep_alive<1, 6>())
      .def_property_readonly("n_tokens", &SampledCorpus::n_tokens)
      .def("word_edges", &word_edges, arg("parts"), "Cuts the words into at most so many ranges of as many tokens.");
  m.def("sampled_documents", &documents, arg("corpus"), arg("first"), arg("last"), arg("topic"), arg("table"),
        arg("alpha"), arg("one"), arg("rest"), arg("least"), arg("topics"), arg("sweeps"), arg("key"), arg("learned"),
        "Draws new topics for the tokens of some documents; returns the sum of log p(word | all other tokens).");
  m.def("sampled_counts", &counts, arg("corpus"), arg("first"), arg("last"), arg("topic"), arg("table"), arg("sums"),
        "Counts some words in topics; calls for different words may run at the same time.");
  m.def(
      "sampled_means",
      [](const O& previous, std::size_t first, std::size_t last, const O& table, const O& averages, const O& prior,
         const O& one, double rate, const O& sums) {
        by_dtype(&means<double>, &means<float>, previous, first, last, table, averages, prior, one, rate, sums);
      },
      arg("previous"), arg("first"), arg("last"), arg("table"), arg("means"), arg("prior"), arg("one"), arg("rate"),
      arg("sums"), "Ends a pass for some words: means of counts, and the table that the next pass starts from.");
}

}  // namespace vivace
