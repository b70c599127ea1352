import subprocess
import sys

import pytest

from galfeat.features import EXTRACTORS
from galfeat.features.registry import LOCAL_DESCRIPTORS, PIXELS, REGISTRY, SIFT


@pytest.mark.parametrize("name", REGISTRY)
def test_an_entry_and_its_class_agree(name: str) -> None:
    entry = REGISTRY[name]
    assert entry.load() is EXTRACTORS[name]
    assert EXTRACTORS[name].key == name
    assert entry.about
    for settings in ({}, entry.settings, *entry.variants.values()):
        made = EXTRACTORS[name](**settings)
        assert made.feature_names(("a", "b"), (64, 64))
    assert hasattr(EXTRACTORS[name], "describe") == (name in LOCAL_DESCRIPTORS)


def test_only_pixels_are_not_handcrafted() -> None:
    assert [each for each in REGISTRY.values() if not each.handcrafted] == [PIXELS]
    assert {SIFT.name} == LOCAL_DESCRIPTORS


def test_the_names_need_no_compiler() -> None:
    code = (
        "import sys, galfeat.features.registry; print(sorted({'sklearn', 'numpy', 'numba'} & "
        "set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
