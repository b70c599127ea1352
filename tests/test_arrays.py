"""Masks of other packages' arrays become NaN; channels-last arrays are named."""

from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.nddata import CCDData, NDData
from astropy.utils.masked import Masked

from galfeat import UsageError
from galfeat._arrays import as_plain_array, channels_last_hint
from galfeat.data import Cutout, Cutouts, Preparation, prepare, prepare_one
from galfeat.features import HOG, SIFT, ColorHistogram, Pixels, Texture

RNG = np.random.default_rng(0)
VALUES = np.arcsinh(RNG.normal(0, 1, (2, 1, 32, 32))).astype(np.float32)
MASK = RNG.random(VALUES.shape) < 0.05
EXPECTED = np.where(MASK, np.float32(np.nan), VALUES)

FORMS: dict[str, Any] = {
    "numpy": np.ma.MaskedArray(VALUES, MASK),
    "CCDData": CCDData(VALUES, mask=MASK, unit="adu"),
    "NDData": NDData(VALUES, mask=MASK),
    "NDData with flags": NDData(VALUES, mask=4 * MASK.astype(np.uint8)),
    "NDData with a list": NDData(VALUES, mask=MASK.tolist()),
    "one of a list is masked": [EXPECTED[0], np.ma.MaskedArray(VALUES[1], MASK[1])],
    "Masked": Masked(VALUES, mask=MASK),
    "masked Quantity": Masked(VALUES * u.Jy, mask=MASK),
    "Quantity": EXPECTED * u.nanomaggy if hasattr(u, "nanomaggy") else EXPECTED * u.nJy,
    "percent": EXPECTED * 100 * u.percent,
    "list of CCDData": [CCDData(v, mask=m, unit="adu") for v, m in zip(VALUES, MASK, strict=True)],
    "nested list": [
        [NDData(v, mask=m) for v, m in zip(vs, ms, strict=True)]
        for vs, ms in zip(VALUES, MASK, strict=True)
    ],
    "list of masked arrays": [np.ma.MaskedArray(v, m) for v, m in zip(VALUES, MASK, strict=True)],
}


@pytest.mark.parametrize("form", FORMS)
def test_masked_values_become_nan(form: str) -> None:
    np.testing.assert_allclose(as_plain_array(FORMS[form]), EXPECTED, rtol=1e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", [Pixels, ColorHistogram, Texture, HOG])
def test_every_extractor_honors_masks(form: str, kind: type) -> None:
    np.testing.assert_allclose(
        kind().fit_transform(FORMS[form]), kind().fit_transform(EXPECTED), rtol=1e-5, atol=1e-6
    )


def test_local_descriptors_honor_masks() -> None:
    for found, expected in zip(
        SIFT().describe(FORMS["CCDData"]), SIFT().describe(EXPECTED), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("form", FORMS)
def test_preparation_honors_masks(form: str) -> None:
    settings = Preparation(size=32)
    batch = prepare(Cutouts(FORMS[form], ("a", "b"), ("g",)), settings).pixels
    expected = prepare(Cutouts(EXPECTED, ("a", "b"), ("g",)), settings).pixels
    np.testing.assert_allclose(batch, expected, rtol=1e-5, atol=1e-6)
    assert np.isnan(batch).any()
    if hasattr(FORMS[form], "shape"):
        single = FORMS[form][0]
        np.testing.assert_allclose(
            prepare_one(Cutout("a", single, ("g",)), settings), expected[0], rtol=1e-5, atol=1e-6
        )


def test_integers_and_whole_masks() -> None:
    counts = np.ma.MaskedArray(np.arange(4), [False, True, False, False])
    np.testing.assert_array_equal(as_plain_array(counts), [0, np.nan, 2, 3])
    plain = CCDData(np.arange(4.0), unit="adu")
    assert as_plain_array(plain).tolist() == [0, 1, 2, 3]
    array = np.zeros(3)
    assert as_plain_array(array) is array
    assert np.isnan(as_plain_array(np.ma.MaskedArray(np.zeros(3), mask=True))).all()


@pytest.mark.parametrize("shape", [(5, 64, 64, 3), (64, 64, 1), (2, 8, 9, 4)])
def test_channels_last_is_named(shape: tuple[int, ...]) -> None:
    assert "np.moveaxis(X, -1, -3)" in channels_last_hint(shape)


@pytest.mark.parametrize("shape", [(5, 3, 64, 64), (2, 1, 2, 2), (40, 64, 64), (1, 20, 5, 5), (4,)])
def test_channels_first_is_not(shape: tuple[int, ...]) -> None:
    assert channels_last_hint(shape) == ""


def test_channels_last_is_refused_everywhere() -> None:
    images = np.zeros((2, 32, 32, 3), np.float32)
    for kind in (Pixels, ColorHistogram, Texture, HOG):
        with pytest.raises(UsageError, match=r"length 3, seems to be that of the bands: move it"):
            kind().fit_transform(images)
    with pytest.raises(ValueError, match="seems to be that of the bands"):
        Cutouts(images, ("a", "b"), ("g", "r", "i"))
    with pytest.raises(ValueError, match="seems to be that of the bands"):
        Cutout("a", images[0], ("g", "r", "i"))
    with pytest.raises(UsageError, match=r"X\[np.newaxis\]"):
        HOG().fit_transform(images[0])
