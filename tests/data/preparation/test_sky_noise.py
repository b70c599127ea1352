"""Noise of the sky: right for correlated noise, with and without a galaxy, and by pencil.

The true deviations are those of pure noise, thousands of pixels of it. `benchmarks/sky_noise.py`
prints what is measured here.
"""

import io
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from galfeat.data import Cutout, Preparation, prepare_each, prepare_one
from galfeat.data.preparation.background import sky_and_noise
from galfeat.data.preparation.resampling import area_resample
from galfeat.data.preparation.sky_noise import CORRELATION_REACH, measure_sky, noise_lag
from galfeat.data.preparation.window import Window

Floats = NDArray[np.float64]
Kind = Callable[[int, np.random.Generator, Floats | float], Floats]

_MARGIN = 8
_ROUND = math.sqrt(0.9733369246625415)  # of a normal distribution cut off at three deviations


def _white(size: int, rng: np.random.Generator) -> Floats:
    return rng.standard_normal((size + 2 * _MARGIN, size + 2 * _MARGIN))


def _cut(image: Floats) -> Floats:
    return image[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]


def white(size: int, rng: np.random.Generator, light: Floats | float = 0.0) -> Floats:
    return _cut(_white(size, rng)) + light


def shifted(size: int, rng: np.random.Generator, light: Floats | float = 0.0) -> Floats:
    return _cut(ndimage.shift(_white(size, rng), (0.5, 0.5), order=1)) + light


def cubic(size: int, rng: np.random.Generator, light: Floats | float = 0.0) -> Floats:
    return _cut(ndimage.shift(_white(size, rng), (0.4, 0.35), order=3)) + light


