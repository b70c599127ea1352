"""``galfeat classify``: what it says of cutouts that are not like the training galaxies."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from scipy import ndimage

from galfeat.pipeline import train
from galfeat.scripts.main import app
from galfeat.scripts.running import run


@pytest.fixture(scope="module")
def model(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("model") / "M.galfeat"
    train(table, out, inputs=["color"], folds=0)
    return out


@pytest.fixture(scope="module")
def smooth(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("smooth")
    for path in sorted(survey.rglob("*.fits"))[:20]:
        data, header = fits.getdata(path, header=True)
        blurred = ndimage.gaussian_filter(data, (0, 1.5, 1.5)).astype(np.float32)
        fits.writeto(folder / path.name, blurred, header)
    return folder


def test_the_warning_is_written_even_if_the_rest_is_not(
    model: Path, smooth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "P.csv"
    words = ["classify", str(model), str(smooth), "--out", str(out), "--quiet"]
    assert run(app, words) == 0
    said = capsys.readouterr().err
    assert "classify: WARNING: " in said
    assert "of 20 cutouts lie outside the training domain" in said
    assert out.exists()


def test_strict_refuses_them(
    model: Path, smooth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "P.csv"
    assert run(app, ["classify", str(model), str(smooth), "--out", str(out), "--strict"]) == 2
    said = capsys.readouterr().err
    assert "--strict refuses to classify" in said
    assert "Traceback" not in said
    assert not out.exists()


def test_galaxies_like_those_of_training_are_named_so_with_their_priors(
    model: Path, survey: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["classify", str(model), str(survey), "--out", str(tmp_path / "P.csv"), "--strict"]
    assert run(app, [*words, "--priors", "estimated"]) == 0
    said = capsys.readouterr().err
    assert "WARNING" not in said
    assert "of 90 cutouts lie outside the training domain" in said
    assert "estimated class priors: agn 0." in said


def test_priors_of_training_are_not_those_of_the_cutouts(
    model: Path, survey: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["classify", str(model), str(survey), "--out", str(tmp_path / "P.csv")]
    assert run(app, [*words, "--priors", "training"]) == 2
    assert "priors are 'equal', 'estimated' or a number" in capsys.readouterr().err
    assert run(app, [*words, "--priors", "agn=x"]) == 2
    assert "--priors takes 'equal', 'estimated', or numbers" in capsys.readouterr().err
