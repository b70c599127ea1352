"""Figures of the lecture on shallow networks.

``python examples/lecture.py FOLDER`` draws them all, in about a minute.

activations.png     activation functions and their derivatives approximation.png   a hidden layer of
ReLUs approximates a curve; its error falls as 1/n^2 paths.png           paths of ten optimizers
from sixteen starts on one landscape with four minima losses.png          training loss of one
network with each optimizer boundary.png        decision boundary of a network during training
learning.html       the same as an animation that needs nothing but a browser
"""

import sys
from pathlib import Path

import numpy as np

from galfeat.nn.lecture.animation import animation
from galfeat.nn.lecture.functions import draw_activations, draw_approximation
from galfeat.nn.lecture.learning import draw_boundary, draw_losses
from galfeat.nn.lecture.paths import draw_paths
from galfeat.nn.losses import get_loss
from galfeat.nn.network import initialized
from galfeat.nn.optimizers import Adam, Optimizer, get_optimizer
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.loop import TrainingPlan
from galfeat.nn.training.objective import Objective
from galfeat.nn.training.trace import Trace, record
from galfeat.nn.types import Floats

RATES = {
    "gradient_descent": 0.5,
    "momentum": 0.1,
    "nesterov": 0.1,
    "adagrad": 0.1,
    "rmsprop": 0.01,
    "adam": 0.03,
}


def arms(n: int = 240) -> tuple[Floats, np.ndarray]:
    """Return points along three spiral arms, and the number of the arm."""
    rng = np.random.default_rng(1)
    arm = np.arange(n) % 3
    along = rng.uniform(0, 1, n)
    angle = 2 * np.pi * arm / 3 + 2.2 * along + rng.normal(0, 0.1, n)
    return np.stack([along * np.cos(angle), along * np.sin(angle)], axis=1), arm


def learn(X: Floats, arm: np.ndarray, optimizer: Optimizer, epochs: int) -> Trace:
    """Train a network with twelve hidden units and record every fifth update."""
    rng = np.random.default_rng(2)
    objective = Objective(
        initialized((2, 12, 3), "tanh", "identity", rng), get_loss("cross_entropy")
    )
    plan = TrainingPlan(optimizer=optimizer, max_iter=epochs, tol=None, batch_size=40)
    return record(objective, Samples(X, np.eye(3)[arm]), plan, rng, every=5)


def main(folder: Path) -> None:
    """Draw all figures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    X, arm = arms()
    trace = learn(X, arm, Adam(learning_rate=0.03), 150)
    traces = {name: learn(X, arm, get_optimizer(name, rate), 100) for name, rate in RATES.items()}
    figures = {
        "activations": draw_activations(),
        "approximation": draw_approximation(lambda x: np.sin(2 * x) + 0.3 * x, -3, 3),
        "paths": draw_paths(),
        "losses": draw_losses(
            {name: each.losses for name, each in traces.items()}, xlabel="five updates"
        ),
        "boundary": draw_boundary(trace, X, arm),
    }
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=130)
    page = animation(trace, X, arm, title="Three spiral arms, twelve hidden units")
    (folder / "learning.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "lecture"))
