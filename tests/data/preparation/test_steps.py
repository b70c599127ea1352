"""Preparation: pencil numbers, invariances, masks, refusals."""

import json
from inspect import signature
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat import CutoutError, UsageError
from galfeat.data.cutouts import Cutout, Cutouts
from galfeat.data.preparation.background import border_mask, quantization_step, sky_and_noise
from galfeat.data.preparation.steps import Preparation, prepare, prepare_one

NAMES = ("g", "r")


def _galaxy(size: int = 64, bands: int = 2, seed: int = 3) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    light = 80 * np.exp(-np.hypot(x, y * 1.5) / (size / 10))
    galaxy: NDArray[np.float32] = (light + rng.normal(0, 2.0, (bands, size, size))).astype(
        np.float32
    )
    return galaxy


def _cutout(pixels: NDArray[np.generic], bands: tuple[str, ...] = NAMES) -> Cutout:
    return Cutout("galaxy", pixels.astype(np.float32), bands)


def _reason(pixels: NDArray[np.generic], preparation: Preparation | None = None) -> str:
    with pytest.raises(CutoutError) as caught:
        prepare_one(
            _cutout(pixels, tuple(f"b{i}" for i in range(len(pixels)))),
            preparation or Preparation(),
        )
    return str(caught.value)


def test_sky_and_noise_by_pencil() -> None:
    """Frame of a 3 x 3 image: 1 2 3 4 6 7 8 9, median 5; differences two apart 2 2 2 across and 6 6
    6 down, median 4.
    """
    image = np.array([[1.0, 2, 3], [4, 500, 6], [7, 8, 9]])
    sky, noise = sky_and_noise(image, 1)
    assert sky == 5
    assert noise == pytest.approx(1.4826 * 4 / np.sqrt(2))
    assert sky_and_noise(image, 1, step=2.0)[1] == pytest.approx(
        np.sqrt((1.4826 * 4) ** 2 / 2 + 4 / 12)
    )


def test_slopes_across_the_border_are_no_noise() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 2, (64, 64))
    slope = 40 * np.exp(-np.hypot(*(np.mgrid[:64, :64] - 31.5)) / 20)
    assert sky_and_noise(noise, 6)[1] == pytest.approx(2, rel=0.08)
    assert sky_and_noise(noise + slope, 6)[1] == pytest.approx(sky_and_noise(noise, 6)[1], rel=0.08)


@pytest.mark.parametrize(
    ("shape", "width", "lag"), [((20, 20), 2, 2), ((17, 24), 3, 4), ((9, 9), 4, 1)]
)
def test_noise_is_that_of_all_good_pairs_of_the_border(
    shape: tuple[int, int], width: int, lag: int
) -> None:
    """Against two loops over pixels; bad ones, of whatever value, are in no pair, nor are those
    inside the frame.
    """
    image = np.random.default_rng(8).normal(50, 3, shape)
    image[width:-width, width:-width] += 900
    image[0, 3], image[1, 0], image[-1, -2], image[4, -1] = np.nan, np.inf, -np.inf, np.nan
    ny, nx = shape
    framed = [
        (y, x)
        for y in range(ny)
        for x in range(nx)
        if not (width <= y < ny - width and width <= x < nx - width)
    ]
    good = {place: image[place] for place in framed if np.isfinite(image[place])}
    apart = [
        abs(good[y, x] - good[y + dy, x + dx])
        for y, x in good
        for dy, dx in ((0, lag), (lag, 0))
        if (y + dy, x + dx) in good
    ]
    sky, noise = sky_and_noise(image, width, lag=lag)
    assert sky == np.median(list(good.values()))
    assert noise == pytest.approx(1.4826 * np.median(apart) / np.sqrt(2))


def test_light_beyond_any_float_is_a_bad_pixel_but_not_once_it_is_stretched() -> None:
    pixels = _galaxy() * np.float32(1e-20)
    pixels[0, 30, 30] = 3e38
    plain = prepare_one(_cutout(pixels), Preparation(stretch="none"))
    assert np.isnan(plain[0, 30, 30])
    assert np.isfinite(plain).sum() == plain.size - 1
    assert prepare_one(_cutout(pixels), Preparation())[0, 30, 30] == pytest.approx(
        np.log(2 * 3e38 / 2e-20), rel=0.01
    )


@pytest.mark.parametrize("fit", ["crop", "resample"])
def test_infinite_pixels_become_bad_ones(fit: Literal["crop", "resample"]) -> None:
    pixels = _galaxy()
    pixels[0, 30, 30], pixels[1, 2, 3] = np.inf, -np.inf
    prepared = prepare_one(_cutout(pixels), Preparation(fit=fit))
    assert np.isnan(prepared[0, 30, 30])
    assert np.isnan(prepared[1, 2, 3])
    assert np.isfinite(prepared).sum() == prepared.size - 2


