"""Made-up studies for the tests of the pattern."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse


def make_study(levels, *, size: int = 6, spread: float = 1.0, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Build one cluster of `size` cities per level; columns ``score``, ``gdp``, ``scale``."""
    rng = np.random.default_rng(seed)
    n = len(levels) * size
    codes = pd.Index([f"{100000 + i}" for i in range(n)], name="adcode")
    cluster = np.repeat([f"C{i + 1:02d}" for i in range(len(levels))], size)
    score = np.repeat(np.asarray(levels, dtype=float), size) + rng.normal(0, spread, n)
    cities = pd.DataFrame(
        {"score": score, "gdp": rng.lognormal(8, 0.7, n), "scale": rng.lognormal(7, 0.7, n)}, index=codes
    )
    members = pd.DataFrame({"cluster_id": cluster, "adcode": codes, "role": "primary"})
    return cities, members


def rook(rows: int, columns: int) -> sparse.csr_array:
    """Adjacency of a lattice."""
    place = np.arange(rows * columns).reshape(rows, columns)
    pairs = np.concatenate(
        [
            np.stack([place[:, :-1].ravel(), place[:, 1:].ravel()], 1),
            np.stack([place[:-1].ravel(), place[1:].ravel()], 1),
        ]
    )
    both = np.concatenate([pairs, pairs[:, ::-1]])
    n = rows * columns
    return sparse.csr_array((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(n, n))
