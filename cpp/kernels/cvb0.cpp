// Collapsed variational Bayes: the documents and the words of a batch.
#include "cvb0.hpp"

#include <utility>

#include "../math.hpp"
#include "cvb0_extrapolation.hpp"
#include "cvb0_lean.hpp"
#include "cvb0_store.hpp"
#include "cvb0_words.hpp"
#include "layout.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

// Up to this many vectors of topics the counts of two documents and the shares of an entry stay in registers (of 32).
// Not in double precision: that would be as much code again, for fewer topics.
template <class T>
constexpr std::size_t most_in_registers = VIVACE_VECTOR_BYTES == 64 && sizeof(T) == 4 ? 8 : 0;

// Rows of the table are asked for so many entries before their turn: another core may have written them.
constexpr std::size_t rows_ahead = 4;

// Shares are summed in this many accumulators, so that additions do not wait for each other.
constexpr std::size_t chains = 4;

template <class T>
struct Buffers {
  T *counts[2], *value[2];  // of each of two documents
  T *chance, *below, *part;
  double* moved;
  Buffers(Arena& arena, std::size_t topics) {
    const std::size_t stride = round_up(topics, lanes<T>);
    for (T** buffer : {&counts[0], &counts[1], &value[0], &value[1]}) *buffer = arena.take<T>(stride);
    for (T** buffer : {&chance, &below, &part}) *buffer = arena.take<T>(lanes<T>);
    moved = arena.take<double>(stride);
  }
};

/// Whether documents are met for the first time, or again; the latter with a division by totals where those are small.
enum class Visit { fresh, again, divided };

/// The documents of a block. `vectors` is the length of the loops over topics, where it is known (else 0).
///
/// The shares of an entry have to wait for those of the entry before, which are in the document's counts, and for their
/// own sum: two documents take turns, so that one works while the other waits.
template <class T, std::size_t vectors, Visit visit>
class Documents {
  using S = Store<T>;
  using Item = typename S::Item;
  static constexpr std::size_t n = lanes<T>;
  static constexpr std::size_t room = vectors ? vectors : 1;

 public:
  explicit Documents(const Cvb0Documents<T>& args)
      : a(args),
        arena{args.scratch},
        buffers(arena, args.topics),
        stride(vectors ? vectors * n : args.table.cols),
        tail(args.topics - (stride - n)) {
    double sum = 0;
    for (std::size_t k = 0; k < stride; ++k) {
      buffers.moved[k] = 0;
      sum += static_cast<double>(a.alpha[k]);
    }
    alpha_sum = static_cast<T>(sum);
    for (std::size_t d = 0; d < a.documents; d += 2) turns(d);
    add_likelihood();
    *a.likelihood = likelihood;
    for (std::size_t k = 0; k < a.topics; ++k) a.moved[k] = buffers.moved[k];
  }

 private:
  /// A document at work; `held` is alpha and its expected counts, `shares` those of entry `at` before they are divided
  /// by their `total`.
  struct Document {
    Vec<T> held[room], shares[room];
    std::size_t first = 0, size = 0, later = 0, at = 0, seen = 0;
    T weight = 1, tokens = 0, total = 1;
    T *counts, *value;  // where `held` and `shares` are while there are too many for registers
  };

  const Cvb0Documents<T>& a;
  Arena arena;
  Buffers<T> buffers;
  std::size_t stride, tail;  // the latter: topics of the last vector
  T alpha_sum;
  std::size_t filled = 0;
  double likelihood = 0;

  /// Whether a vector of topics is the last one, of which entries have `tail`.
  using Whole = std::false_type;
  using Last = std::true_type;

  /// Calls f(number, Whole or Last) for each vector of topics.
  template <class F>
  VIVACE_MEMBER void each(F&& f) const {
    if constexpr (vectors > 0) {
      repeat<vectors - 1>([&](std::size_t j) VIVACE_LAMBDA { f(j, Whole()); });
      f(vectors - 1, Last());
    } else {
      std::size_t j = 0;
      for (; (j + 1) * n < stride; ++j) f(j, Whole());
      f(j, Last());
    }
  }
  template <class At>
  VIVACE_MEMBER Vec<T> load(const Item* p, At) const {
    if constexpr (At::value)
      return S::load(p, tail);
    else
      return S::load(p);
  }
  template <class At>
  VIVACE_MEMBER void save(Item* p, Vec<T> v, At) const {
    if constexpr (At::value)
      S::save(p, v, tail);
    else
      S::save(p, v);
  }
  template <class At>
  VIVACE_MEMBER void copy(Item* to, const Item* from, At) const {
    if constexpr (At::value)
      S::copy(to, from, tail);
    else
      S::copy(to, from);
  }
  VIVACE_MEMBER std::size_t size(std::size_t d) const { return static_cast<std::size_t>(a.start[d + 1] - a.start[d]); }
  VIVACE_MEMBER Item* gamma(std::size_t e) const { return static_cast<Item*>(a.gamma) + e * a.topics; }
  VIVACE_MEMBER Item* before(std::size_t e) const {
    return static_cast<Item*>(a.before) + (e - static_cast<std::size_t>(a.batch_first)) * a.topics;
  }
  VIVACE_MEMBER const T* row(std::size_t e) const {
    return a.table.data + static_cast<std::size_t>(a.words[e]) * stride;
  }
  VIVACE_MEMBER Vec<T> get(const Vec<T> (&held)[room], const T* buffer, std::size_t j) const {
    if constexpr (vectors)
      return held[j];
    else
      return loadu(buffer + j * n);
  }
  VIVACE_MEMBER void put(Vec<T> (&held)[room], T* buffer, std::size_t j, Vec<T> v) const {
    if constexpr (vectors)
      held[j] = v;
    else
      storeu(buffer + j * n, v);
  }

