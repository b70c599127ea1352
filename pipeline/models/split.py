"""One split of the galaxies: its encoders are fitted on the training side only."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from galfeat.pipeline.extraction.measure import Block, take_rows
from galfeat.pipeline.models.hyperparameters import MOST_COMPONENTS
from galfeat.pipeline.models.inputs import Encoder, InputBlock
from galfeat.pipeline.models.padding import padded

__all__ = ["Split"]

_Encoded = tuple[Encoder, NDArray[np.float32], NDArray[np.float32]]


class Split:
    """Training and test galaxies, with the encoders of the parts of the inputs.

    Each part is encoded once, however many inputs it is in.

    Parameters
    ----------
    blocks : mapping of str to array or list
        Feature blocks of all galaxies.
    labels : array of str, shape (n,)
    train, test : array of int
        Rows.
    shape : tuple of int
        Bands, rows and columns of the prepared cutouts.
    seed : int
    """

    def __init__(
        self,
        blocks: Mapping[str, Block],
        labels: NDArray[np.str_],
        train: NDArray[np.intp],
        test: NDArray[np.intp],
        *,
        shape: tuple[int, int, int],
        seed: int,
    ) -> None:
        self.blocks, self.labels, self.train, self.test, self.shape, self.seed = (
            blocks,
            labels,
            train,
            test,
            shape,
            seed,
        )
        self.classes = sorted(set(labels[train].tolist()))
        self._parts: dict[InputBlock, _Encoded] = {}
        self.seconds: dict[InputBlock, float] = {}

    @property
    def train_labels(self) -> NDArray[np.str_]:
        """Labels of the training galaxies."""
        return self.labels[self.train]

    @property
    def test_labels(self) -> NDArray[np.str_]:
        """Labels of the test galaxies."""
        return self.labels[self.test]

    def learn(
        self, parts: Iterable[InputBlock], apply: Callable[..., Iterable[_Encoded]] = map
    ) -> None:
        """Fit the encoders of these parts on the training side, where that has not been done.

        An encoder has code words, scales and principal components.

        Parameters
        ----------
        parts : iterable of InputBlock
        apply : callable
            ``map``, or that of a thread pool.
        """
        new = [part for part in dict.fromkeys(parts) if part not in self._parts]
        self._parts |= dict(zip(new, apply(self._encode, new), strict=True))

    def encoder(self, part: InputBlock) -> Encoder:
        """Return the fitted encoder of a part."""
        return self._parts[part][0]

    def features(
        self, parts: Sequence[InputBlock]
    ) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
        """Return the encoded training and test galaxies, an array per part.

        Each array has as many principal components as any setting may keep.
        """
        return [self._parts[part][1] for part in parts], [self._parts[part][2] for part in parts]

    def _encode(self, part: InputBlock) -> _Encoded:
        start = time.thread_time()
        largest = (
            None if part.components is None else InputBlock(part.column, part.view, MOST_COMPONENTS)
        )
        train, test = (
            {part.column: take_rows(self.blocks[part.column], rows)}
            for rows in (self.train, self.test)
        )
        encoder = Encoder([largest or part], self.shape, self.seed).fit(train)
        train_features = encoder.transform(train)
        self.seconds[part] = time.thread_time() - start
        if not len(self.test):  # the final classifier learns from all galaxies
            return encoder, train_features, train_features[:0]
        return encoder, train_features, padded(test, encoder.transform).astype(np.float32)
