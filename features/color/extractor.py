"""Histograms of brightness in each band, and joint histograms of pairs of bands."""

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features import registry
from galfeat.features.base import Extractor
from galfeat.features.color import kernel as kernels
from galfeat.features.kernels import levels_reference as plain
from galfeat.features.kernels.levels import MOST, levels
from galfeat.features.settings import bins, choice, fraction
from galfeat.features.visible_values import describe_unseen

__all__ = ["ColorHistogram"]


class ColorHistogram(Extractor):
    """Histograms of brightness in each band and joint histograms of pairs of bands.

    For each band, the fraction of its good pixels in each of `bins` equal bins; for each pair of
    bands, the fraction of the pixels good in both in each of `pair_bins` x `pair_bins` cells of the
    plane of the two values, where a constant color is a line.

    Parameters
    ----------
    bins : int, default 32
        Number of bins of each band.
    range : (float, float), default (-2.0, 8.0)
        Lowest and highest edge, in the pixels' unit (of prepared images: noise, stretched by
        asinh). Pixels beyond go to the end bins.
    pairs : {"adjacent", "all", "none"}, default "adjacent"
        Which bands go together: each with the next, each with each, or none.
    pair_bins : int, default 8
        Number of bins of either axis of a pair.
    min_good : float, default 0.5
        Least fraction of good pixels in each band.

    Notes
    -----
    The edges are fixed, never taken from the image at hand, so two galaxies' vectors mean the same;
    the price is that the vector changes with the sky and the unit. A value on an edge belongs to
    the bin above it, as in `numpy.histogram`. Up to 255 bins are compiled; more are counted in
    NumPy, slowly.

    References
    ----------
    Swain and Ballard 1991, Int. J. Computer Vision 7, 11, doi:10.1007/BF00130487

    Examples
    --------
    >>> import numpy as np
    >>> from galfeat.features import ColorHistogram
    >>> ColorHistogram(bins=5).fit_transform(np.array([-9.0, 0.0, 1.0, 9.0]).reshape(1, 1, 2, 2))
    array([[0.25, 0.5 , 0.  , 0.  , 0.25]], dtype=float32)
    """

    key = registry.COLOR.name
    _at_once = 1 << 19

    def __init__(
        self,
        bins: int = 32,
        range: tuple[float, float] = (-2.0, 8.0),  # noqa: A002 (NumPy's name for it)
        *,
        pairs: str = "adjacent",
        pair_bins: int = 8,
        min_good: float = 0.5,
    ) -> None:
        self.bins = bins
        self.range = range
        self.pairs = pairs
        self.pair_bins = pair_bins
        self.min_good = min_good

    @property
    def promises(self) -> frozenset[str]:
        """Return the invariances: a histogram does not depend on where the pixels are."""
        return frozenset({"rotation90", "flip", "shift", "rotation", "scale", "noise"})

    def feature_names(self, bands: Sequence[str], shape: tuple[int, int]) -> list[str]:
        """Return ``band_bin`` for each band, then ``band_band_bin_bin`` for each pair.

        Bins are numbered from 0.
        """
        self.check_shape(shape)
        single = [f"{band}_{bin_}" for band in bands for bin_ in range(self.bins)]
        cells = [f"{i}_{j}" for i in range(self.pair_bins) for j in range(self.pair_bins)]
        return single + [
            f"{bands[a]}_{bands[b]}_{cell}" for a, b in self._pairs(len(bands)) for cell in cells
        ]

    def smallest_shape(self) -> tuple[int, int]:
        """Return the smallest image (ny, nx) that can be measured, after checking the settings."""
        bins("bins", self.bins, self.range)
        bins("pair_bins", self.pair_bins, self.range)
        choice("pairs", self.pairs, ("adjacent", "all", "none"))
        return 1, 1

    def _pairs(self, count: int) -> list[tuple[int, int]]:
        bands = list(range(count))
        return {"none": [], "adjacent": list(pairwise(bands)), "all": list(combinations(bands, 2))}[
            self.pairs
        ]

    def _unseen(self, images: NDArray[np.float32]) -> str:
        return describe_unseen(images, self.range, type(self).__name__)

    def obstacles(
        self, images: NDArray[np.float32], rows: NDArray[np.intp], shares: NDArray[np.float64]
    ) -> dict[int, str]:
        """Return why some of the rows cannot be measured, by row."""
        return {
            row: f"bands {a + 1} and {b + 1} have no pixel that is good in both"
            for a, b in self._pairs(images.shape[1])
            # if the fractions sum to more than 1, some pixel is good in both
            for row in rows[shares[rows, a] + shares[rows, b] <= 1].tolist()
            if not (np.isfinite(images[row, a]) & np.isfinite(images[row, b])).any()
        }

    def _attempt(self, images: NDArray[np.float32]) -> tuple[NDArray[Any] | None, dict[int, str]]:
        self.smallest_shape()
        least = fraction("min_good", self.min_good)
        single, shares = self._single(images)
        flawed = np.flatnonzero((shares < 1).any(axis=1))
        if len(flawed) and (reasons := self._bad_pixel_reasons(images, flawed, shares, least)):
            return None, reasons
        return self._with_pairs(images, single), {}

    def measure_images(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the vectors, shape (n, k), of images that have been found measurable."""
        return self._with_pairs(images, self._single(images)[0])

    def _single(
        self, images: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the histograms of the bands, (n, bands * bins), and good fractions, (n, bands)."""
        count, limits = bins("bins", self.bins, self.range)
        measure = kernels.fractions if count <= MOST else plain.band_fractions
        single, shares = measure(images.reshape(-1, *images.shape[2:]), count, limits)
        return single.reshape(len(images), -1), shares.reshape(len(images), -1)

    def _with_pairs(
        self, images: NDArray[np.float32], single: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        pairs = self._pairs(images.shape[1])
        if not pairs:
            return single
        step = max(1, self._at_once // images[0].size)
        joint = [
            self._joint(images[start : start + step], pairs)
            for start in range(0, len(images), step)
        ]
        return np.concatenate([single, np.concatenate(joint)], axis=1)

    def _joint(
        self, images: NDArray[np.float32], pairs: list[tuple[int, int]]
    ) -> NDArray[np.float64]:
        count, limits = bins("pair_bins", self.pair_bins, self.range)
        if count <= MOST:
            codes = levels(images, count, limits)
            return np.concatenate(
                [kernels.joint_fractions(codes, pair, count) for pair in pairs], axis=1
            )
        exact = plain.levels(images, count, limits)
        return np.concatenate(
            [plain.joint_fractions(exact[:, a], exact[:, b], count) for a, b in pairs], axis=1
        )
