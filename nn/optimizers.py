# ruff: noqa: ARG002 - all optimizers have the same signature, whether or not they need all of it
"""First-order optimizers in functional style: state in, state out.

``state = optimizer.start(params)`` and then, for each gradient, ``params, state =
optimizer.step(params, gradient, state)``. A state holds the number of steps taken and the running
averages. The arguments are not modified, unless ``reuse=True`` permits overwriting their arrays, as
the training loop does.

With g the gradient, t the count from 1 and lr the learning rate:

================  ===========================================================================================
GradientDescent   p -= lr g
Momentum          m = momentum m + g;  p -= lr m                                   (Polyak 1964)
Nesterov          m = momentum m + g;  p -= lr (g + momentum m)                    (Nesterov 1983, Sutskever 2013)
Adagrad           s += g^2;  p -= lr g / (sqrt s + epsilon)                        (Duchi et al. 2011)
RMSprop           v = rho v + (1 - rho) g^2;  p -= lr g / (sqrt v + epsilon)       (Hinton 2012)
Adam              m, v running means of g, g^2, each divided by 1 - beta^t;
                  p -= lr m / (sqrt v + epsilon)                                   (Kingma and Ba 2015, arXiv:1412.6980)
Adam, amsgrad     v replaced by its largest value so far                           (Reddi et al. 2018, arXiv:1904.09237)
AdamW             p -= lr weight_decay p, then Adam                                (Loshchilov and Hutter 2019, arXiv:1711.05101)
================  ===========================================================================================

The arguments are named as in Keras; the formulas, the place of epsilon and its default are
PyTorch's. Where the sources differ:

========  =========================  ======================  =========================  =====================================
what      papers                     lectures, often         Keras                      PyTorch, and here
========  =========================  ======================  =========================  =====================================
momentum  v = mu v - lr g; p += v    m = mu m + (1 - mu) g   v = mu v - lr g; p += v    m = mu m + g; p -= lr m
Nesterov  g taken at p + mu v        as the paper            g at p, the point ahead;   g at p, the point ahead;
                                                             p += mu v - lr g           p -= lr (g + mu m)
Adagrad   epsilon absent, or inside  sqrt(s + eps)           sqrt(s + eps), eps 1e-7,   sqrt(s) + eps, eps 1e-10,
          the root                                           s starts at 0.1            s starts at 0
RMSprop   sqrt(v), no epsilon        sqrt(v + eps)           sqrt(v + eps), eps 1e-7    sqrt(v) + eps, eps 1e-8
Adam      m and v both divided by    left out, or 1 - beta   rate * sqrt(1 - beta_2^t)  m and v both divided by 1 - beta^t;
          1 - beta^t;                in place of 1 - beta^t  / (1 - beta_1^t);          sqrt(v) + eps, eps 1e-8
          sqrt(v) + eps, eps 1e-8                            eps 1e-7 added to the
                                                             uncorrected root
amsgrad   largest v, no correction   as the paper            largest uncorrected v,     largest uncorrected v, then corrected
                                                             then Adam's rate
AdamW     schedule times decay, not  decay in the gradient,  p -= lr decay p,           p -= lr decay p, decay 1e-2
          times the rate             which is L2             decay 4e-3
========  =========================  ======================  =========================  =====================================

The columns of Keras and PyTorch are from the source code of Keras 3.15.1 and PyTorch 2.13.0. With
the learning rate inside v, as in the papers and Keras, a rate lowered by a schedule shortens the
steps only gradually, as v decays; with m as here, immediately.

The default learning rates and `rho` are those of Keras, except for Adagrad's 0.01, which is
PyTorch's (Keras: 0.001). PyTorch's defaults differ for gradient descent (0.001; Keras and here
0.01) and for RMSprop (0.01 and alpha 0.99; Keras and here 0.001 and rho 0.9).
"""  # noqa: E501 - a table

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from galfeat import UsageError
from galfeat.nn.types import Floats

