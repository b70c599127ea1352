"""Base class of the encoders of local descriptors.

Their input is a list of bags, arrays of any number of descriptors, one a galaxy.
"""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, check_random_state
from threadpoolctl import threadpool_limits

from galfeat import UsageError
from galfeat.features.settings import whole

__all__ = ["BagEncoder"]


class BagEncoder(TransformerMixin, BaseEstimator, metaclass=ABCMeta):
    """Base class of transformers of lists of arrays (descriptors, width) to arrays (n, k).

    Descriptors are compared in the Hellinger metric: each is divided by its sum and its values
    replaced by their square roots (RootSIFT). A subclass implements `_settings`, `_learn`,
    `_encode` and `get_feature_names_out`.
    """

    max_descriptors: int
    random_state: Any

    @abstractmethod
    def _settings(self) -> None:
        """Check the settings."""

    @abstractmethod
    def _learn(self, rooted: NDArray[np.float64], chance: np.random.RandomState) -> None:
        """Learn from RootSIFT descriptors, shape (descriptors, width); there may be none."""

    @abstractmethod
    def _encode(self, rooted: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the vector, shape (k,), of a galaxy's RootSIFT descriptors, one or more."""

    def fit(self, X: Sequence[ArrayLike], y: object = None) -> Self:
        """Learn from the descriptors of the training galaxies.

        Parameters
        ----------
        X : sequence of arrays, each of shape (descriptors, width)
            Local descriptors of each galaxy, not negative; of 0 or more.
        y : ignored

        Returns
        -------
        self
        """
        del y
        self._settings()
        whole("max_descriptors", self.max_descriptors)
        bags = _as_bags(X)
        self.width_ = next((bag.shape[1] for bag in bags if len(bag)), 0)
        every = np.concatenate([_same_width(bag, self.width_) for bag in bags])
        chance = check_random_state(self.random_state)
        if len(every) > self.max_descriptors:
            every = every[np.sort(chance.choice(len(every), self.max_descriptors, replace=False))]
        # sums over several threads would depend on their number
        with threadpool_limits(limits=1):
            self._learn(_rooted(every), chance)
        return self

    def transform(self, X: Sequence[ArrayLike]) -> NDArray[np.float32]:
        """Encode each galaxy's descriptors.

        Parameters
        ----------
        X : sequence of arrays, each of shape (descriptors, width)

        Returns
        -------
        array of float32, shape (n, k)
            A galaxy without descriptors has the zero vector.
        """
        check_is_fitted(self)
        bags = _as_bags(X)
        vectors = np.zeros((len(bags), len(self.get_feature_names_out())), dtype=np.float32)
        with threadpool_limits(limits=1):
            for vector, bag in zip(vectors, bags, strict=True):
                if len(bag) and self.width_:
                    vector[:] = self._encode(_rooted(_same_width(bag, self.width_)))
        return vectors

    @abstractmethod
    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return the names of the features."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags


def _as_bags(X: Sequence[ArrayLike]) -> list[NDArray[Any]]:
    if isinstance(X, str) or not hasattr(X, "__len__") or len(X) == 0:
        raise UsageError(
            f"X must be a list of at least one array of descriptors; it is {type(X).__name__} "
            f"{X!r:.40}"
        )
    bags = [np.asarray(bag) for bag in X]
    for i, bag in enumerate(bags):
        if (
            bag.ndim != 2
            or bag.dtype.kind not in "biuf"
            or (bag.size and not (np.isfinite(bag).all() and bag.min() >= 0))
        ):
            what = f"its shape is {bag.shape}, its type {bag.dtype}"
            raise UsageError(
                f"X[{i}] must be an array of descriptors (rows) of finite numbers, 0 or more; "
                f"{what}"
            )
    return bags


def _same_width(bag: NDArray[Any], width: int) -> NDArray[Any]:
    if len(bag) and bag.shape[1] != width:
        raise UsageError(f"X has descriptors of {bag.shape[1]} values among descriptors of {width}")
    return bag.reshape(len(bag), width)


def _rooted(descriptors: NDArray[Any]) -> NDArray[np.float64]:
    """Return RootSIFT descriptors, whose Euclidean distance is the Hellinger distance."""
    values = descriptors.astype(np.float64)
    total = values.sum(axis=1, keepdims=True)
    return np.asarray(np.sqrt(values / np.where(total > 0, total, 1.0)))
