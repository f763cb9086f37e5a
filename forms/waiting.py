"""Nodes that wait to be looked at again, lowest rank first, each once."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from forms.nodes import AnswerNode


class Waiting:
    """The queue by which an interview settles a change."""

    __slots__ = ("_by_rank", "_ranks")

    def __init__(self) -> None:
        self._ranks: list[int] = []
        self._by_rank: dict[int, dict[AnswerNode, None]] = {}

    def __bool__(self) -> bool:
        return bool(self._ranks)

    def __iter__(self) -> Iterator[AnswerNode]:
        return (node for nodes in self._by_rank.values() for node in nodes)

    def add(self, node: AnswerNode) -> None:
        """Let a node wait, unless it does."""
        rank = node.spec.rank
        nodes = self._by_rank.get(rank)
        if nodes is None:
            self._by_rank[rank] = nodes = {}
            heapq.heappush(self._ranks, rank)
        nodes[node] = None

    def drop(self, node: AnswerNode) -> None:
        """Forget a node that is gone."""
        self._by_rank.get(node.spec.rank, {}).pop(node, None)

    def pop(self) -> dict[AnswerNode, None]:
        """Every node of the lowest rank."""
        return self._by_rank.pop(heapq.heappop(self._ranks), {})

    def clear(self) -> None:
        """Let nobody wait any more."""
        self._ranks.clear()
        self._by_rank.clear()
