"""The portrait of a galaxy: whether what is drawn is what was measured, and what is said where
nothing can be.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Circle, Ellipse, StepPatch

from galfeat import CutoutError, UsageError
from galfeat.data import Cutout, Preparation, Shard, SimulatedSurvey, prepare_one
from galfeat.features import HOG, ColorHistogram, Shape, Texture
from galfeat.pipeline import show
from galfeat.pipeline.figures.portrait import find_cutout, portrait
from galfeat.pipeline.figures.portrait_panels import BAD, ShownGalaxy, cell_means
from galfeat.pipeline.figures.render import render

SMALL = Preparation(size=32)


@pytest.fixture(scope="module")
def galaxy() -> Cutout:
    return SimulatedSurvey(3, size=32, depth="deep", seed=3).read(Shard(0, 1)).cutouts[0]


@pytest.fixture(scope="module")
def figure(galaxy: Cutout) -> Figure:
    return portrait(galaxy, SMALL)


def titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]


def axes_of(figure: Figure, title: str) -> object:
    return next(axes for axes in figure.axes if axes.get_title(loc="left").startswith(title))


def test_everything_is_there_and_named(figure: Figure) -> None:
    said = titles(figure)
    assert len(said) == 10
    for word in (
        "The galaxy",
        "HOG",
        "SIFT",
        "Local binary patterns",
        "Brightness",
        "Color: F606W and F814W",
        "Co-occurrence",
        "Frequency",
        "Shape",
        "Numbers of the shape",
    ):
        assert any(title.startswith(word) for title in said), word
    for axes in figure.axes:
        title = axes.get_title(loc="left")
        if title and not title.startswith("Numbers"):
            assert axes.get_ylabel()


def test_histograms_are_the_vector(figure: Figure, galaxy: Cutout) -> None:
    vector = ColorHistogram().transform(prepare_one(galaxy, SMALL)[None])[0]
    steps = [
        patch
        for patch in axes_of(figure, "Brightness").patches  # type: ignore[attr-defined]
        if isinstance(patch, StepPatch)
    ]
    for number, step in enumerate(steps):
        values = np.asarray(step.get_data()[0])
        expected = vector[32 * number : 32 * (number + 1)]
        assert np.allclose(values[expected > 1e-4], expected[expected > 1e-4])
    joint = axes_of(figure, "Color").images[0].get_array()  # type: ignore[attr-defined]
    assert np.allclose(np.ma.filled(joint, 0).T.ravel(), vector[96 : 96 + 64])


def test_patterns_are_the_vector(figure: Figure, galaxy: Cutout) -> None:
    texture = Texture()
    pixels = prepare_one(galaxy, SMALL)
    vector = dict(
        zip(
            texture.feature_names(galaxy.bands, (32, 32)),
            texture.transform(pixels[None])[0],
            strict=True,
        )
    )
    bars = axes_of(figure, "Frequency").patches  # type: ignore[attr-defined]
    heights = [bar.get_height() for bar in bars]
    expected = [vector[f"F814W_lbp_r3_{name}"] for name in [*range(25), "other"]]
    assert np.allclose(heights, np.maximum(expected, 1e-4))
    shown = axes_of(figure, "Local").images[0].get_array().compressed()  # type: ignore[attr-defined]
    assert np.allclose(np.bincount(shown, minlength=26) / shown.size, expected)


def test_the_matrix_is_the_one_whose_statistics_stand_beside_it(figure: Figure) -> None:
    axes = axes_of(figure, "Co-occurrence")
    matrix = np.ma.filled(axes.images[0].get_array(), 0)  # type: ignore[attr-defined]
    i, j = np.indices(matrix.shape)
    assert matrix.sum() == pytest.approx(1)
    said = next(text.get_text() for text in axes.texts if "contrast" in text.get_text())  # type: ignore[attr-defined]
    assert f"contrast {(matrix * (i - j) ** 2).sum():.2f}" in said


@pytest.mark.slow
def test_strokes_run_along_the_edge() -> None:
    y, x = np.indices((32, 32))
    for slope, along in ((x, 90.0), (y, 0.0), (x + y, 135.0), (x - y, 45.0)):
        hill = np.random.default_rng(1).normal(0, 0.05, (1, 32, 32)) + slope
        drawn = portrait(Cutout("edge", hill.astype(np.float32), ("r",)), SMALL)
        axes = axes_of(drawn, "HOG")
        strokes = next(each for each in axes.collections if isinstance(each, LineCollection))  # type: ignore[attr-defined]
        ends = np.array(strokes.get_segments())
        step = ends[:, 1] - ends[:, 0]
        longest = step[np.hypot(*step.T).argmax()]
        angle = np.degrees(np.arctan2(longest[1], longest[0])) % 180
        assert min(abs(angle - along), 180 - abs(angle - along)) <= 10.001, (
            "within half of one of the nine directions"
        )


def test_a_cell_is_the_mean_of_its_blocks() -> None:
    pixels = np.random.default_rng(2).normal(size=(1, 24, 16)).astype(np.float32)
    hog = HOG(orientations=4)
    vector = dict(
        zip(hog.feature_names(["g"], (24, 16)), hog.transform(pixels[None])[0], strict=True)
    )
    cells = cell_means(hog, ShownGalaxy(pixels, ("g",)))
    assert cells.shape == (3, 2, 4)
    assert cells[0, 1, 2] == pytest.approx(vector["g_b0_0_c0_1_o2"])
    assert cells[1, 0, 3] == pytest.approx(
        (vector["g_b0_0_c1_0_o3"] + vector["g_b1_0_c0_0_o3"]) / 2
    )


def test_a_round_spot_is_a_keypoint_where_it_is() -> None:
    y, x = np.indices((64, 64))
    spot = np.random.default_rng(3).normal(0, 1, (64, 64)) + 200 * np.exp(
        -((y - 40) ** 2 + (x - 20) ** 2) / 18
    )
    drawn = portrait(Cutout("spot", spot[None].astype(np.float32), ("r",)))
    codes = axes_of(drawn, "Local").images[0].get_array()  # type: ignore[attr-defined]
    assert codes[40, 20] == 0, "no point around the peak is brighter"
    assert 6 < codes[43, 20] < 18, "its slope is an edge"
    axes = axes_of(drawn, "SIFT")
    rings = [patch for patch in axes.patches if isinstance(patch, Circle)]  # type: ignore[attr-defined]
    assert any(np.hypot(ring.center[0] - 20, ring.center[1] - 40) < 1.5 for ring in rings)


def test_bad_pixels_are_marked_and_counted(galaxy: Cutout) -> None:
    pixels = galaxy.pixels.copy()
    pixels[0, 3:5, 4:9] = np.nan
    drawn = portrait(replace(galaxy, pixels=pixels), SMALL)
    assert "bad in any band (10 pixels)" in drawn.legends[0].get_texts()[0].get_text()
    overlay = axes_of(drawn, "The galaxy").images[1].get_array()  # type: ignore[attr-defined]
    assert np.argwhere(overlay[..., 3] > 0).tolist() == [
        [y, x] for y in (3, 4) for x in range(4, 9)
    ]
    assert np.allclose(overlay[3, 4, :3], to_rgb(BAD))
    assert not portrait(galaxy, SMALL).legends


def test_the_map_of_patterns_is_open_around_a_bad_pixel_and_along_the_border(
    galaxy: Cutout,
) -> None:
    pixels = galaxy.pixels.copy()
    pixels[:, 14, 12] = np.nan
    axes = axes_of(portrait(replace(galaxy, pixels=pixels), SMALL), "Local")
    unknown = np.ma.getmaskarray(axes.images[0].get_array())  # type: ignore[attr-defined]
    # points lie three pixels away, or between two and three
    assert np.flatnonzero(unknown[:, 12]).tolist() == [0, 1, 2, 11, 12, 14, 16, 17, 29, 30, 31], (
        "points lie three pixels away or between two and three"
    )
    assert np.flatnonzero(unknown[14]).tolist() == [0, 1, 2, 9, 10, 12, 14, 15, 29, 30, 31]


def test_fits_lie_on_their_first_row_and_pictures_hang_from_it(galaxy: Cutout) -> None:
    for name, origin in (("a.fits", "lower"), ("a.jpg", "upper")):
        drawn = portrait(replace(galaxy, file=name), SMALL)
        images = [
            image for axes in drawn.axes for image in axes.images if axes.get_xlabel() == "column"
        ]
        assert {image.origin for image in images if isinstance(image, AxesImage)} == {origin}


@pytest.mark.parametrize("count", [1, 2, 5])
def test_any_number_of_bands(count: int) -> None:
    survey = SimulatedSurvey(
        1, size=32, bands=("F435W", "F606W", "F814W", "F125W", "F160W")[:count]
    )
    drawn = portrait(survey.read(Shard(0, 1)).cutouts[0], SMALL)
    assert len(titles(drawn)) == 10
    if count == 1:
        assert axes_of(drawn, "Color").texts[0].get_text() == "one band has no color"  # type: ignore[attr-defined]


@pytest.mark.slow
def test_what_cannot_be_measured_says_why(galaxy: Cutout) -> None:
    pixels = galaxy.pixels.copy()
    pixels[1, ::2, ::2] = np.nan  # every circle touches one of these
    drawn = portrait(replace(galaxy, pixels=pixels), SMALL)
    panel = axes_of(drawn, "Texture")
    assert "not measured" in panel.texts[0].get_text()  # type: ignore[attr-defined]
    assert "HOG: edges" in titles(drawn)


@pytest.mark.slow
def test_the_same_galaxy_gives_the_same_bytes(galaxy: Cutout) -> None:
    assert render(portrait(galaxy, SMALL), "png") == render(portrait(galaxy, SMALL), "png")


@pytest.mark.slow
def test_one_of_several_galaxies_is_chosen_by_its_id(survey: Path, tmp_path: Path) -> None:
    assert find_cutout(survey, "sim000007").id == "sim000007"
    with pytest.raises(
        UsageError,
        match=(
            r"holds 90 galaxies; choose one by its id, such as sim000000, sim000001, sim000002 and "
            r"87 more"
        ),
    ):
        find_cutout(survey)
    with pytest.raises(UsageError, match=r"there is no galaxy 'foo'; there are sim000000"):
        find_cutout(survey, "foo")
    assert (
        show(survey, tmp_path / "a" / "fig.svg", id="sim000003", preparation=SMALL)
        .read_bytes()
        .startswith(b"<?xml")
    )


def test_several_galaxies_of_one_file(tmp_path: Path) -> None:

    planes = np.random.default_rng(4).normal(size=(3, 32, 32)).astype(np.float32)
    path = tmp_path / "many.fits"
    fits.HDUList([fits.PrimaryHDU(), *(fits.ImageHDU(plane) for plane in planes)]).writeto(path)
    assert np.array_equal(find_cutout(path, "many[1]", layout="galaxies").pixels[0], planes[1])
    with pytest.raises(UsageError, match=r"3 galaxies; choose one by its id, such as many\[0\]"):
        find_cutout(path, layout="galaxies")
    found = find_cutout(tmp_path, "many[2]", layout="galaxies")
    assert np.array_equal(found.pixels[0], planes[2])
    for wrong in (None, "many"):
        with pytest.raises(UsageError, match=r"its 3 galaxies by its id: many\[0\], many\[1\], m"):
            find_cutout(tmp_path, wrong, layout="galaxies")
    (tmp_path / "catalog.csv").write_text("id,file\nm,many.fits\n")
    with pytest.raises(CutoutError, match="holds 3 galaxies for one row of the catalog: choose"):
        find_cutout(tmp_path, "m", layout="galaxies")


def test_what_cannot_be_prepared_is_refused() -> None:
    with pytest.raises(CutoutError, match="5 x 5 pixels"):
        portrait(Cutout("tiny", np.zeros((1, 5, 5), dtype=np.float32), ("r",)))
    with pytest.raises(CutoutError, match="no good pixel"):
        portrait(Cutout("masked", np.full((1, 64, 64), np.nan, dtype=np.float32), ("r",)))


def test_what_cannot_be_drawn_is_named(tmp_path: Path) -> None:
    path = tmp_path / "flat.fits"
    fits.PrimaryHDU(np.ones((40, 40), np.float32)).writeto(path)
    with pytest.raises(CutoutError, match=r"flat\.fits: flat: .*constant"):
        show(path, tmp_path / "figure.png")
    assert not (tmp_path / "figure.png").exists()


@pytest.mark.slow
def test_real_galaxies(real_data: Path, tmp_path: Path) -> None:
    picture = sorted((real_data / "efigi" / "images").glob("*.jpg"))[0]
    file = sorted((real_data / "fits").rglob("*fitim.fits"))[0]
    for path in (picture, file):
        assert show(path, tmp_path / "fig.png").stat().st_size > 50_000


def test_the_shape_is_what_was_measured(figure: Figure, galaxy: Cutout) -> None:
    table = Shape().measure_scalars(prepare_one(galaxy, SMALL)[None], bands=galaxy.bands)
    radius = float(table.column("detection_r_petro_ellip")[0])
    ellipses = [
        patch
        for patch in axes_of(figure, "Shape").patches  # type: ignore[attr-defined]
        if isinstance(patch, Ellipse)
    ]
    assert max(each.width for each in ellipses) == pytest.approx(2 * radius)
    words = [text.get_text() for text in axes_of(figure, "Numbers").texts]  # type: ignore[attr-defined]
    assert f"{float(table.column('detection_gini')[0]):.3f}" in words
