// Tables of exp(E ln beta) for Python.
#include "topic_arguments.hpp"

namespace vivace {
void bind_topic_table(py::module_& m);

namespace {

template <class T>
void table_sizes(const py::object& topics, const py::object& words, const py::object& sizes) {
  TableSizes<T> a;
  a.topics = topic_rows<T>(topics);
  const auto chosen = indices(words, "words", any, a.topics.counts.rows);
  a.words = chosen.data;
  a.count = chosen.rows;
  a.sizes = view<std::int64_t>(sizes, "sizes", a.count, 0).data;
  call<T>(active_kernels().table_sizes_d, active_kernels().table_sizes_f, a, a.topics.counts.cols);
}

template <class T>
void topic_table(const py::object& topics, const py::object& words, const py::object& common, const py::object& table,
                 const py::object& level, const py::object& row_sums) {
  TopicTable<T> a;
  a.topics = topic_rows<T>(topics);
  const std::size_t k = a.topics.counts.cols, stride = stride_of<T>(k);
  const auto chosen = indices(words, "words", any, a.topics.counts.rows);
  a.words = chosen.data;
  a.count = chosen.rows;
  a.common = view<const T>(common, "common", stride, 0).data;
  if (py::isinstance<py::tuple>(table)) {
    const auto parts = py::reinterpret_borrow<py::tuple>(table);
    if (py::len(parts) != 2) throw py::value_error("table must be an array or a tuple (packed, start)");
    const auto packed = view<T>(parts[0], "packed", any, 0);
    const auto start = offsets(parts[1], "start of rows", packed.rows);
    if (start.rows != a.count + 1) throw py::value_error("start of rows must hold an offset more than there are words");
    a.packed = packed.data;
    a.start = start.data;
  } else {
    a.whole = view<T>(table, "table", a.count, stride);
  }
  a.level = view<double>(level, "level", a.count, 0).data;
  a.row_sums = view<T>(row_sums, "row_sums", a.count, 0).data;
  call<T>(active_kernels().topic_table_d, active_kernels().topic_table_f, a, k);
}

}  // namespace

void bind_topic_table(py::module_& m) {
  using py::arg;
  using O = py::object;
  m.def(
      "topic_stride",
      [](std::size_t topics, bool single) { return single ? stride_of<float>(topics) : stride_of<double>(topics); },
      arg("n_topics"), arg("single"), "Columns of a table of topics: their number, filled up to whole vectors.");
  m.def(
      "packed_room",
      [](std::size_t stride, bool single) { return single ? packed_room<float>(stride) : packed_room<double>(stride); },
      arg("stride"), arg("single"), "Numbers behind the last of the packed rows of a table.");
  m.def(
      "table_sizes",
      [](const O& topics, const O& words, const O& sizes) {
        by_topics(&table_sizes<double>, &table_sizes<float>, topics, words, sizes);
      },
      arg("topics"), arg("words"), arg("sizes"), "Counts the entries that a packed row of each word holds.");
  m.def(
      "topic_table",
      [](const O& topics, const O& words, const O& common, const O& table, const O& level, const O& row_sums) {
        by_topics(&topic_table<double>, &topic_table<float>, topics, words, common, table, level, row_sums);
      },
      arg("topics"), arg("words"), arg("common"), arg("table"), arg("level"), arg("row_sums"),
      "Fills rows of exp(E ln beta), one for each word, as they are or packed.");
}

}  // namespace vivace
