"""The shallow multilayer perceptron, from the neuron to the estimator.

`MLPClassifier` and `MLPRegressor` are what most people need. The parts that it is made of, one
concept a file:

``activations``, ``losses``, ``initializers``
    value and derivative side by side; where the weights begin.
``layout``, ``network``, ``dropout``
    dense layers over one flat parameter vector, forward and backward; units left out in training.
``optimizers``, ``schedules``
    state in, state out; how the learning rate falls.
``training``
    the mini-batch loop, early stopping, ensembles; Newton and L-BFGS on the full batch; exact
    Hessians; gradient checks.
``estimators``
    what scikit-learn sees; prediction whose bits do not depend on the batch; calibrated
    probabilities.
``saving``, ``onnx``
    a trained network as settings and arrays, in a file, and for other programs.
``lecture``
    the perceptron, any function of one variable as a network, the lecture's figures, and a page on
    which a network learns.

Nothing here knows a galaxy: arrays in, arrays out.
"""

from typing import TYPE_CHECKING

from galfeat._lazy import lazy_attributes

if TYPE_CHECKING:
    from galfeat.nn.estimators.classifier import MLPClassifier
    from galfeat.nn.estimators.regressor import MLPRegressor
    from galfeat.nn.layout import parameter_count
    from galfeat.nn.lecture.approximation import relu_approximation
    from galfeat.nn.lecture.perceptron import Perceptron
    from galfeat.nn.network import Network
    from galfeat.nn.onnx import save_onnx, to_onnx
    from galfeat.nn.training.gradient_check import check_gradient
else:  # scikit-learn takes a second to load
    __getattr__, __dir__ = lazy_attributes(
        __name__,
        {
            "MLPClassifier": "estimators.classifier",
            "MLPRegressor": "estimators.regressor",
            "Network": "network",
            "Perceptron": "lecture.perceptron",
            "check_gradient": "training.gradient_check",
            "parameter_count": "layout",
            "relu_approximation": "lecture.approximation",
            "save_onnx": "onnx",
            "to_onnx": "onnx",
        },
    )

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
