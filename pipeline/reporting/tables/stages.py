"""Tables of the further stages: classifiers, ablation, curves, perturbations, other survey."""

import math
from collections.abc import Sequence

from galfeat.pipeline.comparison.results import ComparisonResults, ScoreRow, Stage
from galfeat.pipeline.reporting.classifiers import CLASSIFIERS, classifier_differences
from galfeat.pipeline.reporting.draw_curves import (
    PERTURBATIONS,
    learning_curves,
    robustness_curves,
    strength,
)
from galfeat.pipeline.reporting.summary import Summary, difference, interval_of, ratio_of, with_holm
from galfeat.pipeline.reporting.tables.cells import (
    EMPTY,
    GAP,
    Cell,
    Table,
    gap,
    interval_cell,
    macro_f1,
    mean_of_finite,
    signed,
    table_or_none,
    value_and_interval,
)

__all__ = [
    "ablation_table",
    "classifier_difference_table",
    "classifier_table",
    "cross_table",
    "importance_table",
    "learning_table",
    "robustness_table",
]


def classifier_table(summary: Summary) -> Table | None:
    """Return the table of macro-F1 of the tuned and matched networks and of the baselines."""
    results = summary.results
    heads = [head for head in CLASSIFIERS if results.select("head", head=head)]
    matched = bool(results.select("matched"))
    if not heads and not matched:
        return None
    rows = []
    for name, main in summary.rows.items():
        others = [results.select("head", input=name, head=head) for head in heads]
        same = results.select("matched", input=name)
        if same or any(others):
            rows.append(
                (
                    Cell(name),
                    *(macro_f1(each) for each in ([main, same] if matched else [main])),
                    *map(macro_f1, others),
                )
            )
    head = (
        "input",
        "network, tuned",
        *(["network, same size"] if matched else []),
        *(CLASSIFIERS[head] for head in heads),
    )
    sizes = (
        ", and with networks that all have nearly the same number of parameters" if matched else ""
    )
    caption = (
        f"Macro-F1 ± standard error of the same inputs with other classifiers{sizes}."
        f"{_tested_folds(summary)}"
    )
    return table_or_none(Table("heads", caption, head, tuple(rows)))


def _tested_folds(summary: Summary) -> str:
    """Return a sentence if the baselines were tested in some of the folds only."""
    folds = len({(row.repeat, row.fold) for row in summary.results.select("head")})
    all_folds = max(map(len, summary.rows.values()))
    if not 0 < folds < all_folds:
        return ""
    return f" Other classifiers were tried on {folds} of the {all_folds} folds."


def classifier_difference_table(summary: Summary) -> Table | None:
    """Return the table of differences of the baselines to the network on the features."""
    rows = tuple(
        (Cell(CLASSIFIERS[each.head]), Cell(each.input), macro_f1(each.rows), *gap(each_gap))
        for each, each_gap in classifier_differences(summary)
    )
    caption = (
        f"Macro-F1 of other classifiers less that of the network on '{summary.features_input()}', "
        "on the folds that both have: two-sided corrected "
        "resampled t-test, Holm's correction over this table. Bold: p (Holm) < 0.05."
    )
    return table_or_none(
        Table("head-differences", caption, ("classifier", "input", "macro-F1", *GAP), rows, words=2)
    )


def ablation_table(summary: Summary, stage: Stage) -> Table | None:
    """Return the ablation table: one extractor left out, or one extractor alone.

    Parameters
    ----------
    summary : Summary
    stage : {"drop", "only"}
    """
    results = summary.results
    parts = list(dict.fromkeys(row.part for row in results.rows if row.stage == stage))
    name = next((row.input for row in results.rows if row.stage == stage), "features")
    if name not in summary.rows:
        return None
    groups = {part: results.select(stage, part=part) for part in parts}
    gaps = [
        each
        for part, rows in groups.items()
        if (each := difference(rows, summary.rows[name], names=(part, name)))
    ]
    rows = []
    for each in with_holm(gaps):
        without = groups[each.first]
        per_class = (_class_gap(without, summary.rows[name], one) for one in results.classes)
        rows.append((Cell(each.first), macro_f1(without), *gap(each)[:4], *per_class))
    doing = (
        "Macro-F1 of all features without one extractor"
        if stage == "drop"
        else "Macro-F1 of one extractor alone"
    )
    caption = (
        f"{doing}, and the change against '{name}' (negative: worse than with all), overall and "
        "in the F1 of each class; bold: p < 0.05 "
        "after Holm's correction, for a class: p < 0.05 uncorrected."
    )
    head = ("left out" if stage == "drop" else "alone", "macro-F1", *GAP[:4], *results.classes)
    return table_or_none(Table(stage, caption, head, tuple(rows)))


