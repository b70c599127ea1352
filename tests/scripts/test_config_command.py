"""Settings files: what they decide, what wins over them, and how a mistake in one is named."""

import json
import tomllib
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from galfeat import UsageError
from galfeat.pipeline.settings_file import line_of
from galfeat.scripts.configuring import check_configuration
from galfeat.scripts.defaults import defaults
from galfeat.scripts.main import app
from galfeat.scripts.running import run


def about(table: Path) -> dict[str, object]:
    """Return how a feature table says it was made."""
    found: dict[str, object] = json.loads(pq.read_schema(table).metadata[b"galfeat"])
    return found


def written(folder: Path, text: str) -> Path:
    path = folder / "galfeat.toml"
    path.write_text(text)
    return path


def extract(survey: Path, out: Path, *more: object) -> int:
    return run(app, [str(each) for each in ("extract", survey, "--out", out, *more)])


@pytest.mark.filterwarnings("ignore::galfeat.PixelUnitWarning")  # without a stretch
def test_the_file_decides_and_the_command_line_wins(survey: Path, tmp_path: Path) -> None:
    text = """
[extract]
features = ["hog", "color"]
[preparation]
size = 32
stretch = "none"
[features.hog]
orientations = 5
rotation = "fixed"
pixels_per_cell = [16, 16]
"""
    config = written(tmp_path, text)
    assert extract(survey, tmp_path / "A.parquet", "--config", config) == 0
    made = about(tmp_path / "A.parquet")
    assert made["preparation"]["size"] == 32  # type: ignore[index]
    assert made["preparation"]["stretch"] == "none"  # type: ignore[index]
    assert list(made["extractors"]) == ["color", "hog"]  # type: ignore[call-overload]
    assert made["extractors"]["hog"]["orientations"] == 5  # type: ignore[index]
    # bands, orientations, cells of one block
    assert pq.read_schema(tmp_path / "A.parquet").field("hog").type.list_size == 3 * 5 * 4

    assert (
        extract(
            survey, tmp_path / "B.parquet", "--features", "color", "--size", 24, "--config", config
        )
        == 0
    )
    made = about(tmp_path / "B.parquet")
    assert made["preparation"]["size"] == 24  # type: ignore[index]
    assert list(made["extractors"]) == ["color"]  # type: ignore[call-overload]


def test_arguments_and_switches_can_stand_in_the_file(survey: Path, tmp_path: Path) -> None:
    config = written(
        tmp_path,
        (
            f'[extract]\nsource = "{survey}"\nout = "F.parquet"\nfeatures = "color"\nstrict = '
            "true\nworkers = 1\n"
        ),
    )
    assert run(app, ["extract", "--config", str(config)]) == 0
    assert (tmp_path / "F.parquet").exists()  # the path is meant from the folder of the file


