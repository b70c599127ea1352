"""A small convolutional network on the prepared pixels, by PyTorch where that is installed.

The ceiling that features are held against.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.pipeline.comparison.metrics import judged, spread
from galfeat.pipeline.comparison.split import calibrated, class_weights, temperature_of
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.models.model import padded

__all__ = ["CNN", "EPOCHS", "ConvNet", "Trial", "epochs_for", "fit_cnn", "installed", "version"]

CNN = "cnn"
"""Name of the head."""
SIDE = 32
"""Pixels a side, about: larger cutouts are averaged over whole blocks of pixels first."""
CHANNELS = (16, 32, 64)
EPOCHS = (0.5, 0.625, 0.75, 0.875, 1.0)
"""Where the training is stopped, as shares of the epochs that its schedule is made for.

The inner split chooses one.
"""

# a batch has a sixteenth of the galaxies, within these bounds
_BATCHES, _RATE, _DECAY, _DROPOUT = (16, 64), 6e-3, 0.02, 0.2
# galaxies shown in a training, where that makes so many epochs
_PASSES, _FEWEST, _MOST = 48_000, 20, 150
_SHIFT = 2  # pixels of the averaged grid, at most
_CLEAR = 0.02  # of macro-F1 on the inner split: less is chance
_MOMENTUM, _TINY = 0.1, 1e-5  # of the running means of a layer
_ONE_AT_A_TIME = threading.RLock()  # PyTorch has one number of threads and one mode for all

Weights = list[Any]


def installed() -> bool:
    """Return whether PyTorch can be imported."""
    try:
        import torch  # noqa: F401
    except (ImportError, OSError):  # the second: a library that it is made of is missing
        return False
    return True


def version() -> str:
    """Return the version of PyTorch, empty where it is not installed."""
    if not installed():
        return ""
    import torch

    return str(torch.__version__)


@dataclass(frozen=True)
class Trial:
    """What the inner split said.

    Parameters
    ----------
    stopped : float
        The last of `EPOCHS` whose score is not clearly (by 0.02) below the best.
    temperature : float
        The logarithms of the probabilities are divided by it.
    scores : tuple of float
        Macro-F1 on the inner split after each of `EPOCHS`.
    """

    stopped: float
    temperature: float
    scores: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class ConvNet:
    """A trained network: three times convolution (3 x 3), normalisation, ReLU and the largest of 2
    x 2; then the mean and one layer.

    Parameters
    ----------
    classes : list of str
    center, scale : array, shape (bands,)
        Of the training pixels.
    weights : list of array
        Of each block the convolution, scale and shift of the normalisation; then those of the last
        layer.
    running : list of array
        Mean and variance of each block's channels over the training.
    trial : Trial
    n_inputs : int
        Numbers of a cutout.
    """

    classes: list[str]
    center: NDArray[np.float32]
    scale: NDArray[np.float32]
    weights: list[NDArray[np.float32]]
    running: list[NDArray[np.float32]]
    trial: Trial
    n_inputs: int

    @property
    def n_parameters(self) -> int:
        """Weights that were trained."""
        return sum(each.size for each in self.weights)

    def probabilities(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of each class.

        The mean over the image turned and mirrored, made as sure as it may be.

        Parameters
        ----------
        images : array, shape (n, bands, ny, nx)
            Prepared cutouts.
        """
        with _alone() as torch:
            weights, running = (
                [torch.from_numpy(each) for each in arrays]
                for arrays in (self.weights, self.running)
            )
            return calibrated(
                _seen_from_all_sides(weights, running, _standard(images, self.center, self.scale)),
                self.trial.temperature,
            )


