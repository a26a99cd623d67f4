"""What a training step of every arm costs, measured in turns in one process."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from matey_core.cells import Point, hashed
from matey_core.cells.kept import KeptValues
from matey_core.data import Mixture, Windows
from matey_core.models import Model, adaptive
from matey_core.profiling import TrainingStep, count_flops, countable, in_turns, spread
from matey_core.progress import OnProgress, Progress, silent
from matey_core.runs.processes import join_processes
from matey_core.runs.sources import completed
from matey_core.store import Store
from matey_core.studies.equal_cost.arms import Arm
from matey_core.training import choose_precision
from matey_core.workflows.pretrain import PretrainConfig

ROUNDS = 5
"""Fewest turns of every arm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmCost:
    """One arm's step with a whole batch."""

    arm: str
    tokens: float
    """Of a frame, the mean over a batch."""
    flops: int
    """Operations of a step, forward and backward."""
    step_seconds: float
    """Median."""
    step_spread: float
    """Half the distance between the quartiles of a step's time, as a fraction of the median."""
    parameters: int


class EqualCosts:
    """What arms cost on every store: a clock of the runner, which measures all arms in turns."""

    def __init__(
        self,
        path: Path,
        training: PretrainConfig,
        stores: Sequence[Store],
        arms: Mapping[str, Sequence[Arm]],
        *,
        seconds: float,
    ) -> None:
        """Read what is known, and decide on the arithmetic of all cells.

        Args:
            path: file of the costs: a study that goes on takes those that it began with.
            training: settings that all arms share.
            stores: whose training windows the steps see.
            arms: place of a store → its arms.
            seconds: time for the steps of one arm.

        Raises:
            CheckpointError: the file is damaged.
        """
        self.arms = arms
        self.seconds = seconds
        self.device = join_processes(training.device).device
        self._kept = KeptValues(path)
        self._stores = {str(store.path): store for store in stores}
        self.precision: str = training.precision
        if self.precision == "auto":
            self.precision = self._faster(training, stores[0])
        self.training = training.model_copy(update={"precision": self.precision})

    def measure(self, point: Point, on_progress: OnProgress) -> dict[str, float]:
        """Seconds of a step of a cell's arm on its store."""
        costs = self.of(str(point.pretraining.data), on_progress)
        return {"pretraining": costs[point.arm].step_seconds}

    def of(self, place: str, on_progress: OnProgress = silent) -> dict[str, ArmCost]:
        """Costs of a store's arms by name; those that are not known are measured.

        Args:
            place: the store's.
            on_progress: called after every turn.

        Raises:
            ConfigError: an arm cannot work, or no tree has its number of tokens.
            ShapeError: the grid is smaller than a patch.
        """
        arms, store = self.arms[place], self._stores[place]
        keys = {arm.name: _key(arm, self.training, store, self.device) for arm in arms}
        unknown = [arm for arm in arms if keys[arm.name] not in self._kept]
        meter = _ArmMeter(self.training, store, self.device)
        measured = meter.measure(unknown, seconds=self.seconds, on_progress=on_progress)
        self._kept.keep({keys[cost.arm]: asdict(cost) for cost in measured})
        return {arm.name: ArmCost(**self._kept[keys[arm.name]]) for arm in arms}

    def _faster(self, training: PretrainConfig, store: Store) -> str:
        """What is faster for an arm, decided once."""
        if "precision" not in self._kept:
            plain = training.model_copy(update={"precision": "float32"})
            step = _ArmMeter(plain, store, self.device).step(self.arms[str(store.path)][0])
            batch = next(step.batches)
            chosen = choose_precision(step.model, batch, step.objective, self.device)
            self._kept.keep({"precision": chosen.name})
        return str(self._kept["precision"])


class _ArmMeter:
    """Takes steps of all arms in turns, so that a slow phase of the machine hits all alike."""

    def __init__(self, config: PretrainConfig, store: Store, device: torch.device) -> None:
        self.config = completed(config, [store])
        self.store = store
        self.device = device

    def measure(
        self, arms: Sequence[Arm], *, seconds: float, on_progress: OnProgress
    ) -> list[ArmCost]:
        steps = {arm.name: self.step(arm) for arm in arms}
        fixed = {name: self._fixed(step) for name, step in steps.items()}
        times = self._times(steps, seconds * len(steps), on_progress)
        return [
            ArmCost(
                arm=name,
                step_seconds=statistics.median(times[name]),
                step_spread=spread(times[name]),
                **fixed[name],
            )
            for name in steps
        ]

    def _times(
        self, steps: dict[str, TrainingStep], seconds: float, on_progress: OnProgress
    ) -> dict[str, list[float]]:
        """Seconds of single steps, as many of every arm."""

        def tell(elapsed: float) -> None:
            on_progress(
                Progress(
                    task=f"measure steps · {self.store.name}",
                    done=elapsed,
                    total=seconds,
                    unit="s",
                )
            )

        runs = [step.run for step in steps.values()]
        times = in_turns(runs, self.device, rounds=ROUNDS, seconds=seconds, on_round=tell)
        return dict(zip(steps, times, strict=True))

    def _fixed(self, step: TrainingStep) -> dict[str, Any]:
        """What does not depend on the machine."""
        model = adaptive(step.model, what="A comparison of tokenizations").train()
        batch = next(step.batches).to(self.device)
        with countable(step.model):
            flops = count_flops(lambda: step.forward(batch)).total
        step.optimizer.zero_grad(set_to_none=True)
        return {
            "tokens": model.count_tokens(batch).double().mean().item(),
            "flops": flops,
            "parameters": sum(each.numel() for each in step.model.parameters()),
        }

    def step(self, arm: Arm) -> TrainingStep:
        """Make the training steps of an arm."""
        config = self.config
        torch.manual_seed(0)
        model = _build(arm, config, self.store).to(self.device)
        windows = Windows(
            self.store.reading(config.objective.reads),
            self.store.samples("train"),
            history=config.history,
            max_lead=config.max_lead,
            extra_frames=config.objective.extra_frames,
            leads=config.leads,
        )
        return TrainingStep(
            model=model,
            batches=Mixture(
                [windows],
                batch_size=config.batch_size,
                seed=0,
                targets=lambda lead, _: config.targets(lead, config.steps),
            ),
            objective=config.objective.build(config.loss.build()),
            optimizer=config.optimizer.model_copy(update={"learning_rate": 1e-4}).build(model),
            device=self.device,
            dtype=getattr(torch, config.precision),
            accumulate=config.accumulate,
        )


def _build(arm: Arm, config: PretrainConfig, store: Store) -> Model:
    spec = store.spec
    fields = (*spec.names, *config.objective.answers)
    return arm.model(config.model).build(fields=fields, num_axes=(spec.grid.num_axes,))


def _key(arm: Arm, config: PretrainConfig, store: Store, device: torch.device) -> str:
    """Name of a measurement: a hash of all that it depends on."""
    content = {
        "model": arm.model(config.model).model_dump(mode="json"),
        "batch_size": config.batch_size,
        **({"accumulate": config.accumulate} if config.accumulate > 1 else {}),
        "history": config.history,
        "objective": config.objective.model_dump(mode="json"),
        "loss": config.loss.model_dump(mode="json"),
        "precision": config.precision,
        "store": store.fingerprint,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
    }
    return hashed(content)
