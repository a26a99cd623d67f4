"""A study's report as Markdown."""

import math
from collections.abc import Iterator, Sequence

from matey_core.studies.equal_cost.report import Judged, StoreReport, StudyReport
from matey_core.studies.equal_cost.results import ArmResult, Interval
from matey_core.studies.equal_cost.verdict import NAMES, chance


def markdown(report: StudyReport) -> str:
    """Write the report for people: sentences first, then what they rest on."""
    return "\n".join(
        [*_head(report), *(line for each in report.stores for line in _store(each, report))]
    )


def _head(report: StudyReport) -> Iterator[str]:
    yield "# Equal cost"
    yield ""
    for store in report.stores:
        for judged in store.comparisons:
            yield f"- {judged.verdict.sentence}"
        if not store.comparisons:
            yield f"- On {store.store} no seed is complete yet."
    yield ""
    if report.plot:
        yield f"![Error against cost]({report.plot.name})"
        yield ""
    for note in report.notes:
        yield f"{note}\n"
    width, depth, heads = report.size
    rates = ", ".join(f"{rate:g}" for rate in report.learning_rates)
    yield (
        f"Models of {depth} blocks, width {width}, {heads} heads; batches of {report.batch_size}, "
        f"histories of {report.history} frames, leads up to {report.max_lead}; {report.precision} "
        f"on {report.device}{_threads(report)}. Learning rate: {_rates(report, rates)}. "
        "With a seed, all arms see the same batches in the same order, as far as their steps go, "
        "and end the cosine of their learning rate."
    )
    yield ""
    yield (
        "Errors are on test trajectories, means over fields; of every model the weights that "
        "were best on validation data. Each figure is the median over seeds, in brackets the "
        "smallest and the largest of a seed. Ratios are to the finest uniform patch, seed by "
        f"seed. The {NAMES[report.metric]} decides; which arms a sentence compares is chosen on "
        "validation data: at equal seconds those with the smallest error, at equal steps the "
        "cheapest within 3 % of the finest uniform patch. Rollout: mean nRMSE of "
        f"{report.rollout_steps} frames, each predicted from the ones before."
    )
    yield ""


def _threads(report: StudyReport) -> str:
    if report.device != "cpu":
        return ""
    return f", {report.threads} thread{'' if report.threads == 1 else 's'}"


def _rates(report: StudyReport, rates: str) -> str:
    if len(report.learning_rates) == 1:
        return f"{rates} for all arms, not tuned"
    return f"of {rates}, for each arm the best on validation data"


def _store(store: StoreReport, report: StudyReport) -> Iterator[str]:
    grid = "×".join(map(str, store.grid))
    counts = store.trajectories
    yield f"## {store.store}"
    yield ""
    yield (
        f"Fields {', '.join(store.fields)} on {grid} points, {store.frames} frames; "
        f"{counts['train']} trajectories train, {counts['validation']} validate, "
        f"{counts['test']} test. Fingerprint `{store.fingerprint}`."
    )
    yield ""
    yield "Costs of a step with a whole batch, measured in turns before training:"
    yield ""
    labels = {
        each.arm.name: each.arm.label
        for judged in store.comparisons
        for each in judged.comparison.arms
    }
    yield from _table(
        ("arm", "tokens a frame", "GFLOP", "ms", "parameters"),
        [
            (
                labels.get(cost.arm, cost.arm),
                f"{cost.tokens:.0f}",
                f"{1e-9 * cost.flops:.3g}",
                f"{1e3 * cost.step_seconds:.3g} ± {cost.step_spread:.0%}",
                f"{cost.parameters:,}",
            )
            for cost in store.costs
        ],
    )
    for judged in store.comparisons:
        yield from _comparison(judged, report)


def _comparison(judged: Judged, report: StudyReport) -> Iterator[str]:
    comparison = judged.comparison
    unit = "s" if comparison.equal == "seconds" else "steps"
    yield f"### Equal {comparison.equal}: {comparison.amount:g} {unit}"
    yield ""
    yield judged.verdict.sentence
    yield ""
    yield from _table(
        ("arm", "steps", "trained s", "nRMSE", "VRMSE", "rollout", f"ratio of {report.metric}"),
        [
            *(_row(each, report) for each in comparison.arms),
            (
                "persistence",
                "",
                "",
                *(_number(comparison.persistence[name]) for name in ("nrmse", "vrmse", "rollout")),
                "",
            ),
        ],
    )
    done, wanted = len(comparison.seeds), report.seeds
    yield f"{done} of {wanted} seeds are complete." if done < wanted else f"{done} seeds."
    if comparison.equal == "seconds" and done > 1:
        yield (
            "One of two arms that are equally good is better with every seed, by chance, in "
            f"{100 * chance(done):.3g} % of all cases."
        )
    if diverged := sum(each.diverged for each in comparison.arms):
        yield f"{diverged} of the trainings diverged; their errors count as ∞."
    yield ""


def _row(each: ArmResult, report: StudyReport) -> tuple[str, ...]:
    return (
        each.arm.label,
        f"{each.steps:,}",
        _number(each.train_seconds),
        *(_interval(each.errors[name]) for name in ("nrmse", "vrmse", "rollout")),
        _interval(each.ratios[report.metric]),
    )


def _interval(interval: Interval) -> str:
    if len(interval.values) == 1:
        return _number(interval.median)
    return f"{_number(interval.median)} ({_number(interval.low)}–{_number(interval.high)})"


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "∞"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'|'.join('---' if not number else '---:' for number in range(len(columns)))}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
