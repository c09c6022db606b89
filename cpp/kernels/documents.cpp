// Latent Dirichlet allocation: the variational step of documents, each on its own.
#include "document_bound.hpp"
#include "document_columns.hpp"
#include "document_rows.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

// A topic with less than this share of the tolerance (in expected tokens) leaves a document's sweeps. Whether all
// topics agree with the result is checked in the end.
// While weights are squared topics go up and down by more than that, and more may leave. None with more than
// `most_dead` tokens, however loose the tolerance: it could be one that the document is about.
constexpr double dead_share = 1, sharp_dead_share = 100, most_dead = 0.1;

// Where it is asked for, a document that starts from equal shares squares its weights in the second and third sweep.
// Several optima are reached from there, and those of few topics are the higher ones: 0.02 nats a token on short
// descriptions and 100 topics (exponents of 1.3 and 1.5 gained less), in a quarter fewer sweeps. Not while topics are
// still alike: documents would take to whatever differs by chance.
constexpr std::size_t sharp_sweeps = 3;

// Steps after those go beyond what the sweep asks for by this share of the step. The sweep is an ascent whose rates of
// contraction lie from 0 to 1, so that less than 1 converges; a half took a fifth of the sweeps away.
constexpr double beyond = 0.5;

// With fewer sweeps than this allowed, they are the plain ones.
constexpr std::size_t plain_sweeps = 6;

/// One document at a time. `width` columns are at work: all topics, or those that are alive.
template <class T>
class Worker {
 public:
  Worker(const DocumentStep<T>& args, const Room<T>& buffers)
      : a(args),
        room(buffers),
        rows(args, buffers),
        topics(args.topics.counts.cols),
        dead(level(dead_share * args.tolerance)),
        sharp_dead(level(sharp_dead_share * args.tolerance)),
        shares_only(!args.theta && !args.bound && !args.previous && !args.log_theta) {
    for (std::size_t k = 0; k < room.stride; ++k) {
      room.all_alpha[k] = k < topics ? static_cast<T>(a.alpha[k]) : no_topic<T>;
      room.all_topics[k] = static_cast<Place<T>>(k);
      most_alpha = room.all_alpha[k] > most_alpha ? room.all_alpha[k] : most_alpha;
    }
    if (!a.bound && !a.previous) return;
    alpha_term = log_norm(a.alpha, topics);
  }

  void work(std::size_t d) {
    first = static_cast<std::size_t>(a.start[d]);
    n = static_cast<std::size_t>(a.start[d + 1]) - first;
    rows.open(d);
    std::size_t sweep = 0;
    if (a.previous) {
      full = a.previous.row(d);
      const double before = evaluate();
      full = a.gamma.row(d);
      sweep = sweeps(true);
      reached = bound();
      if (reached < before) {  // another optimum: go on from the one before
        copy_gamma(a.previous.row(d));
        sweep += sweeps(false);
        reached = bound();
      }
      if (reached < before) {
        copy_gamma(a.previous.row(d));
        reached = evaluate();
      }
    } else {
      full = a.gamma.row(d);
      sweep = sweeps(true);
      if (a.bound) reached = bound();
    }
    if (a.bound) a.bound[d] = reached;
    if (a.sweeps) a.sweeps[d] = static_cast<std::int32_t>(sweep);
    finish(d);
  }

 private:
  static T level(double tokens) { return static_cast<T>(tokens < most_dead ? tokens : most_dead); }

  const DocumentStep<T>& a;
  const Room<T>& room;
  DocumentRows<T> rows;
  std::size_t topics;
  T dead, sharp_dead, most_alpha = 0;
  bool shares_only;
  double alpha_term = 0, reached = 0;
  // the document
  std::size_t first = 0, n = 0, width = 0, count = 0;
  T* full = nullptr;
  T top = 0, shrink = 0, nearest = 0;
  Columns<T> columns;  // where topics were left out
  bool gathered = false, compact = false, orphans = false, whole_again = false;

  void copy_gamma(const T* from) const {
    for (std::size_t k = 0; k < topics; ++k) full[k] = from[k];
  }

  /// The document's bound for gamma as it is.
  double evaluate() {
    orphans = whole_again = false;
    open_all();
    weigh();
    absorb_all();
    return bound();
  }

