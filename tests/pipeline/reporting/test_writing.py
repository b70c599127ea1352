"""The files of a report: what they say agrees, what a catalog says is escaped, and a failure
leaves nothing half done.
"""

import csv
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.pipeline.reporting.example_results import HOSTILE, INPUTS, example_results
from tests.pipeline.reporting.pages import Page

from galfeat import UsageError
from galfeat.pipeline.comparison.results import SCORES, ComparisonResults, Prediction
from galfeat.pipeline.reporting import Summary, judge, write_report, writing

Make = Callable[..., ComparisonResults]


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


MADE_BY_US = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "main",
        "section",
        "nav",
        "ul",
        "li",
        "a",
        "h1",
        "h2",
        "h3",
        "p",
        "em",
        "div",
    ),
    *(
        "strong",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "small",
        "figure",
        "figcaption",
        "img",
        "br",
        "wbr",
    ),
    *("dl", "dt", "dd"),
}
TITLES = {
    "macro_f1": "macro-F1", "balanced_accuracy": "balanced accuracy", "accuracy": "accuracy",
    "auc": "AUC", "log_loss": "log loss",
    "brier": "Brier", "ece": "calibration error",
}  # fmt: skip


@pytest.mark.slow
def test_the_page_has_the_numbers_of_the_summary(folder: Path, page: Page) -> None:
    summary = table(folder / "summary.csv")
    assert [row["input"] for row in summary] == [name for name, _, _ in INPUTS]
    for metric in SCORES:
        shown = page.column("scores", TITLES[metric])
        assert shown == {row["input"]: f"{float(row[metric]):.3f}" for row in summary}
    others = [row for row in summary if row["input"] != "pixels"]
    assert page.column("differences", "difference") == {
        row["input"]: f"{float(row['difference']):+.3f}" for row in others
    }
    assert page.column("differences", "P(same)") == {
        row["input"]: f"{float(row['p_same']):.2f}" for row in others
    }
    for row, interval in zip(
        others, page.column("differences", "95 % interval").values(), strict=True
    ):
        assert (
            interval
            == f"{float(row['difference_low']):+.3f} to {float(row['difference_high']):+.3f}"
        )


@pytest.mark.slow
def test_the_summary_has_the_numbers_of_the_scores(
    folder: Path, results: ComparisonResults
) -> None:
    scores = [row for row in table(folder / "scores.csv") if row["stage"] == "main"]
    by_input = {name: [row for row in scores if row["input"] == name] for name in results.inputs}
    raw = np.array([float(row["macro_f1"]) for row in by_input["pixels"]])
    for row in table(folder / "summary.csv"):
        values = np.array([float(each["macro_f1"]) for each in by_input[row["input"]]])
        assert float(row["macro_f1"]) == pytest.approx(values.mean(), abs=2e-6)
        assert float(row["macro_f1_se"]) == pytest.approx(
            np.sqrt((1 / 10 + 40 / 160) * values.var(ddof=1)), abs=2e-6
        )
        if row["input"] != "pixels":
            assert float(row["difference"]) == pytest.approx((values - raw).mean(), abs=2e-6)


def test_scores_have_a_row_an_input_fold_size_and_perturbation(
    folder: Path, results: ComparisonResults
) -> None:
    rows = table(folder / "scores.csv")
    assert len(rows) == len(results.rows)
    keys = {
        (
            r["stage"],
            r["head"],
            r["input"],
            r["repeat"],
            r["fold"],
            r["n_train"],
            r["perturbation"],
            r["strength"],
            r["part"],
        )
        for r in rows
    }
    assert len(keys) == len(rows)
    assert [float(row["ece"]) for row in rows] == pytest.approx(
        [row.scores["ece"] for row in results.rows], abs=1e-6
    )


