"""The truth: within its ranges, one seed a galaxy, and nothing in it that betrays the class without
being it.
"""

from dataclasses import asdict
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import cross_val_predict

from galfeat.data.simulation.instrument import GROUND, HST
from galfeat.data.simulation.populations import median_radius
from galfeat.data.simulation.truth import (
    CLASSES,
    KINDS,
    NUISANCES,
    STATES,
    GalaxyTruth,
    assign_kinds,
    draw_galaxies,
    draw_galaxy,
    truth_table,
)


@pytest.fixture(scope="module")
def galaxies() -> list[GalaxyTruth]:
    return draw_galaxies(4000, seed=11)


def _columns(galaxies: list[GalaxyTruth], names: tuple[str, ...]) -> NDArray[np.float32]:
    return np.array(
        [[getattr(galaxy, name) for name in names] for galaxy in galaxies], dtype=np.float32
    )


def _told_by(values: NDArray[np.float32], labels: NDArray[np.str_]) -> float:
    forest = RandomForestClassifier(30, min_samples_leaf=15, max_samples=0.5, random_state=0)
    return float(balanced_accuracy_score(labels, cross_val_predict(forest, values, labels, cv=2)))


@pytest.fixture(scope="module", params=[HST, GROUND], ids=lambda camera: camera.name)
def many(request: pytest.FixtureRequest) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Return nuisances and classes of 20,000 galaxies; nothing is rendered."""
    galaxies = draw_galaxies(20_000, seed=11, camera=request.param)
    return _columns(galaxies, NUISANCES), np.array([galaxy.label for galaxy in galaxies])


@pytest.mark.slow
def test_nuisances_alone_cannot_tell_the_class(
    many: tuple[NDArray[np.float32], NDArray[np.str_]],
) -> None:
    assert abs(_told_by(*many) - 0.2) < 0.01  # 3.5 standard errors


@pytest.mark.slow
@pytest.mark.parametrize(("column", "factor"), [("radius", 1.05), ("psf_scale", 1.02)])
def test_the_same_forest_finds_a_leak_when_there_is_one(column: str, factor: float) -> None:
    galaxies = draw_galaxies(20_000, seed=12)
    leaking, labels = _columns(galaxies, NUISANCES), np.array([galaxy.label for galaxy in galaxies])
    leaking[labels == "merger", NUISANCES.index(column)] *= np.float32(factor)
    assert _told_by(leaking, labels) > 0.21


@pytest.mark.slow
def test_place_and_name_cannot_tell_the_class_either() -> None:
    labels = np.array([KINDS[kind][0] for kind in assign_kinds(20_000, seed=11)])
    order = np.arange(20_000)
    digits = [order // 10**place % 10 for place in range(5)]
    where = np.stack([order, *digits, order % 64, order % 250, order % 256], axis=1).astype(
        np.float32
    )
    assert abs(_told_by(where, labels) - 0.2) < 0.01
    before = np.stack(
        [np.roll(np.unique(labels, return_inverse=True)[1], back) for back in range(1, 6)], axis=1
    ).astype(np.float32)
    assert abs(_told_by(before, labels) - 0.2) < 0.01


def test_nuisances_are_the_very_same_whatever_the_class() -> None:
    for number, camera in product(range(20), (HST, GROUND)):
        drawn = [
            draw_galaxy(number, label, state, seed=1, camera=camera)
            for label in CLASSES
            for state in STATES
        ]
        assert len({tuple(getattr(galaxy, name) for name in NUISANCES) for galaxy in drawn}) == 1


def test_integrated_colors_are_the_same_whatever_the_class(galaxies: list[GalaxyTruth]) -> None:
    forming = [galaxy for galaxy in galaxies if galaxy.state == "star_forming"]
    labels = np.array([galaxy.label for galaxy in forming])
    assert (
        abs(_told_by(_columns(forming, ("u_v", "v_j", "rung", "dust", "redshift")), labels) - 0.2)
        < 0.03
    )
    for number in range(20):
        drawn = [draw_galaxy(number, label, "star_forming", seed=1) for label in CLASSES]
        assert len({galaxy.spectrum for galaxy in drawn}) == 1


def test_state_is_where_the_colors_put_it(galaxies: list[GalaxyTruth]) -> None:
    for galaxy in galaxies:
        edge = 0.88 * galaxy.v_j + (0.69 if galaxy.redshift < 0.5 else 0.59)
        assert (galaxy.u_v > 1.3 and galaxy.v_j < 1.6 and galaxy.u_v > edge) == (
            galaxy.state == "quiescent"
        )


def test_a_galaxy_depends_on_seed_and_number_alone() -> None:
    some = draw_galaxies(10, seed=3)
    for galaxy in some:
        assert draw_galaxy(galaxy.number, galaxy.label, galaxy.state, 3) == galaxy
    more = draw_galaxies(30, seed=3)
    assert [galaxy.magnitude for galaxy in more[:10]] == [galaxy.magnitude for galaxy in some]
    assert draw_galaxy(4, "agn", "quiescent", 3) != draw_galaxy(4, "agn", "quiescent", 4)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("magnitude", 20, 23),
        ("redshift", 0.2, 0.9),
        ("radius", 4.5, 13),
        ("cos_inclination", 0.15, 1),
        ("position_angle", 0, 180),
    ],
)
def test_ranges(galaxies: list[GalaxyTruth], name: str, low: float, high: float) -> None:
    values = _columns(galaxies, (name,))[:, 0]
    assert values.min() >= low
    assert values.max() <= high
    margin = 0.04 * (high - low)
    assert values.min() < low + margin + (0.3 if name == "magnitude" else 0)
    assert values.max() > high - margin


def test_galaxies_seen_from_the_ground_are_nearer_and_brighter_and_fill_as_many_pixels() -> None:
    near = draw_galaxies(1000, seed=4, camera=GROUND)
    assert (
        17.5
        <= min(galaxy.magnitude for galaxy in near)
        <= max(galaxy.magnitude for galaxy in near)
        <= 20.5
    )
    assert (
        0.08
        <= min(galaxy.redshift for galaxy in near)
        <= max(galaxy.redshift for galaxy in near)
        <= 0.35
    )
    assert (
        4.5 <= min(galaxy.radius for galaxy in near) <= max(galaxy.radius for galaxy in near) <= 13
    )


def test_sizes_are_six_kiloparsecs() -> None:
    """At redshift 0.5 an arcsecond is 6.10 kpc: 6 kpc * 1.5^-0.75 are 0.73 arcsec, 12 pixels of
    0.06 or 3.6 of 0.2.
    """
    assert median_radius(0.5, HST) == pytest.approx(12.1, abs=0.05)
    assert median_radius(0.5, GROUND) == pytest.approx(3.63, abs=0.02)


def test_what_makes_a_class_belongs_to_it_alone(galaxies: list[GalaxyTruth]) -> None:
    marks = {
        "spiral": ("arms", 2, 4),
        "merger": ("tail_fraction", 0.06, 0.25),
        "clump": ("clumps", 3, 12),
        "agn": ("nucleus_fraction", 0.03, 0.6),
    }
    for label, (mark, low, high) in marks.items():
        values = {
            own: [getattr(galaxy, mark) for galaxy in galaxies if (galaxy.label == label) is own]
            for own in (True, False)
        }
        assert low <= min(values[True]) <= max(values[True]) <= high
        assert set(values[False]) == {0}
    assert {galaxy.merger_stage for galaxy in galaxies} == {"", "pair", "late", "shells"}


def test_counts_grow_by_the_slope_of_the_counts(galaxies: list[GalaxyTruth]) -> None:
    """With slope 0.3 a magnitude fainter means twice (10^0.3) as many: 1 to 2 to 4."""
    counts, _ = np.histogram([galaxy.magnitude for galaxy in galaxies], bins=[20, 21, 22, 23])
    np.testing.assert_allclose(counts / 4000, np.array([1, 2, 4]) / 7, atol=0.03)


def test_decoys_are_in_every_class(galaxies: list[GalaxyTruth]) -> None:
    for label in CLASSES:
        own = [galaxy for galaxy in galaxies if galaxy.label == label]
        assert 0.06 < np.mean([galaxy.companion_distance > 0 for galaxy in own]) < 0.14
        assert any(galaxy.compact_fraction > 0 for galaxy in own)
        assert any(galaxy.compact_fraction < 0 for galaxy in own)
        assert any(galaxy.dust_lane > 0 for galaxy in own)


def test_the_table_has_a_row_a_galaxy_and_their_values(galaxies: list[GalaxyTruth]) -> None:
    table = truth_table(galaxies[:7])
    assert table.to_pylist() == [asdict(galaxy) for galaxy in galaxies[:7]]
    assert set(NUISANCES) < set(table.column_names)


def test_axis_ratio_of_a_thick_disk() -> None:
    galaxy = draw_galaxies(1, 0)[0]
    for cosine, ratio in ((1.0, 1.0), (0.5, np.sqrt(0.04 + 0.96 * 0.25))):
        object.__setattr__(galaxy, "cos_inclination", cosine)
        assert galaxy.axis_ratio == pytest.approx(ratio)
