"""State of a trained estimator as settings and arrays, validated when it is read.

The state contains no code, and every entry is checked before it is used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.nn.layout import Layout
from galfeat.nn.saving.plain_values import from_plain, to_plain
from galfeat.nn.types import Floats

__all__ = [
    "FORMAT",
    "NetworkState",
    "SavedState",
    "build_state",
    "parse_state",
    "plain_classes",
    "read_classes",
    "short_repr",
]

SavedState: TypeAlias = Mapping[str, Any]
"""``format``, ``estimator``, ``settings``, ``layers``, ``features``, ``networks`` (one mapping of
`NetworkState` each) and ``targets``.
"""

FORMAT = "galfeat.nn 2"

_ENTRIES = {"format", "estimator", "settings", "layers", "features", "networks", "targets"}


@dataclass(frozen=True)
class NetworkState:
    """Parameters and training record of one network.

    Parameters
    ----------
    params : array, shape (size,)
    losses : sequence of float
        Objective of each epoch.
    epochs, seen : int
        Number of epochs, and of samples seen in them.
    """

    params: Floats
    losses: Sequence[float]
    epochs: int
    seen: int


@dataclass(frozen=True)
class CheckedState:
    """A state whose entries are valid one by one; the estimator checks that they are consistent."""

    settings: dict[str, Any]
    layers: tuple[int, ...]
    features: list[str] | None
    networks: list[NetworkState]
    targets: Mapping[str, Any]


def build_state(
    estimator: str,
    settings: Mapping[str, Any],
    layers: Sequence[int],
    features: Sequence[str] | None,
    networks: Sequence[NetworkState],
    targets: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the state of a trained estimator.

    Raises
    ------
    UsageError
        If a setting is neither a JSON value nor a component of galfeat.nn.
    """
    return {
        "format": FORMAT,
        "estimator": estimator,
        "settings": {name: to_plain(name, value) for name, value in settings.items()},
        "layers": list(layers),
        "features": None if features is None else [str(name) for name in features],
        "networks": [
            {
                "params": each.params.copy(),
                "losses": [float(loss) for loss in each.losses],
                "epochs": each.epochs,
                "seen": each.seen,
            }
            for each in networks
        ],
        "targets": dict(targets),
    }


def parse_state(
    estimator: str, known: set[str], targets: set[str], state: SavedState
) -> CheckedState:
    """Check a state and return its entries.

    Parameters
    ----------
    estimator : str
        Name of the expected class.
    known : set of str
        Names of its settings.
    targets : set of str
        Names of its target attributes.
    state : mapping

    Raises
    ------
    UsageError
        If an entry is missing, unknown or of the wrong type; the message names the first.
    """
    _check_entries(estimator, state)
    settings = _mapping(state, "settings", known)
    layout, features = _layout(state["layers"]), state["features"]
    if features is not None and (
        not _all_of(features, str)
        or len(features) != layout.sizes[0]
        or len(set(features)) < len(features)
    ):
        raise UsageError(f"the saved features must be {layout.sizes[0]} names, each once")
    if not isinstance(state["networks"], list) or not state["networks"]:
        raise UsageError("the saved networks must be a list of one or more")
    return CheckedState(
        {name: from_plain(name, value) for name, value in settings.items()},
        layout.sizes,
        features,
        [_network_state(network, layout.size) for network in state["networks"]],
        _mapping(state, "targets", targets),
    )


def short_repr(value: Any) -> str:
    """Return the repr of a value on one line, shortened to 80 characters, for messages."""
    return " ".join(repr(value).split())[:80]


def plain_classes(classes: NDArray[Any]) -> NDArray[Any]:
    """Return class labels as an array of numbers or strings.

    Raises
    ------
    UsageError
        If their types are mixed.
    """
    if classes.dtype.kind != "O":
        return classes.copy()
    if all(isinstance(label, str) for label in classes):
        return classes.astype(np.str_)
    raise UsageError("classes of mixed types cannot be saved; use only text, or only numbers")


def read_classes(classes: Any) -> NDArray[Any]:
    """Check saved class labels and return a copy."""
    array = _array("classes", classes, "Uiufb")
    if len(array) < 2 or not np.array_equal(np.unique(array), array):
        raise UsageError("the saved classes must be two or more, each once, in order")
    return array.copy()


def _check_entries(estimator: str, state: SavedState) -> None:
    if not isinstance(state, Mapping):
        raise UsageError(f"a saved network must be a mapping; got {type(state).__name__}")
    found = [state.get("estimator"), state.get("format")]
    if not all(isinstance(each, str) for each in found) or found != [estimator, FORMAT]:
        raise UsageError(
            f"this is a saved {short_repr(found[0])} in the format {short_repr(found[1])}; "
            f"expected {estimator!r}, {FORMAT!r}"
        )
    if set(state) != _ENTRIES:
        raise UsageError(
            "the saved network lacks entries, or has some that do not belong there: "
            f"{_unmatched_names(_ENTRIES, state)}"
        )


def _mapping(state: SavedState, entry: str, names: set[str]) -> Mapping[str, Any]:
    found = state[entry]
    if not isinstance(found, Mapping) or set(found) != names:
        raise UsageError(
            f"the saved {entry} are not those of {state['estimator']}; look at "
            f"{_unmatched_names(names, found)}"
        )
    return found


def _unmatched_names(wanted: set[str], found: Any) -> str:
    names = wanted.symmetric_difference(map(str, found)) if isinstance(found, Mapping) else wanted
    return ", ".join(sorted(names)[:10])


def _layout(layers: Any) -> Layout:
    if not isinstance(layers, list | tuple) or not all(
        isinstance(size, int) and not isinstance(size, bool) for size in layers
    ):
        raise UsageError(
            f"the saved layers must be a list of whole numbers; got {short_repr(layers)}"
        )
    return Layout(tuple(layers))


def _network_state(network: Any, size: int) -> NetworkState:
    if not isinstance(network, Mapping) or set(network) != {"params", "losses", "epochs", "seen"}:
        raise UsageError(
            "each saved network must have params, losses, epochs and seen, and nothing else"
        )
    params = _array("params", network["params"], "f")
    if params.shape != (size,) or not np.isfinite(params).all():
        raise UsageError(
            f"the saved params must be {size} finite numbers; got {params.dtype} of shape "
            f"{params.shape}"
        )
    losses = network["losses"]
    if not _all_of(losses, (int, float)) or not all(isfinite(loss) for loss in losses):
        raise UsageError("the saved losses must be a list of finite numbers")
    for name in ("epochs", "seen"):
        if (
            not isinstance(network[name], int)
            or isinstance(network[name], bool)
            or network[name] < 0
        ):
            raise UsageError(
                f"the saved {name} must be a whole number of at least 0; "
                f"got {short_repr(network[name])}"
            )
    return NetworkState(
        params.copy(), [float(loss) for loss in losses], network["epochs"], network["seen"]
    )


def _array(name: str, array: Any, kinds: str) -> NDArray[Any]:
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind not in kinds:
        got = (
            f"{array.dtype} of shape {array.shape}"
            if isinstance(array, np.ndarray)
            else type(array).__name__
        )
        raise UsageError(
            f"the saved {name} must be a one-dimensional array of numbers or words; got {got}"
        )
    return array


def _all_of(values: Any, kinds: type | tuple[type, ...]) -> bool:
    return isinstance(values, list | tuple) and all(
        isinstance(value, kinds) and not isinstance(value, bool) for value in values
    )
