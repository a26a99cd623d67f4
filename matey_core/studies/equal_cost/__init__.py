"""Adaptive tokens and uniform patches at equal cost: train, test, and say who wins."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from matey_core.config import Config
from matey_core.errors import ConfigError
from matey_core.locations import Location
from matey_core.progress import OnProgress, silent
from matey_core.studies.equal_cost.arms import Arm, arms_of
from matey_core.studies.equal_cost.costs import EqualCosts
from matey_core.studies.equal_cost.plot import draw
from matey_core.studies.equal_cost.report import EqualCostReport, markdown, report_of
from matey_core.studies.report import write_report
from matey_core.studies.rules import RuleConfig, StudyBudgetConfig
from matey_core.studies.runner import OnPlan, go_on, refuse_torchrun, run_study
from matey_core.studies.settings import ArmConfig, StudyConfig
from matey_core.studies.stores import stores_of
from matey_core.workflows.pretrain import PretrainConfig

STUDIED = ("runs", "name", "data", "seed", "steps", "minutes")
"""Settings of the training that the study chooses."""


class EqualCostConfig(Config):
    """Settings of a comparison at equal cost: arms, data, budgets."""

    data: Location = Path("data")
    """Folder of stores, or one store."""
    store: tuple[str, ...] = ()
    """Names of stores; by default all that have several times and all three splits."""
    out: Path | None = None
    """Folder of the study; by default `study-STORE` in the folder of runs, and with several
    stores `study-equal-cost`."""
    arms: tuple[str, ...] = ("uniform", "adap_mix", "adap_mul")
    """Arms to compare: tokenizers, names of arms, or patterns such as `adap_mix-16-4-*`. The finest
    uniform patch, the reference, is always among them."""
    levels: tuple[PositiveInt, ...] = (16, 8, 4)
    """Patch sizes, coarse to fine: each is a uniform arm; adaptive arms refine the first straight
    to the last, and through all."""
    criteria: tuple[str, ...] = ("variance",)
    """Criteria by which adaptive arms choose cells."""
    tokens: tuple[str, ...] = ("40%", "60%")
    """Budgets of adaptive arms: numbers of tokens of a frame, or percentages of the finest uniform
    patch's tokens, rounded down to whole cells split from coarse to fine."""
    seeds: PositiveInt = 3
    """Number of seeds; every arm is trained with the seeds 0, 1, …"""
    seconds: PositiveFloat = 600.0
    """Training time of every cell at equal seconds, in seconds."""
    steps: PositiveInt | None = None
    """Training steps of every cell at equal steps; by default as many as the finest uniform patch
    takes in the seconds."""
    only: Literal["seconds", "steps"] | None = None
    """Compare only at equal seconds or only at equal steps."""
    learning_rates: tuple[PositiveFloat, ...] = ()
    """Learning rates that every arm is trained with, by default that of the training settings; the
    best one on validation data is reported."""
    metric: Literal["nrmse", "vrmse", "rollout"] = "nrmse"
    """Error that decides: one-step nRMSE or VRMSE, or the mean nRMSE of a rollout."""
    rollout_steps: PositiveInt = 10
    """Number of frames of the rollouts on test trajectories."""
    windows: PositiveInt = 256
    """Largest number of test windows for one-step errors."""
    measure: PositiveFloat = 5.0
    """Time for which each arm's steps are measured before training, in seconds."""
    training: PretrainConfig = Field(default_factory=PretrainConfig)
    """Training settings that all cells share. The study chooses data, steps, seed and tokenization;
    budgets of the training (`flops`, `seconds`, `tokens_range`) are errors."""


