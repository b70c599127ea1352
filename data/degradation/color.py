"""Other zero points and other filters: the same galaxy's light shared otherwise among bands."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from galfeat.data.degradation.exposure import Exposure

__all__ = ["redden", "shift_filters", "shift_zero_points"]


def shift_zero_points(exposures: Sequence[Exposure], magnitudes: Sequence[float]) -> list[Exposure]:
    """Return the bands of a galaxy fainter by so many magnitudes each.

    Light and noise are scaled together, as by another zero point. With the sky's noise restored by
    `galfeat.data.degradation.exposure.with_noise`, it is the color of the galaxy that changes.
    """
    return [
        exposure.scaled(10 ** (-0.4 * shift))
        for exposure, shift in zip(exposures, magnitudes, strict=True)
    ]


def redden(exposures: Sequence[Exposure], magnitudes: float) -> list[Exposure]:
    """Return the bands with a color offset: the last as it is, the first fainter by so much.

    Between them the magnitudes change linearly. Bands are in the order of wavelength, either way.
    """
    return shift_zero_points(exposures, np.linspace(magnitudes, 0, len(exposures)).tolist())


def shift_filters(exposures: Sequence[Exposure], share: float) -> list[Exposure]:
    """Return the bands seen through filters that reach into the next one.

    Parameters
    ----------
    exposures : sequence of Exposure
        Bands in the order of wavelength, on one grid.
    share : float
        Part of each band's light that is replaced by that of the next band, 0 to 1; the last band
        stays as it is.
    """
    mixed = [_mixed(one, other, share) for one, other in pairwise(exposures)]
    return [*mixed, *exposures[-1:]]


def _mixed(one: Exposure, other: Exposure, share: float) -> Exposure:
    kept, taken = one.scaled(1 - share), other.scaled(share)
    return Exposure(
        kept.light + taken.light, one.bad | other.bad, kept.noise + taken.noise, one.seen
    )
