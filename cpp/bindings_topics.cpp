// The kernels of latent Dirichlet allocation for Python.
#include <algorithm>

#include "topic_arguments.hpp"

namespace vivace {
void bind_topics(py::module_& m);

namespace {

/// A table of `rows` rows: an array, or (packed, start, common).
template <class T>
TableRows<T> table_rows(const py::object& object, std::size_t rows, std::size_t stride) {
  TableRows<T> t;
  if (!py::isinstance<py::tuple>(object)) {
    t.whole = view<const T>(object, "table", rows, stride);
    return t;
  }
  const auto parts = py::reinterpret_borrow<py::tuple>(object);
  if (py::len(parts) != 3) throw py::value_error("table must be an array or a tuple (packed, start, common)");
  const auto packed = view<const T>(parts[0], "packed", any, 0);
  const std::size_t room = packed_room<T>(stride);
  if (packed.rows < room) throw py::value_error("packed must have room for a row behind");
  const auto start = offsets(parts[1], "start of rows", packed.rows - room);
  if (start.rows != rows + 1) throw py::value_error("start of rows must hold an offset more than there are rows");
  t.packed = packed.data;
  t.start = start.data;
  t.common = view<const T>(parts[2], "common", stride, 0).data;
  return t;
}

template <class T>
void topic_documents(const py::object& topics, const py::object& vocabulary, const py::object& table,
                     const py::object& level, const py::object& start, const py::object& words,
                     const py::object& counts, const py::object& row_weights, const py::object& alpha,
                     std::size_t max_sweeps, double tolerance, const py::object& gamma, const py::object& previous,
                     const py::object& weights, const py::object& theta, const py::object& bound,
                     const py::object& log_theta, const py::object& sweeps, bool sharpen, const py::object& row_sums) {
  DocumentStep<T> a;
  a.topics = topic_rows<T>(topics);
  const std::size_t k = a.topics.counts.cols;
  const auto known = indices(vocabulary, "vocabulary", any, a.topics.counts.rows);
  a.vocabulary = known.data;
  a.table = table_rows<T>(table, known.rows, stride_of<T>(k));
  a.level = view<const double>(level, "level", known.rows, 0).data;
  const auto all_counts = view<const T>(counts, "counts", any, 0);
  const auto offset = offsets(start, "start", all_counts.rows);
  a.start = offset.data;
  a.documents = offset.rows - 1;
  a.counts = all_counts.data;
  a.words = indices(words, "words", all_counts.rows, known.rows, offset).data;
  a.row_weights = optional_view<const double>(row_weights, "row_weights", a.documents, 0).data;
  a.alpha = view<const double>(alpha, "alpha", k, 0).data;
  a.max_sweeps = max_sweeps;
  a.tolerance = tolerance;
  a.sharpen = sharpen;
  a.row_sums = optional_view<const T>(row_sums, "row_sums", known.rows, 0).data;
  a.gamma = view<T>(gamma, "gamma", a.documents, k);
  a.previous = optional_view<T>(previous, "previous", a.documents, k);
  a.weights = view<T>(weights, "weights", all_counts.rows, 0).data;
  a.theta = optional_view<T>(theta, "theta", a.documents, stride_of<T>(k));
  a.bound = optional_view<double>(bound, "bound", a.documents, 0).data;
  a.log_theta = optional_view<double>(log_theta, "log_theta", k, 0).data;
  a.sweeps = optional_view<std::int32_t>(sweeps, "sweeps", a.documents, 0).data;
  call<T>(active_kernels().document_step_d, active_kernels().document_step_f, a, k);
}

template <class T>
void topic_start(const py::object& counts, const py::object& start, const py::object& words, std::uint64_t seed,
                 double centre, double width, const py::object& gamma) {
  DocumentStart<T> a;
  const auto all_counts = view<const T>(counts, "counts", any, 0);
  const auto offset = offsets(start, "start", all_counts.rows);
  a.start = offset.data;
  a.words = view<const std::int32_t>(words, "words", all_counts.rows, 0).data;
  a.counts = all_counts.data;
  a.seed = seed;
  a.centre = centre;
  a.width = width;
  a.gamma = view<T>(gamma, "gamma", offset.rows - 1, any);
  const Kernels& kernels = active_kernels();
  without_gil([&] {
    if constexpr (is_double<T>)
      kernels.document_start_d(a);
    else
      kernels.document_start_f(a);
  });
}

template <class T>
void topic_fold_in(const py::object& table, const py::object& start, const py::object& words, const py::object& counts,
                   const py::object& alpha, std::size_t max_sweeps, double tolerance, const py::object& gamma) {
  const Kernels& kernels = active_kernels();
  FoldIn<T> a;
  const auto all_counts = view<const T>(counts, "counts", any, 0);
  const auto offset = offsets(start, "start", all_counts.rows);
  a.start = offset.data;
  a.documents = offset.rows - 1;
  a.gamma = view<T>(gamma, "gamma", a.documents, any);
  const std::size_t k = a.gamma.cols, stride = stride_of<T>(k);
  a.table = view<const T>(table, "table", any, stride);
  a.words = indices(words, "words", all_counts.rows, a.table.rows, offset).data;
  a.counts = all_counts.data;
  a.alpha = view<const T>(alpha, "alpha", stride, 0).data;
  a.max_sweeps = max_sweeps;
  a.tolerance = tolerance;
  std::size_t longest = 0;
  for (std::size_t d = 0; d < a.documents; ++d)
    longest = std::max(longest, static_cast<std::size_t>(offset[d + 1] - offset[d]));
  const Scratch shares = scratch(longest * stride * sizeof(T)), memory = scratch(kernels.fold_in_scratch(k));
  a.shares = reinterpret_cast<T*>(shares.get());
  a.scratch = memory.get();
  without_gil([&] {
    if constexpr (is_double<T>)
      kernels.fold_in_d(a);
    else
      kernels.fold_in_f(a);
  });
}

template <class T>
void topic_word_sums(const py::object& topics, const py::object& vocabulary, const py::object& table,
                     const py::object& words, const py::object& start, const py::object& entries,
                     const py::object& documents, const py::object& weights, const py::object& theta,
                     const py::object& gamma, const py::object& out, bool dense) {
  WordSums<T> a;
  a.topics = topic_rows<T>(topics);
  const std::size_t v = a.topics.counts.rows, k = a.topics.counts.cols;
  const auto known = indices(vocabulary, "vocabulary", any, v);
  a.vocabulary = known.data;
  a.table = table_rows<T>(table, known.rows, stride_of<T>(k));
  if (out.is_none()) a.place = view<T>(table, "table", known.rows, stride_of<T>(k)).data;
  const auto distinct = indices(words, "words", any, known.rows);
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
  a.dense = dense;
  a.out = optional_view<T>(out, "out", dense ? v : known.rows, k);
  call<T>(active_kernels().word_sums_d, active_kernels().word_sums_f, a, k);
}

/// Sorts entries by word: `first` becomes the words' offsets into `entries` and `documents`, in which they rise.
void topic_words(const py::object& start, const py::object& columns, const py::object& first, const py::object& entries,
                 const py::object& documents) {
  const auto offset = view<std::int64_t>(first, "first", any, 0);
  if (offset.rows == 0) throw py::value_error("first must hold an offset more than there are words");
  const auto words = indices(columns, "columns", any, offset.rows - 1);
  const auto rows = offsets(start, "start", words.rows);
  const auto places = view<std::int32_t>(entries, "entries", words.rows, 0);
  const auto owners = view<std::int32_t>(documents, "documents", words.rows, 0);
  if (rows[0] != 0 || static_cast<std::size_t>(rows[rows.rows - 1]) != words.rows)
    throw py::value_error("start must rise from 0 to the number of columns");
  without_gil([&] {
    std::fill_n(offset.data, offset.rows, 0);
    for (std::size_t e = 0; e < words.rows; ++e) ++offset[static_cast<std::size_t>(words[e]) + 1];
    for (std::size_t w = 1; w < offset.rows; ++w) offset[w] += offset[w - 1];
    for (std::size_t d = 0; d + 1 < rows.rows; ++d)
      for (auto e = static_cast<std::size_t>(rows[d]); e < static_cast<std::size_t>(rows[d + 1]); ++e) {
        const auto at = static_cast<std::size_t>(offset[static_cast<std::size_t>(words[e])]++);
        places[at] = static_cast<std::int32_t>(e);
        owners[at] = static_cast<std::int32_t>(d);
      }
    for (std::size_t w = offset.rows - 1; w > 0; --w) offset[w] = offset[w - 1];
    offset[0] = 0;
  });
}

template <class T>
void topic_terms(const py::object& topics, const py::object& words, const py::object& statistics, double factor,
                 double own_factor, bool log_gamma, bool digamma, const py::object& out, const py::object& sums) {
  TopicTerms<T> a;
  a.topics = topic_rows<T>(topics);
  const std::size_t v = a.topics.counts.rows, k = a.topics.counts.cols;
  a.count = v;
  if (!words.is_none()) {
    const auto chosen = indices(words, "words", any, v);
    a.words = chosen.data;
    a.count = chosen.rows;
  }
  if (py::isinstance<Packed>(statistics)) {
    a.packed_statistics = packed_numbers<T>(statistics.cast<const Packed&>(), v, k);
  } else if (!statistics.is_none()) {
    a.statistics = view<const T>(statistics, "statistics", any, k);
    a.dense = a.statistics.rows == v;
    if (!a.dense && a.statistics.rows != a.count)
      throw py::value_error("statistics must have " + std::to_string(v) + " rows, or one for each of words, " +
                            std::to_string(a.count) + "; got " + std::to_string(a.statistics.rows));
  }
  a.factor = factor;
  a.own_factor = own_factor;
  a.log_gamma = log_gamma;
  a.digamma = digamma;
  a.out = view<double>(out, "out", k, 0).data;
  a.sums = optional_view<double>(sums, "sums", k, 0).data;
  call<T>(active_kernels().topic_terms_d, active_kernels().topic_terms_f, a, k);
}

/// One call, so that Python never sees it half done: `version` tells whether it was done already.
template <class T>
void row_update(const py::object& base, const py::object& version, std::int64_t expected, std::int64_t next,
                double keep, const py::object& rows, const py::object& add, double factor, const py::object& subtract,
                double factor_old, bool clip) {
  RowUpdate<T> a;
  a.base = view<T>(base, "base", any, any);
  const std::size_t columns = a.base.cols;
  const auto counter = view<std::int64_t>(version, "version", 1, 0);
  a.keep = static_cast<T>(keep);
  a.count = a.base.rows;
  if (!rows.is_none()) {
    const auto chosen = indices(rows, "rows", any, a.base.rows);
    a.rows = chosen.data;
    a.count = chosen.rows;
  }
  a.add = view<const T>(add, "add", a.count, columns).data;
  a.factor = static_cast<T>(factor);
  a.subtract = optional_view<const T>(subtract, "subtract", a.count, columns).data;
  a.factor_old = static_cast<T>(factor_old);
  a.clip = clip;
  if (counter[0] != expected) return;
  const Kernels& kernels = active_kernels();
  without_gil([&] {
    if constexpr (is_double<T>)
      kernels.row_update_d(a);
    else
      kernels.row_update_f(a);
    counter[0] = next;
  });
}

}  // namespace

void bind_topics(py::module_& m) {
  using py::arg;
  using O = py::object;
  m.def(
      "topic_documents",
      [](const O& topics, const O& vocabulary, const O& table, const O& level, const O& start, const O& words,
         const O& counts, const O& row_weights, const O& alpha, std::size_t max_sweeps, double tolerance,
         const O& gamma, const O& previous, const O& weights, const O& theta, const O& bound, const O& log_theta,
         const O& sweeps, bool sharpen, const O& row_sums) {
        by_topics(&topic_documents<double>, &topic_documents<float>, topics, vocabulary, table, level, start, words,
                  counts, row_weights, alpha, max_sweeps, tolerance, gamma, previous, weights, theta, bound, log_theta,
                  sweeps, sharpen, row_sums);
      },
      arg("topics"), arg("vocabulary"), arg("table"), arg("level"), arg("start"), arg("words"), arg("counts"),
      arg("row_weights"), arg("alpha"), arg("max_sweeps"), arg("tolerance"), arg("gamma"), arg("previous"),
      arg("weights"), arg("theta") = py::none(), arg("bound") = py::none(), arg("log_theta") = py::none(),
      arg("sweeps") = py::none(), arg("sharpen") = false, arg("row_sums") = py::none(),
      "Variational step of documents at fixed topics.");
  m.def(
      "topic_start",
      [](const O& start, const O& words, const O& counts, std::uint64_t seed, double centre, double width,
         const O& gamma) {
        by_dtype(&topic_start<double>, &topic_start<float>, counts, start, words, seed, centre, width, gamma);
      },
      arg("start"), arg("words"), arg("counts"), arg("seed"), arg("centre"), arg("width"), arg("gamma"),
      "Fills gamma with random parameters that follow from the seed and the words of each document.");
  m.def(
      "topic_fold_in",
      [](const O& table, const O& start, const O& words, const O& counts, const O& alpha, std::size_t max_sweeps,
         double tolerance, const O& gamma) {
        by_dtype(&topic_fold_in<double>, &topic_fold_in<float>, table, start, words, counts, alpha, max_sweeps,
                 tolerance, gamma);
      },
      arg("table"), arg("start"), arg("words"), arg("counts"), arg("alpha"), arg("max_sweeps"), arg("tolerance"),
      arg("gamma"), "Collapsed inference of documents at fixed topics.");
  m.def("topic_words", &topic_words, arg("start"), arg("columns"), arg("first"), arg("entries"), arg("documents"),
        "Sorts the entries of compressed rows by word.");
  m.def(
      "topic_word_sums",
      [](const O& topics, const O& vocabulary, const O& table, const O& words, const O& start, const O& entries,
         const O& documents, const O& weights, const O& theta, const O& gamma, const O& out, bool dense) {
        by_topics(&topic_word_sums<double>, &topic_word_sums<float>, topics, vocabulary, table, words, start, entries,
                  documents, weights, theta, gamma, out, dense);
      },
      arg("topics"), arg("vocabulary"), arg("table"), arg("words"), arg("start"), arg("entries"), arg("documents"),
      arg("weights"), arg("theta"), arg("gamma"), arg("out"), arg("dense"),
      "Adds the expected counts of words to out, or without it writes them into the table.");
  m.def(
      "topic_terms",
      [](const O& topics, const O& words, const O& statistics, double factor, double own_factor, bool log_gamma,
         bool digamma, const O& out, const O& sums) {
        by_topics(&topic_terms<double>, &topic_terms<float>, topics, words, statistics, factor, own_factor, log_gamma,
                  digamma, out, sums);
      },
      arg("topics"), arg("words"), arg("statistics"), arg("factor"), arg("own_factor"), arg("log_gamma"),
      arg("digamma"), arg("out"), arg("sums") = py::none(),
      "Fills out (K,) with terms of the bound that belong to topics, and sums (K,) with those of the statistics.");
  m.def(
      "row_update",
      [](const O& base, const O& version, std::int64_t expected, std::int64_t next, double keep, const O& rows,
         const O& add, double factor, const O& subtract, double factor_old, bool clip) {
        by_dtype(&row_update<double>, &row_update<float>, base, version, expected, next, keep, rows, add, factor,
                 subtract, factor_old, clip);
      },
      arg("base"), arg("version"), arg("expected"), arg("next"), arg("keep"), arg("rows"), arg("add"), arg("factor"),
      arg("subtract"), arg("factor_old"), arg("clip"),
      "Changes rows of base in place and makes version the next; does nothing where version is not as expected.");
}

}  // namespace vivace
