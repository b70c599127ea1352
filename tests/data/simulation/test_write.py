"""A simulated survey on disk: read back by astropy, whole or absent, and nothing betrayed."""

import json
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from galfeat import UsageError, __version__
from galfeat.data.simulation import write
from galfeat.data.simulation.survey import SimulatedSurvey, simulate
from galfeat.data.simulation.write import LAYOUTS, write_survey

SETTINGS = {"size": 20, "bands": ("F606W", "F814W"), "seed": 3}


@pytest.fixture(scope="module")
def survey() -> SimulatedSurvey:
    return SimulatedSurvey(7, **SETTINGS)  # type: ignore[arg-type]


def _images(path: Path) -> list[np.ndarray]:
    with fits.open(path) as units:
        units.verify("exception")
        return [unit.data.astype(np.float32) for unit in units if unit.data is not None]


def test_cubes_hold_the_pixels_bands_first(survey: SimulatedSurvey, tmp_path: Path) -> None:
    write_survey(survey, tmp_path / "deeper" / "here")
    pixels = simulate(7, **SETTINGS).pixels  # type: ignore[arg-type]
    catalog = pyarrow.csv.read_csv(tmp_path / "deeper" / "here" / "catalog.csv")
    assert catalog.column_names == ["id", "file", "label", "state"]
    for row, file in enumerate(catalog["file"].to_pylist()):
        (cube,) = _images(tmp_path / "deeper" / "here" / file)
        np.testing.assert_array_equal(cube, pixels[row])
        header = fits.getheader(tmp_path / "deeper" / "here" / file)
        assert [header["BAND1"], header["BAND2"], header["BUNIT"], header["BITPIX"]] == [
            "F606W",
            "F814W",
            "uJy",
            -32,
        ]


def test_extensions_are_named_after_their_bands(survey: SimulatedSurvey, tmp_path: Path) -> None:
    write_survey(survey, tmp_path, "mef")
    pixels = simulate(7, **SETTINGS).pixels  # type: ignore[arg-type]
    np.testing.assert_array_equal(_images(tmp_path / "sim000004.fits"), pixels[4])
    with fits.open(tmp_path / "sim000004.fits") as units:
        assert [unit.name for unit in units] == ["PRIMARY", "F606W", "F814W"]
        assert units[0].data is None


def test_one_file_a_band_has_a_column_a_band(survey: SimulatedSurvey, tmp_path: Path) -> None:
    write_survey(survey, tmp_path, "files")
    catalog = pyarrow.csv.read_csv(tmp_path / "catalog.csv")
    assert catalog.column_names == ["id", "file_F606W", "file_F814W", "label", "state"]
    pixels = simulate(7, **SETTINGS).pixels  # type: ignore[arg-type]
    for number, band in enumerate(survey.bands):
        file = tmp_path / catalog[f"file_{band}"][5].as_py()
        np.testing.assert_array_equal(_images(file), pixels[5, number : number + 1])
        assert fits.getheader(file)["FILTER"] == band


@pytest.mark.parametrize("layout", LAYOUTS)
def test_coordinates_lead_to_the_center_at_the_scale_of_the_survey(
    survey: SimulatedSurvey, tmp_path: Path, layout: str
) -> None:
    write_survey(survey, tmp_path, layout)
    header = fits.getheader(sorted(tmp_path.glob("sim000001*.fits"))[0], -1)
    wcs = WCS(header).celestial
    here, aside = wcs.pixel_to_world(9.5, 9.5), wcs.pixel_to_world(10.5, 9.5)
    assert here.ra.deg == pytest.approx(header["CRVAL1"], abs=1e-9)
    assert here.separation(aside).arcsec == pytest.approx(0.06)
    assert aside.ra < here.ra


def test_written_settings_reproduce_the_survey(tmp_path: Path) -> None:
    survey = SimulatedSurvey(
        3, size=16, bands=("g", "z"), depth="deep", seed=9, noise="correlated", realistic=True
    )
    write_survey(survey, tmp_path)
    about = json.loads((tmp_path / "survey.json").read_text())
    assert about.pop("population").startswith("realistic: ")
    assert (about.pop("camera"), about.pop("pixel_arcsec"), about.pop("galfeat")) == (
        "ground",
        0.2,
        __version__,
    )
    assert SimulatedSurvey(**about["settings"]) == survey
    header = fits.getheader(tmp_path / "sim000002.fits")
    assert header["CDELT2"] * 3600 == pytest.approx(0.2)


@pytest.mark.slow
def test_a_large_survey_is_written_in_parts_without_gaps(tmp_path: Path) -> None:
    survey = SimulatedSurvey(130, size=16, bands=("F814W",))
    told: list[tuple[int, int, int]] = []
    write_survey(survey, tmp_path, progress=lambda *each: told.append(each))
    assert told == [(64, 130, 0), (128, 130, 0), (130, 130, 0)]
    catalog = pyarrow.csv.read_csv(tmp_path / "catalog.csv")
    assert catalog.drop_columns("file").equals(survey.catalog)
    assert not list(tmp_path.glob("*.part"))


def test_a_full_disk_is_one_sentence(
    survey: SimulatedSurvey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        UsageError,
        match=r"cannot write to the folder .*: No space left on device; nothing was left in it",
    ):
        write_survey(survey, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_files_contain_no_class_date_or_path(
    survey: SimulatedSurvey, tmp_path: Path, layout: str
) -> None:
    write_survey(survey, tmp_path / "a", layout)
    write_survey(survey, tmp_path / "b", layout)
    for file in sorted((tmp_path / "a").iterdir()):
        content = file.read_bytes()
        assert content == (tmp_path / "b" / file.name).read_bytes()
        assert b"DATE" not in content
        if file.suffix == ".fits":
            text = content[:8640].decode("latin-1").lower()
            assert not any(
                word in text
                for word in ("spiral", "merger", "clump", "agn", "q_sf", "quiescent", "forming")
            )
    sizes = {file.stat().st_size for file in (tmp_path / "a").glob("*.fits")}
    assert len(sizes) == 1


def test_truth_is_written_next_to_the_catalog(survey: SimulatedSurvey, tmp_path: Path) -> None:
    write_survey(survey, tmp_path)
    truth = pyarrow.csv.read_csv(tmp_path / "truth.csv")
    assert truth.column_names == [
        *survey.truth.column_names,
        "sn",
        "arm_contrast",
        "clump_sn",
        "tail_sn",
    ]
    np.testing.assert_array_equal(truth["magnitude"], survey.truth["magnitude"])
    assert truth["id"].to_pylist() == survey.catalog["id"].to_pylist()


def test_an_interrupted_run_leaves_nothing(
    survey: SimulatedSurvey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def stop_at_the_fourth(units: object) -> bytes:
        made.append(units)
        if len(made) == 4:
            raise KeyboardInterrupt
        return b"SIMPLE"

    monkeypatch.setattr(write, "_fits", stop_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        write_survey(survey, tmp_path)
    assert len(made) == 4
    assert not list(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        made.clear()
        write_survey(survey, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten(survey: SimulatedSurvey, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"not empty; name a new one"):
        write_survey(survey, tmp_path)
    with pytest.raises(UsageError, match="cannot write to the folder"):
        write_survey(survey, tmp_path / "notes.txt")
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(UsageError, match="unknown layout 'zip'; choose one of cube, mef, files"):
        write_survey(survey, tmp_path / "new", "zip")
    assert not (tmp_path / "new").exists()
