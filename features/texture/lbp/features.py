"""Local binary patterns as features: names and values of three treatments of rotation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.features.settings import wholes
from galfeat.features.texture.lbp.kernel import directed_lbp, lbp

__all__ = ["PATTERNS", "circle_radii", "countable", "pattern_features", "pattern_names"]

PATTERNS = ("uniform", "directed", "fourier")
_MOST = 127  # pixels; the number of points set is counted with ten binary digits


def circle_radii(radii: object) -> tuple[int, ...]:
    """Return the setting `radii` as different whole numbers from 1 to 127."""
    checked = wholes("radii", radii)
    if max(checked) > _MOST:
        raise UsageError(f"each of radii must be at most {_MOST}; they are {radii!r}")
    return checked


def pattern_names(kind: str, radius: int) -> list[str]:
    """Return the names of the features of one radius.

    Such as ``lbp_r1_3``, ``lbp_r1_3_from_0`` or ``lbp_r1_3_wave_2``.

    Parameters
    ----------
    kind : "uniform", "directed" or "fourier"
    radius : int
        In pixels; the circle has P = 8 * radius points.
    """
    points = 8 * radius
    if kind == "uniform":
        inner = [f"{number}" for number in range(1, points)]
    elif kind == "directed":
        inner = [f"{number}_from_{start}" for number in range(1, points) for start in range(points)]
    else:
        inner = [
            f"{number}_wave_{wave}"
            for number in range(1, points)
            for wave in range(points // 2 + 1)
        ]
    return [f"lbp_r{radius}_{name}" for name in ["0", *inner, f"{points}", "other"]]


def countable(plane: NDArray[np.float32], radius: int) -> bool:
    """Return whether a plane (ny, nx) has a circle of this radius without bad pixels."""
    ny, nx = plane.shape
    bad = plane.size - int(np.isfinite(plane).sum())
    touched = (2 * radius + 1) ** 2  # a bad pixel spoils fewer circles than that
    return bad * touched < (ny - 2 * radius) * (nx - 2 * radius) or bool(
        lbp(plane[None], (radius,)).any()
    )


def pattern_features(
    planes: NDArray[np.float32], radii: Sequence[int], kind: str
) -> NDArray[np.float64]:
    """Return the fractions of the circles, or the magnitudes of their Fourier transforms.

    They are named by `pattern_names`, radius by radius.

    Parameters
    ----------
    planes : array of float32, shape (m, ny, nx), C-contiguous
        Each with a circle of every radius that touches no bad pixel.
    radii : sequence of int
    kind : "uniform", "directed" or "fourier"

    Returns
    -------
    array of float64, shape (m, k)
    """
    points = [8 * radius for radius in radii]
    if kind == "uniform":
        found, sizes = lbp(planes, radii), [count + 2 for count in points]
    else:
        found, sizes = directed_lbp(planes, radii), [count * (count - 1) + 3 for count in points]
    parts = np.split(found, np.cumsum(sizes)[:-1], axis=1)
    shares = [part / part.sum(axis=1, keepdims=True) for part in parts]
    if kind == "fourier":
        shares = [_waves(share, count) for share, count in zip(shares, points, strict=True)]
    return np.concatenate(shares, axis=1)


def _waves(share: NDArray[np.float64], points: int) -> NDArray[np.float64]:
    """Replace fractions by rotation with the magnitudes of their Fourier transform.

    For each number of points set. A turn by one point shifts the fractions by one, and a mirror
    reverses and shifts them: neither changes a magnitude.
    """
    turned = share[:, 1:-2].reshape(len(share), points - 1, points)
    magnitudes = np.abs(np.fft.rfft(turned, axis=2)).reshape(len(share), -1)
    return np.concatenate([share[:, :1], magnitudes, share[:, -2:]], axis=1)
