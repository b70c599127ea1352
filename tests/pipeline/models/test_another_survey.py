"""Classification of cutouts of another survey: it says so, refuses if told to, and finds how common
the classes are.
"""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from scipy import ndimage

from galfeat import UsageError
from galfeat.data import Preparation, SimulatedSurvey, open_source, write_survey
from galfeat.pipeline import Model, classify, extract, train
from galfeat.pipeline.batch.options import Options
from galfeat.pipeline.models.priors import estimated_priors, with_priors

CLASSES = ["agn", "clump", "merger", "q_sf", "spiral"]


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return galaxies whose pixels have noise of their own."""
    folder = tmp_path_factory.mktemp("white") / "survey"
    write_survey(SimulatedSurvey(90, size=32, depth="deep", seed=5, noise="white"), folder)
    return folder


@pytest.fixture(scope="module")
def table(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("table") / "F.parquet"
    extract(survey, out, preparation=Preparation(size=32))
    return out


@pytest.fixture(scope="module")
def model(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("model") / "M.galfeat"
    train(table, out, inputs=["color", "shape"], folds=0)
    return out


@pytest.fixture(scope="module")
def smooth(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a survey whose pixels share their noise, as those of resampled images do."""
    folder = tmp_path_factory.mktemp("smooth")
    for path in sorted(survey.rglob("*.fits"))[:30]:
        data, header = fits.getdata(path, header=True)
        blurred = ndimage.gaussian_filter(data, (0, 0.8, 0.8)).astype(np.float32)
        fits.writeto(folder / path.name, blurred, header)
    return folder


def probabilities(path: Path) -> np.ndarray:
    table = pq.read_table(path)
    return np.stack([table.column(f"p_{name}").to_numpy() for name in CLASSES], axis=1)


def test_another_survey_is_named_and_refused(model: Path, smooth: Path, tmp_path: Path) -> None:
    out = tmp_path / "P.parquet"
    with pytest.raises(UsageError, match=r"--strict refuses .*noise correlation"):
        classify(model, smooth, out, strict=True)
    assert not out.exists()
    result = classify(model, smooth, out)  # goes on from what was measured
    assert result.done == 30
    assert result.domain.is_another
    assert (
        max(result.domain.furthest, key=result.domain.furthest.__getitem__) == "noise correlation"
    )
    rows = pq.read_table(out)
    assert sum(d > 1 for d in rows.column("domain_distance").to_pylist()) == result.domain.outside


def test_strict_takes_galaxies_like_those_of_training(
    model: Path, survey: Path, tmp_path: Path
) -> None:
    result = classify(model, survey, tmp_path / "P.csv", strict=True)
    assert result.done == 90


def test_estimated_priors_are_those_of_all_rows(model: Path, survey: Path, tmp_path: Path) -> None:
    equal = classify(model, survey, tmp_path / "E.parquet", priors="equal")
    assert equal.priors == dict.fromkeys(CLASSES, 0.2)
    found = classify(model, survey, tmp_path / "P.parquet", priors="estimated")
    plain = probabilities(tmp_path / "E.parquet")
    priors = estimated_priors(plain, CLASSES)
    assert found.priors == priors
    expected = with_priors(plain, priors, CLASSES)
    assert probabilities(tmp_path / "P.parquet").tobytes() == expected.tobytes()
    classes = pq.read_table(tmp_path / "P.parquet").column("class").to_pylist()
    assert classes == [CLASSES[k] for k in expected.argmax(axis=1)]
    about = json.loads(pq.read_schema(tmp_path / "P.parquet").metadata[b"galfeat.run"])
    assert about["priors"] == priors


def test_estimated_priors_are_not_applied_twice_when_failures_are_retried(
    model: Path, survey: Path, tmp_path: Path
) -> None:
    out = tmp_path / "P.parquet"
    classify(model, survey, out, priors="estimated")
    before = out.read_bytes()
    classify(model, survey, out, priors="estimated", options=Options(retry_failed=True))
    assert out.read_bytes() == before


def test_an_interrupted_classification_ends_with_the_same_bytes(
    model: Path, survey: Path, tmp_path: Path
) -> None:
    whole, resumed = tmp_path / "whole.parquet", tmp_path / "resumed.parquet"
    source = open_source(survey)
    classify(model, source, whole, priors="estimated", workers=1)

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        classify(model, source, resumed, priors="estimated", workers=1, progress=stop)
    classify(model, source, resumed, priors="estimated")
    assert resumed.read_bytes() == whole.read_bytes()


def test_a_model_of_five_galaxies_says_that_it_knows_no_domain(
    table: Path, survey: Path, tmp_path: Path
) -> None:
    rows = pq.read_table(table)
    names = rows.column("label").to_pylist()
    few = [names.index("spiral"), names.index("agn")]
    pq.write_table(rows.take(pa.array(few)), tmp_path / "F.parquet")
    train(tmp_path / "F.parquet", tmp_path / "M.galfeat", inputs=["color"], folds=0)
    assert Model.load(tmp_path / "M.galfeat").domain_ is None
    result = classify(tmp_path / "M.galfeat", survey, tmp_path / "P.csv")
    assert "does not describe" in result.domain.sentence
    cells = pyarrow.csv.read_csv(tmp_path / "P.csv")
    assert cells.column("domain_distance").null_count == 90


@pytest.mark.slow
def test_eighteen_galaxies_with_labels_in_turn_get_a_warning(table: Path, tmp_path: Path) -> None:
    rows = pq.read_table(table).slice(0, 18)
    place = rows.column_names.index("label")
    labels = pa.array(["a", "b"] * 9)
    pq.write_table(rows.set_column(place, "label", labels), tmp_path / "F.parquet")
    result = train(tmp_path / "F.parquet", tmp_path / "M.galfeat")
    assert any("cannot be told from guessing" in sentence for sentence in result.warnings)
