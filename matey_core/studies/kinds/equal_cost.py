"""Adaptive tokens and uniform patches, whose steps are measured in turns."""

from typing import Any, Literal

from matey_core.errors import ConfigError
from matey_core.runs.upgrade import upgraded
from matey_core.studies.equal_cost import STUDIED, EqualCostConfig, equal_cost
from matey_core.studies.equal_cost.report import EqualCostReport
from matey_core.studies.kinds import KINDS, KindConfig, Way
from matey_core.workflows.pretrain import PretrainConfig


@KINDS.register("equal_cost")
class EqualCostStudy(EqualCostConfig, KindConfig):
    """A ladder of patches at equal seconds and at equal steps."""

    kind: Literal["equal_cost"] = "equal_cost"

    @classmethod
    def of_today(cls, values: dict[str, Any], *, source: str) -> dict[str, Any]:
        """Upgrade the section of the training."""
        training = values.get("training")
        if not isinstance(training, dict):
            return values
        return {**values, "training": upgraded(PretrainConfig, training, source=source)}

    def carry_out(self, way: Way) -> EqualCostReport | None:
        """Measure the arms, and run all cells.

        Raises:
            ConfigError: the section of the training has what the study chooses, and all that
                a study of this kind can fail with.
        """
        if given := [key for key in STUDIED if key in self.training.model_fields_set]:
            raise ConfigError(
                f"training.{given[0]} has no effect: the study chooses it.",
                remedy="Leave it out. `data`, `seeds`, `seconds` and `steps` are settings of the "
                "study, --runs and --out its folders.",
            )
        training = self.training.model_copy(update={"runs": way.runs})
        config = self.model_copy(update={"out": way.out or self.out, "training": training})
        return equal_cost(config, way.on_progress, on_plan=way.on_plan, jobs=way.jobs)
