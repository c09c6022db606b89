"""Information criteria of a fitted mixture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class CriteriaMixin:
    """`aic` and `bic`. An estimator gives `score_samples` and `_n_parameters`."""

    def aic(self, X: Any) -> float:
        """Akaike's information criterion; lower is better.

        -2 ln p(X) + 2 p with the log posterior predictive density of `score_samples` (the mass
        beyond the components included) and p free parameters: one less weight than components in
        use (`n_effective_components_`), and for each of these its own. Of D columns those are

        - 1 each: bernoulli, poisson, exponential, gamma (the rate);
        - 2 each: gaussian_diag (mean, variance);
        - one less than levels each: categorical;
        - D - 1: multinomial;
        - D + D (D + 1) / 2: gaussian, and student_t, whose degrees of freedom are one more
          parameter, of all components together, where they are learned;
        - a family of your own: what its `n_parameters` says.

        For `BayesianGaussianMixture` D + D (D + 1) / 2 (full), 2 D (diag) or D + 1 (spherical);
        tied covariances count once. Known means and covariances are not free.

        Parameters
        ----------
        X : array-like or table of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        aic : float
        """
        return float(-2.0 * self._density(X).sum() + 2.0 * self._n_parameters())

    def bic(self, X: Any) -> float:
        """Bayesian information criterion; lower is better.

        -2 ln p(X) + p ln n with n rows, and density and parameters counted as in `aic`. The bound
        (`lower_bound_`) compares models without this approximation.

        Parameters
        ----------
        X : array-like or table of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        bic : float
        """
        density = self._density(X)
        return float(-2.0 * density.sum() + self._n_parameters() * np.log(len(density)))

    def _density(self, X: Any) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self.score_samples(X)  # type: ignore[attr-defined]
        return found

    def _n_parameters(self) -> int:
        """Free parameters of the components in use."""
        raise NotImplementedError
