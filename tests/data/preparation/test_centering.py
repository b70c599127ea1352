"""Preparation that looks for the galaxy, and skies and noise by choice: pencil numbers, oracles,
rules where nothing is found.
"""

from pathlib import Path

import numpy as np
import pytest
from astropy.stats import sigma_clipped_stats
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data import Cutout, Cutouts, Preparation, open_source, prepare, prepare_one
from galfeat.data.preparation.background import (
    border_mask,
    border_values,
    clipped_median,
    mad_sigma,
)
from galfeat.data.preparation.centering import center_on_galaxy, significance
from galfeat.data.preparation.moments import light_shape
from galfeat.data.preparation.segmentation import segment

NAMES = ("g", "r")


def _scene(
    center: tuple[float, float] = (40.0, 40.0),
    scale: float = 4.0,
    shape: tuple[int, int] = (81, 81),
    others: tuple[tuple[float, float], ...] = (),
    noise: float = 1.0,
) -> Cutout:
    """Return a round exponential disk, and Gaussians of 2.5 pixels, on noise and a sky of 50, in
    two bands.
    """
    y, x = np.mgrid[: shape[0], : shape[1]]
    light = 200 * np.exp(-np.hypot(y - center[0], x - center[1]) / scale)
    for row, column in others:
        light += 60 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * 2.5**2))
    sky = np.random.default_rng(5).normal(50, noise, (2, *shape))
    return Cutout("a", (sky + light * np.array([1, 0.6])[:, None, None]).astype(np.float32), NAMES)


def _center(image: NDArray[np.floating]) -> tuple[float, float]:
    light = np.where(image > 5, image, 0).astype(float)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return float((light * y).sum() / light.sum()), float((light * x).sum() / light.sum())


def _half_light(image: NDArray[np.floating]) -> float:
    found = light_shape(np.nan_to_num(image), image > 2)
    assert found is not None
    return found.half_light


@pytest.mark.parametrize("center", [(40.0, 40.0), (43.4, 36.8), (36.25, 45.5)])
def test_the_center_of_light_becomes_the_center_of_the_image(center: tuple[float, float]) -> None:
    prepared = prepare_one(
        _scene(center), Preparation(size=81, stretch="none", centering="subpixel")
    )
    assert _center(prepared.mean(axis=0)) == pytest.approx((40, 40), abs=0.1)
    whole = prepare_one(_scene(center), Preparation(size=81, stretch="none", centering="pixel"))
    assert _center(whole.mean(axis=0)) == pytest.approx((40, 40), abs=0.6)


@pytest.mark.parametrize("fit", ["resample", "crop"])
def test_whole_pixels_are_moved_and_not_mixed(fit: str) -> None:
    """Moved by whole pixels the values are those of the cutout but for level and scale, and those
    from beyond its edge are bad.
    """
    cutout = _scene((43.0, 35.0))
    prepared = prepare_one(cutout, Preparation(size=81, fit=fit, stretch="none", centering="pixel"))  # type: ignore[arg-type]
    assert np.isnan(prepared[:, -3:]).all()
    assert np.isnan(prepared[:, :, :5]).all()
    assert np.isfinite(prepared[:, :-3, 5:]).all()
    slope, level = np.polyfit(
        cutout.pixels[0, 3:, :-5].ravel().astype(float), prepared[0, :-3, 5:].ravel(), 1
    )
    np.testing.assert_allclose(
        cutout.pixels[0, 3:, :-5] * slope + level, prepared[0, :-3, 5:], atol=1e-3
    )


