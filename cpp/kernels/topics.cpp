// Latent Dirichlet allocation: tables of topics, the sums of words, and the topics' terms of the bound.
#include "topic_range.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

/// The parameter of the entries that a packed row leaves out; none where each topic has a prior of its own.
template <class T>
VIVACE_INLINE T common_parameter(const TopicRows<T>& t, std::size_t w) {
  return t.by_topic ? T(-1) : t.prior[w * t.by_word];
}

/// The bits of the lanes from k on that are topics.
VIVACE_INLINE std::uint32_t inside(std::uint32_t bits, std::size_t k, std::size_t topics) {
  return topics - k < 32 ? bits & ((std::uint32_t{1} << (topics - k)) - 1) : bits;
}

/// Rows of B, one after the other.
template <class T>
class TableMaker {
 public:
  TableMaker(const TopicTable<T>& args, Arena& arena)
      : a(args), topics(args.topics.counts.cols), stride(round_up(topics, lanes<T>)), least(infinity<T>) {
    for (T** buffer : {&psi_total, &lambda, &value, &power, &spare}) *buffer = arena.take<T>(stride);
    for (std::size_t k = 0; k < stride; ++k) {
      psi_total[k] = k < topics ? static_cast<T>(a.topics.psi_total[k]) : T(0);
      if (k < topics && psi_total[k] < least) least = psi_total[k];
    }
  }

  void make(std::size_t i) const {
    const auto w = static_cast<std::size_t>(a.words[i]);
    T* const out = a.whole ? a.whole.row(i) : spare;
    parameters(a.topics, w, lambda);
    const T prior = common_parameter(a.topics, w);
    const T factor = row(prior, a.level[i], out);
    Vec<T> sum{};
    for (std::size_t k = 0; k < stride; k += lanes<T>) sum += loadu(out + k);
    a.row_sums[i] = horizontal_sum(sum);
    if (!a.whole) pack(i, prior, factor);
  }

 private:
  const TopicTable<T>& a;
  std::size_t topics, stride;
  T least;  // of psi_total
  T *psi_total, *lambda, *value, *power, *spare;

  /// One row, and its level; returns the word's factor.
  T row(T prior, double& row_level, T* out) const {
    const Vec<T> shared = broadcast<T>(prior);
    Vec<T> rest;
    const T at_prior = exp_digamma_factor(broadcast<T>(prior > T(0) ? prior : T(1)), rest)[0];
    const T prior_power = prior > T(0) ? -rest[0] - least : -infinity<T>;
    Vec<T> highest = broadcast<T>(prior_power);
    for (std::size_t k = 0; k < stride; k += lanes<T>) {
      const Vec<T> x = loadu(lambda + k);
      if (!differs(x, shared)) continue;
      storeu(value + k, exp_digamma_factor(x, rest));
      const Vec<T> y = -rest - loadu(psi_total + k);
      storeu(power + k, y);
      highest = max(highest, y);
    }
    const T level = horizontal_max(highest);
    T factor = prior > T(0) ? at_prior * scaled_exp<T>(broadcast<T>(prior_power - level))[0] : T(0);
    Vec<T> most{};
    for (std::size_t k = 0; k < stride; k += lanes<T>) {
      const Vec<T> x = loadu(lambda + k);
      Vec<T> b = loadu(a.common + k) * factor;
      if (differs(x, shared))
        b = select<Vec<T>>(x != shared, loadu(value + k) * scaled_exp<T>(loadu(power + k) - level), b);
      storeu(out + k, b);
      most = max(most, b);
    }
    const T top = horizontal_max(most);
    const T up = Range<T>::scale / top;
    factor *= up;
    if (factor < Range<T>::flushed) factor = T(0);
    for (std::size_t k = 0; k < stride; k += lanes<T>) {
      const Vec<T> b = select<Vec<T>>(loadu(lambda + k) != shared, loadu(out + k) * up, loadu(a.common + k) * factor);
      storeu(out + k, flush<T>(b));
    }
    for (std::size_t k = topics; k < stride; ++k) out[k] = T(0);
    row_level = static_cast<double>(level) + log(broadcast<double>(static_cast<double>(top)))[0] - Range<T>::bits * ln2;
    return factor;
  }

  void pack(std::size_t i, T prior, T factor) const {
    T *const row = a.packed + a.start[i], *to = row + bit_numbers<T>(stride);
    *to++ = factor;
    for (std::size_t k = 0; k < stride; k += 64) {
      const std::size_t end = k + 64 < stride ? k + 64 : stride;
      std::uint64_t bits = 0;
      for (std::size_t j = k; j < end; j += lanes<T>) {
        const std::uint32_t here = inside(differs(loadu(lambda + j), broadcast<T>(prior)), j, topics);
        T held[lanes<T>];
        store_chosen(held, loadu(spare + j), here);
        const auto count = static_cast<std::size_t>(__builtin_popcount(here));
        for (std::size_t m = 0; m < count; ++m) *to++ = held[m];
        bits |= static_cast<std::uint64_t>(here) << (j - k);
      }
      __builtin_memcpy(row + bit_numbers<T>(k), &bits, sizeof bits);
    }
  }
};