__all__ = [
    "OPTIMIZERS",
    "Adagrad",
    "Adam",
    "AdamW",
    "GradientDescent",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "State",
    "get_optimizer",
]

# parameters updated at a time, so that a chunk of every array stays in the processor's cache
_CHUNK = 1 << 14


@dataclass(frozen=True)
class State:
    """The state of an optimizer between steps.

    Parameters
    ----------
    count : int
        Number of steps taken.
    slots : dict of str to array
        Running averages, each of the shape of the parameters.
    """

    count: int = 0
    slots: dict[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Optimizer(ABC):
    """A first-order optimizer: computes parameter updates from gradients.

    Parameters
    ----------
    learning_rate : float
    """

    learning_rate: float = 0.01
    slots: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name, low)
            if not low <= value < high:
                raise UsageError(
                    f"{name} of {type(self).__name__} must be at least {low} and below {high}; "
                    f"got {value}"
                )

    def start(self, params: Floats) -> State:
        """Return the state before the first step."""
        return State(0, {name: np.zeros_like(params) for name in self.slots})

    def step(
        self,
        params: Floats,
        gradient: Floats,
        state: State,
        rate: float | None = None,
        *,
        reuse: bool = False,
    ) -> tuple[Floats, State]:
        """Return the parameters and the state after one step.

        Parameters
        ----------
        params, gradient : array, shape (size,)
        state : State
        rate : float, optional
            Learning rate of this step, from a schedule; default: `learning_rate`.
        reuse : bool
            Overwrite the arrays of `params`, `gradient` and `state` instead of copying them.
        """
        slots = state.slots
        if not reuse:
            params, gradient = params.copy(), gradient.copy()
            slots = {name: array.copy() for name, array in slots.items()}
        rate = self.learning_rate if rate is None else rate
        for start in range(0, params.size, _CHUNK):
            chunk = slice(start, start + _CHUNK)
            self._advance(
                params[chunk],
                gradient[chunk],
                {name: array[chunk] for name, array in slots.items()},
                state.count + 1,
                rate,
            )
        return params, State(state.count + 1, slots)

    @abstractmethod
    def _advance(self, p: Floats, g: Floats, slots: dict[str, Floats], t: int, lr: float) -> None:
        """Take step t in place; `g` may be overwritten."""


_RANGES = {
    "learning_rate": (0.0, np.inf),
    "momentum": (0.0, 1.0),
    "rho": (0.0, 1.0),
    "beta_1": (0.0, 1.0),
    "beta_2": (0.0, 1.0),
    "epsilon": (0.0, np.inf),
    "weight_decay": (0.0, np.inf),
    "initial_accumulator_value": (0.0, np.inf),
}


@dataclass(frozen=True, kw_only=True)
class GradientDescent(Optimizer):
    """Gradient descent; stochastic gradient descent (SGD) with mini-batches."""

    def _advance(self, p: Floats, g: Floats, slots: dict[str, Floats], t: int, lr: float) -> None:
        g *= lr
        p -= g


@dataclass(frozen=True, kw_only=True)
class Momentum(Optimizer):
    """Gradient descent with (heavy-ball) momentum.

    Parameters
    ----------
    learning_rate : float
    momentum : float
        Decay of the accumulated gradients per step, in [0, 1).
    """

    momentum: float = 0.9
    slots: ClassVar[tuple[str, ...]] = ("m",)

    def _advance(self, p: Floats, g: Floats, slots: dict[str, Floats], t: int, lr: float) -> None:
        m = slots["m"]
        m *= self.momentum
        m += g
        p -= np.multiply(m, lr, out=g)


@dataclass(frozen=True, kw_only=True)
class Nesterov(Momentum):
    """Gradient descent with Nesterov's accelerated momentum."""

    def _advance(self, p: Floats, g: Floats, slots: dict[str, Floats], t: int, lr: float) -> None:
        m = slots["m"]
        m *= self.momentum
        m += g
        g += self.momentum * m
        g *= lr
        p -= g


