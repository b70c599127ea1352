"""Small convolutional network on the prepared pixels, with PyTorch where that is installed."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.pipeline.evaluation.metrics import evaluate, expand_to_classes
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.models.ensemble import calibrated, class_weights, fitted_temperature
from galfeat.pipeline.models.padding import padded

__all__ = [
    "CNN",
    "EPOCHS",
    "ConvNet",
    "StoppingChoice",
    "epochs_for",
    "fit_cnn",
    "torch_installed",
    "torch_version",
]

CNN = "cnn"
"""Name of this classifier in the column ``head`` of ``scores.csv``."""
SIDE = 32
"""Approximate pixels a side: larger cutouts are averaged over whole blocks of pixels first."""
CHANNELS = (16, 32, 64)
EPOCHS = (0.5, 0.625, 0.75, 0.875, 1.0)
"""Candidates for early stopping, as fractions of the epochs of the learning rate schedule.

The inner split chooses one.
"""

# the batch size is a sixteenth of the galaxies, within these bounds
_BATCH_SIZES, _LEARNING_RATE, _WEIGHT_DECAY, _DROPOUT = (16, 64), 6e-3, 0.02, 0.2
# images shown in a training, within these bounds on the epochs
_IMAGES_SHOWN, _MIN_EPOCHS, _MAX_EPOCHS = 48_000, 20, 150
_MAX_SHIFT = 2  # pixels of the averaged grid
_SCORE_TOLERANCE = 0.02  # of macro-F1 on the inner split: smaller differences are noise
_MOMENTUM, _EPSILON = 0.1, 1e-5  # of batch normalization
_TORCH_LOCK = threading.RLock()  # threads and deterministic mode are global settings of PyTorch

Weights = list[Any]


def torch_installed() -> bool:
    """Return whether PyTorch can be imported."""
    try:
        import torch  # noqa: F401
    except (ImportError, OSError):  # OSError: a shared library of PyTorch is missing
        return False
    return True


def torch_version() -> str:
    """Return the version of PyTorch, empty if it is not installed."""
    if not torch_installed():
        return ""
    import torch

    return str(torch.__version__)


@dataclass(frozen=True)
class StoppingChoice:
    """Early stopping and temperature, chosen on the inner split.

    Parameters
    ----------
    stopped : float
        The last of `EPOCHS` whose score is within 0.02 of the best.
    temperature : float
        Calibration: divides the logarithms of the probabilities.
    scores : tuple of float
        Macro-F1 on the inner split after each of `EPOCHS`.
    """

    stopped: float
    temperature: float
    scores: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class ConvNet:
    """Trained convolutional network.

    Three blocks of 3 x 3 convolution, batch normalization, ReLU and 2 x 2 max pooling; then global
    average pooling and one fully connected layer.

    Parameters
    ----------
    classes : list of str
    center, scale : array, shape (bands,)
        Of the training pixels.
    weights : list of array
        Of each block the convolution, then scale and shift of the normalization; at the end those
        of the last layer.
    running : list of array
        Running mean and variance of each block's channels.
    stopping : StoppingChoice
    n_inputs : int
        Pixels times bands of a cutout.
    """

    classes: list[str]
    center: NDArray[np.float32]
    scale: NDArray[np.float32]
    weights: list[NDArray[np.float32]]
    running: list[NDArray[np.float32]]
    stopping: StoppingChoice
    n_inputs: int

    @property
    def n_parameters(self) -> int:
        """Number of trained weights."""
        return sum(each.size for each in self.weights)

    def probabilities(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the calibrated probability of each class, shape (n, classes).

        Test-time augmentation: the mean over the eight rotations and reflections of each image.

        Parameters
        ----------
        images : array, shape (n, bands, ny, nx)
            Prepared cutouts.
        """
        with _deterministic_torch() as torch:
            weights, running = (
                [torch.from_numpy(each) for each in arrays]
                for arrays in (self.weights, self.running)
            )
            return calibrated(
                _mean_over_views(weights, running, _standardized(images, self.center, self.scale)),
                self.stopping.temperature,
            )


