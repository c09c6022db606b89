// Collapsed variational Bayes: the documents and the words of a batch.
#include "cvb0.hpp"

#include "../math.hpp"
#include "cvb0_lean.hpp"
#include "cvb0_store.hpp"
#include "layout.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

// Up to this many vectors of topics the counts of a document and the shares of an entry stay in registers (of 32).
constexpr std::size_t most_in_registers = VIVACE_VECTOR_BYTES == 64 ? 8 : 0;

// Shares are summed in this many accumulators, so that additions do not wait for each other.
constexpr std::size_t chains = 4;

template <class T>
struct Buffers {
  T *counts, *value;
  double* moved;
  Buffers(Arena& arena, std::size_t topics) {
    const std::size_t stride = round_up(topics, lanes<T>);
    counts = arena.take<T>(stride);
    value = arena.take<T>(stride);
    moved = arena.take<double>(stride);
  }
};

/// Documents one after the other. `vectors` is the length of the loops over topics, where it is known (else 0).
///
/// `usual`: a single sweep over documents seen before, counts and weights of at least one, no division. What is
/// settled at compile time then is what the inner loop would have to ask for.
template <class T, std::size_t vectors, bool usual>
class Documents {
  using S = Store<T>;
  using Item = typename S::Item;
  static constexpr std::size_t n = lanes<T>;
  static constexpr std::size_t room = vectors ? vectors : 1;

 public:
  explicit Documents(const Cvb0Documents<T>& args) : a(args), stride(vectors ? vectors * n : args.table.cols) {
    Arena arena{args.scratch};
    const Buffers<T> buffers(arena, args.topics);
    counts = buffers.counts;
    value = buffers.value;
    double* moved = buffers.moved;
    double sum = 0, total = 0;
    for (std::size_t k = 0; k < stride; ++k) {
      moved[k] = 0;
      sum += static_cast<double>(a.alpha[k]);
    }
    alpha_sum = static_cast<T>(sum);
    for (std::size_t d = 0; d < a.documents; ++d) total += document(d, moved);
    *a.likelihood = total;
    for (std::size_t k = 0; k < a.topics; ++k) a.moved[k] = moved[k];
  }

 private:
  const Cvb0Documents<T>& a;
  std::size_t stride;
  T alpha_sum;
  T *counts, *value;

