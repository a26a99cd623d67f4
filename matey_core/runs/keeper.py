"""What a run keeps while it trains: validations, checkpoints, the best weights."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from matey_core.data import Mixture
from matey_core.distributed import Strategy
from matey_core.errors import CheckpointError
from matey_core.models import as_written
from matey_core.runs.folder import RunFolder
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.sources import StoreWindows
from matey_core.runs.validation import StoreScore, overall, validate_model
from matey_core.training import Precision, Progressed, TrainState, load_checkpoint
from matey_core.training.checkpoint import random_state, restore_random_state, written


class Keeper:
    """Validates and saves when a step asks for it."""

    def __init__(
        self,
        run: RunFolder,
        config: TrainingConfig,
        sources: Sequence[StoreWindows],
        *,
        mixture: Mixture,
        strategy: Strategy,
    ) -> None:
        """Set up before the first step.

        Args:
            run: where everything goes.
            config: says when.
            sources: with the windows to validate on.
            mixture: whose position is saved.
            strategy: the processes; the first one writes.
        """
        self.run, self.config, self.sources = run, config, sources
        self.mixture, self.strategy = mixture, strategy
        self.journal = run.journal(is_writer=strategy.place.is_first)
        self.precision = Precision(name="float32")
        self.best: dict[str, float] = {}
        """`step` and `score` of the best validation so far."""
        self.best_scores: tuple[StoreScore, ...] = ()

    def after_step(self, state: TrainState) -> None:
        """Validate and save, where the step is one for it; called by all processes."""
        if not self.config.is_checkpoint(state.step):
            return
        place = self.strategy.place
        is_validation = self.strategy.computes_for_first and self.config.is_validation(state.step)
        is_better = is_validation and self._validate(state)
        random_states = self.strategy.all_gather(random_state(self.strategy.device))
        weights = self.strategy.state(state.model)
        if not place.is_first:
            return
        progressed = Progressed(
            mixture=self.mixture.state_dict(),
            random_states=random_states[:: place.sequence_size],
            best=self.best,
            precision=self.precision.name,
        )
        path = self.run.checkpoints.save(state, progressed, weights=weights)
        if is_better or not self.best:
            self._keep_as_best(path)
        self.run.checkpoints.prune()

    def resume(self, state: TrainState) -> None:
        """Go back to the last checkpoint.

        Raises:
            CheckpointError: there is none, or it does not fit.
        """
        last = self.run.checkpoints.named("last")
        if last is None:
            raise CheckpointError(f"{self.run.path} has no checkpoint to resume from.")
        saved = load_checkpoint(last, state)
        self.mixture.load_state_dict(saved.mixture)
        self.precision = saved.resumed_precision
        self.best = dict(saved.best)
        place = self.strategy.place
        if place.data_size == len(saved.random_states):
            restore_random_state(saved.random_states[place.data_rank], self.strategy.device)
        if place.is_first:
            self.journal.rewind(state.step)
            self._finish_keeping(last)

    def _validate(self, state: TrainState) -> bool:
        """Score the model; whether it is better than ever."""
        with as_written():
            scores = validate_model(
                state.model,
                self.sources,
                batch_size=self.config.batch_size,
                num_batches=self.config.validation_batches,
                precision=self.precision,
                device=self.strategy.device,
            )
        score = overall(scores)
        self.journal.write(
            "validation", step=state.step, score=score, scores=[asdict(part) for part in scores]
        )
        if score >= self.best.get("score", float("inf")):
            return False
        self.best = {"step": state.step, "score": score}
        self.best_scores = scores
        return True

    def _keep_as_best(self, path: Path) -> None:
        self.run.checkpoints.point("best", path)
        with written(self.run.model) as partial:
            adapter = path / "adapter"
            shutil.copytree(adapter if adapter.exists() else path / "model", partial)

    def _finish_keeping(self, last: Path) -> None:
        """Do what a kill between two renames has left undone."""
        step = int(self.best.get("step", int(last.name.removeprefix("step-"))))
        for row in self.journal.read():
            if row["event"] == "validation" and row["step"] == step:
                self.best_scores = tuple(_score(values) for values in row["scores"])
        self._keep_as_best(last.with_name(f"step-{step:08d}"))


def _score(values: dict[str, Any]) -> StoreScore:
    """Read a score from a journal, where ∞ is null."""
    return StoreScore(
        store=values["store"],
        lead_steps=values["lead_steps"],
        error=float("inf") if values["error"] is None else values["error"],
        persistence=float("inf") if values["persistence"] is None else values["persistence"],
    )
