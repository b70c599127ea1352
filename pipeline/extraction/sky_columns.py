"""Columns of the sky in a feature table: its noise, the unit of the features, and correlation.

They are no features: what tells surveys apart would stand for what tells galaxies apart.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat.data.units import pixel_unit
from galfeat.features.scalars import Scalar, ScalarTable, unmeasured

__all__ = ["SKY", "SKY_NUMBERS", "sky_levels", "sky_numbers", "sky_scalars", "sky_table"]

SKY = "sky"
"""What the names of the columns begin with."""
SKY_NUMBERS = 3
"""Columns of a band: standard deviation, correlation along rows and along columns."""


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


def sky_numbers(sky: ScalarTable | pa.Table) -> NDArray[np.float64]:
    """Return the columns of the sky as an array, shape (n, 3 * bands), NaN where not measured."""
    if isinstance(sky, ScalarTable):
        return np.asarray(np.ma.filled(sky.values.astype(np.float64), np.nan))
    return np.stack([column.to_numpy().astype(np.float64) for column in sky.columns], axis=1)


def sky_levels(sky: NDArray[np.float64], bands: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Return the standard deviation of the noise of each band, from `sky_numbers`."""
    return {band: sky[:, SKY_NUMBERS * place] for place, band in enumerate(bands)}
