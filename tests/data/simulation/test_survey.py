"""The simulated survey as a source: what is told, what is kept, what is refused."""

import pickle
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from galfeat import UsageError
from galfeat.data.simulation.survey import SimulatedSurvey, simulate
from galfeat.data.simulation.truth import CLASSES, STATES
from galfeat.data.sources.base import Shard


def test_batch_has_the_asked_shape_and_a_catalog() -> None:
    cutouts = simulate(10, size=20, bands=["F814W", "F435W"], depth="deep", seed=4)
    assert cutouts.pixels.shape == (10, 2, 20, 20)
    assert cutouts.bands == ("F814W", "F435W")
    assert np.isfinite(cutouts.pixels).all()
    assert cutouts.ids[:2] == ("sim000000", "sim000001")
    assert cutouts.catalog is not None
    assert cutouts.catalog.column_names == ["id", "label", "state"]
    assert tuple(cutouts.column("id")) == cutouts.ids


def test_classes_are_equally_frequent_and_states_split_those_that_may_be_quiescent() -> None:
    survey = SimulatedSurvey(200)
    pairs = Counter(
        zip(survey.catalog["label"].to_pylist(), survey.catalog["state"].to_pylist(), strict=True)
    )
    assert {label for label, _ in pairs} == set(CLASSES)
    assert {state for _, state in pairs} == set(STATES)
    for label in ("spiral", "clump"):
        assert pairs[label, "star_forming"] == 40
    for label in ("merger", "agn", "q_sf"):
        assert pairs[label, "star_forming"] == pairs[label, "quiescent"] == 20


def test_order_and_names_are_independent_of_the_class() -> None:
    labels = SimulatedSurvey(1000, seed=2).catalog["label"].to_pylist()
    runs = sum(first == second for first, second in pairwise(labels))
    assert 150 < runs < 250  # a fifth of 999
    assert all(len(set(labels[start::5])) == 5 for start in range(5))
    assert labels != SimulatedSurvey(1000, seed=3).catalog["label"].to_pylist()


def test_the_same_seed_is_the_same_bytes_and_another_is_not() -> None:
    first, second, other = (simulate(6, size=24, seed=seed).pixels for seed in (5, 5, 6))
    assert first.tobytes() == second.tobytes()
    assert not np.allclose(first, other)


def test_any_part_renders_alone_and_identically() -> None:
    whole = simulate(12, size=24, seed=1)
    survey = SimulatedSurvey(12, size=24, seed=1)
    for start, stop in ((7, 9), (0, 1), (11, 12)):
        for cutout in survey.read(Shard(start, stop)).cutouts:
            assert cutout.row is not None
            assert cutout.pixels.tobytes() == whole.pixels[cutout.row].tobytes()
            assert cutout.id == whole.ids[cutout.row]
    assert [shard.start for shard in survey.shards(5)] == [0, 5, 10]


def test_a_band_is_the_same_whichever_others_are_asked_for() -> None:
    alone = simulate(4, size=24, bands=["F160W"]).pixels[:, 0]
    together = simulate(4, size=24, bands=["F606W", "F160W", "F814W"]).pixels[:, 1]
    assert alone.tobytes() == together.tobytes()


@pytest.mark.parametrize("noise", ["white", "correlated"])
def test_a_ground_based_survey_renders_any_part_and_any_band_alone(noise: str) -> None:
    whole = simulate(6, size=24, bands=["g", "r", "i", "z"], seed=2, noise=noise)
    survey = SimulatedSurvey(6, size=24, bands=("i",), seed=2, noise=noise)
    (cutout,) = survey.read(Shard(4, 5)).cutouts
    assert cutout.pixels[0].tobytes() == whole.pixels[4, 2].tobytes()
    assert survey.camera.name == "ground"


