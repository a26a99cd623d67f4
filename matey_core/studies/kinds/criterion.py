"""Criteria, which shall find the cells where the coarse pass is wrong."""

from typing import ClassVar, Literal

from matey_core.studies.criterion import PICTURE, CriterionConfig, CriterionReport, study_criterion
from matey_core.studies.kinds import KINDS, KindConfig, Way


@KINDS.register("criterion")
class CriterionStudy(CriterionConfig, KindConfig):
    """An audit, store by store."""

    has_cells: ClassVar[bool] = False

    kind: Literal["criterion"] = "criterion"

    def carry_out(self, way: Way) -> CriterionReport:
        """Audit all stores that are not audited yet."""
        out = way.out / PICTURE if way.out else self.out
        config = self.model_copy(update={"out": out, "runs": way.runs})
        return study_criterion(config, way.on_progress)
