"""Fetch published data sets."""

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matey_cli import render
from matey_cli.next_step import name_next
from matey_core.errors import ConfigError

if TYPE_CHECKING:
    from matey_core.downloads.batch import DownloadReport
    from matey_core.downloads.lists import RemoteFile


def lists(incomplete: str) -> list[str]:
    """Names of lists that begin so, for the shell's completion."""
    from matey_core.downloads.lists import LISTS

    return [name for name in LISTS if name.startswith(incomplete)]


def groups(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of groups that begin so, for the shell's completion."""
    from matey_core.downloads.lists import LISTS, read_list

    name = ctx.params.get("source")
    found = {file.group for file in read_list(name)} if name in LISTS else set()
    return sorted(group for group in found if group.startswith(incomplete))


def download(
    source: Annotated[
        str,
        typer.Argument(
            metavar="LIST",
            help="List of files: pdebench, or a CSV file with the columns group,path,url,md5.",
            autocompletion=lists,
        ),
    ],
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME...",
            help="Groups, file names, or patterns in quotation marks such as '*_128_*'.",
            show_default=False,
            autocompletion=groups,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="PATH", help="Folder that the files go to.")] = Path(
        "data"
    ),
    show_list: Annotated[
        bool,
        typer.Option(
            "--list", help="List groups, or the files of those named, without a connection."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be fetched, with sizes.")
    ] = False,
) -> None:
    r"""Fetch published data sets.

    Shows the size of each file and of all together, then fetches those that are missing.
    A download that was interrupted, even by a kill, continues where it stopped. A file
    gets its name once its MD5 is the published one. Only https is used, so the machine
    needs a connection to the archive; PDEBench lies at darus.uni-stuttgart.de.

    \b
      matey download pdebench --list
      matey download pdebench darcy --list
      matey download pdebench swe 2d_reacdiff --dry-run
      matey download pdebench swe 2d_reacdiff
      matey download pdebench '2D_CFD_Rand_*_128_*' --out /scratch/pdebench
    """
    from matey_core.downloads.batch import download as run
    from matey_core.downloads.batch import plan
    from matey_core.downloads.lists import choose, read_list
    from matey_core.errors import Interrupted

    files = read_list(source)
    if show_list:
        _list(source, choose(files, names) if names else files, whole=not names)
        return
    if not names:
        raise ConfigError(
            f"{source} has {len(files)} files, and none is named.",
            remedy=f"Name groups or files; matey download {source} --list shows them.",
        )
    with render.progress() as on_progress:
        report = plan(choose(files, names), out, on_progress)
    _show_plan(report)
    if not (dry_run or report.is_complete):
        try:
            with render.progress() as on_progress:
                report = run(report, on_progress)
        except Interrupted as stop:
            render.note(str(stop))
            raise
    if not render.emit(report):
        _show_end(report, source, dry_run=dry_run)


def _list(source: str, files: "tuple[RemoteFile, ...]", *, whole: bool) -> None:
    from matey_core.downloads.lists import PUBLISHED_GB

    if render.emit({"files": files}):
        return
    if not whole:
        render.table(f"Files of {source}", ("group", "path"), [(f.group, f.path) for f in files])
        render.note(f"Next: matey download {source} NAME --dry-run shows sizes.", wraps=False)
        return
    counts = Counter(file.group for file in files)
    rows = []
    for group, count in counts.items():
        size = PUBLISHED_GB.get(group)
        folder = os.path.commonpath([f"/{f.path}" for f in files if f.group == group])
        folder = folder if count > 1 else os.path.dirname(folder)
        rows.append((group, count, None if size is None else render.size(1e9 * size), folder[1:]))
    render.table(f"Groups of {source}", ("group", "files", "size, about", "folder"), rows)
    render.note(f"Next: matey download {source} {next(iter(counts))} --list", wraps=False)


def _show_plan(report: "DownloadReport") -> None:
    rows = []
    for each in report.downloads:
        size = None if each.num_bytes is None else render.size(each.num_bytes)
        status = "is there" if each.is_there else "to come"
        if each.present and not each.is_there:
            status = f"{render.size(each.present)} of it came before"
        rows.append((each.file.path, size, status))
    total, missing, free = map(render.size, (report.num_bytes, report.missing, report.free))
    render.table(
        f"Files in {report.out}",
        ("file", "size", "status"),
        rows,
        caption=f"{len(rows)} files, {total}; {missing} to come, {free} free.",
    )


def _show_end(report: "DownloadReport", source: str, *, dry_run: bool) -> None:
    from matey_core.downloads.lists import LISTS

    if dry_run:
        render.note("Next: the same command without --dry-run.")
        return
    if not report.fetched:
        render.note("Everything is there; nothing was fetched.")
    else:
        render.facts(
            f"Fetched {render.counted(len(report.fetched), 'file')} into {report.out}",
            time=render.duration(report.seconds),
        )
    layout = (source.lower(),) if source.lower() in LISTS else ()
    name_next("prepare", *layout, report.out)
