"""The convolutional network: learns what pixels show, sees no test galaxy, is the same each time,
and is not needed.
"""

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat.data import Preparation
from galfeat.pipeline import compare
from galfeat.pipeline.comparison.classifiers.cnn import (
    ConvNet,
    epochs_for,
    fit_cnn,
    torch_installed,
    torch_version,
)
from galfeat.pipeline.comparison.folds.fold import Fold
from galfeat.pipeline.comparison.folds.stages import fit_cnn_on_fold, run_cnn
from galfeat.pipeline.comparison.inputs import ComparisonInput, comparison_inputs
from galfeat.pipeline.comparison.loading.labeled_blocks import LabeledBlocks
from galfeat.pipeline.comparison.planning.plan import FULL, ComparisonPlan
from galfeat.pipeline.comparison.protocol import ProtocolResult, run_protocol
from galfeat.pipeline.models.hyperparameters import draw_settings
from galfeat.pipeline.models.inputs import InputBlock

needed = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None,
    reason="PyTorch is not installed; it is no dependency",
)
RAW = ComparisonInput("pixels", (InputBlock("pixels", "", None),), "pixels", "")
SIDE = 16


def sample(n: int = 120, seed: int = 0) -> LabeledBlocks:
    """Return noisy images with a bar or a ring at any place near the middle, lying or standing."""
    rng = np.random.default_rng(seed)
    labels = np.array(["bar", "ring"])[np.arange(n) % 2]
    y, x = np.mgrid[:SIDE, :SIDE]
    images = rng.normal(size=(n, 2, SIDE, SIDE))
    for place, label in enumerate(labels):
        cy, cx = rng.uniform(5, 10, 2)
        radius = np.hypot(y - cy, x - cx)
        bar = (np.abs(y - cy) < 1.5) & (np.abs(x - cx) < 6)
        shape = (
            (bar if rng.random() < 0.5 else bar.T) if label == "bar" else (np.abs(radius - 4) < 1)
        )
        images[place] += 2.0 * shape
    return LabeledBlocks(
        {"pixels": images.reshape(n, -1).astype(np.float32)},
        labels,
        np.arange(n),
        (2, SIDE, SIDE),
        seed,
    )


def fold_of(each: LabeledBlocks, test: NDArray[np.intp], effort: float = 0.2) -> Fold:
    train = np.setdiff1d(np.arange(len(each.labels)), test)
    return Fold(
        each, train, test, repeat=0, fold=0, draws=draw_settings(2, 0), networks=1, effort=effort
    )


def learned(net: ConvNet) -> list[object]:
    return [
        net.stopping,
        net.classes,
        *(each.tobytes() for each in (net.center, net.scale, *net.weights, *net.running)),
    ]


@needed
def test_shapes_are_classified_at_any_position() -> None:
    fold = fold_of(sample(), np.arange(40))
    (row,) = run_cnn(fold, RAW, []).rows
    assert (row.stage, row.head, row.input, row.n_train, row.n_test) == (
        "head",
        "cnn",
        "pixels",
        80,
        40,
    )
    assert row.scores["balanced_accuracy"] > 0.9
    # three convolutions of 2, 16, 32 bands to 16, 32, 64 channels; two numbers a channel; the last
    # layer
    assert row.n_parameters == 9 * (2 * 16 + 16 * 32 + 32 * 64) + 2 * (16 + 32 + 64) + 2 * (64 + 1)
    assert row.n_features == 2 * SIDE * SIDE
    assert 0.5 <= row.settings["stopped"] <= 1


@needed
def test_nothing_learned_depends_on_the_test_galaxies_and_twice_is_the_same() -> None:
    whole, test = sample(), np.arange(80, 120)
    pixels = np.array(whole.blocks["pixels"])
    pixels[test] = 1e3 - 7 * pixels[test]
    labels = whole.labels.copy()
    labels[test] = labels[test][::-1]
    other = replace(whole, blocks={"pixels": pixels}, labels=labels)
    one, again, two = (
        learned(fit_cnn_on_fold(fold_of(each, test, 0.05), RAW)) for each in (whole, whole, other)
    )
    assert one == again
    assert one == two
    assert one != learned(fit_cnn_on_fold(fold_of(replace(whole, seed=1), test, 0.05), RAW))