template <class T>
static inline void topic_table(const TopicTable<T>& a) {
  Arena arena{a.scratch};
  const TableMaker<T> maker(a, arena);
  for (std::size_t i = 0; i < a.count; ++i) maker.make(i);
}

template <class T>
static inline void table_sizes(const TableSizes<T>& a) {
  Arena arena{a.scratch};
  const std::size_t topics = a.topics.counts.cols;
  T* lambda = arena.take<T>(round_up(topics, lanes<T>));
  for (std::size_t i = 0; i < a.count; ++i) {
    const auto w = static_cast<std::size_t>(a.words[i]);
    parameters(a.topics, w, lambda);
    const Vec<T> shared = broadcast<T>(common_parameter(a.topics, w));
    a.sizes[i] = static_cast<std::int64_t>(bit_numbers<T>(topics) + 1);
    for (std::size_t k = 0; k < topics; k += lanes<T>)
      a.sizes[i] += __builtin_popcount(inside(differs(loadu(lambda + k), shared), k, topics));
  }
}

// Counts below this share of their prior are zero: with them, too, lambda is the prior's to the last bit, and zeros
// need not be kept.
template <class T>
constexpr T nothing = T(0x1p-60);

template <class T>
static inline void word_sums(const WordSums<T>& a) {
  Arena arena{a.scratch};
  const std::size_t topics = a.topics.counts.cols, stride = round_up(topics, lanes<T>);
  T* sum = arena.take<T>(stride);
  T* room = arena.take<T>(stride);
  double* phi = arena.take<double>(doubles_of(topics));
  for (std::size_t i = 0; i < a.count; ++i) {
    const auto w = static_cast<std::size_t>(a.words[i]);
    const auto from = static_cast<std::size_t>(a.start[i]), to = static_cast<std::size_t>(a.start[i + 1]);
    bool orphans = false;
    for (std::size_t k = 0; k < stride; k += lanes<T>) storeu(sum + k, broadcast<T>(Range<T>::start));
    for (std::size_t e = from; e < to; ++e) {
      const T weight = a.weights[a.entries[e]];
      if (!(weight > T(0))) {
        orphans = true;
        continue;
      }
      const T* theta = a.theta.row(static_cast<std::size_t>(a.documents[e]));
      for (std::size_t k = 0; k < stride; k += lanes<T>)
        storeu(sum + k, mul_add(loadu(theta + k), broadcast<T>(weight), loadu(sum + k)));
    }
    if (!a.table.whole) unpack_row(a.table, w, stride, room);
    const T* b = a.table.whole ? a.table.whole.row(w) : room;
    T* out = a.place + w * stride;
    if (a.out) {
      out = a.out.row(a.dense ? static_cast<std::size_t>(a.vocabulary[w]) : w);
      for (std::size_t k = 0; k < topics; ++k)
        out[k] = static_cast<T>(static_cast<double>(out[k]) + static_cast<double>(sum[k]) * static_cast<double>(b[k]));
    } else {
      for (std::size_t k = 0; k < topics; ++k)
        out[k] = static_cast<T>(static_cast<double>(sum[k]) * static_cast<double>(b[k]));
    }
    const T* prior = a.topics.prior + static_cast<std::size_t>(a.vocabulary[w]) * a.topics.by_word;
    if (a.topics.by_topic)
      for (std::size_t k = 0; k < topics; ++k) out[k] = out[k] < nothing<T> * prior[k] ? T(0) : out[k];
    else
      for (std::size_t k = 0; k < topics; ++k) out[k] = out[k] < nothing<T> * *prior ? T(0) : out[k];
    if (!orphans) continue;
    for (std::size_t e = from; e < to; ++e) {
      const T weight = a.weights[a.entries[e]];
      if (!(weight < T(0))) continue;
      const T* gamma = a.gamma.row(static_cast<std::size_t>(a.documents[e]));
      orphan_phi(gamma, a.topics, a.vocabulary[w], phi, room);
      for (std::size_t k = 0; k < topics; ++k) out[k] -= static_cast<T>(static_cast<double>(weight) * phi[k]);
    }
  }
}

