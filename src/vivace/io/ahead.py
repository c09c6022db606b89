"""Reading ahead: an iterator that is a few items in front of whoever uses it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

_WAIT = 0.1  # seconds; a thread that nobody listens to any more ends after so long


def ahead(items: Iterable[Item], size: int = 2) -> Iterator[Item]:
    """Yield the items, up to `size` of which a thread has made before they are asked for.

    What goes wrong in the thread is raised where the item was asked for. The thread ends with the
    generator.
    """
    found: queue.Queue[tuple[bool, object]] = queue.Queue(size)
    ended = threading.Event()

    def put(done: bool, item: object) -> None:
        while not ended.is_set():
            try:
                return found.put((done, item), timeout=_WAIT)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put(False, item)
                if ended.is_set():
                    return
        except BaseException as error:
            put(True, error)
        else:
            put(True, None)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            done, item = found.get()
            if not done:
                yield item  # type: ignore[misc]
            elif isinstance(item, BaseException):
                raise item
            else:
                return
    finally:
        ended.set()
        thread.join()
