"""The main job: labelled cutouts to a report of hand-crafted features against raw pixels."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError, __version__
from galfeat.data import Preparation, SimulatedSurvey, Source, open_source
from galfeat.features.registry import PIXELS
from galfeat.pipeline.comparison.checkpoints import Pieces, fingerprint_of
from galfeat.pipeline.comparison.classifiers.cnn import installed, version
from galfeat.pipeline.comparison.classifiers.hyperparameters import draw_settings
from galfeat.pipeline.comparison.costs import costs, layers, measuring_seconds
from galfeat.pipeline.comparison.dataset import Galaxies, gather, measured_blocks
from galfeat.pipeline.comparison.fold import Altered, Sample
from galfeat.pipeline.comparison.inputs import (
    FEATURE_SETTINGS,
    RANDOM,
    Contender,
    contenders,
    hand_parts,
    random_block,
)
from galfeat.pipeline.comparison.morphology_statistics import SHAPE
from galfeat.pipeline.comparison.perturbations import alter
from galfeat.pipeline.comparison.plan import (
    FULL,
    NOMINAL,
    QUICK,
    Plan,
    Speed,
    fitted_to,
    measured_speed,
    predicted_seconds,
    searched_heads_seconds,
)
from galfeat.pipeline.comparison.protocol import Outcome, Protocol
from galfeat.pipeline.comparison.results import Study
from galfeat.pipeline.comparison.select_galaxies import chosen, chosen_elsewhere, labels_of
from galfeat.pipeline.extraction.extract import FEATURES, Progress, failures_path, write_failures
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.models.train import labeled_rows
from galfeat.pipeline.reporting.folder import check_report_folder

__all__ = ["PLANS", "SIMULATED", "Compared", "compare"]

_FEWEST = 3  # galaxies a fold: of fewer, nothing is left for the search within the training part
SIMULATED = 1200  # galaxies of the embedded survey when there is no source
PLANS: Mapping[str, Plan] = {"quick": QUICK, "full": FULL}
"""The protocols by name."""


@dataclass(frozen=True)
class Compared:
    """What `compare` did.

    Parameters
    ----------
    report : Path
        The page to open.
    study : Study
        Everything it was made from.
    failed : int
        Cutouts that could not be measured.
    """

    report: Path
    study: Study
    failed: int


def compare(  # noqa: PLR0913 - each is an option of the command
    source: Source | str | Path | None = None,
    out: str | Path = "report",
    *,
    name: str | None = None,
    label: str = "label",
    plan: Literal["quick", "full"] | Plan = "quick",
    test_source: Source | str | Path | None = None,
    test_name: str | None = None,
    preparation: Preparation | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int = 0,
    workers: int | None = None,
    resume: bool = False,
    measuring: Progress | None = None,
    training: Callable[[int, int, str], None] | None = None,
    saying: Callable[[str], None] | None = None,
) -> Compared:
    """Compare hand-crafted features with raw pixels on labelled cutouts and write the report.

    Parameters
    ----------
    source : Source or path, optional
        By default the simulated survey.
    out : path
        The folder for ``report.html``, ``scores.csv``, ``summary.csv``, ``figures/`` and
        ``run.json``.
    name : str, optional
        What the report calls the source; by default the last part of its path.
    label : str
        The catalogue column with the classes. Galaxies without a label, and classes with fewer
        members than folds, are left out and counted in the report. A column ``group``, if there is
        one, names galaxies that must stay on one side of every split.
    plan : {"quick", "full"} or Plan
        "full": 5 folds, twice; 8 settings tried for every input. "quick": minutes instead of an
        hour, to see whether all is well.
    test_source : Source or path, optional
        Other cutouts with the same bands and classes: every classifier is tested on them too.
    test_name : str, optional
        What the report calls it.
    preparation : Preparation, optional
    settings : mapping, optional
        Settings of extractors that differ from those of the comparison; see `extract`.
    seed : int
        Seed of the simulated survey, the folds, the search, the code words and the networks.
    workers : int, optional
        Threads; no number depends on it.
    resume : bool
        Go on with a run into the same folder that was interrupted: what it finished is not done
        again.
    measuring, training : callable, optional
        Progress of the two stages; see `gather` and `Protocol.run`.
    saying : callable, optional
        Called with a sentence now and then: the predicted time, and what is left out because of it.

    Returns
    -------
    Compared

    Raises
    ------
    UsageError
        If the source has no such column, fewer than two classes are left, or the folder cannot be
        written.
    """
    job = _Job(
        out=Path(out),
        name=name or ("simulated survey" if source is None else _name(source)),
        label=label,
        plan=PLANS[plan] if isinstance(plan, str) else plan,
        seed=seed,
        workers=workers or os.cpu_count() or 1,
        resume=resume,
        saying=saying or (lambda _: None),
        elsewhere=test_name or ("" if test_source is None else _name(test_source)),
    )
    if job.plan.n_folds < 2:
        raise UsageError(f"a comparison needs at least 2 folds; {job.plan.n_folds} was asked for")
    check_report_folder(
        job.out, [each for each in (source, test_source) if isinstance(each, str | Path)]
    )
    return job.run(
        _opened(source, seed),
        None if test_source is None else _opened(test_source, seed),
        preparation,
        settings,
        measuring,
        training,
    )


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One call of `compare`."""

    out: Path
    name: str
    label: str
    plan: Plan
    seed: int
    workers: int
    resume: bool
    saying: Callable[[str], None]
    elsewhere: str

    def run(
        self,
        source: Source,
        other: Source | None,
        preparation: Preparation | None,
        settings: Mapping[str, Mapping[str, Any]] | None,
        measuring: Progress | None,
        training: Callable[[int, int, str], None] | None,
    ) -> Compared:
        recipe = Recipe.of(
            FEATURES, source.bands, preparation or Preparation(), _merged(settings or {})
        )
        if other is not None:
            labels_of(other, self.label, "the catalogue of the other source")
        here, left_out, notes = self._gathered(source, recipe, measuring)
        there, absent = None, []
        if other is not None:
            try:
                found = gather(other, recipe, self.label, workers=self.workers, progress=measuring)
            except UsageError as error:
                raise UsageError(f"the other source: {error}") from error
            there, more = chosen_elsewhere(
                found, here, sorted(set(here.labels.tolist())), self.label
            )
            left_out |= more
            missing = sorted(set(here.labels.tolist()) - set(there.labels.tolist()))
            if missing:
                absent.append(
                    f"The other source has no galaxy of {', '.join(missing)}: where one is taken "
                    "for that, macro-F1 there counts a 0, and "
                    "is lower than here without any fault of the input."
                )
        family, said = here.family()
        said += absent
        sample = Sample(
            _with_random(here.blocks, recipe, self.seed),
            here.labels,
            family,
            _shape(recipe),
            self.seed,
        )
        ceiling = self.plan.preset == "full" and installed()
        if self.plan.preset == "full" and not ceiling:
            notes.append("PyTorch is not installed: the small convolutional network was left out.")
        plan, inputs, predicted = self._planned(sample, recipe, ceiling)
        run = self._settings(recipe, plan)
        tested = () if there is None else (there.ids, there.labels, there.blocks[PIXELS.name])
        same = {key: value for key, value in run.items() if key != "source"}
        key = fingerprint_of(same, here.ids, here.labels, here.blocks[PIXELS.name], family, *tested)
        pieces = Pieces(self.out / "pieces", key, resume=self.resume)
        if self.resume and (strange := pieces.of_other_runs()):
            self.saying(
                f"{pieces.folder} has {strange} part(s) of another run (other galaxies, settings, "
                "seed or version): "
                "they are not taken, and replaced"
            )
        start = time.perf_counter()
        outcome = self._protocol(sample, inputs, plan, recipe, here, there, pieces, ceiling).run(
            self.workers, training
        )
        used = time.perf_counter() - start
        if pieces.taken:
            notes.append(
                f"The run was resumed with {pieces.taken} finished parts: the time used is that "
                "of the others."
            )
        study = self._study(here, recipe, inputs, outcome, sample, run)
        study = replace(
            study,
            left_out=left_out,
            notes=(*notes, *said),
            cut=plan.cut,
            predicted_seconds=predicted,
            used_seconds=used,
            run={**run, "torch": version() if ceiling else ""},
        )
        failures = [*here.failures, *(there.failures if there else ())]
        write_failures(failures_path(self.out / "report"), failures)
        report = _written(study, self.out)
        pieces.clear()
        return Compared(report, study, len(failures))

    def _gathered(
        self, source: Source, recipe: Recipe, progress: Progress | None
    ) -> tuple[Galaxies, dict[str, int], list[str]]:
        labels = labels_of(source, self.label)
        # complain about the labels before the work, not after it
        rows, _ = labeled_rows(labels, self.label, self.plan.n_folds)
        kept = np.random.default_rng(self.seed).permutation(rows)[: self.plan.altered]
        found = gather(
            source,
            recipe,
            self.label,
            keep_raw=set(kept.tolist()),
            workers=self.workers,
            progress=progress,
        )
        galaxies, left_out = chosen(found, self.label, self.plan.n_folds)
        least = _FEWEST * self.plan.n_folds
        if len(galaxies.labels) < least:
            raise UsageError(
                f"{self.plan.n_folds} folds need at least {least} galaxies to learn from; "
                f"{len(galaxies.labels)} can take part"
            )
        return galaxies, left_out, []

    def _planned(
        self, sample: Sample, recipe: Recipe, ceiling: bool
    ) -> tuple[Plan, tuple[Contender, ...], float]:
        everything = contenders((*recipe.extractors, SHAPE))
        widths = {
            name: 64 if isinstance(block, list) else block.shape[1]
            for name, block in sample.blocks.items()
        }

        def seconds(plan: Plan, speed: Speed, workers: int) -> float:
            return predicted_seconds(
                plan, everything, widths, len(sample.labels), speed=speed, workers=workers
            )

        plan = fitted_to(self.plan, lambda plan: seconds(plan, NOMINAL, 2))
        predicted = seconds(plan, measured_speed(widths[PIXELS.name]), self.workers)
        predicted += searched_heads_seconds(
            plan, everything, len(sample.labels), ceiling=ceiling, workers=self.workers
        )
        self.saying(
            f"training and tests will take about {_duration(predicted)} on {self.workers} thread(s)"
        )
        for sentence in plan.cut[len(self.plan.cut) :]:
            self.saying(sentence)
        return plan, plan.taking_part(everything), predicted

    def _protocol(
        self,
        sample: Sample,
        inputs: Sequence[Contender],
        plan: Plan,
        recipe: Recipe,
        here: Galaxies,
        there: Galaxies | None,
        pieces: Pieces,
        ceiling: bool,
    ) -> Protocol:
        ids = here.ids.tolist()

        def altered(rows: NDArray[np.intp], kind: str, strength: float) -> Altered:
            cutouts = [
                alter(here.raw[ids[row]], kind, strength, recipe.preparation.size) for row in rows
            ]
            kept, blocks, _ = measured_blocks(cutouts, recipe)
            places = {cutout.id: row for cutout, row in zip(cutouts, rows.tolist(), strict=True)}
            return Altered(
                kind,
                strength,
                np.array([places[cutout.id] for cutout in kept], dtype=np.intp),
                blocks,
            )

        return Protocol(
            sample,
            inputs,
            plan,
            pieces=pieces,
            altering=altered,
            alterations=plan.alterations(len(recipe.bands)),
            alterable=np.array(
                [row for row, name in enumerate(ids) if name in here.raw], dtype=np.intp
            ),
            elsewhere=None if there is None else (there.blocks, there.labels),
            ceiling=ceiling,
        )

    def _settings(self, recipe: Recipe, plan: Plan) -> dict[str, Any]:
        return {
            "galfeat": __version__,
            "source": self.name,
            "test_source": self.elsewhere,
            "label": self.label,
            "seed": self.seed,
            "preset": plan.preset,
            "n_folds": plan.n_folds,
            "n_repeats": plan.n_repeats,
            "draws": plan.draws,
            "plan": plan.as_dict(),
            "search": [each.as_dict() for each in draw_settings(plan.draws, self.seed)],
            "recipe": recipe.settings(),
            "fingerprint": recipe.fingerprint,
        }

    def _study(
        self,
        here: Galaxies,
        recipe: Recipe,
        inputs: Sequence[Contender],
        outcome: Outcome,
        sample: Sample,
        run: Mapping[str, Any],
    ) -> Study:
        networks = [
            row.n_parameters
            for row in outcome.rows
            if row.stage == "main" and row.input == "features"
        ]
        pixels = np.asarray(here.blocks[PIXELS.name]).reshape(-1, *sample.shape)
        return Study(
            source=self.name,
            label=self.label,
            bands=recipe.bands,
            ids=here.ids,
            labels=here.labels,
            classes=tuple(sample.classes),
            folds=outcome.folds,
            candidates=tuple(each.candidate for each in inputs),
            rows=tuple(outcome.rows),
            predictions=outcome.predictions,
            pixels=pixels,
            importances=tuple(outcome.importances),
            costs=costs(
                inputs, sample.blocks, outcome, measuring_seconds(list(here.raw.values()), recipe)
            ),
            layers=layers(len(recipe.bands), round(float(np.mean(networks)))) if networks else (),
            run=run,
            cross_source=self.elsewhere,
        )


