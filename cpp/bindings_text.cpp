// The parsers of counts written as text, for Python. The contract: bindings.cpp.
#include <limits>

#include "arguments.hpp"
#include "text.hpp"

namespace vivace {
void bind_text(py::module_& m);

namespace {

const char* name(TextFault fault) {
  switch (fault) {
    case TextFault::none: return "";
    case TextFault::number: return "number";
    case TextFault::extra: return "extra";
    case TextFault::row: return "row";
    case TextFault::column: return "column";
    case TextFault::value: return "value";
    case TextFault::whole: return "whole";
    case TextFault::length: return "length";
  }
  return "";
}

/// Bytes that end with a line end.
struct Text {
  py::buffer_info info;
  const char* data;
  std::size_t size;

  explicit Text(const py::buffer& text)
      : info(text.request()), data(static_cast<const char*>(info.ptr)), size(static_cast<std::size_t>(info.size)) {
    if (info.itemsize != 1 || info.ndim != 1 || (size > 1 && info.strides[0] != 1))
      throw py::type_error("text must be contiguous bytes");
    if (size > 0 && data[size - 1] != '\n') throw py::value_error("text must end with a line end");
  }
};

TextLimits limits_of(std::int64_t n_rows, std::int64_t n_columns, std::int64_t base, bool whole) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  if (n_rows < 0 || n_rows > most || n_columns < 0 || n_columns > most)
    throw py::value_error("n_rows and n_columns must lie from 0 to " + std::to_string(most));
  if (base != 0 && base != 1) throw py::value_error("base must be 0 or 1, got " + std::to_string(base));
  return {base, base + n_rows - 1, base, base + n_columns - 1, whole};
}

py::tuple result(const TextProgress& done) {
  return py::make_tuple(done.bytes, done.lines, done.rows, done.entries, name(done.fault));
}

template <class T>
py::tuple triples(const py::object& values, const py::buffer& text, std::int64_t n_rows, std::int64_t n_columns,
                  bool with_value, bool whole, const py::object& rows, const py::object& columns) {
  const Text in(text);
  const TextLimits limits = limits_of(n_rows, n_columns, 1, whole);
  const auto c = view<std::int32_t>(columns, "columns", any, 0);
  const auto r = view<std::int32_t>(rows, "rows", c.rows, 0);
  const auto v = view<T>(values, "values", c.rows, 0);
  return result(without_gil([&] { return parse_triples<T>(in.data, in.size, limits, with_value, r, c, v); }));
}

template <class T>
py::tuple pairs(const py::object& values, const py::buffer& text, std::int64_t n_columns, std::int64_t base,
                const std::string& form, bool whole, const py::object& start, const py::object& columns) {
  const Text in(text);
  const TextLimits limits = limits_of(0, n_columns, base, whole);
  if (form != "lda-c" && form != "svmlight") throw py::value_error("form must be lda-c or svmlight, got " + form);
  const PairForm kind = form == "lda-c" ? PairForm::lda_c : PairForm::svmlight;
  const auto s = view<std::int64_t>(start, "start", any, 0);
  const auto c = view<std::int32_t>(columns, "columns", any, 0);
  const auto v = view<T>(values, "values", c.rows, 0);
  return result(without_gil([&] { return parse_pairs<T>(in.data, in.size, limits, kind, s, c, v); }));
}

}  // namespace

void bind_text(py::module_& m) {
  using py::arg;
  using O = py::object;
  m.def(
      "parse_triples",
      [](const py::buffer& text, std::int64_t n_rows, std::int64_t n_columns, bool with_value, bool whole,
         const O& rows, const O& columns, const O& values) {
        return by_dtype(&triples<double>, &triples<float>, values, text, n_rows, n_columns, with_value, whole, rows,
                        columns);
      },
      arg("text"), arg("n_rows"), arg("n_columns"), arg("with_value"), arg("whole"), arg("rows"), arg("columns"),
      arg("values"), "Parses lines of row, column and value; returns bytes, lines, rows, entries and the fault.");
  m.def(
      "parse_pairs",
      [](const py::buffer& text, std::int64_t n_columns, std::int64_t base, const std::string& form, bool whole,
         const O& start, const O& columns, const O& values) {
        return by_dtype(&pairs<double>, &pairs<float>, values, text, n_columns, base, form, whole, start, columns);
      },
      arg("text"), arg("n_columns"), arg("base"), arg("form"), arg("whole"), arg("start"), arg("columns"),
      arg("values"), "Parses lines of column:value; returns bytes, lines, rows, entries and the fault.");
}

}  // namespace vivace
