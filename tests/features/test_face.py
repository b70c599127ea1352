import doctest
import subprocess
import sys
from importlib import import_module
from pkgutil import walk_packages

import pytest

import galfeat.features
from galfeat import UsageError
from galfeat.features import EXTRACTORS, make_extractors
from galfeat.features.registry import REGISTRY

FACE = [
    "BagOfWords",
    "BlockScaler",
    "ColorHistogram",
    "Combined",
    "EXTRACTORS",
    "Extractor",
    "FisherVector",
    "HOG",
    "INVARIANCES",
    "Photometry",
    "Pixels",
    "SIFT",
    "Scalar",
    "ScalarTable",
    "Shape",
    "Texture",
    "combine",
    "make_extractors",
]


def test_the_face() -> None:
    assert sorted(galfeat.features.__all__) == FACE
    assert dir(galfeat.features) == FACE
    for name in FACE:
        assert getattr(galfeat.features, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = galfeat.features.nonsense  # type: ignore[attr-defined]


def test_nothing_heavy_before_it_is_asked_for() -> None:
    code = (
        "import sys, galfeat.features; print(sorted({'cv2', 'sklearn', 'numpy', 'numba'} & "
        "set(sys.modules)))"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )


def test_extractors_by_name() -> None:
    assert list(EXTRACTORS) == list(REGISTRY)
    made = make_extractors(["hog", "pixels"])
    assert list(made) == ["hog", "pixels"]
    assert all(type(made[name]) is EXTRACTORS[name] for name in made)


def test_unknown_names() -> None:
    with pytest.raises(
        UsageError,
        match="there is no extractor 'hogs'; there are pixels, color, texture, hog, sift",
    ):
        make_extractors(["hog", "hogs"])
    with pytest.raises(UsageError, match="each extractor may be named once"):
        make_extractors(["hog", "hog"])
    with pytest.raises(UsageError, match="give a list of extractors"):
        make_extractors([])
    with pytest.raises(UsageError, match="give a list of extractors"):
        make_extractors("hog")


@pytest.mark.parametrize(
    "name",
    [module.name for module in walk_packages(galfeat.features.__path__, "galfeat.features.")],
)
def test_examples_run(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0
