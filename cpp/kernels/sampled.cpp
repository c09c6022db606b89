// Collapsed Gibbs sampling: new topics of tokens, and the counts that they make.
#include "sampled.hpp"

#include <cstring>

#include "../math.hpp"
#include "layout.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

using F = Vec<float>;
constexpr std::size_t n = lanes<float>;

// Documents that are gone through side by side: each token waits for the one before it in its document. With more
// topics than `many` they are fewer, so that their numbers stay near.
constexpr std::size_t side_by_side = 8, fewer = 4, many = 256;

// Up to this many vectors of topics the loops over topics are unrolled.
constexpr std::size_t most_unrolled = VIVACE_VECTOR_BYTES == 64 ? 8 : 0;

/// Bits that look random (Steele, Lea and Flood 2014, the mixing function of SplitMix).
VIVACE_INLINE std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// Lane i of the result is lane i - step of v, or 0.
template <std::size_t step, std::size_t... lane>
VIVACE_INLINE F shifted(F v, std::index_sequence<lane...>) {
  return __builtin_shufflevector(F{}, v, (lane < step ? lane : n + lane - step)...);
}

/// Lane i has the sum of the lanes up to i.
template <std::size_t step = 1>
VIVACE_INLINE F running_sums(F v) {
  if constexpr (step < n)
    return running_sums<2 * step>(v + shifted<step>(v, std::make_index_sequence<n>()));
  else
    return v;
}

/// Where a document is at.
struct Walker {
  std::size_t token = 0, end = 0, first = 0, sweep = 0;
  std::size_t entry = 0, first_entry = 0, last_entry = 0;  // of the token, and of the document
  std::int32_t left = 0;                                   // tokens of the entry from this one on
  const float* row = nullptr;                              // of the token's word in the table
  std::int32_t* counts = nullptr;                          // its tokens by topic
  float* weights = nullptr;                                // counts + alpha
  float* sums = nullptr;                                   // running sums of probabilities, vector by vector
  float total = 0, wanted = 0;
  std::size_t lane = 0;
};

/// Documents, `side_by_side` at a time. `vectors` is the length of the loops over topics, where it is known (else 0).
template <std::size_t vectors>
class Sampling {
 public:
  explicit Sampling(const SampledDocuments& args)
      : a(args),
        stride(vectors ? vectors * n : args.table.cols),
        last_lane((args.topics < n ? args.topics : n) - 1),
        document(args.first) {
    Arena arena{args.scratch};
    Walker walkers[side_by_side];
    for (std::size_t k = 0; a.learned && k < a.topics; ++k) a.learned[k] = 0;
    for (std::size_t k = 0; k < a.topics; ++k) alpha_sum += a.alpha[k];
    std::size_t active = 0;
    const std::size_t together = stride > many ? fewer : side_by_side;
    for (std::size_t i = 0; i < together; ++i) {
      Walker& w = walkers[i];
      w.counts = arena.take<std::int32_t>(stride);
      w.weights = arena.take<float>(stride);
      w.sums = arena.take<float>(stride);
      if (next_document(w)) ++active;  // once there is none, there is none for the others
    }
    while (active > 0) {
      // Step by step: a processor looks a draw or two ahead, and so finds work for the time that a step waits.
      for (std::size_t i = 0; i < active; ++i) weigh(walkers[i]);
      for (std::size_t i = 0; i < active; ++i) aim(walkers[i]);
      for (std::size_t i = 0; i < active; ++i) settle(walkers[i]);
      for (std::size_t i = 0; i < active;)
        if (going_on(walkers[i]) || next_document(walkers[i]))
          ++i;
        else
          walkers[i] = walkers[--active];
    }
    *a.likelihood = likelihood + static_cast<double>(horizontal_sum(log(totals)));
  }

 private:
  const SampledDocuments& a;
  std::size_t stride, last_lane, document, filled = 0;
  float alpha_sum = 0;
  double likelihood = 0;
  F totals = broadcast<float>(1);

