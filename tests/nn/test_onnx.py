"""Predictions of exported networks in ONNX Runtime."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from galfeat import UsageError, __version__
from galfeat.nn import MLPClassifier, MLPRegressor, save_onnx, to_onnx
from galfeat.nn.activations import ACTIVATIONS, Elu, LeakyRelu, Relu
from galfeat.nn.losses import LOSSES

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

RNG = np.random.default_rng(4)
X = RNG.standard_normal((90, 6))
Y = np.array(["agn", "merger", "spiral"])[
    np.argmax(X[:, :3] + RNG.standard_normal((90, 3)), axis=1)
]
NEW = 3 * RNG.standard_normal((500, 6))


def classifier(**settings: Any) -> MLPClassifier:
    basic: dict[str, Any] = {
        "hidden_layer_sizes": (12, 7),
        "max_iter": 30,
        "tol": None,
        "learning_rate_init": 0.01,
        "random_state": 0,
    }
    return MLPClassifier(**(basic | settings)).fit(X, Y)


def opened(what: Any) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(what, options, providers=["CPUExecutionProvider"])


def run(model: MLPClassifier | MLPRegressor, new: np.ndarray = NEW) -> dict[str, np.ndarray]:
    session = opened(to_onnx(model).SerializeToString())
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"X": new.astype(model.dtype)}), strict=True))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "activation", [*ACTIVATIONS, LeakyRelu(0.3), Elu(alpha=0.5, scale=2.0)], ids=str
)
def test_every_activation_predicts_the_same(activation: Any, dtype: Any) -> None:
    model = classifier(activation=activation, dtype=dtype)
    outputs = run(model)
    assert set(outputs) == {"label", "probabilities"}
    assert outputs["probabilities"].dtype == dtype
    rounding = (
        1e-5 if dtype == "float32" else 1e-6
    )  # some tens of float32's steps: two ways to add up, two exponential functions
    assert_allclose(outputs["probabilities"], model.predict_proba(NEW), rtol=0, atol=rounding)
    assert np.mean(outputs["label"] == model.predict(NEW)) == 1


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name not in {"gelu"}])
def test_double_precision_is_kept(activation: str) -> None:
    model = classifier(activation=activation)
    assert_allclose(run(model)["probabilities"], model.predict_proba(NEW), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(
    "activation", ["sigmoid", "softplus", "elu", "silu", "mish", "gelu", "tanh", "step"]
)
def test_large_inputs_do_not_overflow(activation: str) -> None:
    model = classifier(activation=activation, dtype="float32")
    assert_allclose(
        run(model, 1e4 * NEW)["probabilities"], model.predict_proba(1e4 * NEW), rtol=0, atol=1e-3
    )


@pytest.mark.parametrize("calibrated", [False, True])
@pytest.mark.parametrize("networks", [1, 3])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_ensemble_size_and_temperature(
    loss: str, networks: int, calibrated: bool
) -> None:
    model = classifier(loss=loss, n_networks=networks, calibration=calibrated)
    outputs = run(model)
    assert_array_equal(outputs["label"], model.predict(NEW))
    if hasattr(model, "predict_proba"):
        assert not calibrated or model.temperature_ != 1
        assert_allclose(outputs["probabilities"], model.predict_proba(NEW), rtol=0, atol=1e-9)
    else:
        assert_allclose(outputs["scores"], model.decision_function(NEW), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "labels",
    [np.arange(90) % 3 + 7, np.arange(90) % 2 == 0, (np.arange(90) % 2) * 2.0, Y.astype(object)],
)
def test_labels_keep_their_kind(labels: np.ndarray) -> None:
    model = MLPClassifier((5,), max_iter=3, tol=None, random_state=0).fit(X, labels)
    outputs = run(model)["label"]
    assert_array_equal(outputs, model.predict(NEW))
    assert outputs.dtype == model.classes_.dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("loss", "target"),
    [
        ("half_squared_error", X[:, 0] - X[:, 1]),
        ("mean_squared_error", X[:, :2]),
        ("binary_cross_entropy", (X[:, :1] > 0).astype(float)),
        ("cross_entropy", np.eye(3)[np.arange(90) % 3]),
    ],
)
def test_a_regressor_predicts_the_same(loss: str, target: np.ndarray, dtype: Any) -> None:
    model = MLPRegressor(
        (9,), "tanh", loss=loss, n_networks=2, max_iter=20, tol=None, random_state=0, dtype=dtype
    ).fit(X, target)
    outputs = run(model)["prediction"]
    assert outputs.shape == model.predict(NEW).shape
    assert_allclose(outputs, model.predict(NEW), rtol=1e-6, atol=1e-6)


def test_the_metadata_describe_the_model(tmp_path: Path) -> None:
    save_onnx(classifier(), tmp_path / "m.onnx")
    made = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(made, full_check=True)
    metadata = {each.key: each.value for each in made.metadata_props}
    assert (made.producer_name, made.producer_version) == ("galfeat", __version__)
    assert json.loads(metadata["classes"]) == ["agn", "merger", "spiral"]
    assert metadata["estimator"] == "MLPClassifier"
    assert json.loads(metadata["settings"])["activation"] == "relu"
    assert [each.type.tensor_type.shape.dim[1].dim_value for each in made.graph.input] == [6]
    session = opened(str(tmp_path / "m.onnx"))
    assert (
        session.run(["label"], {"X": NEW[:1]})[0].tolist() == classifier().predict(NEW[:1]).tolist()
    )


class Own(Relu):
    """An activation that ONNX cannot know."""


def test_unsupported_models_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"not one of galfeat\.nn"):
        to_onnx(classifier(activation=Own()))
    with pytest.raises(UsageError, match="fit first"):
        to_onnx(MLPRegressor())
    with pytest.raises(
        UsageError, match="only MLPClassifier and MLPRegressor can be exported; got dict"
    ):
        to_onnx({})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="cannot write"):
        save_onnx(classifier(), tmp_path / "absent" / "m.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UsageError, match=r"pip install 'galfeat\[onnx\]'"):
        to_onnx(classifier())
