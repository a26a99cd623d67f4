"""Options that are made of settings, without importing what is set."""

import importlib
from pathlib import Path
from typing import Annotated, Any

import click
import pytest
import typer
from pydantic import BaseModel, TypeAdapter, ValidationError
from typer.testing import CliRunner

from matey_cli.lazy import load, paths
from matey_cli.options import Given, from_settings, option, shares
from matey_cli.options.paths import setting_paths
from matey_cli.options.setting import Setting, read
from matey_cli.options.table import Row, describe
from matey_core.config import Config, PartConfig, explain
from matey_core.errors import ConfigError
from matey_core.runs.project import Project
from matey_core.workflows.finetune import FinetuneConfig
from matey_core.workflows.pretrain import PretrainConfig
from tests.command import Matey

TOY = "tests.cli.toy:ToyConfig"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("rate", Setting(kind=float, low=0, excludes_low=True, default=1e-4)),
        ("steps", Setting(kind=int, low=1, default=7)),
        ("seed", Setting(kind=int, low=0)),
        ("share", Setting(kind=float, low=0, high=1, default=0.25)),
        ("warmup", Setting(kind=float, low=0, high=2, default=0.0)),
        ("mode", Setting(choices=("fast", "exact"), default="fast")),
        ("sizes", Setting(kind=int, separator=",", low=1, default=(16, 8))),
        ("names", Setting(separator=",", default=())),
        ("weights", Setting(kind=dict)),
        ("folder", Setting(kind=Path, default="toys")),
        ("safe", Setting(kind=bool, default=True)),
        ("inner.width", Setting(kind=int, low=1, default=5)),
        ("wide.width", Setting(kind=int, low=1, default=9)),
        ("scheme.variant", Setting(choices=("axial", "factorized", "full"), default="full")),
    ],
)
def test_a_setting_is_read_from_the_source_of_its_class(path: str, expected: Setting) -> None:
    found = read(TOY, path)
    for name in ("kind", "separator", "choices", "low", "high", "excludes_low", "default"):
        assert getattr(found, name) == getattr(expected, name), name


def test_the_help_is_the_first_sentence() -> None:
    assert read(TOY, "rate").meaning == "Speed of this toy."
    assert read(TOY, "steps").meaning == "Steps, e.g. to the left; by default seven."
    assert read(TOY, "inner.width").meaning == "Width of the inner part."
    assert read(TOY, "scheme.variant").meaning == "Which scheme: a name."
    with pytest.raises(LookupError, match="'speed'"):
        read(TOY, "speed")


def run(*line: str, is_layered: bool = False) -> Any:
    """What a command is given that has options of the toy; for --help, its text."""
    seen: list[Given] = []

    @from_settings(
        TOY,
        option("folder"),
        option("--rate"),
        option("--steps"),
        option("--share"),
        option("--mode"),
        option("--exact", "mode", value="exact"),
        option("--scheme", "scheme.variant", hint="Loops are --loop."),
        option("--wide", "wide.inner.width", settings=TOY, setting="inner.width"),
        option("--fastest", "scheme.variant", value="full", help="As it says."),
        option("--sizes"),
        option("--name", "names", repeats=True, help="A name; may be repeated."),
        option("--criterion", "names", family="matey_core.criteria", separator="+"),
        option("--weights", parse=shares, metavar="NAME=WEIGHT,…", example="a=2,b=1"),
        option("--fast"),
        option("--safe"),
        is_layered=is_layered,
    )
    def toy(given: Given, other: Annotated[int, typer.Option(help="No setting.")] = 3) -> None:
        """Play."""
        seen.append({**given, "other": other})
        if other < 2:
            problem = ("scheme.variant cannot be.", "'wide.inner' is unknown.")[other]
            raise ConfigError(problem, remedy="Change it.")

    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command()(toy)
    done = CliRunner().invoke(app, line, terminal_width=200)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return seen[0] if seen else done.output


def test_what_was_typed_is_given_by_path_and_nothing_else_is() -> None:
    assert run() == {"other": 3}
    assert run("here", "--rate", "0.5", "--other", "4") == {
        "folder": "here",
        "rate": 0.5,
        "other": 4,
    }
    assert run("--scheme", "axial", "--sizes", "32,8", "--name", "a", "--name", "b") == {
        "scheme.variant": "axial",
        "sizes": (32, 8),
        "names": ("a", "b"),
        "other": 3,
    }
    assert run("--weights", "a=2,b=0.5", "--steps", "2k")["weights"] == {"a": 2.0, "b": 0.5}
    assert run("--steps", "2k")["steps"] == 2000
    assert run("--criterion", "gradient+innovation")["names"] == "gradient+innovation"


