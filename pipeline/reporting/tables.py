"""The report's tables, as cells of text; what they say and what they leave empty."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from galfeat.pipeline.comparison.results import ComparisonResults, ScoreRow, Stage
from galfeat.pipeline.comparison.significance import Interval
from galfeat.pipeline.reporting.classifiers import CLASSIFIERS, classifier_differences
from galfeat.pipeline.reporting.draw_curves import (
    PERTURBATIONS,
    learning_curves,
    robustness_curves,
    strength,
)
from galfeat.pipeline.reporting.summary import (
    HEADLINE,
    REGION,
    Difference,
    Summary,
    difference,
    interval_of,
    ratio_of,
    with_holm,
)

__all__ = [
    "Cell",
    "Table",
    "class_table",
    "control_table",
    "cost_table",
    "cross_table",
    "difference_table",
    "flat",
    "head_gap_table",
    "head_table",
    "importance_table",
    "layer_table",
    "learning_table",
    "pair_table",
    "part_table",
    "rival_table",
    "robustness_table",
    "score_table",
    "settings_table",
]

NONE = "–"

TITLES = {
    "macro_f1": "macro-F1",
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "auc": "AUC",
    "log_loss": "log loss",
    "brier": "Brier",
    "ece": "calibration error",
}


@dataclass(frozen=True)
class Cell:
    """One cell.

    Parameters
    ----------
    text : str
    note : str
        Said smaller behind it, such as ``± 0.012``.
    strong : bool
        Whether it stands out.
    """

    text: str
    note: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table of the report; the first cell of a row names it.

    Parameters
    ----------
    name : str
        Its id in the page.
    caption : str
    head : tuple of str
    rows : tuple of tuple of Cell
    words : int
        Columns of words, at the left; the others are numbers.
    """

    name: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: int = 1


def score_table(summary: Summary) -> Table:
    """Return every input with all scores and their corrected standard errors."""
    best = summary.best(summary.non_controls)
    about = {each.name: each.about for each in summary.results.descriptions}
    rows = []
    for line in summary.table():
        scores = [
            Cell(_number(line[m]), _error(line[f"{m}_se"]), m == HEADLINE and line["input"] == best)
            for m in TITLES
        ]
        sizes = (Cell(_count(line["n_features"])), Cell(_count(line["n_parameters"])))
        rows.append((Cell(line["input"], about[line["input"]]), *scores, *sizes))
    caption = (
        "Mean over all folds ± standard error, corrected for the overlap of the training sets. "
        "Bold: the highest macro-F1; which others "
        "are certainly lower is said by the tests below. Of log loss, Brier score and calibration "
        "error, less is better."
    )
    return Table(
        "scores", caption, ("input", *TITLES.values(), "numbers", "parameters"), tuple(rows)
    )


def difference_table(summary: Summary) -> Table | None:
    """Return the differences of macro-F1 to raw pixels."""
    rows = tuple((Cell(name), *_gap(each)) for name, each in summary.to_pixels.items())
    caption = (
        "Macro-F1 less that of raw pixels on the same folds: two-sided corrected resampled "
        "t-test, p also after Holm's correction over "
        "all inputs that are no controls, and the probability that the difference is below "
        f"-{REGION}, practically nothing, or above "
        f"+{REGION}. Bold: p (Holm) < 0.05. The comparison of features and raw pixels was planned "
        "first: the verdict takes its p."
    )
    return _or_none(Table("differences", caption, ("input", *_GAP), rows))


def pair_table(summary: Summary, name: str = "") -> Table | None:
    """Return every two inputs, or only the pairs of one.

    The correction is over all pairs either way.
    """
    shown = [
        each.turned() if each.second == name else each
        for each in summary.pairs
        if not name or name in (each.first, each.second)
    ]
    rows = tuple((Cell(f"{each.first} - {each.second}"), *_gap(each)) for each in shown)
    rest = (
        f" Only pairs with the best input, {name}, are shown; differences.csv has them all."
        if name
        else ""
    )
    caption = (
        "Macro-F1 of the first less that of the second; Holm's correction over all "
        f"{len(summary.pairs)} pairs of inputs.{rest}"
    )
    return _or_none(Table("pairs", caption, ("inputs", *_GAP), rows))


