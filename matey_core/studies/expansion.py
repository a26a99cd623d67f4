"""From a study's file to all combinations of axes, arms, seeds and learning rates."""

import copy
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from matey_core.cells import Equal, Point, Scalar
from matey_core.config import exchanged, put, validate
from matey_core.errors import ConfigError
from matey_core.runs.upgrade import upgraded
from matey_core.studies.alike import (
    RATE,
    check_arms,
    check_axes,
    check_keys,
    check_sections,
    check_tests,
)
from matey_core.studies.paths import (
    EVALUATION,
    STAGES,
    TRAININGS,
    Values,
    address,
    flat,
    is_at,
    text_of,
)
from matey_core.studies.settings import ArmConfig, StudyConfig
from matey_core.studies.simulated import located


def points_of(study: StudyConfig) -> list[Point]:
    """List all combinations; those of one seed come before those of the next.

    All settings are read as the commands read them, so that every mistake is found here.

    Raises:
        ConfigError: a path or a value is wrong, axes have no values, an arm sets what all have
            alike, or nothing is left.
    """
    return _Expansion(study).points()


class _Expansion:
    """One study, on its way to combinations."""

    def __init__(self, study: StudyConfig) -> None:
        self.study = study
        self.has_finetuning = study.finetuning is not None
        self.last = "finetuning" if self.has_finetuning else "pretraining"
        self.axes = {path: self._values(path, value) for path, value in flat(study.axes)}
        self.seeds = [path for path in self.axes if path.rpartition(".")[2] == "seed"]

    def points(self) -> list[Point]:
        """All that no rule excludes."""
        self._check_names()
        places = [path for path in self.axes if path not in self.seeds]
        found: list[Point] = []
        for seed in itertools.product(*(self.axes[path] for path in self.seeds)):
            label = "/".join(map(str, seed)) or "0"
            for values in itertools.product(*(self.axes[path] for path in places)):
                chosen = dict(zip([*self.seeds, *places], [*seed, *values], strict=True))
                at: dict[str, Scalar] = dict(zip(places, map(text_of, values), strict=True))
                for equal in self.study.budget.equal:
                    if len(self.study.budget.equal) > 1:
                        at = {**at, "equal": equal}
                    for name, arm in self.study.arms.items():
                        here = {**at, "arm": name}
                        if not any(is_at(here, rule) for rule in self.study.rules.exclude):
                            found += self._points(name, arm, at, equal, chosen, label)
        if not found:
            raise ConfigError(
                "The rules exclude every cell.", remedy="Remove entries of rules.exclude."
            )
        check_tests(self.study, found)
        return found

    def _points(
        self,
        name: str,
        arm: ArmConfig,
        at: dict[str, Scalar],
        equal: Equal,
        chosen: dict[str, Any],
        seed: str,
    ) -> Iterator[Point]:
        source = f"study {self.study.name}, arm {name}"
        rates = arm.learning_rates or self.study.rules.learning_rates
        for rate in rates if rates and arm.forecast is None else (None,):
            asked = [*chosen.items(), *flat(arm.settings)]
            values = self._base(asked, source)
            # In the order of stages: the data of one are those of the next, where that names none.
            for path, value in sorted(asked, key=lambda each: self._stage(each[0], source)):
                self._put(values, path, value, source)
            self._begin(values, [self._address(path, source) for path, _ in flat(arm.settings)])
            for section in values.values():
                section["data"] = located(self.study, str(section["data"]))
            if rate is not None:
                put(values[self.last], RATE, rate, source=source)
            configs = {
                stage: _validated(stage, _of_today(stage, values[stage], source), source)
                for stage in values
            }
            yield Point(
                at=at,
                equal=equal,
                arm=name,
                seed=seed,
                learning_rate=configs[self.last].optimizer.learning_rate,
                pretraining=configs["pretraining"],
                finetuning=configs.get("finetuning"),
                evaluation=configs[EVALUATION],
                forecast=arm.forecast,
                is_fitted=arm.fitted,
            )

    def _base(self, asked: Sequence[tuple[str, Any]], source: str) -> Values:
        """Settings that all cells share; each stage has the data of the one before it.

        Args:
            asked: paths and values that are laid over them. What only a part has that these
                exchange for another, such as `heads` of a model, is left out.
            source: where they stand, for the error text.
        """
        study, values = self.study, dict[str, Any]()
        above: Values = {stage: {} for stage in STAGES}
        for path, value in asked:
            stage, rest = self._address(path, source)
            put(above[stage], rest, value, source=f"{source}, {path}")
        data = "data"
        for stage in STAGES:
            section = getattr(study, stage)
            if section is not None:
                shared = _of_today(stage, section, f"study {study.name}")
                values[stage] = {"data": data, **copy.deepcopy(shared)}
                data = values[stage]["data"]
                values[stage] = exchanged(STAGES[stage], values[stage], above[stage])
        return values

    def _begin(self, values: Values, own: Sequence[tuple[str, str]]) -> None:
        """Decide what a fine-tuning begins with.

        An arm that sets pretraining has its own, whatever source the others share. One from
        random weights needs no data before those that it is trained on.

        Args:
            values: all settings, which change.
            own: stages and paths that the arm sets itself.
        """
        tuning = values.get("finetuning")
        if tuning is None:
            return
        is_own = any(stage == "pretraining" for stage, _ in own)
        if not tuning.get("source") or (is_own and ("finetuning", "source") not in own):
            tuning.pop("source", None)
        named = "data" in self.study.pretraining or ("pretraining", "data") in own
        if tuning.get("from_scratch") and not named and "pretraining.data" not in self.axes:
            values["pretraining"]["data"] = tuning["data"]

    def _stage(self, path: str, source: str) -> int:
        """Number of the stage whose setting a path names."""
        return list(STAGES).index(self._address(path, source)[0])

    def _address(self, path: str, source: str) -> tuple[str, str]:
        return address(path, has_finetuning=self.has_finetuning, source=source)

    def _put(self, values: Values, path: str, value: Any, source: str) -> None:
        stage, rest = self._address(path, source)
        put(values[stage], rest, copy.deepcopy(value), source=f"{source}, {path}")
        if rest == "data":  # what follows is about the same data, unless its section says more
            for later in list(STAGES)[list(STAGES).index(stage) + 1 :]:
                section = getattr(self.study, later)
                if section is None:
                    continue
                if "data" in section:
                    break
                values[later]["data"] = value

    def _values(self, path: str, value: Any) -> list[Any]:
        if not isinstance(value, list) or not value:
            raise ConfigError(
                f"study {self.study.name}: the axis {path!r} has no list of values.",
                remedy=f"Write it as {path} = [1, 2, 4].",
            )
        return value

    def _check_names(self) -> None:
        """Refuse paths that nothing has, and arms and sections that set what the study decides."""
        study = self.study
        check_sections(study)
        check_axes(study, self.axes)
        check_arms(study, self.axes)
        if study.rules.reference and study.rules.reference not in study.arms:
            raise ConfigError(
                f"study {study.name}, rules.reference: there is no arm "
                f"{study.rules.reference!r}; there are {', '.join(study.arms)}.",
                remedy="Set rules.reference to one of them.",
            )
        for rule in study.rules.exclude:
            known = [path for path in self.axes if path not in self.seeds]
            known += ["equal"] if len(study.budget.equal) > 1 else []
            check_keys(rule, [*known, "arm"], f"study {study.name}, rules.exclude")


def _of_today(stage: str, values: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Give the settings of trainings that an earlier version had under other names today's."""
    if stage not in TRAININGS:
        return dict(values)
    return upgraded(STAGES[stage], values, source=f"{source}, {stage}")


def _validated(stage: str, values: dict[str, Any], source: str) -> Any:
    return _read(stage, json.dumps(values, sort_keys=True, default=str), source)


@cache
def _read(stage: str, text: str, source: str) -> Any:
    return validate(STAGES[stage], json.loads(text), source=f"{source}, {stage}")
