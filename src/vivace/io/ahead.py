"""Reading ahead: an iterator that is a few items in front of whoever uses it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

Item = TypeVar("Item")

_WAIT = 0.1  # seconds; a thread that nobody listens to any more ends after so long


def ahead(items: Iterable[Item], size: int = 2) -> Generator[Item, None, None]:
    """Yield the items, up to `size` of which a thread has made before they are asked for.

    What goes wrong in the thread is raised where the item was asked for. The thread ends with the
    generator.
    """
    found: queue.Queue[tuple[bool, object]] = queue.Queue(size)
    ended = threading.Event()

    def over() -> bool:
        return ended.is_set() or not threading.main_thread().is_alive()

    def put(done: bool, item: object) -> None:
        while not over():
            try:
                return found.put((done, item), timeout=_WAIT)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put(False, item)
                if over():
                    return
        except BaseException as error:
            put(True, error)
        else:
            put(True, None)

    # No daemon: one that is inside of a library when the interpreter ends aborts the process.
    thread = threading.Thread(target=work)
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