WRONG = {
    "an unknown key": (
        "[extract]\nsize = 32\nsizes = 3\n",
        r"line 3: \[extract\] has no setting 'sizes'; its settings are .*size-arcsec",
    ),
    "an unknown table": ("\n[extrakt]\nsize = 3\n", r"line 2: the file has no setting 'extrakt'"),
    "a value out of range": (
        "[extract]\n# four\nsize = 4\n",
        r"line 3: size: .*16; the file has 4",
    ),
    "a value of the wrong kind": ('[extract]\nsize = "large"\n', r"line 2: size: .*large"),
    "half a pixel": ("[extract]\nsize = 64.5\n", r"line 2: size: .*64\.5"),
    "a number for a switch": (
        "[extract]\nstrict = 1\n",
        r"line 2: strict must be true or false; the file has 1",
    ),
    "a switch for a number": (
        "[extract]\nsize = true\n",
        r"line 2: size must not be true or false",
    ),
    "a list for one value": ("[extract]\nlayout = ['cube']\n", r"line 2: layout takes one value"),
    "another choice": ("[extract]\nlayout = 'tube'\n", r"line 2: layout: .*tube"),
    "a wrong option of another command": ("[compare]\n\nseed = -1\n", r"line 3: seed: .*-1"),
    "the former name of a setting": (
        "[preparation]\nsize = 32\ncentring = 'pixel'\n",
        r"line 3: the setting 'centring' is now called 'centering'",
    ),
    "an unknown setting of the preparation": (
        "[preparation]\nstrech = 'none'\n",
        r"line 2: \[preparation\] has no setting 'strech'",
    ),
    "a wrong preparation": ("[preparation]\nsize = 64\nborder = 0.9\n", r"line 3: border must be"),
    "a size that the commands refuse": (
        "[preparation]\n\nsize = 8\n",
        r"line 3: size: .*16; the file has 8",
    ),
    "an unknown extractor": (
        "[features.hogg]\nbins = 3\n",
        r"line (1|2): \[features\] has no setting 'hogg'",
    ),
    "an unknown setting of an extractor": (
        "[features.hog]\nbins = 3\n",
        r"line 2: \[features\.hog\] has no setting 'bins'",
    ),
    "a wrong setting of an extractor": (
        "[features.hog]\n\norientations = 0\n",
        r"line 3: orientations must be",
    ),
    "too few good pixels": ("[features.hog]\nmin_good = 3\n", r"line 2: min_good must be"),
    "a value for a table": ("extract = 3\n", r"line 1: 'extract' is a table"),
    "no TOML": ("[extract\n", r"is not valid TOML: .*line 1"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_named_with_its_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, expected = WRONG[name]
    config = written(tmp_path, text)
    with pytest.raises(UsageError, match=expected) as caught:
        check_configuration(config)
    assert str(config) in str(caught.value)
    assert extract(tmp_path, tmp_path / "F.parquet", "--config", config) == 2
    assert str(caught.value) in capsys.readouterr().err


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert extract(tmp_path, tmp_path / "F.parquet", "--config", tmp_path / "no.toml") == 2
    assert "cannot read the settings file" in capsys.readouterr().err


@pytest.mark.slow
def test_the_printed_defaults_are_a_settings_file_that_changes_nothing(
    survey: Path, tmp_path: Path
) -> None:
    config = written(tmp_path, defaults())
    check_configuration(config)
    assert extract(survey, tmp_path / "A.parquet", "--size", 32) == 0
    assert extract(survey, tmp_path / "B.parquet", "--size", 32, "--config", config) == 0
    assert (tmp_path / "A.parquet").read_bytes() == (tmp_path / "B.parquet").read_bytes()


def test_the_command_prints_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["config"]) == 0
    captured = capsys.readouterr()
    assert tomllib.loads(captured.out)["preparation"]["size"] == 64
    assert captured.err == ""
    good = written(tmp_path, captured.out)
    assert run(app, ["config", str(good)]) == 0
    assert capsys.readouterr().err == f"config: {good} is valid\n"


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (["a", "x"], 2),
        (["a", "many"], 4),
        (["b", "c", "y"], 11),
        (["b", "c"], 10),
        (["a", "z"], None),
    ],
)
def test_lines_are_found_past_comments_and_long_values(keys: list[str], line: int | None) -> None:
    text = (
        '[a]\nx = 1 # one\n# y = 2\nmany = [\n  1,\n  2,\n]\ntext = """\nx = 3"""\n[b.c]\ny = 4\n'
    )
    assert line_of(text, keys) == line


def test_photometry_and_errors_have_their_settings(survey: Path, tmp_path: Path) -> None:
    text = """
[extract]
features = ["photometry"]
errors = true
[preparation]
size = 32
[features.photometry]
apertures = [1.5]
draws = 2
"""
    config = written(tmp_path, text)
    one = tmp_path / "one"
    one.mkdir()
    name = sorted(path.name for path in survey.rglob("*.fits"))[0]
    (one / name).write_bytes(next(survey.rglob(name)).read_bytes())
    out = tmp_path / "A.parquet"
    assert extract(one, out, "--config", config) == 0
    made = about(out)
    assert made["errors"] is True
    assert made["photometry"]["settings"]["apertures"] == [1.5]  # type: ignore[index]
    names = pq.read_schema(out).names
    assert "photometry_r_petro_err" in names
    assert "photometry_F814W_flux_aper1_err" in names
    assert "photometry_F814W_flux_aper2" not in names
    wrong = written(tmp_path, "[features.photometry]\napertures = [-1]\n")
    with pytest.raises(UsageError, match="line 2: apertures must be positive"):
        check_configuration(wrong)
    wrong.write_text("[features.photometry]\naperture = [1]\n")
    with pytest.raises(UsageError, match="has no setting 'aperture'"):
        check_configuration(wrong)