def test_moving_by_parts_of_a_pixel_keeps_the_noise_at_one() -> None:
    """Half a pixel off, each new pixel is the mean of four: its scatter halves, and the noise is
    measured on such pixels.
    """
    cutout = _scene((40.5, 40.5), noise=3)
    moved, whole = np.empty((2, 4)), np.empty((2, 4))
    prepared = prepare_one(
        cutout, Preparation(size=81, stretch="none", centering="subpixel"), skies=moved
    )
    sky = prepared[:, 5:-5, 5:-5][:, border_mask(71, 10)]
    assert sky.std() == pytest.approx(1, abs=0.05)
    prepare_one(cutout, Preparation(size=81, stretch="none"), skies=whole)
    assert whole[:, 1] / moved[:, 1] == pytest.approx(2, rel=0.08)
    # and neighbors share two pixels of their four
    assert moved[:, 2:] == pytest.approx(0.5, abs=0.12)
    assert whole[:, 2:] == pytest.approx(0, abs=0.12)


@pytest.mark.parametrize("scale", [2.5, 4.0, 6.0])
@pytest.mark.parametrize("centering", ["none", "pixel", "subpixel"])
def test_extent_scales_galaxies_to_one_size(scale: float, centering: str) -> None:
    """Half of the light of the disc lies within 1.678 scales; 0.2 of 48 pixels is 9.6 pixels."""
    cutout = _scene(scale=scale, shape=(161, 161), center=(80, 80))
    prepared = prepare_one(
        cutout,
        Preparation(size=48, stretch="none", extent=0.2, centering=centering),  # type: ignore[arg-type]
    )
    assert _half_light(prepared.sum(axis=0)) == pytest.approx(9.6, rel=0.06)
    _, window = center_on_galaxy(cutout, Preparation(size=48, extent=0.2))
    assert window.side == pytest.approx(1.678 * scale / 0.2, rel=0.05)


def test_size_alone_does_not_move_the_galaxy_off_its_place() -> None:
    """Six rows and four columns off the middle in the cutout, it is as much further off as it is
    larger in the image.
    """
    prepared = prepare_one(
        _scene((86.0, 76.0), scale=5.0, shape=(161, 161)),
        Preparation(size=48, stretch="none", extent=0.15),
    )
    enlarged = 0.15 * 48 / (1.678 * 5.0)
    assert _center(prepared.mean(axis=0)) == pytest.approx(
        (23.5 + 6 * enlarged, 23.5 - 4 * enlarged), abs=0.4
    )


def test_the_sky_of_a_galaxy_that_fills_its_frame_is_measured_around_it() -> None:
    """Against the profile itself: what is prepared is that times a number, and nothing is taken
    away from it.
    """
    close = prepare_one(
        _scene(scale=5.0, shape=(161, 161), center=(80, 80)),
        Preparation(size=32, stretch="none", extent=0.45),
    )
    _, window = center_on_galaxy(
        _scene(scale=5.0, shape=(161, 161), center=(80, 80)), Preparation(size=32, extent=0.45)
    )
    steps = (np.arange(32) + 0.5) * window.side / 32 - window.side / 2
    profile = np.exp(-np.hypot(steps[:, None], steps) / 5)
    assert profile[border_mask(32, 3)].mean() > 0.1
    scale, level = np.polyfit(profile.ravel(), close[0].ravel(), 1)
    assert abs(level) < 0.02 * scale


def test_the_scale_has_limits() -> None:
    """No more than the cutout is shown, and no pixel is enlarged more than four times."""
    _, widest = center_on_galaxy(_scene(scale=6), Preparation(size=64, extent=0.01))
    assert widest.side == 81
    _, narrowest = center_on_galaxy(_scene(scale=2), Preparation(size=200, extent=0.5))
    assert narrowest.side == 50


def test_neighbors_become_bad_pixels_and_the_galaxy_does_not() -> None:
    cutout = _scene(others=((12, 15), (66, 70)))
    prepared = prepare_one(cutout, Preparation(size=81, neighbors="mask"))
    kept = prepare_one(cutout, Preparation(size=81))
    assert np.isnan(prepared[:, 12, 15]).all()
    assert np.isnan(prepared[:, 66, 70]).all()
    assert np.isfinite(prepared[:, 30:51, 30:51]).all()
    assert 0.01 < np.isnan(prepared).mean() < 0.1
    assert np.isfinite(kept).all()


