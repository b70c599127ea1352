"""Newton's method and L-BFGS: known minima, saddle points, the worked example, limits."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from galfeat import UsageError
from galfeat.nn.losses import LOSSES, CrossEntropy, HalfSquaredError
from galfeat.nn.network import Network, initialized
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.full_batch import FullBatch, MinimizeResult, SmoothFunction
from galfeat.nn.training.lbfgs import lbfgs
from galfeat.nn.training.newton import _steihaug, newton
from galfeat.nn.training.objective import Objective

NEWTONS = {"full": partial(newton, full=True), "conjugate": partial(newton, full=False)}
METHODS = NEWTONS | {"lbfgs": lbfgs}
each_newton = pytest.mark.parametrize("method", NEWTONS.values(), ids=NEWTONS)
each_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


class Method(Protocol):
    def __call__(
        self,
        function: SmoothFunction,
        params: np.ndarray,
        *,
        max_iter: int = 200,
        tol: float = 1e-10,
        callback: Callable[[np.ndarray, float], None] | None = None,
    ) -> MinimizeResult: ...


class Surface:
    """A smooth function from its value, gradient and Hessian."""

    def __init__(
        self, value: Callable[..., Any], gradient: Callable[..., Any], hessian: Callable[..., Any]
    ) -> None:
        self._value, self._gradient, self._hessian = value, gradient, hessian

    def value(self, p: np.ndarray) -> float:
        return float(self._value(*p))

    def value_and_gradient(self, p: np.ndarray) -> tuple[float, np.ndarray]:
        return self.value(p), np.array(self._gradient(*p), dtype=float)

    def curvature(self, p: np.ndarray) -> "Surface.Hessian":
        return Surface.Hessian(np.array(self._hessian(*p), dtype=float))

    class Hessian:
        def __init__(self, matrix: np.ndarray) -> None:
            self.matrix = matrix

        def product(self, direction: np.ndarray) -> np.ndarray:
            return np.asarray(self.matrix @ direction)

        def hessian(self) -> np.ndarray:
            return self.matrix


BOWL = Surface(
    lambda x, y: (x - 1) ** 2 + 5 * (y + 2) ** 2 + 3,
    lambda x, y: [2 * x - 2, 10 * y + 20],
    lambda _x, _y: [[2, 0], [0, 10]],
)
VALLEY = Surface(  # Rosenbrock
    lambda x, y: 100 * (y - x * x) ** 2 + (1 - x) ** 2,
    lambda x, y: [-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)],
    lambda x, y: [[1200 * x * x - 400 * y + 2, -400 * x], [-400 * x, 200]],
)
SADDLE = Surface(
    lambda x, y: x * x + (y * y - 1) ** 2,
    lambda x, y: [2 * x, 4 * y * (y * y - 1)],
    lambda _x, y: [[2, 0], [0, 12 * y * y - 4]],
)


@pytest.fixture
def worked(lecture: Network) -> FullBatch:
    samples = Samples(np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]]))
    return FullBatch(
        Objective(lecture, HalfSquaredError()), samples, slice(lecture.layout.n_weights)
    )


@each_newton
def test_worked_example_in_few_steps(worked: FullBatch, method: Method) -> None:
    found = method(worked, worked.start)
    assert found.converged
    assert found.n_iter < 60
    value, gradient = worked.value_and_gradient(found.params)
    assert found.loss == value < 1e-15
    assert found.gradient_norm == np.linalg.norm(gradient) < 1e-10
    network = worked.network(found.params)
    assert_allclose(network.forward(np.array([[0.05, 0.10]])), [[0.01, 0.99]], atol=5e-8)
    assert_array_equal(network.biases[0], 0.35)  # held
    assert_array_equal(network.biases[1], 0.60)


@pytest.mark.slow
def test_worked_example_by_gradient_descent_is_not_there_after_ten_thousand(
    worked: FullBatch,
) -> None:
    params = worked.start
    for _ in range(10_000):
        value, gradient = worked.value_and_gradient(params)
        assert value > 1e-15
        params -= 0.5 * gradient
    value, gradient = worked.value_and_gradient(params)
    assert value > 1e-5
    assert np.linalg.norm(gradient) > 1e-5


@each_newton
def test_worked_example_with_biases_and_from_other_starts(
    lecture: Network, method: Method, rng: np.random.Generator
) -> None:
    samples = Samples(np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]]))
    batch = FullBatch(Objective(lecture, HalfSquaredError()), samples)
    for start in (batch.start, *rng.standard_normal((8, 12))):
        found = method(batch, start)
        assert found.converged
        assert found.loss < 1e-15
        assert found.n_iter < 60


@each_newton
def test_a_parabola_takes_one_step_once_within_reach(method: Method) -> None:
    found = method(BOWL, np.array([1.4, -2.3]))
    assert found.n_iter <= 2
    assert_allclose(found.params, [1, -2], rtol=0, atol=1e-12)
    assert found.loss == pytest.approx(3.0, abs=1e-14)
    assert newton(BOWL, np.array([900.0, -70.0])).n_iter == 1


@each_method
def test_the_rosenbrock_valley(method: Method) -> None:
    found = method(VALLEY, np.array([-1.2, 1.0]))
    assert found.converged
    assert_allclose(found.params, [1, 1], atol=1e-9)
    assert found.n_iter < 60
    assert found.losses[0] == pytest.approx(24.2)
    assert all(
        after <= before * (1 + 1e-14)
        for before, after in zip(found.losses, found.losses[1:], strict=False)
    )


@each_newton
def test_leaves_a_saddle(method: Method) -> None:
    # plain Newton steps go *to* (0, 0), where the gradient vanishes
    found = method(SADDLE, np.array([0.3, 1e-3]))
    assert found.converged
    assert_allclose(np.abs(found.params), [0, 1], atol=1e-9)
    assert found.loss < 1e-18


@each_method
def test_callback_sees_every_point_and_the_start_is_left_alone(method: Method) -> None:
    start, seen = np.array([-1.2, 1.0]), []
    found = method(VALLEY, start, callback=lambda params, loss: seen.append((params.copy(), loss)))
    assert_array_equal(start, [-1.2, 1.0])
    assert [loss for _, loss in seen] == found.losses
    assert len(seen) == found.n_iter + 1
    assert_array_equal(seen[0][0], start)
    assert_array_equal(seen[-1][0], found.params)
    assert all(VALLEY.value(params) == loss for params, loss in seen)


@each_method
def test_steps_run_out(method: Method) -> None:
    found = method(VALLEY, np.array([-1.2, 1.0]), max_iter=3)
    assert (found.n_iter, found.converged) == (3, False)
    assert len(found.losses) == 4
    assert found.gradient_norm > 1e-3


@each_method
def test_a_minimum_is_recognized_at_the_start(method: Method) -> None:
    found = method(BOWL, np.array([1.0, -2.0]))
    assert (found.n_iter, found.converged, found.losses) == (0, True, [3.0])


@each_method
def test_a_plane_of_no_curvature_ends_without_error(method: Method) -> None:
    plane = Surface(lambda x, y: x + 2 * y, lambda _x, _y: [1, 2], lambda _x, _y: np.zeros((2, 2)))
    found = method(plane, np.zeros(2), max_iter=5)
    assert not found.converged
    assert found.loss < 0


@pytest.mark.slow
@each_method
def test_a_tolerance_out_of_reach_ends_where_rounding_begins(
    method: Method, rng: np.random.Generator
) -> None:
    samples = Samples(rng.standard_normal((30, 3)), np.eye(2)[rng.integers(0, 2, 30)])
    batch = FullBatch(
        Objective(initialized((3, 4, 2), "tanh", "identity", rng), CrossEntropy(), l2=1.0), samples
    )
    found = method(batch, batch.start, tol=0.0, max_iter=400)
    assert found.gradient_norm < 1e-7
    assert np.isfinite(found.params).all()


@each_method
def test_all_agree_on_a_convex_problem(method: Method, rng: np.random.Generator) -> None:
    labels = rng.integers(0, 3, 40)
    samples = Samples(
        rng.standard_normal((40, 5)), np.eye(3)[labels], rng.uniform(0.5, 1.5, (40, 1))
    )
    batch = FullBatch(Objective(Network((5, 3)), CrossEntropy(), l2=0.5), samples)
    found, other = (
        method(batch, batch.start, tol=1e-7),
        newton(batch, rng.standard_normal(batch.start.size)),
    )
    assert found.converged
    assert found.loss == pytest.approx(other.loss, abs=1e-12)
    assert_allclose(
        batch.network(found.params).weights[0], batch.network(other.params).weights[0], atol=1e-6
    )


@pytest.mark.slow
@each_method
@pytest.mark.parametrize("loss", ["mean_squared_error", "binary_cross_entropy"])
def test_networks_of_single_precision_are_solved_in_double(
    method: Method, loss: str, rng: np.random.Generator
) -> None:
    network = initialized((3, 4, 2), "tanh", "identity", rng, dtype=np.float32)
    samples = Samples(
        rng.standard_normal((20, 3)).astype(np.float32),
        np.eye(2, dtype=np.float32)[rng.integers(0, 2, 20)],
    )
    batch = FullBatch(Objective(network, LOSSES[loss], l2=1.0), samples)
    found = method(batch, network.params, tol=1e-8, max_iter=500)
    assert found.converged
    assert found.params.dtype == np.float64
    assert network.params.dtype == np.float32


@each_method
def test_bad_starts_and_kinks_are_refused(method: Method, rng: np.random.Generator) -> None:
    with pytest.raises(UsageError, match="at the start is not finite"):
        method(BOWL, np.array([np.nan, 0.0]))
    network = initialized((3, 2), "tanh", "identity", rng)
    with pytest.raises(UsageError, match="leave out the L1 penalty"):
        FullBatch(Objective(network, CrossEntropy(), l1=0.1), Samples(np.ones((2, 3)), np.eye(2)))


@each_newton
def test_a_step_into_infinity_is_shortened(method: Method) -> None:
    barrier = Surface(
        lambda x: -2 * x - np.log(2 - x) if x < 2 else np.inf,
        lambda x: [-2 + 1 / (2 - x) if x < 2 else np.nan],
        lambda x: [[1 / (2 - x) ** 2]],
    )
    found = method(barrier, np.array([-50.0]))
    assert found.converged
    assert_allclose(found.params, [1.5], atol=1e-8)


def test_lbfgs_gives_up_before_infinity() -> None:
    cliff = Surface(
        lambda x: -x if x < 2 else np.inf, lambda x: [-1 if x < 2 else np.nan], lambda _x: [[0]]
    )
    found = lbfgs(cliff, np.array([0.0]))
    assert not found.converged
    assert found.params[0] < 2
    assert found.loss == -found.params[0]
    assert found.gradient_norm == 1


def test_full_batch_is_the_objective_over_its_free_part(lecture: Network) -> None:
    samples = Samples(
        np.array([[0.05, 0.10], [0.3, -0.2]]),
        np.array([[0.01, 0.99], [0.4, 0.6]]),
        np.array([[0.5], [1.5]]),
    )
    objective = Objective(lecture, HalfSquaredError(), l2=0.3)
    whole, part = FullBatch(objective, samples), FullBatch(objective, samples, slice(2, 7))
    along = np.arange(5.0)
    assert_array_equal(part.start, lecture.params[2:7])
    assert part.value(part.start) == whole.value(whole.start) == objective.value(samples)
    assert_array_equal(
        part.value_and_gradient(part.start)[1], objective.value_and_gradient(samples)[1][2:7]
    )
    hessian = objective.curvature(samples).hessian()[2:7, 2:7]
    assert_allclose(part.curvature(part.start).hessian(), hessian, atol=1e-16)
    assert_allclose(part.curvature(part.start).product(along), hessian @ along, atol=1e-15)
    moved = part.start + 0.1
    assert_array_equal(
        part.network(moved).params, np.concatenate([lecture.params[:2], moved, lecture.params[7:]])
    )


def test_steps_within_the_trust_region_by_hand() -> None:
    # f = x^2 + 4 y^2 at (1, 1), where it is 5; being a parabola itself, it falls by what is
    # promised
    hessian, gradient = Surface.Hessian(np.diag([2.0, 8.0])), np.array([2.0, 8.0])
    step, promised = _steihaug(hessian, gradient, 100.0)
    assert promised == pytest.approx(5 - ((1 + step[0]) ** 2 + 4 * (1 + step[1]) ** 2), rel=1e-14)
    step, promised = _steihaug(hessian, gradient, 0.1)  # steepest descent, to the edge
    assert_allclose(step, -0.1 * gradient / np.sqrt(68), rtol=1e-14)
    assert promised == pytest.approx(5 - ((1 + step[0]) ** 2 + 4 * (1 + step[1]) ** 2), rel=1e-13)
    # downhill and bent down: to the edge
    step, promised = _steihaug(Surface.Hessian(np.diag([-2.0, 0.0])), np.array([1.0, 0.0]), 3.0)
    assert_allclose(step, [-3.0, 0.0], rtol=1e-14)
    assert promised == pytest.approx(3 + 9)
