"""Batches read by threads while others are used."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from matey_core.batches import FieldBatch
from matey_core.data.mixture import Mixture


class Loader(Iterator[FieldBatch]):
    """The batches of a mixture, in its order, read ahead by threads.

    Threads are enough: copies, decompression and waiting for files leave the interpreter
    to others. The mixture's position counts the batches that were handed out, so it can
    be saved at any time, and what was read ahead is not lost.

    Use it in a `with` statement: leaving it, also by an error or Ctrl-C, ends the threads.
    """

    def __init__(
        self,
        mixture: Mixture,
        *,
        steps: int | None = None,
        workers: int = 2,
        prefetch: int | None = None,
        pin: bool = False,
    ) -> None:
        """Start at the mixture's position.

        Args:
            mixture: what to read.
            steps: position to stop at; None for no end.
            workers: threads; 0 reads every batch when it is asked for.
            prefetch: batches in memory besides the one in use; by default one a worker.
            pin: put batches into page-locked memory, from where a GPU fetches them while
                it computes.
        """
        self.mixture = mixture
        self.steps = steps
        self.pin = pin
        self.prefetch = max(1, workers if prefetch is None else prefetch)
        self._pool = ThreadPoolExecutor(workers, "matey-reader") if workers else None
        self._coming: deque[tuple[int, Future[FieldBatch]]] = deque()

    def __next__(self) -> FieldBatch:
        """Give the next batch, when it is there.

        Raises:
            StopIteration: all steps are done, or the loader is closed.
            DataError: a store is damaged.
        """
        step = self.mixture.step
        if self.steps is not None and step >= self.steps:
            raise StopIteration
        batch = self._read(step) if self._pool is None else self._wait_for(step, self._pool)
        self.mixture.step = step + 1
        if self._pool is not None:
            self._send(self._pool)
        return batch

    def _wait_for(self, step: int, pool: ThreadPoolExecutor) -> FieldBatch:
        if self._coming and self._coming[0][0] != step:  # the mixture was moved
            self._forget()
        if not self._coming:
            self._send(pool)
        return self._coming.popleft()[1].result()

    def _send(self, pool: ThreadPoolExecutor) -> None:
        """Have batches read, as many as there may be."""
        first = self._coming[-1][0] + 1 if self._coming else self.mixture.step
        last = self.mixture.step + self.prefetch
        if self.steps is not None:
            last = min(last, self.steps)
        for step in range(first, last):
            self._coming.append((step, pool.submit(self._read, step)))

    def _read(self, step: int) -> FieldBatch:
        batch = self.mixture.batch(step)
        return batch.pin_memory() if self.pin else batch

    def _forget(self) -> None:
        for _, future in self._coming:
            future.cancel()
        self._coming.clear()

    def close(self) -> None:
        """End the threads; a batch that is being read is finished first."""
        self.steps = 0
        self._forget()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> "Loader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
