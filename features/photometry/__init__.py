"""Fluxes, magnitudes and colors of galaxies, measured on linear cutouts.

``extractor``
    `Photometry`: Petrosian, Kron and matched aperture fluxes, colors and color gradients.
``images``
    `LinearImage`: pixels with their noise, unit, zero point and scale.
``calibration``
    The zero point that a FITS header states: which keywords give the flux unit.
``measuring``
    One galaxy: sky, source, apertures, fluxes.
``magnitudes``
    Asinh magnitudes and their errors.
"""

from galfeat.features.photometry.calibration import Calibration, calibration
from galfeat.features.photometry.extractor import Photometry
from galfeat.features.photometry.images import LinearImage

__all__ = ["Calibration", "LinearImage", "Photometry", "calibration"]
