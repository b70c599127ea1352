"""The comparison: the same folds for every input, nothing learned from the test fold, true tables and a true page."""

import csv
import html
import json
import re
from pathlib import Path

import numpy as np
import pytest

from galfeat import UsageError
from galfeat.data import Preparation
from galfeat.pipeline import INPUTS, compare
from galfeat.pipeline.comparison import Comparison, FoldScore, cross_validate
from galfeat.pipeline.report import summary_rows, verdict


@pytest.fixture(scope="module")
def report(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    compared = compare(survey, out, preparation=Preparation(size=32), n_folds=3)
    assert compared.report == out / "report.html"
    return out


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_scores_have_a_row_an_input_and_fold_over_the_same_folds(report: Path) -> None:
    scores = rows(report / "scores.csv")
    assert [row["input"] for row in scores[:10]] == list(INPUTS)
    assert len(scores) == 3 * len(INPUTS)
    sizes = {row["fold"]: {other["n_test"] for other in scores if other["fold"] == row["fold"]} for row in scores}
    assert sizes == {"0": {"30"}, "1": {"30"}, "2": {"30"}}


def test_summary_is_the_mean_of_the_scores(report: Path) -> None:
    scores, summary = rows(report / "scores.csv"), rows(report / "summary.csv")
    assert [row["input"] for row in summary] == list(INPUTS)
    for row in summary:
        values = [float(each["macro_f1"]) for each in scores if each["input"] == row["input"]]
        assert float(row["macro_f1"]) == pytest.approx(np.mean(values), abs=2e-6)
        assert float(row["macro_f1_se"]) == pytest.approx(np.sqrt((1 / 3 + 1 / 2) * np.var(values, ddof=1)), abs=2e-6)


def test_the_page_says_the_numbers_of_the_tables_and_needs_no_network(report: Path) -> None:
    page = (report / "report.html").read_text(encoding="utf-8")
    text = html.unescape(re.sub(r"<[^>]+>", " ", page))
    for row in rows(report / "summary.csv"):
        assert row["input"] in text
        assert f"{float(row['macro_f1']):.3f} ± {float(row['macro_f1_se']):.3f}" in re.sub(r"\s+", " ", text)
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert page.count("<img") == page.count("alt=") == 3
    run = json.loads((report / "run.json").read_text())
    assert (run["seed"], run["n_folds"]) == (0, 3)
    for name in ("scores", "confusion", "examples"):
        assert (report / "figures" / f"{name}.png").stat().st_size > 1000
        assert (report / "figures" / f"{name}.svg").stat().st_size > 1000


def test_the_same_command_twice_gives_the_same_files(report: Path, survey: Path, tmp_path: Path) -> None:
    compare(survey, tmp_path, preparation=Preparation(size=32), n_folds=3, workers=1)
    for path in sorted(report.rglob("*.*")):
        assert (tmp_path / path.relative_to(report)).read_bytes() == path.read_bytes(), path.name


def test_unlabelled_and_rare_galaxies_are_left_out_and_counted(survey: Path, tmp_path: Path) -> None:
    catalog = (survey / "catalog.csv").read_text().splitlines()
    catalog[1] = re.sub(r"(merger|spiral|clump|agn|q_sf)", "", catalog[1])
    catalog[2] = re.sub(r"(merger|spiral|clump|agn|q_sf)", "blob", catalog[2])
    folder = tmp_path / "survey"
    folder.mkdir()
    (folder / "catalog.csv").write_text("\n".join(catalog) + "\n")
    for path in survey.rglob("*.fits"):
        (folder / path.relative_to(survey)).parent.mkdir(parents=True, exist_ok=True)
        (folder / path.relative_to(survey)).symlink_to(path)
    compared = compare(folder, tmp_path / "out", preparation=Preparation(size=32), n_folds=2)
    assert len(compared.comparison.labels) == 88
    page = (tmp_path / "out" / "report.html").read_text()
    assert "1 without a label" in page
    assert "1 of classes with fewer galaxies than the 2 folds (blob)" in page


def test_what_cannot_be_compared_is_said_before_the_work(survey: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs a column 'class'"):
        compare(survey, tmp_path / "out", label="class")
    with pytest.raises(UsageError, match="at least 2 folds"):
        compare(survey, tmp_path / "out", n_folds=1)
    assert not (tmp_path / "out").exists()


def test_pure_noise_scores_at_chance_and_a_planted_answer_does_not() -> None:
    rng = np.random.default_rng(0)
    labels = np.array(["a", "b", "c"] * 60)
    answer = (labels[:, None] == np.array(["a", "b", "c"])).astype(np.float32)
    data = {
        "pixels": rng.normal(size=(180, 64)).astype(np.float32),
        "color": rng.normal(size=(180, 30)).astype(np.float32),
        "hog": np.hstack([rng.normal(size=(180, 5)), 5 * answer]).astype(np.float32),
    }
    chosen = [INPUTS["pixels"], INPUTS["color"], INPUTS["hog"]]
    result = cross_validate(data, labels, (1, 8, 8), inputs=chosen, n_folds=3)
    for name in ("pixels", "color"):
        assert abs(result.interval(name, "balanced_accuracy").mean - 1 / 3) < 0.12
    assert result.interval("hog", "balanced_accuracy").mean > 0.9
    assert result.confusion("hog").sum() == 180
    assert np.trace(result.confusion("hog")) > 160


def planted(features: list[float], pixels: list[float]) -> Comparison:
    """Return a comparison whose macro-F1 scores are given."""
    comparison = Comparison(["a", "b"], np.array(["a", "b"] * 4), np.arange(8) % 4)
    for name, values in (("pixels", pixels), ("features", features)):
        comparison.predicted[name] = np.array(["a", "b"] * 4)
        comparison.rows += [
            FoldScore(name, fold, 6, 2, 1, 1, dict.fromkeys(("accuracy", "balanced_accuracy", "macro_f1"), value))
            for fold, value in enumerate(values)
        ]
    return comparison


def test_the_verdict_follows_the_numbers() -> None:
    better = verdict(planted([0.8, 0.81, 0.8, 0.81], [0.5, 0.51, 0.51, 0.5]))
    assert "beat raw pixels (+0.300" in better[1]
    worse = verdict(planted([0.5, 0.51, 0.51, 0.5], [0.8, 0.81, 0.8, 0.81]))
    assert "fall behind raw pixels (-0.300" in worse[1]
    open_ = verdict(planted([0.5, 0.7, 0.5, 0.6], [0.6, 0.5, 0.6, 0.5]))
    assert "no certain difference" in open_[1]
    assert summary_rows(planted([0.5, 0.7], [0.1, 0.1]))[1]["macro_f1"] == pytest.approx(0.6)
