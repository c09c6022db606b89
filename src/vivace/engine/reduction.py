"""Summation by a fixed pairwise tree."""

from __future__ import annotations

from vivace.engine.statistics import Statistics

#: Share of the rows that makes it worth to keep sums packed: adding then goes through all of them.
PACKED_FROM = 0.25


class PairwiseSum:
    """Sum of records by a tree that depends on their order and number only.

    The tree is the binary counter: after 2**m records one partial sum of them all is held, so
    that at most ``log2(n) + 1`` records are alive, the rounding error grows with log2(n), and
    the result does not depend on who computed the records.

    Records with tables of rows are summed one after the other instead, into a table of their own:
    one large table is enough.

    Parameters
    ----------
    pack : bool
        Keep the sum of tables without its zeros where records have many of the rows
        (`PACKED_FROM`): for those who read it once, at the end.
    """

    __slots__ = ("_count", "_pack", "_packed", "_partial")

    def __init__(self, pack: bool = False) -> None:
        self._count = 0
        self._pack, self._packed = pack, False
        self._partial: list[Statistics] = []

    def push(self, record: Statistics) -> None:
        """Take the next record. It is changed in place: pass a copy of what must survive.

        Not so for a record with tables; a single one is the sum itself, if it is not packed.
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
        if self._pack and not self._packed and record.share_of_rows >= PACKED_FROM:
            self._partial = [_sum_of(one, packed=True) for one in self._partial or [record]]
            self._packed = True
            if self._count == 1:
                return
        elif self._count == 1:
            self._partial.append(record)
            return
        elif self._count == 2 and not self._packed:
            self._partial = [_sum_of(self._partial[0])]
        self._partial[0].add_(record)

    def parts(self) -> list[Statistics]:
        """Return the partial sums so far, not copied."""
        return list(self._partial)

    @classmethod
    def of(cls, count: int, parts: list[Statistics], pack: bool = False) -> PairwiseSum:
        """Go on with the `parts` of a sum of `count` records."""
        new = cls(pack)
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
        self._count, self._packed = 0, False
        return record


def _sum_of(record: Statistics, packed: bool = False) -> Statistics:
    return record.zeros_like(packed).add_(record)