@dataclass(frozen=True, kw_only=True)
class Adagrad(Optimizer):
    """Adagrad: steps scaled by the accumulated squared gradients of each parameter."""

    initial_accumulator_value: float = 0.0
    epsilon: float = 1e-10
    slots: ClassVar[tuple[str, ...]] = ("s",)

    def start(self, params: Floats) -> State:
        """Return the state before the first step."""
        return State(0, {"s": np.full_like(params, self.initial_accumulator_value)})

    def _advance(self, p: Floats, g: Floats, slots: dict[str, Floats], t: int, lr: float) -> None:
        s = slots["s"]
        s += g * g
        g /= np.sqrt(s) + self.epsilon
        g *= lr
        p -= g


@dataclass(frozen=True, kw_only=True)
class RMSprop(Optimizer):
    """RMSprop: steps scaled by a running average of the squared gradients of each parameter."""

    learning_rate: float = 0.001
    rho: float = 0.9
    epsilon: float = 1e-8
    slots: ClassVar[tuple[str, ...]] = ("v",)

    def _advance(self, p: Floats, g: Floats, slots: dict[str, Floats], t: int, lr: float) -> None:
        v = slots["v"]
        v *= self.rho
        v += (1 - self.rho) * g * g
        g /= np.sqrt(v) + self.epsilon
        g *= lr
        p -= g


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Adam: momentum and RMSprop combined, with bias correction of the first steps.

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon : float
    amsgrad : bool
        Divide by the largest running mean of the squared gradients so far, so that the effective
        learning rate never increases.

    Notes
    -----
    The state holds the running *sums* ``m / (1 - beta_1)`` and ``v / (1 - beta_2)``, and the
    constant factors are combined: the same numbers up to rounding, with fewer passes over memory.
    """

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    amsgrad: bool = False
    slots: ClassVar[tuple[str, ...]] = ("m", "v")

    def start(self, params: Floats) -> State:
        """Return the state before the first step."""
        names = (*self.slots, "largest") if self.amsgrad else self.slots
        return State(0, {name: np.zeros_like(params) for name in names})

    def _advance(self, p: Floats, g: Floats, slots: dict[str, Floats], t: int, lr: float) -> None:
        m, v = slots["m"], slots["v"]
        m *= self.beta_1
        m += g
        v *= self.beta_2
        g *= g
        v += g
        if self.amsgrad:
            v = np.maximum(slots["largest"], v, out=slots["largest"])
        root = ((1 - self.beta_2) / (1 - self.beta_2**t)) ** 0.5
        np.sqrt(v, out=g)
        g += self.epsilon / root
        np.divide(m, g, out=g)
        g *= lr * (1 - self.beta_1) / (1 - self.beta_1**t) / root
        p -= g


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam with decoupled weight decay, applied to the parameters rather than to the gradient."""

    weight_decay: float = 0.01

    def _advance(self, p: Floats, g: Floats, slots: dict[str, Floats], t: int, lr: float) -> None:
        p *= 1 - lr * self.weight_decay
        super()._advance(p, g, slots, t, lr)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "gradient_descent": GradientDescent,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": Adagrad,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
}


def get_optimizer(name: "str | Optimizer", learning_rate: float) -> Optimizer:
    """Return an optimizer by its name; an `Optimizer` is returned unchanged, with its own rate.

    Raises
    ------
    UsageError
        If the name is unknown; the message lists the known names.
    """
    if isinstance(name, Optimizer):
        return name
    if name == "amsgrad":
        return Adam(learning_rate=learning_rate, amsgrad=True)
    if name not in OPTIMIZERS:
        raise UsageError(
            f"there is no optimizer '{name}'; choose one of {', '.join([*OPTIMIZERS, 'amsgrad'])}"
        )
    return OPTIMIZERS[name](learning_rate=learning_rate)