@pytest.mark.parametrize("side", [20, 40, 64, 88, 200])
def test_the_prepared_sky_scatters_by_one_whatever_the_resampling(side: int) -> None:
    image = np.random.default_rng(side).normal(100, 7, (1, side, side))
    prepared = prepare_one(_cutout(image, ("b",)), Preparation(stretch="none"))
    assert 1.4826 * np.median(np.abs(prepared)) == pytest.approx(1, rel=0.15)


def test_a_border_with_too_few_good_pixels_gives_way_to_the_whole_image() -> None:
    image = np.full((12, 12), np.nan)
    image[2:10, 2:10] = np.arange(64.0).reshape(8, 8)
    image[0, 0] = 1e6  # one good pixel of the frame is no frame
    assert sky_and_noise(image, 1)[0] == pytest.approx(32.0)  # 65 values, the middle one


def test_noise_falls_back_step_by_step_where_the_border_has_one_value() -> None:
    scattered = np.zeros((20, 20))
    # over half of the image
    scattered[2:18, 2:18] = np.random.default_rng(0).normal(0, 1, (16, 16))
    assert sky_and_noise(scattered, 2)[1] == pytest.approx(1.4826 * np.median(np.abs(scattered)))
    islands = np.zeros((20, 20))
    # a fifth of the image: variance 80 / 400
    islands[6:14, 5:15] = np.where(np.arange(10) % 2, 1, -1)
    assert sky_and_noise(islands, 2)[1] == pytest.approx(np.sqrt(80 / 400))
    hot = np.zeros((20, 20))
    hot[10, 10] = 7
    assert sky_and_noise(hot, 2)[1] == 0


@pytest.mark.parametrize("unit", [1.0, 1e-12, 1e15, 1 / 3])
@pytest.mark.parametrize("sky", [0.0, 100.0])
def test_steps_of_quantized_values_are_found_in_any_unit(unit: float, sky: float) -> None:
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 256, 4000) + sky
    assert quantization_step((counts * unit).astype(np.float32)) == pytest.approx(unit, rel=1e-3)
    sixteen = np.append(rng.integers(0, 65536, 20000), [0, 65535]) + rng.poisson(30, 20002)
    assert (
        quantization_step((sixteen * unit).astype(np.float32)) == pytest.approx(unit, rel=1e-2)
        or unit != 1
    )


def test_scattered_values_have_no_step() -> None:
    rng = np.random.default_rng(1)
    for size in (20, 100, 4096, 60000):
        assert quantization_step(rng.normal(0, 1, size).astype(np.float32)) == 0
    assert quantization_step(np.append(np.zeros(500), rng.normal(0, 1, 500))) == 0
    assert quantization_step(np.full(9, 3.0)) == 0


def test_sky_of_a_prepared_galaxy_is_zero_with_unit_noise() -> None:
    flat = prepare_one(_cutout(_galaxy() + 1000), Preparation(stretch="none"))
    edge = flat[:, border_mask(64, 6)]
    np.testing.assert_allclose(np.median(edge, axis=1), 0, atol=0.1)
    np.testing.assert_allclose(edge.std(axis=1), 1, atol=0.1)
    assert flat.dtype == np.float32
    assert flat.shape == (2, 64, 64)


def test_noise_is_measured_on_the_new_grid() -> None:
    """Averaging 2 x 2 pixels halves the noise: the prepared sky must scatter by one all the
    same.
    """
    flat = prepare_one(
        _cutout(np.random.default_rng(0).normal(5, 2, (1, 128, 128)), ("g",)),
        Preparation(stretch="none"),
    )
    assert flat.std() == pytest.approx(1, abs=0.07)


def test_sinh_undoes_the_stretch() -> None:
    cutout = _cutout(_galaxy())
    stretched, plain = (
        prepare_one(cutout, Preparation()),
        prepare_one(cutout, Preparation(stretch="none")),
    )
    np.testing.assert_allclose(np.sinh(stretched.astype(float)), plain, rtol=2e-6, atol=1e-6)
    assert 3 < stretched.max() < 5  # asinh(80 / 2) is 4.4 at the very peak


@pytest.mark.parametrize("unit", [1e-12, 1e15, 1e30])
@pytest.mark.parametrize("size", [64, 40])
def test_flux_unit_changes_nothing(unit: float, size: int) -> None:
    pixels = _galaxy()
    expected = prepare_one(_cutout(pixels), Preparation(size=size))
    np.testing.assert_allclose(
        prepare_one(_cutout(pixels * unit), Preparation(size=size)), expected, rtol=1e-5, atol=1e-6
    )


