"""Convert simulation files to stores, once, checked, split and described."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from matey_core import machine
from matey_core.conversion.crew import Alone, Crew, Local
from matey_core.conversion.search import Failure
from matey_core.conversion.source_files import (
    Fingerprints,
    check_space,
    files_of,
    no_empty_folder,
    stamp,
)
from matey_core.errors import DataError, Interrupted, RunError
from matey_core.locations import own_name
from matey_core.progress import OnProgress, Progress, silent
from matey_core.store import SPLITS, write_store
from matey_core.store.writer import Written, place_of
from matey_core.workflows.data_check import CheckReport, check_stores
from matey_core.workflows.prepare.plan import Plan, PrepareRow, SourcePlan, counts
from matey_core.workflows.prepare.settings import PrepareConfig

CHECK_BYTES = 256 * 2**20
"""About as much is read when looking for faults at the end."""
MEMORY_SHARE = 4
"""By default, one part in so many of the machine's memory is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareReport:
    """What became of all sources."""

    out: Path
    dry_run: bool
    rows: tuple[PrepareRow, ...]
    check: CheckReport | None = None
    """Faults of the stores that were made; None where none was made, or none looked for."""
    failures: tuple[Failure, ...] = ()
    """Sources and files that cannot be read, and are not converted."""


def prepare(config: PrepareConfig, on_progress: OnProgress = silent) -> PrepareReport:
    """Convert every source to a store, skipping what is there already.

    All headers are read before the first store is written. What the reader `auto` cannot read
    is named in the report, and everything else is converted. Each store appears under its
    name only when complete. What was finished of a store when the work was stopped, even by a kill,
    is looked at and kept by the next call with the same settings.

    Raises:
        DataError: no source, or none that can be read.
        ConfigError: settings that cannot work.
        RunError: the disk is full, or a worker died.
        Interrupted: Ctrl-C.
    """
    with Fingerprints(on_progress) as digests:
        plan = Plan(config, digests)
        if config.dry_run:
            rows = tuple(_preview(plan, job) for job in plan.jobs())
            failures = tuple(plan.failures)
            return PrepareReport(out=config.stores, dry_run=True, rows=rows, failures=failures)
        with no_empty_folder(config.stores), _crew(config) as crew:
            if plan.is_large():
                crew.start()  # while headers are read
            jobs = plan.jobs()
            check_space(config.stores, sum(job.row.num_bytes for job in jobs if not job.store))
            converter = _Converter(plan, crew, on_progress)
            rows = tuple(row for job in jobs if (row := converter.convert(job)))
            plan.check_some(bool(rows))
    check = _check(rows, on_progress) if config.check else None
    failures = tuple(plan.failures)
    return PrepareReport(
        out=config.stores, dry_run=False, rows=rows, check=check, failures=failures
    )


def _check(rows: Sequence[PrepareRow], on_progress: OnProgress) -> CheckReport | None:
    """Look for faults in the first trajectories of new stores, as many as are quickly read."""
    made = [row for row in rows if row.status == "converted"]
    if not made:
        return None
    of_a_sample = sum(row.num_bytes // row.samples for row in made)
    return check_stores(
        [row.store for row in made],
        limit=max(1, CHECK_BYTES // of_a_sample),
        on_progress=on_progress,
    )


def _preview(plan: Plan, job: SourcePlan) -> PrepareRow:
    """Tell what would be done."""
    return _compared(plan, job) if job.store else job.row


def _crew(config: PrepareConfig) -> Crew:
    if config.dask is not None:
        from matey_core.conversion.cluster import Dask

        return Dask(config.dask)
    workers = config.workers or machine.cores()
    return Alone() if workers == 1 else Local(workers)


class _Converter:
    """Converts one source after the other, each with all workers."""

    def __init__(self, plan: Plan, crew: Crew, on_progress: OnProgress) -> None:
        self.plan = plan
        self.crew = crew
        self.on_progress = on_progress
        self.seen: dict[str, Path] = {}

    def convert(self, job: SourcePlan) -> PrepareRow | None:
        """Write the store of a source, unless there is no need; None if it cannot be read."""
        try:
            return self._converted(job)
        except DataError as error:
            self.plan.fail(job.original, error)
            return None

    def _converted(self, job: SourcePlan) -> PrepareRow:
        if self.plan.has_twin(job):
            digest = self.plan.digests[job.source]
            if digest in self.seen:
                note = f"same content as {self.seen[digest]}"
                return replace(job.row, status="duplicate", note=note)
            self.seen[digest] = job.original
        if job.store is not None:
            row = _compared(self.plan, job)
            if row.status == "unchanged":
                place_of(row.store).clear()
            return row
        try:
            written = self._write(job)
        except KeyboardInterrupt as error:
            raise Interrupted(
                f"prepare was stopped; what is finished of {job.row.store.name} is kept, and "
                "the same command goes on with it."
            ) from error
        splits = counts(written.split)
        notes = _notes(written, splits, job.row)
        notes = "; ".join(filter(None, (notes, job.row.note)))
        return replace(job.row, status="converted", splits=splits, note=notes)

    def _write(self, job: SourcePlan) -> Written:
        row, done = job.row, 0
        per_frame = row.num_bytes / (row.samples * row.frames)
        task = f"convert {own_name(job.original)}"

        def on_frames(frames: int) -> None:
            nonlocal done
            done += frames
            total = float(row.num_bytes)
            self.on_progress(Progress(task=task, done=done * per_frame, total=total, unit="B"))

        self.plan.digests.start(job.original, files_of(job.source))
        return write_store(
            job.source,
            row.store,
            num_samples=row.samples,
            split=self.plan.split,
            storage=self.plan.config.storage,
            crew=self.crew,
            memory=self.plan.config.memory or machine.memory() // MEMORY_SHARE,
            plan={"stamp": list(job.stamp), **self.plan.settings(job)},
            provenance=lambda: self._provenance(job),
            on_frames=on_frames,
        )

    def _provenance(self, job: SourcePlan) -> dict[str, object]:
        """Where the values come from, if the source is still what it was at the start."""
        found = self.plan.provenance(job)
        if stamp(job.source) != job.stamp:
            raise RunError(
                f"{job.original} changed while it was converted.",
                remedy="Wait until it is complete, then run the same command again.",
            )
        return found


def _compared(plan: Plan, job: SourcePlan) -> PrepareRow:
    store = job.store
    assert store is not None
    status, note = plan.compare(job, store)
    samples = job.row.samples if status == "unchanged" else store.num_samples
    return replace(
        job.row,
        store=store.path,
        status=status,
        samples=samples,
        splits=counts(store.split),
        note=note,
    )


def _notes(written: Written, splits: tuple[int, int, int], row: PrepareRow) -> str:
    """What a person should know of a new store."""
    if row.frames == 1:
        return "a single time: not used for training"
    notes = []
    if written.num_distinct < row.samples:
        notes.append(
            f"{written.num_distinct} of {row.samples} trajectories are distinct, by their "
            "first and last states; copies stay in one split"
        )
    if empty := [name for name, count in zip(SPLITS, splits, strict=True) if not count]:
        notes.append(f"too few trajectories for {' and '.join(empty)}")
    if missing := [f"{name} {count}" for name, count in written.missing.items() if count]:
        notes.append(f"missing values: {', '.join(missing)}")
    return "; ".join(notes)


__all__ = ["PrepareConfig", "PrepareReport", "PrepareRow", "prepare"]
