"""What a mixture over a table says of its columns: fillings of gaps, separations, profiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from vivace.engine import Block
from vivace.mixture._attributes import in_use
from vivace.mixture._intervals import check_level
from vivace.mixture._table import TableRows
from vivace.mixture._table_frames import Explanation, as_frame, editable, numbers_like, table_like
from vivace.mixture._table_intervals import Described, estimates, label, weight_intervals
from vivace.mixture._table_predict import TableRowsMixin
from vivace.models.mixed_predict import log_joint
from vivace.models.parts import SparsePart

Array = NDArray[np.float64]


class TableExplainMixin(TableRowsMixin):
    """Methods of a fitted mixture over a table that speak of columns."""

    def impute(self, X: Any, return_std: bool = False) -> Any:
        """Fill gaps from the posterior predictive distribution.

        The components in use are weighed by the row's other values. Counts and measurements get
        the mean, flags and categories the most probable value; in correlated columns the mean
        given the row's other correlated values.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with gaps.
        return_std : bool, default=False
            Also return standard deviations, zero where nothing was missing. For flags and
            categories sqrt(p (1 - p)) with p the probability of the value filled in. NaN where the
            posterior predictive has none (too few rows behind a component).

        Returns
        -------
        filled : table
            Like X: of the same library, with the same columns.
        std : table of numbers of shape (n_samples, n_features)
            If `return_std`; of the library of X, with its names.
        """
        rows = self._check(X)
        spread = np.zeros((rows.n_rows, rows.table.n_columns))
        filled: dict[int, Any] = {}

        def work(block: Block) -> list[Any]:
            return self._fill(block, rows)

        for start, found in self._each_gap(rows, work):
            for j, places, values, std in found:
                column = filled.setdefault(j, editable(rows, j))
                column[start[places]] = values
                spread[start[places], j] = std
        result = table_like(rows, filled)
        return (result, numbers_like(rows, spread)) if return_std else result

    def sample_missing(self, X: Any, random_state: Any = None) -> Any:
        """Fill gaps by draws from the posterior predictive distribution (multiple imputation).

        A component is drawn for each row, given its other values, then what is missing.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with gaps.
        random_state : int, RandomState instance or None, default=None
            Seed of the draws; the estimator's if None. Different seeds, different fillings.

        Returns
        -------
        filled : table
            Like X.
        """
        rows = self._check(X)
        given = self.random_state if random_state is None else random_state
        seed = int(check_random_state(given).randint(np.iinfo(np.int32).max))
        filled: dict[int, Any] = {}

        def work(block: Block) -> list[Any]:
            return self._draw_gaps(block, rows, np.random.default_rng([seed, block.start]))

        for start, found in self._each_gap(rows, work):
            for j, places, values, _ in found:
                filled.setdefault(j, editable(rows, j))[start[places]] = values
        return table_like(rows, filled)

    def explain(self, X: Any) -> Explanation:
        """Tell which columns separate the components.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows to judge by, such as those of fit. Missing values say nothing.

        Returns
        -------
        explanation : Explanation
            Fields `columns`, `information` and `by_component`, in nats; `to_frame()` tabulates
            them. The information of a multinomial part is divided evenly among its columns.
        """
        rows = self._check(X)
        model, posterior = self._model_for(rows), self._fitted.fit.posterior
        log_mean = log_softmax(model.weight_model.log_mean(posterior.counts)[:-1])

        def work(block: Block) -> tuple[Array, Array]:
            scores = log_joint(model, posterior.parts, block) + log_mean
            r = np.exp(scores - logsumexp(scores, axis=1, keepdims=True))
            gain = np.zeros((model.n_components, self.n_features_in_))
            for part, own, one, x in zip(
                model.parts, posterior.parts, rows.assignments, block.data, strict=True
            ):
                found = part.log_predictive(own, x)  # (n, U, K)
                found = found - logsumexp(found + log_mean, axis=2, keepdims=True)
                by_unit = np.einsum("nk,nuk->ku", r, found)
                units = by_unit.shape[1]
                if units == 1 and len(one.columns) > 1:
                    by_unit = np.repeat(by_unit / len(one.columns), len(one.columns), axis=1)
                gain[:, one.columns[: by_unit.shape[1]]] = by_unit
            return gain, r.sum(axis=0)

        parts = self._blocks_of(rows, self._score_rows(rows), work)
        gain, counts = (np.sum([part[i] for part in parts], axis=0) for i in (0, 1))
        held = np.maximum(counts, np.finfo(np.float64).tiny)[:, None]
        columns: list[Any] = list(rows.table.names or range(rows.table.n_columns))
        return Explanation(columns, gain.sum(axis=0) / counts.sum(), gain / held)

    def profiles(self, level: float = 0.95) -> Any:
        """Tabulate the components: their parameters with credible intervals.

        Parameters
        ----------
        level : float, default=0.95
            Posterior mass inside an interval. Mean-field intervals tend to be too narrow.

        Returns
        -------
        profiles : DataFrame, or list of dict without pandas
            One row for each component in use and parameter: component, weight, family, column,
            parameter, estimate, lower, upper. Components in order of weight.
        """
        check_is_fitted(self)
        check_level(level)
        return as_frame(self._profiles(level))

    # -- inside -------------------------------------------------------------------------------

    def _profiles(self, level: float, found: Described | None = None) -> list[dict[str, Any]]:
        """Lines of `profiles`; `found`: what `describe` returned for this level, where known."""
        names = getattr(self, "feature_names_in_", None)
        low, high = weight_intervals(self._fitted, level)
        weights: Array = self.weights_
        lines = []
        used: int = self.n_effective_components_
        order = np.argsort(-weights, kind="stable")[: max(1, used)]
        described = list(estimates(self._fitted, level, found))
        for k in order:
            lines.append((k, "", "", "weight", weights[k], low[k], high[k]))
            for one, e, name in described:
                column = label(one.columns[e.column], names)
                values = (e.mean[k], e.low[k], e.high[k])
                lines.append((k, one.family.name, column, name, *values))
        head = ("component", "family", "column", "parameter", "estimate", "lower", "upper")
        return [
            dict(zip(head, (int(line[0]), *line[1:4], *map(float, line[4:])), strict=True))
            for line in lines
        ]

    def _each_gap(self, rows: TableRows, work: Any) -> list[tuple[NDArray[np.int64], list[Any]]]:
        """(positions, found) of the rows of each block that have gaps."""
        model = self._fitted.model
        if any(isinstance(part, SparsePart) for part in model.parts):
            raise TypeError("sparse rows have no gaps to fill")
        from vivace.mixture._table_look import observed

        def one(block: Block) -> tuple[NDArray[np.int64], list[Any]]:
            there = observed(rows.assignments, block)
            lost = np.flatnonzero(~np.all([part.all(axis=1) for part in there], axis=0))
            if not len(lost):
                return lost, []
            some = Block(tuple(x[lost] for x in block.data), None, block.start, 0)
            some = some._replace(stop=block.start + len(lost))
            return block.start + lost, work(some)

        return self._blocks_of(rows, self._score_rows(rows), one)

    def _responsibilities(self, model: Any, block: Block) -> Array:
        """p(component in use | what is there), the parameters integrated out, (n, K)."""
        posterior = self._fitted.fit.posterior
        scores = log_joint(model, posterior.parts, block)
        scores = scores + model.weight_model.log_mean(posterior.counts)[:-1]
        # Components that hold nothing would only bring in the prior's heavy tails.
        used = in_use(posterior.counts, self._fitted.row_weight)
        used[posterior.counts.argmax()] = True
        scores[:, ~used] = -np.inf
        return np.asarray(np.exp(log_softmax(scores, axis=1)))

    def _fill(self, block: Block, rows: TableRows) -> list[Any]:
        """(column of X, places in the block, values, standard deviations) of what is missing."""
        model, posterior = self._model_for(rows), self._fitted.fit.posterior
        r = self._responsibilities(model, block)
        found: list[Any] = []
        for part, own, one, x in zip(
            model.parts, posterior.parts, rows.assignments, block.data, strict=True
        ):
            if one.family.levels:
                tables = part.family.probabilities(own)
                for i, j in enumerate(one.columns):
                    places = np.flatnonzero(x[:, i] < 0)
                    p = r[places] @ tables[i]
                    best = p.argmax(axis=1) if len(places) else np.empty(0, dtype=np.int64)
                    top = p[np.arange(len(places)), best]
                    found.append((j, places, self._labels_of(one, i, best), _coin(top)))
                continue
            lost = np.isnan(x)
            if not lost.any():
                continue
            mean, variance = part.conditional(own, x)
            # infinite moments of components without a share must not become NaN
            held = (r > 0.0)[:, None, :]
            mean, variance = np.where(held, mean, 0.0), np.where(held, variance, 0.0)
            with np.errstate(invalid="ignore"):
                centre = np.einsum("nk,ndk->nd", r, mean)
                second = np.einsum("nk,ndk->nd", r, variance + mean**2)
                spread = np.sqrt(np.maximum(second - centre**2, 0.0))
            spread[~np.isfinite(spread)] = np.nan
            for i, j in enumerate(one.columns):
                places = np.flatnonzero(lost[:, i])
                values, std = centre[places, i], spread[places, i]
                if one.family.name == "bernoulli":
                    std = _coin(values)
                    values = (values > 0.5).astype(np.float64)
                found.append((j, places, values, std))
        return found

    def _draw_gaps(self, block: Block, rows: TableRows, rng: np.random.Generator) -> list[Any]:
        model, posterior = self._model_for(rows), self._fitted.fit.posterior
        cumulated = np.cumsum(self._responsibilities(model, block), axis=1)
        drawn = (rng.random(len(cumulated))[:, None] > cumulated).sum(axis=1)
        labels = np.minimum(drawn, cumulated.shape[1] - 1)
        found: list[Any] = []
        for part, own, one, x in zip(
            model.parts, posterior.parts, rows.assignments, block.data, strict=True
        ):
            lost = x < 0 if one.family.levels else np.isnan(x)
            values = part.draw_given(own, x, labels, rng)
            for i, j in enumerate(one.columns):
                places = np.flatnonzero(lost[:, i])
                own_values = values[places, i]
                if one.family.levels:
                    own_values = self._labels_of(one, i, own_values.astype(np.int64))
                found.append((j, places, own_values, None))
        return found

    def _labels_of(self, one: Any, i: int, codes: NDArray[np.int64]) -> NDArray[Any]:
        return np.array(one.levels[i], dtype=object)[codes]


def _coin(p: Array) -> Array:
    return np.sqrt(p * (1.0 - p))