def test_switches_can_be_turned_off_where_something_else_turns_them_on() -> None:
    assert run("--fast", "--no-safe") == {"fast": True, "safe": False, "other": 3}
    assert run("--no-fast", is_layered=True) == {"fast": False, "other": 3}
    assert "--no-fast" not in run("--help")
    assert run("--exact")["mode"] == "exact"
    with pytest.raises(ConfigError, match="--mode and --exact contradict each other"):
        run("--exact", "--mode", "fast")


def test_an_error_about_a_setting_names_the_option_that_gave_it() -> None:
    with pytest.raises(ConfigError) as caught:
        run("--scheme", "axial", "--rate", "1", "--other", "0")
    assert caught.value.remedy == "--scheme is scheme.variant. Change it."
    with pytest.raises(ConfigError) as caught:
        run("--wide", "4", "--scheme", "axial", "--other", "1")
    assert caught.value.remedy == "--wide is wide.inner.width. Change it."
    with pytest.raises(ConfigError) as caught:
        run("--scheme", "loop")
    assert caught.value.remedy == "Loops are --loop."


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (("--steps", "0"), "--steps takes a whole number of at least 1, not '0'."),
        (("--steps", "2.5"), "--steps takes a whole number of at least 1, not '2.5'."),
        (("--rate", "0"), "--rate takes a number above 0, not '0'."),
        (("--rate", "nan"), "--rate takes a number above 0, not 'nan'."),
        (("--share", "1.5"), "--share takes a number from 0 to 1, not '1.5'."),
        (("--mode", "exakt"), "--mode takes fast or exact, not 'exakt'."),
        (("--sizes", "8x4"), "--sizes takes whole numbers of at least 1 between commas, not '8x4'"),
        (("--criterion", "gradient+mean"), "raw_variance or variance, not 'mean'."),
        (("--weights", "a:2"), "--weights takes NAME=WEIGHT,… such as a=2,b=1, not 'a:2'."),
    ],
)
def test_a_wrong_value_names_the_option_and_what_it_takes(
    line: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        run(*line)
    assert problem in str(caught.value)


def test_the_help_shows_choices_defaults_and_meaning() -> None:
    text = " ".join(run("--help").split())
    for expected in (
        "FOLDER",
        "--rate NUMBER Speed of this toy. [default: 0.0001]",
        "--steps INTEGER Steps, e.g. to the left; by default seven. [default: 7]",
        "--mode [fast|exact] [default: fast]",
        "--scheme [axial|factorized|full] Which scheme: a name. [default: full]",
        "--sizes INTEGER,… [default: 16,8]",
        "--safe / --no-safe Be careful.",
        "Of gradient, innovation, laplacian, learned, random, raw_variance or variance.",
    ):
        assert expected in text


def rows() -> list[tuple[str, str, Row]]:
    """Every option of every command that is made of a setting."""
    found = []
    for path in paths():
        names = [name.replace("-", "_") for name in path]
        module = importlib.import_module(f"matey_cli.commands.{'.'.join(names)}")
        settings, table = getattr(getattr(module, names[-1], None), "table", ("", ()))
        found += [(" ".join(path), settings, row) for row in table]
    return found


@pytest.mark.parametrize(("command", "settings", "row"), rows(), ids=lambda each: str(each)[:40])
def test_what_the_source_says_is_what_the_class_does(command: str, settings: str, row: Row) -> None:
    module, _, name = (row.settings or settings).partition(":")
    kind, path = getattr(importlib.import_module(module), name), row.setting or row.path
    required = {key: 1 for key, field in kind.model_fields.items() if field.is_required()}
    section, value = kind.model_construct(**required), None
    for part in path.split("."):
        assert value is None or isinstance(value, BaseModel)
        section, value = value or section, getattr(value or section, part)
    value = None if path in required else value
    found = describe(settings, row)
    assert found.meaning or row.help
    if isinstance(value, tuple) and value and isinstance(value[0], PartConfig):
        value = tuple({part.key: getattr(part, part.key)} for part in value)
    assert str(found.default or "") == str(value or "")
    if isinstance(section, PartConfig) and path.endswith(section.key):
        assert found.choices == type(section).family.names()
        return
    field = type(section).model_fields[path.rpartition(".")[2]]
    adapter = TypeAdapter(Annotated[field.annotation, field])
    for wrong in () if row.parse else _outside(found):
        with pytest.raises(ValidationError):
            adapter.validate_python((wrong,) if found.separator else wrong)


def _outside(setting: Setting) -> list[float]:
    """Values that the option refuses; the class has to refuse them as well."""
    low = [] if setting.low is None else [setting.low - (0 if setting.excludes_low else 1)]
    return [*low, *([] if setting.high is None else [setting.high + 1])]


def outside_part(folder: Path, family: str, name: str) -> str:
    """Announce a part whose import fails, as an installed package does; for PYTHONPATH."""
    place = folder / "broken_part-1.0.dist-info"
    place.mkdir()
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-part\nVersion: 1.0\n")
    (place / "entry_points.txt").write_text(f"[matey.{family}]\n{name} = broken_part\n")
    (folder / "broken_part.py").write_text("raise ImportError('no driver')\n")
    return f"{folder}:{Path(__file__).parents[2]}"


def test_a_part_from_elsewhere_is_in_help_and_completion_even_if_it_is_broken(
    process: Matey, tmp_path: Path
) -> None:
    outside = outside_part(tmp_path, "attention", "spiral")
    text = process("profile", "--help", PYTHONPATH=outside).stdout
    assert "axial, factorized, full or spiral" in text or "axial|factorized|full|spiral" in text
    words = {"COMP_WORDS": "matey profile --scheme s", "COMP_CWORD": "3"}
    done = process(_MATEY_COMPLETE="complete_bash", PYTHONPATH=outside, **words)
    assert done.stdout.split() == ["spiral"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("matey profile --scheme f", ["factorized", "full"]),
        ("matey rollout --split v", ["validation"]),
        ("matey rollout pre", ["pretrain-002", "pretrain-001"]),
        ("matey finetune --mode l", ["layerwise", "lora"]),
        ("matey tokenize-inspect --criterion gradient+in", ["gradient+innovation"]),
        ("matey config model.tokenizer.budget.r", ["model.tokenizer.budget.ratio"]),
    ],
)
def test_values_are_completed_without_importing_torch(
    process: Matey, tmp_path: Path, words: str, expected: list[str]
) -> None:
    for name in ("pretrain-001", "pretrain-002", "finetune-001"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "config.toml").touch()
    done = process(
        _MATEY_COMPLETE="complete_bash",
        COMP_WORDS=words,
        COMP_CWORD=str(len(words.split()) - 1),
        PYTHONPROFILEIMPORTTIME="1",
    )
    assert done.stdout.split() == expected
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "matey_cli.lazy" in imported
    assert not imported & {"torch", "numpy", "zarr", "h5py"}