def test_sky_changes_nothing() -> None:
    pixels = _galaxy()
    expected = prepare_one(_cutout(pixels), Preparation(size=40))
    np.testing.assert_allclose(
        prepare_one(_cutout(pixels + np.float32(1000)), Preparation(size=40)), expected, atol=2e-4
    )


def test_pictures_in_eight_bits_have_a_noise_though_their_sky_has_one_value() -> None:
    picture = np.clip(np.round(_galaxy() / 8), 0, 255)
    picture[:, :8] = picture[:, -8:] = picture[:, :, :8] = picture[:, :, -8:] = 0
    plain = prepare_one(_cutout(picture), Preparation(stretch="none"))
    assert plain.max() == pytest.approx(picture.max() * np.sqrt(12))
    for unit in (1e-12, 1 / 255):
        np.testing.assert_allclose(
            prepare_one(_cutout(picture * unit), Preparation(stretch="none")), plain, rtol=1e-3
        )


@pytest.mark.parametrize("size", [64, 24])
def test_masked_pixels_never_count(size: int) -> None:
    pixels = _galaxy()
    mask = np.random.default_rng(0).random(pixels.shape) < 0.1
    results = []
    for value in (np.nan, 1e30, -1e30, np.inf):
        spoiled = np.where(mask, np.float32(value), pixels)
        batch = Cutouts(spoiled[None], ("a",), NAMES, mask=mask[None])
        results.append(prepare(batch, Preparation(size=size)).pixels.tobytes())
    assert len(set(results)) == 1
    same_grid = prepare(Cutouts(pixels[None], ("a",), NAMES, mask=mask[None])).pixels[0]
    np.testing.assert_array_equal(np.isnan(same_grid), mask)


def test_prepared_galaxies_do_not_depend_on_their_batch() -> None:
    pixels = np.stack([_galaxy(48, seed=seed) for seed in range(5)])
    ids = tuple("abcde")
    batch = prepare(Cutouts(pixels, ids, NAMES), Preparation(size=32))
    for row in range(5):
        alone = prepare([_cutout(pixels[row])], Preparation(size=32))
        assert alone.pixels[0].tobytes() == batch.pixels[row].tobytes()
    backwards = prepare(Cutouts(pixels[::-1], ids[::-1], NAMES), Preparation(size=32))
    assert backwards.pixels[::-1].tobytes() == batch.pixels.tobytes()
    assert batch.ids == ids


def test_the_input_is_not_modified() -> None:
    pixels = _galaxy()
    pixels[0, 5, 5] = np.nan
    before = pixels.copy()
    prepare(Cutouts(pixels[None], ("a",), NAMES))
    np.testing.assert_array_equal(pixels, before)


def test_crop_keeps_values_and_resample_takes_the_central_square() -> None:
    pixels = _galaxy(64)[:, 4:-4]  # 56 x 64
    cropped = prepare_one(_cutout(pixels), Preparation(size=32, fit="crop", stretch="none"))
    window = pixels[:, 12:44, 16:48].astype(float)
    slope, _ = np.polyfit(window[0].ravel(), cropped[0].ravel(), 1)
    np.testing.assert_allclose(np.corrcoef(window[0].ravel(), cropped[0].ravel())[0, 1], 1)
    assert slope > 0
    square = prepare_one(_cutout(pixels[:, :, 4:-4]), Preparation(size=28))
    assert square.tobytes() == prepare_one(_cutout(pixels), Preparation(size=28)).tobytes()


def test_cutouts_of_different_sizes_and_band_orders_make_a_batch() -> None:
    first, second = _cutout(_galaxy(64)), _cutout(_galaxy(50)[::-1], ("r", "g"))
    batch = prepare([first, second], Preparation(size=32))
    assert batch.bands == NAMES
    assert batch.pixels.shape == (2, 2, 32, 32)
    assert (
        batch.pixels[1].tobytes()
        == prepare_one(_cutout(_galaxy(50)), Preparation(size=32)).tobytes()
    )


def test_small_cutouts_are_refused_with_their_size() -> None:
    assert (
        _reason(np.ones((1, 10, 12)))
        == "10 x 12 pixels; at least 16 x 16 are needed to fill 64 x 64"
    )
    assert (
        _reason(np.ones((1, 40, 50)), Preparation(fit="crop"))
        == "40 x 50 pixels; at least 64 x 64 are needed to crop 64 x 64"
    )
    assert prepare_one(_cutout(_galaxy(16)), Preparation(size=64)).shape == (2, 64, 64)


