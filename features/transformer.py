"""The interface of a scikit-learn transformer, without importing scikit-learn.

Importing scikit-learn takes a second, many times what it takes to measure a galaxy, and a process
that only measures needs nothing of it. The extractors therefore follow its conventions instead of
deriving from its base classes: settings in ``__init__``, `get_params`, `set_params`, `set_output`,
tags. They work with `sklearn.base.clone`, pipelines, grid searches and scikit-learn's own estimator
checks.
"""

import sys
from abc import ABC
from collections.abc import Callable
from inspect import signature
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError

__all__ = ["Transformer"]

_CONTAINERS = ("default", "pandas", "polars")


class Transformer(ABC):  # noqa: B024 - the abstract methods are in Extractor
    """Base class of transformers that follow scikit-learn's conventions.

    Settings are the arguments of ``__init__``, stored under their names.
    """

    _learns: ClassVar[bool] = False
    """Whether `transform` needs what `fit` learned."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings by name.

        Parameters
        ----------
        deep : bool
            Not used: no setting has settings of its own.
        """
        del deep
        return {name: getattr(self, name) for name in _settings(type(self))}

    def set_params(self, **params: Any) -> Self:
        """Change settings by name.

        Raises
        ------
        UsageError
            If there is no setting of that name.
        """
        names = _settings(type(self))
        for name, value in params.items():
            if name not in names:
                raise UsageError(
                    f"Invalid parameter {name!r} for {self!r}; its settings are {', '.join(names)}"
                )
            setattr(self, name, value)
        return self

    def set_output(self, *, transform: str | None = None) -> Self:
        """Choose what `transform` and `fit_transform` return.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None
            An array, or a data frame with named columns. None leaves it as it is.
        """
        if transform is not None:
            if transform not in _CONTAINERS:
                raise UsageError(
                    f"transform must be one of {', '.join(_CONTAINERS)}; it is {transform!r}"
                )
            # scikit-learn's `clone` copies the attribute of this name
            self._sklearn_output_config = {"transform": transform}
        return self

    def __repr__(self) -> str:
        defaults = {name: each.default for name, each in signature(type(self)).parameters.items()}
        changed = [
            f"{name}={value!r}"
            for name, value in self.get_params(deep=False).items()
            if not _same(value, defaults[name])
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_tags__(self) -> Any:
        # imported late: callers of this method have imported scikit-learn
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type="transformer",
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=[]),
            input_tags=InputTags(two_d_array=False, allow_nan=True),
            requires_fit=self._learns,
        )

    def _in_container(
        self, vectors: NDArray[np.float32], names: Callable[[], list[str]]
    ) -> NDArray[np.float32]:
        """Return vectors as an array or data frame, as `set_output` or scikit-learn asks."""
        # a data frame where one was asked for, in spite of the annotation
        vectors_or_frame: Any = vectors
        asked = getattr(self, "_sklearn_output_config", {}).get("transform")
        if asked is None:
            asked = (
                sys.modules["sklearn"].get_config()["transform_output"]
                if "sklearn" in sys.modules
                else "default"
            )
        if asked == "pandas":
            import pandas as pd

            vectors_or_frame = pd.DataFrame(vectors, columns=names(), copy=False)
        if asked == "polars":
            import polars as pl

            vectors_or_frame = pl.DataFrame(vectors, schema=names())
        return vectors_or_frame  # type: ignore[no-any-return]


def _settings(kind: type) -> list[str]:
    return list(signature(kind).parameters)


def _same(one: object, other: object) -> bool:
    return one is other or (type(one) is type(other) and repr(one) == repr(other))
