#include "text.hpp"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace vivace {

namespace {

constexpr bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
constexpr bool ends_word(char c) { return is_blank(c) || c == '\n'; }

/// Reads characters of a line. Every text ends with '\n', which no function steps over, so none looks at the end.
struct Reader {
  const char* p;

  void skip_blanks() {
    while (is_blank(*p)) ++p;
  }
  bool at_end() const { return *p == '\n'; }
  const char* end_of_line() const {
    const char* q = p;
    while (*q != '\n') ++q;
    return q;
  }

  /// A whole number without sign; -1 if there is none or it has more than 18 digits.
  std::int64_t natural() {
    const char* const first = p;
    std::int64_t n = 0;
    while (is_digit(*p) && p - first < 18) n = 10 * n + (*p++ - '0');
    return p == first || is_digit(*p) ? -1 : n;
  }

  /// A number that a blank, a line end or `stop` follows; NaN if there is none.
  double number(char stop) {
    const char* const first = p;
    const std::int64_t n = natural();
    if (n >= 0 && n < (std::int64_t{1} << 53) && (ends_word(*p) || *p == stop)) return static_cast<double>(n);
    p = first + (*first == '+');
    double value = 0;
    const auto [end, error] = std::from_chars(p, end_of_line(), value);
    p = end;
    const bool good = error == std::errc() && (ends_word(*p) || *p == stop);
    return good ? value : std::numeric_limits<double>::quiet_NaN();
  }
};

bool within(std::int64_t n, std::int64_t first, std::int64_t last) { return n >= first && n <= last; }

/// The fault of a value, and the value as T.
template <class T>
TextFault check_value(double value, bool whole, T& out) {
  if (std::isnan(value)) return TextFault::number;
  out = static_cast<T>(value);
  if (!(value >= 0) || !std::isfinite(out)) return TextFault::value;
  return whole && value != std::floor(value) ? TextFault::whole : TextFault::none;
}

/// "column:value", after blanks.
template <class T>
TextFault parse_pair(Reader& in, const TextLimits& limits, std::int32_t& column, T& value) {
  const std::int64_t c = in.natural();
  if (c < 0 || *in.p != ':') return TextFault::number;
  if (!within(c, limits.first_column, limits.last_column)) return TextFault::column;
  ++in.p;
  if (ends_word(*in.p)) return TextFault::number;
  column = static_cast<std::int32_t>(c - limits.first_column);
  return check_value(in.number('#'), limits.whole, value);
}

/// The labels in front of a row of svmlight: numbers between commas, and perhaps a query.
TextFault skip_labels(Reader& in) {
  for (;;) {
    if (std::isnan(in.number(','))) return TextFault::number;
    if (*in.p != ',') break;
    ++in.p;
  }
  in.skip_blanks();
  if (in.p[0] == 'q' && in.p[1] == 'i' && in.p[2] == 'd' && in.p[3] == ':') {
    in.p += 4;
    if (std::isnan(in.number('#'))) return TextFault::number;
  }
  return TextFault::none;
}

#ifdef __SSE2__
/// The number of at most eight digits that ends before `end`; reads eight bytes.
std::uint32_t ending_at(const char* end, int digits) {
  std::uint64_t t;
  std::memcpy(&t, end - 8, 8);
  t = (t ^ 0x3030303030303030u) & (~std::uint64_t{0} << (64 - 8 * digits));  // digits before it are zeros
  t = t * 10 + (t >> 8);                                                     // pairs, then fours, then all eight
  t = ((t & 0x000000ff000000ffu) * 0x000f424000000064u + ((t >> 16) & 0x000000ff000000ffu) * 0x0000271000000001u) >> 32;
  return static_cast<std::uint32_t>(t);
}

/// A bit for each of 64 characters: whether it is no digit.
std::uint64_t gaps_in(const char* p) {
  std::uint64_t gaps = 0;
  for (int i = 0; i < 4; ++i) {
    const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
    const __m128i x = _mm_xor_si128(text, _mm_set1_epi8('0'));
    const __m128i digits = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(9)), x);
    gaps |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(digits)) ^ 0xffffu) << (16 * i);
  }
  return gaps;
}

