"""L-BFGS: a quasi-Newton method with a limited memory of gradients.

References
----------
Liu, D. C., and Nocedal, J. 1989, Mathematical Programming 45, 503, doi:10.1007/BF01589116
"""

from typing import TypeAlias

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from galfeat.nn.training.full_batch import (
    MinimizeResult,
    SmoothFunction,
    StepCallback,
    evaluate_start,
)
from galfeat.nn.types import Floats

__all__ = ["lbfgs"]

_Evaluation: TypeAlias = tuple[Floats, float, Floats]
"""Parameters, value and gradient."""


def lbfgs(
    function: SmoothFunction,
    params: Floats,
    *,
    max_iter: int = 200,
    tol: float = 1e-7,
    callback: StepCallback | None = None,
    memory: int = 10,
) -> MinimizeResult:
    """Minimize a function by SciPy's L-BFGS-B, without bounds.

    Parameters
    ----------
    function : SmoothFunction
        Its second derivatives are not used.
    params : array, shape (size,)
        Starting point; not changed.
    max_iter : int
        Maximum number of steps.
    tol : float
        Gradient norm at which the minimization has converged. Much below 1e-8, SciPy's line search
        fails on the rounding error of the loss, unless the loss goes to zero;
        `galfeat.nn.training.newton` converges further.
    callback : callable, optional
        Called at the start and after each step with the parameters and the loss.
    memory : int
        Number of past gradients from which the Hessian is approximated.

    Returns
    -------
    MinimizeResult

    Raises
    ------
    UsageError
        If the loss or its gradient at the start is not finite.

    Examples
    --------
    >>> class Bowl:
    ...     def value_and_gradient(self, p):
    ...         return float(p @ p), 2 * p
    >>> lbfgs(Bowl(), np.array([3.0, -4.0])).converged
    True
    """
    start, value, gradient = evaluate_start(function, params)
    progress = _Progress(function, tol, callback, (start, value, gradient))
    if progress.gradient_norm > tol:
        with np.errstate(all="ignore"):  # the line search rejects a loss that overflows
            minimize(
                progress.value_and_gradient,
                start,
                jac=True,
                method="L-BFGS-B",
                callback=progress.after_step,
                options={
                    "maxiter": max_iter,
                    "maxfun": 20 * max_iter + 20,
                    "maxcor": memory,
                    "ftol": 0.0,
                    "gtol": 0.0,
                    "maxls": 40,
                },
            )
    return MinimizeResult(
        progress.current[0],
        progress.losses[-1],
        progress.gradient_norm,
        len(progress.losses) - 1,
        progress.gradient_norm <= tol,
        progress.losses,
    )


class _Progress:
    """The callbacks that SciPy needs, and the state of the minimization.

    SciPy's step callback does not receive the gradient: it is remembered from the last evaluation,
    so that its norm can end the minimization.
    """

    def __init__(
        self,
        function: SmoothFunction,
        tol: float,
        callback: StepCallback | None,
        start: _Evaluation,
    ) -> None:
        self.function, self.tol, self.callback = function, tol, callback
        self.losses: list[float] = []
        self._accept(start)

    @property
    def gradient_norm(self) -> float:
        return float(np.linalg.norm(self.current[2]))

    def value_and_gradient(self, params: Floats) -> tuple[float, Floats]:
        value, gradient = self.function.value_and_gradient(params)
        self.last: _Evaluation = (params.copy(), value, gradient.copy())
        return value, gradient

    def after_step(self, intermediate_result: OptimizeResult) -> None:
        if not np.array_equal(self.last[0], intermediate_result.x):
            self.value_and_gradient(intermediate_result.x)
        self._accept(self.last)
        if self.gradient_norm <= self.tol:
            raise StopIteration

    def _accept(self, evaluation: _Evaluation) -> None:
        self.current = self.last = evaluation
        self.losses.append(evaluation[1])
        if self.callback is not None:
            self.callback(evaluation[0], evaluation[1])
