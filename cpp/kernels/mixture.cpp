// The local step of a mixture over one block: rows -> scores -> responsibilities -> statistics, tile by tile.
//
// Nothing of size n x K is made: a tile of some hundred rows goes through all stages while it is in cache.
#include "mixture.hpp"

#include <cstring>

#include "accumulate.hpp"
#include "levels.hpp"
#include "product.hpp"
#include "rows.hpp"
#include "softmax.hpp"

namespace vivace::VIVACE_ISA_NS {
namespace {

/// Scratch memory of a call, cut into buffers.
template <class C>
struct Workspace {
  std::size_t d_padded, q_padded, k_padded, features, tile, chunks;
  bool kept_fits;
  C *constants, *packed, *columns, *panel, *kept, *rows, *scores, *resp, *weights, *lse, *scaled, *added, *added_rows;
  double* met;  // scores, then responsibilities, of a tile's rows that meet tables row by row
  std::uint32_t* level_places;
  MissingPlaces missing;
  RowSums<C> row_sums;
  ListedSums listed;
  std::uint64_t* bits;
  std::int32_t* labels;

  Workspace(Arena& arena, std::size_t d, std::size_t q, std::size_t k, Kind score, Kind stat, std::size_t met_columns,
            std::size_t met_width) {
    constexpr std::size_t ch = chunk_rows<C>;
    d_padded = padded_columns<C>(d);
    q_padded = padded_columns<C>(q);
    k_padded = round_up(k, lanes<C>);
    features = feature_count(score, d, q) - 1;
    tile = tile_rows<C>(d_padded, k, features);
    chunks = tile / ch;
    kept_fits = score == stat && features <= kept_features;
    constants = arena.take<C>(k);
    packed = arena.take<C>(k * features);
    columns = arena.take<C>(round_up(d, lanes<C>) * ch);
    panel = arena.take<C>(panel_features * ch);
    kept = arena.take<C>(kept_fits ? features * tile : 0);
    rows = arena.take<C>(tile * d_padded);
    scores = arena.take<C>(k * ch);
    resp = arena.take<C>(k * tile);
    weights = arena.take<C>(ch);
    lse = arena.take<C>(ch);
    scaled = arena.take<C>(update_rows * d_padded);
    row_sums.counts = arena.take<C>(k * lanes<C>);
    row_sums.entropy = arena.take<C>(k * lanes<C>);
    listed.linear = arena.take<double>(k * d_padded);
    listed.second = arena.take<double>(k * (stat == Kind::full ? q_padded * q_padded : d_padded));
    bits = arena.take<std::uint64_t>(k * chunks);
    labels = arena.take<std::int32_t>(ch);
    added = arena.take<C>(k_padded * ch);
    added_rows = arena.take<C>(k_padded * ch);
    met = arena.take<double>(met_width * tile);
    level_places = arena.take<std::uint32_t>(met_columns * tile);
    missing.start = arena.take<std::uint32_t>(tile + 1);
    missing.places = arena.take<std::uint32_t>(met_columns * tile + missing_slack);
  }
};

/// Whether the listed form is cheaper for a tile. Costs in vector operations, weighted by what each form was measured
/// to reach.
template <class C>
static inline bool listed_is_cheaper(Kind stat, std::size_t active, std::size_t components, std::size_t tile,
                                     std::size_t features, std::size_t d_padded, std::size_t q_padded) {
  const std::size_t vectors = d_padded / lanes<C>;
  const std::size_t square = stat == Kind::full ? q_padded * (q_padded / lanes<C> + 1) / 2 : 0;
  const std::size_t one = 12 + 4 * vectors + square + square / 4;
  const std::size_t dense = components * tile / lanes<C> * (features + 2);
  return active * one < dense;
}

/// Copies the first `count` rows of resp (components x chunk_rows) to row-major memory.
template <class C, class Out>
static inline void write_resp(std::size_t components, std::size_t count, const C* resp, Out* out) {
  for (std::size_t k = 0; k < components; ++k)
    for (std::size_t r = 0; r < count; ++r) out[r * components + k] = static_cast<Out>(resp[k * chunk_rows<C> + r]);
}

template <class C, class X>
struct Step {
  const MixtureStep<X>& a;
  Workspace<C>& w;

  /// Numbers of a row of the tables that rows meet; 0 where there are none.
  std::size_t met_width() const { return a.levels.codes ? a.levels.table.cols : a.gaps.table.cols; }

