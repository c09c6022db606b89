"""What constructor parameters may be, beyond what scikit-learn checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

from sklearn.utils._param_validation import Interval, InvalidParameterError


class Number(Interval):  # type: ignore[misc]
    """An interval of numbers; True and False, which Python takes for 1 and 0, are none."""

    def is_satisfied_by(self, val: Any) -> bool:
        """Whether a value is a number inside."""
        return not isinstance(val, bool) and bool(super().is_satisfied_by(val))


def integer(least: int | None) -> Number:
    """Constrain to whole numbers from `least` on; None for all of them."""
    return Number(Integral, least, None, closed="neither" if least is None else "left")


@contextmanager
def checking_parameters() -> Iterator[None]:
    """Let what is wrong with a parameter be told from what is wrong with the data.

    Raises
    ------
    InvalidParameterError
        In the place of any other ValueError or TypeError.
    """
    try:
        yield
    except InvalidParameterError:
        raise
    except (ValueError, TypeError) as error:
        raise InvalidParameterError(str(error)) from None
