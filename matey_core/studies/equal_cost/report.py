"""What a comparison at equal cost has shown so far: sentences, costs, and the study's report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matey_core.store import Store
from matey_core.studies.equal_cost.arms import Arm
from matey_core.studies.equal_cost.costs import ArmCost, EqualCosts
from matey_core.studies.equal_cost.verdict import EqualCostVerdict, verdict_of
from matey_core.studies.markdown import description, lines_of
from matey_core.studies.report import StudyReport
from matey_core.studies.words import table


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCosts:
    """A store, and what a step of every arm costs on it."""

    store: str
    path: str
    fingerprint: str
    fields: tuple[str, ...]
    grid: tuple[int, ...]
    frames: int
    trajectories: dict[str, int]
    """Split → number of trajectories."""
    costs: tuple[ArmCost, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualCostReport:
    """What was found on all stores."""

    study: StudyReport
    verdicts: tuple[EqualCostVerdict, ...]
    """One for each comparison of the study."""
    stores: tuple[StoreCosts, ...]
    precision: str


def report_of(
    study: StudyReport,
    stores: Sequence[Store],
    arms: Mapping[str, Sequence[Arm]],
    costs: EqualCosts,
) -> EqualCostReport:
    """Judge every comparison.

    Args:
        study: what the runner has found.
        stores: those compared on.
        arms: place of a store → its arms.
        costs: of all arms.
    """
    by_name = {arm.name: arm for found in arms.values() for arm in found}
    return EqualCostReport(
        study=study,
        verdicts=tuple(
            verdict_of(
                each,
                study.metric,
                arms=by_name,
                costs=costs.of(str(each.at["pretraining.data"])),
            )
            for each in study.comparisons
        ),
        stores=tuple(_store_costs(store, costs) for store in stores),
        precision=costs.precision,
    )


def markdown(report: EqualCostReport) -> str:
    """Write the report for people: sentences first, then what they rest on."""
    return "\n".join(_lines(report))


def _store_costs(store: Store, costs: EqualCosts) -> StoreCosts:
    return StoreCosts(
        store=store.name,
        path=str(store.path),
        fingerprint=store.fingerprint,
        fields=store.spec.names,
        grid=store.spec.grid.shape,
        frames=store.num_frames,
        trajectories={
            split: len(store.samples(split)) for split in ("train", "validation", "test")
        },
        costs=tuple(costs.of(str(store.path)).values()),
    )


def _lines(report: EqualCostReport) -> Iterator[str]:
    yield "# Equal cost"
    yield ""
    for verdict in report.verdicts:
        yield f"- {verdict.sentence}"
    yield from description(report.study)
    yield (
        "Ratios are to the finest uniform patch, seed by seed. Which arms a sentence compares is "
        "chosen on validation data: at equal seconds those with the smallest error, at equal steps "
        "the cheapest within 3 % of the finest uniform patch. With a seed, all arms see the same "
        f"batches in the same order, as far as their steps go. Computed in {report.precision}."
    )
    yield ""
    for store in report.stores:
        yield from _costs(store, report.study.labels)
    for comparison in report.study.comparisons:
        yield from lines_of(comparison, report.study)


def _costs(store: StoreCosts, labels: Mapping[str, str]) -> Iterator[str]:
    counts = store.trajectories
    yield f"## {store.store}"
    yield ""
    yield (
        f"Fields {', '.join(store.fields)} on {'×'.join(map(str, store.grid))} points, "
        f"{store.frames} frames; {counts['train']} trajectories train, {counts['validation']} "
        f"validate, {counts['test']} test. Fingerprint `{store.fingerprint}`. Costs of a step with "
        "a whole batch, measured in turns before training:"
    )
    yield ""
    yield from table(
        ("arm", "tokens a frame", "GFLOP", "ms", "parameters"),
        [
            (
                labels[cost.arm],
                f"{cost.tokens:.0f}",
                f"{1e-9 * cost.flops:.3g}",
                f"{1e3 * cost.step_seconds:.3g} ± {cost.step_spread:.0%}",
                f"{cost.parameters:,}",
            )
            for cost in store.costs
        ],
    )