  /// Document `d`, and the one after it where two take turns.
  VIVACE_MEMBER void turns(std::size_t d) {
    Document one{}, two{};
    one.counts = buffers.counts[0], one.value = buffers.value[0];
    two.counts = buffers.counts[1], two.value = buffers.value[1];
    std::size_t other = d + 1 < a.documents ? d + 1 : d;
    if (size(other) > size(d)) std::swap(other, d);
    begin(one, d);
    if (other != d) begin(two, other);
    one.later = two.later = one.size + two.size;
    const std::size_t sweeps = visit == Visit::fresh ? a.sweeps : 1;
    if (one.size) go<false, true>(one);
    if (two.size) go<false, true>(two);
    std::size_t i = 1;
    for (; i < sweeps * two.size; ++i) {
      go<true, true>(one);
      go<true, true>(two);
    }
    if (two.size) go<true, false>(two);
    for (; i < sweeps * one.size; ++i) go<true, true>(one);
    if (one.size) go<true, false>(one);
    add_moved(one, one.weight);
    if (other != d) add_moved(two, two.weight);
  }

  VIVACE_MEMBER void begin(Document& doc, std::size_t d) {
    doc.first = static_cast<std::size_t>(a.start[d]);
    doc.size = size(d);
    if (a.row_weights) doc.weight = static_cast<T>(a.row_weights[d]);
    each([&](std::size_t j, auto) VIVACE_LAMBDA { put(doc.held, doc.counts, j, loadu(a.alpha + j * n)); });
    for (std::size_t e = doc.first; e < doc.first + doc.size; ++e) {
      doc.tokens += a.counts[e];
      const Vec<T> c = broadcast<T>(a.counts[e] / S::one);
      Item* g = gamma(e);
      each([&](std::size_t j, auto at) VIVACE_LAMBDA {
        if constexpr (visit == Visit::fresh) {
          save(g + j * n, Vec<T>{}, at);
        } else {
          copy(before(e) + j * n, g + j * n, at);
          put(doc.held, doc.counts, j, mul_add(load(g + j * n, at), c, get(doc.held, doc.counts, j)));
        }
      });
    }
    add_moved(doc, -doc.weight);
  }

  VIVACE_MEMBER void add_moved(const Document& doc, T weight) const {
    each([&](std::size_t j, auto) VIVACE_LAMBDA {
      const Vec<T> v = get(doc.held, doc.counts, j) * weight;
      for (std::size_t i = 0; i < n; ++i) buffers.moved[j * n + i] += static_cast<double>(v[i]);
    });
  }

