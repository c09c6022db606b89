// Collapsed variational Bayes for Python: batches of documents, worked on by as many threads as call.
#include <optional>

#include "arguments.hpp"
#include "crew.hpp"
#include "cvb0_corpus.hpp"

namespace vivace {
void bind_cvb0(py::module_& m);

namespace {

template <class T>
constexpr bool is_double = std::is_same_v<T, double>;
template <class T>
using StoreItem = std::conditional_t<is_double<T>, float, std::uint16_t>;
/// Offsets that rise from 0 to `last`.
View<const std::int64_t> edges_of(const py::object& object, const char* name, std::size_t last) {
  const auto v = view<const std::int64_t>(object, name, any, 0);
  bool good = v.rows > 0 && v[0] == 0 && static_cast<std::size_t>(v[v.rows - 1]) == last;
  for (std::size_t i = 1; good && i < v.rows; ++i) good = v[i - 1] <= v[i];
  if (!good) throw py::value_error(std::string(name) + " must rise from 0 to " + std::to_string(last));
  return v;
}

template <class I>
void check_below(const View<const I>& v, const char* name, std::size_t size) {
  bool good = true;
  for (std::size_t i = 0; i < v.rows; ++i) good = good && v[i] >= 0 && static_cast<std::size_t>(v[i]) < size;
  if (!good) throw py::value_error(std::string(name) + " must lie from 0 to below " + std::to_string(size));
}

template <class T>
std::unique_ptr<Cvb0Corpus> make_corpus(const py::object& counts, const py::object& start, const py::object& words,
                                        const py::object& weights, std::size_t n_words, const py::object& order,
                                        const py::object& batches, std::size_t block_entries) {
  const auto values = view<const T>(counts, "counts", any, 0);
  const auto offsets = edges_of(start, "start", values.rows);
  const auto columns = view<const std::int32_t>(words, "words", values.rows, 0);
  const auto given = optional_view<const double>(weights, "weights", offsets.rows - 1, 0);
  const auto chosen = view<const std::int64_t>(order, "order", any, 0);
  check_below(chosen, "order", offsets.rows - 1);
  // Of the chosen documents alone: they may be few of many, and there are calls for each part of a corpus.
  for (std::size_t i = 0; i < chosen.rows; ++i) {
    const auto d = static_cast<std::size_t>(chosen[i]), size = static_cast<std::size_t>(offsets[d + 1] - offsets[d]);
    check_below(View<const std::int32_t>{columns.data + offsets[d], size, 1}, "words", n_words);
  }
  const auto ends = edges_of(batches, "batches", chosen.rows);
  return without_gil([&] {
    return std::make_unique<Cvb0Corpus>(offsets, columns.data, values.data, given.data, n_words, chosen, ends,
                                        block_entries);
  });
}

/// The arrays of a run, in Python's hands.
struct State {
  py::object table, sums, totals, inverse, alpha, gamma, kept, change, factors, moved, likelihood;
};

/// The topics that a lean store keeps, below the number of topics.
template <class Topic>
Topic* kept_of(const py::object& object, const Cvb0Corpus& corpus, std::size_t topics, bool fresh) {
  if (topics > 65536) throw py::value_error("a lean store takes up to 65536 topics");
  const auto kept = view<Topic>(object, "kept", corpus.size(), lean_entries);
  for (std::size_t i = 0; !fresh && i < kept.rows * kept.cols; ++i)
    if (kept[i] >= topics) throw py::value_error("kept must lie from 0 to below the number of topics");
  return kept.data;
}

template <class T>
void visit(const py::object& table, const Cvb0Corpus& corpus, const State& state, const py::object& marks,
           std::size_t from, std::size_t to, std::size_t sweeps, bool fresh, bool divide, double least_word,
           double least_topic, bool from_behind) {
  const Kernels& kernels = active_kernels();
  Cvb0Documents<T> a;
  const auto sums = view<double>(state.sums, "sums", any, 0);
  a.topics = sums.rows;
  const std::size_t stride = is_double<T> ? kernels.topic_stride_d(a.topics) : kernels.topic_stride_f(a.topics);
  const auto rows = view<T>(table, "table", corpus.n_words, stride);
  const auto totals = view<T>(state.totals, "totals", stride, 0);
  const auto inverse = view<T>(state.inverse, "inverse", stride, 0);
  a.table = {rows.data, rows.rows, rows.cols};
  a.totals = totals.data;
  a.inverse = inverse.data;
  a.alpha = view<const T>(state.alpha, "alpha", stride, 0).data;
  a.least_word = static_cast<T>(least_word);
  a.least_topic = static_cast<T>(least_topic);
  a.sweeps = sweeps;
  a.fresh = fresh;
  a.divide = divide;
  const bool lean = !state.kept.is_none();
  if (lean && a.topics <= 256)
    a.kept_bytes = kept_of<std::uint8_t>(state.kept, corpus, a.topics, fresh);
  else if (lean)
    a.kept = kept_of<std::uint16_t>(state.kept, corpus, a.topics, fresh);
  const std::size_t width = lean ? lean_entries : a.topics;
  auto* gamma = view<StoreItem<T>>(state.gamma, "gamma", corpus.size(), width).data;
  a.gamma = gamma;
  if (sweeps != 1 && !fresh) throw py::value_error("sweeps must be 1 unless fresh is set");
  StoreItem<T>* before = nullptr;
  if (lean)
    a.change = view<T>(state.change, "change", corpus.most_entries, stride).data;
  else
    before = view<StoreItem<T>>(state.change, "change", corpus.most_entries, a.topics).data;
  a.before = before;
  a.factors = view<T>(state.factors, "factors", corpus.most_entries, 0).data;
  const auto moved = view<double>(state.moved, "moved", corpus.most_blocks, a.topics);
  const auto likelihood = view<double>(state.likelihood, "likelihood", corpus.blocks.size() - 1, 0);
  const auto counters = view<std::int64_t>(marks, "marks", any, 0);
  if (from > to || to > corpus.batches() || counters.rows != 4 * (to - from))
    throw py::value_error("first and last must be batches of the corpus, and marks hold four counters for each");
  a.counts = corpus.counts(T());
  if (a.counts == nullptr && corpus.size()) throw py::type_error("table must have the dtype of the counts");
  a.words = corpus.words.data();
  const Scratch memory = scratch(kernels.cvb0_scratch(a.topics));
  a.scratch = memory.get();
  Cvb0Words<T> w;
  w.topics = a.topics;
  w.change = a.change;
  w.before = fresh ? nullptr : before;
  w.factors = a.factors;
  w.table = rows;

  without_gil([&] {
    const Crew crew(counters, from_behind);
    for (std::size_t b = from; b < to; ++b) {
      const auto first = static_cast<std::size_t>(corpus.batch_blocks[b]);
      const std::int64_t blocks = corpus.batch_blocks[b + 1] - corpus.batch_blocks[b];
      crew.step(2 * (b - from), blocks, [&](std::size_t i) {
        Cvb0Documents<T> block = a;
        const auto d = static_cast<std::size_t>(corpus.blocks[first + i]);
        block.start = corpus.start.data() + d;
        block.documents = static_cast<std::size_t>(corpus.blocks[first + i + 1]) - d;
        block.row_weights = corpus.weights.empty() ? nullptr : corpus.weights.data() + d;
        // What lies behind is at work in another thread: to ask for it would slow both down.
        block.entries = static_cast<std::size_t>(corpus.start[d + block.documents]);
        block.batch_first = static_cast<std::int64_t>(corpus.first_entry(b));
        block.moved = moved.row(i);
        block.likelihood = &likelihood[first + i];
        if constexpr (is_double<T>)
          kernels.cvb0_documents_d(block);
        else
          kernels.cvb0_documents_f(block);
      });
      const auto first_task = static_cast<std::size_t>(corpus.batch_tasks[b]);
      const std::int64_t tasks = corpus.batch_tasks[b + 1] - corpus.batch_tasks[b];
      crew.step(2 * (b - from) + 1, tasks + 1, [&](std::size_t i) {
        if (i == 0) {  // the totals: blocks in their order
          for (std::size_t j = 0; j < static_cast<std::size_t>(blocks); ++j)
            for (std::size_t k = 0; k < a.topics; ++k) sums[k] += moved(j, k);
          for (std::size_t k = 0; k < a.topics; ++k) {
            totals[k] = static_cast<T>(sums[k]);
            inverse[k] = static_cast<T>(1 / sums[k]);
          }
          return;
        }
        Cvb0Words<T> part = w;
        part.gamma = gamma + corpus.first_entry(b) * width;
        const auto t = static_cast<std::size_t>(corpus.tasks[first_task + i - 1]);
        part.words = corpus.distinct.data() + t;
        part.count = static_cast<std::size_t>(corpus.tasks[first_task + i]) - t;
        part.ends = corpus.word_ends.data() + t;
        part.begin = corpus.word_begin(t, i == 1);
        part.near = corpus.near.empty() ? nullptr : corpus.near.data() + corpus.first_entry(b);
        part.far = corpus.far.empty() ? nullptr : corpus.far.data() + corpus.first_entry(b);
        if constexpr (is_double<T>)
          kernels.cvb0_words_d(part);
        else
          kernels.cvb0_words_f(part);
      });
    }
  });
}

template <class T>
void extrapolate(const py::object& table, const py::object& previous, const py::object& counts, const py::object& prior,
                 std::size_t first, std::size_t last, std::optional<double> begun, double step,
                 const py::object& sums) {
  const Kernels& kernels = active_kernels();
  Cvb0Extrapolation<T> a;
  a.sums = view<double>(sums, "sums", 2, any);
  const std::size_t topics = a.sums.cols;
  const std::size_t stride = is_double<T> ? kernels.topic_stride_d(topics) : kernels.topic_stride_f(topics);
  a.table = view<T>(table, "table", any, stride);
  const std::size_t words = a.table.rows;
  a.previous = view<const T>(previous, "previous", words, topics);
  a.counts = view<T>(counts, "counts", words, topics);
  a.prior = prior_view<T>(prior, words, topics);
  check_range(first, last, words);
  a.first = first;
  a.last = last;
  a.fresh = !begun;
  a.begun = static_cast<T>(begun.value_or(0));
  a.step = static_cast<T>(step);
  without_gil([&] {
    if constexpr (is_double<T>)
      kernels.cvb0_extrapolate_d(a);
    else
      kernels.cvb0_extrapolate_f(a);
  });
}

}  // namespace

void bind_cvb0(py::module_& m) {
  using py::arg;
  using O = py::object;
  py::class_<Cvb0Corpus>(m, "Cvb0Corpus", "Documents in an order of their own, cut into batches, blocks and tasks.")
      .def(py::init([](const O& start, const O& words, const O& counts, const O& weights, std::size_t n_words,
                       const O& order, const O& batches, std::size_t block_entries) {
             return by_dtype(&make_corpus<double>, &make_corpus<float>, counts, start, words, weights, n_words, order,
                             batches, block_entries);
           }),
           arg("start"), arg("words"), arg("counts"), arg("weights"), arg("n_words"), arg("order"), arg("batches"),
           arg("block_entries"))
      .def_property_readonly("n_entries", &Cvb0Corpus::size)
      .def_property_readonly("n_batches", &Cvb0Corpus::batches)
      .def_property_readonly("n_blocks", [](const Cvb0Corpus& c) { return c.blocks.size() - 1; })
      .def_readonly("most_entries", &Cvb0Corpus::most_entries)
      .def_readonly("most_blocks", &Cvb0Corpus::most_blocks);
  m.attr("cvb0_lean_entries") = lean_entries;
  m.def(
      "cvb0_visit",
      [](const Cvb0Corpus& corpus, const O& table, const O& sums, const O& totals, const O& inverse, const O& alpha,
         const O& gamma, const O& kept, const O& change, const O& factors, const O& moved, const O& likelihood,
         const O& marks, std::size_t first, std::size_t last, std::size_t sweeps, bool fresh, bool divide,
         double least_word, double least_topic, bool from_behind) {
        const State state{table, sums, totals, inverse, alpha, gamma, kept, change, factors, moved, likelihood};
        by_dtype(&visit<double>, &visit<float>, table, corpus, state, marks, first, last, sweeps, fresh, divide,
                 least_word, least_topic, from_behind);
      },
      arg("corpus"), arg("table"), arg("sums"), arg("totals"), arg("inverse"), arg("alpha"), arg("gamma"), arg("kept"),
      arg("change"), arg("factors"), arg("moved"), arg("likelihood"), arg("marks"), arg("first"), arg("last"),
      arg("sweeps"), arg("fresh"), arg("divide"), arg("least_word"), arg("least_topic"), arg("from_behind"),
      "Works on some batches, together with the other threads that call with the same arrays.");
  m.def(
      "cvb0_extrapolate",
      [](const O& table, const O& previous, const O& counts, const O& prior, std::size_t first, std::size_t last,
         std::optional<double> begun, double step, const O& sums) {
        by_dtype(&extrapolate<double>, &extrapolate<float>, table, previous, counts, prior, first, last, begun, step,
                 sums);
      },
      arg("table"), arg("previous"), arg("counts"), arg("prior"), arg("first"), arg("last"), arg("begun"), arg("step"),
      arg("sums"), "Ends a pass for some words: expected counts, and the table that the next pass starts from.");
}

}  // namespace vivace
