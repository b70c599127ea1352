"""Content of the figures, read back from their axes."""

import base64
import json
import re
from math import isclose

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from galfeat import UsageError
from galfeat.nn.activations import ACTIVATIONS
from galfeat.nn.lecture.animation import animation
from galfeat.nn.lecture.functions import draw_activations, draw_approximation
from galfeat.nn.lecture.learning import decision_field, draw_boundary, draw_losses, plot_extent
from galfeat.nn.lecture.paths import OPTIMIZERS_DRAWN, draw_paths, optimizer_path
from galfeat.nn.lecture.surfaces import TiltedHimmelblau
from galfeat.nn.losses import get_loss
from galfeat.nn.network import Network, initialized
from galfeat.nn.optimizers import OPTIMIZERS, Adam, GradientDescent, Optimizer
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.loop import TrainingPlan
from galfeat.nn.training.objective import Objective
from galfeat.nn.training.trace import Trace, record


@pytest.fixture(scope="module")
def learning() -> tuple[Trace, np.ndarray, np.ndarray]:
    """Return the trace of a classifier of three clusters."""
    rng = np.random.default_rng(3)
    classes = np.arange(60) % 3
    X = np.array([(0.0, 2.0), (2.0, -1.0), (-2.0, -1.0)])[classes] + rng.normal(0, 0.4, (60, 2))
    objective = Objective(
        initialized((2, 6, 3), "tanh", "identity", rng), get_loss("cross_entropy")
    )
    plan = TrainingPlan(optimizer=Adam(learning_rate=0.1), max_iter=40, tol=None)
    return record(objective, Samples(X, np.eye(3)[classes]), plan, rng), X, classes


def line(of: Line2D) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(of.get_xdata()), np.asarray(of.get_ydata())


def drawn(figure: Figure) -> list[object]:
    figure.canvas.draw()  # everything must be drawable
    return [axes for axes in figure.axes if axes.axison or axes.has_data()]


@pytest.mark.slow
def test_activations_have_value_and_slope() -> None:
    axes = {each.get_title(): each for each in draw_activations().axes if each.get_title()}
    assert set(axes) == {name.replace("_", " ") for name in ACTIVATIONS} - {"softmax"}
    (z, value), (_, slope) = (
        line(each) for each in axes["softplus"].lines if len(line(each)[0]) > 2
    )
    assert np.allclose(value, np.logaddexp(0, z))
    assert np.allclose(slope[1:-1], np.gradient(value, z)[1:-1], atol=1e-4)
    assert len(drawn(draw_activations(["relu"]))) == 1
    with pytest.raises(UsageError, match="softmax works on a whole row"):
        draw_activations(["softmax"])
    with pytest.raises(UsageError, match="at least one name"):
        draw_activations([])


def test_the_approximation_meets_its_knots() -> None:
    left, right = draw_approximation(np.sin, 0, 3, (2, 4)).axes
    x, y = next(line(each) for each in left.lines if each.get_label() == "4 units")
    assert np.allclose(y[::500], np.sin(x[::500])), "2001 points, 4 pieces: each 500th is a knot"
    n, error = line(right.lines[0])
    assert isclose(np.polyfit(np.log(n[5:]), np.log(error[5:]), 1)[0], -2, abs_tol=0.05)


def test_losses_are_what_was_given() -> None:
    figure = draw_losses({"adam": [3, 2, 1], "momentum": [3, 1]}, log=False)
    assert [(each.get_label(), line(each)[1].tolist()) for each in figure.axes[0].lines] == [
        ("adam", [3, 2, 1]),
        ("momentum", [3, 1]),
    ]
    for wrong in ({}, {str(i): [1.0] for i in range(9)}):
        with pytest.raises(UsageError, match="curves can be distinguished"):
            draw_losses(wrong)


def test_decision_field_by_hand() -> None:
    """One output, the log odds log 3 * x: undecided at x = 0; at x = 1 the odds are 3, so 3/4 sure,
    halfway from 1/2 to 1.
    """
    network = Network((2, 1), params=np.array([np.log(3), 0.0, 0.0]))
    number, sure = decision_field(network, (-1, 1, -1, 1), 3)
    assert number[:, [0, 2]].tolist() == [[0, 1]] * 3
    assert np.allclose(sure, [[0.5, 0, 0.5]] * 3)


def test_the_boundary_at_chosen_steps(learning: tuple[Trace, np.ndarray, np.ndarray]) -> None:
    trace, X, classes = learning
    titles = [axes.get_title() for axes in draw_boundary(trace, X, classes, [0, -1]).axes]
    assert titles[0] == f"after 0 updates\nloss {trace.losses[0]:.3g}"
    assert titles[1].startswith("after 40 updates")
    assert len(drawn(draw_boundary(trace, X, classes))) == 8
    with pytest.raises(UsageError, match=r"X must have shape \(n, 2\); it has \(60, 3\)"):
        draw_boundary(trace, np.ones((60, 3)), classes)


