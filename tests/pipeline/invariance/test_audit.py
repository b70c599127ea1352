"""The audit: whether it measures what it says, and whether every extractor keeps its promises."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data import Preparation, SimulatedSurvey
from galfeat.data.simulation.instrument import BANDS, NoiseLevel
from galfeat.data.simulation.render import expose, fine_grid, observe
from galfeat.data.simulation.scene import Scene, draw_scene
from galfeat.data.simulation.truth import stream
from galfeat.features import EXTRACTORS, HOG, INVARIANCES, ColorHistogram, Pixels
from galfeat.pipeline import Audit, audit
from galfeat.pipeline.figures.render import render
from galfeat.pipeline.invariance.audit import (
    default_extractors,
    relative_change,
    squared_changes,
    standard_deviations,
)
from galfeat.pipeline.invariance.figure import audit_chart, audit_text, write_audit
from galfeat.pipeline.invariance.images import (
    AMOUNTS,
    NEW_EXPOSURES,
    changed_images,
    transform_scene,
)


class Liar(Pixels):
    """Promises what pixels cannot keep."""

    @property
    def promises(self) -> frozenset[str]:
        return frozenset({"flip"})


@pytest.fixture(scope="module")
def everything() -> Audit:
    return audit(n=16, size=40, depth="deep")


@pytest.mark.slow
def test_every_promise_of_every_extractor_is_kept(everything: Audit) -> None:
    assert [str(row) for row in everything.broken] == []
    assert set(everything.extractors) >= set(EXTRACTORS)
    for name, extractor in default_extractors().items():
        assert {
            row.change for row in everything.rows if row.extractor == name and row.promised
        } == extractor.promises


def test_every_change_is_measured_in_the_table(everything: Audit) -> None:
    assert list(AMOUNTS) == list(INVARIANCES)
    assert len(everything.rows) == len(everything.extractors) * len(INVARIANCES)
    assert everything.table.column_names == [
        "extractor",
        "change",
        "amount",
        "relative_change",
        "low",
        "high",
        "promised",
        "kept",
    ]
    for row in everything.rows:
        assert 0 <= row.low <= row.high <= math.sqrt(2)
        assert row.low - 1e-9 <= row.relative_change <= row.high + 1e-9 or row.change in (
            *NEW_EXPOSURES,
        )


def test_pixels_react_to_every_change_and_histograms_not_to_position(everything: Audit) -> None:
    assert all(
        everything.of("pixels", change).low > 0.1
        for change in ("sky", "flux", "rotation90", "flip", "shift", "noise")
    )
    assert everything.of("color", "flip").relative_change == 0
    assert everything.of("color", "sky").relative_change > 0.5


def test_a_false_promise_is_found_and_named() -> None:
    found = audit({"liar": Liar(), "honest": HOG()}, n=8, size=32)
    assert [(row.extractor, row.change) for row in found.broken] == [("liar", "flip")]
    assert str(found.broken[0]).startswith(
        "liar breaks its promise of flip (left to right): relative change 0.9"
    )
    assert "BROKEN" in audit_text(found)


def test_the_seed_decides_everything() -> None:
    settings = {"n": 5, "size": 32, "bands": ("F814W",)}
    first = audit({"color": ColorHistogram()}, **settings)  # type: ignore[arg-type]
    assert audit({"color": ColorHistogram()}, **settings) == first  # type: ignore[arg-type]
    assert audit({"color": ColorHistogram()}, seed=1, **settings) != first  # type: ignore[arg-type]


def test_one_galaxy_has_nothing_to_be_compared_with() -> None:
    with pytest.raises(UsageError, match="n must be at least 2"):
        audit(n=1)


def test_a_relative_change_with_a_pencil() -> None:
    before, after = np.array([[0.0, 7.0], [2.0, 7.0]]), np.array([[1.0, 7.0], [2.0, 7.0]])
    variance = (1.25**2 + 2 * 0.75**2 + 0.25**2) / 4  # of 0, 2, 1, 2
    assert standard_deviations(before, after).tolist() == pytest.approx([variance**0.5, 0])
    assert squared_changes(
        before, after, standard_deviations(before, after)
    ).tolist() == pytest.approx([1 / (2 * variance), 0])
    assert squared_changes(before, -before, standard_deviations(before, -before))[
        1
    ] == pytest.approx((4**2 / (2 * 2) + 14**2 / (2 * 7**2)) / 2)  # of 0, 2, 0, -2 and of ±7


def test_noise_is_taken_off_both_the_change_and_the_distance() -> None:
    assert relative_change(0.64, 0.0) == pytest.approx(0.8)
    assert relative_change(0.82, 0.64) == pytest.approx((0.18 / 0.36) ** 0.5)
    assert relative_change(0.5, 0.6) == 0
    assert relative_change(9.0, 0.0) == pytest.approx(2**0.5)


def test_a_new_exposure_is_not_what_enlarging_does(everything: Audit) -> None:
    noise, scale = (
        everything.of("pixels", change).relative_change for change in ("noise", "scale")
    )
    assert scale < 0.8 * noise


def test_shuffled_galaxies_change_by_one() -> None:
    vectors = np.random.default_rng(3).normal(5, [1, 100, 1e-5], (4000, 3))
    assert standard_deviations(vectors[:2000], vectors[2000:]) == pytest.approx(
        [1, 100, 1e-5], rel=0.05
    )
    assert squared_changes(
        vectors[:2000], vectors[2000:], standard_deviations(vectors[:2000], vectors[2000:])
    ).mean() == pytest.approx(1, abs=0.03)


def test_rounding_of_a_constant_feature_is_no_change() -> None:
    before = np.full((4, 1), 3.0, dtype=np.float32)
    after = np.nextafter(before, 4)
    assert squared_changes(before, after, standard_deviations(before, after)).tolist() == [
        0,
        0,
        0,
        0,
    ]
    # more columns than are compared at once: each 0, 1, 2, 3 times 2500, and 1, 2, 3, 4
    wide = np.arange(4 * 2500.0).reshape(4, 2500)
    assert squared_changes(
        wide, wide + 2500, standard_deviations(wide, wide + 2500)
    ) == pytest.approx(1 / 2 / 1.5)


def light_of(scene: Scene, size: int) -> np.ndarray:
    fluxes = [(point, float(point.fluxes[0])) for point in scene.points]
    return observe(scene.light[0], fluxes, size, 2.0)


SURVEY = SimulatedSurvey(40, size=48, bands=("F814W",), seed=2)


@pytest.mark.parametrize("number", range(4))
def test_turning_the_sky_by_a_right_angle_turns_the_picture(number: int) -> None:
    scene = draw_scene(SURVEY.galaxies[number], SURVEY.bands, fine_grid(48), 2)
    turned = light_of(transform_scene(scene, angle=90), 48)
    expected = np.rot90(light_of(scene, 48), -1)  # from x toward y: rows count upwards
    assert np.abs(turned - expected)[2:-2, 2:-2].max() < 1e-4 * expected.max()


@pytest.mark.parametrize(("angle", "zoom"), [(0.0, 1.0), (27.0, 1.0), (0.0, 1.15), (130.0, 0.9)])
def test_moving_light_is_as_good_as_drawing_the_galaxy_so(angle: float, zoom: float) -> None:
    for galaxy in [each for each in SURVEY.galaxies if each.label in ("q_sf", "agn")][:6]:
        alone = replace(galaxy, neighbors=0, companion_distance=0.0, compact_fraction=0.0)
        cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        drawn = replace(
            alone,
            x=zoom * (alone.x * cosine - alone.y * sine),
            y=zoom * (alone.x * sine + alone.y * cosine),
            radius=zoom * alone.radius,
            bulge_radius=zoom * alone.bulge_radius,
            position_angle=alone.position_angle + angle,
            magnitude=alone.magnitude - 5 * math.log10(zoom),
        )
        grid = fine_grid(48)
        expected = light_of(draw_scene(drawn, SURVEY.bands, grid, 2), 48)
        found = light_of(transform_scene(draw_scene(alone, SURVEY.bands, grid, 2), angle, zoom), 48)
        assert np.abs(found - expected).max() < 0.01 * expected.max()


def test_a_shift_is_another_window_of_the_same_exposure_and_noise_another_exposure() -> None:
    survey = SimulatedSurvey(6, size=48, bands=("F814W",), seed=2)
    seen = {name: np.sinh(each.astype(np.float64)) for name, each in changed_images(survey).items()}
    for row in range(6):
        first, other = seen["reference"][row, 0], seen["shift"][row, 0]
        # sky and noise are measured anew
        assert np.corrcoef(first[:, :-1].ravel(), other[:, 1:].ravel())[0, 1] > 1 - 1e-9
        apart = seen["noise"][row, 0] - first
        assert np.median(np.abs(apart)) * 1.4826 == pytest.approx(math.sqrt(2), rel=0.25)


def test_no_two_exposures_share_their_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def spy(*key: int) -> np.random.Generator:
        drawn.append(key)
        return stream(*key)

    monkeypatch.setattr("galfeat.pipeline.invariance.images.stream", spy)
    changed_images(SimulatedSurvey(2, size=32, bands=("F435W", "F160W")))
    assert len(drawn) == 2 * (1 + 12 * 2), (
        "of each galaxy an angle, and twelve exposures in two bands"
    )
    assert len(set(drawn)) == len(drawn)
    assert min(purpose for _, _, purpose in drawn) > 8 + len(BANDS), "the survey's own"


def test_audited_images_are_prepared() -> None:
    seen = changed_images(SimulatedSurvey(6, size=32, bands=("F814W",)))
    frame = Preparation(size=32).frame_width
    for name in ("reference", "shift", "noise", *NEW_EXPOSURES):
        assert np.median(
            np.concatenate([seen[name][:, :, :frame].ravel(), seen[name][:, :, -frame:].ravel()])
        ) == pytest.approx(0, abs=0.3)
    again = {f"{name} again" for name in NEW_EXPOSURES}
    assert set(seen) == {"reference", *INVARIANCES, *again}


@dataclass(frozen=True)
class Exposed:
    """What an exposure was made of."""

    light: NDArray[np.float64]
    level: NoiseLevel
    drop: float | None

    def scatter(self, light: float) -> float:
        """Return the noise of a uniform image of that light."""
        image = np.full((300, 300), light)
        return float(expose(image, self.level, np.random.default_rng(1), self.drop).std())


@pytest.fixture
def exposed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Exposed]:
    """Return how a smooth galaxy is exposed in a drizzled band after each change."""
    made = []

    def spy(*arguments: Any) -> NDArray[np.float64]:
        light, level, _, drop = arguments
        made.append(Exposed(light, level, drop))
        return expose(*arguments)

    monkeypatch.setattr("galfeat.pipeline.invariance.images.expose", spy)
    changed_images(SimulatedSurvey(1, size=64, bands=("F160W",), seed=2))
    names = ["reference", "noise", *(each for name in NEW_EXPOSURES for each in (name, name))]
    assert len(made) == len(names)
    return dict(zip(names, made, strict=True))


def test_without_correlation_a_pixel_has_as_much_noise(exposed: dict[str, Exposed]) -> None:
    """Of an empty sky, and of light so bright that its photons are most of the noise."""
    there, alone = exposed["reference"], exposed["correlation"]
    assert (there.drop, alone.drop) == (BANDS["F160W"].drop, None)
    for light in (0.0, 20.0):
        assert alone.scatter(light) == pytest.approx(there.scatter(light), rel=0.02)
    inside = slice(1, 65)
    np.testing.assert_allclose(alone.light, there.light[inside, inside], atol=1e-6)


def test_seeing_broadens_the_light_alone(exposed: dict[str, Exposed]) -> None:
    before, after = exposed["reference"], exposed["seeing"]
    assert (after.level, after.drop) == (before.level, before.drop)
    assert after.light.sum() == pytest.approx(before.light.sum(), rel=0.03)
    assert after.light.max() < 0.9 * before.light.max()


def test_larger_pixels_collect_more_of_everything(exposed: dict[str, Exposed]) -> None:
    """The same light by adding up nine pixels half as wide as the survey's; noise of the area's
    root at one depth.
    """
    survey = SimulatedSurvey(1, size=64, bands=("F160W",), seed=2)
    (galaxy,) = survey.galaxies
    scene = transform_scene(draw_scene(galaxy, survey.bands, fine_grid(192), 2), zoom=2)
    fluxes = [(point, float(point.fluxes[0])) for point in scene.points]
    fine = observe(scene.light[0], fluxes, 192, 2 * BANDS["F160W"].fwhm * galaxy.psf_scale) / 4
    expected = fine.reshape(64, 3, 64, 3).sum(axis=(1, 3))
    after = exposed["pixel_scale"]
    inside = np.s_[4:-4, 4:-4]  # a larger scene has galaxies beyond the edges of a smaller one
    assert np.abs(after.light - expected)[inside].max() < 0.01 * expected.max()
    assert after.light[inside].sum() == pytest.approx(expected[inside].sum(), rel=0.005)
    independent = replace(after, drop=None)
    assert independent.scatter(0.0) == pytest.approx(
        1.5 * replace(exposed["reference"], drop=None).scatter(0.0), rel=0.01
    )
    assert after.drop == pytest.approx(BANDS["F160W"].drop / 1.5)


@pytest.mark.slow
def test_table_and_figure(everything: Audit, tmp_path: Path) -> None:
    lines = audit_text(everything).splitlines()
    assert lines[0].split() == [
        "extractor",
        "change",
        "amount",
        "relative",
        "change",
        "95",
        "%",
        "interval",
        "promise",
    ]
    assert len(lines) == 1 + len(everything.rows)
    assert render(audit_chart(everything), "png") == render(audit_chart(everything), "png")
    out = write_audit(everything, tmp_path / "new")
    assert sorted(path.name for path in out.iterdir()) == ["audit.csv", "audit.png"]
    assert len((out / "audit.csv").read_text().splitlines()) == len(lines)
