"""Scores of the network and the baseline classifiers, on the folds that all were tested in."""

from dataclasses import dataclass

from galfeat.pipeline.comparison.results import ScoreRow
from galfeat.pipeline.evaluation.significance import Interval
from galfeat.pipeline.reporting.summary import (
    HEADLINE,
    Difference,
    Summary,
    difference,
    interval_of,
    ratio_of,
    with_holm,
)

__all__ = [
    "CLASSIFIERS",
    "CNN",
    "ClassifierScore",
    "classifier_differences",
    "classifier_scores",
    "difference_to_cnn",
]

CLASSIFIERS = {
    "network": "network",
    "logistic": "logistic regression",
    "forest": "random forest",
    "cnn": "small CNN",
}
"""Names of the classifiers in the report, by the values of `ScoreRow.head`."""
CNN = "cnn"


@dataclass(frozen=True, eq=False)
class ClassifierScore:
    """Macro-F1 of a classifier on an input.

    Parameters
    ----------
    input, head : str
    rows : list of ScoreRow
    interval : Interval or None
        None with fewer than two folds.
    """

    input: str
    head: str
    rows: list[ScoreRow]
    interval: Interval | None


def classifier_scores(summary: Summary) -> list[ClassifierScore]:
    """Return the scores of all classifiers on every input with baselines, the network first."""
    results, found = summary.results, []
    tried = {(row.repeat, row.fold) for row in results.rows if row.stage == "head"}
    for name, main in summary.rows.items():
        others = {head: results.select("head", input=name, head=head) for head in CLASSIFIERS}
        if any(others.values()):
            others["network"] = [row for row in main if (row.repeat, row.fold) in tried]
            found += [
                ClassifierScore(name, head, rows, _interval(rows))
                for head, rows in others.items()
                if rows
            ]
    return found


def classifier_differences(summary: Summary) -> list[tuple[ClassifierScore, Difference]]:
    """Return the difference of each baseline to the network on the hand-crafted features.

    Holm's correction is over all of them.
    """
    features = summary.features_input()
    if features is None:
        return []
    others = [each for each in classifier_scores(summary) if each.head != "network"]
    pairs = [
        (each, gap)
        for each in others
        if (gap := difference(each.rows, summary.rows[features], names=(each.head, features)))
    ]
    return list(zip([each for each, _ in pairs], with_holm([gap for _, gap in pairs]), strict=True))


def difference_to_cnn(summary: Summary, name: str) -> tuple[ClassifierScore, Difference] | None:
    """Return the convolutional network, and the difference of an input's network to it.

    None if it took no part.
    """
    net = next((each for each in classifier_scores(summary) if each.head == CNN), None)
    gap = difference(summary.rows[name], net.rows, names=(name, CNN)) if net else None
    return (net, gap) if net and gap else None


def _interval(rows: list[ScoreRow]) -> Interval | None:
    return interval_of([row.scores[HEADLINE] for row in rows], ratio_of(rows))
