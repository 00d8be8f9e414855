"""Reading ahead: an iterator whose next items are made in a thread, while the last one is used."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_END: Any = object()


def ahead(items: Iterable[_Item], n: int = 2) -> Iterator[_Item]:
    """Yield items of which up to ``n`` more are made ahead, by one thread; an error in there is raised here."""
    iterator = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as pool:
        pending = deque(pool.submit(next, iterator, _END) for _ in range(n))
        try:
            while (item := pending.popleft().result()) is not _END:
                pending.append(pool.submit(next, iterator, _END))
                yield item
        finally:  # also if the caller stops early
            pool.shutdown(cancel_futures=True)
            if isinstance(iterator, Generator):
                iterator.close()  # and the files with it
