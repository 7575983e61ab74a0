"""Random contiguous regions and partitions: the nulls against which a planned cluster is held.

Both work on positions 0…n−1 of a connected, symmetric adjacency. Callers sort their cities by ``adcode`` first, so
that the same seed gives the same regions whatever the order of the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

from geo_cdei.errors import GraphError

__all__ = ["bridge", "grow_regions", "neighbor_table", "random_partitions"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
MAX_TREES = 30  # for one cut; then the whole partition is drawn again
MAX_RESTARTS = 200
MANY = 500  # nodes from which the tree is drawn by a library
MANY_CITIES = 1000  # cities from which regions grow with a list of their frontier


def bridge(adjacency: sparse.sparray, km: npt.NDArray[np.float64]) -> tuple[sparse.csr_array, Ints]:
    """Join the components of a graph by the shortest links between them.

    Parameters
    ----------
    adjacency : sparse array of shape (n, n)
        Symmetric; non-zero means neighbors.
    km : array of shape (n, n)
        Distances in km.

    Returns
    -------
    joined : sparse array of shape (n, n)
        Connected; the given links and one link for each component but one.
    added : array of shape (n_components − 1, 2)
        The links added, as positions.

    Notes
    -----
    The links added form the minimum spanning tree of the components under single-linkage distance.

    Examples
    --------
    >>> joined, added = bridge(sparse.csr_array((3, 3)), np.array([[0, 1, 9], [1, 0, 2], [9, 2, 0.0]]))
    >>> added.tolist()
    [[0, 1], [1, 2]]
    """
    linked = sparse.csr_array(adjacency != 0)
    count, label = connected_components(linked, directed=False)
    if count == 1:
        return linked, np.empty((0, 2), dtype=np.int64)
    ends = np.full((count, count, 2), -1, dtype=np.int64)
    gap = np.full((count, count), np.inf)
    for a in range(count):
        for b in range(a + 1, count):
            block = km[np.ix_(label == a, label == b)]
            row, column = np.unravel_index(np.argmin(block), block.shape)
            gap[a, b] = block[row, column]
            ends[a, b] = np.flatnonzero(label == a)[row], np.flatnonzero(label == b)[column]
    # a constant on every link changes no tree, and keeps a gap of 0 km from reading as "no link"
    tree = minimum_spanning_tree(np.where(np.isfinite(gap), gap + 1.0, 0.0)).tocoo()
    added = np.array(sorted(sorted(map(int, ends[a, b])) for a, b in zip(tree.row, tree.col, strict=True)))
    both = np.concatenate([added, added[:, ::-1]])
    extra = sparse.coo_array((np.ones(len(both), dtype=bool), (both[:, 0], both[:, 1])), shape=linked.shape)
    return sparse.csr_array((linked + extra) != 0), added


def grow_regions(
    adjacency: sparse.sparray | Ints,
    size: int,
    *,
    draws: int,
    seed: int,
    starts: Ints | None = None,
    part: tuple[int, int] | None = None,
) -> Ints:
    """Grow random contiguous regions, one city at a time.

    Parameters
    ----------
    adjacency : sparse array of shape (n, n), or array of int
        Connected and symmetric; or the result of :func:`neighbor_table` for this size or a larger one.
    size : int
        Cities in a region, at most n.
    draws : int
        Number of regions.
    seed : int
        Seed of ``numpy.random.default_rng``.
    starts : array of int, optional
        Positions among which the first city is drawn; all when omitted.
    part : (int, int), optional
        Grow only the regions from the first number to before the second; each is the one it is among all.

    Returns
    -------
    array of int, shape (draws, size)
        Positions in the order of growth: the first k columns are a contiguous region of k cities.

    Raises
    ------
    GraphError
        If the graph is smaller than the region or not connected.

    Notes
    -----
    Growth rule: the first city is drawn evenly from `starts`; then, again and again, one city is drawn evenly
    from all cities that neighbor the region and are not in it (Eden growth).

    Examples
    --------
    >>> line = sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(4, 4))
    >>> np.sort(grow_regions(line, 4, draws=2, seed=1), axis=1).tolist()
    [[0, 1, 2, 3], [0, 1, 2, 3]]
    """
    neighbors = adjacency if isinstance(adjacency, np.ndarray) else neighbor_table(adjacency, size)
    n, rng = len(neighbors), np.random.default_rng(seed)
    first, last = part or (0, draws)
    begin = rng.choice(np.arange(n) if starts is None else starts, size=draws)
    if n > MANY_CITIES:
        return _grow_by_lists(neighbors, begin, size, rng=rng, part=(first, last))
    near = np.zeros((n, n + 1), dtype=bool)
    near[np.arange(n)[:, None], neighbors] = True
    near = near[:, :n]
    rows = np.arange(last - first)
    regions = np.empty((len(rows), size), dtype=np.int64)
    regions[:, 0] = begin[first:last]
    _pass_over(rng, first * n)
    inside = np.zeros((len(rows), n), dtype=bool)
    inside[rows, regions[:, 0]] = True
    frontier = near[regions[:, 0]] & ~inside
    for step in range(1, size):
        # the largest of independent uniform keys is an even draw from the frontier
        keys = rng.random((len(rows), n), dtype=np.float32)
        _pass_over(rng, (draws - len(rows)) * n)
        chosen = np.argmax(np.where(frontier, keys, np.float32(-1.0)), axis=1)
        regions[:, step] = chosen
        inside[rows, chosen] = True
        frontier = (frontier | near[chosen]) & ~inside
    return regions


def neighbor_table(adjacency: sparse.sparray, size: int) -> Ints:
    """List the neighbors of every city, to grow many sets of regions from.

    Parameters
    ----------
    adjacency : sparse array of shape (n, n)
        Connected and symmetric.
    size : int
        Cities in the largest region to be grown, at most n.

    Returns
    -------
    array of int, shape (n, most neighbors)
        Positions of the neighbors of each city, ascending; n where it has no further one.

    Raises
    ------
    GraphError
        As for :func:`grow_regions`.

    Examples
    --------
    >>> neighbor_table(sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(3, 3)), 3).tolist()
    [[1, 3], [0, 2], [1, 3]]
    """
    linked = sparse.csr_array(sparse.csr_array(adjacency) != 0)
    _check_connected(np.asarray(linked.todense()), size)
    linked.sort_indices()
    n, degree = linked.shape[0], np.diff(linked.indptr)
    table = np.full((n, int(degree.max(initial=0))), n, dtype=np.int64)
    table[np.arange(table.shape[1]) < degree[:, None]] = linked.indices
    return table


def _grow_by_lists(
    neighbors: Ints, begin: Ints, size: int, *, rng: np.random.Generator, part: tuple[int, int]
) -> Ints:
    """Grow by the same rule with a list of the frontier: work in proportion to the region, not to all cities."""
    n, (first, last) = len(neighbors), part
    rows = np.arange(last - first)
    regions = np.empty((len(rows), size), dtype=np.int64)
    seen = np.zeros((len(rows), n + 1), dtype=bool)
    seen[:, n] = True  # who stands for no neighbor
    frontier = np.empty((len(rows), n), dtype=np.int32)
    waiting = np.zeros(len(rows), dtype=np.int64)
    chosen = begin[first:last]
    seen[rows, chosen] = True
    for step in range(size):
        if step:
            at = (rng.random(len(begin))[first:last] * waiting).astype(np.int64)
            waiting -= 1
            chosen = frontier[rows, at].astype(np.int64)
            frontier[rows, at] = frontier[rows, waiting]  # the last takes the place of the one taken out
        regions[:, step] = chosen
        near = neighbors[chosen]
        row, place = np.nonzero(~seen[rows[:, None], near])
        new = near[row, place]
        joined = np.bincount(row, minlength=len(rows))
        behind = np.arange(len(row)) - np.repeat(np.cumsum(joined) - joined, joined)  # 0, 1, … in each region
        frontier[row, waiting[row] + behind] = new
        seen[row, new] = True
        waiting += joined
    return regions


def _pass_over(rng: np.random.Generator, count: int) -> None:
    """Move a generator as if it had drawn `count` float32 numbers: each is half of one of its own numbers."""
    bits = rng.bit_generator
    state = dict(bits.state)
    if count and state["has_uint32"]:
        bits.state = state | {"has_uint32": 0, "uinteger": 0}
        count -= 1
    if count >= 2:
        bits.advance(count // 2)  # type: ignore[attr-defined]
    if count % 2:
        rng.random(dtype=np.float32)


def random_partitions(
    adjacency: sparse.sparray,
    sizes: Sequence[int],
    *,
    draws: int,
    seed: int,
    on_draw: Callable[[int, int], None] | None = None,
) -> Ints:
    """Cut a graph at random into contiguous parts of exactly the sizes given.

    Parameters
    ----------
    adjacency : sparse array of shape (n, n)
        Connected and symmetric.
    sizes : sequence of int
        Sizes of the parts; they add up to n.
    draws : int
        Number of partitions.
    seed : int
        Seed of ``numpy.random.default_rng``; draw number d has the generator of ``[seed, d]``.
    on_draw : callable, optional
        Called with the number of partitions done and wanted.

    Returns
    -------
    array of int, shape (draws, n)
        Part of every city; part p has ``sizes[p]`` cities.

    Raises
    ------
    GraphError
        If the sizes do not add up to n, the graph is not connected, or no cut is found.

    Notes
    -----
    Recursive cuts of random spanning trees (as in redistricting, DeFord, Duchin and Solomon 2021, Harvard Data
    Science Review 3(1)), without their balance: a tree of the part (minimum spanning tree of even random
    weights) is cut at an edge, drawn with a chance in proportion to the smaller side, whose two sides are sums
    of the sizes still to be placed; then each side is cut further. Where no tree of 30 has such an edge, the
    whole partition is drawn again.

    Examples
    --------
    >>> line = sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(5, 5))
    >>> parts = random_partitions(line, [2, 3], draws=3, seed=1)
    >>> [bool((np.diff(row) != 0).sum() == 1) for row in parts], np.bincount(parts[0]).tolist()
    ([True, True, True], [2, 3])
    """
    near = sparse.csr_array(adjacency) != 0
    n = near.shape[0]
    if sum(sizes) != n or min(sizes) < 1:
        raise GraphError(f"the sizes add up to {sum(sizes)}; {n} cities need as many, each part at least 1.")
    _check_connected(np.asarray(near.todense()), 1)
    links = _Links.of(near)
    labels = np.empty((draws, n), dtype=np.int64)
    for draw in range(draws):
        labels[draw] = _until_found(links, list(sizes), np.random.default_rng([seed, draw]))
        if on_draw is not None:
            on_draw(draw + 1, draws)
    return labels


@dataclass(frozen=True, slots=True, eq=False)
class _Links:
    """The neighbors of every node: as lists, for loops over few nodes, and as arrays, for many."""

    near: list[list[int]]
    starts: Ints
    counts: Ints
    ends: Ints

    @classmethod
    def of(cls, adjacency: sparse.csr_array) -> _Links:
        starts, ends = (part.astype(np.int64) for part in (adjacency.indptr, adjacency.indices))
        near = [ends[start:stop].tolist() for start, stop in pairwise(starts)]
        return cls(near, starts[:-1], np.diff(starts), ends)

    def among(self, nodes: Ints) -> tuple[Ints, Ints]:
        """Links of some nodes: place of the node among them, and its neighbor."""
        counts = self.counts[nodes]
        focal = np.repeat(np.arange(len(nodes)), counts)
        skipped = self.starts[nodes] - np.cumsum(counts) + counts
        return focal, self.ends[np.arange(len(focal)) + skipped[focal]]


def _check_connected(near: Bools, size: int) -> None:
    n = len(near)
    if size > n:
        raise GraphError(f"a region of {size} cities was asked of a graph of {n}.")
    count, _ = connected_components(sparse.csr_array(near), directed=False)
    if count > 1:
        raise GraphError(f"the graph has {count} components; contiguous regions need one. Join them with bridge().")


def _until_found(links: _Links, sizes: list[int], rng: np.random.Generator) -> Ints:
    """Draw a partition; a cut into a dead end (a star cannot be halved) is answered by starting afresh."""
    for _ in range(MAX_RESTARTS):
        labels = _one_partition(links, sizes, rng)
        if labels is not None:
            return labels
    raise GraphError(
        f"no partition of {len(links.near)} cities into parts of {sorted(sizes, reverse=True)} was found in "
        f"{MAX_RESTARTS} attempts. Use other sizes or a denser graph."
    )


def _one_partition(links: _Links, sizes: list[int], rng: np.random.Generator) -> Ints | None:
    labels = np.full(len(links.near), -1, dtype=np.int64)
    waiting = [(list(range(len(links.near))), list(range(len(sizes))))]
    while waiting:
        nodes, parts = waiting.pop()
        if len(parts) == 1:
            labels[nodes] = parts[0]
            continue
        sides = _cut(nodes, parts, links, sizes, rng)
        if not sides:
            return None
        waiting += sides
    return labels


def _cut(
    nodes: list[int], parts: list[int], links: _Links, sizes: list[int], rng: np.random.Generator
) -> list[tuple[list[int], list[int]]]:
    """Cut a connected set of nodes into two connected ones that can hold the parts; empty if none is found."""
    order = [parts[i] for i in rng.permutation(len(parts))]
    sums = _subset_sums([sizes[part] for part in order])
    for _ in range(MAX_TREES):
        draw_tree = _random_tree if len(nodes) <= MANY else _large_tree
        sequence, parent = draw_tree(nodes, links, rng)
        below = _subtree_sizes(sequence, parent)
        heads = [node for node in sequence[1:] if sums[-1] >> below[node] & 1]
        if not heads:
            continue
        balance = np.array([min(below[node], len(nodes) - below[node]) for node in heads], dtype=float)
        head = heads[int(rng.choice(len(heads), p=balance / balance.sum()))]
        inside = _subtree(head, sequence, parent)
        chosen = _pick_parts(order, sums, sizes, below[head])
        rest = [part for part in parts if part not in chosen]
        return [(sorted(inside), sorted(chosen)), ([node for node in nodes if node not in inside], rest)]
    return []


def _random_tree(nodes: list[int], links: _Links, rng: np.random.Generator) -> tuple[list[int], dict[int, int]]:
    """Prim's tree under even random weights: nodes in the order they join, and the parent of each."""
    near, root = links.near, nodes[int(rng.integers(len(nodes)))]
    keys = iter(rng.random(sum(len(near[node]) for node in nodes)).tolist())
    sequence: list[int] = []
    parent, heap = {root: -1}, [(0.0, root, -1)]
    outside = [False] * len(near)
    for node in nodes:
        outside[node] = True
    while len(sequence) < len(nodes):
        _, node, origin = heappop(heap)
        if outside[node]:
            outside[node] = False
            sequence.append(node)
            parent[node] = origin
            for other in near[node]:
                if outside[other]:
                    heappush(heap, (next(keys), other, node))
    return sequence, parent


