"""Texture: gray-level co-occurrence matrices and local binary patterns."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galfeat.features import registry
from galfeat.features.base import Extractor
from galfeat.features.settings import bins, choice, wholes
from galfeat.features.texture import glcm_kernel as glcm
from galfeat.features.texture import haralick_reference as plain
from galfeat.features.texture.glcm_reference import ANGLES, partners
from galfeat.features.texture.haralick_reference import STATISTICS
from galfeat.features.texture.lbp.features import (
    PATTERNS,
    circle_radii,
    countable,
    pattern_features,
    pattern_names,
)
from galfeat.features.visible_values import describe_unseen

__all__ = ["Texture"]


class Texture(Extractor):
    """Haralick's statistics of co-occurrence matrices, and local binary patterns, of each band.

    For each distance, thirteen statistics of the symmetric co-occurrence matrices of quantized
    brightness, averaged over four angles; for each radius R, the fraction of the pixels that have
    each of the 8 R + 2 rotation-invariant uniform patterns of the P = 8 R points on the circle
    around them.

    Parameters
    ----------
    levels : int, default 32
        Number of brightness levels of the co-occurrence matrices.
    range : (float, float), default (-2.0, 8.0)
        Lowest and highest edge of the levels, in the pixels' unit; pixels beyond go to the end
        levels.
    distances : sequence of int, default (1, 2, 4)
        Distances of the pairs, in pixels; a diagonal pair at distance d is d rows and d columns
        apart.
    radii : sequence of int, default (1, 2, 3)
        Radii of the circles, in pixels, up to 127. Only pixels whose whole circle lies inside the
        image count.
    patterns : "uniform", "directed" or "fourier", default "uniform"
        What is done with the rotation of a pattern. ``"uniform"`` counts patterns whatever their
        rotation, 8 R + 2 values a radius. ``"directed"`` counts each rotation by itself, P (P - 1)
        + 3 values: ``lbp_r1_3_from_2`` is the part of the circles where three points are set, the
        first of them, counter-clockwise from the right, being point 2. ``"fourier"`` takes, for
        each number of points set, the magnitudes of the Fourier transform of those fractions along
        the rotation, (P - 1) (P / 2 + 1) + 3 values: blind to rotation again, but not to how
        directions are distributed.
    min_good : float, default 0.5
        Least fraction of good pixels in each band.

    Notes
    -----
    Pairs with a bad member and circles that touch a bad pixel are left out, and the rest is
    normalized. Levels have fixed edges, so the co-occurrence part changes with sky and unit; the
    patterns do not. scikit-image rounds diagonals at distances above 1, and lets circles leave the
    image, where it sees zeros.

    A point as bright as the center counts as brighter. What counts is the sign of the weighted sum
    of the differences from the center, in float64 and with weights that are whole numbers
    (positions are rounded to 1e-5 pixels). So points among equal pixels are set, and where the
    pixels differ by whole numbers below 2^19 nothing is rounded: a constant sky, turns by 90
    degrees and flips change nothing at all. scikit-image rounds while it interpolates, which
    decides its ties.

    Constant bands have correlation 1, energy 1, homogeneity 1, no other statistic but the sum
    average, and all circles full. Up to 248 levels are compiled; more are counted in NumPy, slowly.

    References
    ----------
    Haralick, Shanmugam and Dinstein 1973, IEEE Trans. SMC 3, 610, doi:10.1109/TSMC.1973.4309314;
    Ojala, Pietikainen and Maenpaa 2002, IEEE Trans. PAMI 24, 971, doi:10.1109/TPAMI.2002.1017623;
    Ahonen, Matas, He and Pietikainen 2009, SCIA, doi:10.1007/978-3-642-02230-2_7

    Examples
    --------
    >>> import numpy as np
    >>> from galfeat.features import Texture
    >>> Texture().fit_transform(np.zeros((5, 2, 64, 64))).shape
    (5, 186)
    """

    key = registry.TEXTURE.name

    def __init__(
        self,
        levels: int = 32,
        range: tuple[float, float] = (-2.0, 8.0),  # noqa: A002 (NumPy's name for it)
        *,
        distances: Sequence[int] = (1, 2, 4),
        radii: Sequence[int] = (1, 2, 3),
        patterns: str = "uniform",
        min_good: float = 0.5,
    ) -> None:
        self.levels = levels
        self.range = range
        self.distances = distances
        self.radii = radii
        self.patterns = patterns
        self.min_good = min_good

    @property
    def promises(self) -> frozenset[str]:
        """Return the invariances: angles are averaged; patterns ignore turns unless directed."""
        kept = {
            "directed": set(),
            "fourier": {"rotation90", "flip", "rotation"},
            "uniform": {"rotation90", "flip", "rotation", "noise"},
        }
        return frozenset({"shift", "scale"} | kept.get(self.patterns, set()))

    def feature_names(self, bands: Sequence[str], shape: tuple[int, int]) -> list[str]:
        """Return the names of the features of each band.

        First ``band_glcm_d1_energy`` and the other statistics, then ``band_lbp_r1_0`` and the other
        patterns.
        """
        self.check_shape(shape)
        glcm = [
            f"glcm_d{distance}_{statistic}"
            for distance in self.distances
            for statistic in STATISTICS
        ]
        binary = [name for radius in self.radii for name in pattern_names(self.patterns, radius)]
        return [f"{band}_{name}" for band in bands for name in glcm + binary]

    def smallest_shape(self) -> tuple[int, int]:
        """Return the smallest image (ny, nx) that can be measured, after checking the settings."""
        bins("levels", self.levels, self.range, 2)
        choice("patterns", self.patterns, PATTERNS)
        side = max(
            max(wholes("distances", self.distances)) + 1, 2 * max(circle_radii(self.radii)) + 1
        )
        return side, side

    def _unseen(self, images: NDArray[np.float32]) -> str:
        return describe_unseen(images, self.range, type(self).__name__)

    def obstacles(
        self, images: NDArray[np.float32], rows: NDArray[np.intp], shares: NDArray[np.float64]
    ) -> dict[int, str]:
        """Return why some of the rows cannot be measured, by row."""
        reasons = {}
        for row in rows.tolist():
            for band, plane in enumerate(images[row]):
                if problem := self._unpaired(plane, shares[row, band]) or self._uncircled(plane):
                    reasons[row] = f"band {band + 1} has {problem}"
        return reasons

    def _unpaired(self, plane: NDArray[np.float32], share: float) -> str:
        bad = round((1 - share) * plane.size)
        for distance in self.distances:
            # a bad pixel spoils two pairs at most
            if 2 * bad < (plane.shape[0] - distance) * (plane.shape[1] - distance):
                continue
            for dy, dx in ANGLES:
                here, there = partners(np.isfinite(plane)[None], (distance * dy, distance * dx))
                if not (here & there).any():
                    return f"no pair of good pixels {distance} apart in one of the four directions"
        return ""

    def _uncircled(self, plane: NDArray[np.float32]) -> str:
        for radius in self.radii:
            if not countable(plane, radius):
                return f"no circle of radius {radius} without a bad pixel"
        return ""

    def measure_images(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the vectors, shape (n, k), of images that have been found measurable."""
        planes = images.reshape(-1, *images.shape[2:])
        count, limits = bins("levels", self.levels, self.range, 2)
        measure = glcm.glcm_features if count <= glcm.MOST else plain.glcm_features
        cooccurrence = measure(planes, count, limits, wholes("distances", self.distances))
        binary = pattern_features(planes, circle_radii(self.radii), self.patterns)
        return np.concatenate([cooccurrence.reshape(len(planes), -1), binary], axis=1).reshape(
            len(images), -1
        )
