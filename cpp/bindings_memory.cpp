// Memory for Python: giving it back to the system, and tables that are mostly zeros packed without loss.
#include <algorithm>
#include <bit>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "topic_arguments.hpp"

namespace vivace {
void bind_memory(py::module_& m);

namespace {

/// The bits of a value: a zero is one whose bits are all zero, so that a negative zero is kept as it is.
template <class T>
using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;

template <class T>
std::size_t nonzero_bits(const py::object& values, const py::object& bits) {
  const auto v = view<const T>(values, "values", any, 0);
  const auto out = view<std::uint64_t>(bits, "bits", words_of(v.rows), 0);
  return without_gil([&] {
    std::size_t count = 0;
    for (std::size_t i = 0; i < out.rows; ++i) {
      const std::size_t first = i * word_bits, n = std::min(word_bits, v.rows - first);
      std::uint64_t word = 0;
      for (std::size_t j = 0; j < n; ++j)
        word |= static_cast<std::uint64_t>(std::bit_cast<Bits<T>>(v[first + j]) != 0) << j;
      out[i] = word;
      count += static_cast<std::size_t>(std::popcount(word));
    }
    return count;
  });
}

/// Numbers of some rows of a table, rising, one for each of `count`; null for all.
const std::int32_t* rising_rows(const py::object& rows, std::size_t count, std::size_t all) {
  if (rows.is_none()) {
    if (count != all) throw py::value_error("values must have " + std::to_string(all) + " rows, or rows must be given");
    return nullptr;
  }
  const auto found = indices(rows, "rows", count, all);
  for (std::size_t i = 1; i < found.rows; ++i)
    if (found[i - 1] >= found[i]) throw py::value_error("rows must rise");
  return found.data;
}

/// `size` places, of which `kept` must be set.
void check_bits(const View<const std::uint64_t>& bits, std::size_t size, std::size_t kept) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < bits.rows; ++i) count += static_cast<std::size_t>(std::popcount(bits[i]));
  const std::size_t rest = size % word_bits;
  if (count != kept || (rest && bits[bits.rows - 1] >> rest))
    throw py::value_error("bits must be as many as there are values");
}

/// Calls f(place, number) for each bit that is set; `size` places, of which `kept` must be set.
template <class F>
void each_bit(const View<const std::uint64_t>& bits, std::size_t size, std::size_t kept, F&& f) {
  check_bits(bits, size, kept);
  without_gil([&] {
    std::size_t number = 0;
    for (std::size_t i = 0; i < bits.rows; ++i)
      for (std::uint64_t word = bits[i]; word; word &= word - 1)
        f(i * word_bits + static_cast<std::size_t>(std::countr_zero(word)), number++);
  });
}

template <class T>
void take_bits(const py::object& values, const py::object& bits, const py::object& kept) {
  const auto v = view<const T>(values, "values", any, 0);
  const auto b = view<const std::uint64_t>(bits, "bits", words_of(v.rows), 0);
  const auto k = view<T>(kept, "kept", any, 0);
  each_bit(b, v.rows, k.rows, [&](std::size_t at, std::size_t i) { k[i] = v[at]; });
}

template <class T>
void put_bits(const py::object& out, const py::object& bits, const py::object& kept) {
  const auto o = view<T>(out, "out", any, 0);
  const auto b = view<const std::uint64_t>(bits, "bits", words_of(o.rows), 0);
  const auto k = view<const T>(kept, "kept", any, 0);
  each_bit(b, o.rows, k.rows, [&](std::size_t at, std::size_t i) { o[at] = k[i]; });
}

/// How many bits are set below a place, for places that rise.
struct Rank {
  const std::uint64_t* bits;
  std::size_t word = 0, before = 0;
  std::size_t at(std::size_t place) {
    for (; word < place / word_bits; ++word) before += static_cast<std::size_t>(std::popcount(bits[word]));
    const std::size_t shift = place % word_bits;
    return before + (shift ? static_cast<std::size_t>(std::popcount(bits[word] << (word_bits - shift))) : 0);
  }
};

template <class T>
Packed packed_table(const py::object& kept, const py::object& bits, std::size_t rows, std::size_t columns) {
  const auto k = view<const T>(kept, "kept", any, 0);
  const auto b = view<const std::uint64_t>(bits, "bits", words_of(rows * columns), 0);
  check_bits(b, rows * columns, k.rows);
  Packed found{bits, kept, std::vector<std::int64_t>(rows), rows, columns};
  Rank rank{b.data};
  for (std::size_t i = 0; i < rows; ++i) found.first[i] = static_cast<std::int64_t>(rank.at(i * columns));
  return found;
}

