"""An arena: which model is best on which data, at equal seconds."""

from typing import Literal

from matey_core.studies.arena import arena
from matey_core.studies.arena.report import ArenaReport
from matey_core.studies.arena.settings import ArenaConfig
from matey_core.studies.kinds import KINDS, KindConfig, Way


@KINDS.register("arena")
class ArenaStudy(ArenaConfig, KindConfig):
    """Models on one data set after another."""

    kind: Literal["arena"] = "arena"

    def carry_out(self, way: Way) -> ArenaReport | None:
        """Choose learning rates, train, and compare."""
        return arena(
            self,
            out=way.out or way.runs / "study-arena",
            jobs=way.jobs,
            on_progress=way.on_progress,
            on_plan=way.on_plan,
        )
