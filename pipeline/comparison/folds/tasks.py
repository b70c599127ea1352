"""Tasks of a fold: what is trained and tested, each with the name of its checkpoint."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from galfeat.pipeline.comparison.classifiers.baselines import BASELINES
from galfeat.pipeline.comparison.classifiers.cnn import CNN
from galfeat.pipeline.comparison.inputs import ComparisonInput
from galfeat.pipeline.comparison.planning.plan import ComparisonPlan, learning_curve_sizes

__all__ = ["ALL_FEATURES", "FoldTask", "fold_tasks"]

ALL_FEATURES = "features"  # the input whose extractors are left out one by one
_RAW_PIXELS = "pixels"  # the input of the convolutional network


@dataclass(frozen=True)
class FoldTask:
    """One unit of work in a fold.

    Parameters
    ----------
    kind : {"main", "ablation", "learning", "baseline", "cnn"}
        ``main``: hyperparameter search, training and test of the network, and all tests of that
        trained network. The others use the settings that ``main`` has found.
    input : ComparisonInput
    place : int
        ``ablation``: which part of the input is left out.
    n_train : int
        ``learning``: number of training galaxies.
    classifier : str
        ``baseline``: one of `BASELINES`.
    """

    kind: Literal["main", "ablation", "learning", "baseline", "cnn"]
    input: ComparisonInput
    place: int = 0
    n_train: int = 0
    classifier: str = ""

    @property
    def name(self) -> str:
        """Name for progress and checkpoint, unique within a fold."""
        return {
            "main": self.input.name,
            "ablation": f"drop/{self.place}",
            "learning": f"learning/{self.input.name}/{self.n_train}",
            "baseline": f"classifier/{self.input.name}/{self.classifier}",
            "cnn": f"classifier/{self.input.name}/{CNN}",
        }[self.kind]


def fold_tasks(
    inputs: Sequence[ComparisonInput],
    plan: ComparisonPlan,
    n_galaxies: int,
    repeat: int,
    *,
    cnn: bool = False,
) -> list[FoldTask]:
    """Return the tasks of each fold of a repeat: first ``main`` of all inputs, then the others.

    Parameters
    ----------
    inputs : sequence of ComparisonInput
        Those that take part.
    plan : ComparisonPlan
    n_galaxies : int
        Training and test galaxies together.
    repeat : int
        Learning curves and other classifiers belong to repeat 0 only.
    cnn : bool
        Whether the convolutional network takes part.
    """
    by_name = {each.name: each for each in inputs}
    tasks = [FoldTask("main", each) for each in inputs]
    if plan.dropping and ALL_FEATURES in by_name:
        tasks += _ablations(by_name[ALL_FEATURES])
    if repeat == 0:
        n_train = n_galaxies * (plan.n_folds - 1) // plan.n_folds
        curves = [by_name[name] for name in plan.curve_inputs if name in by_name]
        tasks += _learning_curves(curves, learning_curve_sizes(n_train, plan.curve_sizes)[:-1])
        classified = [by_name[name] for name in plan.head_inputs if name in by_name]
        tasks += [
            FoldTask("baseline", each, classifier=name) for each in classified for name in BASELINES
        ]
        if cnn and _RAW_PIXELS in by_name:
            tasks.append(FoldTask("cnn", by_name[_RAW_PIXELS]))
    return tasks


def _ablations(features: ComparisonInput) -> Iterator[FoldTask]:
    if len(features.parts) > 1:
        yield from (FoldTask("ablation", features, place) for place in range(len(features.parts)))


def _learning_curves(inputs: Sequence[ComparisonInput], sizes: Sequence[int]) -> Iterator[FoldTask]:
    yield from (FoldTask("learning", each, n_train=n) for each in inputs for n in sizes)