def _large_tree(nodes: list[int], links: _Links, rng: np.random.Generator) -> tuple[list[int], dict[int, int]]:
    """Draw the same kind of tree for many nodes, in compiled code: nodes by distance from the root, and parents."""
    names = np.asarray(nodes)
    place = np.full(len(links.near), -1, dtype=np.int64)
    place[names] = np.arange(len(nodes))
    focal, neighbor = links.among(names)
    other = place[neighbor]
    inside = other > focal  # each link once, and only those that stay among the nodes
    ends = (focal[inside].astype(np.int32), other[inside].astype(np.int32))  # what older SciPy takes
    weighted = (rng.random(int(inside.sum())) + 1.0, ends)  # 0 would read as "no link"
    tree = minimum_spanning_tree(sparse.coo_array(weighted, shape=(len(nodes), len(nodes))).tocsr())
    root = int(rng.integers(len(nodes)))
    order, before = breadth_first_order(tree, root, directed=False)
    sequence = names[order].tolist()
    parents = dict(zip(sequence[1:], names[before[order[1:]]].tolist(), strict=True))
    return sequence, {sequence[0]: -1} | parents


def _subtree_sizes(sequence: list[int], parent: dict[int, int]) -> dict[int, int]:
    below = dict.fromkeys(sequence, 1)
    for node in reversed(sequence[1:]):
        below[parent[node]] += below[node]
    return below


def _subtree(head: int, sequence: list[int], parent: dict[int, int]) -> set[int]:
    inside = {head}
    for node in sequence[sequence.index(head) + 1 :]:
        if parent[node] in inside:
            inside.add(node)
    return inside


def _subset_sums(sizes: list[int]) -> list[int]:
    """List the sums that the first i sizes can make, as the bits of an integer, for every i."""
    sums = [1]
    for size in sizes:
        sums.append(sums[-1] | sums[-1] << size)
    return sums


def _pick_parts(order: list[int], sums: list[int], sizes: list[int], total: int) -> list[int]:
    """Parts whose sizes add up to `total`, read back from the table of sums."""
    chosen = []
    for place in range(len(order), 0, -1):
        if not sums[place - 1] >> total & 1:
            chosen.append(order[place - 1])
            total -= sizes[order[place - 1]]
    return chosen