def _opened(source: Source | str | Path | None, seed: int) -> Source:
    if source is None:
        return SimulatedSurvey(SIMULATED, seed=seed)
    return open_source(source) if isinstance(source, str | Path) else source


def _merged(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    names = [*FEATURE_SETTINGS, *(name for name in settings if name not in FEATURE_SETTINGS)]
    return {name: {**FEATURE_SETTINGS.get(name, {}), **settings.get(name, {})} for name in names}


def _name(source: Source | str | Path) -> str:
    return Path(source).name if isinstance(source, str | Path) else "cutouts"


def _shape(recipe: Recipe) -> tuple[int, int, int]:
    return (len(recipe.bands), recipe.preparation.size, recipe.preparation.size)


def _with_random(blocks: Mapping[str, Block], recipe: Recipe, seed: int) -> dict[str, Block]:
    parts = hand_parts((*recipe.extractors, SHAPE))
    random = {
        f"{RANDOM} {part.column}": random_block(blocks[part.column], seed + place)
        for place, part in enumerate(parts)
    }
    return {**blocks, **random}


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} minutes"


def _written(study: Study, out: Path) -> Path:
    # matplotlib is not waited for by those who only look at an error
    from galfeat.pipeline.reporting.writing import write_report

    return write_report(study, out)