/// Values for some rows of a packed table.
template <class T>
PackedSum<T> packed_addition(const py::object& values, const py::object& rows, std::size_t all,
                             const py::object& marks) {
  PackedSum<T> a;
  a.values = view<const T>(values, "values", any, any);
  a.places = all * a.values.cols;
  a.rows = rising_rows(rows, a.values.rows, all);
  a.marks = view<std::uint64_t>(marks, "marks", words_of(a.places), 0).data;
  return a;
}

/// Fills `marks` with the bits that a packed table has after values were added; returns how many are set.
template <class T>
std::size_t sum_marks(const py::object& values, const py::object& rows, std::size_t all, const py::object& bits,
                      const py::object& marks) {
  const PackedSum<T> a = packed_addition<T>(values, rows, all, marks);
  const std::size_t n = words_of(a.places);
  const auto before = view<const std::uint64_t>(bits, "bits", n, 0);
  const Kernels& kernels = active_kernels();
  return without_gil([&] {
    std::copy_n(before.data, n, a.marks);
    if constexpr (std::is_same_v<T, double>)
      kernels.sum_marks_d(a);
    else
      kernels.sum_marks_f(a);
    return kernels.bits_between(a.marks, 0, a.places);
  });
}

/// Adds to a packed table. One call, so that Python never sees it half done.
template <class T>
void packed_sum(const py::object& values, const py::object& rows, std::size_t all, double factor,
                const py::object& marks, const py::object& bits, const py::object& kept) {
  PackedSum<T> a = packed_addition<T>(values, rows, all, marks);
  const auto table = view<std::uint64_t>(bits, "bits", words_of(a.places), 0);
  const auto numbers = view<T>(kept, "kept", any, 0);
  const Kernels& kernels = active_kernels();
  a.factor = static_cast<T>(factor);
  a.bits = table.data;
  a.kept = numbers.data;
  a.before = kernels.bits_between(a.bits, 0, a.places);
  a.after = kernels.bits_between(a.marks, 0, a.places);
  const std::size_t room = a.after + 2 * 64 / sizeof(T);
  if (numbers.rows < room)
    throw py::value_error("kept must hold " + std::to_string(room) + " numbers, got " + std::to_string(numbers.rows));
  bool good = true;
  for (std::size_t i = 0; i < table.rows; ++i) good = good && !(table[i] & ~a.marks[i]);
  if (!good) throw py::value_error("marks must hold all bits");
  without_gil([&] {
    if constexpr (std::is_same_v<T, double>)
      kernels.packed_sum_d(a);
    else
      kernels.packed_sum_f(a);
  });
}

/// Returns how many values are not `common`; `room` begins with them.
template <class T>
std::size_t pack_rows(const py::object& values, const py::object& common, const py::object& bits,
                      const py::object& room) {
  PackedRows<T> a;
  a.values = view<const T>(values, "values", any, any);
  const std::size_t all = a.values.rows * a.values.cols, more = 64 / sizeof(T);
  a.common = view<const T>(common, "common", a.values.cols, 0).data;
  a.bits = view<std::uint64_t>(bits, "bits", a.values.rows, words_of(a.values.cols)).data;
  const auto out = view<T>(room, "room", any, 0);
  if (out.rows < all + more)
    throw py::value_error("room must hold " + std::to_string(all + more) + " numbers, got " + std::to_string(out.rows));
  a.kept = out.data;
  std::size_t count = 0;
  a.count = &count;
  const Kernels& kernels = active_kernels();
  without_gil([&] {
    if constexpr (std::is_same_v<T, double>)
      kernels.pack_rows_d(a);
    else
      kernels.pack_rows_f(a);
  });
  return count;
}

