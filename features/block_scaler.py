"""Standardization of a block of features as a whole, with optional principal components."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from galfeat.features.kernels.products import row_products
from galfeat.features.settings import whole

__all__ = ["BlockScaler"]

_LIMIT = 10.0  # standard deviations


class BlockScaler(TransformerMixin, BaseEstimator):
    """Standardize a block of features, optionally reduce it, and scale it as a whole.

    Without this a block of 5,000 HOG values outweighs one of 200 colors. Afterwards the rows of
    every block have a mean square length of 1 over the training galaxies.

    Parameters
    ----------
    n_components : int or None, default None
        Number of principal components to keep; fewer where there are not so many. None keeps the
        features.
    random_state : int or None, default 0
        Not used: the decomposition is exact. Kept so that every learned step takes one.

    Attributes
    ----------
    mean_, scale_ : arrays, shape (k,)
        Mean and standard deviation of the features; constant features have the scale 0 and become
        0.
    components_ : array, shape (components, k), or None
        Principal axes of the standardized features, by falling variance; the largest entry of each
        is positive.
    factor_ : float
        The common factor.

    Notes
    -----
    Standardized values are cut at 10 standard deviations either way, so that one odd galaxy cannot
    drown the others.
    """

    def __init__(self, n_components: int | None = None, *, random_state: int | None = 0) -> None:
        self.n_components = n_components
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn means, scales, axes and factor.

        Parameters
        ----------
        X : array, shape (n, k)
        y : ignored

        Returns
        -------
        self
        """
        del y
        if self.n_components is not None:
            whole("n_components", self.n_components)
        values = np.asarray(validate_data(self, X, dtype=(np.float64, np.float32))).astype(
            np.float64
        )
        self.mean_ = values.mean(axis=0)
        self.scale_ = _scales(values, self.mean_)
        standard = self._standardized(values)
        self.components_ = (
            None if self.n_components is None else _principal_axes(standard, self.n_components)
        )
        reduced = standard if self.components_ is None else row_products(standard, self.components_)
        mean_square = float((reduced * reduced).sum() / len(reduced))
        self.factor_ = mean_square**-0.5 if mean_square > 0 else 1.0
        return self

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Scale the rows of X.

        Parameters
        ----------
        X : array, shape (n, k)

        Returns
        -------
        array, shape (n, k) or (n, components)
            float32 if `X` is, otherwise float64.
        """
        check_is_fitted(self)
        values = np.asarray(validate_data(self, X, dtype=(np.float64, np.float32), reset=False))
        standard = self._standardized(values.astype(np.float64))
        reduced = standard if self.components_ is None else row_products(standard, self.components_)
        return np.asarray(reduced * self.factor_, dtype=values.dtype)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Return the names of the features, or ``component0``, ``component1`` and so on."""
        check_is_fitted(self)
        if self.components_ is not None:
            return np.array([f"component{i}" for i in range(len(self.components_))], dtype=object)
        if input_features is None:
            input_features = getattr(
                self, "feature_names_in_", [f"x{i}" for i in range(len(self.mean_))]
            )
        names = np.asarray(input_features, dtype=object)
        if len(names) != len(self.mean_):
            raise ValueError(
                "input_features should have length equal to number of features "
                f"({len(self.mean_)}), got {len(names)}"
            )
        return names

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _standardized(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        scale = np.where(self.scale_ > 0, self.scale_, 1.0)
        standard = np.clip((values - self.mean_) / scale, -_LIMIT, _LIMIT)
        return np.asarray(np.where(self.scale_ > 0, standard, 0.0))


def _scales(values: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard deviations; 0 where they do not exceed the rounding of the values."""
    deviation = np.sqrt(((values - mean) ** 2).mean(axis=0))
    rounding = 1e-7 * np.abs(values).max(axis=0)
    return np.where(deviation > rounding, deviation, 0.0)


def _principal_axes(standard: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return up to `count` principal axes as rows, from the smaller of the two Gram matrices.

    Axes without variance are left out.
    """
    centered = check_array(standard - standard.mean(axis=0), dtype=np.float64)
    with threadpool_limits(limits=1):
        tall = centered.shape[0] > centered.shape[1]
        gram = centered.T @ centered if tall else centered @ centered.T
        values, vectors = np.linalg.eigh(gram)
        kept = [
            i
            for i in np.argsort(-values, kind="stable")[:count]
            if values[i] > 1e-10 * max(values[-1], 1e-300)
        ]
        axes = (
            vectors[:, kept].T
            if tall
            else (centered.T @ vectors[:, kept] / np.sqrt(values[kept])).T
        )
    largest = np.abs(axes).argmax(axis=1)
    return np.asarray(axes * np.sign(axes[np.arange(len(axes)), largest])[:, None])
