"""Where the work is done: here, or on a Dask cluster that the caller has started.

The only module that knows Dask. No cluster is ever started: "auto" uses Dask where a client is given or active, and
works here otherwise. What is computed does not depend on the engine: callers cut their work so that every block gives
the same numbers alone as it does within the whole, and results come back in the order of the blocks.
"""

from __future__ import annotations

import sys
import warnings
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pandas as pd

__all__ = ["ENGINES", "LOCAL", "THREADS", "Engine", "choose_engine", "collect", "connect", "is_dask"]

ENGINES = ("auto", "local", "dask")
THREADS = 2  # for work that lets go of Python's lock; more hold more blocks in memory at once
_ABSENT = 'Dask is not installed: pip install "geo-cdei[dask]".'


@dataclass(frozen=True, slots=True)
class Engine:
    """How blocks of work are done.

    Attributes
    ----------
    client : distributed.Client or None
        Where to send them.
    scheduled : bool
        Without a client: whether to use the scheduler named in ``dask.config``.
    blocks : int
        Into how many blocks work is best cut; it never changes a result.
    """

    client: Any = None
    scheduled: bool = False
    blocks: int = 1

    def map(
        self, function: Callable[..., Any], items: Iterable[Any], *shared: Any, threads: int = 1
    ) -> Iterator[Any]:
        """Call ``function(*shared, item)`` for every item, and give the results in the order of the items.

        Parameters
        ----------
        function : callable
            A function of a module, which every worker can import.
        items : iterable
            Taken a few at a time, so that a long stream does not fill the memory.
        *shared : object
            Sent to every worker once.
        threads : int, default 1
            How many items are worked on at a time where the work is done here. Worth more than 1 for long work in
            compiled code that lets go of Python's lock.

        Yields
        ------
        object
            One result per item.

        Examples
        --------
        >>> list(LOCAL.map(pow, [1, 2, 3], 2))
        [2, 4, 8]
        """
        if self.client is not None:
            yield from _submit_all(self.client, function, items, shared, window=2 * self.blocks)
        elif self.scheduled:
            yield from _delay_all(function, items, shared, window=2 * self.blocks)
        elif threads > 1:
            from threadpoolctl import threadpool_limits

            # a product of matrices starts threads of its own, which would wait for each other
            with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
                yield from pool.map(partial(function, *shared), items)
        else:
            for item in items:
                yield function(*shared, item)

    def map_partitions(self, function: Callable[..., Any], frame: Any, *shared: Any) -> Iterator[Any]:
        """Call ``function(*shared, partition)`` for every partition of a Dask frame, in their order.

        Parameters
        ----------
        function : callable
            A function of a module.
        frame : dask.dataframe.DataFrame or dask_geopandas.GeoDataFrame
            One partition at a time is computed, here or where it lies.
        *shared : object
            Sent to every worker once.

        Yields
        ------
        object
            One result per partition.
        """
        parts = frame.to_delayed()
        if self.client is not None:
            yield from _submit_all(self.client, function, parts, shared, window=2 * self.blocks)
        else:
            yield from self.map(_on_partition, parts, function, shared)


LOCAL = Engine()
"""Everything is done here, in one block."""


def choose_engine(engine: str = "auto", client: Any = None) -> Engine:
    """Decide where the work is done.

    Parameters
    ----------
    engine : {"auto", "local", "dask"}, default "auto"
        "auto" is Dask where a client is given or active, else local.
    client : distributed.Client, optional
        The cluster; the active client when not given.

    Returns
    -------
    Engine
        To be passed on.

    Raises
    ------
    SettingsError
        If the name is unknown, "local" is given a client, or "dask" finds neither a client nor a scheduler that
        was named with ``dask.config.set(scheduler=…)``, or is not installed.

    Examples
    --------
    >>> choose_engine("local")
    Engine(client=None, scheduled=False, blocks=1)
    """
    if engine not in ENGINES or (engine == "local" and client is not None):
        given = "a client" if engine in ENGINES else repr(engine)
        raise SettingsError(f'engine is "auto", "local" or "dask", and "local" takes no client; got {given}.')
    if engine == "local":
        return LOCAL
    found = client if client is not None else _active_client()
    if found is not None:
        return Engine(found, blocks=max(1, sum(found.nthreads().values())))
    if engine == "auto":
        return LOCAL
    if find_spec("dask") is None:
        raise SettingsError(_ABSENT)
    import dask

    if dask.config.get("scheduler", None) is None:
        raise SettingsError(
            'engine="dask" found no cluster, and none is started unasked. Make one first: '
            "client = distributed.Client(…), or name a scheduler with dask.config.set(scheduler=…)."
        )
    return Engine(scheduled=True, blocks=2)


