"""The classifiers beside each other, on the folds that all of them were tried on."""

from dataclasses import dataclass

from galfeat.pipeline.comparison.results import Row
from galfeat.pipeline.comparison.significance import Interval
from galfeat.pipeline.reporting.summary import (
    HEADLINE,
    Difference,
    Summary,
    difference,
    interval_of,
    ratio_of,
    with_holm,
)

__all__ = ["CEILING", "HEADS", "Head", "head_gaps", "head_scores", "to_ceiling"]

HEADS = {
    "network": "network",
    "logistic": "logistic regression",
    "forest": "random forest",
    "cnn": "small CNN",
}
"""Classifiers by the names that the rows have."""
CEILING = "cnn"


@dataclass(frozen=True, eq=False)
class Head:
    """A classifier on an input.

    Parameters
    ----------
    input, head : str
    rows : list of Row
    interval : Interval or None
        Of macro-F1; None if there are not two folds.
    """

    input: str
    head: str
    rows: list[Row]
    interval: Interval | None


def head_scores(summary: Summary) -> list[Head]:
    """Return every classifier on every input that was given to another one than the network, the
    network first.
    """
    study, found = summary.study, []
    tried = {(row.repeat, row.fold) for row in study.rows if row.stage == "head"}
    for name, main in summary.rows.items():
        others = {head: study.select("head", input=name, head=head) for head in HEADS}
        if any(others.values()):
            others["network"] = [row for row in main if (row.repeat, row.fold) in tried]
            found += [
                Head(name, head, rows, _interval(rows)) for head, rows in others.items() if rows
            ]
    return found


def head_gaps(summary: Summary) -> list[tuple[Head, Difference]]:
    """Return what each other classifier is above the network on the hand-crafted features.

    Holm's correction over all of them.
    """
    ours = summary.ours()
    if ours is None:
        return []
    others = [each for each in head_scores(summary) if each.head != "network"]
    pairs = [
        (each, gap)
        for each in others
        if (gap := difference(each.rows, summary.rows[ours], names=(each.head, ours)))
    ]
    return list(zip([each for each, _ in pairs], with_holm([gap for _, gap in pairs]), strict=True))


def to_ceiling(summary: Summary, name: str) -> tuple[Head, Difference] | None:
    """Return the convolutional network, and what the network on an input is above it.

    None if it was not tried.
    """
    net = next((each for each in head_scores(summary) if each.head == CEILING), None)
    gap = difference(summary.rows[name], net.rows, names=(name, CEILING)) if net else None
    return (net, gap) if net and gap else None


def _interval(rows: list[Row]) -> Interval | None:
    return interval_of([row.scores[HEADLINE] for row in rows], ratio_of(rows))
