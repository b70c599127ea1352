"""Permutation importance: what a trained network loses when a block of features is shuffled."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galfeat.pipeline.comparison.folds.fold import Fold
from galfeat.pipeline.comparison.inputs import ComparisonInput
from galfeat.pipeline.comparison.results import Importance
from galfeat.pipeline.evaluation.metrics import evaluate
from galfeat.pipeline.models.ensemble import FittedEnsemble

__all__ = ["permutation_importances"]

_N_PERMUTATIONS = 3


def permutation_importances(
    fold: Fold,
    model_input: ComparisonInput,
    fitted: FittedEnsemble,
    features: Sequence[NDArray[np.float32]],
) -> list[Importance]:
    """Return the fall of macro-F1 and of each class's F1 for every part of an input.

    The rows of one part are permuted among the test galaxies, three times, while the other parts
    stay in place; the falls are averaged.

    Parameters
    ----------
    fold : Fold
    model_input : ComparisonInput
    fitted : FittedEnsemble
        Trained on `model_input`.
    features : sequence of array
        Of the test galaxies, one array per part.

    References
    ----------
    Breiman (2001), Machine Learning 45, 5, doi:10.1023/A:1010933404324.
    """
    truth, classes = fold.outer.test_labels, fold.sample.classes
    scores, per_class = evaluate(truth, fold.predict(fitted, features), classes)
    rng = np.random.default_rng(fold.seed)
    found = []
    for place, part in enumerate(model_input.parts):
        falls: list[float] = []
        class_falls: dict[str, list[float]] = {name: [] for name in classes}
        for _ in range(_N_PERMUTATIONS):
            permuted = list(features)
            permuted[place] = features[place][rng.permutation(len(features[place]))]
            now, now_per_class = evaluate(truth, fold.predict(fitted, permuted), classes)
            falls.append(scores["macro_f1"] - now["macro_f1"])
            for name in classes:
                class_falls[name].append(per_class[name]["f1"] - now_per_class[name]["f1"])
        mean_falls = {name: float(np.mean(values)) for name, values in class_falls.items()}
        found.append(
            Importance(
                model_input.name,
                part.column,
                fold.repeat,
                fold.fold,
                float(np.mean(falls)),
                mean_falls,
            )
        )
    return found
