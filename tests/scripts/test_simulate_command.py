"""``galfeat simulate`` as a user's shell sees it."""

import json
from pathlib import Path

import pyarrow.csv
import pytest

from galfeat.data import read_cutouts
from galfeat.scripts.main import app
from galfeat.scripts.running import run


def command(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = run(app, ["simulate", *(str(each) for each in arguments)])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return status, captured.err


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["cube", "mef", "files"])
def test_a_realistic_ground_based_survey_in_every_layout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], layout: str
) -> None:
    out, sheet = tmp_path / "survey", tmp_path / "sheet.png"
    wishes = [
        "--n",
        12,
        "--size",
        20,
        "--bands",
        "g,r,i,z",
        "--realistic",
        "--noise",
        "white",
        "--layout",
        layout,
    ]
    assert command(capsys, out, *wishes, "--contact-sheet", sheet) == (
        0,
        f"simulate: contact sheet {sheet}\n"
        f"simulate: 12 realistic galaxies, with white noise, in {out}\n",
    )
    assert sheet.stat().st_size > 10_000
    about = json.loads((out / "survey.json").read_text())
    assert (about["camera"], about["settings"]["noise"], about["settings"]["realistic"]) == (
        "ground",
        "white",
        True,
    )
    truth = pyarrow.csv.read_csv(out / "truth.csv")
    assert {"sn", "arm_contrast", "clump_sn", "tail_sn", "magnitude"} < set(truth.column_names)
    cutouts = read_cutouts(out)
    assert cutouts.pixels.shape == (12, 4, 20, 20)
    assert cutouts.bands == ("g", "r", "i", "z")


WRONG = {
    "no galaxies": (["--n", "0"], "--n"),
    "too small": (["--size", "3"], "--size"),
    "an unknown band": (
        ["--bands", "F814W,K"],
        "unknown band 'K'; the simulated survey has hst: F435W",
    ),
    "bands of two cameras": (["--bands", "F814W,i"], "bands must be of one camera"),
    "a band twice": (["--bands", "g,g"], "each named once"),
    "no bands": (["--bands", ","], "bands must be at least one"),
    "a depth that is none": (["--depth", "abyss"], "unknown depth 'abyss'"),
    "a noise that is none": (
        ["--noise", "loud"],
        "unknown noise 'loud'; choose correlated or white",
    ),
    "a layout that is none": (["--layout", "zip"], "unknown layout 'zip'"),
    "a sheet that is no picture": (["--contact-sheet", "sheet.txt"], "must end in .png or .svg"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage_is_one_sentence_and_nothing_is_written(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wishes, said = WRONG[case]
    status, answer = command(capsys, tmp_path / "out", *wishes)
    assert status == 2
    assert said in answer
    assert answer.startswith("galfeat: ")
    assert answer.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_stays_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    status, answer = command(capsys, tmp_path, "--n", 5)
    assert status == 2
    assert "is not empty" in answer
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_interrupted_is_status_130_and_the_folder_can_be_used_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", interrupted)
        status, answer = command(capsys, tmp_path / "out", "--n", 5, "--size", 16)
    assert status == 130
    assert answer.startswith("galfeat: interrupted")
    assert command(capsys, tmp_path / "out", "--n", 5, "--size", 16)[0] == 0


def test_a_full_disk_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    status, answer = command(capsys, tmp_path / "out", "--n", 5, "--size", 16)
    assert status == 2
    assert answer == (
        f"galfeat: cannot write to the folder {tmp_path / 'out'}: No space left on device; "
        "nothing was left in it\n"
    )