  VIVACE_MEMBER std::size_t length() const { return vectors ? vectors : stride / n; }

  VIVACE_MEMBER bool next_document(Walker& w) {
    const std::int64_t* tokens = a.rows.tokens;
    while (document < a.last && tokens[document] == tokens[document + 1]) ++document;
    if (document == a.last) return false;
    w.first = w.token = static_cast<std::size_t>(tokens[document]);
    w.end = static_cast<std::size_t>(tokens[document + 1]);
    w.first_entry = static_cast<std::size_t>(a.rows.begin(document));
    w.last_entry = static_cast<std::size_t>(a.rows.end(document++)) - 1;
    enter(w, w.first_entry);
    w.sweep = 0;
    for (std::size_t k = 0; k < stride; ++k) w.counts[k] = 0;
    for (std::size_t k = 0; k < stride; k += n) storeu(w.weights + k, loadu(a.alpha + k));
    for (std::size_t t = w.first; t < w.end && !a.fresh; ++t) {
      const std::size_t k = a.topic[t];
      // digamma(x + 1) = digamma(x) + 1 / x
      if (a.learned) a.learned[k] += 1 / static_cast<double>(w.weights[k]);
      set(w, k, w.counts[k] + 1);
    }
    // Each factor of the likelihood is divided by the number of the document's other tokens + the sum of alpha.
    const auto size = static_cast<float>(w.end - w.first);
    const F others = broadcast<float>(size - 1 + alpha_sum);
    likelihood -= static_cast<double>(size) * static_cast<double>(log(others)[0]);
    take_out(w);
    return true;
  }

  /// Whether the document has another token to draw; at its end it may begin another sweep.
  VIVACE_MEMBER bool going_on(Walker& w) const {
    if (++w.token == w.end) {
      if (++w.sweep == a.sweeps) return false;
      w.token = w.first;
      enter(w, w.first_entry);
    } else if (--w.left == 0) {
      enter(w, w.entry + 1);
    }
    take_out(w);
    return true;
  }

  /// Goes to an entry, or the first one after it that has tokens; there is one.
  VIVACE_MEMBER void enter(Walker& w, std::size_t entry) const {
    while ((w.left = a.rows.count(entry)) == 0) ++entry;
    w.entry = entry;
    w.row = a.table.data + static_cast<std::size_t>(a.rows.words[entry]) * stride;
  }

  /// Takes out the token that is next. Other documents' tokens are drawn before its turn comes: a vector that is loaded
  /// just after a part of it was stored has to wait until the store is through.
  VIVACE_MEMBER void take_out(Walker& w) const {
    if (a.fresh && w.sweep == 0) return;
    const std::size_t old = a.topic[w.token];
    if (a.fresh) return set(w, old, w.counts[old] - 1);
    // In the table by a factor here, so that the loop over topics need not ask which is the old one.
    const float held = w.row[old], factor = max_of((held - a.one[old]) * a.rest[old], a.least) / held;
    w.weights[old] = (static_cast<float>(--w.counts[old]) + a.alpha[old]) * factor;
  }

  VIVACE_MEMBER void set(const Walker& w, std::size_t k, std::int32_t count) const {
    w.counts[k] = count;
    w.weights[k] = static_cast<float>(count) + a.alpha[k];
  }

  /// First step of a draw: running sums of probabilities, lane by lane.
  VIVACE_MEMBER void weigh(const Walker& w) const {
    const float* row = w.row;
    const std::size_t after = w.entry < w.last_entry ? w.entry + 1 : w.first_entry;
    const float* ahead = a.table.data + static_cast<std::size_t>(a.rows.words[after]) * stride;
    F run{};
    for (std::size_t j = 0; j < length(); ++j) {
      run = mul_add(loadu(row + j * n), loadu(w.weights + j * n), run);
      storeu(w.sums + j * n, run);
      __builtin_prefetch(ahead + j * n);
    }
  }

