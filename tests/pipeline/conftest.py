"""Comparison results with planted scores, without any training."""

from collections.abc import Callable

import numpy as np
import pytest

from galfeat.pipeline.comparison.results import (
    SCORES,
    ComparisonResults,
    Cost,
    Importance,
    InputDescription,
    LayerSize,
    Prediction,
    ScoreRow,
    Stage,
)

CLASSES = ("clump", "merger", "spiral")
GROUPS = {
    "pixels": "pixels",
    "pixels_small": "pixels",
    "pixels_pca": "pixels",
    "pixels_aligned": "pixels",
    "hog": "features",
    "texture": "features",
    "features": "features",
    "features+pixels": "both",
    "shuffled": "control",
}
LEVELS = {
    "pixels": 0.4,
    "pixels_pca": 0.5,
    "pixels_aligned": 0.6,
    "hog": 0.5,
    "texture": 0.45,
    "features": 0.65,
    "features+pixels": 0.66,
}


class RowMaker:
    """Draws rows around a level that is given for every input."""

    def __init__(self, levels: dict[str, float], seed: int) -> None:
        self.levels = levels
        self.rng = np.random.default_rng(seed)

    def row(
        self, stage: Stage, name: str, repeat: int, fold: int, loss: float = 0.0, **more: object
    ) -> ScoreRow:
        """Return a row whose macro-F1 scatters by .01 around the level of the input, less
        `loss`.
        """
        level = float(np.clip(self.levels[name] - loss + 0.01 * self.rng.normal(), 0.05, 0.99))
        scores = dict.fromkeys(SCORES, level) | {
            "log_loss": -float(np.log(level)),
            "brier": 1 - level,
            "ece": 0.1 * (1 - level),
        }
        per_class = {
            each: {
                "precision": level,
                "recall": level,
                "f1": level,
                "auc": 0.5 + level / 2,
                "n": 8.0,
            }
            for each in CLASSES
        }
        values: dict[str, object] = {
            "head": "network",
            "n_train": 96,
            "n_test": 24,
            "n_features": 48,
            "n_parameters": 3331,
        } | more
        return ScoreRow(
            stage=stage,
            input=name,
            repeat=repeat,
            fold=fold,
            scores=scores,
            per_class=per_class,
            **values,  # type: ignore[arg-type]
        )


@pytest.fixture
def make_results() -> Callable[..., ComparisonResults]:
    """Return a factory of results of 120 galaxies with given macro-F1 scores; every stage has
    rows.
    """
    return results_of


def results_of(
    levels: dict[str, float] | None = None, *, seed: int = 0, repeats: int = 2, folds: int = 5
) -> ComparisonResults:
    """Return results with planted scores.

    Parameters
    ----------
    levels : dict of str to float
        Mean macro-F1 of each input; other inputs than the usual ones count as features.
    """
    levels = dict(LEVELS if levels is None else levels) | {"shuffled": 1 / 3}
    maker = RowMaker(levels, seed)
    rng = np.random.default_rng(seed + 1)
    n = 120
    labels = np.array([CLASSES[i % 3] for i in range(n)])
    pairs = [(r, f) for r in range(repeats) for f in range(folds)]
    rows = [
        maker.row("main", name, r, f, settings={"hidden": 64, "alpha": 1.0})
        for name in levels
        for r, f in pairs
    ]
    rows += [maker.row("matched", name, r, f) for name in levels for r, f in pairs]
    some = [name for name in ("pixels", "features") if name in levels]
    rows += [
        maker.row("head", name, r, f, head=head)
        for name in some
        for head in ("logistic", "forest")
        for r, f in pairs
    ]
    rows += [
        maker.row("learning", name, r, f, 20 / count, n_train=count)
        for name in some
        for count in (50, 75, 96)
        for r, f in pairs[:folds]
    ]
    for kind, strengths in {
        "rotation": (0, 30, 60), "shift": (0, 0.5, 2, 8), "noise": (0, 1, 2),
        "correlated": (0, 1, 2), "seeing": (0, 1, 2), "smoothing": (0, 1, 2),
        "depth": (0, 1, 2), "scale": (1, 2, 3), "color": (0, 0.25), "filters": (0, 0.25),
        "jpeg": (100, 70), "gradient": (0, 3), "neighbor": (0, 0.3),
        "dimming": (1, 1.5, 2), "band": (0, 1, 2),
    }.items():  # fmt: skip
        rows += [
            maker.row("robustness", name, r, f, 0.03 * place, perturbation=kind,
            strength=float(strength))
            for name in some for place, strength in enumerate(strengths) for r, f in pairs[:folds]
        ]  # fmt: skip
    if "features" in levels:
        rows += [
            maker.row("drop", "features", r, f, 0.02, part=part)
            for part in ("color", "hog", "texture")
            for r, f in pairs
        ]
        rows += [
            maker.row("only", "features", r, f, 0.15, part=part)
            for part in ("color", "hog", "texture")
            for r, f in pairs
        ]
    predictions = {}
    for name, level in levels.items():
        certain = np.eye(3)[np.arange(n) % 3]
        right = rng.random((repeats, n, 1)) < level
        wrong = np.eye(3)[(np.arange(n) + 1) % 3]
        sure = 0.4 + 0.5 * rng.random((repeats, n, 1))
        predictions[name] = Prediction((1 - sure) / 3 + sure * np.where(right, certain, wrong))
    return ComparisonResults(
        source="simulated survey",
        label="label",
        bands=("blue", "green", "red"),
        ids=np.array([f"g{i:03d}" for i in range(n)]),
        labels=labels,
        classes=CLASSES,
        folds=np.stack([rng.permutation(np.arange(n) % folds) for _ in range(repeats)]),
        descriptions=tuple(
            InputDescription(name, f"about {name}", GROUPS.get(name, "features"))  # type: ignore[arg-type]
            for name in levels
        ),
        rows=tuple(rows),
        predictions=predictions,
        pixels=rng.normal(size=(n, 3, 16, 16)).astype(np.float32),
        importances=tuple(
            Importance("features", part, r, f, 0.05, dict.fromkeys(CLASSES, 0.05))
            for part in ("color", "hog", "texture")
            for r, f in pairs
        ),
        costs=tuple(Cost(name, 48, 500, 3331, 2000, 1e-3, 0.5, 1e-5, 4.0) for name in levels),
        layers=tuple(
            LayerSize(s, 3, 3 * s * s, s**4 + s * s, 192 * s * s + 259, 12_547)
            for s in (64, 128, 256, 512)
        ),
        left_out={"without a label": 3},
        cut=("Learning curves use one repeat.",),
        notes=("2 galaxies stand twice in the catalog and were kept in the same fold.",),
        predicted_seconds=100.0,
        used_seconds=110.0,
        run={
            "recipe": {"version": "0.0", "preparation": {"size": 16}},
            "fingerprint": "0123456789abcdef",
            "seed": 0,
            "n_folds": folds,
            "n_repeats": repeats,
            "draws": 8,
            "preset": "full",
        },
    )
