// Groups of documents on heap blocks of exact size, so that a sanitizer build sees every step outside: every document
// is in a group at most once, and no group begins with one that began another.
#include <cstdio>
#include <set>
#include <vector>

#include "driver.hpp"
#include "seeds.hpp"

namespace {

using namespace vivace;

std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(generator); }

template <class T>
void try_groups() {
  const std::size_t documents = 1 + below(200), n_words = 1 + below(50), groups = 1 + below(20), alike = 1 + below(9);
  std::vector<std::int64_t> start{0};
  std::vector<std::int32_t> words;
  std::vector<T> counts;
  for (std::size_t d = 0; d < documents; ++d) {
    for (std::size_t w = below(n_words); w < n_words; w += 1 + below(8)) {
      words.push_back(static_cast<std::int32_t>(w));
      counts.push_back(below(9) ? static_cast<T>(1 + below(3)) : static_cast<T>(1e-30));
    }
    start.push_back(static_cast<std::int64_t>(words.size()));
  }
  std::vector<double> draws(groups - 1);
  for (double& draw : draws) draw = below(9) ? uniform() : 1.0;
  std::vector<std::int64_t> members(groups * alike);
  const Directions rows({start.data(), start.size(), 1}, words.data(), counts.data(), n_words);
  const std::size_t found =
      seed_groups(rows, below(documents), {draws.data(), draws.size(), 1}, {members.data(), groups, alike});
  expect(found >= 1 && found <= groups, "number of groups");
  std::set<std::int64_t> first;
  for (std::size_t g = 0; g < found; ++g) {
    const std::set<std::int64_t> group(members.begin() + static_cast<std::ptrdiff_t>(g * alike),
                                       members.begin() + static_cast<std::ptrdiff_t>((g + 1) * alike));
    expect(*group.begin() >= -1 && *group.rbegin() < static_cast<std::int64_t>(documents), "members are documents");
    expect(group.size() == alike || group.contains(-1), "no member twice");
    expect(first.insert(members[g * alike]).second && members[g * alike] >= 0, "no first document twice");
  }
}

}  // namespace

int main() {
  for (int i = 0; i < 300; ++i) {
    try_groups<double>();
    try_groups<float>();
  }
  std::printf(failures ? "%d failures\n" : "seeds: all well\n", failures);
  return outcome();
}