  /// Sweeps until gamma has settled; p and the dot products then belong to it. Returns their number.
  std::size_t sweeps(bool first_call) {
    orphans = whole_again = false;
    open_all();
    const double enough = a.tolerance * static_cast<double>(topics);
    const std::size_t sharp = first_call && a.sharpen ? sharp_sweeps : 1;
    const bool plain = a.max_sweeps < plain_sweeps;
    std::size_t sweep = 0;
    for (;;) {
      bool settled = false;
      while (sweep < a.max_sweeps && !settled) {
        ++sweep;
        if (sweep == 1 && first_call && a.row_sums) {
          absorb_equal();
        } else {
          weigh(!plain && sweep <= sharp);
          absorb_all();
        }
        const bool last = plain || sweep <= sharp || sweep == a.max_sweeps;
        settled = update(enough, last ? T(0) : static_cast<T>(beyond)) && (plain || sweep > sharp);
        if (!settled && !whole_again && !orphans) close_some(sharp > 1 && sweep <= sharp);
        if (!settled && !gathered && !compact && sweep > 1) gather();
      }
      if (shares_only && (!compact || sweep >= a.max_sweeps || (a.row_sums && agreed(enough)))) {
        close();
        break;
      }
      const bool some = compact;
      close();
      if (some) open_all();
      weigh();
      absorb_all();
      if (!some || sweep >= a.max_sweeps || change() < enough) break;
      whole_again = true;  // a topic that was left out wants to come back
      ++sweep;
      update(0.0, T(0));
    }
    return sweep;
  }

  /// Whether gamma has settled and topics that were left out would stay so, seen from those at work. What the others
  /// would take is below the sum of n_w (sum_k B_wk) / s_w times the weight of the largest alpha.
  bool agreed(double enough) {
    weigh();
    absorb_all();
    if (!compact) return false;
    Vec<T> rest;
    const Vec<T> left = exp_digamma_factor(broadcast<T>(most_alpha), rest) * shrink;
    double wanted = 0;
    for (std::size_t e = first; e < first + n; ++e)
      wanted += static_cast<double>(a.counts[e] * (a.row_sums[static_cast<std::size_t>(a.words[e])] / a.weights[e]));
    wanted *= static_cast<double>((left * scaled_exp<T>(-rest - nearest))[0]);
    return change() + wanted < enough;
  }

  const T* row(std::size_t e) const { return gathered ? room.gathered + e * width : rows.row(e); }

  /// All topics at work.
  void open_all() {
    width = room.stride;
    count = topics;
    compact = gathered = false;
    for (std::size_t k = 0; k < width; k += lanes<T>) {
      storeu(room.gamma + k, load_tail(full, k, topics, no_topic<T>));
      storeu(room.alpha + k, loadu(room.all_alpha + k));
    }
    for (std::size_t k = 0; k < width; ++k) room.topic[k] = room.all_topics[k];
  }

  /// Copies the rows together, where sweeps over all topics go on.
  void gather() {
    if (!a.table.whole || n * width > room.capacity) return;
    for (std::size_t e = 0; e < n; ++e) {
      const T* from = row(e);
      T* to = room.gathered + e * width;
      for (std::size_t k = 0; k < width; k += lanes<T>) storeu(to + k, loadu(from + k));
    }
    gathered = true;
  }

  /// Puts gamma back where it belongs.
  void close() const {
    for (std::size_t j = 0; j < count; ++j) full[room.topic[j]] = room.gamma[j];
  }

