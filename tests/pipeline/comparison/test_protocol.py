"""The protocol on known numbers: chance on noise, no leaks, reproducible, resumable."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat.pipeline.comparison.checkpoints import CheckpointFolder
from galfeat.pipeline.comparison.folds.fold import Fold
from galfeat.pipeline.comparison.inputs import ComparisonInput
from galfeat.pipeline.comparison.loading.labeled_blocks import LabeledBlocks
from galfeat.pipeline.comparison.planning.plan import ComparisonPlan
from galfeat.pipeline.comparison.protocol import ProtocolResult, run_protocol
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.models.hyperparameters import draw_settings
from galfeat.pipeline.models.inputs import InputBlock

SHAPE = (1, 8, 8)
SMALL = ComparisonPlan(
    n_folds=2,
    n_repeats=1,
    draws=3,
    networks=2,
    effort=0.25,
    curve_sizes=2,
    curve_inputs=("features",),
    head_inputs=("features",),
)
INPUTS = (
    ComparisonInput("pixels", (InputBlock("pixels", "", None),), "pixels", ""),
    ComparisonInput(
        "pixels_augmented", (InputBlock("pixels", "", None),), "pixels", "", augmented=True
    ),
    ComparisonInput("color", (InputBlock("color"),), "features", ""),
    ComparisonInput("sift", (InputBlock("sift", "fisher"),), "features", ""),
    ComparisonInput(
        "features", (InputBlock("color"), InputBlock("sift", "fisher")), "features", ""
    ),
    ComparisonInput("shuffled", (InputBlock("color"),), "control", "", shuffled=True),
)


def sample(n: int = 150, seed: int = 0, signal: float = 0.0) -> LabeledBlocks:
    rng = np.random.default_rng(seed)
    labels = np.array(["a", "b", "c"])[np.arange(n) % 3]
    answer = signal * (labels[:, None] == np.array(["a", "b", "c"]))
    blocks: dict[str, Block] = {
        "pixels": rng.normal(size=(n, 64)).astype(np.float32),
        "color": np.hstack([answer, rng.normal(size=(n, 20))]).astype(np.float32),
        "sift": [
            rng.integers(0, 255, (rng.integers(1, 6), 128)).astype(np.uint8) for _ in range(n)
        ],
    }
    return LabeledBlocks(blocks, labels, np.arange(n), SHAPE, seed)


def mean(
    outcome: ProtocolResult, name: str, stage: str = "main", metric: str = "balanced_accuracy"
) -> float:
    return float(
        np.mean(
            [row.scores[metric] for row in outcome.rows if row.input == name and row.stage == stage]
        )
    )


def numbers(outcome: ProtocolResult) -> list[Any]:
    return [[vars(row) for row in outcome.rows], {name: each.probabilities.tolist() for name,
    each in outcome.predictions.items()},
            [vars(each) for each in outcome.importances]]  # fmt: skip


@pytest.fixture(scope="module")
def outcome() -> ProtocolResult:
    return run_protocol(sample(signal=4.0), INPUTS, SMALL, workers=1)


@pytest.mark.slow
def test_a_planted_signal_is_found_and_noise_is_not(outcome: ProtocolResult) -> None:
    assert mean(outcome, "color") > 0.9
    assert mean(outcome, "features") > 0.8
    for name in ("pixels", "pixels_augmented", "sift", "shuffled"):
        assert abs(mean(outcome, name) - 1 / 3) < 0.15, name


def test_every_stage_has_score_rows(outcome: ProtocolResult) -> None:
    stages = {
        stage: [row for row in outcome.rows if row.stage == stage]
        for stage in ("main", "matched", "drop", "only", "learning", "head")
    }
    assert {stage: len(rows) for stage, rows in stages.items()} == {
        "main": 12, "matched": 12, "drop": 4, "only": 4, "learning": 4, "head": 4,
    }  # fmt: skip
    assert {row.n_train for row in stages["learning"]} == {50, 75}
    assert mean(outcome, "features", "drop") < mean(outcome, "features")
    without = {row.part: row.scores["macro_f1"] for row in stages["drop"]}
    assert without["color"] < 0.6 < without["sift"]
    loss = {
        part: np.mean([each.loss for each in outcome.importances if each.part == part])
        for part in ("color", "sift")
    }
    assert loss["color"] > 0.3 > abs(loss["sift"])


def test_matched_networks_have_nearly_as_many_parameters(outcome: ProtocolResult) -> None:
    sizes = [row.n_parameters for row in outcome.rows if row.stage == "matched"]
    assert min(sizes) > 0.9 * max(sizes)


@pytest.mark.slow
def test_the_number_of_threads_changes_nothing(outcome: ProtocolResult) -> None:
    again = run_protocol(sample(signal=4.0), INPUTS, SMALL, workers=3)
    assert numbers(again) == numbers(outcome)


def run_with_checkpoints(
    folder: Path, progress: Callable[[int, int, str], None] | None = None
) -> ProtocolResult:
    checkpoints = CheckpointFolder(folder, "key", resume=True)
    return run_protocol(
        sample(signal=4.0), INPUTS, SMALL, checkpoints=checkpoints, workers=2, progress=progress
    )


@pytest.mark.slow
def test_an_interrupted_run_goes_on_with_the_same_numbers(
    outcome: ProtocolResult, tmp_path: Path
) -> None:
    def stop(done: int, total: int, name: str) -> None:
        if done == 12:
            raise KeyboardInterrupt(total, name)

    with pytest.raises(KeyboardInterrupt):
        run_with_checkpoints(tmp_path, stop)
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(kept) >= 12
    next(tmp_path.iterdir()).write_text('{"cut off')
    again = run_with_checkpoints(tmp_path)
    assert numbers(again) == numbers(outcome)
    untouched = [
        path for path in tmp_path.iterdir() if path.stat().st_mtime_ns == kept.get(path.name)
    ]
    assert len(untouched) >= len(kept) - 1
    assert CheckpointFolder(tmp_path, "key", resume=True).find("0-0-color") is not None
    assert CheckpointFolder(tmp_path, "another key", resume=True).find("0-0-color") is None
    assert CheckpointFolder(tmp_path, "key", resume=False).find("0-0-color") is None


@pytest.mark.slow
def test_other_classifiers_can_follow_when_all_inputs_are_done(
    outcome: ProtocolResult, tmp_path: Path
) -> None:
    run_with_checkpoints(tmp_path)
    followers = [path for path in tmp_path.iterdir() if "classifier" in path.name]
    assert len(followers) == 4
    for path in followers:
        path.unlink()
    assert numbers(run_with_checkpoints(tmp_path)) == numbers(outcome)


def replaced(blocks: dict[str, Block], test: NDArray[np.intp]) -> dict[str, Block]:
    """Return the blocks with everything of the test galaxies replaced."""
    other: dict[str, Block] = {}
    for name, block in blocks.items():
        if isinstance(block, list):
            other[name] = [
                255 - each[:1] if row in test else each for row, each in enumerate(block)
            ]
        else:
            mixed = block.copy()
            mixed[test] = 1e3 - 7 * block[test]
            other[name] = mixed
    return other


@pytest.mark.slow
def test_nothing_that_is_learned_depends_on_the_test_galaxies() -> None:
    whole = sample(signal=1.0)
    train, test = np.arange(80), np.arange(80, 120)
    labels = whole.labels.copy()
    labels[test] = labels[test][::-1]
    other = LabeledBlocks(
        replaced(dict(whole.blocks), test), labels, whole.groups, SHAPE, whole.seed
    )
    states = []
    for each in (whole, other):
        fold = Fold(
            each, train, test, repeat=0, fold=0, draws=draw_settings(3, 0), networks=2, effort=0.1
        )
        fold.learn(INPUTS)
        state: list[object] = []
        for contender in INPUTS:
            found = fold.search(contender)
            fitted = fold.fit(contender, found.settings, found.temperature)
            state += [
                found.settings,
                found.temperature,
                found.scores,
                [flat(encoder.get_state()) for encoder in fitted.encoders],
            ]
            state += [
                [each.columns, each.scales, flat(each.network.get_state())]
                for each in fitted.members
            ]
        states.append(state)
    assert states[0] == states[1]


def flat(value: object) -> list[bytes]:
    if isinstance(value, dict):
        return [piece for key in sorted(value) for piece in flat(value[key])]
    if isinstance(value, list | tuple):
        return [piece for item in value for piece in flat(item)]
    return [value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()]


@pytest.mark.slow
def test_a_leaking_selector_scores_above_chance_and_ours_does_not() -> None:
    rng = np.random.default_rng(4)
    labels = np.array(["a", "b", "c"])[np.arange(90) % 3]
    noise = rng.normal(size=(90, 4000)).astype(np.float32)
    means = np.stack([noise[labels == name].mean(axis=0) for name in "abc"])
    # the forbidden step: chosen with the labels of all galaxies
    planted = noise[:, np.argsort(-np.ptp(means, axis=0))[:40]]
    inputs = (
        ComparisonInput("pixels", (InputBlock("pixels"),), "pixels", ""),
        ComparisonInput("planted", (InputBlock("planted"),), "features", ""),
    )
    blocks: dict[str, Block] = {"pixels": noise, "planted": planted}
    plan = ComparisonPlan(n_folds=5, n_repeats=1, draws=2, networks=1, matched=False, effort=0.3)
    found = run_protocol(
        LabeledBlocks(blocks, labels, np.arange(90), (1, 40, 100), 0), inputs, plan
    )
    assert mean(found, "planted", metric="accuracy") > 2 / 3
    assert abs(mean(found, "pixels", metric="accuracy") - 1 / 3) < 0.12
