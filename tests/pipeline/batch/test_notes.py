"""Notes on measured galaxies: beside the table, counted, and kept by a retry."""

import csv
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from galfeat.data import Preparation
from galfeat.pipeline import extract, load_features
from galfeat.pipeline.batch.options import Options

SMALL = Preparation(size=16)


def _image(seed: int, gap: int = 0) -> np.ndarray:
    y, x = np.mgrid[:32, :32] - 15.5
    noise = np.random.default_rng(seed).normal(20, 1, (32, 32))
    image = noise + 40 * np.exp(-np.hypot(x, y) / 3)
    image[:, :gap] = 0
    pixels: np.ndarray = image.astype(np.float32)
    return pixels


def _notes(folder: Path) -> list[dict[str, str]]:
    with (folder / "F.notes.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("processes", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_notes_are_listed_counted_and_kept_by_a_retry(tmp_path: Path, processes: bool) -> None:
    cutouts, out = tmp_path / "cutouts", tmp_path / "F.parquet"
    cutouts.mkdir()
    for number, gap in enumerate([0, 6, 20, 0, 4]):
        fits.writeto(cutouts / f"{number}.fits", _image(number, gap))
    photons = np.random.default_rng(0).poisson(0.1, (32, 32)).astype(np.float32)
    fits.writeto(cutouts / "photons.fits", photons)

    def run(retry: bool = False) -> str:
        options = Options(workers=1, processes=processes, retry_failed=retry)
        found = extract(cutouts, out, features=["color"], preparation=SMALL, options=options)
        assert (found.done, found.failed, found.noted) == ((6, 0, 3) if retry else (5, 1, 3))
        return found.ends("measured")

    words = run()
    assert "1 failed" in words
    assert f"3 with a note, such as on missing data (see {tmp_path / 'F.notes.csv'})" in words
    listed = _notes(tmp_path)
    assert [row["id"] for row in listed] == ["1", "4", "photons"]
    assert listed[0]["note"].startswith("19 % of band band1 is one value")
    assert "Poisson" in listed[2]["note"]

    fits.writeto(cutouts / "2.fits", _image(2), overwrite=True)
    run(retry=True)
    assert _notes(tmp_path) == listed


def test_no_notes_no_list(tmp_path: Path) -> None:
    fits.writeto(tmp_path / "a.fits", _image(0))
    (tmp_path / "F.notes.csv").write_text("of an earlier run")
    summary = extract(tmp_path, tmp_path / "F.parquet", features=["color"], preparation=SMALL)
    assert "note" not in summary.ends("measured").replace(str(tmp_path), "")
    assert not (tmp_path / "F.notes.csv").exists()


def test_galaxies_without_keypoints_are_noted(tmp_path: Path) -> None:
    cutouts, out = tmp_path / "cutouts", tmp_path / "F.parquet"
    cutouts.mkdir()
    for number, gap in enumerate([0, 4]):
        fits.writeto(cutouts / f"{number}.fits", _image(number, gap))
    empty = np.random.default_rng(7).normal(20, 1, (32, 32)).astype(np.float32)
    fits.writeto(cutouts / "empty.fits", empty)
    empty[:, :4] = 0
    fits.writeto(cutouts / "gap.fits", empty)
    extract(
        cutouts,
        out,
        features=["sift"],
        settings={"sift": {"region": "galaxy"}},
        preparation=Preparation(size=32),
    )
    table = load_features(out)
    counts = dict(zip(table.catalog["id"].to_pylist(), map(len, table.blocks["sift"]), strict=True))
    said = {row["id"]: row["note"] for row in _notes(tmp_path)}
    words = "sift: no keypoint was found, and its vector is zero"
    assert counts["0"]
    assert not counts["empty"]
    assert said["empty"] == words
    assert said["gap"].startswith("12 % of band band1 is one value")
    assert said["gap"].endswith(f"; {words}")
    assert {name for name, note in said.items() if words in note} == {
        name for name, count in counts.items() if not count
    }