  /// Leaves out dead topics, when that saves at least a quarter of the work; half of it where rows are copied for it.
  void close_some(bool sharp) {
    const Vec<T> least = broadcast<T>(sharp ? sharp_dead : dead);
    const auto living = [this, least](std::size_t k) {
      return bits_gt_zero(loadu(room.gamma + k) - loadu(room.alpha + k) - least);
    };
    std::size_t alive = 0;
    for (std::size_t k = 0; k < width; k += lanes<T>) alive += static_cast<std::size_t>(__builtin_popcount(living(k)));
    if (alive == 0 || 4 * alive > (compact ? 3 : 2) * count) return;
    if (!compact && !Columns<T>::fit(n, alive, room.capacity)) return;
    // What the dead had goes to the others; what those end with is put back by `close`.
    for (std::size_t j = 0; j < count; ++j) full[room.topic[j]] = room.alpha[j];
    std::size_t next = 0;
    for (std::size_t k = 0; k < width; k += lanes<T>) {  // to the left: nothing is overwritten before it is read
      const std::uint32_t bits = living(k);
      store_chosen(room.gamma + next, loadu(room.gamma + k), bits);
      store_chosen(room.alpha + next, loadu(room.alpha + k), bits);
      choose<T>(room.place + next, room.all_topics + k, bits);
      choose<T>(room.topic + next, room.topic + k, bits);
      next += static_cast<std::size_t>(__builtin_popcount(bits));
    }
    if (compact)
      columns.keep(room.place, alive);
    else
      columns.fill(room.gathered, a.counts + first, n, room.place, alive,
                   [this](std::size_t e) { return rows.row(e); });
    count = alive;
    width = round_up(alive, lanes<T>);
    for (std::size_t j = alive; j < width; ++j) room.gamma[j] = room.alpha[j] = no_topic<T>;
    compact = true;
    gathered = false;
  }

  /// p = exp(digamma(gamma)), the largest about 2^bits (`shrink` and `nearest` say where that is); sharp: the square.
  void weigh(bool sharp = false) {
    Vec<T> most = loadu(room.gamma), near = broadcast<T>(-infinity<T>);
    for (std::size_t k = 0; k < width; k += lanes<T>) {
      const Vec<T> gamma = loadu(room.gamma + k);
      Vec<T> rest;
      storeu(room.p + k, exp_digamma_factor(gamma, rest));
      storeu(room.sum + k, -rest);  // until it is filled
      near = max(near, -rest);
      most = max(most, gamma);
    }
    top = horizontal_max(most);
    shrink = T(1) / (top > T(4) ? top : T(4));
    nearest = horizontal_max(near);
    const T down = sharp ? T(1) / Range<T>::half_scale : T(1);
    for (std::size_t k = 0; k < width; k += lanes<T>) {
      Vec<T> p = loadu(room.p + k) * shrink * scaled_exp<T>(loadu(room.sum + k) - nearest) * down;
      if (sharp) p *= p;
      storeu(room.p + k, flush<T>(p));
    }
  }

