"""The command line from end to end, as a user's shell sees it: exit status, stderr, files; stdout
stays clean.
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from galfeat.scripts.main import app
from galfeat.scripts.running import run

ROOT = Path(__file__).resolve().parents[2]


def command(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """Run a command in this process; return its status and what it said."""
    status = run(app, [str(each) for each in arguments])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return status, captured.err


@pytest.mark.slow
def test_from_galaxies_to_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    survey, table, model = tmp_path / "survey", tmp_path / "F.parquet", tmp_path / "M.galfeat"
    assert command(capsys, "simulate", survey, "--n", 60, "--size", 32, "--depth", "deep") == (
        0,
        f"simulate: 60 galaxies, with correlated noise, in {survey}\n",
    )
    with (survey / "catalog.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert list(rows[0]) == ["id", "file", "label", "state"]
    assert {row["label"] for row in rows} == {"spiral", "merger", "clump", "agn", "q_sf"}
    assert {row["state"] for row in rows} == {"quiescent", "star_forming"}

    status, said = command(
        capsys, "extract", survey, "--out", table, "--size", 32, "--features", "color,hog,sift"
    )
    notes = tmp_path / "F.notes.csv"
    with notes.open(newline="") as handle:
        without_keypoints = len(list(csv.DictReader(handle)))
    assert (status, said.splitlines()[-1]) == (
        0,
        f"extract: 60 cutouts measured, {without_keypoints} with a note, such as on missing data "
        f"(see {notes}): {table}",
    )
    names = [name for name in pq.read_schema(table).names if not name.startswith("sky_")]
    assert names == ["id", "file", "label", "state", "color", "hog", "sift"]

    status, said = command(
        capsys, "train", table, "--out", model, "--inputs", "hog,color", "--hidden", "16,8"
    )
    assert status == 0
    assert "hog+color of 60 galaxies (agn 12" in said

    status, said = command(capsys, "classify", model, survey, "--out", tmp_path / "P.csv")
    assert (status, said.splitlines()[-1]) == (
        0,
        f"classify: 60 cutouts classified: {tmp_path / 'P.csv'}",
    )

    status, said = command(
        capsys, "train", table, "--out", model, "--inputs", "color", "--label", "state"
    )
    assert "(quiescent " in said
    assert command(capsys, "export", table, tmp_path / "F.csv") == (
        0,
        f"export: {tmp_path / 'F.csv'}\n",
    )


@pytest.mark.parametrize("layout", ["cube", "mef", "files"])
def test_every_layout_gives_the_same_features(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], layout: str
) -> None:
    for each in ("cube", layout):
        command(
            capsys,
            "simulate",
            tmp_path / each,
            "--n",
            10,
            "--size",
            32,
            "--layout",
            each,
            "--bands",
            "F814W,F160W",
        )
        assert (
            command(
                capsys,
                "extract",
                tmp_path / each,
                "--out",
                tmp_path / f"{each}.parquet",
                "--size",
                32,
                "--features",
                "hog,color",
            )[0]
            == 0
        )
        if each == layout == "cube":
            break
    one, other = (
        pq.read_table(tmp_path / f"{each}.parquet", columns=["id", "hog", "color"])
        for each in ("cube", layout)
    )
    assert one.equals(other)


@pytest.mark.slow
def test_compare_says_where_the_report_is(
    survey: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = command(
        capsys, "compare", survey, "--out", tmp_path / "out", "--size", 32, "--label", "state"
    )
    assert status == 0
    assert said.splitlines()[-1] == f"compare: the report is {tmp_path / 'out' / 'report.html'}"
    assert json.loads((tmp_path / "out" / "run.json").read_text())["label"] == "state"
    assert "quiescent" in (tmp_path / "out" / "report.html").read_text()


WRONG = {
    "no such option": (
        ["extract", "{survey}", "--out", "{out}", "--color"],
        "No such option: --color",
    ),
    "a missing argument": (["extract", "{survey}"], "Missing option '--out'"),
    "no such command": (["extrac"], "No such command 'extrac'"),
    "an unknown extractor": (
        ["extract", "{survey}", "--out", "{out}.parquet", "--features", "hogg"],
        "hogg",
    ),
    "an unknown layout": (["extract", "{survey}", "--out", "{out}", "--layout", "tube"], "tube"),
    "a size that is no number": (
        ["extract", "{survey}", "--out", "{out}", "--size", "large"],
        "--size",
    ),
    "a source that is not there": (
        ["extract", "{survey}/nowhere", "--out", "{out}.parquet"],
        "nowhere",
    ),
    "a catalog that is not there": (
        ["extract", "{survey}", "--catalog", "{survey}/no.csv", "--out", "{out}.parquet"],
        "no.csv",
    ),
    "a catalog without files": (
        ["extract", "{empty}/names.csv", "--out", "{out}.parquet"],
        "file",
    ),
    "an empty folder": (["extract", "{empty}/nothing", "--out", "{out}.parquet"], "nothing"),
    "a table that is none": (["train", "{survey}/catalog.csv", "--out", "{out}"], "catalog.csv"),
    "units that are none": (["train", "{table}", "--out", "{out}", "--hidden", "many"], "--hidden"),
    "a column that is not there": (
        ["train", "{table}", "--out", "{out}", "--label", "class"],
        "class",
    ),
    "an unknown input": (["train", "{table}", "--out", "{out}", "--inputs", "hogg"], "hogg"),
    "a model that is none": (
        ["classify", "{table}", "{survey}", "--out", "{out}.csv"],
        "not a galfeat file",
    ),
    "an ending that is none": (["export", "{table}", "{out}.txt"], ".fits or .csv"),
    "a label that is not there": (
        ["compare", "{survey}", "--out", "{out}", "--label", "class"],
        "class",
    ),
    "an output that is an input": (["train", "{table}", "--out", "{table}"], "one of the inputs"),
    "an output with another ending": (
        ["extract", "{survey}", "--out", "{out}.csv"],
        "must end in .parquet",
    ),
    "an output that is a folder": (
        ["extract", "{survey}", "--out", "{empty}/folder.parquet"],
        "not a regular file",
    ),
    "an output that is the catalog": (
        ["classify", "{table}", "{survey}", "--out", "{survey}/catalog.csv"],
        "one of the inputs",
    ),
    "an empty argument": (["extract", "", "--out", "{out}"], "empty"),
    "no inputs": (["train", "{table}", "--out", "{out}", "--inputs", ","], "name an input"),
    "no features": (
        ["extract", "{survey}", "--out", "{out}.parquet", "--features", ","],
        "give a list of extractors",
    ),
    "a size beyond all memory": (
        ["extract", "{survey}", "--out", "{out}.parquet", "--size", "99999999999"],
        "--size",
    ),
    "units beyond all memory": (
        ["train", "{table}", "--out", "{out}", "--hidden", "9999999999"],
        "--hidden",
    ),
    "an unknown band": (["simulate", "{out}", "--bands", "K"], "K"),
    "no galaxies": (["simulate", "{out}", "--n", "0"], "--n"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage_is_one_sentence_and_status_2(
    case: str, survey: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty" / "nothing").mkdir(parents=True)
    (tmp_path / "empty" / "folder.parquet").mkdir()
    (tmp_path / "empty" / "names.csv").write_text("id,name\n1,a\n")
    arguments, words = WRONG[case]
    places = {
        "survey": survey,
        "table": table,
        "out": tmp_path / "out",
        "empty": tmp_path / "empty",
    }
    status, said = command(capsys, *(each.format(**places) for each in arguments))
    assert status == 2
    assert words in said
    assert said.startswith("galfeat: ")
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_failures_are_counted_in_the_last_line_and_strict_makes_them_status_1(
    survey: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    good = sorted(survey.rglob("*.fits"))[0]
    (folder / "good.fits").write_bytes(good.read_bytes())
    (folder / "empty.fits").write_bytes(b"")
    arguments = ["extract", folder, "--out", tmp_path / "F.parquet", "--features", "hog"]
    status, said = command(capsys, *arguments)
    assert status == 0
    assert "1 cutouts measured, 1 failed" in said.splitlines()[-1]
    assert "F.failures.csv" in said
    assert command(capsys, *arguments, "--strict")[0] == 1
    (folder / "good.fits").unlink()
    status, said = command(capsys, *arguments)
    assert status == 1
    assert "nothing was written" in said


@pytest.mark.parametrize("name", ["simulate", "extract", "train", "classify", "compare", "export"])
def test_a_script_by_itself_is_the_same_command(name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / f"{name}.py"), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Usage:" in done.stdout
    assert not done.stderr


def test_interrupted_is_status_130(
    monkeypatch: pytest.MonkeyPatch,
    survey: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("galfeat.pipeline.batch.run.run_locally", interrupted)
    status, said = command(capsys, "extract", survey, "--out", tmp_path / "F.parquet")
    assert status == 130
    assert "interrupted" in said
    assert list(tmp_path.iterdir()) == []