template <class T>
void unpack_rows(const py::object& out, const py::object& common, const py::object& bits, const py::object& kept) {
  const auto o = view<T>(out, "out", any, any);
  const auto c = view<const T>(common, "common", o.cols, 0);
  const auto b = view<const std::uint64_t>(bits, "bits", o.rows, words_of(o.cols));
  const auto k = view<const T>(kept, "kept", any, 0);
  const std::size_t rest = o.cols % word_bits;
  std::size_t count = 0;
  bool good = true;
  for (std::size_t i = 0; i < b.rows; ++i)
    for (std::size_t j = 0; j < b.cols; ++j) {
      count += static_cast<std::size_t>(std::popcount(b(i, j)));
      good = good && (!rest || j + 1 < b.cols || !(b(i, j) >> rest));
    }
  if (!good || count != k.rows) throw py::value_error("bits must be as many as there are values");
  without_gil([&] {
    const T* next = k.data;
    for (std::size_t i = 0; i < o.rows; ++i) {
      T* row = o.row(i);
      std::copy_n(c.data, o.cols, row);
      for (std::size_t j = 0; j < b.cols; ++j)
        for (std::uint64_t word = b(i, j); word; word &= word - 1)
          row[j * word_bits + static_cast<std::size_t>(std::countr_zero(word))] = *next++;
    }
  });
}

}  // namespace

void bind_memory(py::module_& m) {
  using py::arg;
  using O = py::object;
  m.def(
      "give_back",
      [] {
#ifdef __GLIBC__
        without_gil([] { return malloc_trim(0); });
#endif
      },
      "Gives memory that was freed back to the system, as far as the allocator can.");
  m.def(
      "nonzero_bits",
      [](const O& values, const O& bits) {
        return by_dtype(&nonzero_bits<double>, &nonzero_bits<float>, values, bits);
      },
      arg("values"), arg("bits"), "Marks values that are not zero, 64 a number; returns how many there are.");
  m.def(
      "take_bits",
      [](const O& values, const O& bits, const O& kept) {
        by_dtype(&take_bits<double>, &take_bits<float>, values, bits, kept);
      },
      arg("values"), arg("bits"), arg("kept"), "Copies the values that are marked.");
  m.def(
      "put_bits",
      [](const O& out, const O& bits, const O& kept) {
        by_dtype(&put_bits<double>, &put_bits<float>, out, bits, kept);
      },
      arg("out"), arg("bits"), arg("kept"), "Copies values to where they are marked; others are left alone.");
  py::class_<Packed>(m, "PackedTable")
      .def(py::init([](const O& bits, const O& kept, std::size_t rows, std::size_t columns) {
             return by_dtype(&packed_table<double>, &packed_table<float>, kept, bits, rows, columns);
           }),
           arg("bits"), arg("kept"), arg("rows"), arg("columns"))
      .def_readonly("bits", &Packed::bits)
      .def_readonly("kept", &Packed::kept);
  m.def(
      "count_bits",
      [](const O& bits) {
        const auto b = view<const std::uint64_t>(bits, "bits", any, 0);
        return active_kernels().bits_between(b.data, 0, b.rows * word_bits);
      },
      arg("bits"), "Counts the bits that are set.");
  m.def(
      "sum_marks",
      [](const O& values, const O& rows, std::size_t n_rows, const O& bits, const O& marks) {
        return by_dtype(&sum_marks<double>, &sum_marks<float>, values, rows, n_rows, bits, marks);
      },
      arg("values"), arg("rows"), arg("n_rows"), arg("bits"), arg("marks"),
      "Marks what a packed table holds after values were added to some rows; returns how many there are.");
  m.def(
      "packed_sum",
      [](const O& values, const O& rows, std::size_t n_rows, double factor, const O& marks, const O& bits,
         const O& kept) {
        by_dtype(&packed_sum<double>, &packed_sum<float>, values, rows, n_rows, factor, marks, bits, kept);
      },
      arg("values"), arg("rows"), arg("n_rows"), arg("factor"), arg("marks"), arg("bits"), arg("kept"),
      "Adds factor x values to rows of a packed table, in place.");
  m.def(
      "pack_rows",
      [](const O& values, const O& common, const O& bits, const O& room) {
        return by_dtype(&pack_rows<double>, &pack_rows<float>, values, common, bits, room);
      },
      arg("values"), arg("common"), arg("bits"), arg("room"),
      "Marks values that are not those of a common row, and copies them; returns how many there are.");
  m.def(
      "unpack_rows",
      [](const O& out, const O& common, const O& bits, const O& kept) {
        by_dtype(&unpack_rows<double>, &unpack_rows<float>, out, common, bits, kept);
      },
      arg("out"), arg("common"), arg("bits"), arg("kept"), "Rows as they were packed.");
}

}  // namespace vivace
