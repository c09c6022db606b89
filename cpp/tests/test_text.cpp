// Parsers of text on heap blocks of exact size, so that a sanitizer build sees every step outside: texts that are
// right, cut and changed at random. What is read is compared with what was written.
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "driver.hpp"
#include "text.hpp"

namespace {

using namespace vivace;

std::int64_t below(std::int64_t n) { return std::uniform_int_distribution<std::int64_t>(0, n - 1)(generator); }

struct Entry {
  std::int32_t row, column;
  double value;
};

template <class T>
struct Places {
  std::vector<std::int32_t> rows, columns;
  std::vector<std::int64_t> start;
  std::vector<T> values;

  explicit Places(std::size_t n) : rows(n), columns(n), start(n), values(n) {}

  TextProgress triples(const std::vector<char>& text, const TextLimits& limits) {
    return parse_triples<T>(text.data(), text.size(), limits, true, {rows.data(), rows.size(), 1},
                            {columns.data(), columns.size(), 1}, {values.data(), values.size(), 1});
  }
  TextProgress pairs(const std::vector<char>& text, const TextLimits& limits, PairForm form) {
    return parse_pairs<T>(text.data(), text.size(), limits, form, {start.data(), start.size(), 1},
                          {columns.data(), columns.size(), 1}, {values.data(), values.size(), 1});
  }
};

std::vector<char> bytes(const std::string& text) { return {text.begin(), text.end()}; }

/// Changes some characters; the text still ends with a line end.
std::vector<char> changed(std::vector<char> text) {
  const std::string odd = "0123456789 :\n\t\r.-+eqidnaf#\x7f\xff,";
  for (std::int64_t i = below(4); i >= 0; --i)
    text[static_cast<std::size_t>(below(static_cast<std::int64_t>(text.size())))] =
        odd[static_cast<std::size_t>(below(static_cast<std::int64_t>(odd.size())))];
  text.back() = '\n';
  return text;
}

template <class T>
void try_triples() {
  const std::int64_t n_rows = 1 + below(300'000'000), n_columns = 1 + below(99'999);
  std::vector<Entry> entries;
  std::string text;
  for (std::int64_t i = below(40); i >= 0; --i) {
    const Entry e{static_cast<std::int32_t>(below(n_rows)), static_cast<std::int32_t>(below(n_columns)),
                  static_cast<double>(below(below(8) ? 20 : 4'000'000'000))};
    text += std::to_string(e.row + 1) + ' ' + std::to_string(e.column + 1) + (below(9) ? " " : " \t") +
            std::to_string(static_cast<std::int64_t>(e.value)) + (below(9) ? "\n" : " \r\n\n");
    entries.push_back(e);
  }
  const TextLimits limits{1, n_rows, 1, n_columns, true};
  Places<T> places(entries.size());
  const TextProgress done = places.triples(bytes(text), limits);
  bool same = done.fault == TextFault::none && done.bytes == text.size() && done.entries == entries.size();
  for (std::size_t i = 0; same && i < entries.size(); ++i)
    same = places.rows[i] == entries[i].row && places.columns[i] == entries[i].column &&
           places.values[i] == static_cast<T>(entries[i].value);
  expect(same, "triples: " + text);
  for (int i = 0; i < 20; ++i) {
    Places<T> few(static_cast<std::size_t>(below(50)));
    const std::vector<char> odd = changed(bytes(text));
    const TextProgress got = few.triples(odd, limits);
    expect(got.bytes <= odd.size() && got.entries <= few.columns.size(), "triples of changed text");
  }
}

template <class T>
void try_pairs(PairForm form) {
  const std::int64_t base = form == PairForm::svmlight ? 1 : 0, n_columns = 1 + below(99'999);
  std::vector<Entry> entries;
  std::string text;
  const std::int64_t n_rows = 1 + below(10);
  for (std::int64_t row = 0; row < n_rows; ++row) {
    std::string line;
    const std::int64_t n = below(6);
    for (std::int64_t i = 0; i < n; ++i) {
      entries.push_back({static_cast<std::int32_t>(row), static_cast<std::int32_t>(below(n_columns)),
                         static_cast<double>(below(20))});
      line += ' ' + std::to_string(entries.back().column + base) + ':' +
              std::to_string(static_cast<int>(entries.back().value));
    }
    text += (form == PairForm::lda_c ? std::to_string(n) : std::string("-1.5")) + line + "\n";
  }
  const TextLimits limits{0, 0, base, base + n_columns - 1, true};
  Places<T> places(entries.size() + static_cast<std::size_t>(n_rows));
  const TextProgress done = places.pairs(bytes(text), limits, form);
  bool same = done.fault == TextFault::none && done.bytes == text.size() && done.entries == entries.size() &&
              done.rows == static_cast<std::size_t>(n_rows);
  for (std::size_t i = 0; same && i < entries.size(); ++i)
    same = places.columns[i] == entries[i].column && places.values[i] == static_cast<T>(entries[i].value) &&
           static_cast<std::int64_t>(i) < places.start[static_cast<std::size_t>(entries[i].row)];
  expect(same, "pairs: " + text);
  for (int i = 0; i < 20; ++i) {
    Places<T> few(static_cast<std::size_t>(below(50)));
    const std::vector<char> odd = changed(bytes(text));
    const TextProgress got = few.pairs(odd, limits, form);
    expect(got.bytes <= odd.size() && got.entries <= few.columns.size() && got.rows <= few.start.size(),
           "pairs of changed text");
  }
}

}  // namespace

int main() {
  for (int i = 0; i < 300; ++i) {
    try_triples<double>();
    try_triples<float>();
    for (const PairForm form : {PairForm::lda_c, PairForm::svmlight}) {
      try_pairs<double>(form);
      try_pairs<float>(form);
    }
  }
  std::printf(failures ? "%d failures\n" : "text: all well\n", failures);
  return outcome();
}
