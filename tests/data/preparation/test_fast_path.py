"""The fast path of the default preparation gives what the steps one by one give, to the last bit,
or leaves the cutout to them.
"""

from importlib import import_module
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data import Cutout, Preparation, prepare_each, prepare_one
from galfeat.data.preparation.background import MAX_LEVELS, _is_continuous
from galfeat.data.preparation.fast_path import prepare_fast
from galfeat.data.preparation.medians import are_regular, median
from galfeat.data.preparation.window import Window

BANDS = ("g", "r")
STEPS = import_module("galfeat.data.preparation.steps")  # the package has a function of that name


def slowly(
    cutout: Cutout, preparation: Preparation, monkeypatch: pytest.MonkeyPatch
) -> NDArray[np.float32] | str:
    with monkeypatch.context() as patch:
        patch.setattr(STEPS, "prepare_fast", lambda *_: None)
        try:
            return prepare_one(cutout, preparation)
        except CutoutError as error:
            return str(error)


def alone(
    cutout: Cutout, preparation: Preparation, skies: NDArray[np.float64]
) -> NDArray[np.float32] | str:
    try:
        return prepare_one(cutout.select(BANDS), preparation, skies=skies)
    except CutoutError as error:
        return str(error)


def quickly(cutout: Cutout, preparation: Preparation) -> NDArray[np.float32] | None:
    return prepare_fast(
        cutout.pixels, Window.whole(cutout.pixels.shape[1:], preparation), preparation
    )


def scenes(kind: str, shape: tuple[int, int], seed: int, scale: float) -> NDArray[np.float32]:
    """Return two bands: a blob on a sky with noise, of whole numbers, with a hole, of one value, or
    of a frame of one value.
    """
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape)
    blob = 50 * np.exp(-((y - shape[0] / 2) ** 2 + (x - shape[1] / 2) ** 2) / shape[0])
    image = np.stack(
        [blob + rng.standard_normal(shape) + 7, 2 * blob + 3 * rng.standard_normal(shape)]
    )
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
def test_the_same_bits(
    kind: str, shape: tuple[int, int], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    preparation = Preparation(size=size)
    for seed, scale in enumerate((1.0, 1e-20, 1e30)):
        cutout = Cutout("a", scenes(kind, shape, seed, scale), BANDS)
        found, expected = quickly(cutout, preparation), slowly(cutout, preparation, monkeypatch)
        if found is not None:
            assert not isinstance(expected, str)
            assert found.tobytes() == expected.tobytes()
        if kind == "plain":
            assert found is not None
        # else it may lie beyond what is shown
        if kind in ("hole", "infinite", "constant") and shape == (64, 64):
            assert found is None


@pytest.mark.parametrize(
    "settings",
    [{}, {"size": 32}, {"fit": "crop", "size": 33}, {"sky": "none"}, {"neighbors": "mask"}],
)
def test_a_batch_gives_the_same_bits_as_single_cutouts(settings: dict[str, object]) -> None:
    preparation = Preparation(**settings)  # type: ignore[arg-type]
    kinds = ("plain", "counts", "hole", "infinite", "constant", "empty frame")
    shapes = [(64, 64), (40, 71), (130, 128), (64, 64), (9, 9)]
    cutouts = [
        Cutout(f"{kind}{number}", scenes(kind, shape, number, scale), BANDS)
        for number, (kind, shape, scale) in enumerate(product(kinds, shapes, (1.0, 1e-20, 1e30)))
    ]
    cutouts.insert(3, Cutout("other", cutouts[0].pixels, ("g", "i")))
    cutouts.append(Cutout("turned", cutouts[0].pixels[::-1], ("r", "g")))
    cutouts += [
        Cutout(f"across{seed}", scenes("plain", (64, 64), seed, 1.0).swapaxes(1, 2), BANDS)
        for seed in range(3)
    ]
    cutouts += [
        Cutout(f"Fortran{seed}", np.asfortranarray(scenes("plain", (80, 80), seed, 1.0)), BANDS)
        for seed in range(3)
    ]
    skies, single = np.empty((2, len(cutouts), 2, 4))
    pixels, reasons = prepare_each(cutouts, BANDS, preparation, None, skies)
    expected = [
        alone(cutout, preparation, sky) for cutout, sky in zip(cutouts, single, strict=True)
    ]
    assert reasons == {row: each for row, each in enumerate(expected) if isinstance(each, str)}
    assert len(reasons) < len(cutouts) - 40
    for row, each in enumerate(expected):
        if not isinstance(each, str):
            assert pixels[row].tobytes() == each.tobytes(), cutouts[row].id
            np.testing.assert_array_equal(skies[row], single[row])


def test_flawless_cutouts_take_the_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STEPS, "prepare_one", None)
    cutouts = [Cutout("a", scenes("plain", (64, 64), seed, 1.0), BANDS) for seed in range(40)]
    _, reasons = prepare_each(cutouts, BANDS, Preparation())
    assert not reasons


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.floats(width=32, allow_nan=False, allow_infinity=False)
        | st.integers(-5, 300).map(float),
        min_size=4,
        max_size=90,
    )
)
def test_the_fast_test_of_quantization_agrees_with_the_slow_one(values: list[float]) -> None:
    image = np.resize(np.array(values, np.float32), (1, 1, 1, len(values)))
    expected = _is_continuous(np.sort(image.ravel())) and image.min() < image.max()
    assert are_regular(image, 1, MAX_LEVELS).tolist() == [expected]


def test_outliers_do_not_hide_continuous_values() -> None:
    image = np.random.default_rng(0).normal(size=(1, 1, 30, 30)).astype(np.float32)
    image[0, 0, 0, 0] = 400
    assert are_regular(image, 1, MAX_LEVELS).tolist() == [True]
    assert are_regular(np.round(100 * image), 1, MAX_LEVELS).tolist() == [False]


def test_medians_of_many_with_outliers_are_numpys() -> None:
    rng = np.random.default_rng(1)
    for count in (49, 50, 1392, 2001):
        for outlier in (1.0, 1e4, 1e300, -1.7e308):
            pixels = rng.normal(size=count)
            pixels[rng.integers(count)] = outlier
            assert median(pixels) == np.median(pixels)


def test_other_settings_take_the_slow_path() -> None:
    cutout = Cutout("a", scenes("plain", (64, 64), 0, 1.0), BANDS)
    for other in ({"stretch": "none"}, {"sky": "none"}, {"noise": "mad"}, {"noise": "differences"}):
        assert quickly(cutout, Preparation(**other)) is None  # type: ignore[arg-type]
    assert quickly(cutout, Preparation()) is not None
    assert quickly(cutout, Preparation(fit="crop", size=48)) is not None


def test_the_fast_path_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STEPS, "_prepare_band", None)
    assert prepare_one(
        Cutout("a", scenes("plain", (64, 64), 0, 1.0), BANDS), Preparation()
    ).shape == (2, 64, 64)


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.0, -0.0, 1.0, -1.0, 5e-324, -1.7e308]
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=200), st.integers(1, 4))
def test_medians_are_numpys(values: list[float], repeats: int) -> None:
    pixels = np.array(values * repeats)
    with np.errstate(over="ignore"):
        expected = float(np.median(pixels))
    found = median(pixels)
    assert found == expected or abs(expected) == np.inf


def test_medians_by_hand() -> None:
    assert median(np.array([1.0, 5.0, 2.0, -7.0])) == 1.5
    assert median(np.array([4.0, 3.0, 9.0])) == 4
    assert median(np.array([-0.0])) == 0
