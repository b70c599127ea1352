"""Saved estimators: bitwise round trips, and refusal of invalid states."""

import copy
import inspect
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from galfeat import UsageError
from galfeat.nn import MLPClassifier, MLPRegressor
from galfeat.nn.activations import LeakyRelu
from galfeat.nn.losses import BinaryCrossEntropy
from galfeat.nn.optimizers import Adam
from galfeat.nn.saving.archive import read_file, write_file
from galfeat.nn.schedules import Cosine

X = np.random.default_rng(0).standard_normal((60, 4))
Y = np.array(["agn", "merger", "spiral"])[np.arange(60) % 3]


def trained(**settings: Any) -> MLPClassifier:
    basic: dict[str, Any] = {
        "hidden_layer_sizes": (6,),
        "max_iter": 5,
        "tol": None,
        "random_state": 0,
    }
    return MLPClassifier(**(basic | settings)).fit(X, Y)


@pytest.fixture
def state() -> dict[str, Any]:
    return trained(dtype="float32").get_state()


@pytest.mark.parametrize(
    "labels",
    [Y, Y.astype(object), np.arange(60) % 3, np.arange(60) % 2 == 0, (np.arange(60) % 2) * 2.0],
)
def test_a_classifier_comes_back_from_its_file(tmp_path: Path, labels: np.ndarray) -> None:
    weight = dict.fromkeys(np.unique(labels)[:1].tolist(), 2.0) | dict.fromkeys(
        np.unique(labels)[1:].tolist(), 1.0
    )
    settings: dict[str, Any] = {
        "solver": Adam(learning_rate=0.01),
        "loss": BinaryCrossEntropy(),
        "learning_rate": Cosine(floor=0.1),
    }
    model = MLPClassifier(
        (6, 5),
        LeakyRelu(0.2),
        max_iter=5,
        tol=None,
        random_state=0,
        class_weight=weight,
        n_networks=2,
        calibration=True,
        **settings,
    ).fit(X, labels)
    model.save(tmp_path / "m")
    back = MLPClassifier.load(tmp_path / "m")
    assert_array_equal(back.predict_proba(X), model.predict_proba(X))
    assert_array_equal(back.predict(X), model.predict(X))
    assert back.get_params() == model.get_params()
    assert (back.n_iter_, back.loss_curve_, back.n_features_in_, back.t_) == (
        model.n_iter_,
        model.loss_curve_,
        4,
        model.t_,
    )
    assert_array_equal(back.set_params(warm_start=True).fit(X, labels).classes_, model.classes_)


@pytest.mark.parametrize("target", [X[:, 0], X[:, :1], X[:, :2]])
def test_a_regressor_comes_back_from_its_file(tmp_path: Path, target: np.ndarray) -> None:
    model = MLPRegressor(
        (6,), "gelu", dtype="float32", max_iter=5, tol=None, random_state=0, n_networks=3
    ).fit(X, target)
    model.save(tmp_path / "m")
    back = MLPRegressor.load(tmp_path / "m")
    assert_array_equal(back.predict(X), model.predict(X))
    assert back.predict(X).shape == target.shape
    with pytest.raises(
        UsageError, match=r"a saved 'MLPRegressor' in the format .*; expected 'MLPClassifier'"
    ):
        MLPClassifier.load(tmp_path / "m")


def test_a_margin_loss_has_no_temperature(tmp_path: Path) -> None:
    trained(loss="hinge").save(tmp_path / "m")
    back = MLPClassifier.load(tmp_path / "m")
    assert back.temperature_ is None
    assert not hasattr(back, "predict_proba")


def test_names_of_the_features_come_back(tmp_path: Path) -> None:
    table = pd.DataFrame(X, columns=["g", "r", "i", "z"])
    MLPClassifier((6,), max_iter=2, tol=None).fit(table, Y).save(tmp_path / "m")
    back = MLPClassifier.load(tmp_path / "m")
    back.predict(table)
    with pytest.raises(ValueError, match="feature names should match"):
        back.predict(table[["r", "g", "i", "z"]])


def test_the_same_training_gives_the_same_file(tmp_path: Path) -> None:
    for name in "ab":
        trained().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_copies_are_independent(state: dict[str, Any]) -> None:
    model = MLPClassifier.from_state(state)
    before = model.predict_proba(X)
    state["networks"][0]["params"][...] = 0
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert_array_equal(other.predict_proba(X), before)
        other.network_.params[...] = 0
    assert_array_equal(model.predict_proba(X), before)


