// Parsers of counts written as text: one chunk of whole lines at a time, no state between calls.
#pragma once

#include <cstddef>
#include <cstdint>

#include "view.hpp"

namespace vivace {

/// What is wrong with a line.
enum class TextFault { none, number, extra, row, column, value, whole, length };

/// How far a parser came: whole lines only. A fault is that of the line which begins after `bytes`.
struct TextProgress {
  std::size_t bytes = 0;
  std::size_t lines = 0;
  std::size_t rows = 0;
  std::size_t entries = 0;
  TextFault fault = TextFault::none;
};

/// Numbers that a file allows. Columns are written from 0 whatever the text counts from.
struct TextLimits {
  std::int64_t first_row = 1, last_row = 0;        // inclusive, as written in the text
  std::int64_t first_column = 1, last_column = 0;  // inclusive, as written in the text
  bool whole = false;                              // values are whole numbers
};

/// Lines "row column value" (or "row column", with value 1, where `with_value` is false); empty lines are passed over.
/// The text ends with a line end. Stops when `columns` is full. Rows are written from 0, too.
template <class T>
TextProgress parse_triples(const char* text, std::size_t size, const TextLimits& limits, bool with_value,
                           View<std::int32_t> rows, View<std::int32_t> columns, View<T> values);

enum class PairForm {
  lda_c,    // "n column:value ...", n the number of pairs; one line a row
  svmlight  // "label [qid:q] column:value ... [# comment]"; lines without a label are passed over
};

/// Lines of pairs. `start` receives the offset after each row; stops when `start` or `columns` is full.
template <class T>
TextProgress parse_pairs(const char* text, std::size_t size, const TextLimits& limits, PairForm form,
                         View<std::int64_t> start, View<std::int32_t> columns, View<T> values);

}  // namespace vivace
