"""The protocol: all folds of all inputs, and the questions that follow, piece by piece."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from galfeat.pipeline.comparison.checkpoints import Pieces
from galfeat.pipeline.comparison.classifiers.baselines import HEADS
from galfeat.pipeline.comparison.classifiers.cnn import CNN, version
from galfeat.pipeline.comparison.classifiers.hyperparameters import Settings, draw_settings
from galfeat.pipeline.comparison.cross_validation import repeated_folds
from galfeat.pipeline.comparison.fold import Altered, Fold, Piece, Sample
from galfeat.pipeline.comparison.inputs import Contender
from galfeat.pipeline.comparison.perturbations import UNTOUCHED
from galfeat.pipeline.comparison.plan import Plan, sizes
from galfeat.pipeline.comparison.results import Importance, Prediction, Row
from galfeat.pipeline.extraction.measure import Block

__all__ = ["Outcome", "Protocol"]

WHOLE = "features"  # the input that the questions about single extractors are put to
RAW = "pixels"  # the input that the convolutional network is fed
TUNED = "classifier"  # pieces of another head than the network
_ORDER = ("main", "matched", "head", "learning", "robustness", "drop", "only", "cross")

Altering = Callable[[NDArray[np.intp], str, float], Altered]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What all folds gave.

    Parameters
    ----------
    folds : array of int, shape (repeats, n)
    rows : list of Row
    predictions : dict of str to Prediction
    importances : list of Importance
    seconds : dict of str to dict of str to float
        Mean times of each input.
    """

    folds: NDArray[np.intp]
    rows: list[Row]
    predictions: dict[str, Prediction]
    importances: list[Importance]
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)