template <class T>
static inline void topic_terms(const TopicTerms<T>& a) {
  Arena arena{a.scratch};
  constexpr std::size_t n = lanes<double>;
  const std::size_t topics = a.topics.counts.cols, padded = doubles_of(topics);
  double* lambda = arena.take<double>(padded);
  double* factor = arena.take<double>(padded);
  double* psi_total = arena.take<double>(padded);
  double* total = arena.take<double>(padded);
  T* room = arena.take<T>(topics);
  T* unpacked = arena.take<T>(topics);
  T* row = arena.take<T>(round_up(topics, lanes<T>));
  if (a.sums)
    for (std::size_t k = 0; k < topics; ++k) a.sums[k] = 0;
  const bool packed = a.packed_statistics.bits, cross = packed || a.statistics || a.own_factor != 0;
  const double own = a.own_factor * static_cast<double>(a.topics.scale);
  for (std::size_t k = 0; k < padded; ++k) {
    lambda[k] = 1;
    factor[k] = total[k] = 0;
    psi_total[k] = k < topics ? a.topics.psi_total[k] : 0;
  }
  // Most parameters are the prior's: its functions, where it is one for all topics of a word.
  double at = 0;
  Vec<double> digamma_at{}, lgamma_at{};
  for (std::size_t i = 0; i < a.count; ++i) {
    const std::size_t w = a.words ? static_cast<std::size_t>(a.words[i]) : i;
    const T* counts = counts_of(a.topics, w, room);
    const T* statistics = packed         ? row_of(a.packed_statistics, w, topics, unpacked)
                          : a.statistics ? a.statistics.row(a.dense ? w : i)
                                         : nullptr;
    parameters(a.topics, counts, w, row);
    for (std::size_t k = 0; k < topics; ++k) lambda[k] = static_cast<double>(row[k]);
    for (std::size_t k = 0; k < topics; ++k) factor[k] = own * static_cast<double>(counts[k]);
    if (statistics)
      for (std::size_t k = 0; k < topics; ++k) factor[k] += a.factor * static_cast<double>(statistics[k]);
    if (a.sums && statistics)
      for (std::size_t k = 0; k < topics; ++k) a.sums[k] += static_cast<double>(statistics[k]);
    const double shared = static_cast<double>(common_parameter(a.topics, w));
    if (shared != at && shared > 0) {
      at = shared;
      digamma_at = digamma(broadcast<double>(at));
      lgamma_at = lgamma(broadcast<double>(at));
    }
    for (std::size_t k = 0; k < padded; k += n) {
      const Vec<double> x = loadu(lambda + k);
      const bool known = shared > 0 && !differs(x, broadcast<double>(at));
      Vec<double> terms = loadu(total + k);
      if (cross) terms += loadu(factor + k) * ((known ? digamma_at : digamma(x)) - loadu(psi_total + k));
      if (a.log_gamma) terms += known ? lgamma_at : lgamma(x);
      if (a.digamma) terms += known ? digamma_at : digamma(x);
      storeu(total + k, terms);
    }
  }
  for (std::size_t k = 0; k < topics; ++k) a.out[k] = total[k];
}

template <class T>
static inline void row_update(const RowUpdate<T>& a) {
  const std::size_t columns = a.base.cols;
  if (a.keep != T(1))
    for (std::size_t i = 0; i < a.base.rows * columns; ++i) {
      const T value = a.keep * a.base.data[i];
      // What is this small is nothing beside a prior: no subnormal numbers.
      a.base.data[i] = value > T(1e-30) || value < T(-1e-30) ? value : T(0);
    }
  const T floor = a.clip ? T(0) : -infinity<T>;
  for (std::size_t i = 0; i < a.count; ++i) {
    T* out = a.base.row(a.rows ? static_cast<std::size_t>(a.rows[i]) : i);
    const T* add = a.add + i * columns;
    const T* subtract = a.subtract ? a.subtract + i * columns : nullptr;
    for (std::size_t k = 0; k < columns; ++k) {
      T value = out[k] + a.factor * add[k];
      if (subtract) value -= a.factor_old * subtract[k];
      out[k] = value > floor ? value : floor;
    }
  }
}

}  // namespace

std::size_t topic_stride_d(std::size_t topics) { return round_up(topics, lanes<double>); }
std::size_t topic_stride_f(std::size_t topics) { return round_up(topics, lanes<float>); }
void table_sizes_d(const TableSizes<double>& a) { table_sizes(a); }
void table_sizes_f(const TableSizes<float>& a) { table_sizes(a); }
void topic_table_d(const TopicTable<double>& a) { topic_table(a); }
void topic_table_f(const TopicTable<float>& a) { topic_table(a); }
void word_sums_d(const WordSums<double>& a) { word_sums(a); }
void word_sums_f(const WordSums<float>& a) { word_sums(a); }
void topic_terms_d(const TopicTerms<double>& a) { topic_terms(a); }
void topic_terms_f(const TopicTerms<float>& a) { topic_terms(a); }
void row_update_d(const RowUpdate<double>& a) { row_update(a); }
void row_update_f(const RowUpdate<float>& a) { row_update(a); }

}  // namespace vivace::VIVACE_ISA_NS