def test_class_names_come_back_from_the_tables_as_they_were(
    folder: Path, results: ComparisonResults
) -> None:
    rows = table(folder / "classes.csv")
    assert {row["class"] for row in rows} == set(HOSTILE)
    assert float(rows[0]["recall"]) == pytest.approx(
        results.rows[0].per_class[results.classes[0]]["recall"], abs=1e-6
    )
    assert json.loads((folder / "run.json").read_text()) == results.run


@pytest.mark.slow
def test_catalog_text_is_escaped_in_the_page(page: Page, results: ComparisonResults) -> None:
    for name in (
        *HOSTILE,
        results.source,
        results.label,
        *results.bands,
        *results.left_out,
        *results.cut,
        '"g',
        "other <survey>",
    ):
        assert name in page.text, name
    assert {tag for tag, _ in page.tags} <= MADE_BY_US
    names = {name for _, attributes in page.tags for name in attributes}
    assert not {name for name in names if name.startswith("on")}


@pytest.mark.slow
def test_the_page_needs_no_network_and_no_script(folder: Path, page: Page) -> None:
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object")
        assert attributes.get("src", "data:image/").startswith("data:image/")
        assert attributes.get("href", "#").startswith("#")
    style = re.search(
        r"<style>(.*?)</style>", (folder / "report.html").read_text(encoding="utf-8"), re.DOTALL
    )
    assert style
    assert "@import" not in style[1]
    assert "url(" not in style[1]
    assert "@media print" in style[1]


@pytest.mark.slow
def test_links_lead_to_sections_and_ids_are_unique(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes["href"][1:] for _, attributes in page.tags if "href" in attributes} <= set(
        ids
    )
    assert {
        attributes["aria-labelledby"]
        for _, attributes in page.tags
        if "aria-labelledby" in attributes
    } <= set(ids)


@pytest.mark.slow
def test_every_figure_has_words_and_two_files(folder: Path, page: Page) -> None:
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert all(len(each["alt"]) > 15 for each in images)
    assert len({each["alt"] for each in images}) == len(images)
    stems = {
        attributes["id"].removeprefix("figure-")
        for tag, attributes in page.tags
        if tag == "figure" and "id" in attributes
    }
    assert {
        "scores",
        "differences",
        "learning",
        "robustness_shift",
        "confusion_features",
        "reliability_pixels",
        "examples",
    } <= stems
    for stem in (*stems, "mistakes"):
        ET.parse(folder / "figures" / f"{stem}.svg")
        with Image.open(folder / "figures" / f"{stem}.png") as image:
            assert min(image.size) > 100
    assert {path.stem for path in (folder / "figures").iterdir()} == {*stems, "mistakes"}


@pytest.mark.slow
def test_words_for_figures_have_their_numbers(page: Page, results: ComparisonResults) -> None:
    words = {
        attributes["alt"].split(":")[0]: attributes["alt"]
        for tag, attributes in page.tags
        if tag == "img"
    }
    gap = Summary(results).to_pixels["features"].interval
    assert (
        f"features {gap.mean:+.3f} ({gap.low:+.3f} to {gap.high:+.3f})"
        in words["Differences of macro-F1 to raw pixels with 95 % intervals"]
    )


@pytest.mark.slow
def test_the_verdict_opens_the_page(page: Page, results: ComparisonResults) -> None:
    verdict = judge(results)
    for sentence in (*verdict.sentences, *verdict.warnings):
        assert sentence in page.text
    assert page.text.index(verdict.sentences[0]) < page.text.index(
        "Every input saw the same galaxies"
    )
    assert not re.search(r"\bnan\b", page.text)


