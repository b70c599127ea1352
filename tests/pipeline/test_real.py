"""The main job on real galaxies; skipped where they are absent."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from galfeat.data import open_source
from galfeat.pipeline import INPUTS, classify, extract, load_features, train
from galfeat.pipeline.comparison.inputs import ComparisonInput
from galfeat.pipeline.comparison.loading.labeled_blocks import LabeledBlocks
from galfeat.pipeline.comparison.planning.plan import ComparisonPlan
from galfeat.pipeline.comparison.protocol import run_protocol
from galfeat.pipeline.evaluation.metrics import score
from galfeat.pipeline.evaluation.significance import corrected_interval


def catalog(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_one_row_an_image_of_every_instrument(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "fits"
    images = [
        *folder.glob("kids_sdss/*fitim.fits"),
        *folder.glob("decam/*.fits"),
        *folder.glob("hst/*.fits.gz"),
    ]
    rows = [
        {"id": path.name.split(".")[0], "file": path.relative_to(folder).as_posix()}
        for path in sorted(images)
    ]
    for row in rows:  # companions may be named; they are no galaxies
        if row["file"].endswith("fitim.fits"):
            row |= {
                f"{name}_file": row["file"].replace("fitim", part)
                for name, part in (("noise", "sigma"), ("psf", "psfim"), ("seg", "segim"))
            }
    summary = extract(
        open_source(folder, catalog=catalog(tmp_path / "all.csv", rows)), tmp_path / "F.parquet"
    )
    assert (summary.done, summary.failed) == (len(rows), 0)
    assert len(rows) == 16
    assert load_features(tmp_path / "F.parquet").ids.tolist() == [row["id"] for row in rows]


def test_one_row_a_pair_of_bands(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "fits"
    rows = [
        {"id": name, "file_g": f"decam/{name}_gband.fits", "file_r": f"decam/{name}_rband.fits"}
        for name in ("132", "150")
    ]
    summary = extract(
        open_source(folder, catalog=catalog(tmp_path / "pairs.csv", rows)), tmp_path / "F.parquet"
    )
    assert (summary.done, summary.failed) == (2, 0)
    features = load_features(tmp_path / "F.parquet")
    assert features.recipe.bands == ("g", "r")
    assert features.ids.tolist() == ["132", "150"]


def test_a_folder_by_itself_leaves_companions_out(real_data: Path, tmp_path: Path) -> None:
    summary = extract(real_data / "fits" / "kids_sdss", tmp_path / "F.parquet", features=["hog"])
    assert (summary.done, summary.failed) == (10, 0)
    summary = extract(real_data / "fits" / "hst", tmp_path / "G.parquet", features=["hog"])
    ids = pq.read_table(tmp_path / "G.parquet", columns=["id"]).column("id").to_pylist()
    assert summary.done + summary.failed == len({*ids}) + summary.failed == 8


@pytest.fixture(scope="module")
def efigi(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Return EFIGI's folder with two catalogs of labeled galaxies: a fifth held out, and the
    others.
    """
    folder, out = real_data / "efigi", tmp_path_factory.mktemp("efigi")
    with (folder / "catalog.csv").open(newline="", encoding="utf-8") as handle:
        labeled = [
            {"id": row["id"], "file": row["file"], "label": row["label"]}
            for row in csv.DictReader(handle)
            if row["label"]
        ]
    held = set(np.random.default_rng(0).permutation(len(labeled))[:400].tolist())
    return (
        folder,
        catalog(out / "held.csv", [row for i, row in enumerate(labeled) if i in held]),
        catalog(out / "rest.csv", [row for i, row in enumerate(labeled) if i not in held]),
    )


@pytest.mark.slow
def test_held_out_galaxies_score_inside_the_interval_of_the_comparison(
    efigi: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    folder, held, rest = efigi
    table, model = tmp_path / "F.parquet", tmp_path / "M.galfeat"
    extract(open_source(folder, catalog=rest), table, features=INPUTS["features"].columns)
    features = load_features(table)
    inputs = [ComparisonInput("features", INPUTS["features"].parts, "features", "")]
    plan = ComparisonPlan(
        n_repeats=1,
        draws=1,
        networks=1,
        matched=False,
        dropping=False,
        curve_inputs=(),
        head_inputs=(),
    )
    sample = LabeledBlocks(
        features.blocks, features.labels, np.arange(len(features.labels)), (3, 64, 64), 0
    )
    folds = run_protocol(sample, inputs, plan).rows
    assert np.mean([row.scores["macro_f1"] for row in folds]) >= 0.53

    train(table, model, networks=1, folds=0)  # an ensemble is better than one network
    assert classify(model, open_source(folder, catalog=held), tmp_path / "P.parquet").done == 400
    rows = pq.read_table(tmp_path / "P.parquet")
    with held.open(newline="", encoding="utf-8") as handle:
        truth = {row["id"]: row["label"] for row in csv.DictReader(handle)}
    labels = [truth[name] for name in rows.column("id").to_pylist()]
    got = score(labels, rows.column("class").to_pylist(), sample.classes)
    for metric, value in got.items():
        span = corrected_interval(
            [row.scores[metric] for row in folds], folds[0].n_train, folds[0].n_test
        )
        # the held-out galaxies are a sample as well: the standard error of a share of them
        sampling = np.sqrt(span.mean * (1 - span.mean) / len(labels))
        far = 1.96 * np.hypot(span.se, sampling)
        assert abs(value - span.mean) <= far, (metric, value, span)