def test_a_segmentation_map_decides_where_there_is_one() -> None:
    """The map calls one blob of two a neighbor and says that the other is sky, and gives the
    galaxy to the left half only.
    """
    plain = _scene(others=((12, 15), (66, 70)))
    labels = np.zeros((81, 81), np.int32)
    labels[8:17, 10:20] = 9
    labels[35:46, 30:41] = 4
    cutout = Cutout("a", plain.pixels, NAMES, segmentation=labels)
    prepared = prepare_one(cutout, Preparation(size=81, neighbors="mask"))
    np.testing.assert_array_equal(np.isnan(prepared[0]), labels == 9)
    _, window = center_on_galaxy(cutout, Preparation(size=81, centering="pixel"))
    assert window.left < -1
    empty = Cutout("a", plain.pixels, NAMES, segmentation=np.zeros((81, 81), np.int32))
    assert (
        center_on_galaxy(empty, Preparation(centering="subpixel"))[1]
        == center_on_galaxy(plain, Preparation(centering="subpixel"))[1]
    )


def test_maps_of_a_batch_are_used() -> None:
    cutout = _scene(others=((12, 15),))
    labels = np.zeros((81, 81), np.int32)
    labels[60:64, 3:9], labels[38:42, 38:42] = 2, 1
    noise = np.full((2, 81, 81), 4, np.float32)
    batch = Cutouts(
        cutout.pixels[None], ("a",), NAMES, noise=noise[None], segmentation=labels[None]
    )
    preparation = Preparation(size=81, neighbors="mask", noise="map")
    alone = prepare_one(
        Cutout("a", cutout.pixels, NAMES, noise=noise, segmentation=labels), preparation
    )
    assert prepare(batch, preparation).pixels[0].tobytes() == alone.tobytes()
    assert np.isnan(alone[0, 61, 5])


def test_without_an_object_centering_fails_or_keeps_the_cutout() -> None:
    noise = Cutout(
        "a", np.random.default_rng(0).normal(5, 1, (2, 64, 64)).astype(np.float32), NAMES
    )
    far = _scene((8, 8), 2.0)
    for cutout in (noise, far):
        with pytest.raises(
            CutoutError,
            match=(
                "shows no object within a quarter of its side from the center that rises "
                "above the sky by 4 "
                "sigma"
            ),
        ):
            prepare_one(cutout, Preparation(centering="pixel", threshold=4))
        kept = prepare_one(
            cutout, Preparation(centering="subpixel", extent=0.2, threshold=4, no_object="keep")
        )
        assert kept.tobytes() == prepare_one(cutout, Preparation()).tobytes()
    masked = prepare_one(far, Preparation(size=81, neighbors="mask"))
    # all there is are neighbors, and none to be centered on is needed
    assert np.isnan(masked[:, 8, 8]).all()


def test_the_threshold_is_obeyed() -> None:
    faint = _scene(scale=3.0, noise=60)
    assert center_on_galaxy(faint, Preparation(centering="pixel"))[1].side == 81
    with pytest.raises(CutoutError, match="rises above the sky by 60 sigma"):
        center_on_galaxy(faint, Preparation(centering="pixel", threshold=60))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_bad_pixels_have_no_effect(value: float) -> None:
    cutout = _scene((42.3, 38.1), others=((12, 15),))
    hole = np.zeros(cutout.pixels.shape, bool)
    hole[:, 41:43, 40:42] = True
    hole[1, :9] = True
    preparation = Preparation(size=48, neighbors="mask", centering="subpixel", extent=0.15)
    spoiled = prepare_one(
        Cutout("a", np.where(hole, np.float32(value), cutout.pixels), NAMES), preparation
    )
    again = prepare_one(
        Cutout("a", np.where(hole, np.float32(np.nan), cutout.pixels), NAMES), preparation
    )
    assert spoiled.tobytes() == again.tobytes()
    whole = prepare_one(cutout, preparation)
    assert np.count_nonzero(np.isnan(spoiled)) > np.count_nonzero(np.isnan(whole))
    both = np.isfinite(spoiled) & np.isfinite(whole)
    # the hole at the center moves it by a little
    assert np.abs(spoiled - whole)[both].mean() < 0.25


