"""An audit of criteria: which one finds the cells where the coarse pass is wrong."""

from typing import ClassVar, Literal

from matey_core.errors import ConfigError
from matey_core.studies.criterion import PICTURE, CriterionConfig, CriterionReport, study_criterion
from matey_core.studies.kinds import KINDS, KindConfig, Way


@KINDS.register("criterion")
class CriterionStudy(CriterionConfig, KindConfig):
    """An audit, store by store."""

    has_cells: ClassVar[bool] = False

    kind: Literal["criterion"] = "criterion"

    def carry_out(self, way: Way) -> CriterionReport:
        """Audit all stores that are not audited yet.

        Raises:
            ConfigError: the file names a folder of runs, and all that an audit can fail with.
        """
        if "runs" in self.model_fields_set:
            raise ConfigError(
                "`runs` is not a setting of a study's file.",
                remedy="Remove it, and give the folder with --runs.",
            )
        out = way.out / PICTURE if way.out else self.out
        config = self.model_copy(update={"out": out, "runs": way.runs})
        return study_criterion(config, way.on_progress)
