"""The realistic population: the correlations that the matched one leaves out, and nothing that
contradicts a class.
"""

from dataclasses import asdict

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import cross_val_predict

from galfeat.data.simulation.instrument import GROUND, HST, Camera
from galfeat.data.simulation.spectra import is_quiescent
from galfeat.data.simulation.truth import NUISANCES, GalaxyTruth, draw_galaxies, draw_galaxy


@pytest.fixture(scope="module", params=[HST, GROUND], ids=lambda camera: camera.name)
def camera(request: pytest.FixtureRequest) -> Camera:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def galaxies(camera: Camera) -> list[GalaxyTruth]:
    return draw_galaxies(3000, 7, camera, realistic=True)


def _mean(galaxies: list[GalaxyTruth], column: str, **which: str) -> float:
    chosen = [
        galaxy
        for galaxy in galaxies
        if all(getattr(galaxy, key) == value for key, value in which.items())
    ]
    return float(np.mean([getattr(galaxy, column) for galaxy in chosen]))


@pytest.mark.slow
def test_nuisances_tell_the_class_here(galaxies: list[GalaxyTruth]) -> None:
    values = np.array([[getattr(galaxy, name) for name in NUISANCES] for galaxy in galaxies])
    labels = np.array([galaxy.label for galaxy in galaxies])
    told = cross_val_predict(
        RandomForestClassifier(60, min_samples_leaf=10, random_state=0), values, labels, cv=3
    )
    assert balanced_accuracy_score(labels, told) > 0.3


def test_the_quiescent_are_smaller_rounder_more_bulged_and_in_denser_fields(
    galaxies: list[GalaxyTruth],
) -> None:
    for column, sign in (
        ("radius", -1),
        ("axis_ratio", 1),
        ("bulge_fraction", 1),
        ("neighbors", 1),
        ("dust_lane", -1),
    ):
        quiescent, forming = (
            _mean(galaxies, column, label="q_sf", state=state)
            for state in ("quiescent", "star_forming")
        )
        assert sign * (quiescent - forming) > 0.1 * abs(forming), column


def test_the_faint_are_far_and_clumpy_disks_further(galaxies: list[GalaxyTruth]) -> None:
    magnitude, redshift = (
        np.array([getattr(galaxy, column) for galaxy in galaxies])
        for column in ("magnitude", "redshift")
    )
    assert np.corrcoef(magnitude, redshift)[0, 1] > 0.2
    assert (
        _mean(galaxies, "redshift", label="clump")
        > _mean(galaxies, "redshift", label="spiral") + 0.02
    )
    assert (
        _mean(galaxies, "magnitude", label="agn") < _mean(galaxies, "magnitude", label="q_sf") - 0.2
    )
    assert _mean(galaxies, "rung", label="clump") > _mean(galaxies, "rung", label="spiral") + 0.3


def test_the_ranges_of_the_camera_and_the_box_of_the_quiescent_still_hold(
    galaxies: list[GalaxyTruth], camera: Camera
) -> None:
    for galaxy in galaxies:
        assert camera.magnitudes[0] <= galaxy.magnitude <= camera.magnitudes[1]
        assert camera.redshifts[0] <= galaxy.redshift <= camera.redshifts[1]
        assert 2.5 <= galaxy.radius <= 16
        assert 0 <= galaxy.bulge_fraction <= 1
        assert 0.15 <= galaxy.cos_inclination <= 1
        assert is_quiescent(galaxy.u_v, galaxy.v_j, galaxy.redshift) == (
            galaxy.state == "quiescent"
        )


def test_a_galaxy_depends_on_seed_and_number_alone(
    galaxies: list[GalaxyTruth], camera: Camera
) -> None:
    own = galaxies[17]
    assert draw_galaxy(17, own.label, own.state, 7, camera=camera, realistic=True) == own
    assert asdict(draw_galaxy(17, own.label, own.state, 7, camera=camera)) != asdict(own)