def rival_table(summary: Summary) -> Table | None:
    """Return what the hand-crafted features are above every pixel input, if there are several."""
    rivals = list(summary.rivals.values())
    rows = (
        tuple((Cell(f"{each.first} - {each.second}"), *_gap(each)) for each in rivals)
        if len(rivals) > 1
        else ()
    )
    caption = (
        "The planned comparisons: macro-F1 of the features less that of every pixel input, Holm's "
        "correction over these "
        f"{len(rivals)} alone. The verdict says by them which pixel inputs the features beat."
    )
    return _or_none(Table("rivals", caption, ("inputs", *_GAP), rows))


def control_table(summary: Summary) -> Table | None:
    """Return the balanced accuracy of every control beside that of a guess."""
    about = {each.name: each.about for each in summary.results.descriptions}
    chance = 1.0 / len(summary.results.classes)
    rows = tuple(
        (
            Cell(name, about[name]),
            *_span(summary.interval(name, "balanced_accuracy")),
            Cell(_number(chance)),
        )
        for name in summary.controls
    )
    caption = (
        "Controls must score as a guess does, unless the classes truly differ in what the control "
        "sees."
    )
    return _or_none(
        Table(
            "controls", caption, ("control", "balanced accuracy", "95 % interval", "a guess"), rows
        )
    )


def class_table(summary: Summary, names: Iterable[str]) -> Table | None:
    """Return precision, recall, F1 and area under the curve of every class, for some inputs."""
    results = summary.results
    counts = {each: int((results.labels == each).sum()) for each in results.classes}
    rows = tuple(
        (
            Cell(each),
            Cell(name),
            Cell(_count(counts[each])),
            *(_class_cell(summary.rows[name], each, key) for key in _CLASS),
        )
        for each in results.classes
        for name in names
        if name in summary.rows
    )
    caption = "Every class by itself: mean over all folds ± corrected standard error."
    return _or_none(
        Table(
            "classes",
            caption,
            ("class", "input", "galaxies", "precision", "recall", "F1", "AUC"),
            rows,
            words=2,
        )
    )


def head_table(summary: Summary) -> Table | None:
    """Return macro-F1 of the tuned network, the network of matched size, and the other
    classifiers.
    """
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
                    *(_macro(each) for each in ([main, same] if matched else [main])),
                    *map(_macro, others),
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
    folds = len({(row.repeat, row.fold) for row in results.select("head")})
    all_folds = max(map(len, summary.rows.values()))
    first = (
        f" Other classifiers were tried on {folds} of the {all_folds} folds."
        if 0 < folds < all_folds
        else ""
    )
    caption = f"Macro-F1 ± standard error of the same inputs with other classifiers{sizes}.{first}"
    return _or_none(Table("heads", caption, head, tuple(rows)))


def head_gap_table(summary: Summary) -> Table | None:
    """Return what the other classifiers are above the network on the hand-crafted features."""
    rows = tuple(
        (Cell(CLASSIFIERS[each.head]), Cell(each.input), _macro(each.rows), *_gap(gap))
        for each, gap in classifier_differences(summary)
    )
    caption = (
        f"Macro-F1 of other classifiers less that of the network on '{summary.ours()}', on the "
        "folds that both have: two-sided corrected "
        "resampled t-test, Holm's correction over this table. Bold: p (Holm) < 0.05."
    )
    return _or_none(
        Table(
            "head-differences", caption, ("classifier", "input", "macro-F1", *_GAP), rows, words=2
        )
    )


