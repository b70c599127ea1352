"""Pixels in a unit that an extractor cannot see are warned of, once a call."""

import warnings

import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat import PixelUnitWarning
from galfeat.features import HOG, ColorHistogram, Texture, combine


def prepared(n: int = 6, bands: int = 1) -> NDArray[np.float32]:
    y, x = np.mgrid[:64, :64] - 31.5
    light = 30 * np.exp(-np.hypot(x, y / 0.6) / 5)
    noise = np.random.default_rng(0).normal(0, 1, (n, bands, 64, 64))
    return np.arcsinh(noise + light).astype(np.float32)


def unit(images: NDArray[np.float32]) -> NDArray[np.float32]:
    return (images - images.min()) / np.ptp(images)


UNSEEN = {
    "0 to 1": unit,
    "maggies": lambda images: images * 1e-9,
    "0 to 255": lambda images: np.round(255 * unit(images)),
    "counts": lambda images: 6e4 * unit(images),
    "sky of 1000": lambda images: images + 1000,
    "black picture": lambda images: np.maximum(0, 600 * unit(images) - 300).astype(np.float32),
}


@pytest.mark.parametrize("kind", [ColorHistogram, Texture])
@pytest.mark.parametrize("name", UNSEEN)
def test_other_units_are_warned_of_once(kind: type, name: str) -> None:
    images = UNSEEN[name](prepared(bands=2))
    with pytest.warns(PixelUnitWarning, match="units of the noise: prepare them") as caught:
        kind().fit_transform(images)
    assert len(caught) == 1
    assert kind.__name__ in str(caught[0].message)


@pytest.mark.parametrize("kind", [ColorHistogram, Texture, HOG])
def test_noise_units_and_constants_are_not(kind: type) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kind().fit_transform(prepared())
        kind().fit_transform(prepared(bands=3))
        kind().fit_transform(np.zeros((2, 1, 64, 64)))
        kind().fit_transform(np.where(prepared() > 3, np.nan, prepared()))
    if kind is HOG:
        kind().fit_transform(unit(prepared()))


def test_another_range_is_the_remedy() -> None:
    ColorHistogram(range=(0, 1)).fit_transform(unit(prepared()))
    Texture(range=(0, 255)).fit_transform(255 * unit(prepared()))


def test_one_good_image_is_enough_to_be_silent() -> None:
    images = prepared(4)
    images[1:] = unit(images[1:])
    Texture().fit_transform(images)


def test_combined_extractors_warn() -> None:
    both = combine([HOG(), ColorHistogram()]).fit(prepared())
    with pytest.warns(PixelUnitWarning, match="ColorHistogram"):
        both.transform(unit(prepared()))
