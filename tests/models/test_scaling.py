"""Standardised coordinates and back."""

import numpy as np
import pytest

from vivace.models.scaling import Scaling


def test_points_and_covariances_go_there_and_back():
    rng = np.random.default_rng(0)
    x = 3.0 + rng.normal(size=(50, 3)) * [1.0, 10.0, 0.1]
    scaling = Scaling.of_columns(x.mean(axis=0), x.var(axis=0))
    z = scaling.to_z(x)
    np.testing.assert_allclose(z.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(z.std(axis=0), 1.0)
    np.testing.assert_allclose(scaling.from_z(z), x)
    full = np.cov(x.T)
    for kind, value in (("full", np.stack([full, full])), ("tied", full), ("diag", full[:2])):
        there = scaling.covariances_to_z(value, kind)
        np.testing.assert_allclose(scaling.covariances_from_z(there, kind), value)
    np.testing.assert_allclose(np.diag(scaling.covariances_to_z(full, "tied")), 50 / 49)
    assert scaling.log_jacobian == pytest.approx(np.log(scaling.scale).sum())


def test_spherical_covariances_need_a_common_scale():
    common = Scaling.of_columns([0.0, 0.0], [1.0, 7.0], common=True)
    np.testing.assert_allclose(common.scale, 2.0)
    np.testing.assert_allclose(common.covariances_to_z([4.0, 8.0], "spherical"), [1.0, 2.0])
    with pytest.raises(ValueError, match="common"):
        Scaling(np.zeros(2), np.array([1.0, 2.0])).covariances_to_z(1.0, "tied_spherical")


def test_a_constant_column_gets_scale_one():
    np.testing.assert_array_equal(Scaling.of_columns([2.0, 3.0], [0.0, 4.0]).scale, [1.0, 2.0])


@pytest.mark.parametrize(
    ("centre", "scale"), [([0.0], [0.0]), ([0.0, 1.0], [1.0]), ([np.nan], [1.0]), ([0.0], [np.inf])]
)
def test_impossible_coordinates_are_refused(centre, scale):
    with pytest.raises(ValueError, match="scale"):
        Scaling(np.array(centre), np.array(scale))
