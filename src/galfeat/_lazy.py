"""Lazy attributes of a package: submodules are imported when a name is first asked for (PEP 562).

Used by packages whose submodules load slow libraries (numba, scikit-learn, astropy)::

    if TYPE_CHECKING:
        from galfeat.features.color.extractor import ColorHistogram
    else:
        __getattr__, __dir__ = lazy_attributes(__name__, {"ColorHistogram": "extractor"})

Type checkers and editors read the first branch, so they know each name and refuse misspelled ones;
the interpreter runs the second. ``from package import *`` follows ``__all__``.
"""

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_attributes"]


def lazy_attributes(
    package: str, modules: Mapping[str, str], submodules: Collection[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of a package.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    modules : mapping of str to str
        Attribute to the submodule that defines it, relative to the package.
    submodules : collection of str
        Submodules that are attributes themselves.

    Examples
    --------
    >>> getattribute, _ = lazy_attributes("json", {"JSONDecoder": "decoder"})
    >>> getattribute("JSONDecoder").__module__
    'json.decoder'
    """

    def get_attribute(name: str) -> Any:
        if name in submodules:
            return import_module(f"{package}.{name}")
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    def list_attributes() -> list[str]:
        return sorted({*getattr(sys.modules[package], "__all__", ()), *modules, *submodules})

    return get_attribute, list_attributes
