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

/// Most lines: three numbers of at most eight digits, one space apart. Returns the length of the line with its end, or
/// 0 where a closer look is needed. Reads 8 bytes before `p` and 32 from it on.
int quick_triple(const char* p, std::uint32_t (&out)[3]) {
  const auto below = [](__m128i a) { return _mm_movemask_epi8(_mm_cmplt_epi8(a, _mm_set1_epi8('0'))); };
  const auto above = [](__m128i a) { return _mm_movemask_epi8(_mm_cmpgt_epi8(a, _mm_set1_epi8('9'))); };
  const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16));
  auto gaps = static_cast<std::uint32_t>(below(a) | below(b) << 16);
  const auto others = static_cast<std::uint32_t>(above(a) | above(b) << 16);
  int start = 0;
  for (int i = 0; i < 3; ++i) {
    if (gaps == 0) return 0;
    const int end = __builtin_ctz(gaps);
    const int digits = end - start;
    if (digits < 1 || digits > 8 || p[end] != (i == 2 ? '\n' : ' ')) return 0;
    out[i] = ending_at(p + end, digits);
    gaps &= gaps - 1;
    start = end + 1;
  }
  return (others << (32 - start)) == 0 ? start : 0;
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
    std::uint32_t n[3];
    if (with_value && in.p - text >= 8 && end - in.p >= 32 && done.entries < columns.rows) {
      const int length = quick_triple(in.p, n);
      if (length > 0 && within(n[0], limits.first_row, limits.last_row) &&
          within(n[1], limits.first_column, limits.last_column)) {
        rows[done.entries] = static_cast<std::int32_t>(n[0] - limits.first_row);
        columns[done.entries] = static_cast<std::int32_t>(n[1] - limits.first_column);
        values[done.entries++] = static_cast<T>(n[2]);
        in.p += length;
        ++done.lines;
        done.bytes = static_cast<std::size_t>(in.p - text);
        continue;
      }
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