def epochs_for(n: int) -> int:
    """Return the number of epochs of the learning rate schedule for n training galaxies.

    Examples
    --------
    >>> epochs_for(1500), epochs_for(100), epochs_for(100_000)
    (32, 150, 20)
    """
    return int(np.clip(_IMAGES_SHOWN // n, _MIN_EPOCHS, _MAX_EPOCHS))


def fit_cnn(
    images: NDArray[np.float32],
    labels: NDArray[np.str_],
    inner: tuple[NDArray[np.intp], NDArray[np.intp]],
    *,
    seed: int,
    effort: float = 1.0,
) -> ConvNet:
    """Train the network with random right-angle rotations, reflections and shifts.

    Parameters
    ----------
    images : array, shape (n, bands, ny, nx)
        Prepared cutouts of the training side.
    labels : array of str, shape (n,)
    inner : pair of array of int
        Training and validation rows. A first training on them finds the number of epochs and the
        temperature; the final training uses all rows.
    seed : int
    effort : float
        Factor of the epochs.

    Notes
    -----
    AdamW (Loshchilov & Hutter 2019, https://arxiv.org/abs/1711.05101) with a cosine learning rate
    schedule, batch normalization (Ioffe & Szegedy 2015, https://arxiv.org/abs/1502.03167), dropout
    before the last layer. One thread, float32, deterministic algorithms.
    """
    train, validation = inner
    training = _Training(seed, effort)
    center, scale = _center_and_scale(images[train])
    seen, unseen = (
        _standardized(images[train], center, scale),
        _standardized(images[validation], center, scale),
    )
    known = sorted(set(labels[train].tolist()))
    with _deterministic_torch():
        tables = [
            _mean_over_views(*state, unseen) for state in training.states(seen, labels[train])
        ]
        classes = sorted(set(labels.tolist()))
        scores = [
            evaluate(labels[validation], expand_to_classes(each, known, classes), classes)[0][
                "macro_f1"
            ]
            for each in tables
        ]
        best = _last_close_to_best(scores)
        stopping = StoppingChoice(
            EPOCHS[best], fitted_temperature(tables[best], labels[validation], known), tuple(scores)
        )
        center, scale = _center_and_scale(images)
        *_, (weights, running) = training.states(
            _standardized(images, center, scale), labels, EPOCHS[best : best + 1]
        )
    return ConvNet(
        classes, center, scale, _to_numpy(weights), _to_numpy(running), stopping, images[0].size
    )


@dataclass(frozen=True)
class _Training:
    """Settings of a training."""

    seed: int
    effort: float

    def states(
        self, grids: NDArray[np.float32], labels: NDArray[np.str_], stops: Sequence[float] = EPOCHS
    ) -> Iterator[tuple[Weights, Weights]]:
        """Train and yield weights and running statistics after these fractions of the epochs."""
        import torch

        classes, target = np.unique(labels, return_inverse=True)
        counting = class_weights(labels, 1.0)
        importance = torch.tensor([counting[str(name)] for name in classes], dtype=torch.float32)
        random, noise = np.random.default_rng(self.seed), torch.Generator().manual_seed(self.seed)
        weights, running = _initial_weights(grids.shape[3], len(classes), noise)
        optimizer = torch.optim.AdamW(weights, lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
        epochs = max(1, round(self.effort * epochs_for(len(grids))))
        ends = [max(1, round(stop * epochs)) for stop in stops]
        batches = max(1, len(grids) // int(np.clip(len(grids) // 16, *_BATCH_SIZES)))
        padded_grids = np.pad(
            grids, ((0, 0), (_MAX_SHIFT, _MAX_SHIFT), (_MAX_SHIFT, _MAX_SHIFT), (0, 0)), mode="edge"
        )
        for epoch in range(max(ends)):
            for place, rows in enumerate(np.array_split(random.permutation(len(grids)), batches)):
                optimizer.param_groups[0]["lr"] = (
                    _LEARNING_RATE * (1 + np.cos(np.pi * (epoch + place / batches) / epochs)) / 2
                )
                logits = _forward(
                    weights, running, _as_images(_augmented(padded_grids, rows, random)), noise
                )
                loss = torch.nn.functional.cross_entropy(
                    logits, torch.from_numpy(target[rows]), weight=importance
                )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            for _ in range(ends.count(epoch + 1)):
                yield weights, running


def _last_close_to_best(scores: Sequence[float]) -> int:
    """Return the index of the last score that is not clearly below the best.

    A longer training ends with smaller learning rates, so its result is less noisy.
    """
    return int(np.flatnonzero(np.array(scores) >= max(scores) - _SCORE_TOLERANCE)[-1])


def _initial_weights(bands: int, classes: int, noise: Any) -> tuple[Weights, Weights]:
    """Return initial weights (He et al. 2015, https://arxiv.org/abs/1502.01852) and statistics."""
    import torch

    weights, running = [], []
    for before, after in pairwise((bands, *CHANNELS)):
        kernel = torch.randn((after, before, 3, 3), generator=noise) * (2 / (9 * before)) ** 0.5
        weights += [
            kernel.contiguous(memory_format=torch.channels_last),
            torch.ones(after),
            torch.zeros(after),
        ]
        running += [torch.zeros(after), torch.ones(after)]
    weights += [torch.zeros((classes, CHANNELS[-1])), torch.zeros(classes)]
    return [each.requires_grad_() for each in weights], running


def _forward(weights: Weights, running: Weights, x: Any, noise: Any = None) -> Any:
    """Return the logits, shape (n, classes).

    With a random generator `noise` it is the training mode: dropout and batch statistics.
    """
    import torch
    from torch.nn import functional

    for block in range(len(CHANNELS)):
        kernel, scale, shift = weights[3 * block : 3 * block + 3]
        mean, variance = running[2 * block : 2 * block + 2]
        x = functional.conv2d(x, kernel, padding=1)
        x = functional.batch_norm(
            x, mean, variance, scale, shift, noise is not None, _MOMENTUM, _EPSILON
        )
        x = functional.max_pool2d(functional.relu(x), 2)
    x = x.mean(dim=(2, 3))
    if noise is not None:
        x = x * (torch.rand(x.shape, generator=noise) >= _DROPOUT) / (1 - _DROPOUT)
    return functional.linear(x, weights[-2], weights[-1])


def _mean_over_views(
    weights: Weights, running: Weights, grids: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the mean probabilities over the eight rotations and reflections of each grid."""
    import torch

    def probabilities(blocks: Mapping[str, Block]) -> NDArray[np.float64]:
        grid = np.asarray(blocks["grid"])
        views = [
            np.rot90(each, turns, axes=(1, 2))
            for each in (grid, grid[:, :, ::-1])
            for turns in range(4)
        ]
        with torch.no_grad():
            tables = [
                torch.softmax(_forward(weights, running, _as_images(each)).double(), dim=1).numpy()
                for each in views
            ]
        return np.asarray(np.mean(tables, axis=0), dtype=np.float64)

    return padded({"grid": grids}, probabilities)


def _augmented(
    padded_grids: NDArray[np.float32], rows: NDArray[np.intp], random: np.random.Generator
) -> NDArray[np.float32]:
    """Return randomly rotated, mirrored and shifted grids: by right angles and up to two pixels.

    `padded_grids` are the grids with their edge pixels repeated outwards.
    """
    n, side = len(rows), padded_grids.shape[1] - 2 * _MAX_SHIFT
    up, across = (random.integers(0, 2 * _MAX_SHIFT + 1, n)[:, None] for _ in range(2))
    line = np.arange(side)
    forward = random.integers(0, 2, (2, n, 1)).astype(bool)
    i = (np.where(forward[0], line, line[::-1]) + up)[:, :, None]
    j = (np.where(forward[1], line, line[::-1]) + across)[:, None, :]
    moved = padded_grids[rows[:, None, None], i, j]
    turned = random.integers(0, 2, n).astype(bool)
    moved[turned] = moved[turned].swapaxes(1, 2)
    return moved


def _as_images(grids: NDArray[np.float32]) -> Any:
    """Return grids (n, ny, nx, bands) as a channels-last tensor (n, bands, ny, nx)."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(grids)).permute(0, 3, 1, 2)


def _center_and_scale(
    images: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and standard deviation of each band, after the block average."""
    grids = _block_means(images).astype(np.float64)
    deviation = grids.std(axis=(0, 1, 2))
    return grids.mean(axis=(0, 1, 2)).astype(np.float32), np.where(
        deviation > 0, deviation, 1.0
    ).astype(np.float32)


def _standardized(
    images: NDArray[np.float32], center: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    return np.ascontiguousarray((_block_means(images) - center) / scale, dtype=np.float32)


def _block_means(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return images averaged over blocks to about `SIDE` pixels, shape (n, ny, nx, bands)."""
    n, bands, ny, nx = images.shape
    block = max(1, round(min(ny, nx) / SIDE))
    rows, columns = ny // block, nx // block
    kept = images[:, :, : rows * block, : columns * block].reshape(
        n, bands, rows, block, columns, block
    )
    return np.ascontiguousarray(kept.mean(axis=(3, 5), dtype=np.float32).transpose(0, 2, 3, 1))


def _to_numpy(tensors: Weights) -> list[NDArray[np.float32]]:
    return [np.array(each.detach().numpy(), order="C") for each in tensors]


@contextmanager
def _deterministic_torch() -> Iterator[Any]:
    """Restrict PyTorch to one thread and deterministic algorithms, and restore it afterwards."""
    import torch

    with _TORCH_LOCK:
        threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
        lenient = torch.is_deterministic_algorithms_warn_only_enabled()
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        try:
            yield torch
        finally:
            torch.use_deterministic_algorithms(strict, warn_only=lenient)
            torch.set_num_threads(threads)
