"""The quick way of the default preparation gives what the steps one by one give, to the last bit, or leaves the cutout to them."""

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data import Cutout, Preparation, prepare_one
from galfeat.data.medians import frame_medians
from galfeat.data.quick import prepare_quickly
from galfeat.data.windows import Window

BANDS = ("g", "r")
STEPS = import_module("galfeat.data.prepare")  # the package has a function of that name


def slowly(cutout: Cutout, preparation: Preparation, monkeypatch: pytest.MonkeyPatch) -> NDArray[np.float32] | str:
    with monkeypatch.context() as patch:
        patch.setattr(STEPS, "prepare_quickly", lambda *_: None)
        try:
            return prepare_one(cutout, preparation)
        except CutoutError as error:
            return str(error)


def quickly(cutout: Cutout, preparation: Preparation) -> NDArray[np.float32] | None:
    return prepare_quickly(cutout.pixels, Window.whole(cutout.pixels.shape[1:], preparation), preparation)


def scenes(kind: str, shape: tuple[int, int], seed: int, scale: float) -> NDArray[np.float32]:
    """Return two bands: a blob on a sky with noise, of whole numbers, with a hole, of one value, or of a frame of one value."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape)
    blob = 50 * np.exp(-((y - shape[0] / 2) ** 2 + (x - shape[1] / 2) ** 2) / shape[0])
    image = np.stack([blob + rng.standard_normal(shape) + 7, 2 * blob + 3 * rng.standard_normal(shape)])
    if kind == "counts":
        image = np.round(image)
    if kind == "hole":
        image[1, 3, 4] = np.nan
    if kind == "infinite":
        image[0, -1, 0] = np.inf
    if kind == "constant":
        image[1] = 3
    if kind == "empty frame":
        image[0, blob < 20] = 0
    with np.errstate(over="ignore", under="ignore"):
        return (image * scale).astype(np.float32)


@pytest.mark.parametrize("kind", ["plain", "counts", "hole", "infinite", "constant", "empty frame"])
@pytest.mark.parametrize("shape", [(64, 64), (40, 71), (33, 32), (130, 128)])
@pytest.mark.parametrize("size", [32, 64])
def test_the_same_bits(kind: str, shape: tuple[int, int], size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    preparation = Preparation(size=size)
    for seed, scale in enumerate((1.0, 1e-20, 1e30)):
        cutout = Cutout("a", scenes(kind, shape, seed, scale), BANDS)
        found, expected = quickly(cutout, preparation), slowly(cutout, preparation, monkeypatch)
        if found is not None:
            assert not isinstance(expected, str)
            assert found.tobytes() == expected.tobytes()
        if kind == "plain":
            assert found is not None
        if kind in ("hole", "infinite", "constant") and shape == (64, 64):  # else it may lie beyond what is shown
            assert found is None


def test_other_settings_are_left_to_the_steps() -> None:
    cutout = Cutout("a", scenes("plain", (64, 64), 0, 1.0), BANDS)
    for other in ({"stretch": "none"}, {"sky": "none"}, {"noise": "mad"}):
        assert quickly(cutout, Preparation(**other)) is None  # type: ignore[arg-type]
    assert quickly(cutout, Preparation()) is not None
    assert quickly(cutout, Preparation(fit="crop", size=48)) is not None


def test_the_quick_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STEPS, "_prepare_band", None)
    assert prepare_one(Cutout("a", scenes("plain", (64, 64), 0, 1.0), BANDS), Preparation()).shape == (2, 64, 64)


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 1.0, -1.0, 5e-324, -1.7e308])


@settings(max_examples=300, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=200), st.integers(1, 4))
def test_medians_are_numpys(values: list[float], repeats: int) -> None:
    pixels = np.array(values * repeats)
    places = np.arange(len(pixels))
    zero = np.zeros(1, dtype=np.intp)
    with np.errstate(over="ignore"):
        expected = float(np.median(pixels))
    found = frame_medians(pixels, places, zero, zero)
    assert found is not None
    assert found[0] == expected or abs(expected) == np.inf


def test_medians_by_hand() -> None:
    image = np.array([[1.0, 5.0], [2.0, -7.0]])
    every = np.arange(4)
    assert frame_medians(image, every, np.array([0, 1, 2]), np.array([1, 2, 3])) == (1.5, 4.0)  # differences 4, 3, 9
    assert frame_medians(image, every[:3], every[:2], every[2:]) == (2.0, 6.5)  # differences 1, 12
    image[1, 1] = np.nan
    assert frame_medians(image, every, every[:1], every[1:2]) is None
    assert frame_medians(image, every[:3], every[:1], every[1:2]) == (2.0, 4.0)
