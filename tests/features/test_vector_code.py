"""Features agree between processors, to the rounding stated in docs/extractors.md.

In continuous integration these tests run twice: with the widest vectors that the machine has, and
with code for older processors.
"""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

ROUNDING = 1e-6  # of the values' largest size in a column's family: some steps of float32


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    path = Path(__file__).parent / "make_vector_code_reference.py"
    spec = importlib.util.spec_from_file_location("make_vector_code_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def here(maker: ModuleType) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = maker.measured()
    return found


@pytest.fixture(scope="module")
def there(maker: ModuleType) -> dict[str, NDArray[Any]]:
    with np.load(maker.REFERENCE) as kept:
        return dict(kept)


@pytest.mark.parametrize("name", ["images", "pixels", "color"])
def test_same_bits(
    name: str, here: dict[str, NDArray[Any]], there: dict[str, NDArray[Any]]
) -> None:
    assert here[name] == there[name]


@pytest.mark.parametrize("name", ["means", "texture", "fourier", "hog", "averaged"])
def test_same_numbers(
    name: str, here: dict[str, NDArray[Any]], there: dict[str, NDArray[Any]]
) -> None:
    assert here[name].shape == there[name].shape
    apart = np.abs(here[name].astype(np.float64) - there[name])
    assert (apart <= ROUNDING * np.maximum(1, np.abs(there[name]))).all(), apart.max()


def test_patterns_are_counted_and_so_have_the_same_bits(
    here: dict[str, NDArray[Any]], there: dict[str, NDArray[Any]]
) -> None:
    from galfeat.features import Texture

    names = Texture().fit(np.zeros((1, 3, 56, 64), dtype=np.float32)).get_feature_names_out()
    patterns = np.array(["lbp" in name for name in names])
    assert patterns.sum() > 50
    assert np.array_equal(here["texture"][:, patterns], there["texture"][:, patterns])


@pytest.mark.parametrize("name", ["dense", "detected"])
def test_same_descriptors(
    name: str, here: dict[str, NDArray[Any]], there: dict[str, NDArray[Any]]
) -> None:
    assert np.array_equal(here[f"{name}_numbers"], there[f"{name}_numbers"])
    apart = np.abs(here[name].astype(int) - there[name])
    assert apart.max() <= 1
    assert (apart > 0).mean() < 1e-3