  /// Ends the visit of an entry: stores its shares and adds them to the document's counts (`last`). Begins that of the
  /// next one: its shares, not yet divided by their sum (`next`). Both at once, as both go through the counts.
  template <bool last, bool next>
  VIVACE_MEMBER void go(Document& doc) {
    const std::size_t end = doc.first + doc.size, past = doc.at;
    const std::size_t e = !last ? doc.first : past + 1 < end ? past + 1 : doc.first;
    const T inverse = T(1) / doc.total;
    const Vec<T> scale = broadcast<T>(S::one * inverse), given = broadcast<T>(a.counts[past] * inverse);
    Item* kept = gamma(past);
    const Item* g = gamma(e);
    const T c = a.counts[e], y = c < T(1) ? c : T(1), x = doc.weight < T(1) ? y * doc.weight : y;
    const T* lambda = row(e);
    // What is read some entries later, and after this document and the other, is asked for on the way; not into the
    // first-level cache, which rows of many topics would fill.
    const T* row_later = row(e + rows_ahead < end ? e + rows_ahead : e);
    const Item* soon = gamma(e + doc.later < a.entries ? e + doc.later : e);
    const Vec<T> own_word = broadcast<T>(x / S::one), own_topic = broadcast<T>(y / S::one);
    const Vec<T> taken = broadcast<T>(c / S::one);
    // Copies: what is stored below might be these, for all that the compiler knows.
    const Vec<T> least_topic = broadcast<T>(a.least_topic), least_word = broadcast<T>(a.least_word);
    const T *totals = a.totals, *inverses = a.inverse;

    Vec<T> sum[chains] = {};
    const auto vector = [&](std::size_t j, [[maybe_unused]] std::size_t chain, auto at) VIVACE_LAMBDA {
      Vec<T> count = get(doc.held, doc.counts, j);
      if constexpr (last) {
        const Vec<T> v = get(doc.shares, doc.value, j);
        count = mul_add(v, given, count);
        save(kept + j * n, v * scale, at);
      }
      if constexpr (next) {
        const Vec<T> now = load(g + j * n, at);
        __builtin_prefetch(row_later + j * n, 0, 2);
        if (j % 2 == 0) __builtin_prefetch(soon + j * n, 1, 2);
        Vec<T> v = max(count - now * own_topic, least_topic);
        count = count - now * taken;
        if constexpr (visit == Visit::fresh) {  // the table holds nothing of the entry
          v = v * loadu(lambda + j * n) * loadu(inverses + j * n);
        } else {
          const Vec<T> own = now * own_word;
          v = v * max(loadu(lambda + j * n) - own, least_word);
          if constexpr (visit == Visit::divided) {
            v = v / (loadu(totals + j * n) - own);
          } else {  // 1 / (t - x) is 1 / t + x / t^2 as t is large
            const Vec<T> over = loadu(inverses + j * n);
            v = v * over;
            v = mul_add(v, own * over, v);
          }
        }
        put(doc.shares, doc.value, j, v);
        sum[chain] += v;
      }
      put(doc.held, doc.counts, j, count);
    };
    if constexpr (vectors > 0) {
      each([&](std::size_t j, auto at) VIVACE_LAMBDA { vector(j, j % chains, at); });
    } else {
      const std::size_t chained = stride / (chains * n) * chains;
      const auto chain_of = [&](std::size_t j) VIVACE_LAMBDA { return j < chained ? j % chains : 0; };
      std::size_t j = 0;
      for (; (j + chains) * n < stride; j += chains)
        repeat<chains>([&](std::size_t chain) VIVACE_LAMBDA { vector(j + chain, chain, Whole()); });
      for (; (j + 1) * n < stride; ++j) vector(j, chain_of(j), Whole());
      vector(j, chain_of(j), Last());
    }
    if constexpr (last) note(doc, past);
    if constexpr (next) {
      doc.total = horizontal_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
      doc.at = e;
    }
  }

  /// What is known of an entry besides its shares.
  VIVACE_MEMBER void note(Document& doc, std::size_t e) {
    const T c = a.counts[e];
    a.factors[e - static_cast<std::size_t>(a.batch_first)] = doc.weight * c / S::one;
    if (visit == Visit::fresh && ++doc.seen <= doc.size * (a.sweeps - 1)) return;
    buffers.chance[filled] = doc.total;
    buffers.below[filled] = doc.tokens - (c < T(1) ? c : T(1)) + alpha_sum;
    buffers.part[filled] = doc.weight * c;
    if (++filled == n) add_likelihood();
  }

  /// Takes in the entries that wait: many logarithms at a time.
  void add_likelihood() {
    for (; filled < n; ++filled) {
      buffers.chance[filled] = buffers.below[filled] = T(1);
      buffers.part[filled] = T(0);
    }
    const Vec<T> chance = loadu(buffers.chance) / loadu(buffers.below);
    likelihood += static_cast<double>(horizontal_sum(loadu(buffers.part) * log(chance)));
    filled = 0;
  }
};

template <class T, Visit visit, std::size_t vectors = most_in_registers<T>>
static inline void documents(const Cvb0Documents<T>& a) {
  if constexpr (vectors == 0) {
    Documents<T, 0, visit> all(a);
  } else {
    if (a.table.cols == vectors * lanes<T>)
      Documents<T, vectors, visit> all(a);
    else if (a.table.cols > vectors * lanes<T>)
      Documents<T, 0, visit> all(a);
    else
      documents<T, visit, vectors - 1>(a);
  }
}

template <class T>
static inline void all_documents(const Cvb0Documents<T>& a) {
  if (a.kept_bytes)
    LeanDocuments<T, std::uint8_t> all(a, a.kept_bytes);
  else if (a.kept)
    LeanDocuments<T, std::uint16_t> all(a, a.kept);
  else if (a.fresh)
    documents<T, Visit::fresh>(a);
  else if (a.divide)
    Documents<T, 0, Visit::divided> all(a);
  else
    documents<T, Visit::again>(a);
}

}  // namespace

std::size_t cvb0_scratch(std::size_t topics) {
  Arena single{nullptr}, twice{nullptr};
  (void)Buffers<float>(single, topics);
  (void)Buffers<double>(twice, topics);
  return (single.used > twice.used ? single.used : twice.used) + 64;
}

void cvb0_documents_d(const Cvb0Documents<double>& a) { all_documents(a); }
void cvb0_documents_f(const Cvb0Documents<float>& a) { all_documents(a); }
void cvb0_words_d(const Cvb0Words<double>& a) { all_words(a); }
void cvb0_words_f(const Cvb0Words<float>& a) { all_words(a); }
void cvb0_extrapolate_d(const Cvb0Extrapolation<double>& a) { extrapolate(a); }
void cvb0_extrapolate_f(const Cvb0Extrapolation<float>& a) { extrapolate(a); }

}  // namespace vivace::VIVACE_ISA_NS
