"""Command line: one command a module.

``galfeat NAME`` and ``python scripts/NAME.py`` are the same.

`main`
    All commands together.
`running`
    Error messages of one sentence, and exit statuses.
`options`, `batching`, `configuring`
    Options that several commands share: of reading cutouts, of batch runs, and ``--config``.
`supervising`
    Restart of batch runs after a crash.
`progress`
    Progress display.
"""

__all__: list[str] = []
