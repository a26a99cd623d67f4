"""Arms, and made-up results, for tests of `matey study equal-cost`."""

from matey_core.studies.equal_cost.arms import Arm, arms_of
from matey_core.studies.equal_cost.cells import CellResult

LADDER = {"levels": (16, 8, 4), "criteria": ("variance",), "budgets": ("40%", "60%")}
ALL = ("uniform", "adap_mix", "adap_mul")


def arms(*choices: str, shape: tuple[int, ...] = (64, 128), **changes: object) -> tuple[Arm, ...]:
    settings = {**LADDER, "choices": choices or ALL, "shape": shape, **changes}
    return arms_of(**settings)  # type: ignore[arg-type]


def result(
    *, error: float, validation: float, persistence: float = 1.0, **changes: object
) -> CellResult:
    metrics = ("nrmse", "vrmse", "rollout")
    values: dict[str, object] = {
        "key": "k",
        "store": "waves",
        "arm": "uniform-8",
        "seed": 0,
        "learning_rate": 1e-3,
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
