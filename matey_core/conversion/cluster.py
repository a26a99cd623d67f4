"""Work done by a dask.distributed cluster."""

import pickle
from collections.abc import Iterator, Sequence
from typing import Any

from matey_core.conversion.crew import Crew, UnitRange, do, in_flight
from matey_core.conversion.work import ConversionJob, Record
from matey_core.errors import ConfigError, install_extra

CONNECT_SECONDS = 10
"""How long to wait for a scheduler."""


class Dask(Crew):
    """The workers of a dask.distributed cluster; they must see the files under the same paths."""

    def __init__(self, address: str) -> None:
        """Connect to the scheduler at an address such as `tcp://node1:8786`.

        Raises:
            ConfigError: dask is not installed, or nothing answers.
        """
        try:
            from distributed import Client

            connect: Any = Client
        except ImportError as error:
            raise ConfigError(
                "--dask needs the package distributed.", remedy=install_extra("dask")
            ) from error
        try:
            self._client: Any = connect(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"No dask scheduler answers at {address}: {error}.",
                remedy="Start one with `dask scheduler`, and give the address that it prints.",
            ) from error
        self.size = max(1, sum(self._client.nthreads().values()))

    def __exit__(self, *_: object) -> None:
        """Leave the cluster to itself."""
        self._client.close()

    def run(
        self, job: ConversionJob, tasks: Sequence[UnitRange], *, at_once: int
    ) -> Iterator[list[Record]]:
        """Keep every thread of the cluster busy."""
        content = pickle.dumps(job)
        executor = self._client.get_executor(pure=False, retries=2)
        yield from in_flight(lambda task: executor.submit(do, content, task), tasks, 2 * self.size)
