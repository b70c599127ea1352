"""Settings files: TOML, checked key by key, with errors that name the line.

A file has one table per command with the options of that command, ``[preparation]``, and
``[features.NAME]`` for the settings of an extractor. Defaults may be left out.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NoReturn

from galfeat import UsageError
from galfeat.data import Preparation
from galfeat.data.preparation.settings import RENAMED
from galfeat.features import EXTRACTORS, Extractor, Photometry
from galfeat.features.outside import extractor_class, installed_names
from galfeat.features.registry import PHOTOMETRY
from galfeat.features.settings import fraction
from galfeat.pipeline.recipes import DEFAULT

__all__ = ["SHARED", "Configuration", "default_tables", "line_of", "read_configuration"]

SHARED = ("preparation", "features")
"""Tables that belong to no command."""
_TEST_SHAPE = (256, 256)  # of an image on which an extractor's settings are tried


@dataclass(frozen=True)
class Configuration:
    """Contents of a settings file.

    Parameters
    ----------
    path : Path or None
        The file; None for defaults only.
    text : str
        Its text, to find the lines of keys.
    tables : mapping
        Its tables, as `tomllib` returns them.
    """

    path: Path | None = None
    text: str = ""
    tables: Mapping[str, Any] = field(default_factory=dict)

    def table(self, name: str) -> dict[str, Any]:
        """Return a table of the file; empty if it is missing.

        Raises
        ------
        UsageError
            If the name is a value, not a table.
        """
        found = self.tables.get(name, {})
        if not isinstance(found, dict):
            self.refuse([name], f"'{name}' is a table: write [{name}] and its settings below")
        return found

    def preparation(self) -> dict[str, Any]:
        """Return the checked settings of the preparation in the file."""
        given = self.table("preparation")
        names = [each.name for each in fields(Preparation)]
        for key, value in given.items():
            if key in RENAMED:
                self.refuse(
                    ["preparation", key], f"the setting '{key}' is now called '{RENAMED[key]}'"
                )
            self.known(["preparation", key], names)
            self._check(["preparation", key], Preparation, {key: value})
        self._check(["preparation"], Preparation, given)
        return given

    def features(self) -> dict[str, dict[str, Any]]:
        """Return the checked settings of each extractor in the file."""
        found = self.table("features")
        for name, given in found.items():
            self.known(["features", name], [*EXTRACTORS, PHOTOMETRY, *installed_names()])
            if not isinstance(given, dict):
                self.refuse(
                    ["features", name],
                    f"the settings of an extractor are a table: write [features.{name}]",
                )
            names = sorted(_class(name)().get_params())
            for key, value in given.items():
                self.known(["features", name, key], names)
                self._check(
                    ["features", name, key],
                    _make,
                    {"name": name, "settings": {key: value}},
                )
            self._check(["features", name], _make, {"name": name, "settings": given})
        return {
            name: {key: _tuples(value) for key, value in given.items()}
            for name, given in found.items()
        }

    def known(self, keys: Sequence[str], names: Sequence[str]) -> None:
        """Refuse a key that is not one of the names."""
        if keys[-1] not in names:
            where = f"[{'.'.join(keys[:-1])}]" if len(keys) > 1 else "the file"
            self.refuse(
                keys, f"{where} has no setting '{keys[-1]}'; its settings are {', '.join(names)}"
            )

    def refuse(self, keys: Sequence[str], reason: str) -> NoReturn:
        """Raise a UsageError with file and line of a key."""
        line = line_of(self.text, keys)
        raise UsageError(
            f"{self.path}, line {line}: {reason}" if line else f"{self.path}: {reason}"
        )

    def _check(self, keys: Sequence[str], make: Any, given: dict[str, Any]) -> None:
        try:
            make(**given)
        except (UsageError, TypeError) as error:
            self.refuse(
                keys,
                str(error)
                if isinstance(error, UsageError)
                else f"'{keys[-1]}' has a value of the wrong kind: {error}",
            )


def read_configuration(path: str | Path | None) -> Configuration:
    """Read a settings file and check its tables of preparation and extractors.

    Parameters
    ----------
    path : path or None
        A TOML file; None gives an empty configuration.

    Raises
    ------
    UsageError
        If it cannot be read, is not valid TOML, or has a wrong setting; with line and key.
    """
    if path is None:
        return Configuration()
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"cannot read the settings file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the settings file {path} is not text in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the settings file {path} is not valid TOML: {error}") from error
    configuration = Configuration(path, text, tables)
    configuration.preparation()
    configuration.features()
    return configuration


def default_tables() -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the tables that belong to no command: by name, a description and the defaults."""
    tables = {
        "preparation": ("What happens to a cutout before it is measured.", Preparation().as_dict())
    }
    for name in (*EXTRACTORS, PHOTOMETRY):
        kind = _class(name)
        tables[f"features.{name}"] = (
            " ".join((kind.__doc__ or "").split("\n\n")[0].split()),
            kind(**DEFAULT.settings.get(name, {})).get_params(),
        )
    return tables


def line_of(text: str, keys: Sequence[str]) -> int | None:
    r"""Return the line, counted from 1, at which a key of a TOML text begins; None if it is absent.

    The text is parsed up to each line: the key ends at the first line with which it is present, and
    begins after the last line before that with which the text was complete.

    Examples
    --------
    >>> line_of("[extract]\nsize = 64\nbands = [\n  'g',\n]\n", ["extract", "bands"])
    3
    """
    lines = text.splitlines()
    complete = 0  # lines that parse
    for count in range(1, len(lines) + 1):
        try:
            tables: Any = tomllib.loads("\n".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
        for key in keys:
            tables = tables.get(key) if isinstance(tables, dict) else None
        if tables is not None:
            return _first_statement(lines, complete, count)
        complete = count
    return None


def _first_statement(lines: list[str], start: int, count: int) -> int:
    """Return the first line after `start` that is neither empty nor a comment."""
    return next(
        (
            i + 1
            for i in range(start, count)
            if lines[i].strip() and not lines[i].lstrip().startswith("#")
        ),
        count,
    )


def _class(name: str) -> type[Extractor] | type[Photometry]:
    return Photometry if name == PHOTOMETRY else extractor_class(name)


def _make(name: str, settings: dict[str, Any]) -> None:
    """Make an extractor or photometry, to check its settings."""
    made = _class(name)(**{key: _tuples(value) for key, value in settings.items()})
    if isinstance(made, Photometry):
        made.fit([])
        return
    extractor: Extractor = made
    extractor.feature_names(("band1", "band2"), _TEST_SHAPE)
    fraction("min_good", extractor.min_good)  # feature_names does not check it


def _tuples(value: Any) -> Any:
    """Convert lists to tuples, as extractors expect them."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
