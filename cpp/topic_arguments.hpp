// How Python names topics, offsets and indices to the kernels of latent Dirichlet allocation.
#pragma once

#include "packed.hpp"

namespace vivace {
namespace {

template <class T>
constexpr bool is_double = std::is_same_v<T, double>;

/// Offsets that rise from at least 0 to at most `size`.
[[maybe_unused]] View<const std::int64_t> offsets(const py::object& object, const char* name, std::size_t size) {
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
[[maybe_unused]] View<const std::int32_t> indices(const py::object& object, const char* name, std::size_t count,
                                                  std::size_t size, const View<const std::int64_t>& used = {}) {
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

/// (counts, scale, prior, psi_total), as engine and models hold topics; counts may be packed.
template <class T>
TopicRows<T> topic_rows(const py::object& object) {
  if (!py::isinstance<py::tuple>(object) || py::len(object) != 4)
    throw py::type_error("topics must be a tuple (counts, scale, prior, psi_total), got " +
                         py::str(py::type::of(object)).cast<std::string>());
  const auto parts = py::reinterpret_borrow<py::tuple>(object);
  TopicRows<T> t;
  set_counts(t, parts[0]);
  const std::size_t v = t.counts.rows, k = t.counts.cols;
  if (v == 0 || k == 0)
    throw py::value_error("topics must have at least one word and one topic, got shape (" + std::to_string(v) + ", " +
                          std::to_string(k) + ")");
  t.scale = static_cast<T>(parts[1].cast<double>());
  const auto prior = view<const T>(parts[2], "prior", any, any);
  if ((prior.rows != 1 && prior.rows != v) || (prior.cols != 1 && prior.cols != k) ||
      (prior.rows == 1 && prior.cols != 1))
    throw py::value_error("prior must have shape (1, 1), (" + std::to_string(v) + ", 1) or (" + std::to_string(v) +
                          ", " + std::to_string(k) + "), got (" + std::to_string(prior.rows) + ", " +
                          std::to_string(prior.cols) + ")");
  t.prior = prior.data;
  t.by_word = prior.rows == 1 && v != 1 ? 0 : prior.cols;
  t.by_topic = prior.cols == 1 ? 0 : 1;
  t.psi_total = view<const double>(parts[3], "psi_total", k, 0).data;
  return t;
}

template <class Double, class Single, class... Args>
auto by_topics(Double on_double, Single on_single, const py::object& topics, Args&&... args) {
  py::object counts = topics;
  if (py::isinstance<py::tuple>(topics) && py::len(topics) > 0) counts = py::reinterpret_borrow<py::tuple>(topics)[0];
  if (has_dtype<float>(numbers_of(counts))) return on_single(topics, std::forward<Args>(args)...);
  return on_double(topics, std::forward<Args>(args)...);
}

template <class T>
std::size_t stride_of(std::size_t topics) {
  return is_double<T> ? active_kernels().topic_stride_d(topics) : active_kernels().topic_stride_f(topics);
}

/// Calls a kernel in the precision of T, without the interpreter's lock.
template <class T, class Double, class Single, class Arguments>
void call(Double on_double, Single on_single, Arguments& a, std::size_t topics) {
  const Scratch memory = scratch(active_kernels().topic_scratch(topics));
  a.scratch = memory.get();
  without_gil([&] {
    if constexpr (is_double<T>)
      on_double(a);
    else
      on_single(a);
  });
}

}  // namespace
}  // namespace vivace
