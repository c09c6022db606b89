"""The demonstration's data and model: pixels of two photographs, one mixture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pictures = dict[str, NDArray[np.uint8]]  # name -> (height, width, 3)
Labels = dict[str, NDArray[Any]]  # name -> (height, width)

N_COMPONENTS = 32

# What a segment looks like before the pixels are seen: colours that differ by 8 % of the range and
# positions by 10 % of the width, held as firmly as 10,000 pixels would. Found by looking at
# pictures: a weaker prior cuts the sky to pieces, a stronger one merges the roofs with the walls.
_COLOUR_SPREAD = 0.08
_POSITION_SPREAD = 0.10
_PRIOR_PIXELS = 10_000.0
# Widths from one photograph to the next: far enough for no segment to lie in both.
_DISTANCE = 2.0


def photographs() -> Pictures:
    """The photographs that come with scikit-learn, by name."""
    from sklearn.datasets import load_sample_images

    sample = load_sample_images()
    names = [str(name).replace("\\", "/").rsplit("/", 1)[-1] for name in sample.filenames]
    return {
        name.rsplit(".", 1)[0]: picture for name, picture in zip(names, sample.images, strict=True)
    }


def pixel_table(pictures: Pictures) -> NDArray[np.float64]:
    """Return a row for each pixel: red, green, blue from 0 to 1, x and y in widths.

    The photographs lie side by side, some way apart.
    """
    tables = []
    for i, picture in enumerate(pictures.values()):
        height, width = picture.shape[:2]
        y, x = np.mgrid[:height, :width] / width
        position = np.stack([x + i * _DISTANCE, y], axis=-1)
        tables.append(np.concatenate([picture / 255.0, position], axis=-1).reshape(-1, 5))
    return np.concatenate(tables)


def segment(
    pictures: Pictures,
    pixels: NDArray[np.float64],
    seed: int,
    threads: int | None,
    callback: Callable[..., bool | None],
) -> tuple[Any, Labels]:
    """Fit the mixture; return it and the component of each pixel.

    Parameters
    ----------
    pictures : dict
        The photographs.
    pixels : ndarray of shape (n_pixels, 5)
        Their table.
    seed : int
        Of the start.
    threads : int or None
        None: all that this process may use.
    callback : callable
        Told of every iteration.
    """
    from vivace.mixture import BayesianGaussianMixture

    spread = np.array([_COLOUR_SPREAD] * 3 + [_POSITION_SPREAD] * 2)
    mixture = BayesianGaussianMixture(
        n_components=N_COMPONENTS,
        weight_concentration_prior_type="dirichlet_process",
        degrees_of_freedom_prior=_PRIOR_PIXELS,
        covariance_prior=_PRIOR_PIXELS * np.diag(spread**2),
        max_iter=500,
        random_state=seed,
        n_jobs=threads,
    )
    mixture.fit(pixels, callbacks=callback)
    labels = mixture.predict(pixels)
    found: Labels = {}
    start = 0
    for name, picture in pictures.items():
        height, width = picture.shape[:2]
        found[name] = labels[start : start + height * width].reshape(height, width)
        start += height * width
    return mixture, found
