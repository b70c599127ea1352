"""Texture: co-occurrence of brightness levels, and local binary patterns."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galfeat.features.base import Extractor
from galfeat.features.plain.glcm import ANGLES, cooccurrence, partners
from galfeat.features.plain.haralick import STATISTICS, haralick
from galfeat.features.plain.histogram import levels
from galfeat.features.plain.lbp import pattern_fractions, patterns
from galfeat.features.settings import interval, whole, wholes

__all__ = ["Texture"]


class Texture(Extractor):
    """How brightness changes from pixel to pixel: Haralick's statistics and local binary patterns of each band.

    For each distance, thirteen statistics of the symmetric co-occurrence matrices of quantised brightness, averaged over four
    angles; for each radius R, which part of the pixels has which of the 8 R + 2 uniform patterns, whatever its rotation, of
    the P = 8 R points on the circle around it.

    Parameters
    ----------
    levels : int, default 32
        Number of brightness levels of the co-occurrence matrices.
    range : (float, float), default (-2.0, 8.0)
        Lowest and highest edge of the levels, in the pixels' unit; pixels beyond go to the end levels.
    distances : sequence of int, default (1, 2, 4)
        Distances of the pairs, in pixels; a diagonal pair at distance d is d rows and d columns apart.
    radii : sequence of int, default (1, 2, 3)
        Radii of the circles, in pixels. Only pixels whose whole circle lies inside the image count.
    min_good : float, default 0.5
        Least fraction of good pixels in each band.

    Notes
    -----
    Pairs with a bad member and circles that touch a bad pixel are left out, and the rest is normalised. Levels have fixed
    edges, so the co-occurrence part changes with sky and unit; the patterns do not. A point as bright as the centre counts as
    brighter. scikit-image rounds diagonals at distances above 1, and lets circles leave the image, where it sees zeros.
    Constant bands have correlation 1, energy 1, homogeneity 1, no other statistic but the sum average, and all circles full.

    References
    ----------
    Haralick, Shanmugam and Dinstein 1973, IEEE Trans. SMC 3, 610, doi:10.1109/TSMC.1973.4309314;
    Ojala, Pietikainen and Maenpaa 2002, IEEE Trans. PAMI 24, 971, doi:10.1109/TPAMI.2002.1017623

    Examples
    --------
    >>> import numpy as np
    >>> from galfeat.features import Texture
    >>> Texture().fit_transform(np.zeros((5, 2, 64, 64))).shape
    (5, 186)
    """

    key = "texture"

    def __init__(
        self,
        levels: int = 32,
        range: tuple[float, float] = (-2.0, 8.0),  # noqa: A002 (NumPy's name for it)
        *,
        distances: Sequence[int] = (1, 2, 4),
        radii: Sequence[int] = (1, 2, 3),
        min_good: float = 0.5,
    ) -> None:
        self.levels = levels
        self.range = range
        self.distances = distances
        self.radii = radii
        self.min_good = min_good

    @property
    def promises(self) -> frozenset[str]:
        """Angles are averaged over and patterns counted whatever their rotation."""
        return frozenset({"rotation90", "flip"})

    def feature_names(self, bands: Sequence[str], shape: tuple[int, int]) -> list[str]:
        """Return, for each band, ``band_glcm_d1_energy`` and the like and then ``band_lbp_r1_0`` and the like."""
        self._check_size(shape)
        glcm = [f"glcm_d{distance}_{statistic}" for distance in self.distances for statistic in STATISTICS]
        lbp = [f"lbp_r{radius}_{_pattern_name(k, 8 * radius)}" for radius in self.radii for k in range(8 * radius + 2)]
        return [f"{band}_{name}" for band in bands for name in glcm + lbp]

    def _smallest(self) -> tuple[int, int]:
        whole("levels", self.levels, 2)
        interval("range", self.range)
        side = max(max(wholes("distances", self.distances)) + 1, 2 * max(wholes("radii", self.radii)) + 1)
        return side, side

    def _obstacles(self, images: NDArray[np.float32]) -> dict[int, str]:
        reasons = {}
        for row, image in enumerate(images):
            for band, plane in enumerate(image):
                if problem := self._unmatched(plane[None]):
                    reasons[row] = f"band {band + 1} has {problem}"
        return reasons

    def _unmatched(self, plane: NDArray[np.float32]) -> str:
        good = np.isfinite(plane)
        for distance in self.distances:
            for dy, dx in ANGLES:
                here, there = partners(good, (distance * dy, distance * dx))
                if not (here & there).any():
                    return f"no pair of good pixels {distance} apart in one of the four directions"
        for radius in self.radii:
            if (patterns(plane, radius) > 8 * radius + 1).all():
                return f"no circle of radius {radius} without a bad pixel"
        return ""

    def _measure(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        planes = images.reshape(-1, *images.shape[2:])
        codes = levels(planes, self.levels, interval("range", self.range))
        statistics = haralick(cooccurrence(codes, self.levels, self.distances))
        glcm = np.add.reduce([statistics[:, :, angle] for angle in range(len(ANGLES))]) / len(ANGLES)
        lbp = [pattern_fractions(planes, radius) for radius in self.radii]
        return np.concatenate([glcm.reshape(len(planes), -1), *lbp], axis=1).reshape(len(images), -1)


def _pattern_name(pattern: int, points: int) -> str:
    return str(pattern) if pattern <= points else "other"