def test_the_surface_has_four_minima() -> None:
    surface = TiltedHimmelblau()
    ends = []
    for start in ((3, 2), (3.6, -2), (-2.7, 3), (-3.7, -3.3)):
        end = optimizer_path(surface, "newton", np.array(start, dtype=float), 50)[-1]
        value, slope = surface.value_and_gradient(end)
        assert np.linalg.norm(slope) < 1e-9
        assert (np.linalg.eigvalsh(surface.curvature(end).hessian()) > 0).all()
        ends.append(value)
    assert np.argmin(ends) == 1
    assert len(set(np.round(ends, 3))) == 4


def test_the_surfaces_slope_and_curvature() -> None:
    surface, h = TiltedHimmelblau(), 1e-6
    for point in np.random.default_rng(0).uniform(-4, 4, (5, 2)):
        _, slope = surface.value_and_gradient(point)
        bend = surface.curvature(point)
        for axis in np.eye(2):
            ahead, behind = point + h * axis, point - h * axis
            assert slope @ axis == pytest.approx(
                (surface.value(ahead) - surface.value(behind)) / (2 * h), abs=1e-6
            )
            change = (
                surface.value_and_gradient(ahead)[1] - surface.value_and_gradient(behind)[1]
            ) / (2 * h)
            assert np.allclose(bend.product(axis), change, atol=1e-6)
            assert np.allclose(bend.hessian() @ axis, change, atol=1e-6)


@pytest.mark.slow
def test_every_optimizer_is_drawn_and_arrives() -> None:
    shown = {type(each) for each in OPTIMIZERS_DRAWN.values() if isinstance(each, Optimizer)}
    assert shown == set(OPTIMIZERS.values())
    assert {"newton", "lbfgs"} <= set(OPTIMIZERS_DRAWN.values())
    figure = draw_paths(starts=[(4.8, -4.8)], steps=200)
    assert [axes.get_title().split("\n")[0] for axes in figure.axes] == list(OPTIMIZERS_DRAWN)
    assert all(axes.get_title().endswith("1 of 1 in the deepest") for axes in figure.axes)


def test_the_starting_point_decides_which_minimum_is_found() -> None:
    figure = draw_paths(
        optimizers={"gradient descent": GradientDescent(learning_rate=0.1)},
        starts=[(4.8, -4.8), (-3, 3)],
        steps=200,
    )
    assert figure.axes[0].get_title().endswith("1 of 2 in the deepest")
    with pytest.raises(UsageError, match="no optimizer 'adm'"):
        optimizer_path(TiltedHimmelblau(), "adm", np.zeros(2), 3)


def page_data(page: str) -> dict[str, object]:
    found = re.search(r"const data = (.*);\n", page)
    assert found
    return json.loads(found[1])  # type: ignore[no-any-return]


def test_the_animation_shows_the_networks_predictions(
    learning: tuple[Trace, np.ndarray, np.ndarray],
) -> None:
    trace, X, classes = learning
    page = animation(trace, X, classes, [0, 40], title="</script><b>")
    assert "</script><b>" not in page
    assert set(re.findall(r"https?://[^\"' ]*", page)) == {"http://www.w3.org/2000/svg"}, (
        "a name, not an address that is loaded"
    )
    data = page_data(page)
    assert data["title"] == "</script><b>"
    assert data["layers"] == [2, 6, 3]
    frames = data["frames"]
    assert [each["step"] for each in frames] == [0, 40]  # type: ignore[attr-defined]
    codes = np.frombuffer(base64.b64decode(frames[1]["field"]), np.uint8).reshape(72, 72)  # type: ignore[index]
    number, _ = decision_field(trace.at(40), plot_extent(X), 72)
    assert np.array_equal(codes // 40, number)
    assert np.allclose(frames[1]["weights"][0], trace.weights(40)[0].ravel(), atol=6e-4)  # type: ignore[index]


def test_what_cannot_be_animated(learning: tuple[Trace, np.ndarray, np.ndarray]) -> None:
    trace, X, classes = learning
    with pytest.raises(
        UsageError, match="classes must be numbers from 0 to at most 5; they go from 0 to 6"
    ):
        animation(trace, X, np.where(classes == 2, 6, classes))
    wide = Network((2, 200, 3))
    large = Trace(wide, np.array([0]), wide.params[None], np.ones(1), wide.params[None])
    with pytest.raises(UsageError, match="up to 400 weights can be drawn; this one has 1000"):
        animation(large, X, classes)