class Protocol:
    """Runs a plan on a sample.

    Parameters
    ----------
    sample : Sample
    inputs : sequence of Contender
        Those that take part.
    plan : Plan
    pieces : Pieces, optional
        Where finished parts are kept.
    altering : callable, optional
        Gives galaxies of the sample under another condition; without it, nothing is altered.
    alterations : sequence of (str, float)
    alterable : array of int
        Galaxies of the sample that can be altered.
    elsewhere : pair of blocks and labels, optional
        Another source to test on.
    ceiling : bool
        Whether the convolutional network takes part, which needs PyTorch.
    """

    def __init__(
        self,
        sample: Sample,
        inputs: Sequence[Contender],
        plan: Plan,
        *,
        pieces: Pieces | None = None,
        altering: Altering | None = None,
        alterations: Sequence[tuple[str, float]] = (),
        alterable: NDArray[np.intp] | None = None,
        elsewhere: tuple[Mapping[str, Block], NDArray[np.str_]] | None = None,
        ceiling: bool = False,
    ) -> None:
        self.ceiling = ceiling
        self.sample, self.inputs, self.plan, self.pieces = sample, tuple(inputs), plan, pieces
        self.altering, self.alterations, self.elsewhere = altering, tuple(alterations), elsewhere
        self.alterable = np.empty(0, dtype=np.intp) if alterable is None else alterable
        self.draws = draw_settings(plan.draws, sample.seed)
        self.folds = repeated_folds(
            sample.labels, sample.family, plan.n_folds, plan.n_repeats, sample.seed
        )

    def run(self, workers: int | None = None, progress: Progress | None = None) -> Outcome:
        """Do every fold; the numbers do not depend on the number of threads, nor on what was
        finished before.

        Parameters
        ----------
        workers : int, optional
            Threads; by default one a processor.
        progress : callable, optional
            Called with the pieces done, those there are, and the name of the last.
        """
        done: dict[tuple[int, int], dict[str, Piece]] = {}
        total = sum(len(self._names(repeat)) for repeat, _ in self._pairs())
        # one BLAS thread: sums over threads would round differently, and small products lose by
        # being split
        with threadpool_limits(1), ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
            for pair in self._pairs():
                done[pair] = {}
                for name, piece in self._fold(pair, pool):
                    done[pair][name] = piece
                    if progress:
                        progress(sum(len(each) for each in done.values()), total, name)
        return self._outcome(done)

    def _pairs(self) -> list[tuple[int, int]]:
        return [
            (repeat, fold)
            for repeat in range(self.plan.n_repeats)
            for fold in range(self.plan.n_folds)
        ]

    def _names(self, repeat: int) -> list[str]:
        """Return the names of a fold's pieces.

        First the inputs, then what builds on their settings.
        """
        plan, here = self.plan, {each.name: each for each in self.inputs}
        names = list(here)
        if WHOLE in here and plan.dropping and len(here[WHOLE].parts) > 1:
            names += [f"drop/{place}" for place in range(len(here[WHOLE].parts))]
        if repeat == 0:
            n_train = len(self.sample.labels) * (plan.n_folds - 1) // plan.n_folds
            names += [
                f"learning/{each}/{n}"
                for each in plan.curve_inputs
                if each in here
                for n in sizes(n_train, plan.curve_sizes)[:-1]
            ]
            names += [
                f"{TUNED}/{each}/{head}"
                for each in plan.head_inputs
                if each in here
                for head in HEADS
            ]
            names += [f"{TUNED}/{RAW}/{CNN}"] * (self.ceiling and RAW in here)
        return names

    def _fold(self, pair: tuple[int, int], pool: ThreadPoolExecutor) -> Iterator[tuple[str, Piece]]:
        repeat, number = pair
        names = self._names(repeat)
        found = {
            name: piece
            for name in names
            if self.pieces and (piece := self.pieces.find(self._file(name, pair)))
        }
        yield from found.items()
        missing = [name for name in names if name not in found]
        if not missing:
            return
        here = {each.name: each for each in self.inputs}
        inside = self.folds[repeat] == number
        fold = Fold(
            self.sample,
            np.flatnonzero(~inside),
            np.flatnonzero(inside),
            repeat=repeat,
            fold=number,
            draws=self.draws,
            networks=self.plan.networks,
            effort=self.plan.effort,
        )
        first = [name for name in missing if name in here]
        fold.learn([here[name] for name in first], pool.map)
        altered = (
            self._altered(inside, pool)
            if repeat == 0 and set(first) & set(self.plan.altered_inputs)
            else []
        )
        for name, piece in zip(
            first, pool.map(lambda name: self._main(fold, here[name], altered), first), strict=True
        ):
            found[name] = piece
            yield self._kept(name, pair, piece)
        later = [name for name in missing if name not in here]
        for split, asked in (
            (fold.inner, [name for name in later if name.startswith(f"{TUNED}/")]),
            (fold.outer, later),
        ):
            split.learn(
                [
                    part
                    for name in asked
                    if not name.endswith(CNN)
                    for part in self._asked(name, here).parts
                ],
                pool.map,
            )
        settings = {name: piece.committee for name, piece in found.items()}
        for name, piece in zip(
            later,
            pool.map(lambda name: self._later(fold, name, here, settings), later),
            strict=True,
        ):
            yield self._kept(name, pair, piece)

    def _altered(self, inside: NDArray[np.bool_], pool: ThreadPoolExecutor) -> list[Altered]:
        rows = self.alterable[inside[self.alterable]]
        if self.altering is None or not len(rows):
            return []
        altering = self.altering
        nothing = altering(rows, "shift", UNTOUCHED["shift"])
        starts = [
            replace(nothing, kind=kind, strength=UNTOUCHED[kind])
            for kind in dict.fromkeys(kind for kind, _ in self.alterations)
        ]
        found = pool.map(lambda how: altering(rows, *how), self.alterations)
        return [each for each in (*starts, *found) if len(each.rows)]

    def _main(self, fold: Fold, contender: Contender, altered: Sequence[Altered]) -> Piece:
        return fold.main(
            contender,
            matched=self.plan.matched,
            importance=self.plan.importance and contender.name == WHOLE,
            altered=altered if contender.name in self.plan.altered_inputs else (),
            elsewhere=self.elsewhere if contender.group != "control" else None,
        )

    def _asked(self, name: str, here: Mapping[str, Contender]) -> Contender:
        kind, what, *_ = name.split("/")
        return here[WHOLE if kind == "drop" else what]

    def _later(
        self,
        fold: Fold,
        name: str,
        here: Mapping[str, Contender],
        settings: Mapping[str, Sequence[Settings]],
    ) -> Piece:
        kind, what, *more = name.split("/")
        contender = self._asked(name, here)
        chosen = settings[contender.name]
        if kind == "drop":
            return fold.dropped(contender, int(what), chosen)
        if kind == "learning":
            return fold.learning(contender, int(more[0]), chosen)
        if more[0] == CNN:
            return fold.ceiling(contender, chosen)
        return fold.head(contender, more[0], chosen)

    def _kept(self, name: str, pair: tuple[int, int], piece: Piece) -> tuple[str, Piece]:
        if self.pieces:
            self.pieces.keep(self._file(name, pair), piece)
        return name, piece

    @staticmethod
    def _file(name: str, pair: tuple[int, int]) -> str:
        # another PyTorch has other numbers
        made_by = f"-{version()}" if name.endswith(f"/{CNN}") else ""
        return f"{pair[0]}-{pair[1]}-{name}{made_by}"

    def _outcome(self, done: Mapping[tuple[int, int], Mapping[str, Piece]]) -> Outcome:
        n, classes = len(self.sample.labels), self.sample.classes
        predictions: dict[str, Prediction] = {}
        seconds: dict[str, dict[str, float]] = {}
        for each in self.inputs:
            table = np.zeros((self.plan.n_repeats, n, len(classes)))
            for (repeat, fold), pieces in done.items():
                table[repeat, self.folds[repeat] == fold] = pieces[each.name].probabilities
            predictions[each.name] = Prediction(table)
            times = [pieces[each.name].seconds for pieces in done.values()]
            seconds[each.name] = {
                what: float(np.mean([time[what] for time in times])) for what in times[0]
            }
        rows = [
            row
            for pieces in done.values()
            for name in self._names(0)
            if name in pieces
            for row in pieces[name].rows
        ]
        rows += self._only(rows) + self._ends(rows)
        order = [each.name for each in self.inputs]
        rows.sort(
            key=lambda row: (
                _ORDER.index(row.stage),
                order.index(row.input),
                row.part,
                row.head,
                row.repeat,
                row.fold,
            )
        )
        importances = [
            each for pieces in done.values() for name in order for each in pieces[name].importances
        ]
        return Outcome(self.folds, rows, predictions, importances, seconds)

    def _only(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows of single extractors once more, as what is left of all features when the
        others go.
        """
        whole = next((each for each in self.inputs if each.name == WHOLE), None)
        alone = {each.parts: each.name for each in self.inputs if len(each.parts) == 1}
        if whole is None or not self.plan.dropping:
            return []
        names = {alone[(part,)]: part.column for part in whole.parts if (part,) in alone}
        return [
            _again(row, stage="only", input=WHOLE, part=names[row.input])
            for row in rows
            if row.stage == "main" and row.input in names
        ]

    def _ends(self, rows: Sequence[Row]) -> list[Row]:
        """Return the ends of the learning curves: all training galaxies, as in stage ``main``."""
        wanted = {row.input for row in rows if row.stage == "learning"}
        return [
            _again(row, stage="learning")
            for row in rows
            if row.stage == "main" and row.repeat == 0 and row.input in wanted
        ]


def _again(row: Row, **changes: str) -> Row:
    return Row(**(vars(row) | changes))