def enlarged(size: int, rng: np.random.Generator, light: Floats | float = 0.0) -> Floats:
    """Interpolate linearly onto pixels half as large."""
    small = rng.standard_normal((size // 2 + 2 * _MARGIN, size // 2 + 2 * _MARGIN))
    return _cut(ndimage.zoom(small, 2, order=1))[:size, :size] + light


def smoothed(size: int, rng: np.random.Generator, light: Floats | float = 0.0) -> Floats:
    return _cut(ndimage.gaussian_filter(_white(size, rng), 1.0)) + light


def drizzled(size: int, rng: np.random.Generator, light: Floats | float = 0.0) -> Floats:
    """Drop the pixels of six dithered exposures, 1.6 times as wide, onto the image by shared area.

    Their drops are 0.8 of a pixel wide: Fruchter and Hook's pixfrac.
    """
    scale, drop = 1.6, 0.8 * 1.6
    total, weight = np.zeros((size, size)), np.zeros((size, size))
    edges = np.arange(size + 1)
    for _ in range(6):
        count = math.ceil(size / scale) + 3
        starts = rng.uniform(-2 * scale, -scale, 2)
        shares = []
        for start in starts:
            low = start + scale * np.arange(count) + (scale - drop) / 2
            most = np.minimum(edges[1:, None], (low + drop)[None])
            shares.append(np.clip(most - np.maximum(edges[:-1, None], low[None]), 0, None))
        down, across = shares
        total += down @ rng.standard_normal((count, count)) @ across.T
        weight += down.sum(1)[:, None] * across.sum(1)[None]
    return total / weight + light


def coadded(size: int, rng: np.random.Generator, light: Floats | float = 0.0) -> Floats:
    """Average four exposures, each shifted by part of a pixel."""
    parts = [ndimage.shift(_white(size, rng), rng.uniform(0.3, 0.7, 2), order=1) for _ in range(4)]
    return _cut(np.mean(parts, axis=0)) + light


def jpeg(size: int, rng: np.random.Generator, light: Floats | float = 0.0) -> Floats:
    """Compress a picture of 8 bits, noise of six steps, at quality 75."""
    counts = np.clip(np.round(40 + 6 * (_cut(_white(size, rng)) + light)), 0, 255)
    file = io.BytesIO()
    Image.fromarray(counts.astype(np.uint8)).save(file, "JPEG", quality=75)
    return np.asarray(Image.open(file), dtype=float)


KINDS: dict[str, Kind] = {
    each.__name__: each
    for each in (white, shifted, cubic, enlarged, smoothed, drizzled, coadded, jpeg)
}


def _correlation(images: list[Floats], axis: int) -> float:
    first, second = (
        np.concatenate([np.delete(each, place, axis).ravel() for each in images])
        for place in (-1, 0)
    )
    return float(np.corrcoef(first, second)[0, 1])


def galaxy_light(size: int, rng: np.random.Generator) -> Floats:
    """Return an inclined disk, which ends in the frame, with a bulge and a neighbor or two."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2 + rng.uniform(-1, 1, 2)[:, None, None]
    turn, ratio = rng.uniform(0, np.pi), rng.uniform(0.4, 1)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    radius = np.hypot(along, across / ratio) / size
    light = 20 * np.exp(-radius / 0.12) + 60 * np.exp(-radius / 0.03)
    for _ in range(rng.integers(1, 3)):
        row, column = rng.uniform(-size / 2, size / 2, 2)
        light += 30 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * 1.5**2))
    return np.asarray(light)


def _measured(images: list[Floats], preparation: Preparation, *, picture: bool) -> Floats:
    cutouts = [
        Cutout(str(k), each[None].astype(np.float32), ("r",), picture=picture)
        for k, each in enumerate(images)
    ]
    skies = np.empty((len(cutouts), 1, 4))
    _, reasons = prepare_each(cutouts, ("r",), preparation, None, skies)
    assert not reasons
    return skies[:, 0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("size", "count"), [(32, 150), (64, 40)])
@pytest.mark.parametrize("galaxy", [False, True], ids=["sky", "galaxy"])
def test_level_and_correlation_are_right_within_five_percent(
    kind: str, size: int, count: int, galaxy: bool
) -> None:
    rng = np.random.default_rng([size, count])
    pure = [KINDS[kind](size, rng, 0.0) for _ in range(60)]
    spread = float(np.std(pure))
    images = [
        KINDS[kind](size, rng, (1 if kind == "jpeg" else spread) * galaxy_light(size, rng) * galaxy)
        for _ in range(count)
    ]
    found = _measured(images, Preparation(size=size), picture=kind == "jpeg")
    assert np.median(found[:, 1]) == pytest.approx(spread, rel=0.05)
    assert np.median(found[:, 2]) == pytest.approx(_correlation(pure, 1), abs=0.06)
    assert np.median(found[:, 3]) == pytest.approx(_correlation(pure, 0), abs=0.06)


@pytest.mark.parametrize("kind", ["white", "cubic", "enlarged", "drizzled"])
@pytest.mark.parametrize(("native", "size"), [(96, 32), (48, 64), (80, 64)])
def test_the_noise_is_that_of_the_new_grid(kind: str, native: int, size: int) -> None:
    rng = np.random.default_rng(native)
    pure = [area_resample(KINDS[kind](native, rng, 0.0), size) for _ in range(60)]
    images = [KINDS[kind](native, rng, 0.0) for _ in range(60)]
    found = _measured(images, Preparation(size=size), picture=False)
    assert np.median(found[:, 1]) == pytest.approx(np.std(pure), rel=0.05)
    assert np.median(found[:, 2]) == pytest.approx(_correlation(pure, 1), abs=0.06)


def test_differences_of_near_pixels_are_too_small_for_correlated_noise() -> None:
    """Why they are no longer the default: half a Gaussian of a pixel is left at two pixels."""
    rng = np.random.default_rng(0)
    images = [smoothed(64, rng) for _ in range(20)]
    true = float(np.std(images))
    near = np.median(_measured(images, Preparation(noise="differences"), picture=False)[:, 1])
    assert near / true == pytest.approx(math.sqrt(1 - math.exp(-1)), abs=0.05)


def test_strong_smoothing_is_noticed() -> None:
    """A Gaussian of 2.2 pixels leaves a quarter of the correlation at the lag, which is doubled."""
    rng = np.random.default_rng(2)
    images = [
        ndimage.gaussian_filter(rng.standard_normal((128, 128)), 2.2, mode="wrap")
        for _ in range(20)
    ]
    found = _measured(images, Preparation(size=128), picture=False)
    assert np.median(found[:, 1]) == pytest.approx(np.std(images), rel=0.06)


def test_the_noise_by_pencil() -> None:
    """Along rows and columns 1 1 -1 -1: at lag 2 the second differences are -4 times the pixel, of
    variance 16 / 6, and every other neighbor differs by 2, of variance 1; nothing is cut off.
    """
    pattern = np.array([1.0, 1, -1, -1])
    image = pattern[np.add.outer(np.arange(16), np.arange(16)) % 4]
    found = measure_sky(7 + 3 * image, 8, 2)
    assert found.sky == 7
    assert found.sigma == pytest.approx(3 * math.sqrt(16 / 6) / _ROUND)
    assert found.rho_x == pytest.approx(1 - 6 / 16, abs=0.03)  # 8 or 7 of 15 pairs differ
    assert found.rho_y == pytest.approx(1 - 6 / 16, abs=0.03)


def test_a_correlation_below_minus_one_is_none() -> None:
    """Columns of +1 and -1 sigma are equal at lag 4, and their neighbors differ by 2 sigma more:
    half the mean square is 3, and the correlation would be -2.
    """
    noise = np.random.default_rng(0).normal(0, 1, (64, 64))
    found = measure_sky(noise + np.where(np.arange(64) % 2, 1.0, -1.0), 12, 4)
    assert found.sigma == pytest.approx(1, rel=0.1)
    assert math.isnan(found.rho_x)
    assert found.rho_y == pytest.approx(0, abs=0.15)


def test_slopes_are_no_noise() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 2, (64, 64))
    y, x = np.mgrid[:64, :64]
    plain = measure_sky(noise, 6, 5)
    # a slope as steep as one noise in two pixels, so that no pixel of the frame is on a source
    sloping = measure_sky(noise + x - 0.6 * y, 6, 5)
    assert sloping.sigma == pytest.approx(plain.sigma, rel=0.02)


def test_unit_and_sky_level_change_nothing() -> None:
    image = np.random.default_rng(4).normal(0, 1, (40, 52))
    plain = measure_sky(image, 5, 5)
    for unit, level in ((1e-12, 0.0), (1e20, 1e21), (-1.0, 3.0)):
        other = measure_sky(unit * image + level, 5, 5)
        assert other.sigma == pytest.approx(abs(unit) * plain.sigma)
        assert other[2:] == pytest.approx(plain[2:], abs=1e-9)


def _plainly(image: Floats, width: int, lag: int) -> tuple[float, float, float, float]:
    """Return the numbers of `measure_sky` by NumPy, pixel after pixel."""
    ny, nx = image.shape
    frame = np.ones(image.shape, dtype=bool)
    frame[width : ny - width, width : nx - width] = False
    good = np.isfinite(image)
    if (good & frame).sum() < 0.2 * frame.sum():
        frame[:], width = True, max(ny, nx)
    level = np.median(image[frame & good])
    with np.errstate(invalid="ignore"):
        nine = ndimage.correlate(image, np.ones((3, 3)), mode="nearest")
        nine[~np.isfinite(nine)] = np.nan
        off = np.abs(nine - 9 * level)
        spread = 1.4826 * np.nanmedian(off[frame]) if np.isfinite(off[frame]).any() else np.inf
        sky = np.where(frame & good & ~(off > 3 * spread), image, np.nan)
    bands = {
        1: [(y, x) for y in range(ny) for x in range(nx) if y < width or y >= ny - width],
        0: [(y, x) for y in range(ny) for x in range(nx) if x < width or x >= nx - width],
    }

    def take(weights: dict[int, float], axis: int) -> list[float]:
        found = []
        for y, x in bands[axis]:
            places = [(y, x + k) if axis else (y + k, x) for k in weights]
            if all(0 <= i < ny and 0 <= j < nx for i, j in places):
                value = sum(
                    w * sky[place] for w, place in zip(weights.values(), places, strict=True)
                )
                found += [value] if np.isfinite(value) else []
        return found

    def variance(values: list[float], scale: float) -> float:
        differences = np.array(values)
        for _ in range(4):
            kept = differences[np.abs(differences) <= 3 * scale]
            scale = math.sqrt((kept**2).mean()) / _ROUND
        return scale**2

    second = {-lag: 1.0, 0: -2.0, lag: 1.0}
    triples = take(second, 1) + take(second, 0)
    if len(triples) < 24:
        return float(level), 0.0, np.nan, np.nan
    sigma2 = variance(triples, 1.4826 * float(np.median(np.abs(triples)))) / 6
    pair = {0: -1.0, 1: 1.0}
    pairs = (np.array(take(pair, axis)) for axis in (1, 0))
    rows, columns = (
        (each[np.abs(each) <= 4 * math.sqrt(2 * sigma2)] ** 2).mean() / 2 for each in pairs
    )
    return float(level), math.sqrt(sigma2), 1 - rows / sigma2, 1 - columns / sigma2


@pytest.mark.parametrize(
    ("shape", "width", "lag"),
    [((24, 24), 3, 5), ((17, 31), 4, 3), ((9, 9), 4, 2), ((32, 32), 16, 5)],
)
@pytest.mark.parametrize("bad", ["none", "some", "frame"])
def test_the_compiled_measurement_is_the_plain_one(
    shape: tuple[int, int], width: int, lag: int, bad: str
) -> None:
    rng = np.random.default_rng(shape)
    image = ndimage.gaussian_filter(rng.normal(50, 3, shape), 0.6)
    image[1:4, 2:5] += 30  # a source
    if bad == "some":
        image[rng.random(shape) < 0.04] = np.nan
        image[0, 3] = np.inf
    if bad == "frame":
        image[:width], image[-width:] = np.nan, np.nan
        image[:, :width], image[:, -width:] = np.nan, np.nan
        image[0, 0] = 50
    found = measure_sky(image, width, lag)
    assert found == pytest.approx(_plainly(image, width, lag), rel=1e-9, nan_ok=True)


def test_the_lag_lies_beyond_the_correlation_of_cutout_and_grid() -> None:
    def lag(side: float, pixels: int) -> int:
        return noise_lag(Window(0, 0, side, pixels))

    assert lag(64, 64) == CORRELATION_REACH
    assert lag(256, 64) == 2  # eight pixels of the cutout
    assert lag(43, 64) == 8  # 5 * 64 / 43
    assert lag(16, 64) == 16  # a quarter of the side; new pixels five apart share none
    assert lag(8, 8) == 2


def test_where_too_few_pixels_are_left_differences_serve() -> None:
    image = np.random.default_rng(6).normal(10, 2, (8, 8))
    image[:, 3:] = np.nan
    assert measure_sky(image, 1, 2).sigma == 0
    prepared = np.empty((1, 4))
    pixels = np.random.default_rng(7).normal(10, 2, (1, 8, 8)).astype(np.float32)
    pixels[0, ::2, ::2] = np.nan
    prepare_one(Cutout("a", pixels, ("g",)), Preparation(size=8, stretch="none"), skies=prepared)
    assert prepared[0, 1] == sky_and_noise(pixels[0].astype(float), 1)[1]


def test_rounding_to_eight_bits_is_noise_once() -> None:
    """Noise of 0.8 steps has, rounded, sqrt(0.64 + 1 / 12) of them."""
    rng = np.random.default_rng(8)
    images = [np.round(rng.normal(30, 0.8, (64, 64))) for _ in range(20)]
    found = _measured(images, Preparation(), picture=True)
    assert np.median(found[:, 1]) == pytest.approx(math.sqrt(0.64 + 1 / 12), rel=0.03)
    flat = np.full((64, 64), 30.0)
    flat[20:40, 20:40] = 31
    assert _measured([flat], Preparation(), picture=True)[0, 1] == pytest.approx(1 / math.sqrt(12))


def real_planes(folder: Path) -> Iterator[tuple[str, Floats]]:
    for path in sorted(folder.rglob("*.fits*")):
        if not any(word in path.name for word in ("psfim", "segim", "sigma")):
            with fits.open(path) as file:
                for number, each in enumerate(file):
                    if each.data is not None and each.data.ndim == 2:
                        yield f"{path.name}[{number}]", np.ascontiguousarray(each.data, dtype=float)


def empty_scatter(image: Floats) -> float:
    """Return the standard deviation of empty single pixels about the mean of those around them.

    Empty is what lies away from connected regions that rise from 1 to 3.5 sigma of the smoothed
    sky: another way to find the sources than that of the package.
    """
    good = np.isfinite(image)
    weight = ndimage.gaussian_filter(good.astype(float), 2)
    smooth = ndimage.gaussian_filter(np.where(good, image, 0.0), 2) / np.maximum(weight, 1e-9)
    sky = good.copy()
    for _ in range(15):
        level = np.median(smooth[sky])
        sigma = 1.4826 * np.median(np.abs(smooth[sky] - level))
        sky = good & (np.abs(smooth - level) < 3 * sigma)
    labels, count = ndimage.label(good & (smooth - level > 3.5 * sigma))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    peaks = (sizes >= 8)[labels] & (labels > 0)
    regions, _ = ndimage.label(smooth - level > sigma)
    sources = np.isin(regions, np.setdiff1d(regions[peaks], 0))
    empty = good & ~ndimage.binary_dilation(sources, iterations=3)
    share = ndimage.uniform_filter(empty.astype(float), 21, mode="constant")
    mean = ndimage.uniform_filter(np.where(empty, image, 0.0), 21, mode="constant")
    chosen = empty & (share > 0.5)
    apart = image[chosen] - mean[chosen] / share[chosen]
    scatter = apart.std()
    for _ in range(10):
        scatter = apart[np.abs(apart) < 4 * scatter].std()
    return float(scatter)


@pytest.mark.slow
def test_real_cutouts_have_the_noise_of_empty_apertures(real_data: Path) -> None:
    """In the whole image, and in its frame; in that, one galaxy of a cluster has less noise than
    its surroundings, on which the light of the cluster varies.
    """
    ratios, frames = {}, {}
    for name, image in real_planes(real_data / "fits"):
        expected, side = empty_scatter(image), min(image.shape)
        top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
        square = np.ascontiguousarray(image[top : top + side, left : left + side])
        frame = measure_sky(square, round(0.1 * side), CORRELATION_REACH)
        ratios[name] = measure_sky(image, max(image.shape), CORRELATION_REACH).sigma / expected
        frames[name] = frame.sigma / expected
    assert len(ratios) > 20
    assert {name: value for name, value in ratios.items() if abs(value - 1) > 0.05} == {}
    off = {name: value for name, value in frames.items() if abs(value - 1) > 0.05}
    assert set(off) <= {"abell_2744_spiral_galaxy_f105w.fits.gz[0]"}
