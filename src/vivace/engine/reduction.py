"""Summation by a fixed pairwise tree."""

from __future__ import annotations

from vivace.engine.statistics import Statistics


class PairwiseSum:
    """Sum of records by a tree that depends on their order and number only.

    The tree is the binary counter: after 2**m records one partial sum of them all is held, so
    that at most ``log2(n) + 1`` records are alive, the rounding error grows with log2(n), and
    the result does not depend on who computed the records.

    Records with tables of rows are summed one after the other instead, into a table of their own:
    one large table is enough.
    """

    __slots__ = ("_count", "_partial")

    def __init__(self) -> None:
        self._count = 0
        self._partial: list[Statistics] = []

    def push(self, record: Statistics) -> None:
        """Take the next record. It is changed in place: pass a copy of what must survive.

        Not so for a record with tables; a single one is the sum itself.
        """
        self._count += 1
        if record.has_tables:
            return self._push_table(record)
        carry = self._count
        while carry % 2 == 0:
            record = self._partial.pop().add_(record)
            carry //= 2
        self._partial.append(record)

    def _push_table(self, record: Statistics) -> None:
        if self._count == 1:
            self._partial.append(record)
        elif self._count == 2:
            self._partial[0] = self._partial[0].zeros_like().add_(self._partial[0]).add_(record)
        else:
            self._partial[0].add_(record)

    def parts(self) -> list[Statistics]:
        """Return the partial sums so far, not copied."""
        return list(self._partial)

    @classmethod
    def of(cls, count: int, parts: list[Statistics]) -> PairwiseSum:
        """Go on with the `parts` of a sum of `count` records."""
        new = cls()
        new._count, new._partial = count, list(parts)
        return new

    def total(self) -> Statistics:
        """Return the sum and start afresh.

        Raises
        ------
        ValueError
            If nothing was pushed: an empty sum has no fields.
        """
        if not self._partial:
            raise ValueError("PairwiseSum.total: expected at least one record, got none")
        record = self._partial.pop()
        while self._partial:
            record = self._partial.pop().add_(record)
        self._count = 0
        return record
