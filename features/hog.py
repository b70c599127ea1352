"""Histograms of oriented gradients."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from galfeat.features.base import Extractor
from galfeat.features.plain.hog import NORMS, cell_histograms, gradients, normalised_blocks, strongest
from galfeat.features.settings import choice, pair, whole

__all__ = ["HOG"]


class HOG(Extractor):
    """Which way brightness changes, and how much, cell by cell.

    Parameters
    ----------
    orientations : int, default 9
        Number of equal bins of the unsigned gradient direction, from 0 to 180 degrees.
    pixels_per_cell : (int, int), default (8, 8)
        Rows and columns of a cell, in pixels. Pixels beyond the last whole cell are left out.
    cells_per_block : (int, int), default (2, 2)
        Rows and columns of the overlapping blocks of cells that are normalised together.
    block_norm : {"L2-Hys", "L2", "L1", "L1-sqrt"}, default "L2-Hys"
        L2-Hys: L2, values above 0.2 cut, and L2 again.
    channel : {"each", "strongest"}, default "each"
        Measure each band, or at each pixel the band with the largest gradient (the first of equal ones), as scikit-image does.
    min_good : float, default 0.5
        Least fraction of good pixels in each band; with ``channel="strongest"``, of pixels good in any band.

    Notes
    -----
    Gradients are centred differences and zero across the border; pixels vote for one bin only; there is no Gaussian window in
    a block. Where no pixel is bad the result is that of `skimage.feature.hog` without its absolute epsilon, which makes
    scikit-image's vector depend on the flux unit. Instead a block is empty, and zero, if its mean gradient is below 1e-7 of the
    largest gradient of the band. A gradient is used only if all pixels that it is made of are good; a cell's
    histogram is a mean over the gradients used. A constant band gives zeros.

    References
    ----------
    Dalal and Triggs 2005, CVPR, doi:10.1109/CVPR.2005.177

    Examples
    --------
    >>> import numpy as np
    >>> from galfeat.features import HOG
    >>> ramp = np.tile(np.arange(16.0), (1, 1, 16, 1))
    >>> HOG(orientations=2, cells_per_block=(1, 1), block_norm="L1").fit_transform(ramp)
    array([[1., 0., 1., 0., 1., 0., 1., 0.]], dtype=float32)
    """

    key = "hog"

    def __init__(
        self,
        orientations: int = 9,
        pixels_per_cell: tuple[int, int] = (8, 8),
        cells_per_block: tuple[int, int] = (2, 2),
        *,
        block_norm: str = "L2-Hys",
        channel: str = "each",
        min_good: float = 0.5,
    ) -> None:
        self.orientations = orientations
        self.pixels_per_cell = pixels_per_cell
        self.cells_per_block = cells_per_block
        self.block_norm = block_norm
        self.channel = channel
        self.min_good = min_good

    @property
    def promises(self) -> frozenset[str]:
        """A gradient does not see a constant, and a normalised block does not see a unit."""
        return frozenset({"sky", "flux"})

    def feature_names(self, bands: Sequence[str], shape: tuple[int, int]) -> list[str]:
        """Return ``band_b<row>_<column>_c<row>_<column>_o<orientation>``: block, cell in it, orientation bin, all from 0."""
        self._check_size(shape)
        (cy, cx), (by, bx) = self.pixels_per_cell, self.cells_per_block
        counts = (shape[0] // cy - by + 1, shape[1] // cx - bx + 1, by, bx, self.orientations)
        measured = bands if self.channel == "each" else ("strongest",)
        places = [f"b{r}_{c}_c{i}_{j}_o{k}" for r, c, i, j, k in product(*map(range, counts))]
        return [f"{band}_{place}" for band in measured for place in places]

    def _smallest(self) -> tuple[int, int]:
        whole("orientations", self.orientations)
        choice("block_norm", self.block_norm, NORMS)
        choice("channel", self.channel, ("each", "strongest"))
        (cy, cx), (by, bx) = pair("pixels_per_cell", self.pixels_per_cell), pair("cells_per_block", self.cells_per_block)
        return by * cy, bx * cx

    def _judged(self, images: NDArray[np.float32]) -> NDArray[np.bool_]:
        good = np.isfinite(images)
        return good if self.channel == "each" else np.asarray(good.any(axis=1, keepdims=True))

    def _measure(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        gy, gx = gradients(images)
        if self.channel == "each":
            gy, gx = gy.reshape(-1, *gy.shape[2:]), gx.reshape(-1, *gx.shape[2:])
        else:
            gy, gx = strongest(gy, gx)
        cells, largest = cell_histograms(gy, gx, self.orientations, self.pixels_per_cell)
        return normalised_blocks(cells, largest, self.cells_per_block, self.block_norm).reshape(len(images), -1)
