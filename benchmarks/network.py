"""Training and prediction against scikit-learn and, where it is installed, PyTorch.

500 features, 64 hidden units, 5 classes, float32, 20,000 samples, batches of 128, Adam::

    python benchmarks/network.py            # prints the table
    python benchmarks/network.py --write    # and puts it into docs/benchmarks.md

Each round measures each library once, one after the other in one process; ratios are taken within a
round and their median is reported, so what else the machine does falls on all alike. Each peer is
used as its users do, but for what would only slow it down: PyTorch's batches are taken by an index
instead of a DataLoader, and its Adam is the fused one as well as the default. Training the same
number of epochs, all have the same accuracy but for chance, which is looked at before anything is
timed.

PyTorch is not a dependency: without it, scikit-learn is the only peer.
"""

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np
from machine import described, write_between
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as Theirs
from threadpoolctl import threadpool_info, threadpool_limits

from galfeat.nn import MLPClassifier

FEATURES, HIDDEN, CLASSES, SAMPLES, BATCH, EPOCHS, RATE = 500, 64, 5, 20_000, 128, 2, 1e-3
PACKAGES = ("galfeat", "numpy", "scikit-learn", "torch")

Floats = NDArray[np.float32]
Call = Callable[[], Any]


def data() -> tuple[Floats, NDArray[np.intp]]:
    """Return classes that overlap, as features of galaxies do."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, SAMPLES)
    X = rng.standard_normal((SAMPLES, FEATURES)) + rng.normal(0, 0.1, (CLASSES, FEATURES))[y]
    return X.astype(np.float32), y


def ours() -> MLPClassifier:
    """Return our estimator at the settings of the comparison."""
    return MLPClassifier(
        (HIDDEN,),
        batch_size=BATCH,
        max_iter=EPOCHS,
        learning_rate_init=RATE,
        tol=None,
        dtype="float32",
        random_state=0,
    )


def theirs() -> Theirs:
    """Return scikit-learn's at the same settings; its dtype is that of the samples."""
    return Theirs(
        (HIDDEN,),
        batch_size=BATCH,
        max_iter=EPOCHS,
        learning_rate_init=RATE,
        tol=0,
        n_iter_no_change=EPOCHS + 1,
        random_state=0,
    )


def torch_calls(X: Floats, y: NDArray[np.intp]) -> tuple[dict[str, Call], dict[str, Call]]:
    """Return PyTorch's calls for training and for prediction."""
    import torch

    torch.set_num_threads(1)
    samples, labels, entropy = torch.from_numpy(X), torch.from_numpy(y), torch.nn.CrossEntropyLoss()

    def train(**settings: bool) -> torch.nn.Module:
        torch.manual_seed(0)
        layers = torch.nn.Sequential(
            torch.nn.Linear(FEATURES, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, CLASSES)
        )
        adam = torch.optim.Adam(layers.parameters(), lr=RATE, **settings)
        for _ in range(EPOCHS):
            order = torch.randperm(SAMPLES)
            for start in range(0, SAMPLES, BATCH):
                rows = order[start : start + BATCH]
                adam.zero_grad()
                entropy(layers(samples[rows]), labels[rows]).backward()
                adam.step()
        return layers

    layers = train()

    def predict() -> Any:
        with torch.inference_mode():
            return torch.softmax(layers(torch.from_numpy(X)), dim=1).numpy()

    return {"PyTorch": train, "PyTorch, fused Adam": partial(train, fused=True)}, {
        "PyTorch": predict
    }


def timed(call: Call) -> float:
    """Return the seconds that the call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def rounds(calls: dict[str, Call], number: int) -> dict[str, list[float]]:
    """Return the seconds of each call in each round.

    The order is reversed from one round to the next.
    """
    for call in calls.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for index in range(number):
        for name in list(calls)[:: 1 if index % 2 else -1]:
            seconds[name].append(timed(calls[name]))
    return seconds


def compared(seconds: dict[str, list[float]], samples: int) -> list[str]:
    """Return the lines of a table: rate of each, and how many times faster we are."""
    own = seconds["galfeat"]
    lines = ["| | samples/s | galfeat is faster by |", "| --- | --- | --- |"]
    for name, times in seconds.items():
        ratio = median(other / mine for other, mine in zip(times, own, strict=True))
        lines.append(
            f"| {name} | {samples / median(times):,.0f} | "
            f"{'' if name == 'galfeat' else f'{ratio:.2f}'} |"
        )
    return lines


def on_threads(call: Call, number: int) -> float:
    """Return the median ratio of the time on one thread to that on two."""
    ratios = []
    for index in range(number):
        times = {}
        for threads in (1, 2) if index % 2 else (2, 1):
            with threadpool_limits(threads):
                times[threads] = timed(call)
        ratios.append(times[1] / times[2])
    return median(ratios)


def libraries() -> str:
    """Return the BLAS libraries in use."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return ", ".join(
        sorted(
            {
                f"{pool['internal_api']} {pool['version']} ({pool.get('architecture', '?')})"
                for pool in pools
            }
        )
    )


def check(predicted: dict[str, Floats], y: NDArray[np.intp]) -> None:
    """Refuse to compare speeds of networks of different accuracy."""
    right = {
        name: float((probabilities.argmax(axis=1) == y).mean())
        for name, probabilities in predicted.items()
    }
    if max(right.values()) - min(right.values()) > 0.02:
        raise SystemExit(f"the networks differ in accuracy: {right}")


def report(number: int) -> str:
    """Measure, and return the section."""
    load, (X, y) = os.getloadavg(), data()
    training: dict[str, Call] = {
        "galfeat": lambda: ours().fit(X, y),
        "scikit-learn": lambda: theirs().fit(X, y),
    }
    fitted, other = ours().fit(X, y), theirs().fit(X, y)
    predicting: dict[str, Call] = {
        "galfeat": lambda: fitted.predict_proba(X),
        "scikit-learn": lambda: other.predict_proba(X),
    }
    with threadpool_limits(1):
        if find_spec("torch") is not None:
            more_training, more_predicting = torch_calls(X, y)
            training, predicting = training | more_training, predicting | more_predicting
        check({name: np.asarray(call()) for name, call in predicting.items()}, y)
        trained, predicted = rounds(training, number), rounds(predicting, 5 * number)
    two = {
        "training": on_threads(training["galfeat"], number),
        "prediction": on_threads(predicting["galfeat"], 5 * number),
    }
    return "\n".join(
        [
            f"{described(PACKAGES, load)} BLAS: {libraries()}.",
            *(
                "",
                f"Training, one thread, {EPOCHS} epochs, median of {number} rounds:",
                "",
                *compared(trained, EPOCHS * SAMPLES),
            ),
            *(
                "",
                f"Probabilities, one thread, median of {5 * number} rounds:",
                "",
                *compared(predicted, SAMPLES),
            ),
            *(
                "",
                "Time of galfeat on one thread over that on two: "
                + ", ".join(f"{name} {ratio:.2f}" for name, ratio in two.items())
                + ".",
            ),
        ]
    )


def main() -> None:
    """Measure, print and perhaps write."""
    parser = argparse.ArgumentParser(
        description="Training and prediction against scikit-learn and PyTorch."
    )
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument(
        "--write", action="store_true", help="put the result into docs/benchmarks.md"
    )
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    section = report(arguments.rounds)
    sys.stdout.write(f"{section}\n")
    if arguments.write:
        write_between("network", section)


if __name__ == "__main__":
    main()
