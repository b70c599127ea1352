"""Fainter light under the noise of the same sky: surface-brightness dimming, shallower images."""

from galfeat.data.degradation.exposure import Exposure
from galfeat.data.preparation.sky_noise import SkyNoise

__all__ = ["dim", "shallower"]


def dim(exposure: Exposure, ratio: float) -> Exposure:
    """Return an exposure with the surface brightness of a redshift at which 1 + z is larger.

    Surface brightness falls with the fourth power of the ratio (Tolman 1930, PNAS 16, 511). The
    angular size and the colors stay as they are.
    """
    return exposure.scaled(float(ratio) ** -4)


def shallower(sky: SkyNoise, magnitudes: float) -> SkyNoise:
    """Return the sky of an image whose limiting magnitude is brighter by that much."""
    return sky._replace(sigma=sky.sigma * 10 ** (0.4 * magnitudes))
