"""What several tests share: where the real galaxies lie."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real galaxies, or skip: they are too many to be part of the project."""
    folder = Path(os.environ.get("GALFEAT_TEST_DATA", _BESIDE))
    if not folder.is_dir():
        pytest.skip(f"real galaxies not found: set GALFEAT_TEST_DATA to their folder (looked in {folder})")
    return folder