  void read_weights(std::size_t first, std::size_t count, const double* weights) const {
    for (std::size_t r = 0; r < chunk_rows<C>; ++r)
      w.weights[r] = r < count ? (weights ? static_cast<C>(weights[first + r]) : C(1)) : C(0);
  }

  void write(std::size_t first, std::size_t count, const C* resp) const {
    if (a.resp) write_resp<C>(a.components, count, resp, a.resp.row(first));
    if (a.resp_single) write_resp<C>(a.components, count, resp, a.resp_single.row(first));
  }

  /// Adds the given scores of a chunk's rows; arithmetic is in double then (the border sees to it).
  void add_scores(const double* from, std::size_t stride, std::size_t count) const {
    constexpr std::size_t ch = chunk_rows<C>;
    if constexpr (sizeof(C) == sizeof(double)) {
      if (count < ch) {
        for (std::size_t r = 0; r < count; ++r)
          std::memcpy(w.added_rows + r * w.k_padded, from + r * stride, w.k_padded * sizeof(double));
        std::memset(w.added_rows + count * w.k_padded, 0, (ch - count) * w.k_padded * sizeof(double));
        from = w.added_rows;
        stride = w.k_padded;
      }
      transpose<C>(from, a.components, stride, w.added);
      for (std::size_t i = 0; i < a.components * ch; i += lanes<C>)
        storeu(w.scores + i, loadu(w.scores + i) + loadu(w.added + i));
    } else {
      static_cast<void>(from), static_cast<void>(stride), static_cast<void>(count);
    }
  }

  /// One chunk: everything up to weighted responsibilities. `c` is the chunk's place in the tile.
  void chunk(std::size_t c, std::size_t first, std::size_t count, bool keep) const {
    constexpr std::size_t ch = chunk_rows<C>;
    C* rows = w.rows + c * ch * w.d_padded;
    C* resp = w.resp + c * ch * a.components;
    standardise<C>(a.x, first, count, a.centre, a.inv_scale, w.d_padded, rows, a.gaps.count > 0);
    const bool wants_resp = a.resp || a.resp_single;
    if (a.mode == Mode::given) {
      read_weights(first, count, a.weights);
      read_resp<C>(a.resp_in, first, count, w.weights, resp, w.row_sums);
      return;
    }
    transpose(rows, a.x.cols, w.d_padded, w.columns);
    score_chunk<C>(a.score, w.columns, a.x.cols, a.quadratic, w.features, a.components, w.constants, w.packed,
                   keep ? w.kept + c * ch * w.features : nullptr, w.panel, w.scores);
    if (a.added) add_scores(a.added.row(first), a.added.cols, count);
    const std::size_t width = met_width();
    if (width) add_scores(w.met + c * ch * width, width, count);
    if (a.mode == Mode::hard || a.labels) {
      argmax_chunk<C>(a.components, w.scores, w.labels);
      if (a.labels) std::memcpy(a.labels + first, w.labels, count * sizeof(std::int32_t));
    }
    if (wants_resp || a.mode == Mode::score) {  // outputs are the responsibilities themselves, without weights
      read_weights(first, count, nullptr);
      if (a.mode == Mode::hard) {
        harden_chunk<C, false>(a.components, w.labels, w.weights, resp, w.row_sums);
      } else if (wants_resp || a.lse) {
        softmax_chunk<C, false>(a.components, w.scores, w.weights, resp, w.row_sums, w.lse);
      }
      write(first, count, resp);
    }
    read_weights(first, count, a.weights);
    if (a.mode == Mode::hard) harden_chunk<C, true>(a.components, w.labels, w.weights, resp, w.row_sums);
    if (a.mode == Mode::soft) softmax_chunk<C, true>(a.components, w.scores, w.weights, resp, w.row_sums, w.lse);
    if (a.weighted) untranspose(resp, a.components, count, a.weighted.cols, a.weighted.row(first));
    // where the scores were: they are no longer needed
    if (a.levels.sums || a.gaps.sums) untranspose(resp, a.components, count, width, w.met + c * ch * width);
    if (a.lse)
      for (std::size_t r = 0; r < count; ++r) a.lse[first + r] = static_cast<double>(w.lse[r]);
  }

  /// Which responsibilities of the tile are above zero, and how many.
  std::size_t mark(std::size_t chunks) const {
    constexpr std::size_t ch = chunk_rows<C>, n = lanes<C>;
    std::size_t active = 0;
    for (std::size_t i = 0; i < chunks * a.components; ++i) {
      const C* row = w.resp + i * ch;
      std::uint64_t word = 0;
      for (std::size_t r = 0; r < ch; r += n) word |= static_cast<std::uint64_t>(bits_gt_zero(loadu(row + r))) << r;
      w.bits[i] = word;
      active += static_cast<std::size_t>(__builtin_popcountll(word));
    }
    return active;
  }

