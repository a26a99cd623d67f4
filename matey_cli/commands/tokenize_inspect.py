"""Show the cells that a model cuts a field into."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
    from matey_core.workflows.tokenize_inspect import InspectReport


@from_settings(
    "matey_core.workflows.tokenize_inspect.settings:InspectConfig",
    option("source", complete=store_names),
    option("--run", complete=run_names),
    option("--tokenizer", family="matey_core.tokenizers"),
    option("--patch"),
    option("--criterion", family="matey_core.criteria", separator="+"),
    *options("--gamma --ratio --tokens --flops --field --sample --time --history"),
    option("--all", "survey"),
    *options("--data --runs"),
)
def tokenize_inspect(
    given: Given,
    save: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Also write the map to this .png or .svg file."),
    ] = None,
) -> None:
    r"""Show the cells that a model cuts a field into, and what they save.

    The model's own code chooses the cells, with the settings of the newest run; options
    replace single settings. Counts are tokens a frame; attention is counted in pairs of
    tokens that a block compares.

    \b
      matey tokenize-inspect
      matey tokenize-inspect --gamma 0.02 --field height --save map.png
      matey tokenize-inspect data/2D_rdb_NA_NA.h5 --patch 32,8 --tokens 100
      matey tokenize-inspect --all
    """
    from matey_cli import maps, pictures
    from matey_core.runs.project import project
    from matey_core.workflows.tokenize_inspect import inspect
    from matey_core.workflows.tokenize_inspect.settings import InspectConfig

    if save is not None:
        pictures.check_name(save)
    here = project()
    config = configure(InspectConfig, given, defaults={"runs": here.runs, "data": here.data})
    with render.progress() as on_progress:
        report = inspect(config, on_progress)
    if save is not None:
        pictures.save(
            report.picture,
            save,
            title=_title(report),
            field=report.field,
            cells=f"{_budget(report)}: {report.tokens:,} tokens",
        )
    if render.emit(report):
        return
    if config.survey:
        _table(report)
    else:
        render.heading(_title(report))
        maps.field_map(report.picture)
        _legend(report)
        _counts(report)
    if not report.has_tokens:
        render.note(
            "The model has no tokens (model.depth = 0): its tokenizer would cut the field so. "
            "`matey pretrain --preset ti` trains one that has them."
        )
    if save is not None:
        render.note(f"Wrote {save}.")
    name_next("profile")


def _title(report: "InspectReport") -> str:
    return (
        f"{report.source.name} · {report.field} · sample {report.sample} "
        f"({report.sample_name}) · frame {report.frame}, time {render.number(report.time)}"
    )


def _budget(report: "InspectReport") -> str:
    tokenizer = report.tokenizer
    if tokenizer.name == "uniform":
        return f"uniform {_side(tokenizer.levels)}"
    budget = tokenizer.budget.label
    return f"{tokenizer.name} {_side(tokenizer.levels)}, {tokenizer.criterion}, {budget}"


def _side(sizes: tuple[int, ...]) -> str:
    return "→".join(str(size) for size in sizes)


def _legend(report: "InspectReport") -> None:
    from matey_cli.sketches import directions

    picture = report.picture
    low, high = float(picture.values.min()), float(picture.values.max())
    axes = directions([axis.name for axis in picture.axes])
    cut = f"; cut at {picture.slice_of}" if picture.slice_of else ""
    render.caption(f"  {axes}{cut}; {render.number(low)} (dark) to {render.number(high)} (bright)")


def _counts(report: "InspectReport") -> None:
    render.facts(
        "",
        cells=_budget(report),
        settings=f"of {report.settings_of}; history of {report.history}",
        tokens=f"{report.tokens:,} a frame: "
        f"{_ratio(report.tokens, report.coarse_tokens)} × coarse ({report.coarse_tokens:,}), "
        f"{_ratio(report.tokens, report.fine_tokens)} × fine ({report.fine_tokens:,})",
        **_operations(report),
    )
    render.table(
        "",
        ["level", "cell", "leaves", "area"],
        [
            (number, "×".join(map(str, level.patch)), level.cells, f"{100 * level.area:.1f} %")
            for number, level in enumerate(report.levels)
        ],
    )
    render.table(
        "",
        ["attention", "pairs a block", "× coarse", "× fine"],
        [
            (
                f"{cost.scheme} (the model's)" if cost.scheme == report.scheme else cost.scheme,
                cost.pairs,
                None if cost.pairs is None else _ratio(cost.pairs, cost.coarse_pairs),
                None if cost.pairs is None else _ratio(cost.pairs, cost.fine_pairs),
            )
            for cost in report.attention
        ],
        caption="– cannot serve these cells: it needs a whole grid of one size."
        if any(cost.pairs is None for cost in report.attention)
        else "",
    )


def _operations(report: "InspectReport") -> dict[str, str]:
    if report.flops is None:
        return {}
    giga = render.number(1e-9 * report.flops, digits=3)
    return {"operations": f"{giga} GFLOP a sample, one forward pass"}


def _table(report: "InspectReport") -> None:
    rows = report.survey
    render.table(
        f"{report.source.name} · tokens a frame",
        ["sample", "name", "times", "mean", "min", "max", "× coarse", "× fine"],
        [
            (
                row.sample,
                row.name,
                row.num_times,
                f"{row.mean_tokens:.1f}",
                row.min_tokens,
                row.max_tokens,
                _ratio(row.mean_tokens, report.coarse_tokens),
                _ratio(row.mean_tokens, report.fine_tokens),
            )
            for row in rows
        ],
    )
    mean = sum(row.mean_tokens for row in rows) / len(rows)
    render.facts(
        "",
        cells=_budget(report),
        settings=f"of {report.settings_of}; history of {report.history}",
        tokens=f"{mean:.1f} on average, {min(row.min_tokens for row in rows):,} to "
        f"{max(row.max_tokens for row in rows):,}; coarse {report.coarse_tokens:,}, "
        f"fine {report.fine_tokens:,}",
    )


def _ratio(value: float, reference: float) -> str:
    return render.number(value / reference, digits=3)
