"""Write ``trajectories.json``: PyTorch training of a small network, as a reference.

Each optimizer and schedule is run in float64.

Run it where PyTorch is installed; the tests only read what it wrote::

    python tests/nn/reference/make_trajectories.py
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

SIZES = (4, 5, 3)
SAMPLES = 12
STEPS = 100
KEPT = (1, 10, 100)  # steps after which all parameters are kept; the loss is kept at every step

# name: what is given to PyTorch's optimizer of that name; an epsilon that is not small shows where
# it is added. Rates are those at which a change of the samples by 1e-15 stays that small: RMSprop
# at 0.01 begins to rattle after 90 steps and blows it up to 1e-5
OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "gradient_descent": ("SGD", {"lr": 0.3}),
    "momentum": ("SGD", {"lr": 0.1, "momentum": 0.9}),
    "nesterov": ("SGD", {"lr": 0.1, "momentum": 0.8, "nesterov": True}),
    "adagrad": ("Adagrad", {"lr": 0.1}),
    "adagrad_filled": ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.1, "eps": 1e-2}),
    "rmsprop": ("RMSprop", {"lr": 0.004, "alpha": 0.9}),
    "rmsprop_epsilon": ("RMSprop", {"lr": 0.01, "alpha": 0.95, "eps": 1e-2}),
    "adam": ("Adam", {"lr": 0.02}),
    "adam_epsilon": ("Adam", {"lr": 0.02, "betas": (0.8, 0.9), "eps": 1e-2}),
    "amsgrad": ("Adam", {"lr": 0.05, "betas": (0.8, 0.9), "amsgrad": True, "eps": 1e-3}),
    "adamw": ("AdamW", {"lr": 0.02}),
    "adamw_decay": ("AdamW", {"lr": 0.02, "weight_decay": 0.3, "amsgrad": True}),
}

# name: PyTorch's schedule, its arguments, and the optimizer that it goes with
SCHEDULES: dict[str, tuple[str, dict[str, Any], str]] = {
    "step": ("StepLR", {"step_size": 15, "gamma": 0.5}, "momentum"),
    "exponential": ("ExponentialLR", {"gamma": 0.97}, "adam"),
    "cosine": ("CosineAnnealingLR", {"T_max": 100, "eta_min": 0.002}, "adam"),
    "warm_restarts": (
        "CosineAnnealingWarmRestarts",
        {"T_0": 10, "T_mult": 2, "eta_min": 0.001},
        "momentum",
    ),
    "reduce_on_plateau": (
        "ReduceLROnPlateau",
        {"factor": 0.5, "patience": 2, "threshold": 0.05},
        "gradient_descent",
    ),
}

BATCHES = {"whole": SAMPLES, "in_fives": 5}  # the last of the batches of five has two samples


def network() -> torch.nn.Sequential:
    """Return the network that every run begins with."""
    torch.manual_seed(20240607)
    return torch.nn.Sequential(
        torch.nn.Linear(*SIZES[:2]), torch.nn.Tanh(), torch.nn.Linear(*SIZES[1:])
    ).double()


def flat(layers: torch.nn.Sequential) -> list[float]:
    """Return all weights, inputs by outputs and layer by layer, then all biases."""
    linear = [layer for layer in layers if isinstance(layer, torch.nn.Linear)]
    parts = [layer.weight.detach().T.reshape(-1) for layer in linear] + [
        layer.bias.detach() for layer in linear
    ]
    return [float(value) for value in torch.cat(parts)]


def trajectory(
    data: tuple[torch.Tensor, torch.Tensor], optimizer: str, schedule: str | None, batch: int
) -> dict[str, Any]:
    """Return the loss before each step and the parameters after some."""
    X, labels = data
    layers, entropy = network(), torch.nn.CrossEntropyLoss()
    kind, settings = OPTIMIZERS[optimizer]
    descent = getattr(torch.optim, kind)(layers.parameters(), **settings)
    scheduler = (
        None
        if schedule is None
        else getattr(torch.optim.lr_scheduler, SCHEDULES[schedule][0])(
            descent, **SCHEDULES[schedule][1]
        )
    )
    losses: list[float] = []
    rates: list[float] = []  # one an epoch
    kept: dict[int, list[float]] = {}
    while len(losses) < STEPS:
        rates.append(descent.param_groups[0]["lr"])
        for start in range(0, SAMPLES, batch):
            descent.zero_grad()
            loss = entropy(layers(X[start : start + batch]), labels[start : start + batch])
            loss.backward()
            descent.step()
            losses.append(loss.item())
            if len(losses) in KEPT:
                kept[len(losses)] = flat(layers)
        if scheduler is not None:
            scheduler_step: Callable[..., None] = scheduler.step
            scheduler_step(losses[-1]) if schedule == "reduce_on_plateau" else scheduler_step()
    if schedule is None:
        rates = rates[:1]
    return {
        "optimizer": settings_of(optimizer),
        "batch": batch,
        "losses": losses[:STEPS],
        "rates": rates,
        "params": kept,
    }


def settings_of(optimizer: str) -> dict[str, Any]:
    """Return the settings of an optimizer as JSON holds them."""
    return {"class": OPTIMIZERS[optimizer][0], **OPTIMIZERS[optimizer][1]}


def main() -> None:
    """Write the file."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    X, labels = (
        torch.randn(SAMPLES, SIZES[0], dtype=torch.float64),
        torch.arange(SAMPLES) % SIZES[-1],
    )
    runs = {name: trajectory((X, labels), name, None, BATCHES["whole"]) for name in OPTIMIZERS}
    runs["adam_in_batches"] = trajectory((X, labels), "adam", None, BATCHES["in_fives"])
    for name, (kind, settings, optimizer) in SCHEDULES.items():
        runs[name] = trajectory((X, labels), optimizer, name, BATCHES["whole"]) | {
            "schedule": {"class": kind, **settings}
        }
    written = {
        "torch": torch.__version__,
        "sizes": SIZES,
        "X": X.tolist(),
        "labels": labels.tolist(),
        "start": flat(network()),
        "runs": runs,
    }
    Path(__file__).with_name("trajectories.json").write_text(
        json.dumps(written, indent=None, separators=(",", ":")) + "\n"
    )


if __name__ == "__main__":
    main()
