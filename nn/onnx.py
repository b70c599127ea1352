"""Export of trained networks to ONNX, for inference without this package or Python.

Needs the extra ``onnx`` (``pip install 'galfeat[onnx]'``). Only standard ONNX operators (opset 17)
are used. ONNX Runtime implements all of them in float64, except the error function in `gelu`, which
it has in float32 only.
"""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

from galfeat import UsageError, __version__
from galfeat.nn.activations import (
    Activation,
    Elu,
    Gelu,
    Identity,
    LeakyRelu,
    Mish,
    Relu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    Step,
    Tanh,
)
from galfeat.nn.estimators.classifier import MLPClassifier
from galfeat.nn.estimators.regressor import MLPRegressor
from galfeat.nn.losses import BinaryCrossEntropy, CrossEntropy, get_loss
from galfeat.nn.network import Network

__all__ = ["save_onnx", "to_onnx"]

_OPSET, _IR_VERSION = 17, 8


def save_onnx(model: MLPClassifier | MLPRegressor, path: str | Path) -> None:
    """Write a trained estimator as an ONNX file; see `to_onnx`.

    Raises
    ------
    UsageError
        As `to_onnx`; also if the file cannot be written.
    """
    data = to_onnx(model).SerializeToString()
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


def to_onnx(model: MLPClassifier | MLPRegressor) -> Any:
    """Convert a trained estimator to an ``onnx.ModelProto``.

    The input ``X`` has shape (n, features) and the estimator's dtype. A classifier has the outputs
    ``label``, shape (n,), and ``probabilities``, shape (n, k), with the temperature applied, or
    ``scores`` where its loss gives no probabilities; a regressor has ``prediction``, of the shape
    of `predict`. Ensembles are averaged. The metadata contain the estimator's name, its settings
    as text, the version of galfeat, and the classes as a JSON list.

    Parameters
    ----------
    model : MLPClassifier or MLPRegressor

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    UsageError
        If onnx is not installed, the model is not trained, or its activation is not one of
        `galfeat.nn.activations`.

    Notes
    -----
    In float32, outputs differ from `predict_proba` by rounding errors of about 1e-7 (relative); in
    float64, so do those of networks with `gelu`.
    """
    if not isinstance(model, MLPClassifier | MLPRegressor):
        raise UsageError(
            f"only MLPClassifier and MLPRegressor can be exported; got {type(model).__name__}"
        )
    if not model.__sklearn_is_fitted__():
        raise UsageError("there is nothing to export yet: train the network with fit first")
    graph = _Graph(_imported(), np.dtype(model.dtype))
    network_outputs = [_network(graph, network) for network in model.networks_]
    outputs = (
        _classifier_outputs(graph, model, network_outputs)
        if isinstance(model, MLPClassifier)
        else _regressor_outputs(graph, model, network_outputs)
    )
    return graph.model(model, outputs)


def _imported() -> ModuleType:
    try:
        import onnx
    except ImportError as error:
        raise UsageError(
            "exporting needs the package onnx; install it with: pip install 'galfeat[onnx]'"
        ) from error
    return onnx


