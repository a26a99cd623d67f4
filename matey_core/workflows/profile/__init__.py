"""What training a model costs on this machine: operations, time, memory, parts."""

from dataclasses import dataclass

import torch

from matey_core.errors import ConfigError, ShapeError
from matey_core.finetuning import count_parameters
from matey_core.machine import keep_freed_memory
from matey_core.models import Model, ModelConfig, tokenized
from matey_core.profiling import (
    Flops,
    TrainingStep,
    count_flops,
    countable,
    matmul_peak,
    measure_step,
)
from matey_core.progress import OnProgress, Progress, silent
from matey_core.rounding import subnormals_as_zero
from matey_core.training.precision import choose_precision
from matey_core.workflows.profile.settings import ProfileConfig
from matey_core.workflows.profile.subject import Case, ProfileSubject, subject_of

COMPARE_SECONDS = 0.5
"""Time for the steps of each row of a comparison."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one step of training costs."""

    parameters: dict[str, int]
    """By part: stem, attention (blocks, positions, lead time), head, fields."""
    tokens: float | None
    """Tokens a frame, the mean over a batch; None for a model that cuts no cells."""
    flops: Flops
    """Operations of a step with the whole batch."""
    step_seconds: float
    step_spread: float
    """Half the distance between the quartiles of the step's time, as a fraction."""
    num_steps: int
    samples_per_second: float
    peak_memory: int
    """Bytes: on a GPU of tensors, on a CPU of the whole process."""
    peak_fraction: float
    """Operations a second, as a fraction of the measured matrix product peak."""
    shares: dict[str, float]
    """Fraction of the time by part that the model has; empty in a comparison."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRow:
    """One model; scheme and tokenization are empty where it cuts no cells."""

    scheme: str
    tokenizer: str
    patch: tuple[int, ...]
    cost: Cost | None
    impossible: str
    """Why there is no cost; empty where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileReport:
    """What was measured, and on what."""

    rows: tuple[ProfileRow, ...]
    model: ModelConfig
    """Settings of the model; scheme and tokenizer are those of the rows."""
    data: str
    """Name of the store, or `synthetic`."""
    fields: tuple[str, ...]
    grid: tuple[int, ...]
    history: int
    batch_size: int
    method: str
    """Loss, objective and optimizer, by their names."""
    device: str
    threads: int
    precision: str
    matmul_peak: float
    """Operations a second of the best square matrix product in this precision."""


@subnormals_as_zero()  # before anything starts the threads that will compute steps
def profile(config: ProfileConfig, on_progress: OnProgress = silent) -> ProfileReport:
    """Measure a model's training step, or compare all schemes and tokenizations.

    Raises:
        ConfigError: settings that cannot work together.
        ShapeError: the grid is smaller than a patch.
        DataError: the store asked for does not exist or is damaged.
        CheckpointError: the run asked for is no run.
    """
    torch.manual_seed(0)
    keep_freed_memory()  # as training does
    subject = subject_of(config)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    meter = _ModelMeter(config, subject, device)
    method = subject.method
    cases = subject.comparison() if config.compare else [subject.case]
    rows = []
    for number, case in enumerate(cases):
        on_progress(
            Progress(
                task="measure",
                done=number,
                total=len(cases),
                unit="models",
                facts=(("now", case.label),),
            )
        )
        rows.append(meter.row(case))
    on_progress(Progress(task="measure", done=len(cases), total=len(cases), unit="models"))
    return ProfileReport(
        rows=tuple(rows),
        model=subject.case.base,
        data=subject.spec.dataset,
        fields=subject.spec.names,
        grid=subject.spec.grid.shape,
        history=subject.history,
        batch_size=config.batch_size,
        method=f"{method.objective.part} of {method.loss.part}, {method.optimizer.part}",
        device=torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        threads=torch.get_num_threads(),
        precision=meter.precision,
        matmul_peak=meter.peak,
    )


class _ModelMeter:
    """Builds models and measures them, all in the same precision."""

    def __init__(
        self, config: ProfileConfig, subject: ProfileSubject, device: torch.device
    ) -> None:
        self.config = config
        self.subject = subject
        self.device = device
        self.precision: str = config.precision
        if config.precision == "auto":
            model = subject.build(subject.case).to(device)
            method = subject.method
            objective = method.objective.build(method.loss.build())
            batch = next(next(subject.batches()).parts(config.accumulate))
            self.precision = choose_precision(model, batch, objective, device).name
        self.dtype = getattr(torch, self.precision)
        self.peak = matmul_peak(device, self.dtype)

    def row(self, case: Case) -> ProfileRow:
        """Measure a combination; in a comparison one that cannot be is told, not raised."""
        cost, impossible = None, ""
        try:
            cost = self._cost(self.subject.build(case).to(self.device))
        except (ConfigError, ShapeError) as error:
            if not self.config.compare:
                raise
            impossible = str(error)
        return ProfileRow(
            scheme=case.scheme,
            tokenizer=case.tokenizer,
            patch=case.patch,
            cost=cost,
            impossible=impossible,
        )

    def _cost(self, model: Model) -> Cost:
        method = self.subject.method
        step = TrainingStep(
            model=model,
            batches=self.subject.batches(),
            objective=method.objective.build(method.loss.build()),
            optimizer=method.optimizer.build(model),
            device=self.device,
            dtype=self.dtype,
            accumulate=self.config.accumulate,
        )
        batch = next(step.batches).to(self.device)
        part = next(batch.parts(step.accumulate))
        tokens = None
        if cutting := tokenized(model):
            tokens = cutting.count_tokens(batch).double().mean().item()
        with countable(model):
            flops = count_flops(lambda: step.forward(part)).times(step.accumulate)
        step.optimizer.zero_grad(set_to_none=True)
        compare = self.config.compare
        seconds = min(self.config.seconds, COMPARE_SECONDS) if compare else self.config.seconds
        measured = measure_step(step, seconds=seconds, with_shares=not compare)
        return Cost(
            parameters=dict(count_parameters(model).trained),
            tokens=tokens,
            flops=flops,
            step_seconds=measured.seconds,
            step_spread=measured.spread,
            num_steps=measured.num_steps,
            samples_per_second=batch.size / measured.seconds,
            peak_memory=measured.peak_memory,
            peak_fraction=flops.total / measured.seconds / self.peak,
            shares=measured.shares,
        )
