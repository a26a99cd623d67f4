"""Runs checks over stores, each of which is read once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from matey_core.linting._base import CHECKS, SEVERITIES, Check, Finding
from matey_core.linting._blocks import FrameBlock, Unreadable, stream
from matey_core.store import Store

READ = "read"
"""Name of the check that reading itself is."""


class Linter:
    """Lints stores one after the other, and compares them with each other."""

    def __init__(self, checks: Sequence[str] | None = None, *, limit: int | None = None) -> None:
        """Choose what to look for.

        Args:
            checks: names of checks; all by default. Where none of them needs values, none
                are read.
            limit: look at this many samples of each store at most, the first ones.

        Raises:
            ConfigError: a check is not known.
        """
        self.limit = limit
        names = CHECKS.names() if checks is None else tuple(checks)
        self._checks: dict[str, Check] = {name: CHECKS[name]() for name in names}

    def lint(
        self, store: Store, on_block: Callable[[FrameBlock], None] = lambda block: None
    ) -> tuple[Finding, ...]:
        """Look at a store.

        Args:
            store: what to look at.
            on_block: given every block that could be read, once the checks have seen it.

        Returns:
            What was found, errors first.
        """
        for check in self._checks.values():
            check.start(store)
        failures = _Failures(store)
        readers = [check for check in self._checks.values() if check.reads]
        for block in stream(store, self.samples(store)) if readers else ():
            if isinstance(block, Unreadable):
                failures.add(block)
                continue
            for check in readers:
                check.see(block)
            on_block(block)
        found = [
            *failures.findings(),
            *(
                replace(finding, check=name)
                for name, check in self._checks.items()
                for finding in check.findings()
            ),
        ]
        return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))

    def samples(self, store: Store) -> int:
        """Samples of a store that are looked at."""
        return min(store.num_samples, self.limit or store.num_samples)


def lint_store(
    store: Store, *, checks: Sequence[str] | None = None, limit: int | None = None
) -> tuple[Finding, ...]:
    """Look at one store; see `Linter`."""
    return Linter(checks, limit=limit).lint(store)


class _Failures:
    """Chunks that cannot be read, by field."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._first: dict[str, Unreadable] = {}
        self._samples: dict[str, set[int]] = {}

    def add(self, block: Unreadable) -> None:
        self._first.setdefault(block.field.name, block)
        self._samples.setdefault(block.field.name, set()).add(block.sample)

    def findings(self) -> Iterator[Finding]:
        for name, first in self._first.items():
            yield Finding(
                severity="error",
                check=READ,
                field=name,
                sample=self._store.sample_names[first.sample],
                frame=first.frame,
                count=len(self._samples[name]),
                found=str(first.error).rstrip("."),
                expected="a whole chunk",
                remedy=first.error.remedy,
            )
