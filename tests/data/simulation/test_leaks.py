"""What a rendered survey may tell of a class, and what it may not."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from galfeat.data import Cutout, Preparation, SimulatedSurvey, prepare_one, simulate, write_survey
from galfeat.data.simulation.render import render
from galfeat.data.simulation.truth import STATES, draw_galaxy
from galfeat.features import HOG

Floats = NDArray[np.float64]

SMOOTH = 700
SIZE = 32


def _told(values: Floats, labels: NDArray[np.str_]) -> float:
    """Return the better of a linear and a non-linear classifier, balanced accuracy."""
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    forest = RandomForestClassifier(60, min_samples_leaf=8, random_state=0)
    return max(
        float(balanced_accuracy_score(labels, cross_val_predict(each, values, labels, cv=4)))
        for each in (linear, forest)
    )


@pytest.fixture(scope="module")
def smooth() -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Return smooth galaxies, shape (n, 3, SIZE, SIZE) in F606W, F814W and F160W, and their
    states.
    """
    states = np.random.default_rng(0).permutation(np.repeat(STATES, SMOOTH // 2))
    drawn = [draw_galaxy(number, "q_sf", str(state), 31) for number, state in enumerate(states)]
    return np.stack(
        [render(galaxy, SIZE, ["F606W", "F814W", "F160W"], "wide", 31) for galaxy in drawn]
    ), states


@pytest.mark.slow
def test_one_band_cannot_tell_quiescent_from_star_forming(
    smooth: tuple[NDArray[np.float32], NDArray[np.str_]],
) -> None:
    pixels, states = smooth
    prepared = [
        prepare_one(Cutout("a", each, ("F814W",)), Preparation(size=SIZE))
        for each in pixels[:, 1:2]
    ]
    features = HOG().fit_transform(np.stack(prepared))
    flux = pixels[:, 1].sum(axis=(1, 2))
    measured = np.column_stack(
        [
            PCA(12, random_state=0).fit_transform(features),
            np.log(np.maximum(flux, 1e-3)),
            pixels[:, 1].max(axis=(1, 2)),
        ]
    )
    assert _told(measured, states) < 0.5 + 3.5 * 0.5 / np.sqrt(SMOOTH)
    shapes = PCA(12, random_state=0).fit_transform(np.stack(prepared).reshape(SMOOTH, -1))
    assert _told(shapes, states) < 0.5 + 3.5 * 0.5 / np.sqrt(SMOOTH)


def test_colors_distinguish_the_states(
    smooth: tuple[NDArray[np.float32], NDArray[np.str_]],
) -> None:
    pixels, states = smooth
    middle = slice(SIZE // 2 - 5, SIZE // 2 + 5)
    blue, red, infrared = pixels[:, :, middle, middle].sum(axis=(2, 3), dtype=float).T
    colors = np.stack([np.arctan2(blue, red), np.arctan2(red, infrared)], axis=1)
    assert _told(colors, states) > 0.8


@pytest.mark.slow
def test_colors_of_the_whole_tell_spirals_clumpy_and_smooth_disks_no_better_than_chance() -> None:
    """Arms and clumps are blue and bulges red, yet measured on the image the galaxies as wholes
    have the same colors.
    """
    labels = np.random.default_rng(0).permutation(np.repeat(["spiral", "clump", "q_sf"], 150))
    drawn = [
        draw_galaxy(number, str(label), "star_forming", 41) for number, label in enumerate(labels)
    ]
    pixels = np.stack(
        [render(galaxy, 48, ["F606W", "F814W", "F160W"], "wide", 41) for galaxy in drawn]
    )
    axis = np.arange(48) - 23.5
    blue, red, infrared = (
        pixels[:, :, np.hypot(axis[None, :], axis[:, None]) < 20].sum(axis=2, dtype=float).T
    )
    colors = np.stack([np.arctan2(blue, red), np.arctan2(red, infrared)], axis=1)
    assert _told(colors, labels) < 1 / 3 + 3.5 * np.sqrt(2 / 9 / 450)


@pytest.mark.slow
def test_the_border_of_an_image_reveals_no_class() -> None:
    """Corners of the images: level and noise."""
    cutouts = simulate(600, size=48, bands=("F814W",), seed=21)
    corner = np.concatenate(
        [
            cutouts.pixels[:, 0, rows, :6].reshape(600, -1)
            for rows in (slice(0, 6), slice(-6, None))
        ],
        axis=1,
    )
    level = np.median(corner, axis=1)
    sky = np.column_stack([level, np.median(np.abs(corner - level[:, None]), axis=1)])
    assert _told(sky, cutouts.labels) < 0.2 + 4 * 0.4 / np.sqrt(600)


def test_no_header_differs_but_in_name_and_place(tmp_path: Path) -> None:
    survey = SimulatedSurvey(10, size=16, bands=("F814W",), seed=1)
    write_survey(survey, tmp_path)
    headers = [fits.getheader(file) for file in sorted(tmp_path.glob("*.fits"))]
    assert len({tuple(header) for header in headers}) == 1
    differing = {key for key in headers[0] if len({header[key] for header in headers}) > 1}
    assert differing == {"OBJECT", "CRVAL1"}
    for number, header in enumerate(headers):
        assert header["OBJECT"] == f"sim{number:06d}"
        steps = (
            (header["CRVAL1"] - headers[0]["CRVAL1"])
            * np.cos(np.radians(header["CRVAL2"]))
            * 3600
            / 30
        )
        assert steps == pytest.approx(number, abs=1e-6)
    assert {file.stat().st_size for file in tmp_path.glob("*.fits")} == {5760}
