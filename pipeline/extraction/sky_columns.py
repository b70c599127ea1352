"""Columns of the sky in a feature table: its noise, the unit of the features, and correlation.

They are no features: what tells surveys apart would stand for what tells galaxies apart.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galfeat.data.units import pixel_unit
from galfeat.features.scalars import Scalar, ScalarTable, unmeasured

__all__ = ["SKY", "sky_scalars", "sky_table"]

SKY = "sky"
"""What the names of the columns begin with."""


def sky_scalars(bands: Sequence[str], units: Sequence[str] = ()) -> tuple[Scalar, ...]:
    """Return the columns of each band.

    Parameters
    ----------
    bands : sequence of str
    units : sequence of str
        Unit of the pixels of each band; empty where galaxies have different ones or none.
    """
    found = []
    for band, unit in zip(bands, units or ("",) * len(bands), strict=True):
        about = "of a prepared pixel of sky: the unit of its light in all features"
        sigma = f"standard deviation {about}"
        found.append(
            Scalar(
                f"{band}_sigma",
                pixel_unit(unit),
                "stat.stdev;instr.skyLevel",
                sigma,
                feature=False,
                error=False,
            )
        )
        for axis, line in (("x", "row"), ("y", "column")):
            rho = f"correlation of the sky's noise in neighboring prepared pixels of a {line}"
            found.append(
                Scalar(
                    f"{band}_rho_{axis}", "", "stat.correlation", rho, feature=False, error=False
                )
            )
    return tuple(found)


def sky_table(
    skies: NDArray[np.float64], bands: Sequence[str], units: Sequence[str] = ()
) -> ScalarTable:
    """Return the columns of galaxies.

    Parameters
    ----------
    skies : array of float64, shape (n, bands, 4)
        As `galfeat.data.prepare_each` gives them.
    bands, units
        As for `sky_scalars`.
    """
    numbers = skies[:, :, 1:].reshape(len(skies), -1)
    return ScalarTable(sky_scalars(bands, units), unmeasured(numbers), None, ((),) * len(numbers))
