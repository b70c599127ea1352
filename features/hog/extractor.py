"""Histograms of oriented gradients (HOG)."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.features import registry
from galfeat.features.base import Extractor
from galfeat.features.hog.kernel import CellGrid, add_places, oriented_histograms
from galfeat.features.hog.reference import NORMS
from galfeat.features.settings import choice, fraction, pair, whole

__all__ = ["HOG"]

_ROTATIONS = ("fixed", "averaged", "mirrored")


class HOG(Extractor):
    """Histograms of oriented gradients, cell by cell, normalized in overlapping blocks.

    Parameters
    ----------
    orientations : int, default 9
        Number of equal bins of the unsigned gradient direction, from 0 to 180 degrees.
    pixels_per_cell : (int, int), default (8, 8)
        Rows and columns of a cell, in pixels. Pixels beyond the last whole cell are left out.
    cells_per_block : (int, int), default (2, 2)
        Rows and columns of the overlapping blocks of cells that are normalized together.
    block_norm : {"L2-Hys", "L2", "L1", "L1-sqrt"}, default "L2-Hys"
        L2-Hys: L2, values above 0.2 cut, and L2 again.
    channel : {"each", "strongest"}, default "each"
        Measure each band, or at each pixel the band with the largest gradient (the first of equal
        ones), as scikit-image does.
    rotation : {"fixed", "averaged", "mirrored"}, default "fixed"
        The position angle of a galaxy is random. ``averaged``: the mean of the vectors of the
        image in its four orientations, which is the same for each of them; ``mirrored``: of these
        and their mirror images. Cells and blocks must be square then.
    min_good : float, default 0.5
        Least fraction of good pixels in each band; with ``channel="strongest"``, of pixels good in
        any band.

    Notes
    -----
    Gradients are centered differences and zero across the border; pixels vote for one bin only;
    there is no Gaussian window in a block. A direction on the edge of two bins belongs to the upper
    one.

    Where no pixel is bad the result is that of `skimage.feature.hog` without its absolute epsilon,
    which makes scikit-image's vector depend on the flux unit. Instead a block is empty, and zero,
    if its mean gradient is below 1e-7 of that of the strongest cell of the band. Three more
    differences, all of rounding: scikit-image adds a cell up in single precision, which costs it
    the fifth digit in cells of 64 x 64 pixels; it drops gradients a hair below 0 degrees, which
    here belong to the first bin; and gradients here are float32, so that one whose direction is
    within 2e-7 rad of the edge of two bins may vote for the other, and of bands whose gradients are
    equal to seven digits another may be the strongest.

    A gradient is used only if all pixels that it is made of are good; a cell's histogram is a mean
    over the gradients used. A constant band gives zeros.

    With ``rotation="averaged"`` or ``"mirrored"`` the cells are the largest square of cells in the
    middle of the image. Values that turning the image by 180 degrees (with an even number of
    orientations, by 90) or mirroring it exchanges have the same mean, or nearly so where directions
    on edges of bins or an odd number of left-over pixels come in. It is there once, under the name
    of the first of them: the vector is 2 to 8 times shorter.

    References
    ----------
    Dalal and Triggs 2005, CVPR, doi:10.1109/CVPR.2005.177

    Examples
    --------
    >>> import numpy as np
    >>> from galfeat.features import HOG
    >>> ramp = np.tile(np.arange(16.0), (1, 1, 16, 1))
    >>> settings = {"orientations": 2, "cells_per_block": (1, 1), "block_norm": "L1"}
    >>> HOG(**settings).fit_transform(ramp)
    array([[1., 0., 1., 0., 1., 0., 1., 0.]], dtype=float32)
    >>> HOG(**settings, rotation="averaged").fit_transform(ramp)
    array([[0.5, 0.5]], dtype=float32)
    """

    key = registry.HOG.name
    _at_once = 1 << 18

    def __init__(
        self,
        orientations: int = 9,
        pixels_per_cell: tuple[int, int] = (8, 8),
        cells_per_block: tuple[int, int] = (2, 2),
        *,
        block_norm: str = "L2-Hys",
        channel: str = "each",
        rotation: str = "fixed",
        min_good: float = 0.5,
    ) -> None:
        self.orientations = orientations
        self.pixels_per_cell = pixels_per_cell
        self.cells_per_block = cells_per_block
        self.block_norm = block_norm
        self.channel = channel
        self.rotation = rotation
        self.min_good = min_good

    @property
    def promises(self) -> frozenset[str]:
        """Return the invariances: gradients remove a constant, block norms the flux unit.

        Averaging over orientations of the image adds turns, and mirror images if these are
        included.
        """
        turned = {"fixed": set(), "averaged": {"rotation90"}, "mirrored": {"rotation90", "flip"}}
        return frozenset({"sky", "flux", "shift", "scale"} | turned.get(self.rotation, set()))

    def feature_names(self, bands: Sequence[str], shape: tuple[int, int]) -> list[str]:
        """Return ``band_b<row>_<column>_c<row>_<column>_o<orientation>``.

        Block, cell within it and orientation bin, all from 0. Means over orientations of the image
        are called ``band_averaged_b…`` and ``band_mirrored_b…``.
        """
        self.check_shape(shape)
        grid = self._grid(shape)
        by, bx = self.cells_per_block
        counts = (grid.rows - by + 1, grid.columns - bx + 1, by, bx, grid.bins)
        places = [f"b{r}_{c}_c{i}_{j}_o{k}" for r, c, i, j, k in product(*map(range, counts))]
        if self.rotation != "fixed":
            kept = _views(grid, (by, bx), self.rotation == "mirrored")[0].places
            places = [f"{self.rotation}_{places[i]}" for i in kept]
        measured = bands if self.channel == "each" else ("strongest",)
        return [f"{band}_{place}" for band in measured for place in places]

    def smallest_shape(self) -> tuple[int, int]:
        """Return the smallest image (ny, nx) that can be measured, after checking the settings."""
        whole("orientations", self.orientations)
        choice("block_norm", self.block_norm, NORMS)
        choice("channel", self.channel, ("each", "strongest"))
        choice("rotation", self.rotation, _ROTATIONS)
        cell, block = (
            pair("pixels_per_cell", self.pixels_per_cell),
            pair("cells_per_block", self.cells_per_block),
        )
        if self.rotation != "fixed" and (cell[0] != cell[1] or block[0] != block[1]):
            raise UsageError(
                f"rotation={self.rotation!r} needs square cells and blocks, since it turns them; "
                f"pixels_per_cell is {self.pixels_per_cell}, cells_per_block is "
                f"{self.cells_per_block}"
            )
        return block[0] * cell[0], block[1] * cell[1]

    def _shares(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        shares = super()._shares(images)
        if self.channel == "each":
            return shares
        # a lower bound of the fraction of pixels good in any band; exact only where it is too low
        most = np.asarray(shares.max(axis=1, keepdims=True))
        few = most[:, 0] < self.min_good
        most[few] = np.isfinite(images[few]).any(axis=1, keepdims=True).mean(axis=(2, 3))
        return most

    def _attempt(
        self, images: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32] | None, dict[int, str]]:
        if self.rotation != "fixed" or self._too_small(images.shape[-2:]):
            return super()._attempt(images)
        least = fraction("min_good", self.min_good)
        # reports bad pixels too: a separate pass over the pixels would take a tenth of the time
        vectors, flawed = self._fixed(images)
        rows = np.flatnonzero(flawed)
        if len(rows) and (
            reasons := self._bad_pixel_reasons(images, rows, self._shares(images), least)
        ):
            return None, reasons
        return vectors, {}

    def _fixed(self, images: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the vectors of the images in one orientation, and which images have bad pixels."""
        vectors, flawed = oriented_histograms(
            self._planes(images), self._grid(images.shape[2:]), self._block(), self.block_norm
        )
        return vectors.reshape(len(images), -1), np.asarray(
            flawed.reshape(len(images), -1).any(axis=1)
        )

    def _planes(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        return images.reshape(-1, 1, *images.shape[2:]) if self.channel == "each" else images

    def _block(self) -> tuple[int, int]:
        return int(self.cells_per_block[0]), int(self.cells_per_block[1])

    def measure_images(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vectors, shape (n, k), of images that have been found measurable."""
        if self.rotation == "fixed":
            return self._fixed(images)[0]
        planes, grid, block = self._planes(images), self._grid(images.shape[2:]), self._block()
        views = _views(grid, block, self.rotation == "mirrored")
        total = np.zeros((len(planes), len(views[0].places)), dtype=np.float32)
        # turned by 180 degrees the unsigned directions are the same
        measured: dict[tuple[CellGrid, bool, int], NDArray[np.float32]] = {}
        for view in views:
            if view.seen not in measured:
                found, _ = oriented_histograms(
                    planes, view.grid, block, self.block_norm, swap=view.swap, sign=view.sign
                )
                measured[view.seen] = found
            add_places(measured[view.seen], view.places, total)
        return (total / np.float32(len(views))).reshape(len(images), -1)

    def _grid(self, shape: tuple[int, ...]) -> CellGrid:
        ny, nx, cy, cx = *shape, *map(int, self.pixels_per_cell)
        rows, columns, bins = ny // cy, nx // cx, int(self.orientations)
        if self.rotation == "fixed":
            return CellGrid(ny, nx, 0, 0, cy, cx, rows, columns, bins)
        side = min(rows, columns)
        return CellGrid(
            ny, nx, (ny - side * cy) // 2, (nx - side * cx) // 2, cy, cx, side, side, bins
        )


class _View(NamedTuple):
    """One orientation of the image, measured on the image as it is."""

    grid: CellGrid
    swap: bool
    sign: int
    places: NDArray[
        np.intp
    ]  # of the kept values, in the vector of the image in its first orientation

    @property
    def seen(self) -> tuple[CellGrid, bool, int]:
        return self.grid, self.swap, self.sign


@lru_cache(maxsize=32)
def _views(grid: CellGrid, block: tuple[int, int], mirrored: bool) -> list[_View]:
    """Return the orientations that vectors are averaged over; the first is the identity."""
    blocks = grid.rows - block[0] + 1
    values = np.arange(blocks * blocks * block[0] * block[1] * grid.bins).reshape(
        blocks, blocks, *block, grid.bins
    )
    kept = _one_of_each(values, mirrored)
    views = []
    for mirror, turn in product((False, True) if mirrored else (False,), range(4)):
        swap = turn % 2 == 1
        places = _turned(values, turn, mirror).ravel()[kept]
        views.append(_View(_moved(grid, turn, mirror), swap, -1 if swap != mirror else 1, places))
    return views


def _turned(values: NDArray[np.intp], turn: int, mirror: bool) -> NDArray[np.intp]:
    """Return blocks, and the cells within them, permuted as by mirroring and turning the image.

    Orientation bins stay in place.
    """
    seen = values[:, ::-1, :, ::-1] if mirror else values
    return np.rot90(np.rot90(seen, turn, axes=(0, 1)), turn, axes=(2, 3))


def _moved(grid: CellGrid, turn: int, mirror: bool) -> CellGrid:
    """Return the grid of cells that mirroring and turning the image moves onto `grid`.

    It differs from `grid` only where an odd number of pixels is left over and the middle lies
    between two pixels.
    """
    below, right = (
        grid.ny - grid.top - grid.rows * grid.cy,
        grid.nx - grid.left - grid.columns * grid.cx,
    )
    top = below if turn in (2, 3) else grid.top
    left = right if (turn in (1, 2)) != mirror else grid.left
    return grid._replace(top=top, left=left)


def _one_of_each(values: NDArray[np.intp], mirrored: bool) -> NDArray[np.intp]:
    """Return the first of each group of values that turning, and mirroring, permutes."""
    bins = values.shape[-1]
    least = values
    # with an odd number of bins a quarter turn maps edges of bins into bins
    turns = range(4) if bins % 2 == 0 else (0, 2)
    for mirror, turn in product((False, True) if mirrored else (False,), turns):
        # mirroring maps an angle a to 180 degrees - a
        seen = values[..., ::-1] if mirror else values
        seen = np.roll(seen, bins // 2, axis=-1) if turn % 2 else seen
        least = np.minimum(least, _turned(seen, turn, mirror))
    return np.unique(least)