def equal_cost(
    config: EqualCostConfig,
    on_progress: OnProgress = silent,
    *,
    on_plan: OnPlan = go_on,
    jobs: int = 1,
) -> EqualCostReport | None:
    """Train every arm with every seed at equal seconds and at equal steps, and compare.

    Finished cells are kept in `cells.jsonl`: a study that was stopped goes on where it was
    when it is started again with the same settings and folder. After every complete seed
    the report is written anew.

    Args:
        config: settings.
        on_progress: called after every step.
        on_plan: is asked once, when costs are known, whether to go on.
        jobs: processes side by side, a thread each.

    Returns:
        The report; None if `on_plan` has declined.

    Raises:
        ConfigError: an arm that does not exist, settings that cannot work, a budget of the
            training beside those of the arms, or several processes.
        ShapeError: the grid is smaller than a patch.
        DataError: no store, or one without trajectories for validation or test.
        RunError: the disk is full.
    """
    refuse_torchrun()
    _check_budgets(config.training)
    stores = stores_of(config.data, config.store, history=config.training.history)
    arms = {
        str(store.path): arms_of(
            levels=config.levels,
            criteria=config.criteria,
            budgets=config.tokens,
            choices=config.arms,
            shape=store.spec.grid.shape,
        )
        for store in stores
    }
    name = stores[0].name if len(stores) == 1 else "equal-cost"
    out = config.out or config.training.runs / f"study-{name}"
    costs = EqualCosts(out / "costs.json", config.training, stores, arms, seconds=config.measure)
    found = run_study(
        study_of(config, arms),
        out=out,
        jobs=jobs,
        on_progress=on_progress,
        on_plan=on_plan,
        clock=costs,
        publish=lambda study: publish(report_of(study, stores, arms, costs)),
    )
    return None if found is None else report_of(found, stores, arms, costs)


def publish(report: EqualCostReport) -> None:
    """Write report.json, report.md and, where matplotlib is installed, report.png.

    Raises:
        RunError: the disk is full.
    """
    study = report.study
    write_report(report, plot=study.plot, out=study.out, text=markdown(report), draw=draw)


def study_of(config: EqualCostConfig, arms: Mapping[str, Sequence[Arm]]) -> StudyConfig:
    """Write the comparison as a study: axes are stores and seeds.

    Args:
        config: settings.
        arms: place of a store → its arms, which depend on its grid.
    """
    training = config.training
    every = {arm.name: arm for found in arms.values() for arm in found}
    reference = [arm.name for arm in every.values() if arm.is_uniform][-1]
    shared = training.model_dump(mode="json", exclude_none=True, exclude=set(STUDIED))
    shared["model"].pop("tokenizer")
    return StudyConfig(
        name="equal-cost",
        title="Equal cost",
        pretraining=shared,
        evaluation={"steps": config.rollout_steps, "windows": config.windows},
        axes={"pretraining.data": list(arms), "pretraining.seed": list(range(config.seeds))},
        arms={
            name: ArmConfig(
                label=arm.label, settings={"model": {"tokenizer": arm.tokenizer_in(training.model)}}
            )
            for name, arm in every.items()
        },
        budget=StudyBudgetConfig(
            equal=(config.only,) if config.only else ("seconds", "steps"),
            seconds=config.seconds,
            steps=config.steps,
        ),
        rules=RuleConfig(
            metric=config.metric,
            learning_rates=tuple(dict.fromkeys(config.learning_rates)),
            intervals="range",
            reference=reference,
            exclude=tuple(
                {"pretraining.data": place, "arm": name}
                for place, found in arms.items()
                for name in every
                if name not in {arm.name for arm in found}
            ),
        ),
    )


def _check_budgets(training: PretrainConfig) -> None:
    """Refuse a budget that would give all arms other tokens than their names say."""
    keys = ("flops", "seconds", "tokens_range")
    given = [key for key in keys if getattr(training, key) is not None]
    if given:
        raise ConfigError(
            f"Settings of the training have {' and '.join(given)}, which would replace the tokens "
            "of every arm.",
            remedy=f"Remove {' and '.join(given)}. --tokens sets the budgets of adaptive arms, "
            "--seconds the training time of all arms.",
        )
