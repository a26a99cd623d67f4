"""Make training data with reference solvers."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from matey_cli import render
from matey_cli.next_step import name_next
from matey_cli.options import Given, configure, from_settings, option, options
from matey_cli.options.setting import Setting
from matey_cli.options.values import typed
from matey_core.errors import ConfigError
from matey_core.registry import Registry

if TYPE_CHECKING:
    from matey_core.workflows.simulate import SimulateConfig, SimulateReport
    from matey_core.workflows.simulate_suite import SuiteReport

SIMULATORS: Registry[Any] = Registry("matey_core.simulators")
SUITE = "suite"


def names(incomplete: str) -> list[str]:
    """Names of simulators that begin so, for the shell's completion."""
    known = [SUITE, *(name.replace("_", "-") for name in SIMULATORS.names())]
    return [name for name in known if name.startswith(incomplete)]


@from_settings(
    "matey_core.workflows.simulate.settings:SimulateConfig",
    *options("--samples --grid --steps"),
    option("--scale", settings="matey_core.workflows.simulate_suite:SuiteConfig"),
    *options("--out --store --seed --batch --workers --device --dtype --compile --overwrite"),
)
def simulate(
    given: Given,
    simulator: Annotated[
        str,
        typer.Argument(
            help="Simulator to run; --list names all. `suite` runs the whole mixture.",
            show_default=False,
            autocompletion=names,
        ),
    ] = "",
    show_list: Annotated[
        bool, typer.Option("--list", help="List all simulators, or the settings of one.")
    ] = False,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A setting of the simulator: k=0.004, or k=0.004:0.006 to draw it for each "
            "sample.",
        ),
    ] = None,
) -> None:
    r"""Make training data with reference solvers.

    Writes one HDF5 file in the layout and folders of PDEBench, so that `matey prepare
    pdebench` reads it like a downloaded one. The same seed gives the same file, with
    any batch and any number of workers. Solutions that were finished before Ctrl-C or a
    kill are kept; the same command continues. Solutions that become non-finite, or
    violate a conservation law of the equations, are left out and listed.

    \b
      matey simulate --list
      matey simulate diffusion-reaction --list
      matey simulate diffusion-reaction --samples 64 --set k=0.004:0.006
      matey simulate shallow-water --samples 1000 --device cuda --store
      matey simulate suite --scale tiny --out ./data
    """
    if simulator:
        simulator = typed(
            "SIMULATOR", simulator.replace("_", "-"), Setting(choices=tuple(names("")))
        )
    if show_list:
        _list(simulator)
        return
    if not simulator:
        raise ConfigError(
            "No simulator is named.",
            remedy="Write matey simulate diffusion-reaction, or see matey simulate --list.",
        )
    if simulator == SUITE:
        _suite(given | ({"set": assignments} if assignments else {}))
        return
    if "scale" in given:
        raise ConfigError(
            f"--scale is the size of the suite; {simulator} has --samples, --grid and --steps.",
            remedy="Leave --scale out, or write matey simulate suite.",
        )
    from matey_core.config import with_settings
    from matey_core.workflows.simulate import SimulateConfig

    own = with_settings({}, assignments or [])
    named = {"simulator": simulator.replace("-", "_"), "settings": own}
    _one(configure(SimulateConfig, given | named))


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
    if report.path.suffix == ".zarr":
        name_next("pretrain", data=report.path.parent)
    else:
        name_next("prepare", "pdebench", config.out)


def _suite(given: Given) -> None:
    from matey_core.workflows.simulate_suite import SuiteConfig, simulate_suite

    if decided := [name for name in given if name not in SuiteConfig.model_fields]:
        raise ConfigError(
            f"--{decided[0]} has no effect on the suite, which sets it for each member.",
            remedy="Leave it out, choose another --scale, or name one simulator.",
        )
    config = configure(SuiteConfig, given)
    with render.progress() as on_progress:
        report: SuiteReport = simulate_suite(config, on_progress)
    for member in report.members:
        if member.report is not None:
            _tell_left_out(member.report)
    if render.emit(report):
        return
    render.table(
        f"Suite {config.scale}",
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
    name_next("prepare", "pdebench", config.out)


def _tell_left_out(report: "SimulateReport") -> None:
    for solution in report.left_out:
        render.note(
            f"{report.simulator.replace('_', '-')}: seed {solution.seed} is left out: "
            f"{solution.reason}."
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
            name_next("simulate", simulator)
        return
    simulators = list_simulators()
    if not render.emit({"simulators": simulators}):
        render.table(
            "Simulators",
            ["name", "what it solves"],
            [(entry.name, entry.summary) for entry in simulators],
        )
        name_next("simulate", "diffusion-reaction", "--list")
