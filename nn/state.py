"""A trained estimator as plain settings and arrays, and back: nothing in it is code, and what comes back is checked first."""

from collections.abc import Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.nn.layout import Layout
from galfeat.nn.network import Network
from galfeat.nn.plain import from_plain, to_plain
from galfeat.nn.settings import hidden_sizes

if TYPE_CHECKING:
    from galfeat.nn.classifier import MLPClassifier

__all__ = ["FORMAT", "State", "classifier_state", "restore_classifier"]

State: TypeAlias = Mapping[str, Any]
"""``format``, ``estimator``, ``settings``, ``layers``, ``loss_curve``, ``n_iter`` (plain), ``classes`` and ``params`` (arrays)."""

FORMAT = "galfeat.nn 1"

_Classifier = TypeVar("_Classifier", bound="MLPClassifier")


def classifier_state(model: "MLPClassifier") -> dict[str, Any]:
    """Describe a trained classifier."""
    if not hasattr(model, "network_"):
        raise UsageError("there is nothing to save yet: train the classifier with fit first")
    return {
        "format": FORMAT,
        "estimator": type(model).__name__,
        "settings": {name: to_plain(name, value) for name, value in model.get_params(deep=False).items()},
        "layers": list(model.network_.layout.sizes),
        "loss_curve": [float(loss) for loss in model.loss_curve_],
        "n_iter": int(model.n_iter_),
        "classes": _plain_classes(model.classes_),
        "params": model.network_.params.copy(),
    }


def restore_classifier(cls: type[_Classifier], state: State) -> _Classifier:
    """Make the classifier that was described."""
    _check_entries(cls, state)
    model = cls(**_settings(cls, state["settings"]))
    model._check_settings()
    classes = _array(state, "classes", "Uiufb")
    if len(np.unique(classes)) != len(classes) or len(classes) < 2:
        raise UsageError("the saved classes must be two or more, each once")
    layout = _layout(state["layers"])
    if layout.sizes[1:] != (*hidden_sizes(model.hidden_layer_sizes), len(classes)):
        raise UsageError(f"the saved layers {layout.sizes} do not go with the saved hidden_layer_sizes and {len(classes)} classes")
    params = _array(state, "params", "f")
    if params.dtype != np.dtype(model.dtype) or params.shape != (layout.size,) or not np.isfinite(params).all():
        raise UsageError(
            f"the saved params must be {layout.size} finite numbers of {model.dtype}; got {params.dtype} of shape {params.shape}"
        )
    model.classes_ = classes.copy()
    model.n_features_in_ = layout.sizes[0]
    model._resume(Network(layout.sizes, model.activation, model._output_activation(), params.copy()))
    model.loss_curve_, model.n_iter_ = _numbers(state["loss_curve"]), state["n_iter"]
    return model


def _check_entries(cls: type, state: State) -> None:
    if not isinstance(state, Mapping):
        raise UsageError(f"a saved network must be a mapping; got {type(state).__name__}")
    wanted = {"format", "estimator", "settings", "layers", "loss_curve", "n_iter", "classes", "params"}
    if set(state) != wanted:
        different = sorted(wanted.symmetric_difference(map(str, state)))
        raise UsageError(f"the saved network lacks entries, or has some that do not belong there: {', '.join(different)}")
    if state["format"] != FORMAT or state["estimator"] != cls.__name__:
        raise UsageError(f"this is a saved {state['estimator']!r} in the format {state['format']!r}; expected {cls.__name__!r}, {FORMAT!r}")
    n_iter = state["n_iter"]
    if not isinstance(n_iter, int) or isinstance(n_iter, bool) or n_iter < 0:
        raise UsageError(f"the saved n_iter must be a whole number of at least 0; got {n_iter!r}")


def _settings(cls: type, settings: Any) -> dict[str, Any]:
    known = set(signature(cls).parameters)
    if not isinstance(settings, Mapping) or set(settings) != known:
        different = sorted(known.symmetric_difference(map(str, settings))) if isinstance(settings, Mapping) else ["settings"]
        raise UsageError(f"the saved settings are not those of {cls.__name__}; look at {', '.join(different)}")
    return {name: from_plain(name, value) for name, value in settings.items()}


def _layout(layers: Any) -> Layout:
    if not isinstance(layers, list | tuple) or not all(isinstance(size, int) and not isinstance(size, bool) for size in layers):
        raise UsageError(f"the saved layers must be a list of whole numbers; got {layers!r}")
    return Layout(tuple(layers))


def _array(state: State, name: str, kinds: str) -> NDArray[Any]:
    array = state[name]
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind not in kinds:
        got = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise UsageError(f"the saved {name} must be a one-dimensional array of numbers or words; got {got}")
    return array


def _numbers(values: Any) -> list[float]:
    if not isinstance(values, list | tuple) or not all(isinstance(value, int | float) for value in values):
        raise UsageError("the saved loss_curve must be a list of numbers")
    return [float(value) for value in values]


def _plain_classes(classes: NDArray[Any]) -> NDArray[Any]:
    if classes.dtype.kind != "O":
        return classes.copy()
    if all(isinstance(label, str) for label in classes):
        return classes.astype(np.str_)
    raise UsageError("classes that mix kinds of labels cannot be saved; use words, or numbers, alone")
