"""Make training data with a reference solver."""

from pathlib import Path
from typing import Annotated

import typer

from matey_cli import render
from matey_core.errors import ConfigError


def simulate(
    simulator: Annotated[
        str, typer.Argument(help="What to solve; --list names all.", show_default=False)
    ] = "",
    show_list: Annotated[bool, typer.Option("--list", help="Name all simulators.")] = False,
    samples: Annotated[int, typer.Option(min=1, help="Trajectories to make.")] = 12,
    grid: Annotated[
        int, typer.Option(min=2, help="Cells along each axis; published files have 128.")
    ] = 64,
    out: Annotated[Path, typer.Option(help="Folder to write the HDF5 file below.")] = Path("data"),
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the first trajectory; the next has the next seed.")
    ] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file if it exists.")
    ] = False,
) -> None:
    """Make training data with a reference solver.

    Writes one HDF5 file in the layout, and below the folders, of PDEBench, so
    that `matey prepare pdebench` reads it like a downloaded one. The same seed
    gives the same file. Solutions that become non-finite are left out and named.

    \b
      matey simulate --list
      matey simulate diffusion-reaction
      matey simulate diffusion-reaction --samples 64 --grid 128 --out ./data --seed 100
    """  # noqa: D301
    if show_list:
        _list()
        return
    if not simulator:
        raise ConfigError(
            "No simulator is named.",
            remedy="Write matey simulate diffusion-reaction, or see matey simulate --list.",
        )
    from matey_core.workflows.simulate import SimulateConfig
    from matey_core.workflows.simulate import simulate as run

    config = SimulateConfig(
        simulator=simulator.replace("-", "_"),
        samples=samples,
        grid=grid,
        out=out,
        seed=seed,
        overwrite=overwrite,
    )
    with render.progress() as on_progress:
        report = run(config, on_progress)
    if report.diverged:
        seeds = ", ".join(str(seed) for seed in report.diverged)
        render.note(f"Left out, because the solution became non-finite: seeds {seeds}.")
    if render.emit(report):
        return
    render.facts(
        f"Wrote {report.path}",
        trajectories=report.samples,
        shape="×".join(str(size) for size in report.shape),
        size=render.size(report.num_bytes),
        time=render.duration(report.seconds),
    )


def _list() -> None:
    from matey_core.workflows.simulate import list_simulators

    simulators = list_simulators()
    if not render.emit({"simulators": simulators}):
        render.table(
            "Simulators",
            ["name", "what it solves"],
            [(entry.name, entry.summary) for entry in simulators],
        )
