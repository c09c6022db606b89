// The border between Python and the kernels. Only the files cpp/bindings*.cpp include pybind11.
//
// Contract. Python validates what a user gave, once, and makes it C-contiguous float32 or float64. Here dtype, number
// of dimensions and shapes are checked again, so that no wrong call can touch memory that is not its own: TypeError and
// ValueError name the argument, what was expected and what came. Python allocates outputs, kernels fill them. The GIL
// is released around every kernel, by `without_gil` alone.
#include <algorithm>
#include <optional>

#include "arguments.hpp"

namespace vivace {
void bind_cvb0(py::module_& m);
void bind_memory(py::module_& m);
void bind_sampled(py::module_& m);
void bind_seeds(py::module_& m);
void bind_text(py::module_& m);
void bind_topic_table(py::module_& m);
void bind_topics(py::module_& m);

namespace {

// Rows of K numbers are padded to a multiple of the widest vector of doubles.
constexpr std::size_t pad = 8;

Kind kind_from(const std::string& text, const char* name) {
  if (text == "linear") return Kind::linear;
  if (text == "spherical") return Kind::spherical;
  if (text == "diag") return Kind::diag;
  if (text == "full") return Kind::full;
  throw py::value_error(std::string(name) + " must be 'linear', 'spherical', 'diag' or 'full', got '" + text + "'");
}

Mode mode_from(const std::string& text) {
  if (text == "soft") return Mode::soft;
  if (text == "hard") return Mode::hard;
  if (text == "given") return Mode::given;
  if (text == "score") return Mode::score;
  throw py::value_error("mode must be 'soft', 'hard', 'given' or 'score', got '" + text + "'");
}

void check_rows(std::size_t n, std::size_t d, std::size_t k) {
  if (n == 0 || d == 0 || k == 0)
    throw py::value_error("a block needs at least one row, one column and one component, got " + std::to_string(n) +
                          ", " + std::to_string(d) + ", " + std::to_string(k));
}

/// A matrix whose rows are padded to whole vectors of any instruction set.
template <class T>
View<T> padded_view(const py::object& object, const char* name, std::size_t rows, std::size_t cols) {
  if (object.is_none()) return {};
  const View<T> found = view<T>(object, name, rows, any);
  if (found.cols % pad != 0 || found.cols < cols)
    throw py::value_error(std::string(name) + " must have at least " + std::to_string(cols) +
                          " columns, a multiple of " + std::to_string(pad) + ", got " + std::to_string(found.cols));
  return found;
}

/// Entries of compressed rows, each checked to lie within a table of `limit` rows.
Entries entries_from(const py::object& start, const py::object& index, const py::object& values, std::size_t limit) {
  Entries e;
  const auto edges = view<const std::int64_t>(start, "start", any, 0);
  const auto found = view<const std::int32_t>(index, "index", any, 0);
  e.values = optional_view<const double>(values, "values", found.rows, 0).data;
  if (edges.rows == 0) throw py::value_error("start must hold at least one number, got none");
  e.start = edges.data;
  e.index = found.data;
  e.rows = edges.rows - 1;
  bool rising = edges[0] == 0 && edges[e.rows] == static_cast<std::int64_t>(found.rows);
  for (std::size_t i = 0; i < e.rows; ++i) rising = rising && edges[i] <= edges[i + 1];
  if (!rising) throw py::value_error("start must rise from 0 to the number of entries");
  std::uint32_t largest = 0;  // negative numbers become large
  for (std::size_t i = 0; i < found.rows; ++i) largest = std::max(largest, static_cast<std::uint32_t>(found[i]));
  if (found.rows && largest >= limit)
    throw py::value_error("index must lie from 0 to below " + std::to_string(limit) + ", got an entry outside");
  return e;
}

/// Columns of levels for `n` rows: (codes, first, table, sums or None).
Levels levels_from(const py::object& given, std::size_t n, std::size_t k, bool sums) {
  Levels a;
  if (given.is_none()) return a;
  if (!py::isinstance<py::tuple>(given) || py::len(given) != 4)
    throw py::type_error("levels must be a tuple (codes, first, table, sums) or None");
  const auto parts = py::reinterpret_borrow<py::tuple>(given);
  a.codes = view<const std::int32_t>(parts[0], "codes", n, any);
  a.table = padded_view<const double>(parts[2], "table", any, k);
  if (!a.table) throw py::type_error("table must be a float64 array with two dimensions, got None");
  const auto first = view<const std::int32_t>(parts[1], "first", a.codes.cols + 1, 0);
  bool rising = first[0] == 0 && static_cast<std::size_t>(first[a.codes.cols]) + 1 == a.table.rows;
  for (std::size_t c = 0; c < a.codes.cols; ++c) rising = rising && first[c] <= first[c + 1];
  if (!rising) throw py::value_error("first must rise from 0 to the number of levels, the table's rows less one");
  if (a.table.rows * a.table.cols > UINT32_MAX) throw py::value_error("table must hold fewer than 2^32 numbers");
  a.first = first.data;
  if (sums) a.sums = view<double>(parts[3], "sums", a.table.rows, a.table.cols);
  return a;
}

/// Columns that may hold NaN: (columns, table, sums or None); columns alone where scores are not made.
Gaps gaps_from(const py::object& given, std::size_t d, std::size_t k, std::size_t width, bool scores, bool sums) {
  Gaps a;
  if (given.is_none()) return a;
  if (!py::isinstance<py::tuple>(given) || py::len(given) != 3)
    throw py::type_error("gaps must be a tuple (columns, table, sums) or None");
  const auto parts = py::reinterpret_borrow<py::tuple>(given);
  const auto columns = view<const std::int32_t>(parts[0], "columns", any, 0);
  for (std::size_t g = 0; g < columns.rows; ++g)
    if (columns[g] < 0 || static_cast<std::size_t>(columns[g]) >= d)
      throw py::value_error("columns must lie from 0 to below " + std::to_string(d) + ", got one outside");
  a.columns = columns.data;
  a.count = columns.rows;
  if (!scores) return a;
  a.table = padded_view<const double>(parts[1], "table", a.count, k);
  if (!a.table || (width && a.table.cols != width))
    throw py::value_error("table must have as many columns as that of the levels, " + std::to_string(width));
  if (sums) a.sums = view<double>(parts[2], "sums", a.count, a.table.cols);
  return a;
}

// ---- kernels
// ---------------------------------------------------------------------------------------------------------

template <class X>
void mixture_step(const py::object& x, const py::object& weights, const py::object& centre, const py::object& inv_scale,
                  const py::object& eta, const std::string& score_kind, const std::string& stat_kind,
                  const std::string& mode, bool single, const py::object& suff, const py::object& entropy,
                  const py::object& resp, const py::object& labels, const py::object& lse,
                  const std::optional<std::size_t>& quadratic, const py::object& added, const py::object& weighted,
                  const py::object& levels, const py::object& gaps) {
  MixtureStep<X> a;
  a.x = view<const X>(x, "X", any, any);
  const std::size_t n = a.x.rows, d = a.x.cols;
  a.quadratic = quadratic.value_or(d);
  if (a.quadratic > d)
    throw py::value_error("quadratic must be at most the number of columns, " + std::to_string(d) + ", got " +
                          std::to_string(a.quadratic));
  a.weights = optional_view<const double>(weights, "weights", n, 0).data;
  a.centre = view<const double>(centre, "centre", d, 0).data;
  a.inv_scale = view<const double>(inv_scale, "inv_scale", d, 0).data;
  a.score = kind_from(score_kind, "score_kind");
  a.stat = kind_from(stat_kind, "stat_kind");
  a.mode = mode_from(mode);
  const bool given = a.mode == Mode::given;
  if (given) {
    a.resp_in = view<const double>(resp, "resp", n, any);
    a.components = a.resp_in.cols;
    a.score = a.stat;
  } else {
    a.eta = view<const double>(eta, "eta", any, feature_count(a.score, d, a.quadratic));
    a.components = a.eta.rows;
  }
  const std::size_t k = a.components;
  check_rows(n, std::max<std::size_t>(d, 1), k);  // no columns: levels or added scores alone
  if (a.mode != Mode::score) {
    a.suff = view<double>(suff, "suff", k, feature_count(a.stat, d, a.quadratic));
    a.entropy = view<double>(entropy, "entropy", k, 0).data;
  }
  if (!given && !resp.is_none()) {
    if (has_dtype<float>(resp)) {
      a.resp_single = view<float>(resp, "resp", n, k);
    } else {
      a.resp = view<double>(resp, "resp", n, k);
    }
  }
  a.labels = optional_view<std::int32_t>(labels, "labels", n, 0).data;
  if (!lse.is_none() && (given || a.mode == Mode::hard))
    throw py::value_error("lse is an output of the modes 'soft' and 'score'; pass None");
  a.lse = optional_view<double>(lse, "lse", n, 0).data;
  if (given && !(added.is_none() && weighted.is_none() && levels.is_none()))
    throw py::value_error("added, weighted and levels do not go with mode 'given'; pass None");
  if (single && !(added.is_none() && levels.is_none() && gaps.is_none()))
    throw py::value_error("added, levels and gaps need arithmetic in float64; pass single=False");
  a.levels = levels_from(levels, n, k, a.mode != Mode::score);
  a.gaps = gaps_from(gaps, d, k, a.levels.table.cols, !given, a.mode != Mode::score);
  a.added = padded_view<const double>(added, "added", n, k);
  a.weighted = padded_view<double>(weighted, "weighted", n, k);
  const Kernels& kernels = active_kernels();
  const Scratch memory =
      scratch(kernels.mixture_scratch(d, a.quadratic, k, a.score, a.stat, single, a.levels.codes.cols + a.gaps.count,
                                      a.levels.codes ? a.levels.table.cols : a.gaps.table.cols));
  a.scratch = memory.get();
  without_gil([&] {
    if constexpr (std::is_same_v<X, double>) {
      (single ? kernels.mixture_step_df : kernels.mixture_step_dd)(a);
    } else {
      (single ? kernels.mixture_step_ff : kernels.mixture_step_fd)(a);
    }
  });
}

void gather_scores(const py::object& start, const py::object& index, const py::object& values, const py::object& table,
                   const py::object& scores) {
  GatherScores a;
  a.table = padded_view<const double>(table, "table", any, 1);
  a.entries = entries_from(start, index, values, a.table.rows);
  a.scores = view<double>(scores, "scores", a.entries.rows, a.table.cols);
  without_gil([&] { active_kernels().gather_scores(a); });
}

void gather_sums(const py::object& start, const py::object& index, const py::object& values, const py::object& resp,
                 const py::object& sums) {
  GatherSums a;
  a.sums = padded_view<double>(sums, "sums", any, 1);
  a.entries = entries_from(start, index, values, a.sums.rows);
  a.resp = view<const double>(resp, "resp", a.entries.rows, a.sums.cols);
  without_gil([&] { active_kernels().gather_sums(a); });
}

template <class X>
void mixture_student(const py::object& x, const py::object& centre, const py::object& inv_scale, const py::object& eta,
                     const std::string& score_kind, const py::object& a_k, const py::object& b_k, const py::object& out,
                     const py::object& resp) {
  StudentScore<X> a;
  a.x = view<const X>(x, "X", any, any);
  const std::size_t n = a.x.rows, d = a.x.cols;
  a.centre = view<const double>(centre, "centre", d, 0).data;
  a.inv_scale = view<const double>(inv_scale, "inv_scale", d, 0).data;
  a.score = kind_from(score_kind, "score_kind");
  a.eta = view<const double>(eta, "eta_q", any, feature_count(a.score, d));
  const std::size_t k = a.eta.rows;
  check_rows(n, d, k);
  a.a = view<const double>(a_k, "a", k, 0).data;
  a.b = view<const double>(b_k, "b", k, 0).data;
  a.out = view<double>(out, "out", n, 0).data;
  a.resp = optional_view<double>(resp, "resp", n, k);
  const Kernels& kernels = active_kernels();
  const Scratch memory = scratch(kernels.student_scratch(d, k, a.score));
  a.scratch = memory.get();
  without_gil([&] {
    if constexpr (std::is_same_v<X, double>) {
      kernels.student_d(a);
    } else {
      kernels.student_f(a);
    }
  });
}

template <class X>
void mixture_student_diag(const py::object& x, const py::object& centre, const py::object& inv_scale,
                          const py::object& means, const py::object& scales, const py::object& a_k,
                          const py::object& b_kd, const py::object& out, const py::object& resp) {
  StudentDiagScore<X> a;
  a.x = view<const X>(x, "X", any, any);
  const std::size_t n = a.x.rows, d = a.x.cols;
  a.centre = view<const double>(centre, "centre", d, 0).data;
  a.inv_scale = view<const double>(inv_scale, "inv_scale", d, 0).data;
  a.means = view<const double>(means, "means", any, d);
  const std::size_t k = a.means.rows;
  check_rows(n, d, k);
  a.scales = view<const double>(scales, "inv_scale2", k, d);
  a.a = view<const double>(a_k, "a", k, 0).data;
  a.b = view<const double>(b_kd, "b", k, d);
  a.out = view<double>(out, "out", n, 0).data;
  a.resp = optional_view<double>(resp, "resp", n, k);
  const Kernels& kernels = active_kernels();
  const Scratch memory = scratch(kernels.student_scratch(d, k, Kind::diag));
  a.scratch = memory.get();
  without_gil([&] {
    if constexpr (std::is_same_v<X, double>) {
      kernels.student_diag_d(a);
    } else {
      kernels.student_diag_f(a);
    }
  });
}

template <class X>
std::ptrdiff_t column_sums(const py::object& x, const py::object& weights, const py::object& shift,
                           const py::object& out) {
  ColumnSums<X> a;
  a.x = view<const X>(x, "X", any, any);
  check_rows(a.x.rows, a.x.cols, 1);
  a.weights = optional_view<const double>(weights, "weights", a.x.rows, 0).data;
  a.shift = view<const double>(shift, "shift", a.x.cols, 0).data;
  a.out = view<double>(out, "out", 4, a.x.cols);
  const Kernels& kernels = active_kernels();
  return without_gil([&] {
    if constexpr (std::is_same_v<X, double>) {
      return kernels.column_sums_d(a);
    } else {
      return kernels.column_sums_f(a);
    }
  });
}

template <ArrayFunction<double> SpecialFunctions<double>::* on_double,
          ArrayFunction<float> SpecialFunctions<float>::* on_single>
void special(const py::object& x, const py::object& out) {
  if (has_dtype<float>(x)) {
    const auto in = view<const float>(x, "x", any, 0);
    const auto to = view<float>(out, "out", in.rows, 0);
    without_gil([&] { (active_kernels().special_single.*on_single)(in.data, to.data, in.rows); });
  } else {
    const auto in = view<const double>(x, "x", any, 0);
    const auto to = view<double>(out, "out", in.rows, 0);
    without_gil([&] { (active_kernels().special.*on_double)(in.data, to.data, in.rows); });
  }
}

}  // namespace
}  // namespace vivace

