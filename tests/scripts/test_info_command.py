"""What a file says about itself, at the terminal."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from galfeat.features import HOG, Shape
from galfeat.pipeline import train
from galfeat.scripts.main import app
from galfeat.scripts.running import run


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert run(app, ["info", *(str(each) for each in arguments)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def test_a_table_says_how_it_was_made(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, table)
    words = {" ".join(line.split()) for line in text.splitlines()}
    assert text.startswith(f"{table}: feature table of galfeat ")
    assert {
        "rows 90",
        "label string",
        "preparation.size 32",
        "extractors.hog.orientations 9",
    } <= words
    # 3 bands, 3 x 3 blocks of 2 x 2 cells, 9 orientations, averaged over turned, mirrored views
    hog = HOG(rotation="mirrored").feature_names(("a", "b", "c"), (32, 32))
    assert f"hog {len(hog)} values of float32" in words
    shape = Shape().scalars(("a", "b", "c"))
    features = sum(each.feature for each in shape)
    assert f"shape {len(shape)} columns, {features} of them features" in words
    assert "sift any number of 128 values of uint8" in words


def test_the_same_as_json(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(said(capsys, table, "--json"))
    made = json.loads(pq.read_schema(table).metadata[b"galfeat"])
    assert (found["rows"], found["fingerprint"]) == (90, made["fingerprint"])
    assert found["settings"]["extractors"] == made["extractors"]
    assert found["catalog"] == {
        "id": "string",
        "file": "string",
        "label": "string",
        "state": "string",
    }


def test_a_model_says_what_it_is(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(table, tmp_path / "M.galfeat", inputs=["color"], hidden=(7,), folds=2)
    found = json.loads(said(capsys, tmp_path / "M.galfeat", "--json"))
    assert (found["kind"], found["input"], found["classes"]) == (
        "model",
        "color",
        ["agn", "clump", "merger", "q_sf", "spiral"],
    )
    assert found["networks"] == len(found["layers"]) == 5
    assert all(layers[1:] == [7, 5] for layers in found["layers"])
    assert found["parameters"] == sum(layers[0] * 7 + 7 + 7 * 5 + 5 for layers in found["layers"])
    assert found["class priors"] == dict.fromkeys(found["classes"], pytest.approx(0.2))
    assert found["training domain"]["galaxies"] == "90"
    low, _, high = found["training domain"]["noise correlation"].split()
    assert -1 < float(low) < float(high) < 1
    assert set(found["scores"]["intervals"]) >= {"macro_f1", "auc", "log_loss"}
    words = said(capsys, tmp_path / "M.galfeat")
    assert "cross-validated on 90 galaxies, 2 folds" in words
    assert "warning: classes with fewer than 50 galaxies: agn (18)" in words
    page = (tmp_path / "M.report.html").read_text()
    assert "What the model M is worth" in page
    assert "fewer than 50 galaxies" in page


def test_other_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("hello")
    for path, reason in (
        (other, "is neither"),
        (tmp_path / "none", "No such file"),
        (tmp_path, "Is a directory"),
    ):
        assert run(app, ["info", str(path)]) == 2
        assert reason in capsys.readouterr().err
