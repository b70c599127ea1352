"""Base class of the extractors that learn from the training images."""

from abc import abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from galfeat import CutoutError
from galfeat.features.base import Extractor, MaskedVectors

__all__ = ["LearnedExtractor"]


class LearnedExtractor(Extractor):
    """Base class of the extractors whose vectors depend on what `fit` learned.

    They must be fitted before `transform`. A subclass implements `_learn` besides the methods of
    `Extractor`.
    """

    _learns = True

    @abstractmethod
    def _learn(self, images: NDArray[np.float32]) -> NDArray[Any]:
        """Learn from images found measurable, and return their vectors, shape (n, k)."""

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn from images.

        Parameters
        ----------
        X : array, shape (n, bands, ny, nx)
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        CutoutError
            If some rows cannot be measured.
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: ArrayLike, y: object = None) -> NDArray[np.float32]:
        """Learn, and return the vectors of the same images, shape (n, k).

        The same as fit, then transform.
        """
        super().fit(X, y)
        images = self._checked(X)
        if reasons := self._reasons(images):
            raise CutoutError(reasons)
        return self._contained(
            np.ascontiguousarray(self._learn(images), dtype=np.float32), images.shape[1:]
        )

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Measure every image with the fitted state.

        Parameters
        ----------
        X : array, shape (n, bands, ny, nx)

        Returns
        -------
        array of float32, shape (n, k)

        Raises
        ------
        CutoutError
            If some rows cannot be measured; its `reasons` are those of the method `reasons`.
        """
        # imported late: see galfeat.features.transformer
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return super().transform(X)

    def transform_errors(
        self,
        X: ArrayLike,
        noise: ArrayLike | None = None,
        *,
        stretch: str | None = None,
        draws: int = 32,
        random_state: int = 0,
    ) -> MaskedVectors:
        """Return the standard deviations of the features; see `Extractor.transform_errors`."""
        # imported late: see galfeat.features.transformer
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return super().transform_errors(
            X, noise, stretch=stretch, draws=draws, random_state=random_state
        )
