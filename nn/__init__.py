"""The shallow multilayer perceptron, from the neuron to the estimator.

`MLPClassifier` and `MLPRegressor` are what most people need. The parts that it is made of, one concept a file:

``activations``, ``losses`` (both with ``columns``), ``initializers``
    value and derivative side by side; where the weights begin.
``layout``, ``network``, ``objective``
    dense layers over one flat parameter vector, forward and backward; loss plus penalty.
``second_order``, ``gradient_check``
    Hessian-vector products and the Hessian, exactly; backpropagation against differences.
``optimizers``, ``schedules``
    state in, state out; how the learning rate falls.
``landscape``, ``newton``, ``lbfgs``
    the objective over all samples as a surface, and two ways down it that know how it bends.
``perceptron``, ``approximation``
    one neuron that learns from its mistakes; any function of one variable as a network.
``samples``, ``splitting``, ``training``, ``validation``, ``dropout``
    batches, the samples that early stopping sets aside, the loop, how long to go on, and units left out on the way.
``descending``, ``committee``
    Newton and L-BFGS in the loop's place; several networks that learn side by side.
``trace``, ``drawing``
    training as it went, step by step; the lecture's pictures, and a page on which a network learns.
``blocks``, ``threads``, ``probabilities``, ``calibration``
    prediction whose bits do not depend on the batch; how sure it is, and how sure it should be.
``estimator``, ``fitted``, ``classifier``, ``regressor``, ``settings``
    what scikit-learn sees.
``plain``, ``state``, ``files``, ``onnx``
    a trained network as settings and arrays, in a file, and for other programs.

Nothing here knows a galaxy: arrays in, arrays out.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from galfeat.nn.approximation import relu_approximation
    from galfeat.nn.classifier import MLPClassifier
    from galfeat.nn.gradient_check import check_gradient
    from galfeat.nn.layout import parameter_count
    from galfeat.nn.network import Network
    from galfeat.nn.onnx import save_onnx, to_onnx
    from galfeat.nn.perceptron import Perceptron
    from galfeat.nn.regressor import MLPRegressor

__all__ = [
    "MLPClassifier",
    "MLPRegressor",
    "Network",
    "Perceptron",
    "check_gradient",
    "parameter_count",
    "relu_approximation",
    "save_onnx",
    "to_onnx",
]

_WHERE = {
    "MLPClassifier": "classifier",
    "MLPRegressor": "regressor",
    "Network": "network",
    "Perceptron": "perceptron",
    "check_gradient": "gradient_check",
    "parameter_count": "layout",
    "relu_approximation": "approximation",
    "save_onnx": "onnx",
    "to_onnx": "onnx",
}


def __getattr__(name: str) -> object:
    """Import a name when it is first asked for: scikit-learn takes a second to load."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
