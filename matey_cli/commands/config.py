"""Show, explain, write and check settings."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matey_cli import output, render
from matey_cli.commands._training import Assignments, SettingsFile, resolved
from matey_cli.next_step import name_next
from matey_cli.options.setting import Setting
from matey_cli.options.values import typed

if TYPE_CHECKING:
    from matey_core.config import Config, SettingFact


CLASSES = {
    "pretrain": "matey_core.workflows.pretrain:PretrainConfig",
    "finetune": "matey_core.workflows.finetune:FinetuneConfig",
    "project": "matey_core.runs.project:Project",
}
"""What settings are for → their class."""
PURPOSES = tuple(CLASSES)


def purposes(incomplete: str) -> list[str]:
    """Those that begin so, for the shell's completion."""
    return [name for name in PURPOSES if name.startswith(incomplete)]


def setting_names(ctx: "typer.Context", incomplete: str) -> list[str]:
    """Settings and sections of the purpose that begin so, for the shell's completion."""
    from matey_cli.options.paths import setting_paths

    purpose = ctx.params.get("purpose")
    paths = setting_paths(CLASSES[purpose if purpose in PURPOSES else PURPOSES[0]])
    return [path for path in paths if path.startswith(incomplete)]


def config(
    setting: Annotated[
        str | None,
        typer.Argument(
            metavar="[SETTING]",
            help="Setting or section, such as optimizer or model.tokenizer.  [default: all]",
            autocompletion=setting_names,
            show_default=False,
        ),
    ] = None,
    purpose: Annotated[
        str,
        typer.Option(
            "--for",
            metavar=f"[{'|'.join(PURPOSES)}]",
            help="Settings of matey pretrain or matey finetune, or of the file matey.toml.",
            autocompletion=purposes,
        ),
    ] = "pretrain",
    config: SettingsFile = None,
    assignments: Assignments = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what each setting means and which values it has.")
    ] = False,
    write: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Write a new TOML file with every setting explained."),
    ] = None,
    check: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Check the settings of a TOML file.")
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print a JSON schema, for editors of TOML files.")
    ] = False,
) -> None:
    r"""Show, explain, write and check settings.

    Without options, shows the settings of `matey pretrain` in this folder. They come from
    its defaults, matey.toml, --config and --set; later ones win. The output is a TOML
    file that --config takes.

    \b
      matey config
      matey config optimizer --explain
      matey config --config laptop --set model.depth=4
      matey config --write pretrain.toml
      matey config --for finetune --check mine.toml
      matey config --schema > pretrain.schema.json
    """
    purpose = typed("--for", purpose, Setting(choices=PURPOSES))
    chosen = _settings(purpose, check or config, assignments)
    if check is not None:
        _checked(check, chosen, purpose)
    elif schema:
        _print_schema(chosen, purpose)
    elif write is not None:
        _written(write, chosen, purpose)
    elif explain:
        _explain(chosen, setting)
    else:
        _show(chosen, setting)


def _settings(purpose: str, file: Path | None, assignments: list[str] | None) -> "Config":
    if purpose == "project":
        from matey_cli.options import configure
        from matey_core.runs.project import FILE, Project

        here = FILE if file is None and FILE.exists() else file
        return configure(Project, {}, file=here, assignments=assignments)
    if purpose == "finetune":
        from matey_core.workflows.finetune import FinetuneConfig

        return resolved("finetune", FinetuneConfig, {}, file, assignments)
    from matey_core.workflows.pretrain import PretrainConfig

    return resolved("pretrain", PretrainConfig, {}, file, assignments)


def _with_length(chosen: "Config") -> "Config":
    """Say how long the training is, where only the command would."""
    from matey_core.runs.time_plan import with_length
    from matey_core.workflows.pretrain import PretrainConfig

    return with_length(chosen) if isinstance(chosen, PretrainConfig) else chosen


