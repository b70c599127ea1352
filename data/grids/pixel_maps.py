"""Maps from the pixels of one grid to those of another, by their celestial coordinates."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["TOLERANCE", "PixelMap", "map_pixels", "node_offsets", "pixel_side"]

TOLERANCE = 0.05
"""Pixels: grids that agree this well everywhere in a cutout are taken as one."""

_NODES = 5
_LOCK = threading.RLock()  # astropy changes coordinates for the time of a call


@dataclass(frozen=True, eq=False)
class PixelMap:
    """Smooth map from the pixels of one grid, the target, to those of another.

    Parameters
    ----------
    nodes : array, shape (5, 5, 2)
        Column and row in the other grid at nodes that are evenly spaced over the target, from the
        outer edge of its first pixel to that of its last. Integers are centers of pixels.
    shape : (int, int)
        Rows and columns of the target.
    """

    nodes: NDArray[np.float64]
    shape: tuple[int, int]

    @property
    def shift(self) -> tuple[int, int] | None:
        """Shift by whole pixels (rows, columns) to the other grid; None if it is no such shift."""
        straight = np.stack(np.meshgrid(*(node_offsets(n) for n in self.shape[::-1])), axis=-1)
        moved = self.nodes - straight
        if not np.isfinite(moved).all():
            return None
        whole = np.round(moved[_NODES // 2, _NODES // 2])
        if np.abs(moved - whole).max() >= TOLERANCE:
            return None
        return int(whole[1]), int(whole[0])

    def corners(self) -> NDArray[np.float64]:
        """Return where the corners of the target's pixels lie, shape (ny + 1, nx + 1, 2)."""
        rows, columns = (_lagrange(length + 1, 0.0, 1.0) for length in self.shape)
        return np.asarray(np.einsum("ai,ijk,bj->abk", rows, self.nodes, columns, optimize=True))

    def centers(self) -> NDArray[np.float64]:
        """Return where the centers of the target's pixels lie, shape (ny, nx, 2)."""
        rows, columns = (_lagrange(length, 0.5 / length, 1 - 0.5 / length) for length in self.shape)
        return np.asarray(np.einsum("ai,ijk,bj->abk", rows, self.nodes, columns, optimize=True))


def node_offsets(length: int) -> NDArray[np.float64]:
    """Return the nodes of a map along an axis, in pixels from the center of the first one."""
    return np.linspace(-0.5, length - 0.5, _NODES)


@lru_cache(maxsize=64)
def _lagrange(count: int, first: float, last: float) -> NDArray[np.float64]:
    """Return Lagrange's polynomials of the nodes 0 to 1 at evenly spaced places."""
    nodes, places = np.linspace(0, 1, _NODES), np.linspace(first, last, count)
    basis = np.ones((count, _NODES))
    for node in range(_NODES):
        for other in range(_NODES):
            if other != node:
                basis[:, node] *= (places - nodes[other]) / (nodes[node] - nodes[other])
    return basis


def map_pixels(target: Any, other: Any, x: NDArray[np.float64], y: NDArray[np.float64]) -> Any:
    """Return where pixels of one image lie in another; NaN where they have no place in it.

    Parameters
    ----------
    target, other : astropy.wcs.WCS
        Of two celestial axes; frames and equinoxes may differ.
    x, y : array
        Pixels of the first, 0 at the center of its first pixel.

    Returns
    -------
    (array, array)
        Pixels of the second.
    """
    from astropy.wcs.utils import pixel_to_pixel

    with _LOCK, np.errstate(all="ignore"):
        if _same_frame(target, other):
            world = target.all_pix2world(x.ravel(), y.ravel(), 0)
            found = other.all_world2pix(*world, 0, quiet=True)
            return tuple(
                np.where(np.isfinite(each), each, np.nan).reshape(x.shape) for each in found
            )
        try:
            return pixel_to_pixel(target, other, x, y)
        except ValueError:  # NoConvergence among them: far outside
            return np.full(x.shape, np.nan), np.full(x.shape, np.nan)


def _same_frame(one: Any, other: Any) -> bool:
    first, second = one.wcs, other.wcs
    return bool(
        [name[:5] for name in first.ctype] == [name[:5] for name in second.ctype]
        and first.radesys == second.radesys
        and (first.equinox == second.equinox or np.isnan([first.equinox, second.equinox]).all())
    )


def pixel_side(wcs: Any) -> float:
    """Return the side of a square of the area of a pixel, degrees."""
    from astropy.wcs.utils import proj_plane_pixel_area

    with _LOCK:
        return float(np.sqrt(proj_plane_pixel_area(wcs)))


def grid_nodes(shape: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return columns and rows of the nodes of a map over an image, shapes (5, 5)."""
    x, y = np.meshgrid(node_offsets(shape[1]), node_offsets(shape[0]))
    return x, y
