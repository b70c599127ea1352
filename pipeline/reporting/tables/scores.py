"""Tables of scores: every input, differences to raw pixels, controls and classes."""

import math
from collections.abc import Iterable, Sequence

from galfeat.pipeline.comparison.results import ScoreRow
from galfeat.pipeline.reporting.summary import HEADLINE, REGION, Summary
from galfeat.pipeline.reporting.tables.cells import (
    GAP,
    Cell,
    Table,
    count,
    gap,
    number,
    score_cell,
    standard_error,
    table_or_none,
    value_and_interval,
)

__all__ = [
    "class_table",
    "control_table",
    "difference_table",
    "pair_table",
    "planned_table",
    "score_table",
]

_TITLES = {
    "macro_f1": "macro-F1",
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "auc": "AUC",
    "log_loss": "log loss",
    "brier": "Brier",
    "ece": "calibration error",
}
_CLASS = ("precision", "recall", "f1", "auc")


def score_table(summary: Summary) -> Table:
    """Return the table of all scores of every input, with corrected standard errors."""
    best = summary.best(summary.non_controls)
    about = {each.name: each.about for each in summary.results.descriptions}
    rows = []
    for line in summary.table():
        scores = [
            Cell(
                number(line[m]),
                standard_error(line[f"{m}_se"]),
                m == HEADLINE and line["input"] == best,
            )
            for m in _TITLES
        ]
        sizes = (Cell(count(line["n_features"])), Cell(count(line["n_parameters"])))
        rows.append((Cell(line["input"], about[line["input"]]), *scores, *sizes))
    caption = (
        "Mean over all folds ± standard error, corrected for the overlap of the training sets. "
        "Bold: the highest macro-F1; the tests below state which others are "
        "significantly lower. Of log loss, Brier score and calibration error, less is better."
    )
    return Table(
        "scores", caption, ("input", *_TITLES.values(), "numbers", "parameters"), tuple(rows)
    )


def difference_table(summary: Summary) -> Table | None:
    """Return the table of differences of macro-F1 to raw pixels."""
    rows = tuple((Cell(name), *gap(each)) for name, each in summary.to_pixels.items())
    caption = (
        "Macro-F1 less that of raw pixels on the same folds: two-sided corrected resampled "
        "t-test, p also after Holm's correction over all inputs except controls, and the "
        f"probability that the difference is below -{REGION}, between the two (practically "
        f"equivalent), or above +{REGION}. Bold: p (Holm) < 0.05. The comparison of features and "
        "raw pixels was planned before all others: the verdict uses its uncorrected p."
    )
    return table_or_none(Table("differences", caption, ("input", *GAP), rows))


def pair_table(summary: Summary, name: str = "") -> Table | None:
    """Return the table of all pairs of inputs, or only of those with one input.

    Holm's correction is over all pairs either way.
    """
    shown = [
        each.swapped() if each.second == name else each
        for each in summary.pairs
        if not name or name in (each.first, each.second)
    ]
    rows = tuple((Cell(f"{each.first} - {each.second}"), *gap(each)) for each in shown)
    rest = (
        f" Only pairs with the best input, {name}, are shown; differences.csv has them all."
        if name
        else ""
    )
    caption = (
        "Macro-F1 of the first less that of the second; Holm's correction over all "
        f"{len(summary.pairs)} pairs of inputs.{rest}"
    )
    return table_or_none(Table("pairs", caption, ("inputs", *GAP), rows))


def planned_table(summary: Summary) -> Table | None:
    """Return the table of planned comparisons: features less each pixel input, if several."""
    planned = list(summary.planned.values())
    rows = (
        tuple((Cell(f"{each.first} - {each.second}"), *gap(each)) for each in planned)
        if len(planned) > 1
        else ()
    )
    caption = (
        "The planned comparisons: macro-F1 of the features less that of every pixel input, Holm's "
        f"correction over these {len(planned)} alone. The verdict on which pixel inputs the "
        "features beat follows from them."
    )
    return table_or_none(Table("rivals", caption, ("inputs", *GAP), rows))


def control_table(summary: Summary) -> Table | None:
    """Return the table of the controls: their balanced accuracy and that of a random guess."""
    about = {each.name: each.about for each in summary.results.descriptions}
    chance = 1.0 / len(summary.results.classes)
    rows = tuple(
        (
            Cell(name, about[name]),
            *value_and_interval(summary.interval(name, "balanced_accuracy")),
            Cell(number(chance)),
        )
        for name in summary.controls
    )
    caption = (
        "Controls must score as a guess does, unless the classes truly differ in what the control "
        "sees."
    )
    return table_or_none(
        Table(
            "controls", caption, ("control", "balanced accuracy", "95 % interval", "a guess"), rows
        )
    )


def class_table(summary: Summary, names: Iterable[str]) -> Table | None:
    """Return the table of precision, recall, F1 and AUC of every class, for some inputs."""
    results = summary.results
    counts = {each: int((results.labels == each).sum()) for each in results.classes}
    rows = tuple(
        (
            Cell(each),
            Cell(name),
            Cell(count(counts[each])),
            *(_class_cell(summary.rows[name], each, key) for key in _CLASS),
        )
        for each in results.classes
        for name in names
        if name in summary.rows
    )
    caption = "Scores of each class: mean over all folds ± corrected standard error."
    return table_or_none(
        Table(
            "classes",
            caption,
            ("class", "input", "galaxies", "precision", "recall", "F1", "AUC"),
            rows,
            words=2,
        )
    )


def _class_cell(rows: Sequence[ScoreRow], name: str, key: str) -> Cell:
    return score_cell([row.per_class.get(name, {}).get(key, math.nan) for row in rows], rows)
