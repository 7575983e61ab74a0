"""Charts drawn as SVG on this side, so that a page shows them without a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from geo_cdei.errors import OutputError
from geo_cdei.outputs._escape import text

__all__ = ["acceptability_chart"]

# ranks 1, 2, 3, 4 to 6, and below; dark to light, told apart in grey as well (ColorBrewer YlGnBu)
SHADES = ("#0c2c84", "#1d91c0", "#7fcdbb", "#d7efc7", "#eeeeee")
STEPS = (1, 2, 3, 6)
# in pixels of a side column: names stand above their bars, so that the chart is read at its own size
ROW, NAME, BAR, TOP, WIDTH, SHARE = 36, 14, 15, 66, 232, 48
COLUMN = 93  # of the legend, three classes on a line


def acceptability_chart(
    ranks: pd.DataFrame, names: Mapping[str, str], *, words: Sequence[str], note: str = "", largest: int = 12
) -> str:
    """Draw one bar per candidate, split by the share of draws in which it has each rank.

    Parameters
    ----------
    ranks : pandas.DataFrame of shape (n, n)
        Rank acceptabilities, indexed by ``cluster_id``, columns 1 … n.
    names : mapping of str to str
        What the reader sees for each ``cluster_id``; not yet escaped.
    words : sequence of str
        Title, word for "rank", word for "below"; not yet escaped.
    note : str
        What stands under the chart; not yet escaped.
    largest : int, default 12
        How many candidates are shown, likeliest first place first.

    Returns
    -------
    str
        An ``<svg>`` element without scripts, styles or links.

    Raises
    ------
    OutputError
        If a share is missing or outside 0 … 1, or there are not three words.

    Examples
    --------
    >>> ranks = pd.DataFrame([[0.75, 0.25], [0.25, 0.75]], index=["C1", "C2"], columns=[1, 2])
    >>> svg = acceptability_chart(ranks, {"C1": "A", "C2": "<B>"}, words=["Ranks", "rank", "below"])
    >>> svg.count("<rect"), "&lt;B&gt;" in svg, "<B>" in svg
    (6, True, False)
    """
    _check(ranks, words)
    title, rank, below = words
    parts = _parts(ranks)
    order = parts.sort_values(list(parts.columns), ascending=False, kind="stable").index[:largest]
    labels = _labels(rank, below, ranks.shape[1])
    body = "".join(_row(i, names.get(key, key), parts.loc[key], labels) for i, key in enumerate(order))
    height = TOP + ROW * len(order) + (24 if note else 6)
    foot = f'<text x="0" y="{height - 6}" font-size="11" fill="#444444">{text(note)}</text>' if note else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH + SHARE} {height}" '
        f'width="100%" font-family="sans-serif"><title>{text(title)}</title>'
        f'<text x="0" y="16" font-size="14" font-weight="bold">{text(title)}</text>'
        f"{_legend(labels)}{body}{foot}</svg>"
    )


def _check(ranks: pd.DataFrame, words: Sequence[str]) -> None:
    values = ranks.to_numpy(dtype=float)
    bad = ~((values >= 0) & (values <= 1 + 1e-9))
    if bad.any() or len(words) != 3:
        raise OutputError(
            f"the chart needs shares between 0 and 1 and three words; {int(bad.sum())} of {values.size} shares are "
            f"not, {len(words)} words were given. Pass the ranks of an Acceptability."
        )


def _parts(ranks: pd.DataFrame) -> pd.DataFrame:
    """Shares of ranks 1, 2, 3, 4 to 6 and below."""
    place = pd.Series(ranks.columns.astype(int), index=ranks.columns)
    group = place.map(lambda rank: next((i for i, last in enumerate(STEPS) if rank <= last), len(STEPS)))
    summed = {i: ranks.loc[:, group == i].sum(axis=1) for i in range(len(SHADES)) if (group == i).any()}
    return pd.DataFrame(summed)


def _labels(rank: str, below: str, n: int) -> dict[int, str]:
    words = {0: f"{rank} 1", 1: f"{rank} 2", 2: f"{rank} 3", 3: f"{rank} 4–{min(6, n)}", 4: below}
    first = (1, 2, 3, 4, 7)
    return {i: word for i, word in words.items() if first[i] <= n}


def _legend(labels: Mapping[int, str]) -> str:
    drawn = []
    for i, word in labels.items():
        x, y = i % 3 * COLUMN, 26 + i // 3 * 18
        box = f'x="{x}" y="{y}" width="12" height="12" fill="{SHADES[i]}"'
        drawn.append(f'<rect {box} stroke="#666666" stroke-width="0.5"></rect>')
        drawn.append(f'<text x="{x + 17}" y="{y + 10}" font-size="11">{text(word)}</text>')
    return "".join(drawn)


def _row(i: int, name: str, parts: pd.Series[float], labels: Mapping[int, str]) -> str:
    """Draw one bar with a tooltip on each of its parts."""
    y = TOP + ROW * i
    drawn = [f'<text x="0" y="{y + NAME - 3}" font-size="12">{text(name)}</text>']
    at = 0.0
    for part, share in parts.items():
        width = float(share) * WIDTH
        label = text(f"{name}, {labels[int(str(part))]}: {share:.1%}")
        drawn.append(
            f'<rect x="{at:.2f}" y="{y + NAME}" width="{width:.2f}" height="{BAR}" fill="{SHADES[int(str(part))]}" '
            f'stroke="#666666" stroke-width="0.3"><title>{label}</title></rect>'
        )
        at += width
    first = float(parts.iloc[0])
    drawn.append(f'<text x="{WIDTH + 6}" y="{y + NAME + 12}" font-size="11">{first:.1%}</text>')
    return "".join(drawn)
