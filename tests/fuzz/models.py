"""Mutants of model files, each with a valid checksum, against one rule.

A mutant is refused in one sentence, or it is a model that gives finite probabilities: those of the
original, unless the change made another valid model of it (other weights, other words for its
classes). Run from the folder of the project::

    python tests/fuzz/models.py                    # a thousand mutants of a new seed, printed
    python tests/fuzz/models.py --mutants 100000   # by hand
    python tests/fuzz/models.py --seed 7 --only 12 # one mutant of a seed again
"""

import argparse
import copy
import random
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # wherever it is run from

import numpy as np

from galfeat import UsageError
from galfeat.data import Preparation
from galfeat.nn.saving.archive import pack, unpack
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.models.inputs import Input, InputBlock
from galfeat.pipeline.models.model import Model
from galfeat.pipeline.recipes import TrainingSettings

__all__ = ["fuzz", "models"]

_PARTS = {
    "pixels": (InputBlock("pixels", components=None), InputBlock("pixels", "small", 5)),
    "hog": (InputBlock("hog", components=4), InputBlock("color", components=3)),
    "words": (InputBlock("sift", "", None),),
    "fisher": (InputBlock("sift", "fisher", 4), InputBlock("pixels", "linear", 2)),
}
_VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 3, 10**9, -(10**9), 10**30, 0.5, -0.5, 1e-320, 1e300, "", "a",
    "spiral", [], [1], ["a"], [[1]], {}, {"a": 1}, np.zeros(0), np.zeros(3), np.ones((2, 2)),
    np.array(["a", "b"]), np.array([1, 2]), np.full(4, np.nan),
]  # fmt: skip
_Tree = dict[str, Any]
_TRAINING = TrainingSettings(draws=1, n_networks=1)


def models() -> Iterator[tuple[str, Model, dict[str, Block]]]:
    """Yield small models of every kind of input, with features to classify."""
    rng = np.random.default_rng(0)
    for name, parts in _PARTS.items():
        columns = list(dict.fromkeys(part.column for part in parts))
        recipe = Recipe.of(columns, ["g", "r"], Preparation(size=32))
        blocks: dict[str, Block] = {
            column: rng.normal(size=(30, len(names))).astype(np.float32)
            for column, names in recipe.columns.items()
        }
        if "sift" in columns:
            blocks["sift"] = [
                rng.integers(0, 255, (number % 7, 128)).astype(np.uint8) for number in range(30)
            ]
        labels = np.array(["merger", "spiral", "agn"] * 10)
        yield (
            name,
            Model(recipe, Input(name, parts), _TRAINING, hidden=(4,)).fit(blocks, labels),
            blocks,
        )


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield from _places(value[key], (*at, key))


def _get(tree: Any, at: tuple[Any, ...]) -> Any:
    for key in at:
        tree = tree[key]
    return tree


def _put(tree: _Tree, at: tuple[Any, ...], value: Any) -> None:
    _get(tree, at[:-1])[at[-1]] = value