class _Graph:
    """An ONNX graph under construction: operators in order of execution, with named values."""

    def __init__(self, onnx: ModuleType, dtype: np.dtype[Any]) -> None:
        self.onnx, self.dtype = onnx, dtype
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def __call__(self, operator: str, *inputs: Any, **attributes: Any) -> str:
        """Add an operator, with numeric inputs as constants; return the name of its output."""
        name = f"v{len(self.nodes)}"
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        self.nodes.append(self.onnx.helper.make_node(operator, names, [name], **attributes))
        return name

    def constant(self, value: Any) -> str:
        """Add a constant array, or a number in the network's dtype; return its name."""
        array = value if isinstance(value, np.ndarray) else np.array(value, dtype=self.dtype)
        name = f"c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def add_output(self, name: str, value: str) -> None:
        """Expose a value as an output of the model."""
        self.nodes.append(self.onnx.helper.make_node("Identity", [value], [name]))

    def model(
        self,
        model: MLPClassifier | MLPRegressor,
        outputs: list[tuple[str, np.dtype[Any], list[Any]]],
    ) -> Any:
        """Assemble the ``ModelProto`` and check it."""
        helper = self.onnx.helper
        information = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dtype), shape)
            for name, dtype, shape in [("X", self.dtype, ["n", model.n_features_in_]), *outputs]
        ]
        graph = helper.make_graph(
            self.nodes, "galfeat", information[:1], information[1:], self.constants
        )
        proto = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="galfeat",
            producer_version=__version__,
            doc_string=f"{type(model).__name__} trained with galfeat",
        )
        helper.set_model_props(proto, _metadata(model))
        self.onnx.checker.check_model(proto)
        return proto


def _metadata(model: MLPClassifier | MLPRegressor) -> dict[str, str]:
    settings = {name: str(value) for name, value in model.get_params(deep=False).items()}
    metadata = {
        "estimator": type(model).__name__,
        "galfeat": __version__,
        "settings": json.dumps(settings),
    }
    if hasattr(model, "feature_names_in_"):
        metadata["features"] = json.dumps([str(name) for name in model.feature_names_in_])
    if isinstance(model, MLPClassifier):
        metadata |= {
            "classes": json.dumps(model.classes_.tolist()),
            "temperature": str(model.temperature_),
        }
    return metadata


def _network(graph: _Graph, network: Network) -> str:
    value = "X"
    for weight, bias, activation in zip(
        network.weights, network.biases, network.activations, strict=True
    ):
        z = graph("Add", graph("MatMul", value, weight), bias)
        value = _activation(graph, activation, z)
    return value


def _activation(graph: _Graph, activation: Activation, z: str) -> str:
    if type(activation) not in _ACTIVATIONS:
        raise UsageError(
            f"the activation {activation!r} is not one of galfeat.nn and cannot be exported to ONNX"
        )
    return _ACTIVATIONS[type(activation)](graph, activation, z)


def _step(graph: _Graph, _: Any, z: str) -> str:
    return graph("Where", graph("GreaterOrEqual", z, 0.0), 1.0, 0.0)


def _softplus(graph: _Graph, _: Any, z: str) -> str:
    """Return max(z, 0) + log(1 + exp(-|z|)), which cannot overflow."""
    tail = graph("Log", graph("Add", graph("Exp", graph("Neg", graph("Abs", z))), 1.0))
    return graph("Add", graph("Relu", z), tail)


def _leaky(graph: _Graph, activation: Any, z: str) -> str:
    return graph("Where", graph("Greater", z, 0.0), z, graph("Mul", z, activation.negative_slope))


def _elu(graph: _Graph, activation: Any, z: str) -> str:
    floor = graph("Mul", graph("Sub", graph("Exp", graph("Min", z, 0.0)), 1.0), activation.alpha)
    return graph("Mul", graph("Where", graph("Greater", z, 0.0), z, floor), activation.scale)


def _gelu(graph: _Graph, _: Any, z: str) -> str:
    """Return z (1 + erf(z / sqrt 2)) / 2."""
    scaled = graph("Mul", z, float(np.sqrt(0.5)))
    float32, own_type = 1, 11 if graph.dtype == np.float64 else 1  # TensorProto.FLOAT, DOUBLE
    erf = graph("Cast", graph("Erf", graph("Cast", scaled, to=float32)), to=own_type)
    return graph("Mul", graph("Mul", z, 0.5), graph("Add", erf, 1.0))


def _silu(graph: _Graph, _: Any, z: str) -> str:
    """Return z / (1 + exp(-z)).

    ONNX Runtime up to 1.19 fuses z times its sigmoid to an operator that exists in float32 only.
    """
    return graph("Div", z, graph("Add", graph("Exp", graph("Neg", z)), 1.0))


