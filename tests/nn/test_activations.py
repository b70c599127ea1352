"""Activations: values by hand and by independent formulas; derivatives by differences."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special, stats
from tests.nn import differences

from galfeat import UsageError
from galfeat.nn.activations import ACTIVATIONS, Elementwise, Elu, LeakyRelu, get_activation

ELEMENTWISE = [
    name for name, activation in ACTIVATIONS.items() if isinstance(activation, Elementwise)
]


@pytest.mark.parametrize(
    ("name", "z", "value"),
    [
        ("identity", -3.0, -3.0),
        ("step", -0.1, 0.0),
        ("step", 0.0, 1.0),
        ("sigmoid", 0.0, 0.5),
        ("sigmoid", math.log(3), 0.75),
        ("tanh", math.log(2), 0.6),
        ("relu", -2.0, 0.0),
        ("relu", 2.0, 2.0),
        ("softplus", 0.0, math.log(2)),
        ("leaky_relu", -2.0, -0.02),
        ("elu", -math.log(2), -0.5),
        ("selu", 1.0, 1.0507009873554805),
        ("selu", -100.0, -1.7580993408473766),
        ("gelu", 1.0, 0.8413447460685429),
        ("silu", math.log(3), 0.75 * math.log(3)),
        ("mish", 0.0, 0.0),
        ("mish", math.log(2), 0.8 * math.log(2)),
    ],
)
def test_pencil_numbers(name: str, z: float, value: float) -> None:
    assert ACTIVATIONS[name].value(np.array([[z]]))[0, 0] == pytest.approx(
        value, rel=1e-14, abs=1e-15
    )


def test_values_agree_with_other_formulas(rng: np.random.Generator) -> None:
    z = rng.uniform(-20, 20, (40, 5))
    assert_allclose(ACTIVATIONS["gelu"].value(z), z * stats.norm.cdf(z), rtol=1e-12)
    assert_allclose(ACTIVATIONS["mish"].value(z), z * np.tanh(np.log1p(np.exp(z))), rtol=1e-12)
    assert_allclose(ACTIVATIONS["softmax"].value(z), special.softmax(z, axis=1), rtol=1e-13)


@pytest.mark.parametrize("classes", [1, 2, 64, 65, 300])
def test_softmax_of_few_and_of_many_classes(classes: int, rng: np.random.Generator) -> None:
    z = rng.uniform(-20, 20, (7, classes))
    before = z.copy()
    assert_allclose(ACTIVATIONS["softmax"].value(z), special.softmax(z, axis=1), rtol=1e-13)
    assert_allclose(
        ACTIVATIONS["softmax"].value(z[2:3]), ACTIVATIONS["softmax"].value(z)[2:3], rtol=1e-14
    )
    assert_array_equal(z, before)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_slope_and_curvature_are_the_differences_of_the_value(name: str) -> None:
    # no point at a kink
    z = np.concatenate([np.linspace(-6, 6, 49) + 0.03, [-30.0, 30.0]]).reshape(-1, 1)
    activation = ACTIVATIONS[name]
    assert isinstance(activation, Elementwise)
    a, one = activation.value(z), np.ones_like(z)
    assert_allclose(
        activation.slope(z, a), differences.directional(activation.value, z, one), atol=3e-9
    )
    slopes = differences.directional(lambda x: activation.slope(x, activation.value(x)), z, one)
    assert_allclose(activation.curvature(z, a), slopes, atol=3e-9)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_pull_push_and_pull_along_are_the_jacobian(name: str, rng: np.random.Generator) -> None:
    activation = ACTIVATIONS[name]
    z, delta, r_z, r_delta = (rng.standard_normal((3, 4)) for _ in range(4))

    def pulled(x: np.ndarray, d: np.ndarray) -> np.ndarray:
        result = d.copy()
        activation.pull(result, x, activation.value(x))
        return result

    a = activation.value(z)
    assert_allclose(
        pulled(z, delta),
        differences.gradient(lambda x: float((delta * activation.value(x)).sum()), z),
        atol=1e-8,
    )
    assert_allclose(
        activation.push(r_z, z, a), differences.directional(activation.value, z, r_z), atol=1e-8
    )
    step = 1e-6
    moved = (
        pulled(z + step * r_z, delta + step * r_delta)
        - pulled(z - step * r_z, delta - step * r_delta)
    ) / (2 * step)
    assert_allclose(activation.pull_along(delta, r_delta, z, a, r_z), moved, atol=1e-8)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_large_sums_stay_finite_and_keep_their_dtype(name: str, dtype: str) -> None:
    z = np.array([[-1e4, -700.0, -89.0, -1.0], [0.0, 1.0, 89.0, 1e4]], dtype=dtype)
    activation = ACTIVATIONS[name]
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        a = activation.value(z)
        delta = np.ones_like(z)
        activation.pull(delta, z, a)
        along = activation.pull_along(np.ones_like(z), np.ones_like(z), z, a, np.ones_like(z))
        pushed = activation.push(np.ones_like(z), z, a)
    for array in (a, delta, along, pushed):
        assert array.dtype == dtype
        assert np.isfinite(array).all()
    exact = activation.value(z.astype(np.float64))
    assert_allclose(a, exact, rtol=1e-5 if dtype == "float32" else 1e-14, atol=1e-30)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_out_receives_the_value(name: str, rng: np.random.Generator) -> None:
    z = rng.standard_normal((3, 4))
    room = np.empty_like(z)
    assert ACTIVATIONS[name].value(z, out=room) is room
    assert_array_equal(room, ACTIVATIONS[name].value(z))


def test_slope_at_a_kink_is_the_left_one() -> None:
    zero = np.zeros((1, 1))
    slopes = [
        activation.slope(zero, activation.value(zero))[0, 0]
        for activation in (get_activation("relu"), LeakyRelu(0.2))
        if isinstance(activation, Elementwise)
    ]
    assert slopes == [0.0, 0.2]


def test_parameters_of_an_activation_count() -> None:
    assert Elu(alpha=2.0).value(np.array([[-math.log(2)]]))[0, 0] == pytest.approx(-1.0)
    assert LeakyRelu(0.5).value(np.array([[-2.0]]))[0, 0] == -1.0


def test_names() -> None:
    assert get_activation("logistic") is get_activation("sigmoid")
    assert get_activation("soft_relu") is get_activation("softplus")
    assert get_activation(ACTIVATIONS["elu"]) is ACTIVATIONS["elu"]
    with pytest.raises(UsageError, match=r"no activation 'rleu'; choose one of identity, step"):
        get_activation("rleu")
