"""Lazy attributes: star imports, ``dir``, unknown names, and what is not loaded."""

import subprocess
import sys
from importlib import import_module

import pytest

LAZY = [
    "galfeat.data",
    "galfeat.features",
    "galfeat.features.color",
    "galfeat.features.hog",
    "galfeat.features.pixels",
    "galfeat.features.sift",
    "galfeat.features.texture",
    "galfeat.nn",
    "galfeat.pipeline",
    "galfeat.pipeline.reporting",
]


@pytest.mark.parametrize("name", LAZY)
def test_star_imports_and_dir_give_every_name(name: str) -> None:
    package = import_module(name)
    assert set(package.__all__) <= set(dir(package))
    found: dict[str, object] = {}
    exec(f"from {name} import *", found)
    assert set(package.__all__) <= set(found)


@pytest.mark.parametrize("name", LAZY)
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'nonsense'"):
        import_module(name).nonsense  # noqa: B018


def test_a_package_of_extractors_loads_no_scikit_learn_by_itself() -> None:
    code = (
        "import sys, galfeat.features.hog, galfeat.nn, galfeat.pipeline; "
        "assert not {'sklearn', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_a_submodule_can_be_an_attribute() -> None:
    code = "import galfeat.data; assert galfeat.data.surveys.__name__ == 'galfeat.data.surveys'"
    subprocess.run([sys.executable, "-c", code], check=True)
