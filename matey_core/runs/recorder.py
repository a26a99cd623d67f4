"""Every step of a training in its journal, and on the screen."""

import math
from collections.abc import Callable

from matey_core.progress import OnProgress, Progress
from matey_core.runs.settings import TrainingConfig
from matey_core.training import Journal, StepReport, TimeBudget

SMOOTHING = 0.05
"""Weight of the newest loss in the one that is shown."""


def recorder(
    task: str,
    config: TrainingConfig,
    journal: Journal,
    on_progress: OnProgress | None,
    budget: TimeBudget | None,
) -> Callable[[StepReport], None]:
    """Make what writes every step into the journal and reports it.

    Args:
        task: what the training is called.
        config: says how many steps it has.
        journal: of the run.
        on_progress: is called after every step; None in processes that report nothing.
        budget: the time that it has instead of steps.
    """
    smooth = math.nan

    def record(report: StepReport) -> None:
        nonlocal smooth
        if on_progress is None:
            return
        loss = float(report.loss)
        journal.write(
            "step",
            step=report.step,
            store=report.dataset,
            loss=loss,
            gradient_norm=float(report.gradient_norm),
            learning_rate=report.learning_rate,
            is_skipped=report.is_skipped,
            **({} if budget is None else {"share": budget.share}),
        )
        if not report.is_skipped:
            smooth = loss if math.isnan(smooth) else smooth + SMOOTHING * (loss - smooth)
        facts = (("loss", f"{smooth:.4g}"), ("lr", f"{report.learning_rate:.2g}"))
        on_progress(
            Progress(
                task=task,
                done=report.step,
                total=(config.steps if budget is None else budget.expected_steps(report.step)),
                unit="steps",
                facts=facts,
            )
        )

    return record
