"""What a model file holds comes back bit for bit, and what does not fit is refused in words."""

import io
import json
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from galfeat import UsageError
from galfeat.nn import MLPClassifier
from galfeat.nn.activations import LeakyRelu
from galfeat.nn.optimizers import Adam

X = np.random.default_rng(0).standard_normal((60, 4))
Y = np.array(["agn", "merger", "spiral"])[np.arange(60) % 3]


@pytest.fixture
def state() -> dict[str, Any]:
    return MLPClassifier((6,), max_iter=5, tol=None, random_state=0, dtype="float32").fit(X, Y).get_state()


@pytest.mark.parametrize("labels", [Y, Y.astype(object), np.arange(60) % 3, np.arange(60) % 2 == 0])
def test_round_trip_through_json_and_arrays(labels: np.ndarray) -> None:
    weight = dict.fromkeys(np.unique(labels)[:1].tolist(), 2.0) | dict.fromkeys(np.unique(labels)[1:].tolist(), 1.0)
    model = MLPClassifier(
        (6, 5), LeakyRelu(0.2), solver=Adam(learning_rate=0.01), max_iter=5, tol=None, random_state=0, class_weight=weight
    ).fit(X, labels)
    state = model.get_state()
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    text = json.dumps({name: value for name, value in state.items() if name not in arrays})
    file = io.BytesIO()
    np.savez(file, params=arrays["params"], classes=arrays["classes"])
    file.seek(0)
    with np.load(file, allow_pickle=False) as read:
        back = MLPClassifier.from_state(json.loads(text) | dict(read))
    assert_array_equal(back.predict_proba(X), model.predict_proba(X))
    assert_array_equal(back.predict(X), model.predict(X))
    assert back.get_params() == model.get_params()
    assert (back.n_iter_, back.loss_curve_, back.n_features_in_) == (model.n_iter_, model.loss_curve_, 4)
    assert_array_equal(back.set_params(warm_start=True).fit(X, labels).classes_, model.classes_)


def test_state_is_a_copy(state: dict[str, Any]) -> None:
    model = MLPClassifier.from_state(state)
    before = model.predict_proba(X)
    state["params"][...] = 0
    assert_array_equal(model.predict_proba(X), before)


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("format", "galfeat.nn 99", "in the format 'galfeat.nn 99'"),
        ("estimator", "os.system", "saved 'os.system'"),
        ("layers", [4, 6], "do not go with"),
        ("layers", [10**9, 6, 3], "finite numbers of float32"),
        ("layers", [4, True, 3], "list of whole numbers"),
        ("layers", "4,6,3", "list of whole numbers"),
        ("params", np.zeros(3, np.float32), r"must be 51 finite numbers of float32; got float32 of shape \(3,\)"),
        ("params", np.zeros(51), "got float64"),
        ("params", np.full(51, np.nan, np.float32), "finite"),
        ("params", np.array([print] * 51, dtype=object), "one-dimensional array of numbers or words; got object"),
        ("params", [0.0] * 51, "got list"),
        ("classes", np.array(["agn", "agn", "spiral"]), "each once"),
        ("classes", np.array([print, len, id]), "got object"),
        ("n_iter", -1, "n_iter"),
        ("loss_curve", ["a"], "loss_curve"),
        ("settings", {}, "not those of MLPClassifier"),
    ],
)
def test_entries_that_do_not_fit_are_refused(state: dict[str, Any], entry: str, value: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        MLPClassifier.from_state(state | {entry: value})


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("activation", {"type": "Popen", "args": "ls"}),
        ("activation", {"type": "Elu", "gamma": 1.0}),
        ("solver", {"type": "Adam", "learning_rate": "fast"}),
        ("alpha", -1.0),
        ("class_weight", [["agn"]]),
        ("max_iter", [[1]]),
        ("activation", "eval"),
    ],
)
def test_settings_that_do_not_fit_are_refused(state: dict[str, Any], setting: str, value: Any) -> None:
    with pytest.raises(UsageError):
        MLPClassifier.from_state(state | {"settings": state["settings"] | {setting: value}})


def test_missing_and_superfluous_entries_are_named(state: dict[str, Any]) -> None:
    del state["params"]
    with pytest.raises(UsageError, match="code, params"):
        MLPClassifier.from_state(state | {"code": "import os"})
    with pytest.raises(UsageError, match="must be a mapping"):
        MLPClassifier.from_state([])  # type: ignore[arg-type]


def test_there_must_be_something_to_save() -> None:
    with pytest.raises(UsageError, match="train the classifier with fit first"):
        MLPClassifier().get_state()
