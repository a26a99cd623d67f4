"""Adaptive tokens and uniform patches, whose steps are measured in turns."""

from typing import Literal

from matey_core.studies.equal_cost import EqualCostConfig, equal_cost
from matey_core.studies.equal_cost.report import EqualCostReport
from matey_core.studies.kinds import KINDS, KindConfig, Way


@KINDS.register("equal_cost")
class EqualCostStudy(EqualCostConfig, KindConfig):
    """A ladder of patches at equal seconds and at equal steps."""

    kind: Literal["equal_cost"] = "equal_cost"

    def carry_out(self, way: Way) -> EqualCostReport | None:
        """Measure the arms, and run all cells."""
        training = self.training.model_copy(update={"runs": way.runs})
        config = self.model_copy(update={"out": way.out or self.out, "training": training})
        return equal_cost(config, way.on_progress, on_plan=way.on_plan, jobs=way.jobs)
