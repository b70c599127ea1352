"""The renderer against GalSim, an independent one that is the field's standard.

GalSim is large and has no wheels for Windows, so its images of these cases are stored beside the
tests, and made again by running this file with GalSim installed::

    python tests/data/simulation/test_galsim.py

Where GalSim is installed the stored images are compared with new ones, too.

References
----------
Rowe et al. 2015, Astronomy and Computing 10, 121.
"""

from dataclasses import astuple, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat.data.simulation.instrument import BANDS
from galfeat.data.simulation.profiles import Sersic, sersic
from galfeat.data.simulation.render import fine_grid, observe
from galfeat.data.simulation.scene import PointSource

STORED = Path(__file__).parent / "reference" / "galsim.npz"
SIZE = 48

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A Sersic profile (major axis, as ours), or a point where the radius is 0, and the width of
    the point spread function.
    """

    index: float
    radius: float
    axis_ratio: float
    angle: float
    x: float
    y: float
    fwhm: float


CASES = (
    Case(1.0, 4.5, 1.0, 0.0, 0.0, 0.0, 1.8),
    Case(1.0, 5.0, 0.25, 37.0, 0.31, -0.47, 2.0),
    Case(1.0, 7.0, 0.6, 110.0, -1.23, 0.88, 2.0),
    Case(1.0, 10.0, 0.3, 160.0, 2.4, 1.7, 3.1),
    Case(1.0, 13.0, 0.8, 75.0, 0.5, 0.5, 2.8),
    Case(1.0, 6.0, 0.5, 20.0, -0.6, 0.1, 4.2),
    Case(1.0, 1.43, 0.5, 45.0, 0.2, -0.3, 1.9),  # nuclear starbursts and compact bulges
    Case(1.0, 0.5, 0.9, 45.0, 0.45, 0.05, 2.0),
    Case(0.5, 3.0, 0.3, 60.0, 0.4, 1.1, 2.0),  # bars
    Case(2.0, 3.0, 0.5, 15.0, 0.33, -0.66, 2.0),
    Case(3.0, 6.0, 0.3, 95.0, -0.9, 0.7, 2.0),
    Case(4.0, 0.6, 0.8, 30.0, 0.12, 0.34, 2.0),  # the smallest bulge there is
    Case(4.0, 2.0, 0.62, 130.0, -0.77, 0.21, 1.8),
    Case(4.0, 4.5, 0.9, 0.0, 0.0, 0.0, 2.0),
    Case(4.0, 4.5, 0.65, 50.0, 1.1, -1.4, 3.1),
    Case(4.0, 3.0, 0.7, 10.0, 0.5, 0.5, 4.0),
    Case(0.0, 0.0, 1.0, 0.0, 0.27, -0.61, 2.0),  # a star, a nucleus
    Case(0.0, 0.0, 1.0, 0.0, -1.5, 1.0, 4.4),
)
NAMES = [f"n={case.index} r={case.radius} q={case.axis_ratio} fwhm={case.fwhm}" for case in CASES]


def _by_galsim(case: Case) -> Floats:
    galsim: Any = import_module("galsim")

    accurate = galsim.GSParams(
        folding_threshold=2e-4, maxk_threshold=2e-4, kvalue_accuracy=1e-6, maximum_fft_size=16384
    )
    image: Any = galsim.Moffat(beta=3, fwhm=case.fwhm, gsparams=accurate)
    if case.radius:
        round_one = galsim.Sersic(
            case.index, half_light_radius=case.radius * case.axis_ratio**0.5, gsparams=accurate
        )
        image = galsim.Convolve(
            round_one.shear(q=case.axis_ratio, beta=case.angle * galsim.degrees),
            image,
            gsparams=accurate,
        )
    drawn: Floats = np.asarray(
        image.drawImage(nx=SIZE, ny=SIZE, scale=1.0, offset=(case.x, case.y)).array,
        dtype=np.float64,
    )
    return drawn


def _by_us(case: Case) -> Floats:
    grid = fine_grid(SIZE)
    if case.radius:
        return observe(
            sersic(
                grid, Sersic(case.x, case.y, case.radius, case.index, case.axis_ratio, case.angle)
            ),
            [],
            SIZE,
            case.fwhm,
        )
    dark = np.zeros((grid.side, grid.side), dtype=np.float32)
    return observe(dark, [(PointSource(case.x, case.y, np.ones(1)), 1.0)], SIZE, case.fwhm)


def _centroid(image: Floats) -> Floats:
    axis = np.arange(SIZE) - (SIZE - 1) / 2
    middle: Floats = (
        np.array([(image * axis[None, :]).sum(), (image * axis[:, None]).sum()]) / image.sum()
    )
    return middle


def _assert_alike(ours: Floats, theirs: Floats, index: float) -> None:
    assert np.abs(ours - theirs).max() <= (0.03 if index >= 3 else 0.01) * theirs.max()
    assert np.abs(_centroid(ours) - _centroid(theirs)).max() <= 0.02
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.005)


@pytest.fixture(scope="module")
def stored() -> Floats:
    with np.load(STORED) as file:
        np.testing.assert_array_equal(
            file["cases"],
            [astuple(case) for case in CASES],
            err_msg="run this file to store the new cases",
        )
        return np.asarray(file["images"], dtype=np.float64)


@pytest.mark.parametrize("number", range(len(CASES)), ids=NAMES)
def test_our_image_is_the_one_that_galsim_made(number: int, stored: Floats) -> None:
    _assert_alike(_by_us(CASES[number]), stored[number], CASES[number].index)


def test_the_measure_would_see_a_quarter_of_a_pixel_and_a_wider_point_spread(
    stored: Floats,
) -> None:
    case = CASES[2]
    for wrong in (
        Case(*[*astuple(case)[:4], case.x + 0.25, *astuple(case)[5:]]),
        Case(*[*astuple(case)[:6], 1.1 * case.fwhm]),
    ):
        with pytest.raises(AssertionError):
            _assert_alike(_by_us(wrong), stored[2], case.index)


def test_cases_span_the_point_spread_functions_in_use() -> None:
    widths = [band.fwhm for band in BANDS.values()]
    assert min(case.fwhm for case in CASES) == min(widths)
    assert max(case.fwhm for case in CASES) == max(widths)


@pytest.mark.parametrize("number", range(len(CASES)), ids=NAMES)
def test_galsim_still_makes_the_stored_image(number: int, stored: Floats) -> None:
    pytest.importorskip(
        "galsim",
        reason="GalSim is not installed (pip install galsim): its stored images are tested instead",
    )
    fresh = _by_galsim(CASES[number])
    assert np.abs(fresh - stored[number]).max() < 1e-4 * fresh.max()
    _assert_alike(_by_us(CASES[number]), fresh, CASES[number].index)


if __name__ == "__main__":
    STORED.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        STORED,
        cases=[astuple(case) for case in CASES],
        images=np.stack([_by_galsim(case) for case in CASES]).astype("f4"),
    )
