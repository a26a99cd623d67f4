"""Measure what training a model costs on this machine."""

from typing import TYPE_CHECKING

from matey_cli import render
from matey_cli.next_step import name_next
from matey_cli.options import (
    Given,
    configure,
    from_settings,
    option,
    options,
    run_names,
    store_names,
)

if TYPE_CHECKING:
    from matey_core.workflows.profile import Cost, ProfileReport, ProfileRow


@from_settings(
    "matey_core.workflows.profile.settings:ProfileConfig",
    option("run", complete=run_names),
    option("--preset"),
    option("--scheme", family="matey_core.attention"),
    option("--tokenizer", family="matey_core.tokenizers"),
    *options("--patch --gamma --ratio --tokens"),
    option("--grid", default="the store's, or 128,128"),
    *options("--fields --history --batch-size --accumulate --data"),
    option("--store", complete=store_names),
    *options("--precision --compare"),
    *options("--seconds --runs"),
)
def profile(given: Given) -> None:
    r"""Measure what training a model costs on this machine.

    Real training steps are timed, on windows of a store if one fits. The table shows
    parameters, tokens, counted operations, time, memory, and the share of the time that
    each part takes. "Of peak" compares the operations a second with the fastest matrix
    product measured on this machine.

    \b
      matey profile
      matey profile --preset s --grid 128,128 --scheme axial --tokenizer uniform
      matey profile --compare
    """
    from matey_core.runs.project import project
    from matey_core.workflows.profile import profile as work
    from matey_core.workflows.profile.settings import ProfileConfig

    here = project()
    config = configure(ProfileConfig, given, defaults={"runs": here.runs, "data": here.data})
    with render.progress() as on_progress:
        report = work(config, on_progress)
    if render.emit(report):
        return
    if config.compare:
        _show_comparison(report)
    else:
        _show(report)
    name_next("pretrain")


def _show(report: "ProfileReport") -> None:
    row = report.rows[0]
    cost = row.cost
    assert cost is not None
    render.facts(
        _title(report),
        data=report.data,
        device=_device(report),
        method=report.method,
        **_cells(row),
        parameters=sum(cost.parameters.values()),
        **{f"  {part}": count for part, count in cost.parameters.items()},
        **({} if cost.tokens is None else {"tokens_a_frame": cost.tokens}),
        forward=f"{_giga(cost.flops.forward)} GFLOP",
        backward=f"{_giga(cost.flops.backward)} GFLOP",
        step=f"{render.duration(cost.step_seconds)} ± {100 * cost.step_spread:.0f} %",
        samples_a_second=cost.samples_per_second,
        peak_memory=f"{render.size(cost.peak_memory)}{_of_what(report)}",
        of_peak=f"{100 * cost.peak_fraction:.1f} % of {_giga(report.matmul_peak)} GFLOP/s "
        f"({report.precision})",
    )
    render.table(
        "Time by part",
        ("part", "share", "ms a step"),
        [
            (part, f"{100 * share:.1f} %", f"{1e3 * share * cost.step_seconds:.1f}")
            for part, share in cost.shares.items()
        ],
    )


def _cells(row: "ProfileRow") -> dict[str, str]:
    """What there is to say of a model that cuts cells."""
    if not row.tokenizer:
        return {}
    return {
        "attention": row.scheme,
        "tokens": f"{row.tokenizer}, patches {_product(row.patch, ', ')}",
    }


def _show_comparison(report: "ProfileReport") -> None:
    columns = ("scheme", "tokens", "", "M par.", "a frame", "GFLOP", "ms", "1/s", "MB", "of peak")
    rows = [_compared(row) for row in report.rows]
    render.table(
        _title(report),
        columns,
        rows,
        caption=f"Steps of {report.batch_size} samples, forward and backward, of {report.data} on "
        f"{_device(report)}. MB: the most{_of_what(report)}. Of peak: of "
        f"{_giga(report.matmul_peak)} GFLOP/s ({report.precision}).",
    )
    for row in report.rows:
        if row.impossible:
            render.note(f"{row.scheme} with {row.tokenizer} is impossible: {row.impossible}")


def _compared(row: "ProfileRow") -> tuple[object, ...]:
    head = (row.scheme, row.tokenizer, _product(row.patch, ","))
    if row.cost is None:
        return (*head, "none", *[None] * 6)
    return (*head, *_figures(row.cost))


def _figures(cost: "Cost") -> tuple[str, ...]:
    return (
        f"{1e-6 * sum(cost.parameters.values()):.2f}",
        "" if cost.tokens is None else f"{cost.tokens:.0f}",
        _giga(cost.flops.total),
        f"{1e3 * cost.step_seconds:.0f}",
        f"{cost.samples_per_second:.1f}",
        f"{1e-6 * cost.peak_memory:.0f}",
        f"{100 * cost.peak_fraction:.0f} %",
    )


def _title(report: "ProfileReport") -> str:
    return (
        f"Model {report.model.label} on "
        f"{_product(report.grid, '×')}, {len(report.fields)} fields, history {report.history}, "
        f"batch {report.batch_size}"
    )


def _device(report: "ProfileReport") -> str:
    if report.device != "cpu":
        return report.device
    return f"CPU, {report.threads} thread{'' if report.threads == 1 else 's'}"


def _of_what(report: "ProfileReport") -> str:
    return " of the process" if report.device == "cpu" else " on the device"


def _product(sizes: tuple[int, ...], sign: str) -> str:
    return sign.join(map(str, sizes))


def _giga(value: float) -> str:
    return render.number(1e-9 * value, digits=3)
