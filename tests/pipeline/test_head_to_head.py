"""The whole comparison on a few simulated galaxies: tables, reproducibility, resume, bad input."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from galfeat import UsageError
from galfeat.data import Preparation
from galfeat.pipeline import compare
from galfeat.pipeline.comparison.loading.perturbations import UNPERTURBED
from galfeat.pipeline.comparison.planning.plan import QUICK
from galfeat.pipeline.head_to_head import ComparisonReport
from galfeat.pipeline.reporting.folder import REPORT_FILES, check_report_folder

SMALL = replace(
    QUICK,
    n_folds=2,
    effort=0.1,
    skipped=(
        "pixels_augmented",
        "pixels_linear",
        "pixels_small",
        "hog",
        "sift",
        "texture",
        "shape",
        "random",
        "features+pixels",
    ),
    curve_inputs=("features",),
    altered_inputs=("pixels", "features"),
    altered=10,
)
PREPARED = Preparation(size=32)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def compared(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> ComparisonReport:
    return compare(
        survey,
        tmp_path_factory.mktemp("report"),
        preparation=PREPARED,
        plan=SMALL,
        test_source=survey_of(survey, 30, 8),
    )


def survey_of(survey: Path, n: int, seed: int) -> Path:
    """Return a folder with other galaxies of the same survey."""
    from galfeat.data import SimulatedSurvey, write_survey

    folder = survey.parent / f"other{seed}"
    if not folder.is_dir():
        write_survey(SimulatedSurvey(n, size=32, depth="deep", seed=seed), folder)
    return folder


def changed(
    survey: Path, folder: Path, change: Callable[[list[dict[str, str]]], list[dict[str, str]]]
) -> Path:
    """Return a copy of the survey with another catalog."""
    shutil.copytree(survey, folder)
    table = change(rows(survey / "catalog.csv"))
    with (folder / "catalog.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    return folder


@pytest.mark.slow
def test_every_stage_is_in_the_tables(compared: ComparisonReport) -> None:
    out = compared.report.parent
    scores = rows(out / "scores.csv")
    inputs = ["pixels", "pixels_pca", "pixels_aligned", "color"]
    inputs += ["classic", "features", "shuffled", "nuisance"]
    assert [row["input"] for row in scores if row["stage"] == "main"] == [
        name for name in inputs for _ in range(2)
    ]
    assert {row["stage"] for row in scores} == {
        "main",
        "head",
        "robustness",
        "drop",
        "only",
        "cross",
    }
    altered = {row["perturbation"] for row in scores if row["stage"] == "robustness"}
    assert altered == set(UNPERTURBED)
    assert {row["n_test"] for row in scores if row["stage"] == "cross"} == {"30"}
    assert (
        sum(
            int(row["n_test"])
            for row in scores
            if row["stage"] == "main" and row["input"] == "pixels"
        )
        == 90
    )
    assert [row["input"] for row in rows(out / "summary.csv")] == inputs
    assert not (out / "pieces").exists()
    written = {path.name for path in out.iterdir() if path.is_file()}
    assert written | {"report.failures.csv"} == set(REPORT_FILES), (
        "what check_report_folder asks about is what is written"
    )


@pytest.mark.slow
def test_the_run_can_be_repeated_from_what_it_says(compared: ComparisonReport) -> None:
    run = json.loads((compared.report.parent / "run.json").read_text())
    assert (run["seed"], run["n_folds"], run["n_repeats"], run["label"], run["preset"]) == (
        0,
        2,
        1,
        "label",
        "quick",
    )
    assert run["recipe"]["preparation"]["size"] == 32
    assert run["recipe"]["extractors"]["hog"]["rotation"] == "mirrored"
    assert len(run["search"]) == run["draws"] == 2


@pytest.mark.slow
def test_untouched_galaxies_are_the_start_of_every_robustness_curve(
    compared: ComparisonReport,
) -> None:
    start = [
        row
        for row in compared.results.select("robustness", input="pixels")
        if row.strength == UNPERTURBED[row.perturbation]
    ]
    assert {row.perturbation for row in start} == set(UNPERTURBED)
    for fold in (0, 1):
        assert len({row.scores["log_loss"] for row in start if row.fold == fold}) == 1


@pytest.mark.slow
def test_the_same_again_and_after_an_interruption(
    compared: ComparisonReport, survey: Path, tmp_path: Path
) -> None:
    def stop(done: int, total: int, name: str) -> None:
        if done == 9:
            raise KeyboardInterrupt(total, name)

    arguments = {
        "preparation": PREPARED,
        "plan": SMALL,
        "test_source": survey_of(survey, 30, 8),
        "workers": 1,
        "name": compared.results.source,
    }
    with pytest.raises(KeyboardInterrupt):
        compare(survey, tmp_path, training=stop, **arguments)  # type: ignore[arg-type]
    assert len(list((tmp_path / "pieces").iterdir())) >= 9
    resumed = compare(survey, tmp_path, resume=True, **arguments)  # type: ignore[arg-type]
    assert any("resumed" in note for note in resumed.results.notes)
    assert not any("resumed" in note for note in compared.results.notes)
    for name in ("scores.csv", "summary.csv", "classes.csv", "differences.csv", "run.json"):
        assert (tmp_path / name).read_bytes() == (compared.report.parent / name).read_bytes(), name


@pytest.mark.slow
def test_rows_that_cannot_take_part_are_left_out_and_counted(survey: Path, tmp_path: Path) -> None:
    def change(table: list[dict[str, str]]) -> list[dict[str, str]]:
        table[0]["label"], table[1]["label"], table[2]["file"] = "", "blob", "missing.fits"
        return table

    folder = changed(survey, tmp_path / "survey", change)
    plan = replace(
        SMALL,
        altered=0,
        dropping=False,
        curve_inputs=(),
        head_inputs=(),
        skipped=(*SMALL.skipped, "color", "pixels_aligned"),
    )
    results = compare(folder, tmp_path / "out", preparation=PREPARED, plan=plan).results
    assert len(results.labels) == 87
    assert results.left_out == {
        "without a label": 1,
        "of classes with fewer galaxies than the 2 folds (blob)": 1,
        "that could not be measured (report.failures.csv says why)": 1,
    }
    assert rows(tmp_path / "out" / "report.failures.csv")[0]["file"] == "missing.fits"


def test_what_cannot_be_compared_is_said_before_the_work(survey: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs a column 'class'"):
        compare(survey, tmp_path / "out", label="class")
    with pytest.raises(UsageError, match="at least 2 folds"):
        compare(survey, tmp_path / "out", plan=replace(SMALL, n_folds=1))
    one = changed(
        survey, tmp_path / "one", lambda table: [row for row in table if row["label"] == "merger"]
    )
    with pytest.raises(
        UsageError,
        match=r"1 class\(es\) with at least 3 galaxies, and two are needed; it has merger 18$",
    ):
        compare(one, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_folder_of_the_report_is_looked_at_before_the_work(
    survey: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(UsageError, match="file is not a folder; name another one"):
            compare(survey, out)
    (tmp_path / "out" / "scores.csv").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"scores\.csv: it is not a regular file"):
        compare(survey, tmp_path / "out")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "figures").write_text("mine")
    with pytest.raises(UsageError, match="figures is not a folder"):
        compare(survey, tmp_path / "other")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "summary.csv").write_text("id,file,label\n")
    with pytest.raises(UsageError, match=r"summary\.csv: it is one of the inputs"):
        check_report_folder(mine, [survey, mine / "summary.csv"])
    check_report_folder(tmp_path / "not" / "yet", [survey])
    assert not (tmp_path / "not").exists()


@pytest.mark.slow
def test_galaxies_of_one_group_are_too_few_for_folds(survey: Path, tmp_path: Path) -> None:
    def grouped(table: list[dict[str, str]]) -> list[dict[str, str]]:
        return [{**row, "group": "one field"} for row in table]

    folder = changed(survey, tmp_path / "survey", grouped)
    plan = replace(SMALL, altered=0)
    with pytest.raises(
        UsageError,
        match=(
            r"0 class\(es\) with at least 2 galaxies, those of one group, position or image "
            r"counted once"
        ),
    ):
        compare(folder, tmp_path / "out", preparation=PREPARED, plan=plan)

    def few(table: list[dict[str, str]]) -> list[dict[str, str]]:
        return [row for row in table if row["label"] in ("merger", "spiral")][:5]

    with pytest.raises(
        UsageError, match="2 folds need at least 6 galaxies to learn from; 5 can take part"
    ):
        compare(
            changed(survey, tmp_path / "few", few),
            tmp_path / "out",
            preparation=PREPARED,
            plan=plan,
        )


@pytest.mark.slow
def test_classes_that_are_numbers_or_blank(survey: Path, tmp_path: Path) -> None:
    numbers = {"merger": "1", "spiral": " 2 ", "clump": "10", "agn": "nan", "quiescent": "  "}

    def renamed(table: list[dict[str, str]]) -> list[dict[str, str]]:
        return [{**row, "label": numbers.get(row["label"], "")} for row in table]

    folder = changed(survey, tmp_path / "survey", renamed)
    plan = replace(SMALL, altered=0, dropping=False, curve_inputs=(), head_inputs=("features",))
    mine = tmp_path / "out" / "pieces" / "mine.fits"
    mine.parent.mkdir(parents=True)
    mine.write_text("kept")
    results = compare(folder, tmp_path / "out", preparation=PREPARED, plan=plan).results
    assert results.classes == ("1", "10", "2")
    assert len(results.labels) + results.left_out["without a label"] == 90
    assert {row.head for row in results.rows} == {"network", "logistic", "forest"}
    assert [path.name for path in mine.parent.iterdir()] == ["mine.fits"], (
        "what is not of the run stays"
    )


@pytest.mark.slow
def test_parts_of_other_folds_or_of_another_test_source_are_not_taken(
    survey: Path, tmp_path: Path
) -> None:
    plan = replace(SMALL, altered=0, dropping=False, curve_inputs=(), head_inputs=())

    def stop(done: int, total: int, name: str) -> None:
        if done == 5:
            raise KeyboardInterrupt(total, name)

    def pairs(table: list[dict[str, str]]) -> list[dict[str, str]]:
        return [{**row, "group": str(place // 2)} for place, row in enumerate(table)]

    first, second, grouped = (
        survey_of(survey, 30, 8),
        survey_of(survey, 30, 9),
        changed(survey, tmp_path / "grouped", pairs),
    )
    arguments = {"preparation": PREPARED, "plan": plan, "name": "here", "test_name": "there"}
    for source, tested, taken in (
        (grouped, first, False),
        (survey, second, False),
        (survey, first, True),
    ):
        out = tmp_path / f"{source.name} {tested.name}"
        with pytest.raises(KeyboardInterrupt):
            compare(survey, out, test_source=first, training=stop, **arguments)  # type: ignore[arg-type]
        said: list[str] = []
        results = compare(
            source,
            out,
            test_source=tested,
            resume=True,
            saying=said.append,
            **arguments,  # type: ignore[arg-type]
        ).results
        assert any("resumed" in note for note in results.notes) == taken
        assert any("checkpoint(s) of another run" in sentence for sentence in said) != taken


@pytest.mark.slow
def test_another_source_must_have_galaxies_that_are_new_and_of_known_classes(
    survey: Path, tmp_path: Path
) -> None:
    def unlabeled(table: list[dict[str, str]]) -> list[dict[str, str]]:
        return [{key: value for key, value in row.items() if key != "label"} for row in table]

    plan = replace(SMALL, altered=0)
    with pytest.raises(UsageError, match="the other source has no galaxy to test on"):
        compare(survey, tmp_path / "out", preparation=PREPARED, plan=plan, test_source=survey)
    with pytest.raises(
        UsageError, match=r"^the catalog of the other source needs a column 'label'"
    ):
        compare(
            survey,
            tmp_path / "out",
            preparation=PREPARED,
            plan=plan,
            test_source=changed(survey, tmp_path / "bare", unlabeled),
        )
    empty = changed(survey, tmp_path / "empty", lambda table: table)
    for path in empty.glob("*.fits"):
        path.write_bytes(b"")
    with pytest.raises(
        UsageError, match=r"^the other source: none of the 90 cutouts could be measured"
    ):
        compare(survey, tmp_path / "out", preparation=PREPARED, plan=plan, test_source=empty)


@pytest.mark.slow
def test_the_second_task_goes_by_the_same_protocol(survey: Path, tmp_path: Path) -> None:
    plan = replace(SMALL, altered=0, dropping=False, curve_inputs=(), head_inputs=())
    results = compare(
        survey, tmp_path / "out", preparation=PREPARED, plan=plan, label="state"
    ).results
    assert results.classes == ("quiescent", "star_forming")
    assert np.isfinite(results.values(results.select("main"), "auc")).all()