def connect(address: str) -> Any:
    """Join a cluster that is running.

    Parameters
    ----------
    address : str
        Of its scheduler, such as ``tcp://10.0.0.5:8786``.

    Returns
    -------
    distributed.Client
        To be closed by the caller; it is not made the active one.

    Raises
    ------
    SettingsError
        If Dask is not installed, or nobody answers.
    """
    if find_spec("distributed") is None:
        raise SettingsError(_ABSENT)
    from distributed import Client

    try:
        return Client(address, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"no Dask scheduler answers at {address} ({error}). Start one with: dask scheduler; and give the address "
            "it prints."
        ) from error


def is_dask(frame: object) -> bool:
    """Whether an object is a Dask collection; Dask is not imported to find out.

    Parameters
    ----------
    frame : object
        Anything.

    Returns
    -------
    bool
        True for frames and series of Dask and of dask-geopandas.

    Examples
    --------
    >>> is_dask([1, 2])
    False
    """
    return type(frame).__module__.partition(".")[0] in {"dask", "dask_geopandas", "dask_expr"}


def collect(frame: Any, engine: Engine, *, order: pd.Index[Any] | None = None) -> Any:
    """Bring a Dask frame or series together; anything else is given back as it is.

    Parameters
    ----------
    frame : dask collection or pandas object
        Partitions may come in any order.
    engine : Engine
        Where it is computed.
    order : pandas.Index, optional
        Rows are put in this order where they are the same ones; else sorted by their index.

    Returns
    -------
    pandas object
        In memory.
    """
    if not is_dask(frame):
        return frame
    whole = engine.client.compute(frame).result() if engine.client is not None else frame.compute(**_here(engine))
    if whole.index.dtype.kind in "OT":  # Dask reads text as another type of string
        whole.index = whole.index.astype("str")
    if order is not None and len(order) == len(whole) and whole.index.is_unique and order.isin(whole.index).all():
        return whole.loc[order].set_axis(order.rename(whole.index.name))
    return whole.sort_index()


def _here(engine: Engine) -> dict[str, str]:
    """Without a scheduler that was asked for, partitions are computed one after the other in this process."""
    return {} if engine.scheduled else {"scheduler": "synchronous"}


def _active_client() -> Any:
    """Client of this process; none can be active where distributed was never imported."""
    if "distributed" not in sys.modules:
        return None
    from distributed import default_client

    try:
        return default_client()
    except ValueError:  # its way to say that there is none
        return None


def _on_partition(function: Callable[..., Any], shared: tuple[Any, ...], part: Any) -> Any:
    return function(*shared, part.compute(scheduler="synchronous"))


def _call(held: tuple[Callable[..., Any], tuple[Any, ...]], item: Any) -> Any:
    function, shared = held
    return function(*shared, item)


def _call_on(item: Any, held: tuple[Callable[..., Any], tuple[Any, ...]]) -> Any:
    return _call(held, item)


def _give(thing: Any) -> Any:
    return thing


def _delay_all(
    function: Callable[..., Any], items: Iterable[Any], shared: tuple[Any, ...], *, window: int
) -> Iterator[Any]:
    import dask

    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == window:
            yield from dask.compute(*(_delayed(function, shared, each) for each in batch))
            batch = []
    if batch:
        yield from dask.compute(*(_delayed(function, shared, each) for each in batch))


def _delayed(function: Callable[..., Any], shared: tuple[Any, ...], item: Any) -> Any:
    import dask

    # bound beforehand: Dask would look into the arguments, and take apart what it finds
    return dask.delayed(partial(function, *shared, item), pure=False)()


def _submit_all(
    client: Any, function: Callable[..., Any], items: Iterable[Any], shared: tuple[Any, ...], *, window: int
) -> Iterator[Any]:
    """Keep a window of blocks under way; give their results in order."""
    sender = _Sender(client, (function, shared))
    waiting: deque[Any] = deque()
    try:
        for item in items:
            waiting.append(sender.send(item))
            if len(waiting) >= window:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:  # an error or Ctrl-C leaves nothing running on the cluster
        client.cancel(list(waiting))


class _Sender:
    """Sends blocks to a cluster, so that it can repeat whatever goes down with a worker.

    What is sent is part of the tasks, which the scheduler keeps. It is never scattered: scattered data are lost with
    the worker that holds them, and scattering to a worker that dies at that moment fails or waits for ever.
    """

    def __init__(self, client: Any, held: tuple[Callable[..., Any], tuple[Any, ...]]) -> None:
        self.client = client
        self._held = self._submit(partial(_give, held))

    def send(self, item: Any) -> Any:
        if is_dask(item):
            return self._submit(_call, self._held, self.client.compute(item))
        return self._submit(partial(_call_on, item), self._held)

    def _submit(self, function: Callable[..., Any], *futures: Any) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)  # meant, as said above
            return self.client.submit(function, *futures, pure=False)
