"""Public names of galfeat.nn."""

import pytest

import galfeat.nn


def test_face() -> None:
    assert galfeat.nn.__all__ == [
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
    assert all(hasattr(galfeat.nn, name) for name in galfeat.nn.__all__)
    assert set(galfeat.nn.__all__) <= set(dir(galfeat.nn))
    with pytest.raises(AttributeError, match="has no attribute 'MLPClasifier'"):
        _ = galfeat.nn.MLPClasifier  # type: ignore[attr-defined]
