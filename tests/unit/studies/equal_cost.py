"""Arms, and made-up results, for tests of `matey study equal-cost`."""

from collections.abc import Mapping, Sequence

from matey_core.cells import Cell, CellResult, Equal, Point, Task
from matey_core.studies.comparison import Comparison, compare
from matey_core.studies.equal_cost.arms import Arm, arms_of
from matey_core.studies.rules import RuleConfig
from matey_core.workflows.pretrain import PretrainConfig
from matey_core.workflows.rollout.settings import RolloutConfig

LADDER = {"levels": (16, 8, 4), "criteria": ("variance",), "budgets": ("40%", "60%")}
ALL = ("uniform", "adap_mix", "adap_mul")
PLACE = "data/zarr/waves.zarr"
TRAINING = PretrainConfig()


def arms(*choices: str, shape: tuple[int, ...] = (64, 128), **changes: object) -> tuple[Arm, ...]:
    settings = {**LADDER, "choices": choices or ALL, "shape": shape, **changes}
    return arms_of(**settings)  # type: ignore[arg-type]


def result(
    *, error: float, validation: float, persistence: float = 1.0, **changes: object
) -> CellResult:
    metrics = ("nrmse", "vrmse", "rollout")
    values: dict[str, object] = {
        "steps": 10,
        "run": "r",
        "step_seconds": 0.5,
        "validation": validation,
        "errors": dict.fromkeys(metrics, error),
        "persistence": dict.fromkeys(metrics, persistence),
        "leads": (error,),
        **changes,
    }
    return CellResult(**values)  # type: ignore[arg-type]


def task(
    arm: str, rate: float, seed: int, *, key: str, equal: Equal = "seconds", amount: float = 60.0
) -> Task:
    """A cell in its place, without settings that matter."""
    evaluation = RolloutConfig()
    point = Point(
        at={"pretraining.data": PLACE, "equal": equal},
        equal=equal,
        arm=arm,
        seed=str(seed),
        learning_rate=rate,
        pretraining=TRAINING,
        finetuning=None,
        evaluation=evaluation,
    )
    cell = Cell(key=key, first=key, pretraining=TRAINING, finetuning=None, evaluation=evaluation)
    return Task(point=point, cell=cell, amount=amount)


def compared(
    cells: Mapping[str, Mapping[float, Sequence[CellResult]]],
    *,
    reference: str,
    equal: Equal = "seconds",
) -> Comparison:
    """Compare arms of one store: arm → learning rate → one result a seed."""
    tasks, results = [], {}
    for arm, rates in cells.items():
        for rate, found in rates.items():
            for seed, each in enumerate(found):
                key = f"{arm} {rate} {seed}"
                tasks.append(task(arm, rate, seed, key=key, equal=equal))
                results[key] = each
    [comparison] = compare(tasks, results, RuleConfig(intervals="range"), reference=reference)
    return comparison
