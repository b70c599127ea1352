"""``galfeat show``: a figure, or one sentence."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from galfeat.scripts.main import app
from galfeat.scripts.running import run


@pytest.mark.slow
def test_a_figure_of_a_file_and_of_one_of_a_folder(
    survey: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = sorted(survey.rglob("*.fits"))[0]
    assert run(app, ["show", str(one), "--out", str(tmp_path / "a.png"), "--size", "32"]) == 0
    assert capsys.readouterr() == ("", f"show: {tmp_path / 'a.png'}\n")
    assert (
        run(
            app,
            [
                "show",
                str(survey),
                "--id",
                "sim000004",
                "--out",
                str(tmp_path / "b.png"),
                "--size",
                "32",
                "--bands",
                "F814W",
            ],
        )
        == 0
    )
    with Image.open(tmp_path / "b.png") as figure:
        assert figure.format == "PNG"
        assert min(figure.size) > 800


@pytest.fixture
def files(survey: Path, tmp_path: Path) -> dict[str, Path]:
    from astropy.io import fits

    made = {"survey": survey, "out": tmp_path / "out.png"}
    for name, image in {"tiny": np.zeros((4, 4)), "masked": np.full((64, 64), np.nan)}.items():
        made[name] = tmp_path / f"{name}.fits"
        fits.PrimaryHDU(image.astype(np.float32)).writeto(made[name])
    made["none"] = tmp_path / "none.fits"
    made["text"] = tmp_path / "text.txt"
    made["text"].write_text("no image")
    made["picture"] = tmp_path / "picture.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(
        made["picture"]
    )
    return made


WRONG = {
    "a missing file": (["{none}"], "there is no such file"),
    "no image": (["{text}"], "is neither a folder, a catalog"),
    "several galaxies": (["{survey}"], "holds 90 galaxies; choose one by its id"),
    "no such galaxy": (["{survey}", "--id", "M31"], "there is no galaxy 'M31'"),
    "too small": (["{tiny}"], "4 x 4 pixels; at least 16 x 16 are needed"),
    "all masked": (["{masked}"], "has no good pixel"),
    "no such band": (["{survey}", "--id", "sim000001", "--bands", "K"], "has no band K"),
    "the figure is the picture": (["{picture}", "--out", "{picture}"], "one of the inputs"),
    "another ending": (["{picture}", "--out", "{out}.gif"], "must end in .png or .svg"),
    "a size that is none": (["{picture}", "--size", "3"], "--size"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_one_sentence_and_status_2(
    case: str, files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, words = WRONG[case]
    arguments = [each.format(**files) for each in arguments]
    if "--out" not in arguments:
        arguments += ["--out", str(files["out"])]
    assert run(app, ["show", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1
    assert not files["out"].exists()


@pytest.mark.parametrize("name", ["audit", "show"])
def test_a_script_by_itself_is_the_same_command(name: str) -> None:
    import subprocess
    import sys

    script = Path(__file__).resolve().parents[2] / "scripts" / f"{name}.py"
    done = subprocess.run(
        [sys.executable, str(script), "--help"], capture_output=True, text=True, check=True
    )
    assert "Usage:" in done.stdout
    assert not done.stderr
