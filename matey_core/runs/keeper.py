"""What a run keeps while it trains: validations, checkpoints, the best weights."""

import math
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from matey_core.data import Mixture
from matey_core.distributed import Strategy
from matey_core.errors import CheckpointError, MateyError, MateyWarning
from matey_core.files import remove
from matey_core.models import as_written, has_blend, load_model
from matey_core.runs.folder import RunFolder
from matey_core.runs.keeping import keep_as_best
from matey_core.runs.origin import Origin, described
from matey_core.runs.pace import SECONDS
from matey_core.runs.scores import (
    OnValidation,
    StoreScore,
    Validation,
    ignore_validation,
    is_finite,
    is_of_today,
    overall,
    read_score,
    score_by_store,
)
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.sources import StoreWindows
from matey_core.runs.stopping import Asked
from matey_core.runs.validation import Validator
from matey_core.training import Precision, Progressed, TrainState, check_finite, load_checkpoint
from matey_core.training.checkpoint import moments_of, random_state, restore_random_state
from matey_core.training.intact import check_intact


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
        on_validation: OnValidation = ignore_validation,
    ) -> None:
        """Set up before the first step.

        Args:
            run: where everything goes.
            config: says when.
            sources: with the windows to validate on.
            mixture: whose position is saved.
            strategy: the processes; the first one writes.
            on_validation: is called by the first one after every validation.
        """
        self.run, self.config, self.sources = run, config, sources
        self.mixture, self.strategy, self.on_validation = mixture, strategy, on_validation
        self.validator = Validator(
            sources if config.objective.predicts_states else (),
            batch_size=config.batch_size,
            at_once=config.batch_size // config.accumulate,
            num_batches=config.validation_batches,
            device=strategy.device,
        )
        self.journal = run.journal(is_writer=strategy.place.is_first)
        self.precision = Precision(name="float32")
        self.best: dict[str, float] = {}
        """`step` and `score` of the best validation so far; the same in all processes."""
        self.best_scores: tuple[StoreScore, ...] = ()
        self.validations: list[Validation] = []
        """All of this run, in the first process."""
        self._saved_at = time.monotonic()

    def before_first_step(self, state: TrainState) -> None:
        """Validate and save what training starts from; called by all processes.

        Without validation data it is saved only where nothing is trained.
        """
        if self.validator.has_windows or not self.config.steps:
            self._save(state, validates=self.validator.has_windows)

    @property
    def is_due(self) -> bool:
        """Whether the last checkpoint is so old, by the clock of this process, that one is due."""
        return time.monotonic() - self._saved_at >= SECONDS * self.config.checkpoint_minutes

    def after_step(
        self, state: TrainState, asked: Asked, *, store: str, settle: Callable[[], None]
    ) -> None:
        """Validate and save, where the step is one for it; called by all processes.

        What is written while steps are skipped would be no good checkpoint to go back to.

        Args:
            state: after the step.
            asked: whether a checkpoint is due, or the last thing that is done.
            store: that the step was on.
            settle: has all steps counted and in the journal, which what is written presumes.

        Raises:
            DivergenceError: the weights are not finite, and so are not saved.
        """
        must = bool(asked.signal) or self.is_last(state)
        validates = self._is_validation(state)
        if must or validates or asked.is_due or self.config.is_checkpoint(state.step):
            settle()
            check_finite(state.model, where=f"after step {state.step}, on {store}")
            if validates or must or not state.skipped_in_a_row:
                self._save(
                    state, validates=validates, if_better=bool(state.skipped_in_a_row) and not must
                )

    def is_last(self, state: TrainState) -> bool:
        """Whether the step was the last one of the training."""
        return state.step >= self.config.steps if state.time is None else state.time.is_over

    def _is_validation(self, state: TrainState) -> bool:
        if state.time is None:
            return self.config.is_validation(state.step)
        return state.time.is_over or state.time.is_due(state.step)

    def _save(self, state: TrainState, *, validates: bool, if_better: bool = False) -> None:
        with state.time.saving(validates=validates) if state.time else nullcontext():
            is_better = validates and self._validate(state)
            if is_better or not if_better:
                self._write(state, is_better=is_better)
                self.strategy.broadcast(None)  # a step has less time than slow storage may need

    def _write(self, state: TrainState, *, is_better: bool) -> None:
        self._saved_at = time.monotonic()
        place = self.strategy.place
        random_states = self.strategy.all_gather(random_state(self.strategy.device))
        weights, evaluated = self._weights(state)
        moments = moments_of(state, are_kept=place.is_first)
        if not place.is_first:
            return
        progressed = Progressed(
            mixture=self.mixture.state_dict(),
            random_states=random_states[:: place.sequence_size],
            best=self.best,
            precision=self.precision.name,
            origin=self._origin(state.step),
        )
        self.journal.sync()
        path = self.run.checkpoints.save(
            state, progressed, weights=weights, evaluated=evaluated, moments=moments
        )
        if is_better or not self.best:
            keep_as_best(self.run, path)
        self.run.checkpoints.prune()

    def _origin(self, step: int) -> dict[str, Any]:
        """What the model that is saved says of its training."""
        windows = self.sources[0].training
        is_best = self.best.get("step") == step
        origin = Origin(
            history=windows.history,
            max_lead=max(source.training.max_lead for source in self.sources),
            step=step,
            scores=self.best_scores if is_best else (),
            stores=self.run.stores(),
        )
        return described(origin)

    def _weights(self, state: TrainState) -> tuple[dict[str, Tensor], dict[str, Tensor] | None]:
        """Whole weights that train, and those that are scored, where they are others."""
        weights = self.strategy.state(state.model)
        if not state.evaluates_others:
            return weights, None
        weights = {name: value.clone() for name, value in weights.items()}
        with state.evaluated():
            others = self.strategy.state(state.model)
            return weights, {name: value.clone() for name, value in others.items()}

    def can_go_back(self) -> bool:
        """Whether there is a checkpoint; called by all processes."""
        return bool(self.strategy.broadcast(bool(self.run.checkpoints.steps())))

    def go_back(self, state: TrainState, *, reason: str) -> None:
        """Go back to the last checkpoint with half the learning rate; called by all processes.

        Raises:
            CheckpointError: the checkpoint is damaged.
        """
        rollbacks = state.rollbacks + 1
        self.validations, self.best_scores = [], ()
        self.resume(state, turns_back_time=False)
        state.rollbacks = rollbacks
        if state.time is not None:
            state.time.go_back(state.step)
        self.journal.write("rollback", step=state.step, factor=state.rate_factor, reason=reason)

    def resume(self, state: TrainState, *, turns_back_time: bool = True) -> None:
        """Go back to the last checkpoint, or the one before where that is damaged.

        Args:
            state: becomes that of the checkpoint.
            turns_back_time: whether time that was used since then counts as not used.

        Raises:
            CheckpointError: there is none, or it does not fit.
        """
        found = self.run.checkpoints.last_intact() if self.strategy.place.is_first else None
        name = self.strategy.broadcast(found.name if found else None)
        if name is None:
            raise CheckpointError(f"{self.run.path} has no checkpoint to resume from.")
        last = self.run.checkpoints.path / name
        saved = load_checkpoint(last, state, turns_back_time=turns_back_time)
        self.mixture.load_state_dict(saved.mixture)
        self.precision = saved.resumed_precision
        self.best = dict(saved.best)
        place = self.strategy.place
        if place.data_size == len(saved.random_states):
            restore_random_state(saved.random_states[place.data_rank], self.strategy.device)
        if place.is_first:
            self.journal.rewind(state.step)
            self._recall(state.step)
            self._finish_keeping(last)
        self.best = self.strategy.broadcast(self.best)

    def _validate(self, state: TrainState) -> bool:
        """Score the model; whether it is better than ever."""
        if self.strategy.computes_for_first:
            with as_written(), state.evaluated():
                scores = self.validator(state.model, self.precision)
            score = overall(scores)
            rows = [asdict(part) for part in scores]
            expected = {"steps": state.time.expected_steps(state.step)} if state.time else {}
            self.journal.write("validation", step=state.step, score=score, scores=rows, **expected)
            steps = expected.get("steps", self.config.steps)
            self._note(state.step, score, scores, steps=steps)
            if self.strategy.place.is_first and self.validations:
                self.on_validation(self.validations[-1])
            if self.best.get("step") == state.step and has_blend(state.model.config):
                with as_written(), state.evaluated():
                    state.blends = self.validator.blends(state.model, self.precision)
        self.best = self.strategy.broadcast(self.best)
        return self.best.get("step") == state.step

    def _note(self, step: int, score: float, scores: Sequence[StoreScore], *, steps: int) -> None:
        """Remember a validation; one that is not finite is never the best."""
        if is_finite(scores) and score < self.best.get("score", math.inf):
            self.best = {"step": step, "score": score}
            self.best_scores = tuple(scores)
        if by_store := score_by_store(scores):
            worst = max(by_store, key=by_store.__getitem__)
            self.validations.append(
                Validation(
                    step=step,
                    steps=steps,
                    score=score,
                    worst_store=worst,
                    worst_score=by_store[worst],
                    best_step=int(self.best.get("step", 0)),
                    best_score=self.best.get("score", math.inf),
                    by_store=by_store,
                )
            )

    def _recall(self, step: int) -> None:
        """Go through the validations of the run that are in its journal, up to a step.

        Scores of earlier versions compare with persistence alone, and with no rollout. So the
        first new one counts as better than all of them; until then the old best weights stay.

        Raises:
            CheckpointError: the journal is damaged.
        """
        saved, self.best = self.best, {}
        told = 0
        for row in self.journal.rows():
            if row["event"] == "step":
                told = row["step"]
            if row["event"] != "validation":
                continue
            try:
                scores = [read_score(values) for values in row["scores"]]
                steps = int(row.get("steps", self.config.steps))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise CheckpointError(
                    f"{self.journal.path} is damaged: the validation at step {row['step']} "
                    f"cannot be read: {error!r}.",
                    remedy="Remove this line, or the file: the run goes on without its past.",
                ) from error
            if all(map(is_of_today, row["scores"])):
                self._note(row["step"], overall(scores), scores, steps=steps)
            elif row["step"] == saved.get("step"):
                self.best_scores = tuple(scores)
                saved = {"step": saved["step"]}
        if told < step:
            warnings.warn(
                f"{self.journal.path} is damaged: steps {told + 1} to {step} are missing; the "
                "weights have them.",
                MateyWarning,
                stacklevel=2,
            )
        if saved.get("score", math.inf) < self.best.get("score", math.inf):
            self.best = saved
        self.best = self.best or saved

    def _finish_keeping(self, last: Path) -> None:
        """Do what a kill between two renames has left undone, or damage has undone."""
        folder = self.run.checkpoints
        folder.point("last", last)
        best = folder.of_step(int(self.best["step"])) if self.best else last
        try:
            check_intact(best)
        except CheckpointError as error:
            if not _is_model(self.run.model):  # nothing is left of the best weights
                warnings.warn(f"{error} Best is {last.name} for now.", MateyWarning, stacklevel=2)
                self.best = {}
                keep_as_best(self.run, last)
        else:
            keep_as_best(self.run, best)
        for left in self.run.path.rglob("*.partial"):
            remove(left)
        folder.prune()


def _is_model(folder: Path) -> bool:
    """Whether a folder holds a model that can be loaded."""
    try:
        load_model(folder)
    except MateyError:
        return False
    return True
