"""Default settings of all commands, as the text of a settings file."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from galfeat import __version__
from galfeat.pipeline.settings_file import default_tables
from galfeat.scripts.configuring import configurable_commands, prepares, settable

__all__ = ["defaults"]

_WIDTH = 110  # characters a line


def defaults() -> str:
    """Return a settings file with every default; settings without one are commented out."""
    lines = [
        (
            f"# Settings of galfeat {__version__}. Keep what you change and delete the rest; "
            "options "
            "on the command line override them."
        ),
        "# Paths are relative to the folder of this file.",
        *(
            line
            for name, command in configurable_commands().items()
            for line in _command(name, command)
        ),
    ]
    for name, (about, settings) in default_tables().items():
        lines += _table(name, settings, about)
    return "\n".join(lines) + "\n"


def _command(name: str, command: Any) -> Iterator[str]:
    yield ""
    yield from _comment(" ".join((command.help or "").split("\n\n")[0].split()))
    yield f"[{name}]"
    for each in settable(command).values():
        if each.name == "size" and prepares(name, command):
            continue  # it is in the table of the preparation, once for all commands
        yield from _comment(getattr(each, "help", None) or "")
        value = each.default if not callable(each.default) else None
        if isinstance(value, str) and "," in (each.metavar or ""):
            value = value.split(",")
        yield _line(each.name.replace("_", "-"), value)


def _table(name: str, settings: Mapping[str, Any], about: str) -> Iterator[str]:
    yield ""
    yield from _comment(about)
    yield f"[{name}]"
    for key, value in settings.items():
        yield _line(key, value)


def _line(key: str, value: Any) -> str:
    return f"# {key} =" if value is None else f"{key} = {_toml(value)}"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    if isinstance(value, int | float):
        return repr(value)
    if str(value).isdecimal():
        return str(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()), _WIDTH, initial_indent="# ", subsequent_indent="# "
    )
