"""Color pictures: the paper's formula by pencil, colors kept, bad pixels black."""

import math

import numpy as np
import pytest

from galfeat import UsageError
from galfeat.data import lupton_rgb


def _pixel(*light: float, **settings: object) -> list[int]:
    picture = lupton_rgb(np.reshape(light, (-1, 1, 1)), **settings)  # type: ignore[arg-type]
    assert picture.shape == (1, 1, 3)
    assert picture.dtype == np.uint8
    shown: list[int] = picture[0, 0].tolist()
    return shown


def test_one_pixel_by_pencil() -> None:
    """Blue 10, green 20, red 30: I = 20, f = 0.1 asinh(8) / asinh(0.8) = 0.3789, and red is 30 / 20
    f of 255 (256 is never reached).
    """
    f = 0.1 * math.log(8 + math.sqrt(65)) / math.log(0.8 + math.sqrt(1.64))
    assert f == pytest.approx(0.3789, abs=1e-4)
    assert _pixel(10, 20, 30) == pytest.approx([255 * f * 1.5, 255 * f, 255 * f * 0.5], abs=1)
    assert _pixel(110, 120, 130, minimum=100) == _pixel(10, 20, 30)
    assert _pixel(20, 40, 60, stretch=40) == _pixel(10, 20, 30)


def test_light_beyond_white_keeps_its_color() -> None:
    bright = _pixel(1e6, 2e6, 4e6)
    assert bright[0] == 255
    assert bright[1] / bright[0] == pytest.approx(1 / 2, abs=0.01)
    assert bright[2] / bright[0] == pytest.approx(1 / 4, abs=0.01)


def test_which_band_is_which_color() -> None:
    assert _pixel(10, 20, 30, channels=(0, 1, 2)) == _pixel(10, 20, 30)[::-1]
    assert _pixel(10, 77, 20, 99, 30, channels=(4, 2, 0)) == _pixel(10, 20, 30)
    assert _pixel(10, 0, 20, 0, 30) == _pixel(10, 20, 30)
    assert _pixel(10, 30) == _pixel(10, 20, 30)
    gray = _pixel(15)
    assert gray[0] == gray[1] == gray[2] > 0


def test_the_stretch_of_prepared_cutouts_is_undone() -> None:
    light = np.random.default_rng(0).normal(3, 5, (3, 4, 5))
    np.testing.assert_allclose(
        lupton_rgb(np.arcsinh(light), stretched=True).astype(int),
        lupton_rgb(light).astype(int),
        atol=1,
    )


def test_bad_and_dark_pixels_are_black_and_nothing_is_written_to() -> None:
    light = np.full((3, 2, 2), 20.0)
    light[0, 0, 0], light[2, 0, 1], light[:, 1, 0] = np.nan, np.inf, -5
    before = light.copy()
    picture = lupton_rgb(light)
    np.testing.assert_array_equal(light, before)
    assert not picture[0].any()
    assert not picture[1, 0].any()
    assert (picture[1, 1] > 90).all()
    assert not lupton_rgb(np.full((1, 2, 2), np.nan)).any()


@pytest.mark.parametrize(
    ("shape", "settings", "said"),
    [
        ((4, 4), {}, r"must have the axes \(bands, ny, nx\); their shape is \(4, 4\)"),
        ((0, 4, 4), {}, "must have the axes"),
        ((3, 4, 4), {"stretch": 0}, "stretch must be a number above 0"),
        ((3, 4, 4), {"softening": float("nan")}, "softening must be"),
        (
            (3, 4, 4),
            {"channels": (0, 1)},
            r"channels must be three numbers of bands, from 0 to 2; they are \[0, 1\]",
        ),
        ((3, 4, 4), {"channels": (0, 1, 3)}, "channels must be"),
        ((3, 4, 4), {"channels": ("r", "g", "b")}, "channels must be"),
    ],
)
def test_wrong_use_is_refused(
    shape: tuple[int, ...], settings: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        lupton_rgb(np.zeros(shape), **settings)  # type: ignore[arg-type]