def _mish(graph: _Graph, activation: Any, z: str) -> str:
    return graph("Mul", z, graph("Tanh", _softplus(graph, activation, z)))


def _simple(operator: str, **attributes: Any) -> Callable[["_Graph", Any, str], str]:
    return lambda graph, _, z: graph(operator, z, **attributes)


_Writer: TypeAlias = Callable[[_Graph, Any, str], str]
_ACTIVATIONS: dict[type[Activation], _Writer] = {
    Identity: lambda _graph, _, z: z,
    Step: _step,
    Sigmoid: _simple("Sigmoid"),
    Tanh: _simple("Tanh"),
    Relu: _simple("Relu"),
    Softplus: _softplus,
    LeakyRelu: _leaky,
    Elu: _elu,
    Gelu: _gelu,
    Silu: _silu,
    Mish: _mish,
    Softmax: _simple("Softmax", axis=1),
}


def _mean(graph: _Graph, values: list[str]) -> str:
    total = values[0]
    for value in values[1:]:
        total = graph("Add", total, value)
    return total if len(values) == 1 else graph("Mul", total, 1 / len(values))


def _classifier_outputs(
    graph: _Graph, model: MLPClassifier, outputs: list[str]
) -> list[tuple[str, np.dtype[Any], list[Any]]]:
    loss, k, temperature = get_loss(model.loss), len(model.classes_), model.temperature_
    has_probabilities = isinstance(loss, CrossEntropy | BinaryCrossEntropy)
    # log sigmoid(o), which the softmax normalizes to sum to 1
    if isinstance(loss, BinaryCrossEntropy):
        outputs = [graph("Neg", _softplus(graph, None, graph("Neg", value))) for value in outputs]
    if has_probabilities and len(outputs) > 1:
        value = _log_mean_exp(graph, [graph("LogSoftmax", value, axis=1) for value in outputs])
    else:
        value = _mean(graph, outputs)
    labels = model.classes_
    if labels.dtype.kind in "OU":
        labels = np.array([str(label) for label in labels], dtype=object)
    graph.add_output(
        "label", graph("Gather", labels, graph("ArgMax", value, axis=1, keepdims=0), axis=0)
    )
    if temperature is not None:
        scaled = value if temperature == 1 else graph("Div", value, temperature)
        graph.add_output("probabilities", graph("Softmax", scaled, axis=1))
    else:
        graph.add_output("scores", value)
    return [
        ("label", labels.dtype, ["n"]),
        ("scores" if temperature is None else "probabilities", graph.dtype, ["n", k]),
    ]


def _log_mean_exp(graph: _Graph, logs: list[str]) -> str:
    """Return the logarithm of the mean of the exponentials, without overflow."""
    largest = graph("Max", *logs)
    mean = _mean(graph, [graph("Exp", graph("Sub", value, largest)) for value in logs])
    return graph("Add", largest, graph("Log", mean))


def _regressor_outputs(
    graph: _Graph, model: MLPRegressor, outputs: list[str]
) -> list[tuple[str, np.dtype[Any], list[Any]]]:
    loss = get_loss(model.loss)
    operator = (
        "Softmax"
        if isinstance(loss, CrossEntropy)
        else "Sigmoid"
        if isinstance(loss, BinaryCrossEntropy)
        else None
    )
    attributes = {"axis": 1} if operator == "Softmax" else {}
    if operator is not None:
        outputs = [graph(operator, each, **attributes) for each in outputs]
    value = _mean(graph, outputs)
    if model.flat_targets_:
        graph.add_output("prediction", graph("Reshape", value, np.array([-1], dtype=np.int64)))
        return [("prediction", graph.dtype, ["n"])]
    graph.add_output("prediction", value)
    return [("prediction", graph.dtype, ["n", model.n_outputs_])]
