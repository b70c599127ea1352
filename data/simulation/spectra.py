"""Spectra of simulated galaxies (four templates, dust, redshift) and colors of stars.

A spectrum is a flux per unit wavelength on a coarse rest-frame grid, relative to 5500 Angstrom.
Bands are evaluated at their pivot wavelength, not integrated: accurate to some hundredths of a
magnitude for spectra as smooth as these.

References
----------
Coleman, Wu & Weedman 1980, ApJS 43, 393 (the four spectra, beyond 1400 to 10000 Angstrom as
extended by Bolzonella, Miralles & Pello 2000, A&A 363, 476; averaged here over 9 % in wavelength).
Calzetti et al. 2000, ApJ 533, 682 (dust). Williams et al. 2009, ApJ 691, 1879 (the UVJ box of
quiescent galaxies). Covey et al. 2007, AJ 134, 2398 (the stellar locus, here rounded to a few
hundredths of a magnitude); Blanton & Roweis 2007, AJ 133, 734 (J and H from Vega to AB).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Spectrum", "is_quiescent", "star_colors"]

_WAVELENGTH: Final = np.array(
    [2000, 2200, 2400, 2600, 2800, 3000, 3250, 3500, 3750, 4000, 4250, 4500, 5000, 5500, 6000, 6500,
    7000, 8000, 9000, 10000, 11500, 13000,
     14500, 16000, 18000], dtype=float)  # fmt: skip

_TEMPLATES: Final = {
    "E": [0.0313, 0.035, 0.0293, 0.0417, 0.0884, 0.146, 0.235, 0.27, 0.297, 0.444, 0.625, 0.808,
    0.919, 1.0, 1.03, 1.01, 0.987, 0.918,
          0.913, 0.872, 0.722, 0.601, 0.501, 0.478, 0.37],
    "Sbc": [0.403, 0.378, 0.37, 0.369, 0.372, 0.39, 0.46, 0.581, 0.72, 0.894, 0.982, 1.04, 1.02,
    1.0, 0.944, 0.912, 0.888, 0.85, 0.822,
            0.796, 0.644, 0.529, 0.442, 0.407, 0.314],
    "Scd": [0.985, 0.833, 0.731, 0.672, 0.661, 0.681, 0.711, 0.736, 0.88, 1.03, 1.1, 1.13, 1.12,
    1.0, 0.938, 0.867, 0.803, 0.695, 0.602,
            0.529, 0.421, 0.343, 0.285, 0.259, 0.199],
    "Im": [2.37, 2.04, 1.76, 1.54, 1.38, 1.26, 1.18, 1.13, 1.38, 1.4, 1.37, 1.31, 1.34, 1.0, 0.917,
    0.844, 0.784, 0.696, 0.634, 0.578,
           0.434, 0.336, 0.279, 0.238, 0.177],
}  # fmt: skip
_LOG_TEMPLATES: Final = np.log(np.array(list(_TEMPLATES.values())))

_U, _V, _J = 3650.0, 5510.0, 12200.0  # Angstrom: effective wavelengths of the rest-frame bands
_RV = 4.05  # Calzetti's ratio of total to selective extinction
_UVJ_INTERCEPTS: Final = (
    (0.5, 0.69),
    (1.0, 0.59),
    (2.0, 0.49),
)  # redshift limit, and intercept of the box's diagonal edge at V - J = 0

# stellar locus from F to mid-M dwarfs: g - i, and u - g, g - r, r - i, i - z (AB), z - J, J - H
# (J and H in Vega magnitudes)
_LOCUS: Final = np.array(
    [
        [0.40, 1.00, 0.31, 0.09, 0.01, 0.82, 0.24],
        [0.60, 1.20, 0.46, 0.14, 0.06, 0.90, 0.31],
        [0.85, 1.50, 0.62, 0.23, 0.11, 0.98, 0.42],
        [1.20, 2.00, 0.86, 0.34, 0.17, 1.07, 0.53],
        [1.60, 2.40, 1.15, 0.45, 0.25, 1.17, 0.63],
        [2.00, 2.55, 1.34, 0.66, 0.37, 1.27, 0.66],
        [2.40, 2.60, 1.42, 0.98, 0.55, 1.35, 0.62],
        [2.85, 2.60, 1.46, 1.39, 0.78, 1.46, 0.59],
    ]
)
# of u, g, r, i, z, J, H, Angstrom
_LOCUS_WAVELENGTHS: Final = np.array([3551.0, 4686, 6166, 7480, 8932, 12350, 16620])
_VEGA_TO_AB: Final = np.array([0, 0, 0, 0, -0.91, 0.91 - 1.39])  # added to u - g, …, z - J, J - H


@dataclass(frozen=True)
class Spectrum:
    """Spectrum of a galaxy: a position in a sequence of templates, and dust.

    Parameters
    ----------
    rung : float
        Position in the sequence E (0), Sbc (1), Scd (2), Im (3); between two templates they are
        interpolated geometrically.
    dust : float
        Extinction of all the light in V, magnitudes, by Calzetti's law.
    """

    rung: float
    dust: float

    def at(self, wavelengths: ArrayLike) -> NDArray[np.float64]:
        """Return the flux per unit frequency (arbitrary scale) at rest wavelengths, Angstrom."""
        wavelengths = np.asarray(wavelengths, dtype=float)
        low = min(int(self.rung), len(_LOG_TEMPLATES) - 2)
        mixed = _LOG_TEMPLATES[low] + (self.rung - low) * (
            _LOG_TEMPLATES[low + 1] - _LOG_TEMPLATES[low]
        )
        per_angstrom = np.exp(np.interp(np.log(wavelengths), np.log(_WAVELENGTH), mixed))
        dimmed: NDArray[np.float64] = (
            per_angstrom * wavelengths**2 * 10 ** (-0.4 * self.dust * _calzetti(wavelengths) / _RV)
        )
        return dimmed

    def relative_fluxes(
        self, wavelengths: ArrayLike, redshift: float, reference: float
    ) -> NDArray[np.float64]:
        """Return the flux at observed wavelengths relative to a reference wavelength, Angstrom."""
        stretch = 1 + redshift
        return self.at(np.asarray(wavelengths, dtype=float) / stretch) / self.at(
            reference / stretch
        )

    @property
    def uvj(self) -> tuple[float, float]:
        """Rest-frame U - V and V - J, AB magnitudes."""
        u, v, j = -2.5 * np.log10(self.at([_U, _V, _J]))
        return float(u - v), float(v - j)


def is_quiescent(u_v: float, v_j: float, redshift: float) -> bool:
    """Return whether rest-frame colors (AB) are in the UVJ box of quiescent galaxies.

    U - V > 1.3, V - J < 1.6 and U - V > 0.88 (V - J) + 0.69, 0.59 or 0.49 at redshifts below 0.5, 1
    and 2 (Williams et al. 2009).
    """
    edge = next(
        crossing
        for limit, crossing in _UVJ_INTERCEPTS
        if redshift < limit or limit == _UVJ_INTERCEPTS[-1][0]
    )
    return u_v > 1.3 and v_j < 1.6 and u_v > 0.88 * v_j + edge


def star_colors(g_i: float, wavelengths: ArrayLike, reference: float) -> NDArray[np.float64]:
    """Return the flux per unit frequency of a dwarf star relative to a reference wavelength.

    Parameters
    ----------
    g_i : float
        Position on the stellar locus: g - i from 0.4 (an F dwarf; the Sun has 0.6) to 2.85 (a mid-M
        dwarf).
    wavelengths : array_like
        Angstrom.
    reference : float
        Angstrom.
    """
    steps = [np.interp(g_i, _LOCUS[:, 0], column) for column in _LOCUS[:, 1:].T] + _VEGA_TO_AB
    magnitudes = -np.concatenate([[0.0], np.cumsum(steps)])  # relative to u

    def magnitude(angstrom: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(
            np.interp(
                np.log(np.asarray(angstrom, dtype=float)), np.log(_LOCUS_WAVELENGTHS), magnitudes
            ),
            dtype=np.float64,
        )

    brighter: NDArray[np.float64] = 10 ** (-0.4 * (magnitude(wavelengths) - magnitude(reference)))
    return brighter


def _calzetti(wavelengths: NDArray[np.float64]) -> NDArray[np.float64]:
    inverse = 1e4 / wavelengths  # per micrometer
    blue = 2.659 * (-2.156 + 1.509 * inverse - 0.198 * inverse**2 + 0.011 * inverse**3)
    red = 2.659 * (-1.857 + 1.040 * inverse)
    return np.where(wavelengths < 6300, blue, red) + _RV