def test_unit_and_sky_do_not_matter_and_nothing_is_written_to() -> None:
    cutout = _scene((42.3, 38.1), others=((12, 15),))
    before = cutout.pixels.copy()
    preparation = Preparation(
        size=48, neighbors="mask", centering="subpixel", extent=0.15, sky="clipped"
    )
    expected = prepare_one(cutout, preparation)
    np.testing.assert_array_equal(cutout.pixels, before)
    for other in (
        cutout.pixels * np.float32(1e-12),
        cutout.pixels * np.float32(1e20),
        cutout.pixels + np.float32(500),
    ):
        found = prepare_one(Cutout("a", other, NAMES), preparation)
        np.testing.assert_allclose(found, expected, atol=2e-3)


def test_oblong_cutouts_are_centered_outside_their_central_square() -> None:
    """The galaxy lies 8 columns right of the middle of 61 x 121 pixels: there are pixels on both of
    its sides.
    """
    cutout = _scene((30.0, 68.0), shape=(61, 121))
    prepared = prepare_one(cutout, Preparation(size=61, stretch="none", centering="pixel"))
    assert np.isfinite(prepared).all()
    assert _center(prepared.mean(axis=0)) == pytest.approx((30, 30), abs=0.6)


@pytest.mark.parametrize("corner", [(20, 20), (17, 26), (25, 18)])
def test_the_result_does_not_depend_on_the_frame_of_the_cutout(corner: tuple[int, int]) -> None:
    """Three cutouts of one field show the same pixels once they are centered; sky and noise are
    measured on frames that differ a little.
    """
    field = _scene((60.3, 60.8), shape=(121, 121), others=((48, 70),)).pixels
    top, left = corner
    preparation = Preparation(
        size=48, fit="crop", stretch="none", centering="pixel", neighbors="mask"
    )
    expected = prepare_one(Cutout("a", field[:, 20:101, 20:101], NAMES), preparation)
    found = prepare_one(Cutout("a", field[:, top : top + 81, left : left + 81], NAMES), preparation)
    both = np.isfinite(expected) & np.isfinite(found)
    assert both.mean() > 0.95
    np.testing.assert_allclose(found[both], expected[both], rtol=0.05, atol=0.15)


def test_the_result_does_not_depend_on_the_pixel_scale() -> None:
    """The same field in pixels twice as large comes out the same but for the noise that it is
    measured by.

    The mean over L pixels with ends at any place has the variance (L - 1/3) / L^2 of one pixel,
    along each axis: new pixels of 3.1 fine ones have 0.285, and of 1.57 coarse ones, themselves
    means of two, 0.251. Noise falls by that ratio, and light over noise rises by it.
    """
    light = _scene((80.4, 79.3), scale=9.0, shape=(160, 160), noise=0).pixels
    preparation = Preparation(size=32, stretch="none", centering="subpixel", extent=0.15)
    scales = []
    for seed in range(8):
        field = light + np.random.default_rng(seed).normal(0, 6, light.shape).astype(np.float32)
        binned = field.reshape(2, 80, 2, 80, 2).mean(axis=(2, 4))
        fine, coarse = (
            prepare_one(Cutout("a", pixels, NAMES), preparation) for pixels in (field, binned)
        )
        scale, level = np.polyfit(fine.ravel(), coarse.ravel(), 1)
        scales.append(scale)
        assert abs(level) < 0.5
        assert np.corrcoef(fine.ravel(), coarse.ravel())[0, 1] > 0.99
    assert np.median(scales) == pytest.approx(0.285 / 0.251, rel=0.05)


