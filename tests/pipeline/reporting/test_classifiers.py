"""The other classifiers in the report: on the folds that they share with the network, and the
convolutional network as the ceiling.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from galfeat.pipeline.comparison.results import ComparisonResults, ScoreRow
from galfeat.pipeline.reporting.classifiers import classifier_differences, classifier_scores
from galfeat.pipeline.reporting.draw_classifiers import classifier_figure
from galfeat.pipeline.reporting.sections import sections
from galfeat.pipeline.reporting.summary import Summary
from galfeat.pipeline.reporting.tables import classifier_difference_table, classifier_table
from galfeat.pipeline.reporting.verdict import judge

Make = Callable[..., ComparisonResults]


def with_cnn(results: ComparisonResults, level: float, noise: float = 0.01) -> ComparisonResults:
    """Return the results with a convolutional network on the folds of the first repeat, its other
    heads on these folds alone too.
    """
    rng = np.random.default_rng(3)
    pixels = [row for row in results.select("main", input="pixels") if row.repeat == 0]

    def scored(row: ScoreRow) -> ScoreRow:
        return replace(
            row,
            stage="head",
            head="cnn",
            scores=dict.fromkeys(row.scores, level + noise * rng.normal()),
        )

    kept = tuple(row for row in results.rows if row.stage != "head" or row.repeat == 0)
    return replace(results, rows=kept + tuple(scored(row) for row in pixels))


@pytest.mark.parametrize(
    ("level", "noise", "words"),
    [
        (
            0.53,
            0.01,
            "; the features are above a small convolutional network on the cutouts (macro-F1 0.5",
        ),
        (
            0.83,
            0.01,
            "; the features are below a small convolutional network on the cutouts (macro-F1 0.8",
        ),
        (
            0.65,
            0.15,
            (
                "; whether the features are above or below a small convolutional network on the "
                "cutouts (macro-F1 0."
            ),
        ),
    ],
)
def test_the_verdict_says_in_a_clause_where_the_ceiling_is(
    make_results: Make, level: float, noise: float, words: str
) -> None:
    results = make_results({"pixels": 0.4, "pixels_pca": 0.45, "features": 0.65})
    sentence = judge(with_cnn(results, level, noise)).sentences[1]
    plain = judge(results).sentences[1]
    assert sentence.startswith(plain.removesuffix("."))
    assert words in sentence
    assert sentence.endswith(").")
    assert "convolutional" not in plain


def test_no_difference_to_the_ceiling(make_results: Make) -> None:
    results = make_results({"pixels": 0.4, "pixels_pca": 0.45, "features": 0.65})
    even = replace(
        results,
        rows=tuple(
            replace(row, scores=dict.fromkeys(row.scores, 0.65)) if row.input == "features" else row
            for row in results.rows
        ),
    )
    assert (
        "and the features make no practical difference: +0.0"
        in judge(with_cnn(even, 0.65, 1e-4)).sentences[1]
    )


def test_differences_are_taken_on_the_folds_that_both_have(make_results: Make) -> None:
    results = with_cnn(make_results({"pixels": 0.4, "pixels_pca": 0.45, "features": 0.65}), 0.53)
    summary = Summary(results)
    (cnn,) = [gap for each, gap in classifier_differences(summary) if each.head == "cnn"]
    ours = [
        row.scores["macro_f1"]
        for row in results.select("main", input="features")
        if row.repeat == 0
    ]
    theirs = [row.scores["macro_f1"] for row in results.select("head", head="cnn")]
    gaps = np.subtract(theirs, ours)
    assert cnn.n_folds == 5
    assert cnn.interval.mean == pytest.approx(gaps.mean())
    assert cnn.interval.se == pytest.approx(np.sqrt((1 / 5 + 24 / 96) * gaps.var(ddof=1)))
    found = [gap for _, gap in classifier_differences(summary)]
    # logistic and forest twice, and the CNN
    assert min(each.p_holm for each in found) == pytest.approx(5 * min(each.p for each in found))


def test_the_network_beside_the_others_is_that_of_the_same_folds(make_results: Make) -> None:
    results = with_cnn(make_results({"pixels": 0.4, "pixels_pca": 0.45, "features": 0.65}), 0.53)
    found = {(each.input, each.head): each for each in classifier_scores(Summary(results))}
    assert [key[1] for key in found if key[0] == "pixels"] == [
        "network",
        "logistic",
        "forest",
        "cnn",
    ]
    assert not [key for key in found if key[0] == "pixels_pca"]
    assert {row.repeat for row in found["features", "network"].rows} == {0}


def test_tables_and_figure_name_the_ceiling(make_results: Make) -> None:
    summary = Summary(
        with_cnn(make_results({"pixels": 0.4, "pixels_pca": 0.45, "features": 0.65}), 0.53)
    )
    table, gaps, figure = (
        classifier_table(summary),
        classifier_difference_table(summary),
        classifier_figure(summary),
    )
    assert table is not None
    assert gaps is not None
    assert figure is not None
    assert table.head[-1] == "small CNN"
    assert "tried on 5 of the 10 folds" in table.caption
    cells = {row[0].text: row[-1].text for row in table.rows}
    assert cells["pixels"].startswith("0.5")
    assert cells["features"] == "–"
    assert [(row[0].text, row[1].text) for row in gaps.rows][2] == ("small CNN", "pixels")
    assert "small CNN on pixels 0.5" in figure.alt
    (section,) = [each for each in sections(summary) if each.name == "heads"]
    assert "averaged to about 32 pixels" in section.text
    assert [each.name for each in section.later] == ["heads", "head-differences"]


@pytest.mark.slow
def test_without_other_classifiers_there_is_nothing_to_show(make_results: Make) -> None:
    results = make_results({"pixels": 0.4, "features": 0.65})
    bare = Summary(
        replace(
            results, rows=tuple(row for row in results.rows if row.stage not in ("head", "matched"))
        )
    )
    assert classifier_table(bare) is None
    assert classifier_difference_table(bare) is None
    assert classifier_figure(bare) is None
    assert not [each for each in sections(bare) if each.name == "heads"]
