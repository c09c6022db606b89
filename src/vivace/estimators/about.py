"""What an estimator remembers of the data and the time of its fit; model files hold it."""

from __future__ import annotations

from hashlib import blake2b
from time import perf_counter
from typing import Any

from vivace.engine import Checkpoint
from vivace.estimators.jobs import data_sample

# Rows that go into a fingerprint, evenly spread: under a millisecond, whatever the data.
_ROWS = 32
_NUMBERS = (int, float)


class Stopwatch:
    """Measures a fit from its making to `about`.

    Parameters
    ----------
    checkpoint : Checkpoint, optional
        Of the fit; knows what earlier processes spent on it.
    """

    def __init__(self, checkpoint: Checkpoint | None = None) -> None:
        self._began, self._checkpoint = perf_counter(), checkpoint

    @property
    def seconds(self) -> float:
        """Time of the fit so far, in all processes that worked on it."""
        earlier = 0.0 if self._checkpoint is None else self._checkpoint.earlier
        return earlier + perf_counter() - self._began

    def about(self, source: Any, n_rows: int, row: str, **facts: Any) -> dict[str, Any]:
        """Return what is known after a fit.

        Parameters
        ----------
        source : Source
            The data. Their fingerprint is a digest of some rows and weights, evenly spread, and of
            `facts`; of data whose reading made one, of all rows.
        n_rows : int
        row : str
            What a row is called: "rows" or "documents".
        **facts
            Further numbers of the data.

        Returns
        -------
        about : dict
            `data` and `timings`, in JSON's types.
        """
        state = blake2b(repr((n_rows, facts, data_sample(source, _ROWS))).encode(), digest_size=16)
        data = {f"n_{row}": int(n_rows), **facts, "fingerprint": state.hexdigest()}
        return {"data": data, "timings": {"fit": self.seconds}}

    def about_more(self, before: dict[str, Any] | None, **facts: Any) -> dict[str, Any]:
        """Return what is known after another batch: `facts` and all times.

        There is no fingerprint: batches are gone when they are learnt, and one that belonged to an
        earlier `fit` would speak for less than what the model holds.
        """
        timings = (before or {}).get("timings", {})
        spent = timings.get("partial_fit", 0.0) + self.seconds
        return {"data": facts, "timings": {**timings, "partial_fit": spent}}


def about_record(estimator: Any) -> dict[str, Any]:
    """Return what a model file holds of it; empty for what was made otherwise."""
    return dict(getattr(estimator, "_about", {}))


def restore_about(estimator: Any, meta: dict[str, Any]) -> None:
    """Set it again; files that were written before it was kept have none.

    Raises
    ------
    ValueError
        It is not what `about` returns.
    """
    found = {name: meta[name] for name in ("data", "timings") if name in meta}
    for part in found.values():
        if not isinstance(part, dict) or not all(
            isinstance(value, _NUMBERS if name != "fingerprint" else str)
            for name, value in part.items()
        ):
            raise ValueError("data and timings must be numbers by name")
    if found:
        estimator._about = found
