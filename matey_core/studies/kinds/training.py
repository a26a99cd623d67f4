"""Train, test and compare arms."""

from typing import Literal

from matey_core.studies.kinds import KINDS, KindConfig, Way
from matey_core.studies.report import StudyReport
from matey_core.studies.runner import run_study
from matey_core.studies.settings import StudyConfig


@KINDS.register("training")
class TrainingStudy(StudyConfig, KindConfig):
    """A study of models that are pretrained, fine-tuned and tested."""

    kind: Literal["training"] = "training"

    def carry_out(self, way: Way) -> StudyReport | None:
        """Run all cells."""
        return run_study(
            self,
            out=way.out or way.runs / f"study-{self.name}",
            jobs=way.jobs,
            on_progress=way.on_progress,
            on_plan=way.on_plan,
        )