/// Most lines: three numbers of at most eight digits, one space apart, within the limits. Goes on from `p` until a line
/// needs a closer look, the text has fewer than 64 characters left or there is no more room, and returns where that is.
/// Reads 8 bytes before `p`. One look at 64 characters serves the lines that are whole within them.
template <class T>
const char* quick_triples(const char* p, const char* end, const TextLimits& limits, View<std::int32_t> rows,
                          View<std::int32_t> columns, View<T> values, TextProgress& done) {
  if (limits.last_row < limits.first_row || limits.last_column < limits.first_column) return p;
  const std::uint64_t n_rows = static_cast<std::uint64_t>(limits.last_row - limits.first_row);
  const std::uint64_t n_columns = static_cast<std::uint64_t>(limits.last_column - limits.first_column);
  while (end - p >= 64) {
    const char* const block = p;
    std::uint64_t gaps = gaps_in(block);
    for (;;) {
      const std::uint64_t second = gaps & (gaps - 1);
      const std::uint64_t third = second & (second - 1);
      if (third == 0) break;
      if (done.entries == columns.rows) return p;
      const char* const a = block + __builtin_ctzll(gaps);
      const char* const b = block + __builtin_ctzll(second);
      const char* const c = block + __builtin_ctzll(third);
      // One less than the number of digits; a large number where there are none.
      const auto na = static_cast<std::size_t>(a - p - 1), nb = static_cast<std::size_t>(b - a - 2),
                 nc = static_cast<std::size_t>(c - b - 2);
      if ((na | nb | nc) >= 8 || *a != ' ' || *b != ' ' || *c != '\n') return p;
      const std::uint64_t row = ending_at(a, static_cast<int>(na) + 1) - static_cast<std::uint64_t>(limits.first_row);
      const std::uint64_t column =
          ending_at(b, static_cast<int>(nb) + 1) - static_cast<std::uint64_t>(limits.first_column);
      if (row > n_rows || column > n_columns) return p;
      rows[done.entries] = static_cast<std::int32_t>(row);
      columns[done.entries] = static_cast<std::int32_t>(column);
      values[done.entries] = static_cast<T>(static_cast<std::int32_t>(ending_at(c, static_cast<int>(nc) + 1)));
      ++done.entries;
      ++done.lines;
      p = c + 1;
      gaps = third & (third - 1);
    }
    if (p == block) return p;
  }
  return p;
}
#endif

}  // namespace

template <class T>
TextProgress parse_triples(const char* text, std::size_t size, const TextLimits& limits, bool with_value,
                           View<std::int32_t> rows, View<std::int32_t> columns, View<T> values) {
  TextProgress done;
  Reader in{text};
  const char* const end = text + size;
  while (in.p != end) {
#ifdef __SSE2__
    if (with_value && in.p - text >= 8) {
      const char* const from = in.p;
      in.p = quick_triples(in.p, end, limits, rows, columns, values, done);
      done.bytes = static_cast<std::size_t>(in.p - text);
      if (in.p != from) continue;
    }
#endif
    in.skip_blanks();
    if (!in.at_end()) {
      if (done.entries == columns.rows) break;
      const std::int64_t row = in.natural();
      bool good = row >= 0 && is_blank(*in.p);
      in.skip_blanks();
      const std::int64_t column = good ? in.natural() : -1;
      good = column >= 0 && (with_value ? is_blank(*in.p) : ends_word(*in.p));
      TextFault fault = good ? TextFault::none : TextFault::number;
      T value = 1;
      if (good && with_value) {
        in.skip_blanks();
        fault = check_value(in.number('\n'), limits.whole, value);
      }
      in.skip_blanks();
      if (fault == TextFault::none && !in.at_end()) fault = TextFault::extra;
      if (fault == TextFault::none && !within(row, limits.first_row, limits.last_row)) fault = TextFault::row;
      if (fault == TextFault::none && !within(column, limits.first_column, limits.last_column))
        fault = TextFault::column;
      if (fault != TextFault::none) {
        done.fault = fault;
        return done;
      }
      rows[done.entries] = static_cast<std::int32_t>(row - limits.first_row);
      columns[done.entries] = static_cast<std::int32_t>(column - limits.first_column);
      values[done.entries++] = value;
    }
    ++in.p;
    ++done.lines;
    done.bytes = static_cast<std::size_t>(in.p - text);
  }
  return done;
}

template <class T>
TextProgress parse_pairs(const char* text, std::size_t size, const TextLimits& limits, PairForm form,
                         View<std::int64_t> start, View<std::int32_t> columns, View<T> values) {
  TextProgress done;
  Reader in{text};
  const char* const end = text + size;
  while (in.p != end) {
    in.skip_blanks();
    const bool comments = form == PairForm::svmlight;
    if (!comments || !(in.at_end() || *in.p == '#')) {
      if (done.rows == start.rows) break;
      const std::int64_t announced = comments ? -1 : in.natural();
      if (comments)
        done.fault = skip_labels(in);
      else if (announced < 0 || !ends_word(*in.p))
        done.fault = TextFault::number;
      std::size_t n = done.entries;
      for (in.skip_blanks(); done.fault == TextFault::none && !in.at_end() && !(comments && *in.p == '#');
           in.skip_blanks()) {
        if (n == columns.rows) return done;
        done.fault = parse_pair(in, limits, columns[n], values[n]);
        ++n;
      }
      if (done.fault == TextFault::none && announced >= 0 && n - done.entries != static_cast<std::size_t>(announced))
        done.fault = TextFault::length;
      if (done.fault != TextFault::none) return done;
      done.entries = n;
      start[done.rows++] = static_cast<std::int64_t>(n);
    }
    in.p = in.end_of_line() + 1;
    ++done.lines;
    done.bytes = static_cast<std::size_t>(in.p - text);
  }
  return done;
}

template TextProgress parse_triples(const char*, std::size_t, const TextLimits&, bool, View<std::int32_t>,
                                    View<std::int32_t>, View<float>);
template TextProgress parse_triples(const char*, std::size_t, const TextLimits&, bool, View<std::int32_t>,
                                    View<std::int32_t>, View<double>);
template TextProgress parse_pairs(const char*, std::size_t, const TextLimits&, PairForm, View<std::int64_t>,
                                  View<std::int32_t>, View<float>);
template TextProgress parse_pairs(const char*, std::size_t, const TextLimits&, PairForm, View<std::int64_t>,
                                  View<std::int32_t>, View<double>);

}  // namespace vivace
