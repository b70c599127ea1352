"""What could not be measured, and why."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Failure", "Stage"]

Stage = Literal["read", "prepare", "extract", "crash"]


@dataclass(frozen=True)
class Failure:
    """A cutout that could not be measured.

    Parameters
    ----------
    id : str
        The galaxy's name.
    file : str
        Its file as the catalogue or the folder writes it.
    stage : {"read", "prepare", "extract", "crash"}
        How far it came; "crash" where measuring it ended a process.
    reason : str
        Why, for a person to read.
    row : int or None
        Row of the source's catalogue.
    """

    id: str
    file: str
    stage: Stage
    reason: str
    row: int | None = None
