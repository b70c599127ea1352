"""Colours of galaxies and stars: the box of the quiescent, reddening, redshift."""

import numpy as np
import pytest

from galfeat.data.templates import Spectrum, is_quiescent, star_colours


def test_old_galaxies_lie_in_the_box_and_star_forming_ones_outside() -> None:
    for fraction in np.linspace(0, 1, 9):
        for dust in np.linspace(0, 1, 5):
            assert is_quiescent(*Spectrum(0.4 * fraction, 0.2 * dust).uvj)
            assert not is_quiescent(*Spectrum(1 + 2 * fraction, 0.8 * dust).uvj)


@pytest.mark.parametrize(
    ("u_v", "v_j", "inside"),
    [(2.0, 1.2, True), (1.2, 0.4, False), (2.2, 1.7, False), (1.5, 1.2, False), (1.42, 1.0, False), (1.42, 0.9, True)],
)
def test_the_box_by_pencil(u_v: float, v_j: float, inside: bool) -> None:
    assert is_quiescent(u_v, v_j) is inside


def test_templates_grow_bluer_along_the_ladder_and_redder_with_dust_and_redshift() -> None:
    blue_to_red = [Spectrum(rung, 0.0).colours([5919], 0.5, 8060)[0] for rung in (0, 0.7, 1, 2, 3)]
    assert blue_to_red == sorted(blue_to_red)
    assert Spectrum(2, 0.8).colours([5919], 0.5, 8060) < Spectrum(2, 0).colours([5919], 0.5, 8060)
    assert Spectrum(0, 0).colours([5919], 0.7, 8060) < Spectrum(0, 0).colours([5919], 0.3, 8060)


def test_an_elliptical_has_the_colours_of_observed_ones() -> None:
    """At z = 0 ellipticals have U - V of 2.1 to 2.3 and V - J of 1.2 to 1.4 in AB magnitudes."""
    u_v, v_j = Spectrum(0, 0).uvj
    assert 2.1 < u_v < 2.3
    assert 1.2 < v_j < 1.4


def test_dust_takes_its_extinction_from_v() -> None:
    assert Spectrum(2, 1.0).at(5500) / Spectrum(2, 0.0).at(5500) == pytest.approx(10**-0.4, rel=0.01)


def test_the_reference_band_is_one_and_a_template_value_is_met() -> None:
    assert Spectrum(1.3, 0.4).colours([8060], 0.6, 8060)[0] == 1.0
    per_angstrom = Spectrum(3, 0).at(3000) / 3000**2 / (Spectrum(3, 0).at(5500) / 5500**2)
    assert per_angstrom == pytest.approx(1.26)  # of the irregulars' table


def test_the_sun_has_its_colours() -> None:
    """A black body at 5772 K: F606W - F814W of the Sun is 0.2 to 0.25 in AB magnitudes, and cooler stars are redder."""
    sun = -2.5 * np.log10(star_colours(5772, [5919], 8060)[0])
    assert 0.2 < sun < 0.28
    assert -2.5 * np.log10(star_colours(3800, [5919], 8060)[0]) > 0.7
