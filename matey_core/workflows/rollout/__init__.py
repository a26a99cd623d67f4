"""Roll a trained model out over test trajectories, keep the states, measure the errors."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from matey_core.batches import FieldBatch
from matey_core.data import Windows, given_of, sequential_batches
from matey_core.files import check_no_link
from matey_core.inference import (
    ArtifactTally,
    Limited,
    Limiter,
    StateWriter,
    Tally,
    Variation,
    blends_of,
    cycle_of,
    evaluate,
    fill_missing,
    first_limited,
    lasting,
    mean_scores,
)
from matey_core.inference import rollout as states_of
from matey_core.machine import keep_freed_memory
from matey_core.metrics import persistence
from matey_core.models import Model, adaptive, compile_parts, tokenized
from matey_core.progress import OnProgress, Progress, silent
from matey_core.reports import refresh
from matey_core.reports.animation import animate, film_leads, film_name
from matey_core.reports.shown import Shown
from matey_core.runs.budget import TokenBudget
from matey_core.runs.trained import Trained, find_trained
from matey_core.store import Store
from matey_core.tokenizers import TokenizerConfig
from matey_core.training import read_ranges
from matey_core.workflows.rollout.budget import rebudget
from matey_core.workflows.rollout.document import document_of, keep
from matey_core.workflows.rollout.leads import LeadErrors, Scores
from matey_core.workflows.rollout.origin import provenance_of, truth_coordinates
from matey_core.workflows.rollout.picture import check_installed, draw
from matey_core.workflows.rollout.report import RolloutReport, StoreRollout
from matey_core.workflows.rollout.settings import RolloutConfig
from matey_core.workflows.rollout.shown import shown_of
from matey_core.workflows.rollout.stores import Chosen, choose_stores
from matey_core.workflows.rollout.summary import LEADS, summary_of

__all__ = [
    "LEADS",
    "LeadErrors",
    "RolloutConfig",
    "RolloutReport",
    "Scores",
    "Shown",
    "StoreRollout",
    "document_of",
    "rollout",
]


def rollout(config: RolloutConfig, on_progress: OnProgress = silent) -> RolloutReport:
    """Predict trajectories from their first frames, store by store.

    The states are streamed to `<out>/<store>.zarr`, which has its name only when
    complete; an earlier one of the same name is replaced then. Pictures lie beside
    them, and all scores in `scores.json`.

    Raises:
        CheckpointError: there is no run, or it is damaged.
        ConfigError: a store that the model does not know was asked for, it cannot vary its
            patches as asked, a call would have another number of tokens than there can be, or
            matplotlib is missing.
        DataError: no store fits, or one is damaged.
        RunError: the disk is full.
    """
    if config.plot:
        check_installed()
    if config.animate:
        check_installed("--animate")
    keep_freed_memory()
    trained = find_trained(config.run, runs=config.runs)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = trained.load().to(device)
    if not config.blend:
        model.blends = {}
    history = config.history or trained.history
    choice = choose_stores(config, trained, model, history=history)
    stores = [each.store for each in choice.taken]
    budget = rebudget(
        model,
        TokenBudget(tokens=config.tokens, flops=config.flops, seconds=config.seconds),
        stores,
        history=history,
        batch_size=config.batch_size,
        moves=config.jitter,
    )
    job = _Job(config, trained, model, history, device, on_progress)
    beyond = job.check(stores)
    if config.compile:
        compile_parts(model)
    report = RolloutReport(
        model=trained.path,
        split=config.split,
        history=history,
        start=config.start,
        stride=config.stride,
        jitter=config.jitter,
        cycle=config.cycle,
        seed=config.seed,
        stores=tuple(job.roll_out(each) for each in choice.taken),
        skipped=choice.skipped,
        earlier=choice.earlier,
        limits=job.unlimited,
        budget=" ".join(part for part in (budget, beyond) if part),
        scores=(config.out or trained.out) / "scores.json",
    )
    keep(report)
    for result in report.stores:
        if result.picture is not None:
            draw(result, result.picture)
    if config.out is None:
        refresh(trained.out)
    return report


class _Job:
    """One model, rolled out over one store after another."""

    def __init__(
        self,
        config: RolloutConfig,
        trained: Trained,
        model: Model,
        history: int,
        device: torch.device,
        on_progress: OnProgress,
    ) -> None:
        self.config = config
        self.trained = trained
        self.model = model
        self.history = history
        self.device = device
        self.on_progress = on_progress
        self.ranges = read_ranges(trained.path) if config.limit else {}
        self.forecasters = {
            each.name: each.build() for each in config.forecasts if each.name != "persistence"
        }

    @property
    def cells(self) -> TokenizerConfig | None:
        """How the model cuts fields; None if it has no tokens."""
        cutting = tokenized(self.model)
        return cutting.config.tokenization if cutting else None

    @property
    def tokens(self) -> int | None:
        """The model's budget, where it has a number of tokens."""
        return self.cells.tokens if self.cells else None

    @property
    def unlimited(self) -> str:
        """Why nothing is limited, where that was not asked for."""
        if self.ranges or not self.config.limit:
            return ""
        return (
            f"Nothing is limited: {self.trained.path} does not say what its training data showed."
        )

    def check(self, stores: Sequence[Store]) -> str:
        """Refuse before all work what a call could not do; say which calls exceed a budget."""
        asked = any((self.config.tokens, self.config.flops, self.config.seconds))
        budget, largest = self.tokens, 0
        for store in stores:
            variation = self._variation(store)
            if variation != Variation():
                variation.check(self.model, store.spec.grid)
            largest = max(largest, variation.largest_uniform(store.spec.grid))
        if not asked or budget is None or largest <= budget:
            return ""
        return (
            f"Uniform passes of --cycle {self.config.cycle} have up to {largest} tokens a frame, "
            "whatever the budget."
        )

    def roll_out(self, chosen: Chosen) -> StoreRollout:
        """Measure one-step errors, then predict whole trajectories."""
        store = chosen.store
        windows = Windows(store, chosen.samples, history=self.history, max_lead=1)
        one_step, num_windows = self._one_step(windows)
        own = self.trained.out / "rollout"
        if self.config.out is None:
            check_no_link(own)
        path = (self.config.out or own) / f"{store.name}.zarr"
        names = tuple(store.sample_names[sample] for sample in chosen.samples)
        leads, limited = self._trajectories(chosen, path)
        show = partial(
            shown_of,
            store,
            path,
            sample=chosen.samples[0],
            first=self.config.start + self.history,
            steps=chosen.steps,
            field=self.config.field,
        )
        film = None
        if self.config.animate:
            self._tell(f"film · {store.name}", 0, 1, "film")
            film = animate(store.name, show(leads=film_leads(chosen.steps)), film_name(path))
        return StoreRollout(
            store=store.name,
            path=path,
            samples=names,
            steps=chosen.steps,
            windows=num_windows,
            windows_available=len(windows),
            one_step=one_step,
            one_step_mean=mean_scores(one_step),
            rollout=leads,
            artifacts=lasting([lead.patches for lead in leads]),
            was_trained_on=tuple(
                store.sample_names[sample]
                for sample in chosen.samples
                if sample in self.trained.trained_samples(store)
            ),
            summary=summary_of(leads),
            shown=show(),
            limited=limited,
            blended=blends_of(self.model, store.spec),
            film=film,
            picture=path.with_suffix(".png") if self.config.plot else None,
        )

    def _one_step(self, windows: Windows) -> tuple[Scores, int]:
        total = min(len(windows), self.config.windows)

        def batches() -> Iterator[FieldBatch]:
            done = 0
            for batch in sequential_batches(
                windows, batch_size=self.config.batch_size, lead_steps=(1,), num_windows=total
            ):
                self._tell(f"one step · {windows.store.name}", done, total, "windows")
                yield batch.to(self.device)
                done += batch.size

        return evaluate(self.model, batches(), self.forecasters).scores(), total

    def _trajectories(
        self, chosen: Chosen, path: Path
    ) -> tuple[tuple[LeadErrors, ...], tuple[Limited, ...]]:
        store, steps, size = chosen.store, chosen.steps, self.config.batch_size
        tallies = [Tally(store.spec.names, tuple(self.forecasters)) for _ in range(chosen.known)]
        watch = ArtifactTally(store.spec, self.cells.levels if self.cells else (), chosen.known)
        first = self.config.start + self.history
        times = slice(first, first + steps)
        with StateWriter(
            path,
            store.spec,
            coordinates=truth_coordinates(store, chosen.samples, times=times),
            attributes=provenance_of(
                self.config,
                self.trained,
                store,
                history=self.history,
                tokens=self.tokens,
            ),
        ) as writer:
            all_rows = [
                slice(row, min(row + size, len(chosen.samples)))
                for row in range(0, len(chosen.samples), size)
            ]
            limits = [self._batch(chosen, rows, tallies, watch, writer) for rows in all_rows]
        leads = tuple(
            LeadErrors(
                lead=lead,
                lead_time=lead * store.spec.time_step,
                fields=tally.scores(),
                mean=mean_scores(tally.scores()),
                patches=watch.at(lead - 1),
            )
            for lead, tally in enumerate(tallies, start=1)
        )
        return leads, first_limited(torch.cat(limits), store.spec.names)

    def _batch(
        self,
        chosen: Chosen,
        rows: slice,
        tallies: list[Tally],
        watch: ArtifactTally,
        writer: StateWriter,
    ) -> Int[torch.Tensor, "b c"]:
        """Roll out some trajectories together, one state in memory at a time.

        Returns:
            (b, c) lead from which on each field was limited; 0 where it was not.
        """
        samples = chosen.samples[rows]
        first = self.config.start + self.history
        frames = self._frames(chosen.store, samples, self.config.start, first)
        history, missing = fill_missing(frames)
        batch = FieldBatch(
            spec=chosen.store.spec,
            history=history,
            lead_steps=torch.ones(len(samples), 1, dtype=torch.int64, device=self.device),
            valid=None if missing is None else ~missing[:, None],
            given=given_of(chosen.store, samples, frames),
        )
        forecasts = {name: each.states(batch) for name, each in self.forecasters.items()}
        baseline = persistence(batch)
        is_first = self.config.start == 0
        limiter = Limiter(batch, self.ranges, missing=missing, is_first=is_first)
        states = states_of(
            self.model,
            batch,
            steps=chosen.steps,
            stride=self.config.stride,
            missing=missing,
            variation=self._variation(chosen.store),
            limiter=limiter if self.ranges else None,
        )
        for index, state in enumerate(states):
            if index < chosen.known:
                truth = self._frames(chosen.store, samples, first + index, first + index + 1)
                known = _known(truth, missing)
                others = {name: next(each)[:, None] for name, each in forecasts.items()}
                tallies[index].add(state[:, None], baseline, truth, known, forecasts=others)
                error = (state[:, None] - truth)[:, 0]
                watch.add(index, error if known is None else error.masked_fill(~known[:, 0], 0))
            writer.write(state.float().cpu().numpy(), samples=rows, time_index=index)
            done = rows.start * chosen.steps + (index + 1) * len(samples)
            total = len(chosen.samples) * chosen.steps
            self._tell(f"rollout · {chosen.store.name}", done, total, "frames")
        return limiter.first.cpu()

    def _variation(self, store: Store) -> Variation:
        config = self.config
        cycle: tuple[TokenizerConfig, ...] = ()
        if config.cycle:
            cells = adaptive(self.model, what="--cycle").config.tokenization
            cycle = cycle_of(cells, config.cycle, store.spec.grid, moves=config.jitter)
        return Variation(jitter=config.seed if config.jitter else None, cycle=cycle)

    def _frames(
        self, store: Store, samples: tuple[int, ...], start: int, stop: int
    ) -> torch.Tensor:
        frames = np.stack([store.read(sample, start, stop) for sample in samples])
        return torch.from_numpy(frames).to(self.device)

    def _tell(self, task: str, done: int, total: int, unit: str) -> None:
        self.on_progress(Progress(task=task, done=done, total=total, unit=unit))


def _known(
    truth: Float[torch.Tensor, "b 1 c *space"], missing: Bool[torch.Tensor, "b c *space"] | None
) -> Bool[torch.Tensor, "b 1 c *space"] | None:
    """Cells that can be scored: known at the start and in the truth; None if all are."""
    unknown = truth.isnan() if missing is None else truth.isnan() | missing[:, None]
    return ~unknown if unknown.any() else None
