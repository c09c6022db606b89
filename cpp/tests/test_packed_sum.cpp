// Runs the sums of packed tables against plain loops. Arrays are heap blocks of their exact size.
#include <string>
#include <type_traits>
#include <vector>

#include "dispatch.hpp"
#include "driver.hpp"
#include "packing.hpp"

namespace {

using namespace vivace;

template <class T>
std::vector<T> numbers(std::size_t n, double share) {
  std::vector<T> found(n);
  for (T& v : found) v = uniform() < share ? static_cast<T>(uniform() - 0.3) : T(0);
  return found;
}

template <class T>
void sums(const Kernels& kernels, std::size_t rows, std::size_t columns, double share) {
  constexpr bool twice = std::is_same_v<T, double>;
  const std::size_t vector = 64 / sizeof(T);
  const std::string what = std::string(kernels.isa) + (twice ? " double" : " float") + " sum of " +
                           std::to_string(rows) + " x " + std::to_string(columns);
  std::vector<T> expected = numbers<T>(rows * columns, share);
  Packing<T> table(expected, rows, columns);
  for (int step = 0; step < 4; ++step) {
    std::vector<std::int32_t> chosen;
    for (std::size_t i = 0; i < rows; ++i)
      if (step == 0 || uniform() < 0.4) chosen.push_back(static_cast<std::int32_t>(i));
    const std::vector<T> values = numbers<T>(chosen.size() * columns, step == 1 ? 1.0 : share);
    std::vector<std::uint64_t> marks = table.bits;
    PackedSum<T> a;
    a.values = {values.data(), chosen.size(), columns};
    a.rows = step ? chosen.data() : nullptr;
    a.factor = T(0.5);
    a.marks = marks.data();
    a.bits = table.bits.data();
    a.places = rows * columns;
    if constexpr (twice)
      kernels.sum_marks_d(a);
    else
      kernels.sum_marks_f(a);
    a.before = table.kept.size();
    a.after = kernels.bits_between(marks.data(), 0, a.places);
    std::vector<T> kept = table.kept;
    kept.resize(a.after + 2 * vector);
    a.kept = kept.data();
    if constexpr (twice)
      kernels.packed_sum_d(a);
    else
      kernels.packed_sum_f(a);
    kept.resize(a.after);
    table.kept = kept;
    for (std::size_t i = 0; i < values.size(); ++i)
      expected[static_cast<std::size_t>(chosen[i / columns]) * columns + i % columns] += values[i] * T(0.5);
    std::size_t next = 0;
    bool good = true;
    for (std::size_t i = 0; i < expected.size(); ++i)
      if (table.bits[i / 64] >> i % 64 & 1)
        good = good && next < kept.size() && kept[next++] == expected[i];
      else
        good = good && expected[i] == T(0);
    expect(good && next == kept.size(), what);
  }
}

}  // namespace

int main() {
  for (const std::string& name : available_isas()) {
    const Kernels& kernels = kernels_for(name);
    for (const std::size_t columns : {1, 2, 7, 16, 17, 63, 64, 65, 100, 130})
      for (const std::size_t rows : {1, 2, 9, 40})
        for (const double share : {0.0, 0.2, 1.0}) {
          sums<double>(kernels, rows, columns, share);
          sums<float>(kernels, rows, columns, share);
        }
  }
  return outcome();
}
