"""Search for keypoints: octave by octave, extrema, their directions and their descriptors."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.sift.keypoints.descriptor import describe, work_size
from galfeat.features.sift.keypoints.extrema import BORDER, FOUND, enlarged, extrema
from galfeat.features.sift.keypoints.orientation import BINS, DIRECTIONS, directions, gradients
from galfeat.features.sift.keypoints.pyramid import BLOCK, blur, halve, mirror_rows
from galfeat.features.sift.keypoints.scale_space import FLAT, lay_out, level, pitch_of

__all__ = ["search"]


@kernel()
def search(
    images: Any,
    shape: Any,
    contrasts: Any,
    taps: Any,
    reaches: Any,
    halo: int,
    edge: float,
    sigma: float,
    upsample: bool,
    planes: Any,
    wanted: Any,
    least: Any,
) -> Any:
    """Return the keypoints of all images, their descriptors, and the number in each image."""
    counts = np.zeros(len(images), dtype=np.int64)
    keypoints = np.empty((64, 5), dtype=np.float32)
    descriptors = np.empty((64, 128), dtype=np.uint8)
    found = np.empty((64, FOUND), dtype=np.float64)
    flags = np.empty((planes.shape[1] + 15) // 8 * 8, dtype=np.uint8)
    work = np.zeros(
        max(work_size(2 * shape[0], 2 * shape[1]), BLOCK + 2 * shape[1] + 4 * halo + 64),
        dtype=np.float32,
    )
    layers = len(reaches) - 3
    blurred, differences, sizes, angles = (
        planes[: layers + 3],
        planes[layers + 3 : 2 * layers + 5],
        planes[-2],
        planes[-1],
    )
    total: Any = np.int64(0)
    for row in range(len(images)):
        before = total
        shift = level(images[row], blurred[0])
        if shift == FLAT:
            continue
        contrast = math.ldexp(contrasts[row], -shift) / layers
        ny, nx, pixel = (2 * shape[0], 2 * shape[1], 0.5) if upsample else (shape[0], shape[1], 1.0)
        pitch = pitch_of(nx, halo)
        lay_out(blurred[0], ny, nx, blurred[1][halo * pitch :], pitch, upsample)
        first, octave = 0, 0
        while min(ny, nx) > 2 * BORDER:
            for k in range(first, layers + 3):
                # the first scale is a blur of the image; its difference is overwritten
                source = blurred[k - 1 if k else 1]
                mirror_rows(source, ny, pitch, halo)
                blur(
                    source,
                    blurred[k],
                    ny,
                    nx,
                    pitch,
                    halo,
                    taps[k],
                    reaches[k],
                    differences[max(k - 1, 0)],
                    work,
                )
            first = 1
            number, found = extrema(
                differences, ny, nx, pitch, layers, contrast, edge, flags, found
            )
            if wanted.size:
                number = _take_wanted(found, number, wanted[row], least[row], octave, pixel, shift)
            if number:
                total, keypoints, descriptors = _describe(
                    blurred,
                    ny,
                    nx,
                    pitch,
                    halo,
                    sigma,
                    pixel,
                    shift,
                    sizes,
                    angles,
                    work,
                    found[:number],
                    total,
                    keypoints,
                    descriptors,
                )
            ny, nx, pixel, octave = ny // 2, nx // 2, 2 * pixel, octave + 1
            wide, pitch = pitch, pitch_of(nx, halo)
            halve(blurred[layers][halo * wide :], wide, blurred[0][halo * pitch :], ny, nx, pitch)
        counts[row] = total - before
    return keypoints[:total], descriptors[:total], counts


@kernel()
def _take_wanted(
    found: Any, number: int, wanted: Any, least: Any, octave: int, pixel: float, shift: int
) -> int:
    """Move the extrema that are wanted, and strong enough, to the front; return their number."""
    ny, nx = wanted.shape
    kept = 0
    for k in range(number):
        y = min(max(int(np.rint((found[k, 0] + found[k, 3]) * pixel)), 0), ny - 1)
        x = min(max(int(np.rint((found[k, 1] + found[k, 4]) * pixel)), 0), nx - 1)
        factor = np.float64(wanted[y, x])
        if not factor < np.inf:
            continue
        if least.size:
            scale = found[k, 2] + found[k, 5]
            below = int(scale)
            share = scale - below
            needed = (1 - share) * least[octave, below] + share * least[octave, below + 1]
            if math.ldexp(abs(found[k, 6]), shift) < factor * needed:
                continue
        for j in range(FOUND):
            found[kept, j] = found[k, j]
        kept += 1
    return kept


@kernel()
def _describe(
    blurred: Any,
    ny: int,
    nx: int,
    pitch: int,
    halo: int,
    sigma: float,
    pixel: float,
    shift: int,
    sizes: Any,
    angles: Any,
    work: Any,
    found: Any,
    total: int,
    keypoints: Any,
    descriptors: Any,
) -> Any:
    layers = len(blurred) - 3
    peaks = np.empty(BINS, dtype=np.float64)
    for layer in range(1, layers + 1):
        done = 0
        for k in range(len(found)):
            if found[k, 2] != layer:
                continue
            y, x = int(found[k, 0]), int(found[k, 1])
            scale = sigma * 2.0 ** ((layer + found[k, 5]) / layers)
            if done == 0:
                inside = blurred[layer][halo * pitch : (halo + ny) * pitch]
                gradients(inside, pitch, (ny - 1) * pitch, pitch, sizes, angles)
                done = 1
            number = directions(sizes, angles, ny, nx, pitch, y, x, scale, work, peaks)
            for i in range(number):
                if total == len(keypoints):
                    keypoints, descriptors = enlarged(keypoints), enlarged(descriptors)
                place = keypoints[total]
                place[0], place[1] = (x + found[k, 4]) * pixel, (y + found[k, 3]) * pixel
                place[2] = 2 * scale * pixel
                place[3] = np.float32(360 - 10 * peaks[i]) % np.float32(360)
                place[4] = math.ldexp(abs(found[k, 6]), shift)
                describe(
                    sizes,
                    angles,
                    ny,
                    nx,
                    pitch,
                    y,
                    x,
                    scale,
                    peaks[i] * (DIRECTIONS / BINS),
                    work,
                    descriptors[total],
                )
                total += 1
    return total, keypoints, descriptors