def _show(chosen: "Config", setting: str | None) -> None:
    """Print the settings that are set, as TOML."""
    import json

    import tomli_w

    values = json.loads(_with_length(chosen).model_dump_json(exclude_none=True))
    if setting is not None:
        facts = _below(chosen, setting)
        *sections, last = setting.split(".")
        for section in sections:
            values = values[section]
        values = {last: values[last]} if last in values else {}
        if not values:
            render.note(f"{facts[0].path} is not set.")
    if not render.emit(values):
        output.say(tomli_w.dumps(values).rstrip())
        name_next("config", *([setting] if setting else []), "--explain")


def _explain(chosen: "Config", setting: str | None) -> None:
    from matey_core.config import explain, part_classes

    facts = list(explain(type(chosen), chosen)) if setting is None else _below(chosen, setting)
    others = {}
    if setting is not None and facts[0].parts:
        others = {
            name: list(explain(kind, above=setting))
            for name, kind in part_classes(type(chosen), setting).items()
            if name != facts[0].value
        }
    if render.emit({"settings": facts, "other_parts": others}):
        return
    for fact in facts:
        _print_fact(fact)
    for name, inner in others.items():
        if shown := [fact for fact in inner if not fact.names_part]:
            render.heading(f'{setting} = "{name}" has these settings instead:')
            for fact in shown:
                _print_fact(fact)
    name_next("config", "--write", "settings.toml")


def _print_fact(fact: "SettingFact") -> None:
    if fact.names_part:
        return
    value = "" if fact.value is None else f" = {_toml(fact.value)}"
    is_plain = fact.is_section and not fact.parts
    render.heading(f"[{fact.path}]" if is_plain else f"{fact.path}{value}")
    allowed = f"Values: {fact.allowed}." if fact.parts or not fact.is_section else ""
    for line in filter(None, (fact.meaning, allowed)):
        output.say(output.fitted(line, sys.stdout, indent="  "))


def _toml(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def _below(chosen: "Config", setting: str) -> list["SettingFact"]:
    """The setting, and all settings in it where it is a section.

    Raises:
        ConfigError: there is no such setting.
    """
    from matey_core.config import explain, likely
    from matey_core.errors import ConfigError

    facts = list(explain(type(chosen), chosen))
    found = [fact for fact in facts if f"{fact.path}.".startswith(f"{setting}.")]
    if not found:
        near = likely(setting, [fact.path for fact in facts])
        raise ConfigError(
            f"There is no setting {setting!r}.",
            remedy=f"Did you mean {near!r}?" if near else "`matey config --explain` lists all.",
        )
    return found


def _written(path: Path, chosen: "Config", purpose: str) -> None:
    from matey_core.config import commented_toml
    from matey_core.durable import written
    from matey_core.errors import ConfigError

    if path.exists():
        raise ConfigError(f"{path} exists already.", remedy="Give --write another path.")
    title = f"Settings of matey {purpose}: matey {purpose} --config {path}"
    if purpose == "project":
        title = "Defaults of this folder: matey reads the file matey.toml in it"
    with written(path) as partial:
        partial.write_text(commented_toml(chosen, title=title), encoding="utf-8")
    if not render.emit({"path": path}):
        render.facts(f"Wrote {path}")
        render.note(f"Next: matey config --for {purpose} --check {path}", wraps=False)


def _checked(path: Path, chosen: "Config", purpose: str) -> None:
    from matey_core.config import explain

    facts = [fact for fact in explain(type(chosen), chosen) if not fact.names_part]
    changed = {fact.path: fact.value for fact in facts if fact.value not in (None, fact.default)}
    if render.emit({"path": path, "purpose": purpose, "changed": changed}):
        return
    render.facts(f"{path}: no mistakes, as settings of matey {purpose}")
    rows = [(name, _toml(value)) for name, value in changed.items()]
    render.table("", ("setting", "value"), rows, caption="Other settings have their defaults.")
    if purpose != "project":
        name_next(purpose, "--config", path)


def _print_schema(chosen: "Config", purpose: str) -> None:
    import json

    from matey_core.config import json_schema

    found = json_schema(type(chosen), title=f"Settings of matey {purpose}")
    if not render.emit(found):
        output.say(json.dumps(found, indent=1))
