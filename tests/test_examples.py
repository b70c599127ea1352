import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.slow
def test_the_lecture_is_drawn(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-W", "error", EXAMPLES / "lecture.py", tmp_path], check=True)
    drawn = [
        "activations.png",
        "approximation.png",
        "boundary.png",
        "learning.html",
        "losses.png",
        "paths.png",
    ]
    assert sorted(file.name for file in tmp_path.iterdir()) == drawn
    assert all(name in (EXAMPLES / "lecture.py").read_text() for name in drawn), (
        "and each is announced"
    )


@pytest.mark.slow
def test_the_preparation_is_drawn(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / "preparation.py", tmp_path], check=True
    )
    drawn = ["color.jpg", "preparation.jpg"]
    assert sorted(file.name for file in tmp_path.iterdir()) == drawn
    assert all(name in (EXAMPLES / "preparation.py").read_text() for name in drawn)
