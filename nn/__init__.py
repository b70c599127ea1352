"""Multilayer perceptrons: scikit-learn estimators and the components they are built from.

Most users need only `MLPClassifier` and `MLPRegressor`. The components, one concept per module:

``activations``, ``activation_base``, ``losses``, ``initializers``
    functions with their derivatives; initial weights.
``layout``, ``network``, ``dropout``
    dense layers over one flat parameter vector, forward pass and backpropagation; dropout.
``optimizers``, ``schedules``
    first-order optimizers in functional style; learning-rate schedules.
``training``
    the mini-batch loop, early stopping, ensembles; Newton's method and L-BFGS on the full batch;
    exact Hessians; gradient checks.
``estimators``, ``matmul``
    the scikit-learn interface; prediction independent of the batch size; calibrated probabilities.
``saving``, ``onnx``
    trained networks as files of settings and arrays; export to ONNX.
``lecture``
    the perceptron, universal approximation, figures and an animation of training.

This subpackage is independent of astronomy: arrays in, arrays out.
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
