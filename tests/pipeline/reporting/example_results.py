"""Results that are hard to show: many classes, long or hostile names, few galaxies or inputs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from galfeat.pipeline.comparison.results import (
    ComparisonResults,
    Cost,
    Importance,
    InputDescription,
    Prediction,
    ScoreRow,
    Stage,
)
from galfeat.pipeline.evaluation.metrics import (
    brier,
    class_scores,
    expected_calibration_error,
    log_loss,
)

HOSTILE = (
    '<b onmouseover="alert(1)">bold</b>',
    "a $x^2$ & b $y_1$",
    "barred spiral with two long tidal tails and a companion",
    "'; DROP TABLE galaxies; --",
    "{{ 7 * 7 }}",
    "été/ñ ß",
    "Pneumonoultramicroscopicsilicovolcanoconiosisgalaxy",
    "</script><script>alert(2)</script>",
    "12",
    "irr",
)
INPUTS = (
    ("pixels", "pixels", 0.2), ("pixels_linear", "pixels", 0.15), ("pixels_small", "pixels", 0.3),
    ("pixels_pca", "pixels", 0.4),
    ("pixels_aligned", "pixels", 0.9), ("pixels_augmented", "pixels", 0.4), ("color", "features",
    0.6), ("texture", "features", 0.5),
    ("hog", "features", 0.7), ("sift", "features", 0.5), ("shape", "features", 0.4), ("features",
    "features", 1.2),
    ("features+pixels", "both", 1.2), ("shuffled", "control", 0.0), ("random", "control", 0.0),
    ("nuisance", "control", 0.3),
)  # fmt: skip


def example_results(
    classes: Sequence[str] = ("spiral", "merger"),
    inputs: Sequence[tuple[str, str, float]] = (
        ("pixels", "pixels", 0.5),
        ("features", "features", 1.5),
    ),
    *,
    n: int = 200,
    repeats: int = 1,
    folds: int = 5,
    bands: tuple[str, ...] = ("g",),
    size: int = 12,
    source: str = "survey",
    extras: bool = False,
) -> ComparisonResults:
    """Return results whose scores are those of its probabilities, drawn with a strength that is
    given for each input.
    """
    rng = np.random.default_rng(7)
    names = tuple(sorted(classes))
    k = len(names)
    truth = np.arange(n) % k
    labels = np.array(names)[truth]
    cut = np.stack([rng.permutation(np.arange(n) // k % folds) for _ in range(repeats)])
    cut = (
        np.stack([(np.arange(n) // k + repeat) % folds for repeat in range(repeats)])
        if n < 40
        else cut
    )
    predictions, rows = {}, []
    for name, _, strength in inputs:
        logits = rng.normal(size=(repeats, n, k)) + strength * 1.5 * np.eye(k)[truth]
        table = np.exp(1.5 * logits)
        predictions[name] = Prediction(table / table.sum(axis=2, keepdims=True))
        for repeat in range(repeats):
            for fold in range(folds):
                test = cut[repeat] == fold
                rows.append(
                    _row(
                        "main",
                        name,
                        repeat,
                        fold,
                        labels[test],
                        predictions[name].probabilities[repeat][test],
                        names,
                        n,
                    )
                )
    if extras:
        rows += [
            _again(row, "learning", n_train=count)
            for row in rows
            if row.input in ("pixels", "features")
            for count in (50, 100, 160)
        ]
        rows += [
            _again(row, "robustness", perturbation=kind, strength=strength)
            for row in rows if row.stage == "main" and row.input in ("pixels", "features",
            "pixels_aligned")
            for kind, strengths in {"shift": (0.5, 1.0, 8.0), "band": (0.0, 1.0), "smudge": (1.0,
            2.0)}.items() for strength in strengths
        ]  # fmt: skip
        ours = [row for row in rows if row.stage == "main" and row.input == "features"]
        rows += [_again(row, "drop", part=part) for row in ours for part in ("hog", "sift")]
        first = [
            row
            for row in rows
            if row.stage == "main"
            and row.repeat == 0
            and row.input in ("pixels", "features", "pixels_pca")
        ]
        rows += [
            _again(row, "head", head=head)
            for row in first
            for head in ("logistic", "forest", "cnn")
            if head != "cnn" or row.input == "pixels"
        ]
        rows += [_again(row, "cross") for row in rows if row.stage == "main"]
    results = ComparisonResults(
        source=source,
        label="T <type>",
        bands=bands,
        ids=np.array([f'"g{i}"<i>' for i in range(n)]),
        labels=labels,
        classes=names,
        folds=cut,
        descriptions=tuple(
            InputDescription(name, f"what {name} is", group)  # type: ignore[arg-type]
            for name, group, _ in inputs
        ),
        rows=tuple(rows),
        predictions=predictions,
        pixels=(2 * rng.normal(size=(n, len(bands), size, size))).astype(np.float32),
        run={"seed": 3, "fingerprint": "f" * 64},
    )
    if not extras:
        return results
    lost = [
        Importance("features", part, 0, fold, 0.1, dict.fromkeys(names, 0.1))
        for part in ("hog", "sift")
        for fold in range(folds)
    ]
    return replace(
        results,
        importances=tuple(lost),
        costs=tuple(
            Cost(name, 48, 12_288, 123_456, 49_152, 0.0012, 3.21, 1e-5, 25.0)
            for name, _, _ in inputs
        ),
        left_out={"of classes with fewer galaxies than the 5 folds (<i>odd</i>)": 2},
        cut=("No <small> CNN.",),
        cross_source="other <survey>",
    )


def _row(
    stage: Stage,
    name: str,
    repeat: int,
    fold: int,
    labels: np.ndarray,
    table: np.ndarray,
    classes: tuple[str, ...],
    n: int,
) -> ScoreRow:
    each = class_scores(labels, table, classes)
    known = [score for score in each if score.n]
    scores = {
        "accuracy": float(np.mean(np.array(classes)[table.argmax(axis=1)] == labels)),
        "balanced_accuracy": float(np.mean([score.recall for score in known])),
        "macro_f1": float(np.mean([score.f1 for score in each])),
        "auc": float(np.mean([score.auc for score in each])),
        "log_loss": log_loss(labels, table, classes),
        "brier": brier(labels, table, classes),
        "ece": expected_calibration_error(labels, table, classes),
    }
    per_class = {
        s.name: {
            "precision": s.precision,
            "recall": s.recall,
            "f1": s.f1,
            "auc": s.auc,
            "n": float(s.n),
        }
        for s in each
    }
    return ScoreRow(
        stage,
        name,
        "network",
        repeat,
        fold,
        n - len(labels),
        len(labels),
        48,
        1234,
        scores,
        per_class,
    )


def _again(row: ScoreRow, stage: Stage, **changes: object) -> ScoreRow:
    return replace(row, stage=stage, **changes)  # type: ignore[arg-type]
