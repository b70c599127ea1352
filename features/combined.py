"""Several extractors as one transformer."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.metaestimators import _BaseComposition

from galfeat import UsageError
from galfeat.features.base import Extractor
from galfeat.features.block_scaler import BlockScaler
from galfeat.features.learned import LearnedExtractor

__all__ = ["Combined", "combine"]


def combine(extractors: Sequence[Extractor]) -> "Combined":
    """Return a transformer that puts the features of several extractors side by side.

    Each extractor's block of features has the same weight.

    Parameters
    ----------
    extractors : sequence of Extractor
        Blocks are called by the extractors' keys (``color``, ``hog``); of several of one kind the
        second is ``hog2``.

    Examples
    --------
    >>> import numpy as np
    >>> from galfeat.features import HOG, Pixels, combine
    >>> both = combine([HOG(), Pixels(8)]).fit(np.zeros((2, 1, 16, 16)))
    >>> both.get_feature_names_out()[[0, -1]].tolist()
    ['hog__band1_b0_0_c0_0_o0', 'pixels__band1_1_1']
    """
    if (
        not isinstance(extractors, Sequence)
        or not extractors
        or not all(isinstance(e, Extractor) for e in extractors)
    ):
        raise UsageError(
            "extractors must be a list of extractors such as [HOG(), Texture()]; it is "
            f"{extractors!r}"
        )
    seen: Counter[str] = Counter()
    blocks = []
    for extractor in extractors:
        seen[extractor.key] += 1
        number = seen[extractor.key]
        blocks.append((f"{extractor.key}{number}" if number > 1 else extractor.key, extractor))
    return Combined(blocks)


class Combined(LearnedExtractor, _BaseComposition):
    """Several extractors side by side, each block standardized and scaled by a `BlockScaler`.

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
        """Return the invariances that all blocks promise."""
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
        return [
            f"{name}__{feature}"
            for name, extractor in self.extractors
            for feature in extractor.feature_names(bands, shape)
        ]

    def _learn(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        self.blocks_, parts = [], []
        for name, extractor in self.extractors:
            copy, scaler = (
                clone(extractor).set_output(transform="default"),
                BlockScaler().set_output(transform="default"),
            )
            parts.append(scaler.fit_transform(copy.fit_transform(images)))
            self.blocks_.append((name, copy, scaler))
        return np.concatenate(parts, axis=1)

    def smallest_shape(self) -> tuple[int, int]:
        """Return the smallest image (ny, nx) that can be measured, after checking the settings."""
        sizes = [extractor.smallest_shape() for _, extractor in self.extractors]
        return max(ny for ny, _ in sizes), max(nx for _, nx in sizes)

    def _reasons(self, images: NDArray[np.float32]) -> dict[int, str]:
        found: dict[int, list[str]] = {}
        for name, extractor in self.extractors:
            for row, reason in extractor._reasons(images).items():
                found.setdefault(row, []).append(f"{name}: {reason}")
        return {row: "; ".join(found[row]) for row in sorted(found)}

    def _unseen(self, images: NDArray[np.float32]) -> str:
        return "; ".join(filter(None, (each._unseen(images) for _, each in self.extractors)))

    def measure_images(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vectors, shape (n, k), of images that have been found measurable."""
        parts = [
            scaler.transform(extractor.measure_images(images).astype(np.float32))
            for _, extractor, scaler in self.blocks_
        ]
        return np.concatenate(parts, axis=1)
