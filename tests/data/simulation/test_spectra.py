"""Colors of galaxies and stars: the box of the quiescent, reddening, redshift, the stellar
locus.
"""

import numpy as np
import pytest

from galfeat.data.simulation.instrument import BANDS
from galfeat.data.simulation.spectra import Spectrum, is_quiescent, star_colors


@pytest.mark.parametrize("redshift", [0.1, 0.49, 0.5, 0.9])
def test_old_galaxies_lie_in_the_box_and_star_forming_ones_outside(redshift: float) -> None:
    for fraction in np.linspace(0, 1, 9):
        for dust in np.linspace(0, 1, 5):
            assert is_quiescent(*Spectrum(0.4 * fraction, 0.2 * dust).uvj, redshift)
            assert not is_quiescent(*Spectrum(1 + 2 * fraction, 0.8 * dust).uvj, redshift)


@pytest.mark.parametrize(
    ("u_v", "v_j", "redshift", "inside"),
    [
        (2.0, 1.2, 0.7, True),
        (1.2, 0.4, 0.7, False),
        (2.2, 1.7, 0.7, False),
        (1.5, 1.2, 0.7, False),
        (1.42, 1.0, 0.7, False),
        (1.42, 0.9, 0.7, True),  # 0.88 * 0.9 + 0.59 = 1.382
        (1.42, 0.9, 0.3, False),  # 0.88 * 0.9 + 0.69 = 1.482
        (1.42, 1.0, 1.5, True),  # 0.88 + 0.49 = 1.37
        (1.42, 1.0, 2.5, True),
    ],
)
def test_the_box_by_pencil(u_v: float, v_j: float, redshift: float, inside: bool) -> None:
    assert is_quiescent(u_v, v_j, redshift) is inside


def test_templates_grow_bluer_along_the_ladder_and_redder_with_dust_and_redshift() -> None:
    blue_to_red = [
        Spectrum(rung, 0.0).relative_fluxes([5919], 0.5, 8060)[0] for rung in (0, 0.7, 1, 2, 3)
    ]
    assert blue_to_red == sorted(blue_to_red)
    assert Spectrum(2, 0.8).relative_fluxes([5919], 0.5, 8060) < Spectrum(2, 0).relative_fluxes(
        [5919], 0.5, 8060
    )
    assert Spectrum(0, 0).relative_fluxes([5919], 0.7, 8060) < Spectrum(0, 0).relative_fluxes(
        [5919], 0.3, 8060
    )


def test_an_elliptical_has_the_colors_of_observed_ones() -> None:
    """At z = 0 ellipticals have U - V of 2.1 to 2.3 and V - J of 1.2 to 1.4 in AB magnitudes."""
    u_v, v_j = Spectrum(0, 0).uvj
    assert 2.1 < u_v < 2.3
    assert 1.2 < v_j < 1.4


def test_dust_takes_its_extinction_from_v() -> None:
    assert Spectrum(2, 1.0).at(5500) / Spectrum(2, 0.0).at(5500) == pytest.approx(
        10**-0.4, rel=0.01
    )


def test_the_reference_band_is_one_and_a_template_value_is_met() -> None:
    assert Spectrum(1.3, 0.4).relative_fluxes([8060], 0.6, 8060)[0] == 1.0
    per_angstrom = Spectrum(3, 0).at(3000) / 3000**2 / (Spectrum(3, 0).at(5500) / 5500**2)
    assert per_angstrom == pytest.approx(1.26)  # of the irregulars' table


def _magnitudes(g_i: float, wavelengths: list[float]) -> list[float]:
    return [float(-2.5 * np.log10(value)) for value in star_colors(g_i, wavelengths, 8060)]


def test_the_sun_has_its_colors() -> None:
    """In AB magnitudes the Sun has F606W - F814W of about 0.2 and F814W - F160W of about -0.1;
    cooler stars are redder.
    """
    visual, infrared = _magnitudes(0.6, [5919, 15368])
    assert 0.15 < visual < 0.3
    assert -0.2 < -infrared < 0.05
    assert _magnitudes(2.0, [5919])[0] > 0.8


def test_stars_lie_on_the_stellar_locus() -> None:
    """G - r of M dwarfs stays at 1.4 however red they are in r - i, which no black body does; g - i
    is what was asked for.
    """
    sdss = [4686.0, 6166.0, 7480.0]
    for g_i in np.linspace(0.4, 2.8, 13):
        g, r, i = _magnitudes(float(g_i), sdss)
        assert g - i == pytest.approx(g_i, abs=0.03)
    g, r, i = _magnitudes(2.8, sdss)
    assert 1.38 < g - r < 1.48
    assert 1.2 < r - i < 1.5


def test_no_star_is_green() -> None:
    """From blue to red a star's spectrum bends gently: the middle of three bands is nowhere far
    above the line of the outer two.
    """
    for bands, most in ((("g", "r", "i"), 0.5), (("F606W", "F814W", "F160W"), 0.5)):
        for g_i in np.linspace(0.4, 2.85, 8):
            blue, middle, red = _magnitudes(float(g_i), [BANDS[band].pivot for band in bands])
            assert (blue + red) / 2 - middle < most