  VIVACE_MEMBER std::size_t length() const { return vectors ? vectors : stride / n; }
  VIVACE_MEMBER Item* gamma(std::size_t e) const { return static_cast<Item*>(a.gamma) + e * stride; }
  VIVACE_MEMBER T* change(std::size_t e) const {
    return a.change.data + (e - static_cast<std::size_t>(a.change_first)) * stride;
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

  VIVACE_MEMBER double document(std::size_t d, double* moved) const {
    const auto first = static_cast<std::size_t>(a.start[d]), last = static_cast<std::size_t>(a.start[d + 1]);
    const T weight = a.row_weights ? static_cast<T>(a.row_weights[d]) : T(1);
    T tokens = 0;
    for (std::size_t e = first; e < last; ++e) tokens += a.counts[e];

    Vec<T> held[room];  // alpha and the expected counts of the document
    for (std::size_t j = 0; j < length(); ++j) put(held, counts, j, loadu(a.alpha + j * n));
    if (usual || !a.fresh)
      for (std::size_t e = first; e < last; ++e) {
        const Vec<T> c = broadcast<T>(a.counts[e] / S::one);
        const Item* g = gamma(e);
        for (std::size_t j = 0; j < length(); ++j)
          put(held, counts, j, mul_add(S::load(g + j * n), c, get(held, counts, j)));
      }
    add_moved(held, moved, -weight);
    double likelihood = 0;
    if constexpr (usual)
      likelihood = sweep(held, first, last, weight, tokens, 0);
    else
      for (std::size_t s = 0; s < a.sweeps; ++s) likelihood = sweep(held, first, last, weight, tokens, s);
    add_moved(held, moved, weight);
    return likelihood;
  }

  VIVACE_MEMBER void add_moved(const Vec<T> (&held)[room], double* moved, T weight) const {
    for (std::size_t j = 0; j < length(); ++j) {
      const Vec<T> v = get(held, counts, j) * weight;
      for (std::size_t i = 0; i < n; ++i) moved[j * n + i] += static_cast<double>(v[i]);
    }
  }

  VIVACE_MEMBER double sweep(Vec<T> (&held)[room], std::size_t first, std::size_t last, T weight, T tokens,
                             std::size_t s) const {
    const bool final = usual || s + 1 == a.sweeps, unseen = !usual && a.fresh && s == 0;
    const bool old_kept = !usual && s > 0;
    double likelihood = 0;
    Vec<T> sums = broadcast<T>(1), parts = broadcast<T>(0);
    std::size_t filled = 0;
    for (std::size_t e = first; e < last; ++e) {
      const T c = a.counts[e];
      const T y = usual ? T(1) : c < T(1) ? c : T(1), x = usual ? T(1) : weight < T(1) ? y * weight : y;
      const T* lambda = a.table.data + static_cast<std::size_t>(a.words[e]) * stride;
      Item* g = gamma(e);
      T* out = change(e);
      const Vec<T> own_word = broadcast<T>(x / S::one), own_topic = broadcast<T>(y / S::one);
      const Vec<T> taken = broadcast<T>(c / S::one);
      // The next entry's row, fetched along the way.
      const T* ahead = a.table.data + static_cast<std::size_t>(a.words[e + 1 < last ? e + 1 : e]) * stride;

      Vec<T> share[room], sum[chains] = {};
      for (std::size_t j = 0; j < length(); ++j) {
        const Vec<T> now = unseen ? Vec<T>{} : S::load(g + j * n);
        const Vec<T> old = old_kept ? loadu(out + j * n) : now;
        const Vec<T> count = get(held, counts, j);
        __builtin_prefetch(ahead + j * n);
        const Vec<T> l = max(loadu(lambda + j * n) - old * own_word, broadcast<T>(a.least_word));
        const Vec<T> m = max(count - now * own_topic, broadcast<T>(a.least_topic));
        if constexpr (vectors) held[j] = count - now * taken;
        Vec<T> v = l * m;
        if (!usual && a.divide)
          v = v / (loadu(a.totals + j * n) - old * own_word);
        else if (usual)
          v = v * mul_add(old, loadu(a.square + j * n), loadu(a.inverse + j * n));
        else
          v = v * mul_add(old * x, loadu(a.square + j * n), loadu(a.inverse + j * n));
        put(share, value, j, v);
        sum[j % chains] += v;
      }
      const T total = horizontal_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
      const T inverse = T(1) / total;
      const Vec<T> scale = broadcast<T>(S::one * inverse), given = broadcast<T>(c * inverse);
      for (std::size_t j = 0; j < length(); ++j) {
        const Vec<T> v = get(share, value, j);
        // Read again: registers are dearer than the first-level cache.
        const Vec<T> now = unseen ? Vec<T>{} : S::load(g + j * n);
        const Vec<T> old = old_kept ? loadu(out + j * n) : now;
        if constexpr (vectors)
          held[j] = mul_add(v, given, held[j]);
        else
          storeu(counts + j * n, mul_add(v, given, loadu(counts + j * n) - now * taken));
        const Vec<T> stored = S::save(g + j * n, v * scale);
        storeu(out + j * n, final ? stored - old : old);
      }
      if (!final) continue;
      a.factors[e - static_cast<std::size_t>(a.change_first)] = weight * c / S::one;
      sums[filled] = total / (tokens - y + alpha_sum);
      parts[filled] = weight * c;
      if (++filled == n || e + 1 == last) {
        likelihood += static_cast<double>(horizontal_sum(parts * log(sums)));
        sums = broadcast<T>(1);
        parts = broadcast<T>(0);
        filled = 0;
      }
    }
    return likelihood;
  }
};

template <class T, bool usual, std::size_t vectors = most_in_registers>
static inline void documents(const Cvb0Documents<T>& a) {
  if constexpr (vectors == 0) {
    Documents<T, 0, usual> all(a);
  } else {
    if (a.table.cols == vectors * lanes<T>)
      Documents<T, vectors, usual> all(a);
    else if (a.table.cols > vectors * lanes<T>)
      Documents<T, 0, usual> all(a);
    else
      documents<T, usual, vectors - 1>(a);
  }
}

/// Words, `vectors` vectors of topics at a time from column `k` on.
template <class T, std::size_t vectors>
static inline void words(const Cvb0Words<T>& a, std::size_t k) {
  constexpr std::size_t n = lanes<T>;
  const std::size_t stride = a.table.cols;
  for (std::size_t i = 0; i < a.count; ++i) {
    T* out = a.table.data + static_cast<std::size_t>(a.words[i]) * stride + k;
    Vec<T> row[vectors];
    for (std::size_t j = 0; j < vectors; ++j) row[j] = loadu(out + j * n);
    for (auto at = a.start[i]; at < a.start[i + 1]; ++at) {
      const auto e = static_cast<std::size_t>(a.entries[at]);
      const Vec<T> factor = broadcast<T>(a.factors[e]);
      const T* change = a.change.data + e * stride + k;
      for (std::size_t j = 0; j < vectors; ++j) row[j] = mul_add(loadu(change + j * n), factor, row[j]);
    }
    for (std::size_t j = 0; j < vectors; ++j) storeu(out + j * n, row[j]);
  }
}

template <class T>
static inline void words(const Cvb0Words<T>& a) {
  constexpr std::size_t n = lanes<T>;
  std::size_t k = 0;
  for (; k + 8 * n <= a.table.cols; k += 8 * n) words<T, 8>(a, k);
  switch ((a.table.cols - k) / n) {
    case 1: return words<T, 1>(a, k);
    case 2: return words<T, 2>(a, k);
    case 3: return words<T, 3>(a, k);
    case 4: return words<T, 4>(a, k);
    case 5: return words<T, 5>(a, k);
    case 6: return words<T, 6>(a, k);
    case 7: return words<T, 7>(a, k);
    default: return;
  }
}

template <class T>
static inline void extrapolate(const Cvb0Extrapolation<T>& a) {
  const std::size_t topics = a.counts.cols, across = a.prior.cols > 1 ? 1 : 0;
  double* counted = a.sums.row(0);
  double* used = a.sums.row(1);
  for (std::size_t k = 0; k < topics; ++k) counted[k] = used[k] = 0;
  for (std::size_t w = a.first; w < a.last; ++w) {
    T* table = a.table.row(w);
    T* shift = a.shift.row(w);
    const T* previous = a.previous.row(w);
    const T* prior = a.prior.row(a.prior.rows > 1 ? w : 0);
    T* counts = a.counts.row(w);
    for (std::size_t k = 0; k < topics; ++k) {
      const T found = table[k] - shift[k], now = found > T(0) ? found : T(0);
      const T ahead = now + a.step * (now - previous[k]), next = (ahead > T(0) ? ahead : T(0)) + prior[k * across];
      table[k] = next;
      shift[k] = next - now;
      counts[k] = now;
      counted[k] += static_cast<double>(now);
      used[k] += static_cast<double>(next);
    }
  }
}

template <class T>
static inline void all_documents(const Cvb0Documents<T>& a) {
  if (a.kept)
    LeanDocuments<T> all(a);
  else if (a.usual)
    documents<T, true>(a);
  else
    documents<T, false>(a);
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
void cvb0_words_d(const Cvb0Words<double>& a) { words(a); }
void cvb0_words_f(const Cvb0Words<float>& a) { words(a); }
void cvb0_extrapolate_d(const Cvb0Extrapolation<double>& a) { extrapolate(a); }
void cvb0_extrapolate_f(const Cvb0Extrapolation<float>& a) { extrapolate(a); }

}  // namespace vivace::VIVACE_ISA_NS
