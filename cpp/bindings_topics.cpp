// The kernels of latent Dirichlet allocation for Python.
#include "arguments.hpp"

namespace vivace {
void bind_topics(py::module_& m);

namespace {

template <class T>
constexpr bool is_double = std::is_same_v<T, double>;

/// Offsets that rise from at least 0 to at most `size`.
View<const std::int64_t> offsets(const py::object& object, const char* name, std::size_t size) {
  const auto v = view<const std::int64_t>(object, name, any, 0);
  if (v.rows == 0) throw py::value_error(std::string(name) + " must hold at least one offset, got none");
  bool good = v[0] >= 0 && static_cast<std::size_t>(v[v.rows - 1]) <= size;
  for (std::size_t i = 1; i < v.rows; ++i) good = good && v[i - 1] <= v[i];
  if (!good)
    throw py::value_error(std::string(name) + " must rise from at least 0 to at most " + std::to_string(size) +
                          ", the number of entries");
  return v;
}

/// Indices from 0 to below `size`; only those of `offsets` are looked at where they are given.
View<const std::int32_t> indices(const py::object& object, const char* name, std::size_t count, std::size_t size,
                                 const View<const std::int64_t>& used = {}) {
  const auto v = view<const std::int32_t>(object, name, count, 0);
  const std::size_t from = used ? static_cast<std::size_t>(used[0]) : 0;
  const std::size_t to = used ? static_cast<std::size_t>(used[used.rows - 1]) : v.rows;
  if (to > v.rows)
    throw py::value_error(std::string(name) + " must hold " + std::to_string(to) + " entries or more, got " +
                          std::to_string(v.rows));
  bool good = true;
  for (std::size_t i = from; i < to; ++i) good = good && v[i] >= 0 && static_cast<std::size_t>(v[i]) < size;
  if (!good) throw py::value_error(std::string(name) + " must lie from 0 to below " + std::to_string(size));
  return v;
}

template <class T>
View<const T> topics_view(const py::object& object) {
  const auto v = view<const T>(object, "topics", any, any);
  if (v.rows == 0 || v.cols == 0)
    throw py::value_error("topics must have at least one word and one topic, got shape (" + std::to_string(v.rows) +
                          ", " + std::to_string(v.cols) + ")");
  return v;
}

template <class T>
std::size_t stride_of(std::size_t topics) {
  return is_double<T> ? active_kernels().topic_stride_d(topics) : active_kernels().topic_stride_f(topics);
}

template <class T>
void topic_table(const py::object& topics, const py::object& psi_total, const py::object& words,
                 const py::object& table, const py::object& level) {
  TopicTable<T> a;
  a.topics = topics_view<T>(topics);
  const std::size_t v = a.topics.rows, k = a.topics.cols;
  a.psi_total = view<const double>(psi_total, "psi_total", k, 0).data;
  a.count = v;
  if (!words.is_none()) {
    const auto chosen = indices(words, "words", any, v);
    a.words = chosen.data;
    a.count = chosen.rows;
  }
  a.table = view<T>(table, "table", v, stride_of<T>(k));
  a.level = view<double>(level, "level", v, 0).data;
  const Kernels& kernels = active_kernels();
  const Scratch memory = scratch(kernels.topic_scratch(k));
  a.scratch = memory.get();
  without_gil([&] {
    if constexpr (is_double<T>)
      kernels.topic_table_d(a);
    else
      kernels.topic_table_f(a);
  });
}

template <class T>
void topic_documents(const py::object& topics, const py::object& psi_total, const py::object& table,
                     const py::object& level, const py::object& start, const py::object& words,
                     const py::object& counts, const py::object& row_weights, const py::object& alpha,
                     std::size_t max_sweeps, double tolerance, const py::object& gamma, const py::object& previous,
                     const py::object& weights, const py::object& theta, const py::object& bound,
                     const py::object& sweeps) {
  DocumentStep<T> a;
  a.topics = topics_view<T>(topics);
  const std::size_t v = a.topics.rows, k = a.topics.cols;
  a.psi_total = view<const double>(psi_total, "psi_total", k, 0).data;
  a.table = view<const T>(table, "table", v, stride_of<T>(k));
  a.level = view<const double>(level, "level", v, 0).data;
  const auto all_counts = view<const T>(counts, "counts", any, 0);
  const auto offset = offsets(start, "start", all_counts.rows);
  a.start = offset.data;
  a.documents = offset.rows - 1;
  a.counts = all_counts.data;
  a.words = indices(words, "words", all_counts.rows, v, offset).data;
  a.row_weights = optional_view<const double>(row_weights, "row_weights", a.documents, 0).data;
  a.alpha = view<const double>(alpha, "alpha", k, 0).data;
  a.max_sweeps = max_sweeps;
  a.tolerance = tolerance;
  a.gamma = view<T>(gamma, "gamma", a.documents, k);
  a.previous = optional_view<T>(previous, "previous", a.documents, k);
  a.weights = view<T>(weights, "weights", all_counts.rows, 0).data;
  a.theta = optional_view<T>(theta, "theta", a.documents, stride_of<T>(k));
  a.bound = optional_view<double>(bound, "bound", a.documents, 0).data;
  a.sweeps = optional_view<std::int32_t>(sweeps, "sweeps", a.documents, 0).data;
  const Kernels& kernels = active_kernels();
  const Scratch memory = scratch(kernels.topic_scratch(k));
  a.scratch = memory.get();
  without_gil([&] {
    if constexpr (is_double<T>)
      kernels.document_step_d(a);
    else
      kernels.document_step_f(a);
  });
}

template <class T>
void topic_word_sums(const py::object& topics, const py::object& psi_total, const py::object& table,
                     const py::object& words, const py::object& start, const py::object& entries,
                     const py::object& documents, const py::object& weights, const py::object& theta,
                     const py::object& gamma, const py::object& out) {
  WordSums<T> a;
  a.topics = topics_view<T>(topics);
  const std::size_t v = a.topics.rows, k = a.topics.cols;
  a.psi_total = view<const double>(psi_total, "psi_total", k, 0).data;
  a.table = view<const T>(table, "table", v, stride_of<T>(k));
  const auto distinct = indices(words, "words", any, v);
  a.words = distinct.data;
  a.count = distinct.rows;
  const auto all_entries = view<const std::int32_t>(entries, "entries", any, 0);
  const auto offset = offsets(start, "start", all_entries.rows);
  if (offset.rows != a.count + 1)
    throw py::value_error("start must have shape (" + std::to_string(a.count + 1) + ",), one more than words, got (" +
                          std::to_string(offset.rows) + ",)");
  a.start = offset.data;
  const auto all_weights = view<const T>(weights, "weights", any, 0);
  a.weights = all_weights.data;
  a.entries = indices(entries, "entries", all_entries.rows, all_weights.rows, offset).data;
  a.gamma = view<const T>(gamma, "gamma", any, k);
  a.theta = view<const T>(theta, "theta", a.gamma.rows, stride_of<T>(k));
  a.documents = indices(documents, "documents", all_entries.rows, a.gamma.rows, offset).data;
  a.out = view<double>(out, "out", v, k);
  const Kernels& kernels = active_kernels();
  const Scratch memory = scratch(kernels.topic_scratch(k));
  a.scratch = memory.get();
  without_gil([&] {
    if constexpr (is_double<T>)
      kernels.word_sums_d(a);
    else
      kernels.word_sums_f(a);
  });
}

template <class T>
void topic_terms(const py::object& topics, const py::object& psi_total, const py::object& words,
                 const py::object& statistics, const py::object& prior, const py::object& out) {
  TopicTerms<T> a;
  a.topics = topics_view<T>(topics);
  const std::size_t v = a.topics.rows, k = a.topics.cols;
  a.psi_total = view<const double>(psi_total, "psi_total", k, 0).data;
  a.count = v;
  if (!words.is_none()) {
    const auto chosen = indices(words, "words", any, v);
    a.words = chosen.data;
    a.count = chosen.rows;
  }
  a.statistics = optional_view<const double>(statistics, "statistics", v, k);
  a.with_prior = !prior.is_none();
  a.prior = a.with_prior ? prior.cast<double>() : 0.0;
  a.out = view<double>(out, "out", k, 0).data;
  const Kernels& kernels = active_kernels();
  const Scratch memory = scratch(kernels.topic_scratch(k));
  a.scratch = memory.get();
  without_gil([&] {
    if constexpr (is_double<T>)
      kernels.topic_terms_d(a);
    else
      kernels.topic_terms_f(a);
  });
}

}  // namespace

void bind_topics(py::module_& m) {
  using py::arg;
  using O = py::object;
  m.def(
      "topic_stride",
      [](std::size_t topics, bool single) { return single ? stride_of<float>(topics) : stride_of<double>(topics); },
      arg("n_topics"), arg("single"), "Columns of a table of topics: their number, filled up to whole vectors.");
  m.def(
      "topic_table",
      [](const O& topics, const O& psi_total, const O& words, const O& table, const O& level) {
        by_dtype(&topic_table<double>, &topic_table<float>, topics, psi_total, words, table, level);
      },
      arg("topics"), arg("psi_total"), arg("words"), arg("table"), arg("level"),
      "Fills the rows of exp(E ln beta) of the given words.");
  m.def(
      "topic_documents",
      [](const O& topics, const O& psi_total, const O& table, const O& level, const O& start, const O& words,
         const O& counts, const O& row_weights, const O& alpha, std::size_t max_sweeps, double tolerance,
         const O& gamma, const O& previous, const O& weights, const O& theta, const O& bound, const O& sweeps) {
        by_dtype(&topic_documents<double>, &topic_documents<float>, topics, psi_total, table, level, start, words,
                 counts, row_weights, alpha, max_sweeps, tolerance, gamma, previous, weights, theta, bound, sweeps);
      },
      arg("topics"), arg("psi_total"), arg("table"), arg("level"), arg("start"), arg("words"), arg("counts"),
      arg("row_weights"), arg("alpha"), arg("max_sweeps"), arg("tolerance"), arg("gamma"), arg("previous"),
      arg("weights"), arg("theta") = py::none(), arg("bound") = py::none(), arg("sweeps") = py::none(),
      "Variational step of documents at fixed topics.");
  m.def(
      "topic_word_sums",
      [](const O& topics, const O& psi_total, const O& table, const O& words, const O& start, const O& entries,
         const O& documents, const O& weights, const O& theta, const O& gamma, const O& out) {
        by_dtype(&topic_word_sums<double>, &topic_word_sums<float>, topics, psi_total, table, words, start, entries,
                 documents, weights, theta, gamma, out);
      },
      arg("topics"), arg("psi_total"), arg("table"), arg("words"), arg("start"), arg("entries"), arg("documents"),
      arg("weights"), arg("theta"), arg("gamma"), arg("out"), "Adds the expected counts of words to out.");
  m.def(
      "topic_terms",
      [](const O& topics, const O& psi_total, const O& words, const O& statistics, const O& prior, const O& out) {
        by_dtype(&topic_terms<double>, &topic_terms<float>, topics, psi_total, words, statistics, prior, out);
      },
      arg("topics"), arg("psi_total"), arg("words"), arg("statistics"), arg("prior"), arg("out"),
      "Fills out (K,) with terms of the bound that belong to topics.");
}

}  // namespace vivace
