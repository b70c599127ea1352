"""Shape against statmorph, on its own definitions.

Its numbers of 300 simulated galaxies and of real ones are stored; see make_statmorph_reference.py.
"""

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import spearmanr

from galfeat.features import Shape
from galfeat.features.shape import ShapeTable


def _maker() -> ModuleType:
    path = Path(__file__).with_name("make_statmorph_reference.py")
    spec = importlib.util.spec_from_file_location("make_statmorph_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = _maker()

ABSOLUTE = {"asymmetry": 0.01, "smoothness": 0.01, "outer_asymmetry": 0.01, "deviation": 0.01}
RELATIVE = 0.01
MUST = (
    "concentration",
    "asymmetry",
    "smoothness",
    "gini",
    "m20",
    "r_half_circ",
    "r_half_ellip",
    "r_petro_circ",
    "r_petro_ellip",
    "ellipticity",
    "multimode",
    "intensity",
    "deviation",
    "r20",
    "r50",
    "r80",
    "r_max_circ",
    "outer_asymmetry",
    "shape_asymmetry",
    "gini_m20_bulge",
    "gini_m20_merger",
)


@cache
def stored() -> dict[str, NDArray[Any]]:
    with np.load(reference.REFERENCE) as archive:
        return dict(archive)


Measured = tuple[ShapeTable, NDArray[np.intp]]


def measured(images: NDArray[np.float32], rows: NDArray[np.intp]) -> Measured:
    """Return shapes of the images that statmorph measured, and their rows in what is stored.

    A rounding of the expected light that differs between processors now and then lets the
    generator of Poisson noise take another draw, and the rest of that image is another one.
    """
    sums = np.stack([np.nansum(images, (1, 2)), np.nansum(np.abs(images), (1, 2))], axis=1)
    same = np.isclose(sums, stored()["sums"][rows], rtol=1e-3, atol=0.1).all(axis=1)
    assert same.mean() > 0.9, (
        "the images are not those that statmorph measured: make its numbers anew"
    )
    return Shape("linear").measure(images[same, None]), rows[same]


@pytest.fixture(scope="module")
def simulated() -> Measured:
    return measured(reference.simulated(), np.arange(reference.COUNT))


def compared(galaxies: Measured, name: str) -> tuple[Any, Any]:
    table, rows = galaxies
    ours = table.column("band1", name)
    theirs = stored()["values"][rows, stored()["names"].tolist().index(name)]
    good = (stored()["flags"][rows] == 0) & ~np.ma.getmaskarray(ours)
    return ours.data[good], theirs[good]


@pytest.mark.parametrize("name", MUST)
def test_simulated_galaxies(simulated: Measured, name: str) -> None:
    ours, theirs = compared(simulated, name)
    assert len(ours) >= 150
    differs = np.abs(ours - theirs)
    if name not in ABSOLUTE:
        differs = differs / np.maximum(np.abs(theirs), 1e-9)
        differs[ours == theirs] = 0
    assert np.median(differs) <= ABSOLUTE.get(name, RELATIVE)
    assert spearmanr(ours, theirs).statistic >= 0.98


def test_what_statmorph_calls_bad_is_flagged(simulated: Measured) -> None:
    table, rows = simulated
    agree = (table.quality[:, 0] == 2) == (stored()["flags"][rows] >= 2)
    assert agree.mean() >= 0.95


def test_real_galaxies(real_data: Path) -> None:
    images = reference.real(real_data / "fits")
    names = stored()["images"].tolist()
    rows = np.array([names.index(name) for name in images])
    galaxies = measured(np.stack(list(images.values())), rows)
    for name in MUST:
        ours, theirs = compared(galaxies, name)
        differs = np.abs(ours - theirs)
        if name not in ABSOLUTE:
            differs = differs / np.maximum(np.abs(theirs), 1e-9)
            differs[ours == theirs] = 0
        assert np.median(differs) <= ABSOLUTE.get(name, RELATIVE), name


def test_the_stored_numbers_are_statmorphs() -> None:
    pytest.importorskip(
        "statmorph", reason="statmorph is not installed: its stored numbers are used"
    )
    images = reference.simulated()[:3]
    for row, image in enumerate(images):
        segments = Shape("linear").measure(image[None, None]).segments[0]
        found, flag, _ = reference.measure(image, segments)
        assert flag == stored()["flags"][row]
        assert found == pytest.approx(stored()["values"][row], rel=1e-3, abs=1e-3)
