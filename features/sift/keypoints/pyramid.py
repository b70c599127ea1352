"""Compiled scale space: Gaussian blurs of an image, and the differences of successive ones.

Planes lie in one flat array, row after row. Those that are blurred further have as many mirrored
rows above and below as the widest blur needs, so that a blur along the columns is one loop over a
long range; the rows are mirrored while they are blurred.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel

__all__ = ["BLOCK", "blur", "double", "gaussians", "halve", "mirror_rows"]

BLOCK = 2048  # pixels blurred together, so that they stay in the first-level cache

_CAMERA = 0.5  # assumed blur of the image, in pixels
_REACH = 4.0  # half-width of a Gaussian's taps, in sigmas
_LEAST = 0.01  # least variance of the first blur


def gaussians(
    sigma: float, octave_layers: int, upsample: bool
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the taps of the blurs from scale to scale, and their half-widths.

    Returns
    -------
    taps : array of float32, shape (octave_layers + 3, widest + 1)
        From the middle outwards. The first makes the first scale of the image, the others each
        scale of the one before.
    reaches : array of int64, shape (octave_layers + 3,)
    """
    before = sigma * 2.0 ** (np.arange(octave_layers + 2) / octave_layers)
    steps = before * math.sqrt(2.0 ** (2.0 / octave_layers) - 1)
    first = math.sqrt(max(sigma**2 - (_CAMERA * (2 if upsample else 1)) ** 2, _LEAST))
    widths = np.array([first, *steps])
    reaches = np.maximum(1, (np.rint(2 * _REACH * widths + 1).astype(np.int64) | 1) // 2)
    away = np.arange(reaches.max() + 1)
    taps = np.where(away <= reaches[:, None], np.exp(-0.5 * (away / widths[:, None]) ** 2), 0)
    taps /= (2 * taps.sum(axis=1) - taps[:, 0])[:, None]
    return taps.astype(np.float32), reaches


@kernel()
def double(image: Any, ny: int, nx: int, plane: Any, pitch: int) -> None:
    """Double the flat image (ny, nx) by linear interpolation, repeating the last row and column."""
    half = np.float32(0.5)
    for y in range(ny):
        row = image[y * nx : (y + 1) * nx]
        out = plane[2 * y * pitch : (2 * y + 1) * pitch]
        for x in range(nx - 1):
            out[2 * x] = row[x]
            out[2 * x + 1] = half * (row[x] + row[x + 1])
        out[2 * nx - 2] = row[nx - 1]
        out[2 * nx - 1] = row[nx - 1]
        if y:
            _between(
                plane[(2 * y - 1) * pitch : 2 * y * pitch],
                plane[(2 * y - 2) * pitch : (2 * y - 1) * pitch],
                out,
            )
    _copy(
        plane[(2 * ny - 1) * pitch : 2 * ny * pitch],
        plane[(2 * ny - 2) * pitch : (2 * ny - 1) * pitch],
    )


@kernel()
def halve(plane: Any, pitch: int, out: Any, ny: int, nx: int, out_pitch: int) -> None:
    """Take every second pixel of every second row; `out` takes (ny, nx)."""
    for y in range(ny):
        row = plane[2 * y * pitch : (2 * y + 1) * pitch]
        half = out[y * out_pitch : y * out_pitch + nx]
        for x in range(nx):
            half[x] = row[2 * x]


@kernel()
def mirror_rows(plane: Any, ny: int, pitch: int, halo: int) -> None:
    """Fill the `halo` rows above and below; the first and last row are not repeated."""
    for i in range(2 * halo):
        y = i - halo if i < halo else ny + i - halo
        start, mirrored = (halo + y) * pitch, (halo + _mirrored(y, ny)) * pitch
        _copy(plane[start : start + pitch], plane[mirrored : mirrored + pitch])


@kernel()
def blur(
    source: Any,
    out: Any,
    ny: int,
    nx: int,
    pitch: int,
    halo: int,
    taps: Any,
    reach: int,
    difference: Any,
    work: Any,
) -> None:
    """Blur a plane with mirrored rows into another, and store their difference.

    The mirrored rows of the output are left to `mirror_rows`. `difference` takes ny rows. `work`
    takes `BLOCK` pixels or one row, and 2 `halo` + 32 more.
    """
    rows = max(1, BLOCK // pitch)
    lead = (halo + 15) // 16 * 16
    for top in range(0, ny, rows):
        count = min(rows, ny - top)
        n, at = count * pitch, (halo + top) * pitch
        _weigh_columns(work[lead : lead + n], source, at, pitch, taps, reach)
        for y in range(count):
            _mirror_columns(
                work[lead + y * pitch - reach : lead + y * pitch + nx + reach], nx, reach
            )
        _weigh_rows(out[at : at + n], work[lead - reach : lead + n + reach], taps, reach)
        _subtract(difference[top * pitch : top * pitch + n], out[at : at + n], source[at : at + n])


@kernel(inline=True)
def _mirrored(i: int, n: int) -> int:
    period = 2 * (n - 1)
    i = abs(i) % period
    return min(i, period - i)


@kernel()
def _copy(out: Any, row: Any) -> None:
    for i in range(len(out)):
        out[i] = row[i]


@kernel()
def _subtract(out: Any, a: Any, b: Any) -> None:
    for i in range(len(out)):
        out[i] = a[i] - b[i]


@kernel()
def _between(out: Any, a: Any, b: Any) -> None:
    half = np.float32(0.5)
    for i in range(len(out)):
        out[i] = half * (a[i] + b[i])


@kernel()
def _mirror_columns(row: Any, nx: int, reach: int) -> None:
    left, right = row[: reach + nx], row[reach:]
    if reach < nx:
        for i in range(reach):
            left[reach - 1 - i] = left[reach + 1 + i]
            right[nx + i] = right[nx - 2 - i]
    else:
        for i in range(reach):
            left[reach - 1 - i] = left[reach + _mirrored(-1 - i, nx)]
            right[nx + i] = right[_mirrored(nx + i, nx)]


@kernel()
def _weigh_columns(out: Any, source: Any, at: int, step: int, taps: Any, reach: int) -> None:
    """Convolve along columns: sum the taps times the rows, `step` apart.

    Three pairs in a loop, since LLVM does not vectorize more.
    """
    n = len(out)
    first = (reach - 1) % 3 + 1
    middle = source[at : at + n]
    a, b = source[at - step : at - step + n], source[at + step : at + step + n]
    if first == 1:
        _one(out, middle, a, b, taps[0], taps[1])
    else:
        c, d = source[at - 2 * step : at - 2 * step + n], source[at + 2 * step : at + 2 * step + n]
        if first == 2:
            _two(out, middle, a, b, c, d, taps[0], taps[1], taps[2])
        else:
            e, f = (
                source[at - 3 * step : at - 3 * step + n],
                source[at + 3 * step : at + 3 * step + n],
            )
            _three(out, middle, a, b, c, d, e, f, taps[0], taps[1], taps[2], taps[3])
    for k in range(first + 1, reach, 3):
        near, mid, far = k * step, (k + 1) * step, (k + 2) * step
        a, b = source[at - near : at - near + n], source[at + near : at + near + n]
        c, d = source[at - mid : at - mid + n], source[at + mid : at + mid + n]
        e, f = source[at - far : at - far + n], source[at + far : at + far + n]
        _more(out, a, b, c, d, e, f, taps[k], taps[k + 1], taps[k + 2])


@kernel()
def _one(out: Any, middle: Any, a: Any, b: Any, w0: Any, w1: Any) -> None:
    for i in range(len(out)):
        out[i] = w0 * middle[i] + w1 * (a[i] + b[i])


@kernel()
def _two(out: Any, middle: Any, a: Any, b: Any, c: Any, d: Any, w0: Any, w1: Any, w2: Any) -> None:
    for i in range(len(out)):
        out[i] = w0 * middle[i] + w1 * (a[i] + b[i]) + w2 * (c[i] + d[i])


@kernel()
def _three(
    out: Any,
    middle: Any,
    a: Any,
    b: Any,
    c: Any,
    d: Any,
    e: Any,
    f: Any,
    w0: Any,
    w1: Any,
    w2: Any,
    w3: Any,
) -> None:
    for i in range(len(out)):
        out[i] = w0 * middle[i] + w1 * (a[i] + b[i]) + w2 * (c[i] + d[i]) + w3 * (e[i] + f[i])


@kernel()
def _more(
    out: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, w1: Any, w2: Any, w3: Any
) -> None:
    for i in range(len(out)):
        out[i] += w1 * (a[i] + b[i]) + w2 * (c[i] + d[i]) + w3 * (e[i] + f[i])


@kernel()
def _weigh_rows(out: Any, source: Any, taps: Any, reach: int) -> None:
    """Convolve along rows; `source` begins `reach` pixels before `out`.

    Offsets are literals, so that one address serves all.
    """
    n = len(out)
    first = (reach - 1) % 5 + 1
    middle = source[reach - first : reach + first + n]
    if first == 1:
        _row_one(out, middle, taps[0], taps[1])
    elif first == 2:
        _row_two(out, middle, taps[0], taps[1], taps[2])
    elif first == 3:
        _row_three(out, middle, taps[0], taps[1], taps[2], taps[3])
    elif first == 4:
        _row_four(out, middle, taps[0], taps[1], taps[2], taps[3], taps[4])
    else:
        _row_five(out, middle, taps[0], taps[1], taps[2], taps[3], taps[4], taps[5])
    for k in range(first + 1, reach, 5):
        left, right = source[reach - k - 4 : reach - k + n], source[reach + k : reach + k + 4 + n]
        _row_more(out, left, right, taps[k], taps[k + 1], taps[k + 2], taps[k + 3], taps[k + 4])


@kernel()
def _row_one(out: Any, s: Any, w0: Any, w1: Any) -> None:
    for i in range(len(out)):
        out[i] = w0 * s[i + 1] + w1 * (s[i] + s[i + 2])


@kernel()
def _row_two(out: Any, s: Any, w0: Any, w1: Any, w2: Any) -> None:
    for i in range(len(out)):
        out[i] = w0 * s[i + 2] + w1 * (s[i + 1] + s[i + 3]) + w2 * (s[i] + s[i + 4])


@kernel()
def _row_three(out: Any, s: Any, w0: Any, w1: Any, w2: Any, w3: Any) -> None:
    for i in range(len(out)):
        out[i] = (
            w0 * s[i + 3]
            + w1 * (s[i + 2] + s[i + 4])
            + w2 * (s[i + 1] + s[i + 5])
            + w3 * (s[i] + s[i + 6])
        )


@kernel()
def _row_four(out: Any, s: Any, w0: Any, w1: Any, w2: Any, w3: Any, w4: Any) -> None:
    for i in range(len(out)):
        out[i] = (
            w0 * s[i + 4]
            + w1 * (s[i + 3] + s[i + 5])
            + w2 * (s[i + 2] + s[i + 6])
            + w3 * (s[i + 1] + s[i + 7])
            + w4 * (s[i] + s[i + 8])
        )


@kernel()
def _row_five(out: Any, s: Any, w0: Any, w1: Any, w2: Any, w3: Any, w4: Any, w5: Any) -> None:
    for i in range(len(out)):
        near = w0 * s[i + 5] + w1 * (s[i + 4] + s[i + 6]) + w2 * (s[i + 3] + s[i + 7])
        out[i] = (
            near + w3 * (s[i + 2] + s[i + 8]) + w4 * (s[i + 1] + s[i + 9]) + w5 * (s[i] + s[i + 10])
        )


@kernel()
def _row_more(out: Any, a: Any, b: Any, w1: Any, w2: Any, w3: Any, w4: Any, w5: Any) -> None:
    for i in range(len(out)):
        near = w1 * (a[i + 4] + b[i]) + w2 * (a[i + 3] + b[i + 1]) + w3 * (a[i + 2] + b[i + 2])
        out[i] += near + w4 * (a[i + 1] + b[i + 3]) + w5 * (a[i] + b[i + 4])