  void statistics(std::size_t chunks, bool kept) const {
    const std::size_t active = mark(chunks);
    const std::size_t rows = chunks * chunk_rows<C>;
    if (kept && !listed_is_cheaper<C>(a.stat, active, a.components, rows, w.features, w.d_padded, w.q_padded)) {
      accumulate_dense<C>(a.components, w.features, chunks, w.resp, w.kept, a.suff.data);
    } else {
      accumulate_listed<C>(a.stat, a.components, chunks, w.resp, w.bits, w.rows, w.d_padded, w.q_padded, w.scaled,
                           w.listed);
    }
  }

  void run() const {
    constexpr std::size_t ch = chunk_rows<C>;
    const std::size_t n = a.x.rows, k = a.components;
    const bool sums = a.mode != Mode::score;
    const bool keep = sums && w.kept_fits && a.mode != Mode::given;
    const std::size_t stride = sums ? a.suff.cols : 0;
    if (sums) {
      std::memset(a.suff.data, 0, k * stride * sizeof(double));
      std::memset(a.entropy, 0, k * sizeof(double));
      std::memset(w.listed.linear, 0, k * w.d_padded * sizeof(double));
      const std::size_t second = a.stat == Kind::full ? w.q_padded * w.q_padded : w.d_padded;
      std::memset(w.listed.second, 0, k * second * sizeof(double));
    }
    std::memset(w.rows, 0, w.tile * w.d_padded * sizeof(C));
    if (a.mode != Mode::given) pack_eta<C>(a.eta, w.constants, w.packed);
    for (std::size_t first = 0; first < n; first += w.tile) {
      const std::size_t rows = n - first < w.tile ? n - first : w.tile;
      const std::size_t chunks = (rows + ch - 1) / ch;
      clear(w.row_sums, k);
      std::memset(w.met, 0, rows * met_width() * sizeof(double));
      if (a.levels.codes) {
        level_places(a.levels, first, rows, w.level_places);
        add_level_scores(a.levels, w.level_places, rows, w.met);
      }
      if (a.gaps.table) {
        missing_places(a.gaps, a.x, first, rows, w.missing);
        add_gap_scores(a.gaps, w.missing, rows, w.met);
      }
      for (std::size_t c = 0; c < chunks; ++c) {
        const std::size_t left = rows - c * ch;
        chunk(c, first + c * ch, left < ch ? left : ch, keep);
      }
      if (sums) {
        add_row_sums<C>(w.row_sums, k, a.suff.data, stride, a.entropy);
        if (a.x.cols) statistics(chunks, keep);
      }
      if (a.levels.sums) add_level_sums(a.levels, w.level_places, rows, w.met);
      if (a.gaps.sums) add_gap_sums(a.gaps, w.missing, rows, w.met);
    }
    if (sums) unpack_listed(a.stat, k, a.x.cols, a.quadratic, w.d_padded, w.q_padded, w.listed, a.suff.data);
  }
};

template <class C, class X>
static inline void mixture_step(const MixtureStep<X>& a) {
  Arena arena{a.scratch};
  Workspace<C> workspace(arena, a.x.cols, a.quadratic, a.components, a.score, a.stat,
                         a.levels.codes.cols + a.gaps.count, a.levels.codes ? a.levels.table.cols : a.gaps.table.cols);
  Step<C, X>{a, workspace}.run();
}

}  // namespace

void mixture_step_dd(const MixtureStep<double>& a) { mixture_step<double>(a); }
void mixture_step_df(const MixtureStep<double>& a) { mixture_step<float>(a); }
void mixture_step_fd(const MixtureStep<float>& a) { mixture_step<double>(a); }
void mixture_step_ff(const MixtureStep<float>& a) { mixture_step<float>(a); }

std::size_t mixture_scratch(std::size_t d, std::size_t q, std::size_t k, Kind score, Kind stat, bool single,
                            std::size_t met_columns, std::size_t met_width) {
  Arena arena{nullptr};
  if (single) {
    Workspace<float>(arena, d, q, k, score, stat, met_columns, met_width);
  } else {
    Workspace<double>(arena, d, q, k, score, stat, met_columns, met_width);
  }
  return arena.used;
}

}  // namespace vivace::VIVACE_ISA_NS
