"""An extractor of another package: the documented one, installed, through every command."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data import Preparation
from galfeat.features import Extractor
from galfeat.features.outside import by_key, installed_names
from galfeat.pipeline import Model, audit, classify, compare, extract, load_features, show, train
from galfeat.pipeline.comparison.planning.plan import QUICK
from galfeat.scripts.main import app
from galfeat.scripts.running import run

PAGE = Path(__file__).resolve().parents[3] / "docs" / "own_extractor.md"
SMALL = Preparation(size=32)
PLAN = replace(
    QUICK,
    n_folds=2,
    draws=1,
    effort=0.05,
    skipped=(
        *QUICK.skipped,
        *("pixels_small", "pixels_pca", "pixels_aligned", "texture", "hog", "sift", "shape"),
        *("classic", "features+pixels", "shuffled", "random", "nuisance"),
    ),
    altered=0,
    dropping=False,
    importance=False,
    curve_inputs=(),
    head_inputs=(),
)


class Brightest(Extractor):
    """The brightest pixel of each band."""

    key = "brightest"

    def __init__(self, power: float = 1.0, min_good: float = 0.5) -> None:
        self.power = power
        self.min_good = min_good

    def smallest_shape(self) -> tuple[int, int]:
        return 1, 1

    def feature_names(self, bands: Any, shape: tuple[int, int]) -> list[str]:
        self.check_shape(shape)
        return [f"{band}_brightest" for band in bands]

    def measure_images(self, images: NDArray[np.float32]) -> NDArray[Any]:
        good = np.where(np.isfinite(images), images, -np.inf)
        return np.asarray(good.max(axis=(2, 3)) ** self.power)


class Sometimes(Brightest):
    """Undefined where the brightest pixel of the first band is above a limit."""

    key = "sometimes"

    def measure_images(self, images: NDArray[np.float32]) -> NDArray[Any]:
        found = super().measure_images(images)
        found[found[:, 0] > 4.5] = np.nan
        return found


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which the package of the page is installed."""
    folder, target = tmp_path_factory.mktemp("package"), tmp_path_factory.mktemp("installed")
    (folder / "central_light.py").write_text(blocks("python")[0])
    (folder / "pyproject.toml").write_text(blocks("toml")[0])
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
            *("--no-build-isolation", "--target", str(target), str(folder)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target


def test_the_example_is_short() -> None:
    code = [line for line in blocks("python")[0].splitlines() if line.strip()]
    assert len(code) <= 30


@pytest.mark.slow
@pytest.mark.usefixtures("without_figures")
def test_an_installed_extractor_goes_through_every_command(
    installed: Path,
    survey: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.syspath_prepend(str(installed))
    assert installed_names() == ("central_light",)
    table, model = tmp_path / "F.parquet", tmp_path / "M.galfeat"

    def galfeat(*words: object) -> str:
        status = run(app, [str(word) for word in words])
        said = capsys.readouterr()
        assert status == 0, said.err
        return said.out + said.err

    galfeat("extract", survey, "--out", table, "--features", "color,central_light", "--size", 32)
    light = load_features(table, ["central_light"])
    assert light.X.shape == (90, 3)
    assert light.columns["central_light"][0] == "F606W_central"
    assert "central_light 3 values" in " ".join(galfeat("info", table).split())
    galfeat("train", table, "--out", model, "--inputs", "color,central_light", "--folds", 0)
    assert Model.load(model).recipe.extractors["central_light"].get_params()["radius"] == 0.25
    galfeat("classify", model, survey, "--out", tmp_path / "P.parquet")
    assert pq.read_table(tmp_path / "P.parquet").num_rows == 90
    galfeat("export", table, tmp_path / "F.fits")
    config = tmp_path / "T.toml"
    config.write_text("[features.central_light]\nradius = 0.1\n")
    galfeat("config", config)
    found = galfeat("audit", "--n", 5, "--size", 32, "--extractors", "central_light")
    assert "central_light" in found
    one = next(iter(survey.rglob("*.fits")))
    out = tmp_path / "figure.png"
    galfeat("show", one, "--out", out, "--size", 32, "--extractors", "central_light")
    compared = compare(
        survey, tmp_path / "report", preparation=SMALL, plan=PLAN, extractors=["central_light"]
    )
    assert {"central_light", "features+central_light"} <= set(compared.results.inputs)
    assert compared.results.inputs.index("features") >= 0
    assert "central_light" not in compared.results.descriptions[0].about


@pytest.fixture(scope="module")
def measured(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("own") / "F.parquet"
    extract(survey, out, features=["color", Brightest(power=2.0)], preparation=SMALL)
    return out


def test_an_object_is_measured_trained_on_and_classified_with(
    measured: Path, survey: Path, tmp_path: Path
) -> None:
    mine, out = Brightest(), tmp_path / "M.galfeat"
    features = load_features(measured, extractors=[mine])
    assert features.recipe.extractors["brightest"].get_params()["power"] == 2.0
    pixels = features.blocks["brightest"]
    assert np.asarray(pixels).shape == (90, 3)
    train(measured, out, inputs=["color", "brightest"], extractors=[mine], networks=1, folds=0)
    assert classify(out, survey, tmp_path / "P.parquet", extractors=[mine]).done == 90


def test_without_it_the_message_names_it(measured: Path) -> None:
    with pytest.raises(UsageError, match=r"no extractor 'brightest'.* installed .*object"):
        load_features(measured)


def test_an_object_is_audited_and_drawn(survey: Path, tmp_path: Path) -> None:
    class Drawn(Brightest):
        """One that has something to draw."""

        key = "drawn"
        seen: tuple[Any, ...] = ()

        def draw(self, axes: Any, pixels: Any, bands: Any) -> None:
            axes.imshow(pixels[0])
            Drawn.seen = (pixels.shape, tuple(bands))

    found = audit([Brightest()], n=4, size=32, bands=("F814W",))
    assert found.extractors == ("brightest",)
    one = next(iter(survey.rglob("*.fits")))
    show(one, tmp_path / "f.png", preparation=SMALL, extractors=[Brightest(), Drawn()])
    assert Drawn.seen == ((3, 32, 32), ("F606W", "F814W", "F160W"))


def test_a_vector_that_is_undefined_is_the_failure_of_its_cutout(
    survey: Path, tmp_path: Path
) -> None:
    every = extract(survey, tmp_path / "A.parquet", features=[Brightest()], preparation=SMALL)
    assert every.done == 90
    table = load_features(tmp_path / "A.parquet", extractors=[Brightest()])
    few = extract(survey, tmp_path / "B.parquet", features=[Sometimes()], preparation=SMALL)
    assert few.done == np.count_nonzero(table.X[:, 0] <= 4.5)
    assert 0 < few.failed < 90
    assert few.commonest == (
        "sometimes: some of its features are undefined (infinite or not a number)"
    )


def test_a_class_that_no_other_process_finds_is_refused(survey: Path, tmp_path: Path) -> None:
    class Local(Brightest):
        """Defined in a function."""

        key = "local"

    with pytest.raises(UsageError, match="'local' cannot be sent to other processes"):
        extract(survey, tmp_path / "F.parquet", features=[Local()], preparation=SMALL)


def test_what_is_no_extractor_is_refused() -> None:
    class Hog(Brightest):
        """Has the key of another."""

        key = "hog"

    class Unnamed(Brightest):
        """Has no proper key."""

        key = "my feature"

    for wrong, said in (
        (object(), "object is no extractor"),
        (Hog(), "the key 'hog' of Hog is that of an extractor of galfeat"),
        (Unnamed(), "'key' of Unnamed must be a name"),
    ):
        with pytest.raises(UsageError, match=said):
            by_key([wrong])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="two extractors have the key 'brightest'"):
        by_key([Brightest(), Brightest()])