  /// The first sweep from equal shares: dot products are sums of rows.
  void absorb_equal() {
    const Vec<T> scale = broadcast<T>(Range<T>::scale), zero{};
    for (std::size_t k = 0; k < width; k += lanes<T>) {
      storeu(room.p + k, scale);
      storeu(room.sum + k, zero);
    }
    const auto get = [this](std::size_t e) { return row(e); };
    for (std::size_t e = 0; e < n; e += rows_at_once<T>) {
      const Entries<T> at(a.counts + first, e, n, get);
      T ratio[rows_at_once<T>];
      for (std::size_t i = 0; i < rows_at_once<T>; ++i) {
        const std::size_t entry = first + (i < at.inside ? e + i : e);
        ratio[i] = at.counts[i] / (Range<T>::scale * a.row_sums[static_cast<std::size_t>(a.words[entry])]);
      }
      for (std::size_t k = 0; k < width; k += lanes<T>) {
        Vec<T> total = loadu(room.sum + k);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < rows_at_once<T>; ++i)
          total = mul_add(loadu(at.rows[i] + k), broadcast<T>(ratio[i]), total);
        storeu(room.sum + k, total);
      }
    }
  }

  template <std::size_t held = most_held>
  bool absorb_rows() {
    const auto get = [this](std::size_t e) { return row(e); };
    if constexpr (held > 0)
      if (width != held * lanes<T>) return absorb_rows<held - 1>();
    return absorb<T, held>(a.counts + first, n, room.p, width, room.sum, a.weights + first, get);
  }

  void absorb_all() {
    rows.fetch();
    const bool lost = compact ? absorb_columns(columns, room.p, room.sum, a.weights + first) : absorb_rows();
    if (lost || orphans) adopt(lost);
  }

  /// Finds the responsibilities of orphans, for `extra`.
  void adopt(bool lost) {
    if (compact) {  // among all topics
      close();
      open_all();
      whole_again = true;
      weigh();
      return absorb_all();
    }
    for (std::size_t k = 0; k < width; ++k) room.extra[k] = T(0);
    orphans = true;
    if (!lost) return;
    close();
    for (std::size_t e = 0; e < n; ++e) {
      if (a.weights[first + e] > T(0)) continue;
      orphan_phi(full, a.topics, a.vocabulary[a.words[first + e]], room.phi, room.counts);
      for (std::size_t k = 0; k < topics; ++k) room.extra[k] += a.counts[first + e] * static_cast<T>(room.phi[k]);
    }
  }

  Vec<T> next(std::size_t k) const {
    Vec<T> value = mul_add(loadu(room.p + k), loadu(room.sum + k), loadu(room.alpha + k));
    if (orphans) value += loadu(room.extra + k);
    return value;
  }

  /// Sum of the changes of gamma that `update` would make.
  double change() const {
    Vec<T> total{};
    for (std::size_t k = 0; k < width; k += lanes<T>) {
      const Vec<T> difference = next(k) - loadu(room.gamma + k);
      total += max(difference, -difference);
    }
    return static_cast<double>(horizontal_sum(total));
  }

  /// Moves gamma, `further` than asked for unless it moves by less than `enough`; returns whether it does.
  bool update(double enough, T further) {
    const bool settled = change() < enough;
    if (settled) further = T(0);
    for (std::size_t k = 0; k < width; k += lanes<T>) {
      const Vec<T> value = next(k);
      const Vec<T> least = (value + loadu(room.alpha + k)) * T(0.5);
      storeu(room.gamma + k, further > T(0) ? max(value + (value - loadu(room.gamma + k)) * further, least) : value);
    }
    return settled;
  }

  /// Writes what was asked for; all topics are open, p and the dot products belong to gamma.
  void finish(std::size_t d) {
    if (shares_only) return;
    if (a.theta)
      for (std::size_t k = 0; k < room.stride; k += lanes<T>) storeu(a.theta.row(d) + k, loadu(room.p + k));
    const T weight = a.row_weights ? static_cast<T>(a.row_weights[d]) : T(1);
    if (a.log_theta) add_log_theta(a.row_weights ? a.row_weights[d] : 1.0);
    for (std::size_t e = first; e < first + n; ++e) {
      const T s = a.weights[e];
      a.weights[e] = s > T(0) ? weight * (a.counts[e] / s) : -weight * a.counts[e];
    }
  }

  void add_log_theta(double weight) const {
    double sum = 0;
    for (std::size_t k = 0; k < topics; ++k) sum += static_cast<double>(full[k]);
    const double psi_sum = digamma(broadcast<double>(sum))[0];
    for (std::size_t k = 0; k < doubles_of(topics); ++k)
      room.gamma_d[k] = k < topics ? static_cast<double>(full[k]) : 1.0;
    for (std::size_t k = 0; k < doubles_of(topics); k += lanes<double>)
      storeu(room.gamma_d + k, weight * (digamma(loadu(room.gamma_d + k)) - psi_sum));
    for (std::size_t k = 0; k < topics; ++k) a.log_theta[k] += room.gamma_d[k];
  }

  double bound() const {
    return document_bound(a, room, full, first, n, static_cast<double>(top), orphans) + alpha_term;
  }
};

template <class T>
static inline void document_step(const DocumentStep<T>& a) {
  Arena arena{a.scratch};
  const Room<T> room(arena, a.topics.counts.cols);
  Worker<T> worker(a, room);
  for (std::size_t d = 0; d < a.documents; ++d) worker.work(d);
}

}  // namespace

void document_step_d(const DocumentStep<double>& a) { document_step(a); }
void document_step_f(const DocumentStep<float>& a) { document_step(a); }

std::size_t topic_scratch(std::size_t topics) {
  Arena single{nullptr}, twice{nullptr};
  Room<float>(single, topics);
  Room<double>(twice, topics);
  return (single.used > twice.used ? single.used : twice.used) + 64;
}

}  // namespace vivace::VIVACE_ISA_NS