  /// Second step: a number below the sum of all, and the lane that it falls into. A lane has every n-th topic. Running
  /// sums are rounded each in its own order: that of all may be above that of the last lane that has topics.
  VIVACE_MEMBER void aim(Walker& w) const {
    const F run = loadu(w.sums + stride - n), upto = running_sums(run);
    w.total = upto[n - 1];
    const std::uint64_t bits = mix(a.key + 0x9e3779b97f4a7c15u * (w.token * a.sweeps + w.sweep + 1));
    const float u = (static_cast<float>(bits >> 40) + 1) * 0x1p-24f * w.total;  // above zero
    const auto below = static_cast<std::size_t>(__builtin_popcount(bits_gt_zero(u - upto)));
    w.lane = below < last_lane ? below : last_lane;
    w.wanted = min((u - upto) + run, run)[w.lane];
  }

  /// Third step: the topic within the lane.
  VIVACE_MEMBER void settle(const Walker& w) {
    std::size_t k = w.lane;
    for (std::size_t j = 0; j + 1 < length(); ++j) k += w.sums[j * n + w.lane] < w.wanted ? n : 0;
    const std::size_t old = a.fresh ? k : a.topic[w.token];
    if (!a.fresh) set(w, old, w.counts[old]);  // without the factor
    set(w, k, w.counts[k] + 1);
    a.topic.set(w.token, k);
    if (w.sweep + 1 < a.sweeps) return;
    totals[filled] = max_of(w.total, Real<float>::smallest);
    if (++filled == n) {
      likelihood += static_cast<double>(horizontal_sum(log(totals)));
      totals = broadcast<float>(1);
      filled = 0;
    }
  }

  VIVACE_MEMBER static float max_of(float x, float y) { return x > y ? x : y; }
};

template <std::size_t vectors = most_unrolled>
static inline void documents(const SampledDocuments& a) {
  if constexpr (vectors == 0) {
    Sampling<0> all(a);
  } else {
    if (a.table.cols == vectors * n)
      Sampling<vectors> all(a);
    else if (a.table.cols > vectors * n)
      Sampling<0> all(a);
    else
      documents<vectors - 1>(a);
  }
}

VIVACE_INLINE std::size_t least(std::size_t x, std::size_t y) { return x < y ? x : y; }

/// Counts of a range of words in topics.
template <class Topic>
class Counting {
 public:
  Counting(const SampledCounts& args, const Topic* topic)
      : a(args),
        stride(args.table.cols),
        words(args.last - args.first),
        rows(args.table.data + args.first * stride),
        tokens(topic),
        end(topic + args.rows.tokens[args.documents]) {}

  VIVACE_MEMBER void run() {
    for (std::size_t i = 0; i < words * stride; ++i) rows[i] = 0;
    const bool some = a.rows.ordered && words < a.table.rows, behind = some && a.last == a.table.rows;
    // Documents that follow each other are one run, unless there are words to pass over.
    const std::size_t run = a.rows.chosen || some ? 1 : a.documents;
    for (std::size_t d = 0; d < a.documents; d += run) {
      const auto from = static_cast<std::size_t>(a.rows.begin(d)),
                 to = static_cast<std::size_t>(a.rows.end(d + run - 1));
      if (behind)
        from_behind(from, to, tokens + a.rows.tokens[d], tokens + a.rows.tokens[d + 1]);
      else
        forward(from, to, tokens + a.rows.tokens[d], tokens + a.rows.tokens[d + run], some ? a.last : a.table.rows);
    }
    count_cells();
    for (std::size_t k = 0; k < a.topics; ++k) a.sums[k] = 0;
    for (std::size_t w = 0; w < words; ++w)
      for (std::size_t k = 0; k < a.topics; ++k) a.sums[k] += rows[w * stride + k];
  }

