"""Aperture photometry: sums of light in circles and ellipses, exact along rows.

An image is a step function, constant within each pixel. Its integral over an ellipse is, row by
row, the integral over y of the light between the two ends of the chord; the light along a row comes
from cumulative sums without error, and the integral over y takes Gauss-Legendre points. Towards the
two poles, where the chord shrinks like a square root, the points are spaced in its root. Photutils'
``method="exact"`` gives the same sums to about one part in 10,000.
"""

import math
from typing import Any

from galfeat.features.kernels.compiling import kernel

__all__ = ["ellipse_sums", "row_sums"]

# abscissas and weights of Gauss-Legendre on (0, 1)
_X0, _X1, _X2, _X3 = 0.0694318442, 0.3300094782, 0.6699905218, 0.9305681558
_W0, _W1 = 0.1739274226, 0.3260725774
_Y0, _Y1 = 0.2113248654, 0.7886751346  # the same, two points
_NEAR = 2.0  # pixels from a pole within which points are spaced in the root


@kernel()
def row_sums(image: Any, sums: Any) -> None:
    """Fill ``sums``, shape (ny, nx + 1), with the cumulative sums of each row of ``image``."""
    ny, nx = image.shape
    for y in range(ny):
        row, out = image[y], sums[y]
        total = 0.0
        out[0] = 0.0
        for x in range(nx):
            total += row[x]
            out[x + 1] = total


@kernel(inline=True)
def _up_to(sums: Any, x: Any) -> Any:
    i = int(x)
    i = min(i, len(sums) - 2)
    return sums[i] + (x - i) * (sums[i + 1] - sums[i])


@kernel()
def ellipse_sums(
    light: Any, good: Any, masked: Any, xc: Any, yc: Any, a: Any, b: Any, theta: Any
) -> Any:
    """Return the light and the area in pixels within an ellipse, of good pixels inside the image.

    Parameters
    ----------
    light, good : array, shape (ny, nx + 1)
        Row sums of the image, bad pixels being zero, and of the mask of good pixels.
    masked : bool
        Whether any pixel is bad; if not, ``good`` is not looked at.
    xc, yc : float
        Center; the middle of the first pixel is (0, 0).
    a, b : float
        Semi-axes, pixels.
    theta : float
        Angle from the x axis towards the y axis of the semi-axis ``a``, radians.
    """
    if a <= 0 or b <= 0:
        return 0.0, 0.0
    ny, nx = light.shape[0], light.shape[1] - 1
    cos, sin = math.cos(theta), math.sin(theta)
    aa, bb = 1 / (a * a), 1 / (b * b)
    xx = cos * cos * aa + sin * sin * bb
    xy = cos * sin * (aa - bb)
    det = aa * bb
    tall = math.sqrt(xx / det)
    slope, scale, root = -xy / xx, 1 / xx, det
    x0, y0 = xc + 0.5, yc + 0.5
    total, area = 0.0, 0.0
    for half in range(2):
        side = -1.0 if half == 0 else 1.0  # below the center, then above it
        low, high = (y0 - tall, y0) if half == 0 else (y0, y0 + tall)
        pole = low if half == 0 else high
        first, last = max(0, math.floor(low)), min(ny, math.ceil(high))
        for y in range(first, last):
            lo, hi = max(low, float(y)), min(high, y + 1.0)
            if hi <= lo:
                continue
            near, far = (pole - hi, pole - lo) if half == 1 else (lo - pole, hi - pole)
            near = max(near, 0.0)
            by_root = near < _NEAR
            if by_root:
                near, far = math.sqrt(near), math.sqrt(far)
            span = far - near
            row = light[y]
            mask = good[y if masked else 0]
            part, room = 0.0, 0.0
            for k in range(4 if by_root else 2):
                if by_root:
                    at = _X0 if k == 0 else (_X1 if k == 1 else (_X2 if k == 2 else _X3))
                    gap = near + span * at
                    weight = (_W0 if k == 0 or k == 3 else _W1) * span * 2 * gap
                    gap *= gap
                else:
                    gap = near + span * (_Y0 if k == 0 else _Y1)
                    weight = 0.5 * span
                dy = side * (tall - gap)
                wide = scale * math.sqrt(max(xx - root * dy * dy, 0.0))
                middle = x0 + slope * dy
                left, right = middle - wide, middle + wide
                left, right = min(max(left, 0.0), float(nx)), min(max(right, 0.0), float(nx))
                part += weight * (_up_to(row, right) - _up_to(row, left))
                if masked:
                    room += weight * (_up_to(mask, right) - _up_to(mask, left))
                else:
                    room += weight * (right - left)
            total += part
            area += room
    return total, area