def test_bands_that_hold_nothing_are_refused_by_name() -> None:
    good = _galaxy(bands=3)
    for spoil, said in {np.nan: "band b1 has no good pixel", 7.25: "band b1 is constant"}.items():
        pixels = good.copy()
        pixels[1] = spoil
        assert _reason(pixels) == said
    pixels = good.copy()
    pixels[2, :40] = np.nan
    assert _reason(pixels) == "band b2 has only 38 % good pixels; at least half are needed"
    lonely = np.zeros((1, 64, 64))
    lonely[0, 32, 32:35] = [10, 13.37, 31.4]  # on no common ladder of levels
    assert "its noise cannot be measured" in _reason(lonely)


def test_all_rows_that_cannot_be_prepared_are_named() -> None:
    pixels = np.stack([_galaxy(seed=seed) for seed in range(4)])
    pixels[1] = np.nan
    pixels[3, 1] = 5
    with pytest.raises(CutoutError) as caught:
        prepare(Cutouts(pixels, tuple("abcd"), NAMES))
    assert caught.value.reasons == {1: "band g has no good pixel", 3: "band r is constant"}
    with pytest.raises(CutoutError, match="has no band r; its bands are g, i"):
        prepare([_cutout(_galaxy()), _cutout(_galaxy(), ("g", "i"))])


def test_no_cutouts_are_refused_and_an_empty_batch_stays_empty() -> None:
    with pytest.raises(UsageError, match="no cutouts"):
        prepare([])
    assert prepare(Cutouts(np.empty((0, 2, 64, 64), np.float32), (), NAMES)).pixels.shape == (
        0,
        2,
        64,
        64,
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"size": 7}, "size must be"),
        ({"size": 64.0}, "size must be"),
        ({"size": True}, "size must be"),
        ({"fit": "pad"}, "fit must be"),
        ({"stretch": "log"}, "stretch must be"),
        ({"border": 0}, "border must be"),
        ({"border": 0.6}, "border must be"),
        ({"border": "wide"}, "border must be"),
        ({"border": float("nan")}, "border must be"),
        (
            {"sky": "plane"},
            "sky must be 'border', 'clipped', 'none' or a number, the level; it is 'plane'",
        ),
        ({"sky": float("inf")}, "sky must be"),
        (
            {"noise": "poisson"},
            "noise must be 'sky', 'differences', 'mad', 'map' or 'map_if_any'; it is 'poisson'",
        ),
        ({"neighbors": True}, "neighbors must be 'keep' or 'mask'; it is True"),
        ({"centering": "light"}, "centering must be"),
        ({"extent": -0.1}, "extent must be"),
        ({"extent": 0.6}, "extent must be"),
        ({"threshold": 0}, "threshold must be"),
        ({"no_object": "skip"}, "no_object must be"),
        (
            {"fit": "crop", "centering": "subpixel"},
            "fit 'crop' keeps pixel values, so it cannot shift by fractions of a pixel",
        ),
        (
            {"fit": "crop", "extent": 0.2},
            "fit 'crop' keeps pixel values, so it cannot change the scale",
        ),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Preparation(**settings)  # type: ignore[arg-type]


def test_settings_survive_a_header() -> None:
    preparation = Preparation(
        48,
        "crop",
        "none",
        0.2,
        sky=3,
        noise="map",
        neighbors="mask",
        centering="pixel",
        threshold=5,
        no_object="keep",
    )
    assert Preparation.from_dict(json.loads(json.dumps(preparation.as_dict()))) == preparation
    with pytest.raises(UsageError, match="unknown color; missing border"):
        Preparation.from_dict({"size": 48, "fit": "crop", "stretch": "none", "color": 1})


def test_settings_missing_from_an_older_header_are_off() -> None:
    early = {"size": 48, "fit": "resample", "stretch": "none", "border": 0.2}
    assert Preparation.from_dict(early) == Preparation(48, "resample", "none", 0.2)


def test_settings_in_numpy_numbers_become_plain_ones() -> None:
    settings = Preparation(size=np.int64(32), extent=np.float32(0.25), sky=np.float64(2)).as_dict()  # type: ignore[arg-type]
    assert json.dumps(settings) == (
        '{"size": 32, "fit": "resample", "stretch": "asinh", "border": 0.1, "sky": 2.0, "noise": '
        '"sky", "neighbors": "keep", '
        '"centering": "none", "extent": 0.25, "threshold": 3.0, "no_object": "fail"}'
    )


@pytest.mark.parametrize(
    ("former", "value", "name"),
    [("neighbours", "mask", "neighbors"), ("centring", "pixel", "centering")],
)
def test_a_former_name_is_refused_and_the_present_one_named(
    former: str, value: str, name: str
) -> None:
    said = f"the setting '{former}' is now called '{name}'"
    with pytest.raises(UsageError, match=said):
        Preparation(**{former: value})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=said):
        Preparation.from_dict({**Preparation().as_dict(), former: value})
    assert former not in signature(Preparation).parameters
    assert name in signature(Preparation).parameters