def _spoiled(array: np.ndarray, chance: random.Random) -> tuple[str, np.ndarray]:
    """Return an array with another shape, type, or a number that is none."""
    changes: dict[str, Callable[[], np.ndarray]] = {
        "shorter": lambda: array[:-1],
        "longer": lambda: np.concatenate([array, array[:1]]),
        "flat": array.ravel,
        "turned": lambda: array.T,
        "another axis": lambda: array[np.newaxis],
        "empty": lambda: array[:0],
    }
    if array.dtype.kind in "fiu":
        for dtype in ("f2", "f4", ">f8", "i8", "u1", "?", "U8"):
            changes[f"as {dtype}"] = partial(array.astype, dtype)
        for value in (np.nan, np.inf, -np.inf, 1e300, -1.0, 0.0):
            changes[f"one {value}"] = partial(_with, array, value, chance)
        changes["negative"] = lambda: -array
    name = chance.choice(list(changes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return name, np.ascontiguousarray(changes[name]())


def _with(array: np.ndarray, value: float, chance: random.Random) -> np.ndarray:
    array = array.astype(np.float64)
    if array.size:
        array.flat[chance.randrange(array.size)] = value
    return array


def _mutant(tree: _Tree, chance: random.Random) -> tuple[str, _Tree]:
    tree = copy.deepcopy(tree)
    places = [at for at in _places(tree) if at]
    arrays = [at for at in places if isinstance(_get(tree, at), np.ndarray)]
    if chance.random() < 0.5:
        at = chance.choice(arrays)
        how, array = _spoiled(_get(tree, at), chance)
        _put(tree, at, array)
        return f"{at}: {how}", tree
    at = chance.choice(places)
    what = chance.choice(["value", "value", "deleted", "added", "exchanged"])
    holder = _get(tree, at[:-1])
    if what == "deleted":
        del holder[at[-1]]
    elif what == "added" and isinstance(holder, dict):
        holder["other_"] = chance.choice(_VALUES)
    elif what == "exchanged":
        other = chance.choice(arrays)
        mine, theirs = _get(tree, at), _get(tree, other)
        _put(tree, at, theirs)
        if other[: len(at)] != at:
            _put(tree, other, mine)
    else:
        value = chance.choice(_VALUES)
        _put(tree, at, value)
        what = f"value {value!r}"
    return f"{at}: {what}", tree


def _verdict(path: Path, blocks: dict[str, Block], expected: np.ndarray) -> str:
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = Model.load(path).predict_proba(blocks)
    except UsageError as error:
        return "refused" if "\n" not in str(error) and len(str(error)) < 600 else f"long: {error}"
    except Exception:
        return f"escaped: {traceback.format_exc()}"
    if np.array_equal(found, expected):
        return "same"
    whole = found.ndim == 2 and len(found) == len(expected) and np.isfinite(found).all()
    return "another model" if whole else "wrong: probabilities that are none"


def fuzz(seed: int, mutants: int, only: int | None = None) -> tuple[Counter[str], list[str]]:
    """Load mutants of each model; return how many had each verdict, and a line for each failure."""
    counts: Counter[str] = Counter()
    failures: list[str] = []
    known = [
        (name, _tree_of(model), blocks, model.predict_proba(blocks))
        for name, model, blocks in models()
    ]
    with tempfile.TemporaryDirectory(prefix="galfeat-fuzz-") as folder:
        path = Path(folder) / "m.galfeat"
        for number in range(mutants) if only is None else [only]:
            chance = random.Random(f"{seed} {number}")
            name, tree, blocks, expected = known[number % len(known)]
            how, mutant = _mutant(tree, chance)
            try:
                path.write_bytes(pack(mutant))
            except (TypeError, ValueError):  # NaN in JSON and the like: no file holds it
                counts["no file"] += 1
                continue
            verdict = _verdict(path, blocks, expected)
            counts[verdict.partition(":")[0]] += 1
            if ":" in verdict:
                failures.append(f"{name}, number {number} ({how}): {verdict}")
    return counts, failures


def _tree_of(model: Model) -> _Tree:
    with tempfile.TemporaryDirectory(prefix="galfeat-fuzz-") as folder:
        model.save(Path(folder) / "m.galfeat")
        return unpack((Path(folder) / "m.galfeat").read_bytes())


def main() -> int:
    """Run as a command; 1 if something failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, help="of the mutants; a new one if not given")
    parser.add_argument("--mutants", type=int, default=1000)
    parser.add_argument("--only", type=int, help="number of a mutant of the seed")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 31) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)  # noqa: T201
    counts, failures = fuzz(seed, given.mutants, given.only)
    for line in (*failures, *(f"{count:>7} {name}" for name, count in counts.most_common())):
        print(line)  # noqa: T201
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
