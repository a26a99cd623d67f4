"""Estimate what a pretraining will need and give."""

from typing import TYPE_CHECKING

from matey_cli import render
from matey_cli.commands._training import PRETRAINING, Assignments, SettingsFile
from matey_cli.options import Given, configure, from_settings, num_bytes, one_of, option, options

if TYPE_CHECKING:
    from matey_core.planning import PlanReport


@from_settings(
    "matey_core.planning.settings:PlanConfig",
    *PRETRAINING,
    *options("--batch-size --accumulate"),
    option("--loss", "loss.name"),
    option("--objective", "objective.name"),
    *options("--precision --device --devices"),
    option(
        "--memory", parse=num_bytes, metavar="SIZE", example="24GB", default="what the device has"
    ),
    *options("--price --bandwidth --probe-seconds"),
    is_layered=True,
)
def plan(
    given: Given,
    config: SettingsFile = None,
    assignments: Assignments = None,
) -> None:
    r"""Estimate what a pretraining will need and give.

    Takes the settings of `matey pretrain`, and measures real steps of a few micro-batches
    on this machine. Memory and time of other micro-batches and of several devices are
    extrapolated by laws. If the settings do not fit into the memory, a change is
    proposed. Nothing is written.

    \b
      matey plan
      matey plan --preset s --steps 20000 --batch-size 32 --memory 24GB
      matey plan --minutes 600 --devices 4 --price 2.5
      matey plan --config runs/pretrain-001/config.toml
    """
    from matey_core.planning import PlanConfig
    from matey_core.planning import plan as work
    from matey_core.runs.project import project
    from matey_core.runs.upgrade import upgraded

    one_of(given, "the length of the training", minutes="minutes", steps="steps")
    here = project()
    defaults: Given = {"data": here.data, "runs": here.runs}
    if "preset" in here.model_fields_set:
        defaults["model.preset"] = here.preset
    settings = configure(
        PlanConfig,
        given,
        defaults=defaults,
        file=config,
        assignments=assignments,
        upgrade=upgraded,
    )
    with render.progress() as on_progress:
        report = work(settings, on_progress)
    if not render.emit(report):
        _show(report)


def _show(report: "PlanReport") -> None:
    devices = render.counted(report.devices, "device")
    threads = render.counted(report.threads, "thread")
    how = "measured" if report.is_measured else "by the law: too large to be taken here"
    render.facts(
        f"Plan of {report.label}",
        parameters=report.parameters,
        on=f"{devices} such as {report.device}, {threads}, {report.precision}",
        batch=f"{report.windows} windows: {devices}, {report.accumulate} × {report.micro_batch}",
        memory=f"{render.size(report.memory)} of {render.size(report.memory_limit)}, {how}",
        step=f"{render.duration(report.step_seconds)}, {how}{_exchange(report)}",
        training=f"{render.counted(report.steps, 'step')} and "
        f"{render.counted(report.validations, 'validation')} in "
        f"{render.duration(3600 * report.hours)}",
        windows=report.samples,
        **({} if report.tokens is None else {"tokens": f"{report.tokens:.3g}"}),
        **({} if report.cost is None else {"cost": render.number(report.cost, digits=3)}),
    )
    render.note(_laws(report))
    for note in report.notes:
        render.note(note)
    render.note(_proposal(report))
    if report.proposal is not None:
        render.note("Next: matey pretrain, with the same options of the model and the data.")


def _exchange(report: "PlanReport") -> str:
    if report.devices == 1:
        return ""
    return f", with {render.duration(report.exchange_seconds)} of exchange by the law"


def _laws(report: "PlanReport") -> str:
    memory, step = report.memory_law, report.step_law
    return (
        f"A micro-batch of m windows needs {render.size(memory.offset)} + m × "
        f"{render.size(memory.slope)} and {render.duration(step.offset)} + m × "
        f"{render.duration(step.slope)}."
    )


def _proposal(report: "PlanReport") -> str:
    found = report.proposal
    if found is None:
        return (
            "Nothing that was tried fits into the memory: take a smaller --preset, or share "
            "samples with --sequence-parallel."
        )
    if not found.options:
        return "The settings fit into the memory."
    return (
        f"To fit into the memory: {' '.join(found.options)}, which needs "
        f"{render.size(found.memory)} and {render.duration(found.step_seconds)} a step."
    )