PYBIND11_MODULE(_core, m) {
  using namespace vivace;
  using D = SpecialFunctions<double>;
  using S = SpecialFunctions<float>;
  using py::arg;
  m.doc() = "Compiled kernels of vivace; called with checked, C-contiguous arrays. See docs/architecture.md.";

  m.def("isa", [] { return std::string(active_kernels().isa); }, "Instruction set in use.");
  m.def("available_isas", &available_isas, "Instruction sets that this build has and this processor runs.");

  m.def(
      "mixture_step",
      [](const py::object& x, const py::object& weights, const py::object& centre, const py::object& inv_scale,
         const py::object& eta, const std::string& score_kind, const std::string& stat_kind, const std::string& mode,
         bool single, const py::object& suff, const py::object& entropy, const py::object& resp,
         const py::object& labels, const py::object& lse, const std::optional<std::size_t>& quadratic,
         const py::object& added, const py::object& weighted, const py::object& levels, const py::object& gaps) {
        by_dtype(&mixture_step<double>, &mixture_step<float>, x, weights, centre, inv_scale, eta, score_kind, stat_kind,
                 mode, single, suff, entropy, resp, labels, lse, quadratic, added, weighted, levels, gaps);
      },
      arg("X"), arg("weights"), arg("centre"), arg("inv_scale"), arg("eta"), arg("score_kind"), arg("stat_kind"),
      arg("mode"), arg("single"), arg("suff"), arg("entropy"), arg("resp") = py::none(), arg("labels") = py::none(),
      arg("lse") = py::none(), arg("quadratic") = py::none(), arg("added") = py::none(), arg("weighted") = py::none(),
      arg("levels") = py::none(), arg("gaps") = py::none(),
      "Local step of a mixture over one block (X may have no columns). The first `quadratic` columns have quadratic "
      "features (all of them if None); `added` goes to the scores; `weighted` takes responsibilities times weights. "
      "`levels` = (codes, first, "
      "table, sums): entry c of a row adds table[first[c] + code] to its scores, and sums[first[c] + code] takes its "
      "weighted responsibilities; what is no level of its column meets the last row. `gaps` = (columns, table, sums): "
      "NaN in "
      "columns[g] counts as zero, adds table[g] to the scores and the responsibilities to sums[g].");
  m.def("gather_scores", &gather_scores, arg("start"), arg("index"), arg("values"), arg("table"), arg("scores"),
        "scores[i] += sum of value * table[index] over the entries start[i] to start[i + 1].");
  m.def("gather_sums", &gather_sums, arg("start"), arg("index"), arg("values"), arg("resp"), arg("sums"),
        "sums[index] += value * resp[i] for every entry of every row i.");
  m.attr("PAD") = pad;
  m.def(
      "mixture_student",
      [](const py::object& x, const py::object& centre, const py::object& inv_scale, const py::object& eta,
         const std::string& score_kind, const py::object& a, const py::object& b, const py::object& out,
         const py::object& resp) {
        by_dtype(&mixture_student<double>, &mixture_student<float>, x, centre, inv_scale, eta, score_kind, a, b, out,
                 resp);
      },
      arg("X"), arg("centre"), arg("inv_scale"), arg("eta_q"), arg("score_kind"), arg("a"), arg("b"), arg("out"),
      arg("resp") = py::none(), "Log density of a mixture of multivariate Student-t.");
  m.def(
      "mixture_student_diag",
      [](const py::object& x, const py::object& centre, const py::object& inv_scale, const py::object& means,
         const py::object& scales, const py::object& a, const py::object& b, const py::object& out,
         const py::object& resp) {
        by_dtype(&mixture_student_diag<double>, &mixture_student_diag<float>, x, centre, inv_scale, means, scales, a, b,
                 out, resp);
      },
      arg("X"), arg("centre"), arg("inv_scale"), arg("means"), arg("inv_scale2"), arg("a"), arg("b"), arg("out"),
      arg("resp") = py::none(), "Log density of a mixture of products of one-dimensional Student-t.");
  m.def(
      "column_sums",
      [](const py::object& x, const py::object& weights, const py::object& shift, const py::object& out) {
        return by_dtype(&column_sums<double>, &column_sums<float>, x, weights, shift, out);
      },
      arg("X"), arg("weights"), arg("shift"), arg("out"),
      "Fills out (4, D) with sum w (x - shift), sum w (x - shift)^2, minimum, maximum; returns the first row that is "
      "not finite, or -1.");

  m.def("special_exp", &special<&D::exp, &S::exp>, arg("x"), arg("out"));
  m.def("special_log", &special<&D::log, &S::log>, arg("x"), arg("out"));
  m.def("special_digamma", &special<&D::digamma, &S::digamma>, arg("x"), arg("out"));
  m.def("special_exp_digamma", &special<&D::exp_digamma, &S::exp_digamma>, arg("x"), arg("out"));
  m.def("special_lgamma", &special<&D::lgamma, &S::lgamma>, arg("x"), arg("out"));
  m.def("special_exp_nonpositive", &special<&D::exp_nonpositive, &S::exp_nonpositive>, arg("x"), arg("out"));
  m.def("special_log1p", &special<&D::log1p, &S::log1p>, arg("x"), arg("out"));

  bind_text(m);
  bind_topic_table(m);
  bind_topics(m);
  bind_cvb0(m);
  bind_memory(m);
  bind_sampled(m);
  bind_seeds(m);
}
