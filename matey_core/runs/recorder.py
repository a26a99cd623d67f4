"""Every step of a training: into its journal, and to whoever watches."""

from matey_core.profiling.machine import peak_memory
from matey_core.progress import OnProgress, Progress
from matey_core.runs.job import TrainingJob
from matey_core.runs.keeper import Keeper
from matey_core.runs.status import OnStep, Pacer, Smoother, StepStatus
from matey_core.training import StepReport, TrainState


class Recorder:
    """Notes every step; only the first process has one."""

    def __init__(
        self,
        job: TrainingJob,
        state: TrainState,
        keeper: Keeper,
        *,
        on_progress: OnProgress,
        on_step: OnStep,
    ) -> None:
        """Begin with no step.

        Args:
            job: what is trained.
            state: of the training.
            keeper: has the journal.
            on_progress: is called after every step.
            on_step: likewise, with all figures.
        """
        self._job, self._state = job, state
        self._journal, self._device = keeper.journal, keeper.strategy.device
        self._on_progress, self._on_step = on_progress, on_step
        self._pacer, self._smoother = Pacer(), Smoother()

    def __call__(self, report: StepReport) -> None:
        """Note a step."""
        tokens = self._job.step_tokens(report.step - 1, report.dataset)
        memory = peak_memory(self._device)
        samples = self._job.config.batch_size
        self._journal.write(
            "step",
            step=report.step,
            store=report.dataset,
            loss=report.loss,
            gradient_norm=report.gradient_norm,
            learning_rate=report.learning_rate,
            is_skipped=report.is_skipped,
            **({} if report.share is None else {"share": report.share}),
            seconds=round(report.seconds, 6),
            waiting_seconds=round(report.waiting_seconds, 6),
            samples=samples,
            tokens=tokens,
            memory=memory,
        )
        self._smoother.add(report.dataset, report.loss, is_skipped=report.is_skipped)
        status = StepStatus(
            step=report.step,
            steps=_steps(self._job, self._state),
            store=report.dataset,
            loss=report.loss,
            gradient_norm=report.gradient_norm,
            learning_rate=report.learning_rate,
            is_skipped=report.is_skipped,
            smoothed=dict(self._smoother.by_store),
            smoothed_loss=self._smoother.overall,
            rates=self._pacer.add(report.seconds, report.waiting_seconds, samples, tokens),
            memory=memory,
        )
        self._on_progress(_progress(self._job.task, status))
        self._on_step(status)


def _steps(job: TrainingJob, state: TrainState) -> int:
    """Steps of the whole training, as far as they are known."""
    return job.config.steps if state.time is None else state.time.expected_steps(state.step)


def _progress(task: str, status: StepStatus) -> Progress:
    """The figures of a line in a log."""
    rates = status.rates
    facts = [
        ("loss", f"{status.smoothed_loss:.4g}"),
        ("lr", f"{status.learning_rate:.2g}"),
        ("samples/s", f"{rates.samples:,.0f}" if rates.samples >= 10 else f"{rates.samples:.2g}"),
        ("data", f"{rates.waiting:.0%}"),
        ("memory", f"{status.memory / 1e9:.2f} GB"),
    ]
    if rates.tokens is not None:
        facts.insert(3, ("tokens/s", f"{rates.tokens:,.0f}"))
    return Progress(
        task=task, done=status.step, total=status.steps, unit="steps", facts=tuple(facts)
    )
