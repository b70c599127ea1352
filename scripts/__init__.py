"""The command line: one command a file.

``galfeat NAME`` and ``python scripts/NAME.py`` are the same.

``simulate``, ``extract``, ``train``, ``classify``, ``compare``, ``export``, ``audit`` and ``show``
are the commands; `galfeat.scripts.main` puts them together, `galfeat.scripts.running` turns errors
into one sentence and an exit status, `galfeat.scripts.progress` shows how far a run is, and
`galfeat.scripts.options` holds the options that several commands share.
"""

__all__: list[str] = []