def test_bands_without_light_are_named() -> None:
    cutout = _scene()
    for value, said in {
        np.nan: "band r has no good pixel",
        3: "band r has one value nearly everywhere",
    }.items():
        pixels = cutout.pixels.copy()
        pixels[1] = value
        with pytest.raises(CutoutError, match=said):
            prepare_one(Cutout("a", pixels, NAMES), Preparation(centering="pixel"))


def test_significance_is_light_over_noise() -> None:
    found = significance(_scene(noise=4))
    edge = found[:, border_mask(81, 8)]
    assert np.median(edge) == pytest.approx(0, abs=0.05)
    assert edge.std() == pytest.approx(1, abs=0.1)
    assert found[0, 40, 40] == pytest.approx(200 / 4, rel=0.15)
    assert segment(found[0])[40, 40] > 0


def test_real_galaxies_are_found_and_neighbors_masked(real_data: Path) -> None:
    """KiDS and SDSS cutouts of one galaxy come with maps of segments and noise: both telescopes
    show it alike once it is centered.
    """
    source = open_source(real_data / "fits" / "kids_sdss")
    cutouts = {each.id: each for shard in source.shards() for each in source.read(shard).cutouts}
    assert len(cutouts) == 10
    preparation = Preparation(
        size=32, noise="map", neighbors="mask", centering="subpixel", extent=0.15
    )
    for name, cutout in cutouts.items():
        if not name.startswith("KiDS"):
            continue
        other = cutouts[name.replace("KiDS", "SDSS")]
        assert cutout.segmentation is not None
        ours, theirs = (prepare_one(each, preparation)[0] for each in (cutout, other))
        both = np.isfinite(ours) & np.isfinite(theirs)
        assert both.mean() > 0.8
        unaimed = [prepare_one(each, Preparation(size=32))[0] for each in (cutout, other)]
        alike = np.corrcoef(ours[both], theirs[both])[0, 1]
        assert alike > 0.7, name
        assert alike > np.corrcoef(*[each.ravel() for each in unaimed])[0, 1] + 0.03, name


# Skies and noise by choice


def test_a_given_sky_level_is_subtracted_and_none_is_not() -> None:
    cutout = _scene(noise=2)
    border, given, none = (
        prepare_one(cutout, Preparation(size=81, stretch="none", sky=sky))[0].astype(float)
        for sky in ("border", 50.0, "none")
    )
    noise = np.median(none - given) / 50
    assert 1 / noise == pytest.approx(2, rel=0.1)
    np.testing.assert_allclose(none - given, 50 * noise, rtol=1e-3)
    assert np.median(border[border_mask(81, 8)]) == pytest.approx(0, abs=1e-3)


def test_sigma_clipping_is_astropys_and_removes_a_neighbor() -> None:
    values = np.concatenate(
        [
            np.random.default_rng(0).normal(10, 2, 2000),
            np.random.default_rng(1).uniform(15, 200, 500),
        ]
    )
    _, theirs, _ = sigma_clipped_stats(
        values, sigma=3, maxiters=None, cenfunc="median", stdfunc="mad_std"
    )
    assert clipped_median(values) == pytest.approx(theirs, rel=1e-3)
    assert abs(clipped_median(values) - 10) < 0.6 * abs(np.median(values) - 10)
    assert clipped_median(np.array([1.0, 2, 3, 100])) == 2
    assert clipped_median(np.array([4.0, 4, 4, 9])) == 4
    assert clipped_median(np.array([7.0])) == 7


def test_a_clipped_sky_is_that_of_the_border() -> None:
    cutout = _scene(others=((3, 40), (40, 2), (77, 30)))
    plain = prepare_one(cutout, Preparation(size=81, stretch="none", sky="none"))[0].astype(float)
    clipped = prepare_one(cutout, Preparation(size=81, stretch="none", sky="clipped"))[0].astype(
        float
    )
    assert (plain - clipped).mean() == pytest.approx(
        clipped_median(plain[border_mask(81, 8)]), rel=1e-6
    )