def part_table(summary: Summary, stage: Stage) -> Table | None:
    """Return what leaving one extractor out of all features does, or what one alone reaches.

    Overall and for every class.
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
        rows.append((Cell(each.first), _macro(without), *_gap(each)[:4], *per_class))
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
    head = ("left out" if stage == "drop" else "alone", "macro-F1", *_GAP[:4], *results.classes)
    return _or_none(Table(stage, caption, head, tuple(rows)))


def importance_table(results: ComparisonResults) -> Table | None:
    """Return what the trained network loses when one block of its input is shuffled among the test
    galaxies.
    """
    keys = dict.fromkeys((each.input, each.part) for each in results.importances)
    rows = []
    for name, part in keys:
        found = [each for each in results.importances if (each.input, each.part) == (name, part)]
        main = results.select("main", input=name)
        ratio = ratio_of(main) if main else 1.0 / max(results.n_folds - 1, 1)
        per_class = [
            Cell(_signed(_mean(each.per_class.get(c, math.nan) for each in found)))
            for c in results.classes
        ]
        rows.append(
            (
                Cell(part),
                Cell(name),
                *_span(interval_of([each.loss for each in found], ratio, (-1.0, 1.0)), _signed),
                *per_class,
            )
        )
    caption = (
        "Fall of macro-F1, and of each class's F1, when the columns of one extractor are shuffled "
        "among the test galaxies."
    )
    head = ("shuffled", "in", "fall of macro-F1", "95 % interval", *results.classes)
    return _or_none(Table("importance", caption, head, tuple(rows), words=2))


def learning_table(results: ComparisonResults) -> Table | None:
    """Return macro-F1 by the number of training galaxies, a row an input."""
    curves = learning_curves(results)
    steps = max((len(curve.x) for curve in curves), default=0)
    longest = next((curve for curve in curves if len(curve.x) == steps), None)
    rows = tuple(
        (Cell(curve.input), *(_point(y) for y in curve.y), *[Cell(NONE)] * (steps - len(curve.y)))
        for curve in curves
    )
    head = ("input", *(f"{x:,.0f}" for x in longest.x)) if longest else ()
    return _or_none(
        Table(
            "learning",
            "Macro-F1 ± standard error by the number of training galaxies (mean of the folds).",
            head,
            rows,
        )
    )


def robustness_table(results: ComparisonResults) -> Table | None:
    """Return macro-F1 by kind and strength of the perturbation, a column an input."""
    curves = robustness_curves(results)
    names = list(dict.fromkeys(curve.input for found in curves.values() for curve in found))
    rows = []
    for kind, found in curves.items():
        points = {curve.input: dict(zip(curve.x, curve.y, strict=True)) for curve in found}
        for x in sorted({x for each in points.values() for x in each}):
            cells = (
                _point(points[name][x]) if x in points.get(name, {}) else Cell(NONE)
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
    return _or_none(Table("robustness", caption, ("test galaxies", "by", *names), tuple(rows)))


def cross_table(summary: Summary) -> Table | None:
    """Return macro-F1 on the other source beside that on the own one."""
    results = summary.results
    rows = []
    for name, main in summary.rows.items():
        other = results.select("cross", input=name)
        if other:
            rows.append(
                (
                    Cell(name),
                    _macro(main),
                    _macro(other),
                    Cell(str(round(_mean(row.n_test for row in other)))),
                )
            )
    caption = (
        "Macro-F1 of the networks trained here, tested on "
        f"{results.cross_source or 'the other source'}."
    )
    return _or_none(
        Table(
            "cross",
            caption,
            ("input", "tested here", "tested there", "galaxies there"),
            tuple(rows),
        )
    )


def cost_table(results: ComparisonResults) -> Table | None:
    """Return numbers, parameters, bytes and times of every input."""
    rows = tuple(
        (
            Cell(each.input), Cell(_count(each.n_measured)), Cell(_count(each.n_features)),
            Cell(_count(each.n_parameters)),
            Cell(_count(each.bytes_per_galaxy)), Cell(f"{1e3 * each.extract_seconds:.2f}"),
            Cell(f"{each.search_seconds:.2f}"),
            Cell(f"{each.fit_seconds:.2f}"), Cell(f"{1e6 * each.predict_seconds:.1f}"),
        )
        for each in results.costs
    )  # fmt: skip
    head = (
        "input",
        "measured",
        "fed",
        "parameters",
        "bytes a galaxy",
        "extract (ms)",
        "search (s)",
        "fit (s)",
        "predict (µs)",
    )
    caption = (
        "Numbers and bytes a galaxy. Processor times on this machine: extraction and prediction a "
        "galaxy, search and fit a fold."
    )
    return _or_none(Table("costs", caption, head, rows))


def layer_table(results: ComparisonResults) -> Table | None:
    """Return the parameters of fully connected layers on raw images of growing size."""
    rows = tuple(
        (
            Cell(f"{each.size} x {each.size}"),
            *(Cell(_count(n)) for n in (each.inputs, each.parameters, each.shallow, each.features)),
        )
        for each in results.layers
    )
    head = (
        "image",
        "numbers",
        "one layer, image to image",
        "64 hidden units on pixels",
        "64 hidden units on features",
    )
    caption = (
        "Parameters of fully connected layers: on raw pixels they grow with the image, on "
        "hand-crafted features they do not."
    )
    return _or_none(Table("layers", caption, head, rows))


def settings_table(summary: Summary) -> Table | None:
    """Return what the search chose on inner folds, as the range over the folds."""
    keys = list(
        dict.fromkeys(key for rows in summary.rows.values() for row in rows for key in row.settings)
    )
    rows = tuple(
        (
            Cell(name),
            *(
                Cell(_range([row.settings[key] for row in rows if key in row.settings]))
                for key in keys
            ),
        )
        for name, rows in summary.rows.items()
    )
    caption = (
        "What the search chose for the network of each input, on inner folds of the training "
        "galaxies: the range over all folds."
    )
    return (
        Table("settings", caption, ("input", *(key.replace("_", " ") for key in keys)), rows)
        if keys
        else None
    )


_GAP = ("difference", "95 % interval", "p", "p (Holm)", "P(worse)", "P(same)", "P(better)")
_CLASS = ("precision", "recall", "f1", "auc")


def _gap(each: Difference) -> tuple[Cell, ...]:
    odds = (
        Cell(_number(value, 2)) for value in (each.odds.worse, each.odds.same, each.odds.better)
    )
    value, span = _span(each.interval, _signed)
    return (
        Cell(value.text, strong=each.p_holm < 0.05),
        span,
        Cell(_p(each.p)),
        Cell(_p(each.p_holm)),
        *odds,
    )


def _span(each: Interval | None, form: Any = None) -> tuple[Cell, Cell]:
    form = form or _number
    return (
        (Cell(form(each.mean)), Cell(f"{form(each.low)} to {form(each.high)}"))
        if each
        else (Cell(NONE), Cell(NONE))
    )


def _macro(rows: Sequence[ScoreRow]) -> Cell:
    return _measured([row.scores[HEADLINE] for row in rows], rows)


def _class_cell(rows: Sequence[ScoreRow], name: str, key: str) -> Cell:
    return _measured([row.per_class.get(name, {}).get(key, math.nan) for row in rows], rows)


def _class_gap(rows: Sequence[ScoreRow], main: Sequence[ScoreRow], name: str) -> Cell:
    each = difference(rows, main, f"f1:{name}")
    return Cell(_signed(each.interval.mean), strong=each.p < 0.05) if each else Cell(NONE)


def _point(each: Interval) -> Cell:
    return Cell(_number(each.mean), _error(each.se))


def _measured(values: Sequence[float], rows: Sequence[ScoreRow]) -> Cell:
    each = interval_of(values, ratio_of(rows)) if rows else None
    return Cell(_number(each.mean), _error(each.se)) if each else Cell(_number(_mean(values)))


def _range(values: Sequence[Any]) -> str:
    if not values:
        return NONE
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        low, high = f"{min(values):.4g}", f"{max(values):.4g}"
        return low if low == high else f"{low} to {high}"
    return ", ".join(dict.fromkeys(str(value) for value in values))


def _mean(values: Iterable[float]) -> float:
    good = [value for value in values if math.isfinite(value)]
    return float(np.mean(good)) if good else math.nan


def _number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else NONE


def _signed(value: float) -> str:
    return f"{value:+.3f}" if math.isfinite(value) else NONE


def _error(value: float) -> str:
    return f"± {value:.3f}" if math.isfinite(value) else ""


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _p(value: float) -> str:
    return NONE if not math.isfinite(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _or_none(table: Table) -> Table | None:
    return table if table.rows else None


def flat(settings: Mapping[str, Any]) -> str:
    """Return settings as one line of text."""
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in settings.items())
