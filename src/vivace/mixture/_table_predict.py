"""What a fitted mixture over a table says about rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted

from vivace.engine import Block, CsrRows, Layout
from vivace.estimators.checks import check_weights
from vivace.io.frame_stream import FrameStream
from vivace.mixture._columns import check_names, read_columns
from vivace.mixture._parts import make_table_model
from vivace.mixture._predict import RowsMixin
from vivace.mixture._state import make_executor
from vivace.mixture._streams_table import (
    FrameColumns,
    frame_columns,
    frame_from_files,
    frame_rows,
)
from vivace.mixture._table import TableRows, make_rows
from vivace.mixture._table_look import glance
from vivace.models.mixed_predict import table_density, table_score_samples

#: Numbers of a temporary of a predictive density: 16 MB, so that it stays near the caches.
SCORE_NUMBERS = 1 << 21


class TableRowsMixin(RowsMixin):
    """Methods that take rows of a table."""

    def _check(self, X: Any, sample_weight: Any = None) -> TableRows:
        check_is_fitted(self)
        return self._rows(X, sample_weight, learn=False)

    def _rows(self, X: Any, sample_weight: Any, *, learn: bool) -> TableRows:
        """Checked rows; `learn` resolves families, levels and names."""
        from vivace.mixture._assign import assign

        name = type(self).__name__
        X = frame_from_files(self, X, learn=learn)
        check_names(X)
        self._check_names(X, reset=learn)
        stream = isinstance(X, FrameStream)
        table = frame_columns(X) if stream else read_columns(X, name)
        if learn:
            self.n_features_in_ = table.n_columns
            assignments = assign(self._families(), table)
        else:
            if table.n_columns != self.n_features_in_:
                raise ValueError(
                    f"X has {table.n_columns} features, but {name} is expecting "
                    f"{self.n_features_in_} features as input."
                )
            assignments = self._fitted.prior.assignments
            self._check_form(sparse=getattr(table, "library", "") == "sparse")
        weights = check_weights(sample_weight, table.n_rows)
        if isinstance(table, FrameColumns):
            rows = frame_rows(table, assignments, weights, learn=learn)
        else:
            rows = make_rows(X, table, assignments, weights, learn=learn)
        if not learn:
            self._look_at(rows)
        return rows

    def _check_form(self, *, sparse: bool) -> None:
        """Refuse sparse rows where the model was fitted to others, and the other way round."""
        if sparse != any(part.sparse for part in self._fitted.prior.parts):
            given, fitted = ("sparse", "dense") if sparse else ("dense", "sparse")
            raise TypeError(
                f"X holds {given} rows, but {type(self).__name__} was fitted to {fitted} ones. "
                f"Remedy: {'X.toarray()' if sparse else 'scipy.sparse.csr_array(X)'}"
            )

    def _look_at(self, rows: TableRows) -> None:
        """Check values, and remember units that are missing here but were not in fit."""
        prior = self._fitted.prior
        with make_executor(self.n_jobs, rows.n_rows) as executor:
            found = glance(rows, rows.assignments, executor)
        more = []
        for fixed, gaps in zip(prior.parts, found, strict=True):
            units = len(fixed.gaps)
            whole = len(gaps[:units]) < units or (units == 1 and len(gaps) > 1)
            more.append(np.full(units, bool(gaps.any())) if whole else gaps[:units])
        some = any((gaps & ~p.gaps).any() for gaps, p in zip(more, prior.parts, strict=True))
        rows.more_gaps = more if some else None

    def _model_for(self, rows: TableRows) -> Any:
        if rows.more_gaps is None:
            return self._fitted.model
        parameters = self.get_params(deep=False)
        return make_table_model(parameters, self._fitted.prior, rows.more_gaps)

    def _check_names(self, X: Any, *, reset: bool) -> None:
        from sklearn.utils.validation import _check_feature_names

        if isinstance(X, FrameStream):
            known = getattr(self, "feature_names_in_", None)
            if reset:
                self.__dict__.pop("feature_names_in_", None)
                if X.named:
                    self.feature_names_in_ = np.asarray(X.columns, dtype=object)
            elif known is not None and list(known) != X.columns:
                raise ValueError(
                    f"{X.name}: expected the columns that the model was fitted to, "
                    f"{', '.join(map(str, known[:20]))}; got {', '.join(X.columns[:20])}"
                )
        elif type(X).__module__.partition(".")[0] != "pyarrow":
            if reset or not issparse(X):  # compressed rows cannot tell names
                _check_feature_names(self, X, reset=reset)
        elif reset:
            self.feature_names_in_ = np.asarray(X.column_names, dtype=object)

    def _families(self) -> Any:
        raise NotImplementedError

    def _each_block(self, rows: TableRows, function: Callable[[Block, bool], Any]) -> None:
        self._blocks_of(rows, self._fitted.model.block_rows(), lambda b: function(b, True))

    def _blocks_of(self, rows: TableRows, size: int, function: Callable[[Block], Any]) -> list[Any]:
        layout = Layout(rows.n_rows, None, size)
        with make_executor(self.n_jobs, rows.n_rows) as executor:
            return executor.map(
                lambda edges: function(rows.source.read(*edges)), layout.blocks(layout.batches[0])
            )

    def _n_parameters(self) -> int:
        """Free parameters of the components in use."""
        fitted = self._fitted
        k: int = max(1, self.n_effective_components_)
        free = k - 1
        for part, one in zip(fitted.model.parts, fitted.prior.assignments, strict=True):
            free += k * one.family.n_parameters(part.prior, len(one.columns))
            free += one.family.n_shared_parameters()
        return free

    def _log_density(self, rows: TableRows) -> NDArray[np.float64]:
        model = self._model_for(rows)
        density = table_density(model, self._fitted.fit.posterior)
        found = self._blocks_of(
            rows, self._score_rows(rows), lambda block: table_score_samples(model, density, block)
        )
        return np.concatenate(found)

    def _score_rows(self, rows: TableRows) -> int:
        """Rows of a block of predictive densities: its temporaries are n x d x K numbers."""
        model = self._fitted.model
        wide = model.entries_per_row or self.n_features_in_
        size = SCORE_NUMBERS // (model.n_components * max(1, int(wide)))
        return int(np.clip(size, 64, 8192))


def is_sparse(block: Block) -> bool:
    """Whether rows are compressed."""
    return any(isinstance(x, CsrRows) for x in block.data)