def importance_table(results: ComparisonResults) -> Table | None:
    """Return the table of permutation importances, overall and for every class."""
    keys = dict.fromkeys((each.input, each.part) for each in results.importances)
    rows = []
    for name, part in keys:
        found = [each for each in results.importances if (each.input, each.part) == (name, part)]
        main = results.select("main", input=name)
        ratio = ratio_of(main) if main else 1.0 / max(results.n_folds - 1, 1)
        per_class = [
            Cell(signed(mean_of_finite(each.per_class.get(c, math.nan) for each in found)))
            for c in results.classes
        ]
        rows.append(
            (
                Cell(part),
                Cell(name),
                *value_and_interval(
                    interval_of([each.loss for each in found], ratio, (-1.0, 1.0)), signed
                ),
                *per_class,
            )
        )
    caption = (
        "Fall of macro-F1, and of each class's F1, when the columns of one extractor are shuffled "
        "among the test galaxies."
    )
    head = ("shuffled", "in", "fall of macro-F1", "95 % interval", *results.classes)
    return table_or_none(Table("importance", caption, head, tuple(rows), words=2))


def learning_table(results: ComparisonResults) -> Table | None:
    """Return the table of learning curves: macro-F1 by number of training galaxies."""
    curves = learning_curves(results)
    steps = max((len(curve.x) for curve in curves), default=0)
    longest = next((curve for curve in curves if len(curve.x) == steps), None)
    rows = tuple(
        (
            Cell(curve.input),
            *(interval_cell(y) for y in curve.y),
            *[Cell(EMPTY)] * (steps - len(curve.y)),
        )
        for curve in curves
    )
    head = ("input", *(f"{x:,.0f}" for x in longest.x)) if longest else ()
    return table_or_none(
        Table(
            "learning",
            "Macro-F1 ± standard error by the number of training galaxies (mean of the folds).",
            head,
            rows,
        )
    )


def robustness_table(results: ComparisonResults) -> Table | None:
    """Return the table of robustness: macro-F1 by kind and strength of the perturbation."""
    curves = robustness_curves(results)
    names = list(dict.fromkeys(curve.input for found in curves.values() for curve in found))
    rows = []
    for kind, found in curves.items():
        points = {curve.input: dict(zip(curve.x, curve.y, strict=True)) for curve in found}
        for x in sorted({x for each in points.values() for x in each}):
            cells = (
                interval_cell(points[name][x]) if x in points.get(name, {}) else Cell(EMPTY)
                for name in names
            )
            rows.append(
                (
                    Cell(PERTURBATIONS.get(kind, (kind, 0))[0]),
                    Cell(strength(results, kind, x)),
                    *cells,
                )
            )
    caption = "Macro-F1 ± standard error by what was done to the test galaxies, and how much."
    return table_or_none(Table("robustness", caption, ("test galaxies", "by", *names), tuple(rows)))


def cross_table(summary: Summary) -> Table | None:
    """Return the table of macro-F1 on the external test set and on the own one."""
    results = summary.results
    rows = []
    for name, main in summary.rows.items():
        other = results.select("cross", input=name)
        if other:
            rows.append(
                (
                    Cell(name),
                    macro_f1(main),
                    macro_f1(other),
                    Cell(str(round(mean_of_finite(row.n_test for row in other)))),
                )
            )
    caption = (
        "Macro-F1 of the networks trained here, tested on "
        f"{results.cross_source or 'the other source'}."
    )
    return table_or_none(
        Table(
            "cross",
            caption,
            ("input", "tested here", "tested there", "galaxies there"),
            tuple(rows),
        )
    )


def _class_gap(rows: Sequence[ScoreRow], main: Sequence[ScoreRow], name: str) -> Cell:
    each = difference(rows, main, f"f1:{name}")
    return Cell(signed(each.interval.mean), strong=each.p < 0.05) if each else Cell(EMPTY)
