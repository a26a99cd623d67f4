"""What a training step of every arm costs, measured in turns in one process."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from matey_core.data import Mixture, Windows
from matey_core.errors import CheckpointError
from matey_core.models import Model, adaptive
from matey_core.profiling import TrainingStep, count_flops, countable, in_turns, spread
from matey_core.progress import OnProgress, Progress, silent
from matey_core.runs.processes import join_processes
from matey_core.store import Store
from matey_core.studies.cells import Point, hashed
from matey_core.studies.equal_cost.arms import Arm
from matey_core.training import choose_precision
from matey_core.training.checkpoint import written
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
    """What arms cost on every store: a clock of the runner, which measures all arms in turns.

    Costs are kept in a file: a study that goes on takes those that it began with.
    """

    def __init__(
        self,
        path: Path,
        training: PretrainConfig,
        stores: Sequence[Store],
        arms: Mapping[str, Sequence[Arm]],
        *,
        seconds: float,
    ) -> None:
        """Read the file, if there is one.

        Args:
            path: the file.
            training: settings that all arms share.
            stores: whose training windows the steps see.
            arms: place of a store → its arms.
            seconds: time for the steps of one arm.

        Raises:
            CheckpointError: the file is damaged.
        """
        self.book = CostBook(path)
        self.arms = arms
        self.seconds = seconds
        self.device = join_processes(training.device).device
        self._stores = {str(store.path): store for store in stores}
        first = stores[0]
        self.precision = self.book.precision(training, arms[str(first.path)][0], first, self.device)
        self.training = training.model_copy(update={"precision": self.precision})
        self._known: dict[str, dict[str, ArmCost]] = {}

    def measure(self, point: Point, on_progress: OnProgress) -> dict[str, float]:
        """Seconds of a step of a cell's arm on its store."""
        costs = self.of(str(point.pretraining.data), on_progress)
        return {"pretraining": costs[point.arm].step_seconds}

    def of(self, place: str, on_progress: OnProgress = silent) -> dict[str, ArmCost]:
        """Costs of a store's arms by name; those that are not known are measured."""
        if place not in self._known:
            self._known[place] = self.book.costs(
                self.arms[place],
                self.training,
                self._stores[place],
                device=self.device,
                seconds=self.seconds,
                on_progress=on_progress,
            )
        return self._known[place]


class CostBook:
    """Costs in a file: a study that goes on takes those that it began with."""

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one.

        Raises:
            CheckpointError: it is damaged.
        """
        self.path = path
        self._values: dict[str, Any] = {}
        if path.exists():
            try:
                self._values = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise CheckpointError(f"{path} is damaged: {error}.") from error

    def precision(
        self, config: PretrainConfig, arm: Arm, store: Store, device: torch.device
    ) -> str:
        """The arithmetic of all cells: as set, or what is faster for an arm, decided once."""
        if config.precision != "auto":
            return config.precision
        if "precision" not in self._values:
            model = _build(arm, config, store).to(device)
            self._keep({"precision": choose_precision(model, device).name})
        return str(self._values["precision"])

    def costs(
        self,
        arms: Sequence[Arm],
        config: PretrainConfig,
        store: Store,
        *,
        device: torch.device,
        seconds: float,
        on_progress: OnProgress,
    ) -> dict[str, ArmCost]:
        """Cost of every arm by name; those that are not known are measured.

        Args:
            arms: what to measure.
            config: settings that all arms share, with a precision that is not `auto`.
            store: whose training windows the steps see.
            device: where steps are taken.
            seconds: time for the steps of one arm.
            on_progress: is told about every turn.

        Raises:
            ConfigError: an arm cannot work, or no tree has its number of tokens.
            ShapeError: the grid is smaller than a patch.
        """
        keys = {arm.name: _key(arm, config, store, device) for arm in arms}
        unknown = [arm for arm in arms if keys[arm.name] not in self._values]
        meter = _Meter(config, store, device)
        measured = meter.measure(unknown, seconds=seconds, on_progress=on_progress)
        self._keep({keys[name]: asdict(cost) for name, cost in measured.items()})
        return {arm.name: ArmCost(**self._values[keys[arm.name]]) for arm in arms}

    def _keep(self, values: Mapping[str, Any]) -> None:
        if values:
            self._values |= values
            with written(self.path) as partial:
                partial.write_text(json.dumps(self._values, indent=1) + "\n", encoding="utf-8")


class _Meter:
    """Takes steps of all arms in turns, so that a slow phase of the machine hits all alike."""

    def __init__(self, config: PretrainConfig, store: Store, device: torch.device) -> None:
        self.config = config
        self.store = store
        self.device = device

    def measure(
        self, arms: Sequence[Arm], *, seconds: float, on_progress: OnProgress
    ) -> dict[str, ArmCost]:
        steps = {arm.name: self._step(arm) for arm in arms}
        fixed = {name: self._fixed(step) for name, step in steps.items()}
        times = self._times(steps, seconds * len(steps), on_progress)
        return {
            name: ArmCost(
                arm=name,
                step_seconds=statistics.median(times[name]),
                step_spread=spread(times[name]),
                **fixed[name],
            )
            for name in steps
        }

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

    def _step(self, arm: Arm) -> TrainingStep:
        config = self.config
        torch.manual_seed(0)
        model = _build(arm, config, self.store).to(self.device)
        windows = Windows(
            self.store,
            self.store.samples("train"),
            history=config.history,
            max_lead=config.max_lead,
            extra_frames=config.objective.extra_frames,
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
        )


def _build(arm: Arm, config: PretrainConfig, store: Store) -> Model:
    spec = store.spec
    return arm.model(config.model).build(fields=spec.names, num_axes=(spec.grid.num_axes,))


def _key(arm: Arm, config: PretrainConfig, store: Store, device: torch.device) -> str:
    """Name of a measurement: a hash of all that it depends on."""
    content = {
        "model": arm.model(config.model).model_dump(mode="json"),
        "batch_size": config.batch_size,
        "history": config.history,
        "objective": config.objective.model_dump(mode="json"),
        "loss": config.loss.model_dump(mode="json"),
        "precision": config.precision,
        "store": store.fingerprint,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
    }
    return hashed(content)