def test_noise_by_the_median_absolute_deviation() -> None:
    cutout = _scene(noise=2)
    native = cutout.pixels[0].astype(float)
    values = native[border_mask(81, 8)]
    np.testing.assert_array_equal(np.sort(border_values(native, 8)), np.sort(values))
    sigma = 1.4826 * np.median(np.abs(values - np.median(values)))
    assert mad_sigma(values, float(np.median(values))) == pytest.approx(sigma)
    prepared = prepare_one(cutout, Preparation(size=81, stretch="none", noise="mad"))
    np.testing.assert_allclose(
        prepared[0], (native - np.median(values)) / sigma, rtol=1e-4, atol=1e-5
    )


def test_noise_of_a_map_by_pencil() -> None:
    """A map of 4 in the frame: the light is divided by 4, whatever the map says where the galaxy
    is.
    """
    cutout = _scene()
    noise = np.full((2, 81, 81), 4, np.float32)
    noise[:, 20:60, 20:60] = 30
    noise[:, 0, :30] = np.nan  # not known, or no noise
    noise[:, :30, 0] = 0
    preparation = Preparation(size=81, stretch="none", noise="map")
    prepared = prepare_one(Cutout("a", cutout.pixels, NAMES, noise=noise), preparation)
    sky = np.median(cutout.pixels[0][border_mask(81, 8)])
    np.testing.assert_allclose(prepared[0], (cutout.pixels[0] - sky) / 4, atol=1e-4)
    with pytest.raises(
        CutoutError, match="band g has no noise map; set noise to 'sky', or to 'map_if_any'"
    ):
        prepare_one(cutout, preparation)
    either = Preparation(size=81, stretch="none", noise="map_if_any")
    assert (
        prepare_one(cutout, either).tobytes()
        == prepare_one(cutout, Preparation(size=81, stretch="none")).tobytes()
    )
    assert (
        prepare_one(Cutout("a", cutout.pixels, NAMES, noise=noise), either).tobytes()
        == prepared.tobytes()
    )
    with pytest.raises(CutoutError, match="band g has a noise map without enough positive values"):
        prepare_one(Cutout("a", cutout.pixels, NAMES, noise=noise * 0), preparation)


@pytest.mark.parametrize("size", [81, 40, 27, 120])
@pytest.mark.parametrize("centering", ["none", "subpixel"])
def test_a_true_map_gives_the_noise_that_is_there_after_resampling(
    size: int, centering: str
) -> None:
    """Noise of 1 in the upper half and 3 in the lower one: what the new pixels scatter by is what
    the map says they do.
    """
    sigma = np.where(np.arange(81)[:, None] < 40, 1.0, 3.0) * np.ones((81, 81))
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:81, :81]
    light = 400 * np.exp(-np.hypot(y - 41.3, x - 40.2) / 2)
    pixels = np.stack([light + rng.normal(0, 1, (81, 81)) * sigma for _ in range(30)]).astype(
        np.float32
    )
    noise = np.broadcast_to(sigma, pixels.shape).astype(np.float32)
    cutout = Cutout("a", pixels, tuple(f"b{i}" for i in range(30)), noise=noise)
    prepared = prepare_one(
        cutout,
        Preparation(size=size, stretch="none", sky="none", noise="map", centering=centering),  # type: ignore[arg-type]
    )
    edge = max(2, size // 10)
    scatter = (
        prepared[:, edge : 2 * edge].std(axis=0).mean(),
        prepared[:, -2 * edge : -edge].std(axis=0).mean(),
    )
    assert scatter[1] == pytest.approx(3 * scatter[0], rel=0.1)
    assert scatter[0] < 1.1  # the median of the two halves lies at one of them or between
    assert scatter[1] > 0.9