@pytest.mark.parametrize("kind", [PretrainConfig, FinetuneConfig, Project])
def test_settings_are_completed_from_the_source_as_they_are(kind: type[Config]) -> None:
    assert setting_paths(f"{kind.__module__}:{kind.__name__}") == sorted(
        fact.path for fact in explain(kind)
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("matey prepare pd", ["pdebench"]),
        ("matey data inspect --reader n", ["netcdf"]),
        ("matey simulate shallow", ["shallow-water"]),
        ("matey data check th", ["thermals"]),
        ("matey info wa", ["water"]),
        ("matey tokenize-inspect th", ["thermals"]),
        ("matey rollout --store w", ["water"]),
        ("matey pretrain --weights thermals=2,wa", ["thermals=2,water="]),
    ],
)
def test_readers_simulators_and_stores_are_completed(
    process: Matey, tmp_path: Path, words: str, expected: list[str]
) -> None:
    (tmp_path / "matey.toml").write_text('data = "fields"\n')
    for place in ("fields/thermals.zarr", "fields/zarr/water.zarr"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "zarr.json").touch()
    index = str(len(words.split()) - 1)
    done = process(_MATEY_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=index)
    assert done.stdout.split() == expected


@pytest.mark.parametrize(
    ("path", "name", "typed", "expected"),
    [
        (("study", "criterion"), "criteria", "variance,gradient+inn", "innovation"),
        (("study", "equal-cost"), "criterion", "lap", "laplacian"),
        (("study", "run"), "file", "low", "low-sample"),
        (("data", "check"), "only", "finite,bou", "bounds"),
    ],
)
def test_further_values_are_completed(
    path: tuple[str, ...], name: str, typed: str, expected: str
) -> None:
    command = load(*path)
    (option,) = [each for each in command.params if each.name == name]
    found = [each.value for each in option.shell_complete(click.Context(command), typed)]
    before = typed[: max(typed.rfind(","), typed.rfind("+")) + 1]
    assert found == [before + expected]
