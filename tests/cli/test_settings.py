"""`--set key=value`."""

from __future__ import annotations

import math
from typing import Any

import click
import pytest

from vivace.cli.settings import parse_setting, settings


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-2", -2),
        ("1e-6", 1e-6),
        (" 0.5 ", 0.5),
        ("true", True),
        ("False", False),
        ("none", None),
        ("null", None),
        ("None", None),
        ("inf", math.inf),
        ("Infinity", math.inf),
        ("tied_diag", "tied_diag"),
        ("k-means++", "k-means++"),
        ('"12"', "12"),
        ("[1, 2.5]", [1, 2.5]),
        ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("a=b", "a=b"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_literals(text: str, value: Any) -> None:
    key, found = parse_setting(f"key={text}")
    assert key == "key"
    assert found == value
    assert type(found) is type(value)


def test_nan() -> None:
    assert math.isnan(parse_setting("a=nan")[1])


@pytest.mark.parametrize(
    "text", ["", "a", "=1", "a=", "a=[1", 'a="b', "a={'b': 1}", "a=" + "[" * 9999]
)
def test_what_is_no_setting(text: str) -> None:
    with pytest.raises(click.BadParameter, match="expected"):
        parse_setting(text)


def test_keys() -> None:
    known, options = ["tol", "max_iter", "n_jobs"], {"n_jobs": "--threads"}
    assert settings(["tol=1", "max_iter=2"], known, options, "M") == {"tol": 1, "max_iter": 2}
    with pytest.raises(
        click.BadParameter, match=r"'max_itr'; did you mean max_iter\? It has: tol, max_iter$"
    ):
        settings(["max_itr=2"], known, options, "M")
