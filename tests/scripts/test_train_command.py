"""``galfeat train`` and ``--recipe`` at the terminal: what is said, and what is refused."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from galfeat.pipeline import Model
from galfeat.scripts.main import app
from galfeat.scripts.running import run

PRIORS = "agn=1,clump=1,merger=1,q_sf=1,spiral=4"


def test_it_says_what_the_model_is_worth(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "M.galfeat"
    words = ["train", str(table), "--out", str(out), "--inputs", "color", "--folds", "2"]
    assert run(app, [*words, "--networks", "1", "--hidden", "8", "--priors", PRIORS]) == 0
    said = capsys.readouterr().err
    for expected in (
        "cross-validated on 90 galaxies, 2 folds",
        "macro_f1",
        "probability of the predicted class, and how often it is right",
        "train: warning: classes with fewer than 50 galaxies: agn (18)",
        f"{out}; its scores are in {tmp_path / 'M.report.html'}",
    ):
        assert expected in said
    assert Model.load(out).priors_["spiral"] == 0.5
    assert "spiral 0.5" in (tmp_path / "M.report.html").read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--priors", "even"], "priors are 'equal', 'training' or a number for each class"),
        (["--priors", "spiral=many"], "--priors takes 'equal', 'training', or numbers"),
        (["--priors", "spiral=1"], "'agn' has none"),
        (["--folds", "1"], "at least 2 folds, or 0 for none"),
        (["--networks", "99"], "1 to 8 networks"),
        (["--from-report", "{tmp}"], "is no report of 'galfeat compare'"),
    ],
)
def test_what_makes_no_sense_is_refused(
    table: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    said: str,
) -> None:
    given = [each.replace("{tmp}", str(tmp_path)) for each in options]
    words = ["train", str(table), "--out", str(tmp_path / "M"), "--inputs", "color"]
    assert run(app, [*words, *given]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_classic_recipe_is_measured_with_the_settings_of_the_papers(
    survey: Path, tmp_path: Path
) -> None:
    for recipe, rotation in (("classic", "fixed"), ("default", "mirrored")):
        out = tmp_path / f"{recipe}.parquet"
        words = ["extract", str(survey), "--out", str(out), "--features", "hog", "--size", "32"]
        assert run(app, [*words, "--recipe", recipe]) == 0
        about = json.loads(pq.read_schema(out).metadata[b"galfeat"])
        assert (about["recipe"], about["extractors"]["hog"]["rotation"]) == (recipe, rotation)
    assert run(app, [*words, "--recipe", "modern"]) == 2
