"""A pool of processes for the strategies that use one."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from shared.memory import tune_memory


@contextmanager
def forked_pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Give a pool whose processes are forked already.

    To be opened before there are threads: a fork copies the locks that they hold. The processes are
    children of this one, and what they cost counts as its cost once the block has ended.
    """
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=tune_memory) as pool:
        pool.submit(int).result()  # with "fork", the first call starts all processes
        yield pool
