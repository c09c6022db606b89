// Checks of what Python hands in, shared by the files that bind kernels. The contract: bindings.cpp.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <memory>
#include <new>
#include <string>

#include "dispatch.hpp"

namespace py = pybind11;

namespace vivace {
namespace {

template <class Call>
auto without_gil(Call&& call) {
  py::gil_scoped_release release;
  return call();
}

// ---- checking arguments
// ----------------------------------------------------------------------------------------------

template <class T>
[[maybe_unused]] const char* dtype_name();
template <>
[[maybe_unused]] const char* dtype_name<double>() {
  return "float64";
}
template <>
[[maybe_unused]] const char* dtype_name<float>() {
  return "float32";
}
template <>
[[maybe_unused]] const char* dtype_name<std::uint8_t>() {
  return "uint8";
}
template <>
[[maybe_unused]] const char* dtype_name<std::uint16_t>() {
  return "uint16";
}
template <>
[[maybe_unused]] const char* dtype_name<std::uint64_t>() {
  return "uint64";
}
template <>
[[maybe_unused]] const char* dtype_name<std::int32_t>() {
  return "int32";
}
template <>
[[maybe_unused]] const char* dtype_name<std::int64_t>() {
  return "int64";
}

[[maybe_unused]] std::string shape_text(const py::array& a) {
  std::string text = "(";
  for (py::ssize_t i = 0; i < a.ndim(); ++i) text += (i ? ", " : "") + std::to_string(a.shape(i));
  return text + ")";
}

template <class T>
bool has_dtype(const py::object& object) {
  return py::isinstance<py::array>(object) && py::isinstance<py::array_t<T>>(object);
}

constexpr std::size_t any = static_cast<std::size_t>(-1);

/// View of a C-contiguous array of T (const T: read-only is welcome) with the given shape; one dimension: cols is 0.
template <class T>
View<T> view(const py::object& object, const char* name, std::size_t rows, std::size_t cols) {
  using Value = std::remove_const_t<T>;
  const bool matrix = cols != 0;
  const std::string expected =
      std::string(dtype_name<Value>()) + " array with " + (matrix ? "two dimensions" : "one dimension");
  if (!has_dtype<Value>(object))
    throw py::type_error(std::string(name) + " must be a " + expected + ", got " +
                         (py::isinstance<py::array>(object)
                              ? py::str(object.attr("dtype")).cast<std::string>() + " array"
                              : py::str(py::type::of(object)).cast<std::string>()));
  const auto a = py::reinterpret_borrow<py::array>(object);
  if (a.ndim() != (matrix ? 2 : 1))
    throw py::value_error(std::string(name) + " must be a " + expected + ", got shape " + shape_text(a));
  const auto r = static_cast<std::size_t>(a.shape(0));
  const auto c = matrix ? static_cast<std::size_t>(a.shape(1)) : 1;
  if ((rows != any && r != rows) || (matrix && cols != any && c != cols))
    throw py::value_error(
        std::string(name) + " must have shape (" + (rows == any ? "any" : std::to_string(rows)) +
        (matrix ? ", " + (cols == any ? std::string("any") : std::to_string(cols)) : std::string(",")) + "), got " +
        shape_text(a));
  if (!(a.flags() & py::array::c_style))
    throw py::value_error(std::string(name) + " must be C-contiguous; pass numpy.ascontiguousarray of it");
  if constexpr (!std::is_const_v<T>) {
    if (!a.writeable()) throw py::value_error(std::string(name) + " is an output and must be writeable");
    return {static_cast<T*>(const_cast<void*>(a.data())), r, c};
  } else {
    return {static_cast<T*>(a.data()), r, c};
  }
}

template <class T>
View<T> optional_view(const py::object& object, const char* name, std::size_t rows, std::size_t cols) {
  return object.is_none() ? View<T>{} : view<T>(object, name, rows, cols);
}

[[maybe_unused]] void check_range(std::size_t first, std::size_t last, std::size_t size) {
  if (first > last || last > size)
    throw py::value_error("first and last must be a range below " + std::to_string(size));
}

/// A prior on words and topics: one row or one a word, one column or one a topic.
template <class T>
View<const T> prior_view(const py::object& prior, std::size_t words, std::size_t topics) {
  const auto found = view<const T>(prior, "prior", any, any);
  if ((found.rows != 1 && found.rows != words) || (found.cols != 1 && found.cols != topics))
    throw py::value_error("prior must have one row or one a word, and one column or one a topic");
  return found;
}

/// Memory that begins with a line of the cache. Not from an aligned allocation: what one of those leaves is too small
/// for the next one of its size (glibc before 2.38), and a thread that makes one after the other takes several times as
/// much.
class Scratch {
 public:
  explicit Scratch(std::size_t bytes) : memory(new std::byte[bytes + line - 1]) {}
  std::byte* get() const {
    const auto at = reinterpret_cast<std::uintptr_t>(memory.get());
    return memory.get() + (line - at % line) % line;
  }

 private:
  static constexpr std::size_t line = 64;
  std::unique_ptr<std::byte[]> memory;
};

[[maybe_unused]] Scratch scratch(std::size_t bytes) { return Scratch(bytes); }

/// Calls the float64 or the float32 form of a function, by the dtype of X.
template <class Double, class Single, class... Args>
auto by_dtype(Double on_double, Single on_single, const py::object& x, Args&&... args) {
  if (has_dtype<float>(x)) return on_single(x, std::forward<Args>(args)...);
  return on_double(x, std::forward<Args>(args)...);
}

}  // namespace
}  // namespace vivace
