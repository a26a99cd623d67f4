"""Make training data with reference solvers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from matey_cli import render
from matey_core.errors import ConfigError

if TYPE_CHECKING:
    from matey_core.workflows.simulate import SimulateConfig, SimulateReport
    from matey_core.workflows.simulate_suite import Scale, SuiteReport

SUITE = "suite"


def simulate(
    simulator: Annotated[
        str,
        typer.Argument(
            help="What to solve; --list names all. `suite`: the whole mixture.", show_default=False
        ),
    ] = "",
    show_list: Annotated[
        bool, typer.Option("--list", help="Name all simulators, or the settings of one.")
    ] = False,
    samples: Annotated[
        int | None, typer.Option(min=1, help="Trajectories to make.  [default: 12]")
    ] = None,
    grid: Annotated[
        int | None, typer.Option(min=2, help="Cells along x.  [default: as published]")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Frames after the start.  [default: as published]")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A setting of the simulator: k=0.004, or k=0.004:0.006 to draw it for each "
            "sample.",
        ),
    ] = None,
    scale: Annotated[
        Literal["tiny", "small", "paper"] | None,
        typer.Option(help="Size of the suite.  [default: tiny]"),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write below.")] = Path("data"),
    store: Annotated[
        bool, typer.Option("--store", help="Write a Zarr store into OUT/zarr, and no HDF5 file.")
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the first trajectory; the next has the next seed.")
    ] = 0,
    batch: Annotated[
        int | None,
        typer.Option(min=1, help="Trajectories stepped together.  [default: what is fastest]"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes side by side, on a CPU.  [default: one a core]"),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option(help="auto takes a GPU if there is one.")
    ] = "auto",
    dtype: Annotated[
        Literal["float32", "float64"], typer.Option(help="Arithmetic; files are float32.")
    ] = "float32",
    fuse: Annotated[
        bool,
        typer.Option("--compile", help="Fuse steps with torch.compile, which takes minutes first."),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what exists.")] = False,
) -> None:
    r"""Make training data with reference solvers.

    Writes one HDF5 file in the layout, and below the folders, of PDEBench, so
    that `matey prepare pdebench` reads it like a downloaded one. The same seed
    gives the same file, whatever the batch and the workers. What was solved
    before Ctrl-C or a kill is kept by the same command. Solutions that become
    non-finite or do not keep what the equations keep are left out and named.

    \b
      matey simulate --list
      matey simulate diffusion-reaction --list
      matey simulate diffusion-reaction --samples 64 --set k=0.004:0.006
      matey simulate shallow-water --samples 1000 --device cuda --store
      matey simulate suite --scale tiny --out ./data
    """
    if show_list:
        _list(simulator)
        return
    if not simulator:
        raise ConfigError(
            "No simulator is named.",
            remedy="Write matey simulate diffusion-reaction, or see matey simulate --list.",
        )
    if simulator == SUITE:
        _refuse(samples=samples, grid=grid, steps=steps, set=settings or None)
        _suite(
            scale or "tiny",
            out,
            store=store,
            seed=seed,
            workers=workers,
            device=device,
            dtype=dtype,
            fuse=fuse,
            overwrite=overwrite,
        )
        return
    if scale is not None:
        raise ConfigError(
            f"--scale is the size of the suite; {simulator} has --samples, --grid and --steps.",
            remedy="Leave --scale out, or write matey simulate suite.",
        )
    from matey_core.workflows.simulate import SimulateConfig

    config = SimulateConfig(
        simulator=simulator.replace("-", "_"),
        samples=samples or 12,
        grid=grid,
        steps=steps,
        out=out,
        store=store,
        seed=seed,
        batch=batch,
        workers=workers,
        device=device,
        dtype=dtype,
        compile=fuse,
        overwrite=overwrite,
        settings=_settings(settings or []),
    )
    _one(config)


def _one(config: "SimulateConfig") -> None:
    from matey_core.workflows.simulate import simulate as run

    with render.progress() as on_progress:
        report = run(config, on_progress)
    _tell_left_out(report)
    if render.emit(report):
        return
    render.facts(
        f"Wrote {report.path}",
        trajectories=f"{report.samples} ({report.resumed} kept from before)"
        if report.resumed
        else report.samples,
        shape="×".join(str(size) for size in report.shape),
        size=render.size(report.num_bytes),
        time=render.duration(report.seconds),
    )


def _suite(
    scale: "Scale",
    out: Path,
    *,
    store: bool,
    seed: int,
    workers: int | None,
    device: Literal["auto", "cpu", "cuda"],
    dtype: Literal["float32", "float64"],
    fuse: bool,
    overwrite: bool,
) -> None:
    from matey_core.workflows.simulate_suite import SuiteConfig, simulate_suite

    config = SuiteConfig(
        scale=scale,
        out=out,
        store=store,
        seed=seed,
        workers=workers,
        device=device,
        dtype=dtype,
        compile=fuse,
        overwrite=overwrite,
    )
    with render.progress() as on_progress:
        report: SuiteReport = simulate_suite(config, on_progress)
    for member in report.members:
        if member.report is not None:
            _tell_left_out(member.report)
    if render.emit(report):
        return
    render.table(
        f"Suite {scale}",
        ["file", "trajectories", "shape", "size", "time"],
        [
            (
                f"{member.use}: {member.path.stem}",
                member.report.samples if member.report else "there already",
                "×".join(str(size) for size in member.report.shape) if member.report else "",
                render.size(member.report.num_bytes) if member.report else "",
                render.duration(member.report.seconds) if member.report else "",
            )
            for member in report.members
        ],
    )


def _tell_left_out(report: "SimulateReport") -> None:
    for solution in report.left_out:
        render.note(
            f"{report.simulator.replace('_', '-')}: seed {solution.seed} is left out: "
            f"{solution.reason}."
        )


def _settings(texts: list[str]) -> dict[str, object]:
    from matey_core.config import with_settings

    return with_settings({}, texts)


def _refuse(**options: object) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ConfigError(
            f"The suite decides --{given[0]} itself.",
            remedy="Leave it out, choose another --scale, or name one simulator.",
        )


def _list(simulator: str) -> None:
    from matey_core.workflows.simulate import list_settings, list_simulators

    if simulator and simulator != SUITE:
        settings = list_settings(simulator.replace("-", "_"))
        if not render.emit({"settings": settings}):
            render.table(
                f"Settings of {simulator}, for --set",
                ["name", "default", "what it is"],
                [(entry.name, entry.default, entry.summary) for entry in settings],
            )
        return
    simulators = list_simulators()
    if not render.emit({"simulators": simulators}):
        render.table(
            "Simulators",
            ["name", "what it solves"],
            [(entry.name, entry.summary) for entry in simulators],
        )
