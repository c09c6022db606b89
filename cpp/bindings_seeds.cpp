// Groups of documents that topics form around, for Python. The contract: bindings.cpp.
#include "arguments.hpp"
#include "seeds.hpp"

namespace vivace {
void bind_seeds(py::module_& m);

namespace {

template <class T>
std::size_t seed_groups_of(const py::object& counts, const py::object& start, const py::object& words,
                           std::size_t n_words, std::size_t first, const py::object& draws, const py::object& members) {
  const auto values = view<const T>(counts, "counts", any, 0);
  const auto offsets = view<const std::int64_t>(start, "start", any, 0);
  const auto columns = view<const std::int32_t>(words, "words", values.rows, 0);
  const auto out = view<std::int64_t>(members, "members", any, any);
  if (out.rows == 0 || out.cols == 0) throw py::value_error("members must have a row and a column");
  const auto uniform = view<const double>(draws, "draws", out.rows - 1, 0);
  bool rises =
      offsets.rows > 1 && offsets[0] == 0 && static_cast<std::size_t>(offsets[offsets.rows - 1]) == values.rows;
  for (std::size_t i = 1; rises && i < offsets.rows; ++i) rises = offsets[i - 1] <= offsets[i];
  if (!rises) throw py::value_error("start must rise from 0 to the number of counts");
  if (first + 1 >= offsets.rows) throw py::value_error("first must be a document");
  for (std::size_t e = 0; e < columns.rows; ++e)
    if (columns[e] < 0 || static_cast<std::size_t>(columns[e]) >= n_words)
      throw py::value_error("words must lie from 0 to below n_words");
  return without_gil(
      [&] { return seed_groups(Directions(offsets, columns.data, values.data, n_words), first, uniform, out); });
}

}  // namespace

void bind_seeds(py::module_& m) {
  using py::arg;
  using O = py::object;
  m.def(
      "seed_groups",
      [](const O& start, const O& words, const O& counts, std::size_t n_words, std::size_t first, const O& draws,
         const O& members) {
        return by_dtype(&seed_groups_of<double>, &seed_groups_of<float>, counts, start, words, n_words, first, draws,
                        members);
      },
      arg("start"), arg("words"), arg("counts"), arg("n_words"), arg("first"), arg("draws"), arg("members"),
      "Fills rows with documents that are alike, unlike those of other rows; returns the number of rows.");
}

}  // namespace vivace