def _network(**changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda state: state | {"networks": [state["networks"][0] | changes]}


def _targets(**changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda state: state | {"targets": state["targets"] | changes}


def _entry(**changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda state: state | changes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_entry(format="galfeat.nn 99"), "in the format 'galfeat.nn 99'"),
        (_entry(estimator="os.system"), "saved 'os.system'"),
        (_entry(layers=[4, 7, 3]), "must be 59 finite numbers"),
        (_entry(layers=[10**9, 6, 3]), "finite numbers"),
        (_entry(layers=[4, 3, 6]), "must be 39 finite numbers"),
        (_entry(layers=[4, True, 3]), "list of whole numbers"),
        (_entry(layers="4,6,3"), "list of whole numbers"),
        (_entry(features=["a", "b"]), "must be 4 names"),
        (_entry(features=["a", "b", "c", "c"]), "each once"),
        (_entry(networks=[]), "list of one or more"),
        (_entry(networks=[{}]), "must have params"),
        (_entry(code="import os"), "look|lacks.*code"),
        (_entry(settings={}), "not those of MLPClassifier"),
        (_entry(targets={"flat": True}), "classes, flat, temperature"),
        (
            _network(params=np.zeros(3, np.float32)),
            r"must be 51 finite numbers; got float32 of shape \(3,\)",
        ),
        (_network(params=np.zeros(51)), r"1 network\(s\) of float32; other"),
        (_network(params=np.full(51, np.nan, np.float32)), "finite"),
        (_network(params=np.full(51, np.inf, np.float32)), "finite"),
        (
            _network(params=np.array([print] * 51, dtype=object)),
            "one-dimensional array of numbers or words; got object",
        ),
        (_network(params=[0.0] * 51), "got list"),
        (_network(epochs=-1), "epochs"),
        (_network(seen=True), "seen"),
        (_network(losses=["a"]), "losses"),
        (_network(losses=[float("nan")]), "losses"),
        (_targets(classes=np.array(["agn", "agn", "spiral"])), "each once"),
        (_targets(classes=np.array(["agn", "spiral", "merger"])), "in order"),
        (_targets(classes=np.array(["agn", "spiral"])), "3 outputs, but there are 2 saved classes"),
        (_targets(classes=np.array([print, len, id])), "got object"),
        (_targets(temperature=0.0), "temperature"),
        (_targets(temperature=float("nan")), "temperature"),
        (_targets(temperature=None), "temperature"),
    ],
)
def test_entries_that_do_not_fit_are_refused(
    state: dict[str, Any], change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        MLPClassifier.from_state(change(state))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("activation", {"type": "Popen", "args": "ls"}),
        ("activation", {"type": "Elu", "gamma": 1.0}),
        ("activation", {"type": "Elu", "alpha": float("inf")}),
        ("activation", {"type": "Adam", "learning_rate": 0.1}),
        ("solver", {"type": "Adam", "learning_rate": "fast"}),
        ("solver", "eval"),
        ("loss", "none"),
        ("learning_rate", [1, 2]),
        ("hidden_layer_sizes", [7]),
        ("n_networks", 2),
        ("random_state", -1),
        ("random_state", "seed"),
        ("alpha", -1.0),
        ("class_weight", [["agn"]]),
        ("class_weight", "heavy"),
        ("max_iter", [[1]]),
        ("activation", "eval"),
        ("dtype", "float64"),
        ("dtype", "object"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    state: dict[str, Any], setting: str, value: Any
) -> None:
    with pytest.raises(UsageError):
        MLPClassifier.from_state(state | {"settings": state["settings"] | {setting: value}})


BAD: list[Any] = [
    None, True, False, 0, -1, 1, 2, 10**30, -(10**30), 1.5, float("nan"), float("inf"), 1e308, "",
    "x", "relu", "newton", "hinge", [], [1],
    [[1]], ["a"], {}, {"type": "Adam"}, {"type": "Relu"}, {"type": None}, {"array": "0.npy"}, (1,
    2), b"x", np.zeros(3), np.zeros((2, 2)),
    np.array(["x"]), np.array(5), np.array([object()]), np.array([], dtype=float), np.array(["agn",
    "merger", "spiral"]),
]  # fmt: skip


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    for key in (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    ):
        yield from _places(value[key], (*at, key))


def _put(tree: Any, at: tuple[Any, ...], value: Any) -> Any:
    if not at:
        return value
    tree = copy.copy(tree)
    tree[at[0]] = _put(tree[at[0]], at[1:], value)
    return tree


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_arbitrary_values_in_a_state_work_or_are_refused_in_one_line(
    kind: type[MLPClassifier | MLPRegressor],
) -> None:
    weight = (
        {"class_weight": {"agn": 1.0, "merger": 2.0, "spiral": 1.0}}
        if kind is MLPClassifier
        else {}
    )
    settings: dict[str, Any] = {
        "max_iter": 1,
        "tol": None,
        "random_state": 0,
        "n_networks": 2,
        "solver": Adam(),
    } | weight
    state = kind((3,), **settings).fit(X, Y if kind is MLPClassifier else X[:, 0]).get_state()
    messages = {}
    for place in _places(state):
        for number, value in enumerate(BAD):
            try:
                assert len(kind.from_state(_put(state, place, value)).predict(X)) == len(X)
            except UsageError as error:
                messages[place, number] = str(error)
    assert len(messages) > 500
    assert [at for at, message in messages.items() if "\n" in message or len(message) > 400] == []


def test_a_file_that_does_not_fit_is_named(state: dict[str, Any], tmp_path: Path) -> None:
    del state["networks"]
    write_file(tmp_path / "m.galfeat", state)
    with pytest.raises(UsageError, match=r"m\.galfeat cannot be used: .*networks"):
        MLPClassifier.load(tmp_path / "m.galfeat")
    with pytest.raises(UsageError, match="must be a mapping"):
        MLPClassifier.from_state([])  # type: ignore[arg-type]


def test_a_file_holds_numbers_and_words_only(tmp_path: Path) -> None:
    trained().save(tmp_path / "m")

    def look(value: Any) -> None:
        assert isinstance(value, dict | list | str | int | float | np.ndarray | None)
        for item in (
            value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        ):
            look(item)

    tree = read_file(tmp_path / "m")
    look(tree)
    assert set(tree["settings"]) == set(inspect.signature(MLPClassifier).parameters)


def test_an_unfitted_estimator_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fit first"):
        MLPClassifier().get_state()
    with pytest.raises(UsageError, match="fit first"):
        MLPRegressor().save(tmp_path / "m")
