"""Restricted three-body encounters: what is kept, what is thrown out."""

import numpy as np
import pytest

from galfeat.data.simulation.mergers import simulate_encounter, simulate_shells


def _far(stars: np.ndarray, second: np.ndarray) -> float:
    away = np.minimum(
        np.linalg.norm(stars, axis=0), np.linalg.norm(stars - second[:, None], axis=0)
    )
    return float(np.mean(away > 3.3))


def test_the_same_numbers_make_the_same_encounter() -> None:
    first, second, other = (
        simulate_encounter(np.random.default_rng(seed), 2.0, 1.5, False) for seed in (1, 1, 2)
    )
    assert first.stars.tobytes() == second.stars.tobytes()
    assert first.stars.tobytes() != other.stars.tobytes()


@pytest.mark.parametrize("mass_ratio", [1.0, 4.0])
def test_light_is_shared_by_mass(mass_ratio: float) -> None:
    debris = simulate_encounter(np.random.default_rng(3), mass_ratio, 2.0, False)
    assert debris.weights.sum() == pytest.approx(1 + 1 / mass_ratio)
    assert (debris.weights > 0).all()
    assert np.isfinite(debris.stars).all()


def test_an_encounter_throws_out_stars_and_keeps_most() -> None:
    """Discs end at 3.2 half-light radii; beyond that are tails."""
    shares = []
    for seed in range(6):
        debris = simulate_encounter(np.random.default_rng(seed), 1.5, 2.5, False)
        shares.append(_far(debris.stars, debris.second))
    assert np.median(shares) > 0.03
    assert max(shares) < 0.6


def test_a_disk_that_meets_nothing_stays_as_it_was() -> None:
    """A companion of no mass disturbs nobody: stars, spread evenly over radii up to 3.2, keep their
    circles.
    """
    debris = simulate_encounter(np.random.default_rng(2), 1e6, 2.5, False)
    disc = debris.stars[:, debris.weights > 1e-5]
    radius = np.linalg.norm(disc, axis=0)
    assert np.percentile(radius, 95) < 3.4  # a warm disk: few wander out
    assert np.median(radius) == pytest.approx(1.6, abs=0.15)
    assert np.abs(disc[2]).mean() < 0.25
    assert np.linalg.norm(disc.mean(axis=1)) < 0.15


def test_tails_are_lopsided() -> None:
    """Every tail has one root: the stars of an undisturbed disc would balance each other."""
    lopsided = []
    for seed in range(8):
        debris = simulate_encounter(np.random.default_rng(seed), 1.5, 2.5, False)
        away = np.linalg.norm(debris.stars, axis=0)
        lopsided.append(np.linalg.norm((debris.stars / away)[:, away > 3].mean(axis=1)))
    assert np.median(lopsided) > 0.15


def test_pairs_stand_about_as_far_apart_as_asked_and_late_ones_have_merged() -> None:
    asked = [0.8, 2.0, 3.0]
    apart = [
        [
            np.linalg.norm(simulate_encounter(np.random.default_rng(s), 1.5, wish, False).second)
            for s in range(8)
        ]
        for wish in asked
    ]
    medians = np.median(apart, axis=1)
    assert (np.diff(medians) > 0).all()
    assert np.abs(medians - asked).max() < 0.8
    late = [
        np.linalg.norm(simulate_encounter(np.random.default_rng(seed), 1.5, 3.0, True).second)
        for seed in range(8)
    ]
    assert np.median(late) < 0.6


def test_shells_have_sharp_edges_on_both_sides() -> None:
    """Stars pile up where they turn: the counts fall from many to nearly none within a fifth of the
    radius.
    """
    debris = simulate_shells(np.random.default_rng(9))
    assert debris.weights.sum() == pytest.approx(1)
    radius = np.linalg.norm(debris.stars, axis=0)
    assert np.percentile(radius, 90) < 4
    assert np.percentile(radius, 99) / np.percentile(radius, 80) < 3
