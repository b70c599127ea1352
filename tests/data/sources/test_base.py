"""A source is cut into runs that together are the source."""

import pytest

from galfeat import UsageError
from galfeat.data.sources.base import Shard, cut_shards


def test_shards_are_the_source_once() -> None:
    assert cut_shards(5, 2) == [Shard(0, 2), Shard(2, 4), Shard(4, 5)]
    assert [len(shard) for shard in cut_shards(5, 2)] == [2, 2, 1]
    assert cut_shards(0) == []
    assert cut_shards(3, 256) == [Shard(0, 3)]


def test_a_shard_needs_an_entry() -> None:
    with pytest.raises(UsageError, match="at least one entry; size is 0"):
        cut_shards(5, 0)
