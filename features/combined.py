"""Several extractors as one."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted

from galfeat import CutoutError, UsageError
from galfeat.features.base import Extractor
from galfeat.features.blocks import BlockScaler

__all__ = ["Combined", "combine"]


def combine(extractors: Sequence[Extractor]) -> "Combined":
    """Return a transformer that puts the features of several extractors side by side, each block with the same weight.

    Parameters
    ----------
    extractors : sequence of Extractor
        Blocks are called by the extractors' keys (``color``, ``hog``); of several of one kind the second is ``hog2``.

    Examples
    --------
    >>> import numpy as np
    >>> from galfeat.features import HOG, Pixels, combine
    >>> both = combine([HOG(), Pixels(8)]).fit(np.zeros((2, 1, 16, 16)))
    >>> both.get_feature_names_out()[[0, -1]].tolist()
    ['hog__band1_b0_0_c0_0_o0', 'pixels__band1_1_1']
    """
    if not isinstance(extractors, Sequence) or not extractors or not all(isinstance(e, Extractor) for e in extractors):
        raise UsageError(f"extractors must be a list of extractors such as [HOG(), Texture()]; it is {extractors!r}")
    seen: Counter[str] = Counter()
    blocks = []
    for extractor in extractors:
        seen[extractor.key] += 1
        number = seen[extractor.key]
        blocks.append((f"{extractor.key}{number}" if number > 1 else extractor.key, extractor))
    return Combined(blocks)


class Combined(Extractor, _BaseComposition):
    """Several extractors side by side, each standardised and brought to unit size by a `BlockScaler`.

    Parameters
    ----------
    extractors : list of (str, Extractor)
        The blocks and their names.

    Attributes
    ----------
    blocks_ : list of (str, Extractor, BlockScaler)
        The fitted copies; the extractors given are not touched.
    """

    key = "combined"
    min_good = 1e-12  # each block has its own

    def __init__(self, extractors: Sequence[tuple[str, Extractor]]) -> None:
        self.extractors = extractors

    @property
    def promises(self) -> frozenset[str]:
        """What all blocks promise."""
        return frozenset.intersection(*(extractor.promises for _, extractor in self.extractors))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings; with `deep` also those of the blocks, as ``hog__orientations``."""
        return dict(self._get_params("extractors", deep=deep))

    def set_params(self, **params: Any) -> Self:
        """Change settings, also those of the blocks, as ``hog__orientations=6``."""
        self._set_params("extractors", **params)
        return self

    def feature_names(self, bands: Sequence[str], shape: tuple[int, int]) -> list[str]:
        """Return the names of all blocks' features, each as ``block__feature``."""
        return [f"{name}__{feature}" for name, extractor in self.extractors for feature in extractor.feature_names(bands, shape)]

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn each block's scale, and whatever its extractor learns.

        Parameters
        ----------
        X : array, shape (n, bands, ny, nx)
        y : ignored

        Returns
        -------
        self
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: ArrayLike, y: object = None) -> NDArray[np.float32]:
        """Fit, and return the scaled features of the same images; the same as fit, then transform."""
        super().fit(X, y)
        images = self._checked(X)
        if reasons := self._reasons(images):
            raise CutoutError(reasons)
        self.blocks_, parts = [], []
        for name, extractor in self.extractors:
            copy, scaler = clone(extractor).set_output(transform="default"), BlockScaler().set_output(transform="default")
            parts.append(scaler.fit_transform(copy.fit_transform(images)))
            self.blocks_.append((name, copy, scaler))
        return np.ascontiguousarray(np.concatenate(parts, axis=1), dtype=np.float32)

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Measure and scale every image.

        Parameters
        ----------
        X : array, shape (n, bands, ny, nx)

        Returns
        -------
        array of float32, shape (n, k)

        Raises
        ------
        CutoutError
            If some rows cannot be measured by one of the blocks.
        """
        check_is_fitted(self)
        return np.asarray(super().transform(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = True
        return tags

    def _smallest(self) -> tuple[int, int]:
        sizes = [extractor._smallest() for _, extractor in self.extractors]
        return max(ny for ny, _ in sizes), max(nx for _, nx in sizes)

    def _reasons(self, images: NDArray[np.float32]) -> dict[int, str]:
        found: dict[int, list[str]] = {}
        for name, extractor in self.extractors:
            for row, reason in extractor._reasons(images).items():
                found.setdefault(row, []).append(f"{name}: {reason}")
        return {row: "; ".join(found[row]) for row in sorted(found)}

    def _measure(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        parts = [scaler.transform(extractor._measure(images).astype(np.float32)) for _, extractor, scaler in self.blocks_]
        return np.concatenate(parts, axis=1)