def test_the_sky_is_that_of_a_drizzled_image_unless_white_noise_is_asked_for() -> None:
    """Of WFC3's bands neighbors share half the noise; the light below is the same."""
    settings = {"size": 40, "bands": ["F160W"], "depth": "shallow", "seed": 2}
    drizzled, white = (
        simulate(40, **settings, **kind).pixels[:, 0].astype(float)  # type: ignore[arg-type]
        for kind in ({}, {"noise": "white"})
    )
    corners = np.s_[:, :7, :7]
    for pixels, shared in ((drizzled, 0.52), (white, 0.0)):
        sky = pixels[corners] - np.median(pixels[corners], axis=(1, 2), keepdims=True)
        kept = np.abs(sky).max(axis=(1, 2)) < 6 * np.median(np.abs(sky))  # nothing but sky
        assert kept.sum() > 10
        aside = np.corrcoef(sky[kept][:, :, 1:].ravel(), sky[kept][:, :, :-1].ravel())[0, 1]
        assert aside == pytest.approx(shared, abs=0.1)
    assert drizzled.sum() == pytest.approx(white.sum(), rel=0.02)


def test_observing_changes_no_pixel_and_adds_the_truth() -> None:
    # the reference band is not among them
    survey = SimulatedSurvey(20, size=24, bands=("F606W",), seed=6)
    cutouts, truth = survey.observe(Shard(5, 20))
    read = survey.read(Shard(5, 20)).cutouts
    assert [cutout.pixels.tobytes() for cutout in cutouts] == [
        cutout.pixels.tobytes() for cutout in read
    ]
    assert truth.select(survey.truth.column_names).equals(survey.truth.slice(5))
    labels = np.array(truth["label"].to_pylist())
    for column, owner in (("arm_contrast", "spiral"), ("clump_sn", "clump"), ("tail_sn", "merger")):
        values = truth[column].to_numpy()
        assert (values[labels == owner] > 0).all()
        assert (values[labels != owner] == 0).all()
    assert (truth["sn"].to_numpy() > 10).all()
    _, alone = survey.observe(Shard(7, 8))
    assert alone.equals(truth.slice(2, 1))


def test_the_documentation_explains_every_column_of_the_truth() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "simulator.md").read_text(
        encoding="utf-8"
    )
    _, truth = SimulatedSurvey(1, size=16).observe(Shard(0, 1))
    table = page[page.index("## Columns of `truth.csv`") :]
    assert [name for name in truth.column_names if f"`{name}`" not in table] == []


def test_the_realistic_population_is_another_one() -> None:
    matched, realistic = (simulate(10, size=24, seed=3, realistic=each) for each in (False, True))
    assert matched.labels.tolist() == realistic.labels.tolist()
    assert not np.allclose(matched.pixels, realistic.pixels)


def test_it_is_pickled_as_its_settings() -> None:
    survey = SimulatedSurvey(500, size=24, seed=9)
    assert survey.truth.num_rows == 500
    sent = pickle.dumps(survey)
    assert len(sent) < 1000
    again = pickle.loads(sent)
    assert again == survey
    assert again.truth.equals(survey.truth)
    assert again.catalog.equals(survey.truth.select(["id", "label", "state"]))
    assert len(again) == 500


def test_no_galaxy_fails_and_ids_of_numpy_settings_are_plain() -> None:
    survey = SimulatedSurvey(np.int64(3), size=np.int32(16))  # type: ignore[arg-type]
    reading = survey.read(Shard(0, 3))
    assert not reading.failures
    assert len(reading.cutouts) == 3


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"n": 0}, "n must be"),
        ({"n": 2.5}, "n must be"),
        ({"size": 15}, "size must be a whole number, at least 16; it is 15"),
        ({"seed": -1}, "seed must be"),
        ({"seed": True}, "seed must be"),
        (
            {"bands": ("F814W", "F999W")},
            "unknown band 'F999W'; the simulated survey has hst: F435W, F606W",
        ),
        ({"bands": ()}, "bands must be at least one"),
        ({"bands": ("F814W", "F814W")}, "each named once"),
        ({"bands": "F814W"}, "it is the text 'F814W'"),
        (
            {"bands": ("F814W", "r", "z")},
            r"of one camera: F814W is of hst \(F435W.*\), and r, z is not",
        ),
        ({"noise": "pink"}, "unknown noise 'pink'; choose correlated or white"),
        ({"realistic": "no"}, "realistic must be True or False; it is 'no'"),
        ({"depth": "bottomless"}, "unknown depth 'bottomless'; choose one of deep, wide, shallow"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        SimulatedSurvey(**settings)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=said):
        simulate(**settings)  # type: ignore[arg-type]
