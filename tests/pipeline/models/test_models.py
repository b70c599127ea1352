"""Training and classification: the same galaxies get the same probabilities, and other bands are
refused.
"""

import csv
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from galfeat import UsageError
from galfeat.pipeline import Model, classify, load_features, train
from galfeat.pipeline.models.archive import read_archive, write_archive
from galfeat.pipeline.models.train import report_path


@pytest.fixture(scope="module")
def model(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("model") / "M.galfeat"
    trained = train(table, out, inputs=["color", "shape"], folds=0)
    assert sum(trained.classes.values()) == 90
    assert trained.scores is None
    assert not report_path(out).exists()
    return out


def test_classify_gives_classes_and_probabilities(
    model: Path, survey: Path, tmp_path: Path
) -> None:
    summary = classify(model, survey, tmp_path / "P.parquet")
    assert (summary.done, summary.failed) == (90, 0)
    rows = pq.read_table(tmp_path / "P.parquet")
    names = ["agn", "clump", "merger", "q_sf", "spiral"]
    assert rows.column_names == [
        *("id", "class"),
        *(f"p_{name}" for name in names),
        *("domain_distance", "domain_quantity"),
    ]
    # the training galaxies themselves
    assert np.mean(rows.column("domain_distance").to_numpy() > 1) <= 0.1
    assert not summary.domain.is_another
    p = np.array([rows.column(f"p_{name}").to_numpy() for name in names]).T
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    assert rows.column("class").to_pylist() == [names[i] for i in p.argmax(axis=1)]


def test_classify_writes_csv_too(model: Path, survey: Path, tmp_path: Path) -> None:
    classify(model, survey, tmp_path / "P.csv")
    with (tmp_path / "P.csv").open(newline="") as handle:
        assert len(list(csv.DictReader(handle))) == 90
    with pytest.raises(UsageError, match=r"parquet or \.csv"):
        classify(model, survey, tmp_path / "P.txt")


def test_training_twice_gives_the_same_model_file(model: Path, table: Path, tmp_path: Path) -> None:
    train(table, tmp_path / "M.galfeat", inputs=["color", "shape"], folds=0)
    assert (tmp_path / "M.galfeat").read_bytes() == model.read_bytes()


def test_probabilities_do_not_depend_on_the_batch(model: Path, table: Path) -> None:
    loaded = Model.load(model)
    blocks = load_features(table, loaded.input.columns).blocks
    whole = loaded.predict_proba(blocks)
    order = np.random.default_rng(0).permutation(90)
    for rows in (order[:1], order[:7], order[:64], order):
        part = {
            name: [block[i] for i in rows] if isinstance(block, list) else block[rows]
            for name, block in blocks.items()
        }
        assert loaded.predict_proba(part).tobytes() == whole[rows].tobytes()


def _with_bands(survey: Path, folder: Path, bands: list[str], take: list[int]) -> Path:
    """Copy a survey with other planes and other band names."""
    shutil.copytree(survey, folder)
    for path in folder.rglob("*.fits"):
        data, header = fits.getdata(path, header=True)
        for key in [key for key in header if key.startswith("BAND")]:
            del header[key]
        for number, band in enumerate(bands, 1):
            header[f"BAND{number}"] = band
        fits.writeto(path, data[take], header, overwrite=True)
    return folder


def test_known_bands_in_another_order_are_put_in_order(
    model: Path, survey: Path, tmp_path: Path
) -> None:
    mixed = _with_bands(survey, tmp_path / "mixed", ["F160W", "F606W", "F814W"], [2, 0, 1])
    classify(model, survey, tmp_path / "a.csv")
    classify(model, mixed, tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bands", "take", "words"),
    [
        (["F606W", "F814W"], [0, 1], "no band F160W"),
        (["g", "r", "i"], [0, 1, 2], "no band F606W"),
        ([], [0, 1, 2], "no band F606W"),
    ],
    ids=["missing", "renamed", "unnamed"],
)
def test_other_bands_are_refused(
    model: Path, survey: Path, tmp_path: Path, bands: list[str], take: list[int], words: str
) -> None:
    other = _with_bands(survey, tmp_path / "other", bands, take)
    summary = classify(model, other, tmp_path / "P.csv")
    assert (summary.done, summary.failed) == (0, 90)
    assert words in summary.commonest
    assert not (tmp_path / "P.csv").exists()


def test_a_damaged_model_says_so(model: Path, tmp_path: Path) -> None:
    tree = read_archive(model)
    tree["ensemble"] = {}
    write_archive(tmp_path / "M.galfeat", tree)
    with pytest.raises(UsageError, match="damaged"):
        Model.load(tmp_path / "M.galfeat")
    tree["format"] = 99
    write_archive(tmp_path / "M.galfeat", tree)
    with pytest.raises(UsageError, match="another version"):
        Model.load(tmp_path / "M.galfeat")


def test_train_names_what_is_wrong(table: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column 'class'"):
        train(table, tmp_path / "M", label="class")
    with pytest.raises(UsageError, match="unknown input 'hogg'"):
        train(table, tmp_path / "M", inputs=["hogg"])
    with pytest.raises(UsageError, match="at least 2 folds"):
        train(table, tmp_path / "M", folds=1)
    with pytest.raises(UsageError, match="1 to 8 networks"):
        train(table, tmp_path / "M", networks=9)
    with pytest.raises(UsageError, match="there is no class 'comet'"):
        train(table, tmp_path / "M", priors={"comet": 1.0})
    assert list(tmp_path.iterdir()) == []


def test_a_ensemble_of_five_is_calibrated_and_says_its_priors(model: Path) -> None:
    loaded = Model.load(model)
    assert len(loaded.ensemble_.members) == 5
    assert loaded.ensemble_.temperature != 1
    assert list(loaded.priors_.values()) == pytest.approx([0.2] * 5)


def test_priors_multiply_the_probabilities(model: Path, table: Path, tmp_path: Path) -> None:
    names = ["agn", "clump", "merger", "q_sf", "spiral"]
    given = dict(zip(names, (1.0, 2.0, 3.0, 4.0, 10.0), strict=True))
    out = tmp_path / "M.galfeat"
    train(table, out, inputs=["color", "shape"], folds=0, priors=given)
    equal, other = Model.load(model), Model.load(out)
    blocks = load_features(table, equal.input.columns).blocks
    p = equal.predict_proba(blocks) * np.array(list(given.values()))
    np.testing.assert_allclose(
        other.predict_proba(blocks), p / p.sum(axis=1, keepdims=True), rtol=1e-12
    )
    assert other.priors_ == {name: value / 20 for name, value in given.items()}
    assert other.priors == given