def epochs_for(n: int) -> int:
    """Return the epochs that the schedule of a training on n galaxies is made for.

    Examples
    --------
    >>> epochs_for(1500), epochs_for(100), epochs_for(100_000)
    (32, 150, 20)
    """
    return int(np.clip(_PASSES // n, _FEWEST, _MOST))


def fit_cnn(
    images: NDArray[np.float32],
    labels: NDArray[np.str_],
    inner: tuple[NDArray[np.intp], NDArray[np.intp]],
    *,
    seed: int,
    effort: float = 1.0,
) -> ConvNet:
    """Train the network on copies that are turned by right angles, mirrored and shifted anew each
    time they are shown.

    Parameters
    ----------
    images : array, shape (n, bands, ny, nx)
        Prepared cutouts of the training side.
    labels : array of str, shape (n,)
    inner : pair of array of int
        Rows to learn from and to judge on: a trial on them finds the number of epochs and the
        temperature; then all rows are learned from.
    seed : int
    effort : float
        Multiplies the epochs.

    Notes
    -----
    AdamW (Loshchilov & Hutter 2019, https://arxiv.org/abs/1711.05101) with a rate that falls as a
    cosine, batch normalisation (Ioffe & Szegedy 2015, https://arxiv.org/abs/1502.03167), dropout
    before the last layer. One thread, float32, deterministic algorithms.
    """
    learn, judge = inner
    training = _Training(seed, effort)
    center, scale = _scales(images[learn])
    seen, unseen = _standard(images[learn], center, scale), _standard(images[judge], center, scale)
    known = sorted(set(labels[learn].tolist()))
    with _alone():
        said = [
            _seen_from_all_sides(*state, unseen) for state in training.states(seen, labels[learn])
        ]
        classes = sorted(set(labels.tolist()))
        scores = [
            judged(labels[judge], spread(each, known, classes), classes)[0]["macro_f1"]
            for each in said
        ]
        best = _last_good(scores)
        trial = Trial(EPOCHS[best], temperature_of(said[best], labels[judge], known), tuple(scores))
        center, scale = _scales(images)
        *_, (weights, running) = training.states(
            _standard(images, center, scale), labels, EPOCHS[best : best + 1]
        )
    return ConvNet(classes, center, scale, _plain(weights), _plain(running), trial, images[0].size)


@dataclass(frozen=True)
class _Training:
    """How a network is trained."""

    seed: int
    effort: float

    def states(
        self, grids: NDArray[np.float32], labels: NDArray[np.str_], stops: Sequence[float] = EPOCHS
    ) -> Iterator[tuple[Weights, Weights]]:
        """Train and yield weights and running means after these shares of the epochs."""
        import torch

        classes, target = np.unique(labels, return_inverse=True)
        counting = class_weights(labels, 1.0)
        importance = torch.tensor([counting[str(name)] for name in classes], dtype=torch.float32)
        random, noise = np.random.default_rng(self.seed), torch.Generator().manual_seed(self.seed)
        weights, running = _start(grids.shape[3], len(classes), noise)
        optimizer = torch.optim.AdamW(weights, lr=_RATE, weight_decay=_DECAY)
        epochs = max(1, round(self.effort * epochs_for(len(grids))))
        ends = [max(1, round(stop * epochs)) for stop in stops]
        batches = max(1, len(grids) // int(np.clip(len(grids) // 16, *_BATCHES)))
        wide = np.pad(grids, ((0, 0), (_SHIFT, _SHIFT), (_SHIFT, _SHIFT), (0, 0)), mode="edge")
        for epoch in range(max(ends)):
            for place, rows in enumerate(np.array_split(random.permutation(len(grids)), batches)):
                optimizer.param_groups[0]["lr"] = (
                    _RATE * (1 + np.cos(np.pi * (epoch + place / batches) / epochs)) / 2
                )
                logits = _forward(weights, running, _as_images(_moved(wide, rows, random)), noise)
                loss = torch.nn.functional.cross_entropy(
                    logits, torch.from_numpy(target[rows]), weight=importance
                )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            for _ in range(ends.count(epoch + 1)):
                yield weights, running


def _last_good(scores: Sequence[float]) -> int:
    """Return the place of the last score that is not clearly below the best.

    A training that ends with small steps is the steadier one.
    """
    return int(np.flatnonzero(np.array(scores) >= max(scores) - _CLEAR)[-1])


def _start(bands: int, classes: int, noise: Any) -> tuple[Weights, Weights]:
    """Return the weights before training (He et al. 2015, https://arxiv.org/abs/1502.01852) and the
    running means and variances.
    """
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

    With a source of noise as in training: with dropout, and normalised by the batch.
    """
    import torch
    from torch.nn import functional

    for block in range(len(CHANNELS)):
        kernel, scale, shift = weights[3 * block : 3 * block + 3]
        mean, variance = running[2 * block : 2 * block + 2]
        x = functional.conv2d(x, kernel, padding=1)
        x = functional.batch_norm(
            x, mean, variance, scale, shift, noise is not None, _MOMENTUM, _TINY
        )
        x = functional.max_pool2d(functional.relu(x), 2)
    x = x.mean(dim=(2, 3))
    if noise is not None:
        x = x * (torch.rand(x.shape, generator=noise) >= _DROPOUT) / (1 - _DROPOUT)
    return functional.linear(x, weights[-2], weights[-1])


def _seen_from_all_sides(
    weights: Weights, running: Weights, grids: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the mean probabilities over the eight ways to turn and mirror a grid.

    A row does not depend on the others.
    """
    import torch

    def said(blocks: Mapping[str, Block]) -> NDArray[np.float64]:
        grid = np.asarray(blocks["grid"])
        turned = [
            np.rot90(each, turns, axes=(1, 2))
            for each in (grid, grid[:, :, ::-1])
            for turns in range(4)
        ]
        with torch.no_grad():
            views = [
                torch.softmax(_forward(weights, running, _as_images(each)).double(), dim=1).numpy()
                for each in turned
            ]
        return np.asarray(np.mean(views, axis=0), dtype=np.float64)

    return padded({"grid": grids}, said)


def _moved(
    wide: NDArray[np.float32], rows: NDArray[np.intp], random: np.random.Generator
) -> NDArray[np.float32]:
    """Return these grids turned by right angles, mirrored or not, and shifted by up to two pixels.

    Their edges are repeated outwards.
    """
    n, side = len(rows), wide.shape[1] - 2 * _SHIFT
    up, across = (random.integers(0, 2 * _SHIFT + 1, n)[:, None] for _ in range(2))
    line = np.arange(side)
    forward = random.integers(0, 2, (2, n, 1)).astype(bool)
    i = (np.where(forward[0], line, line[::-1]) + up)[:, :, None]
    j = (np.where(forward[1], line, line[::-1]) + across)[:, None, :]
    moved = wide[rows[:, None, None], i, j]
    turned = random.integers(0, 2, n).astype(bool)
    moved[turned] = moved[turned].swapaxes(1, 2)
    return moved


def _as_images(grids: NDArray[np.float32]) -> Any:
    """Return grids (n, ny, nx, bands) as PyTorch's images (n, bands, ny, nx), which lie in memory
    as before.
    """
    import torch

    return torch.from_numpy(np.ascontiguousarray(grids)).permute(0, 3, 1, 2)


def _scales(images: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean and the standard deviation of each band's averaged pixels."""
    grids = _averaged(images).astype(np.float64)
    deviation = grids.std(axis=(0, 1, 2))
    return grids.mean(axis=(0, 1, 2)).astype(np.float32), np.where(
        deviation > 0, deviation, 1.0
    ).astype(np.float32)


def _standard(
    images: NDArray[np.float32], center: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    return np.ascontiguousarray((_averaged(images) - center) / scale, dtype=np.float32)


def _averaged(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return grids (n, ny, nx, bands) averaged over whole blocks of pixels, of about `SIDE` pixels
    a side.
    """
    n, bands, ny, nx = images.shape
    block = max(1, round(min(ny, nx) / SIDE))
    rows, columns = ny // block, nx // block
    kept = images[:, :, : rows * block, : columns * block].reshape(
        n, bands, rows, block, columns, block
    )
    return np.ascontiguousarray(kept.mean(axis=(3, 5), dtype=np.float32).transpose(0, 2, 3, 1))


def _plain(tensors: Weights) -> list[NDArray[np.float32]]:
    return [np.array(each.detach().numpy(), order="C") for each in tensors]


@contextmanager
def _alone() -> Iterator[Any]:
    """Hold PyTorch to one thread and to algorithms that give the same numbers each time.

    Leave it as it was.
    """
    import torch

    with _ONE_AT_A_TIME:
        threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
        lenient = torch.is_deterministic_algorithms_warn_only_enabled()
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        try:
            yield torch
        finally:
            torch.use_deterministic_algorithms(strict, warn_only=lenient)
            torch.set_num_threads(threads)