def test_mistakes_are_the_most_confident_ones(make_results: Make) -> None:
    from galfeat.pipeline.reporting.draw_galaxies import mistakes

    results = make_results({"pixels": 0.4, "features": 0.6}, repeats=1)
    sure = np.full((1, 120, 3), 0.1)
    sure[0, np.arange(120), np.arange(120) % 3] = 0.8  # right
    sure[0, 7] = [0.9, 0.06, 0.04]  # a merger taken for a clump
    sure[0, 8] = [0.02, 0.95, 0.03]  # a spiral taken for a merger
    found = mistakes(replace(results, predictions={"features": Prediction(sure)}), "features", n=5)
    assert [(each.row, each.name, each.truth, each.predicted) for each in found] == [
        (8, "g008", "spiral", "merger"),
        (7, "g007", "merger", "clump"),
    ]
    assert found[0].probability == pytest.approx(0.95)
    # the second repeat says something else: the mean decides
    many = np.stack([sure[0], sure[0][:, [1, 2, 0]]])
    both = mistakes(replace(results, predictions={"features": Prediction(many)}), "features", n=200)
    assert both[0].probability == pytest.approx((0.95 + 0.03) / 2)


def test_a_stamp_has_its_first_row_at_the_bottom() -> None:
    import io

    from galfeat.pipeline.reporting.draw_galaxies import stamp

    pixels = np.zeros((1, 4, 4), dtype=np.float32)
    pixels[0, 0, 1] = 6.0
    with Image.open(io.BytesIO(stamp(pixels, ("r",)))) as image:
        assert image.getpixel((1, 3)) == 255
        assert np.asarray(image).sum() == 255


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        lambda: example_results(("a", "b", "c"), n=12, folds=2, bands=("g", "r")),
        lambda: replace(
            example_results(n=40),
            rows=tuple(row for row in example_results(n=40).rows if row.fold == 0),
        ),
        lambda: example_results(n=40, inputs=(("features", "features", 1.0),)),
        lambda: example_results(
            n=40, inputs=(("pixels", "pixels", 1.0), ("shuffled", "control", 0.0))
        ),
        lambda: replace(example_results(n=40), predictions={}),
        lambda: example_results(("星系", "渦巻"), n=40),
    ],
    ids=["tiny", "one fold", "no pixels", "no features", "no predictions", "other letters"],
)
def test_a_page_is_made_of_any_subset_of_results(
    make: Callable[[], ComparisonResults], tmp_path: Path
) -> None:
    page = Page(write_report(make(), tmp_path).read_text(encoding="utf-8"))
    assert "scores" in page.tables
    assert not re.search(r"\b(nan|inf|None)\b", page.text)


@pytest.mark.slow
def test_numbers_of_numpy_are_numbers_in_the_settings(tmp_path: Path) -> None:
    results = example_results(n=40)
    rows = tuple(
        replace(row, settings={"alpha": np.float32(0.5), "hidden": (64, np.int64(8))})
        for row in results.rows
    )
    write_report(
        replace(results, rows=rows, run={"seed": np.int64(3), "sizes": np.arange(2)}), tmp_path
    )
    assert json.loads((tmp_path / "run.json").read_text()) == {"seed": 3, "sizes": [0, 1]}
    assert json.loads(table(tmp_path / "scores.csv")[0]["settings"]) == {
        "alpha": 0.5,
        "hidden": [64, 8],
    }


@pytest.mark.slow
def test_the_same_study_gives_the_same_files(tmp_path: Path) -> None:
    write_report(example_results(n=40), tmp_path / "a")
    write_report(example_results(n=40), tmp_path / "b")
    files = [path for path in sorted((tmp_path / "a").rglob("*")) if path.is_file()]
    assert len(files) > 10
    for path in files:
        assert (
            tmp_path / "b" / path.relative_to(tmp_path / "a")
        ).read_bytes() == path.read_bytes(), path.name


@pytest.mark.slow
def test_a_failed_report_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("no page")

    monkeypatch.setattr(writing, "render_page", broken)
    with pytest.raises(RuntimeError, match="no page"):
        write_report(example_results(n=40), tmp_path / "report")
    assert not (tmp_path / "report").exists()


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_keeps_its_old_page(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("old")
    (tmp_path / "figures").write_text("in the way")
    with pytest.raises(UsageError, match="cannot write"):
        write_report(example_results(n=40), tmp_path)
    assert (tmp_path / "report.html").read_text() == "old"
    assert not list(tmp_path.rglob("*.part"))
