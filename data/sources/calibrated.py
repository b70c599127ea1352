"""Sources whose cutouts carry the flux calibration and the coordinates that headers state."""

from dataclasses import replace

from galfeat.data.sources.files import FileSource
from galfeat.data.sources.open import Source
from galfeat.data.sources.remote import RemoteSource
from galfeat.data.sources.row_source import RowSource

__all__ = ["calibrated"]


def calibrated(source: Source) -> Source:
    """Return a source that also reads the keywords of flux calibration and coordinates.

    The pixels are the same. A source of another class is returned as it is: its cutouts may carry
    units and coordinates of their own.
    """
    if isinstance(source, RemoteSource):
        local = source.local
        return replace(
            source, local=replace(local, options=replace(local.options, calibration=True))
        )
    if isinstance(source, FileSource | RowSource):
        return replace(source, options=replace(source.options, calibration=True))
    return source
