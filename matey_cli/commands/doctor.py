"""Show what matey uses of this machine."""

from typing import TYPE_CHECKING

from matey_cli import render
from matey_cli.next_step import name_next

if TYPE_CHECKING:
    from matey_core.diagnosis import Diagnosis


def doctor() -> None:
    r"""Show what matey uses of this machine.

    Shows device, cores, threads and memory, versions of packages, and which extras are
    installed. A training step is timed in float32 and in bfloat16, which takes a few
    seconds: --precision auto takes the faster one.

    \b
      matey doctor
      matey doctor --json
    """
    from matey_core.diagnosis import diagnose

    found = diagnose()
    if not render.emit(found):
        _show(found)


def _show(found: "Diagnosis") -> None:
    gpu = f", {render.size(found.device_memory)}" if found.device_memory else ""
    render.facts(
        f"matey {found.matey}",
        python=found.python,
        system=found.platform,
        processor=found.cpu,
        cores=f"{found.cores}, of which torch uses {found.threads}",
        memory=render.size(found.memory),
        device=f"{found.device}{gpu}",
        precision=f"{found.precision}: {found.precision_reason}",
        attention=f"kernel {found.kernel}",
        compiler=found.compiler or "none: --compile needs a C++ compiler",
        packages=", ".join(f"{name} {version}" for name, version in found.packages.items()),
    )
    render.table(
        "Extras",
        ("extra", "gives", "state"),
        [
            (
                extra.name,
                extra.gives,
                "installed" if not extra.missing else f"missing: {', '.join(extra.missing)}",
            )
            for extra in found.extras
        ],
    )
    missing = [extra for extra in found.extras if extra.missing]
    if missing:
        render.note(f"Install an extra so: {missing[0].install}", wraps=False)
    if found.threads < found.cores:
        render.note(
            f"torch computes with {found.threads} of {found.cores} cores; OMP_NUM_THREADS sets it."
        )
    name_next("prepare", "./data")