@needed
def test_galaxies_of_a_group_stay_on_one_side_of_the_inner_split(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []

    def caught(
        images: NDArray[np.float32],
        labels: NDArray[np.str_],
        inner: tuple[NDArray[np.intp], NDArray[np.intp]],
        **_: float,
    ) -> None:
        seen.append(inner)
        assert len(images) == len(labels) == 80

    monkeypatch.setattr("galfeat.pipeline.comparison.folds.stages.fit_cnn", caught)
    fit_cnn_on_fold(fold_of(replace(sample(), groups=np.arange(120) // 4), np.arange(40)), RAW)
    learn, judge = seen[0]
    assert not set((learn + 40) // 4) & set((judge + 40) // 4)
    assert len(learn) + len(judge) == 80


@needed
def test_probabilities_do_not_depend_on_rotation_or_batch() -> None:
    whole = sample()
    images = np.asarray(whole.blocks["pixels"]).reshape(-1, *whole.shape)
    net = fit_cnn(
        images[:80], whole.labels[:80], (np.arange(60), np.arange(60, 80)), seed=0, effort=0.05
    )
    said = net.probabilities(images[80:])
    np.testing.assert_array_equal(net.probabilities(images[81:82]), said[1:2])
    np.testing.assert_allclose(said.sum(axis=1), 1.0)
    turned = np.ascontiguousarray(np.rot90(images[80:], axes=(2, 3))[:, :, ::-1])
    np.testing.assert_allclose(net.probabilities(turned), said, atol=1e-5)


@needed
def test_pytorch_is_left_as_it_was() -> None:
    import torch

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(3)
    try:
        fit_cnn_on_fold(fold_of(sample(40), np.arange(10), 0.02), RAW)
        assert torch.get_num_threads() == 3
        assert not torch.are_deterministic_algorithms_enabled()
        assert torch.equal(torch.get_rng_state(), state)
    finally:
        torch.set_num_threads(threads)


@needed
def test_the_protocol_has_a_row_a_fold_of_the_first_repeat() -> None:
    plan = ComparisonPlan(
        n_folds=2,
        n_repeats=2,
        draws=1,
        networks=1,
        effort=0.05,
        curve_inputs=(),
        head_inputs=(),
        matched=False,
    )

    def run(cnn: bool, workers: int) -> ProtocolResult:
        return run_protocol(sample(60), (RAW,), plan, cnn=cnn, workers=workers)

    rows, without = run(True, 2).rows, run(False, 1).rows
    heads = [row for row in rows if row.stage == "head"]
    assert [(row.head, row.input, row.repeat, row.fold) for row in heads] == [
        ("cnn", "pixels", 0, 0),
        ("cnn", "pixels", 0, 1),
    ]
    assert [vars(row) for row in rows if row.stage != "head"] == [vars(row) for row in without]


@pytest.mark.slow
@pytest.mark.usefixtures("without_figures")
def test_without_pytorch_the_full_protocol_says_so_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, survey: Path, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert not torch_installed()
    assert torch_version() == ""
    others = {
        each.name for each in comparison_inputs(("color", "texture", "hog", "sift", "shape"))
    } - {
        "pixels",
        "color",
    }
    plan = replace(
        FULL,
        n_folds=2,
        n_repeats=1,
        draws=1,
        networks=1,
        effort=0.02,
        skipped=tuple(others),
        curve_inputs=(),
        head_inputs=("color",),
    )
    results = compare(
        survey,
        tmp_path,
        plan=replace(plan, altered=0, matched=False, dropping=False, importance=False),
        preparation=Preparation(size=32),
    ).results
    assert (
        "PyTorch is not installed: the small convolutional network was left out." in results.notes
    )
    assert {row.head for row in results.select("head")} == {"logistic", "forest"}
    assert results.run["torch"] == ""
    assert "PyTorch is not installed" in (tmp_path / "report.html").read_text()


@pytest.mark.slow
def test_nothing_else_imports_pytorch() -> None:
    code = (
        "import sys, galfeat.pipeline.head_to_head, galfeat.pipeline.comparison.classifiers.cnn; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@needed
@pytest.mark.parametrize(
    ("scores", "stopped"),
    [
        ((0.2, 0.9, 0.5, 0.6, 0.7), 0.625),
        ((0.2, 0.9, 0.5, 0.885, 0.7), 0.875),
        ((0.5, 0.5, 0.5, 0.5, 0.5), 1.0),
    ],
)
def test_it_stops_at_the_last_score_that_is_not_clearly_below_the_best(
    scores: tuple[float, ...], stopped: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = iter(scores)
    monkeypatch.setattr(
        "galfeat.pipeline.comparison.classifiers.cnn.evaluate",
        lambda *_: ({"macro_f1": next(given)}, {}),
    )
    stopping = fit_cnn_on_fold(fold_of(sample(40), np.arange(10), 0.05), RAW).stopping
    assert (stopping.stopped, stopping.scores) == (stopped, scores)


def test_epochs_by_pencil() -> None:
    assert [epochs_for(n) for n in (10, 1500, 3000, 10**6)] == [150, 32, 20, 20]