 private:
  const SampledCounts& a;
  const std::size_t stride, words;
  std::int32_t* const rows;
  const Topic *const tokens, *const end;
  // How many tokens an entry has cannot be foretold. So the first few of each are taken whether they are there or not,
  // into a list that those which are not drop out of, and only then counted.
  static constexpr std::size_t few = 4, entries = 128;
  std::size_t cells[few * entries], filled = 0;

  /// Entries one after the other, up to the first word that is not below `limit`.
  VIVACE_MEMBER void forward(std::size_t from, std::size_t to, const Topic* topic, const Topic* last,
                             std::size_t limit) {
    for (std::size_t e = from; e < to && topic < last && static_cast<std::size_t>(a.rows.words[e]) < limit; ++e) {
      const std::size_t count = count_of(e, static_cast<std::size_t>(last - topic));
      take(e, topic, count);
      topic += count;
    }
  }

  /// Entries from the last one back, down to the first word of the range.
  VIVACE_MEMBER void from_behind(std::size_t from, std::size_t to, const Topic* first, const Topic* topic) {
    for (std::size_t e = to; e > from && topic > first && static_cast<std::size_t>(a.rows.words[e - 1]) >= a.first;
         --e) {
      const std::size_t count = count_of(e - 1, static_cast<std::size_t>(topic - first));
      topic -= count;
      take(e - 1, topic, count);
    }
  }

  VIVACE_MEMBER std::size_t count_of(std::size_t e, std::size_t most) const {
    return least(static_cast<std::size_t>(a.rows.count(e)), most);
  }

  VIVACE_MEMBER void take(std::size_t e, const Topic* topic, std::size_t count) {
    const std::size_t word = static_cast<std::size_t>(a.rows.words[e]) - a.first;
    if (word >= words) return;
    const std::size_t row = word * stride;
    std::size_t i = 0;
    if (end - topic >= static_cast<std::ptrdiff_t>(few)) {
      for (; i < few; ++i) cells[filled + i] = row + topic[i];
      filled += least(count, few);
    }
    for (; i < count; ++i) ++rows[row + topic[i]];
    if (filled > few * (entries - 1)) count_cells();
  }

  VIVACE_MEMBER void count_cells() {
    for (std::size_t i = 0; i < filled; ++i) ++rows[cells[i]];
    filled = 0;
  }
};

template <class T>
static inline void means(const SampledMeans<T>& a) {
  const std::size_t topics = a.means.cols, across = a.prior.cols > 1 ? 1 : 0;
  for (std::size_t k = 0; k < topics; ++k) a.sums[k] = 0;
  for (std::size_t w = a.first; w < a.last; ++w) {
    float* table = a.table.row(w);
    const T* previous = a.previous.row(w);
    const T* prior = a.prior.row(a.prior.rows > 1 ? w : 0);
    T* mean = a.means.row(w);
    for (std::size_t k = 0; k < topics; ++k) {
      std::int32_t counted;
      std::memcpy(&counted, table + k, sizeof counted);
      const T count = static_cast<T>(counted);
      mean[k] = previous[k] + a.rate * (count - previous[k]);
      table[k] = static_cast<float>(count + prior[k * across]) * a.one[k];
      a.sums[k] += static_cast<double>(mean[k]);
    }
  }
}

}  // namespace

std::size_t sampled_scratch(std::size_t topics) {
  return side_by_side * 3 * (round_up(round_up(topics, n) * sizeof(float), 64) + 64) + 64;
}

void sampled_documents(const SampledDocuments& a) { documents(a); }

void sampled_counts(const SampledCounts& a) {
  if (a.topic.bytes)
    Counting(a, a.topic.bytes).run();
  else
    Counting(a, a.topic.wide).run();
}

void sampled_means_d(const SampledMeans<double>& a) { means(a); }
void sampled_means_f(const SampledMeans<float>& a) { means(a); }

}  // namespace vivace::VIVACE_ISA_NS
