"""`matey pretrain` and `matey finetune`, as typed."""

import errno
import json
import re
from pathlib import Path
from typing import Any, TypeVar

import pytest
from torch import Tensor

from matey_cli.options import Given, configure
from matey_core.config import Config
from matey_core.models import _adapter
from matey_core.models.pyramid import PyramidConfig
from matey_core.runs.sizes import may_be_chosen
from matey_core.runs.upgrade import upgraded
from matey_core.workflows.finetune import FinetuneConfig
from matey_core.workflows.pretrain import PretrainConfig
from tests.command import Matey
from tests.training import TOML

AnyConfig = TypeVar("AnyConfig", bound=Config)


@pytest.fixture
def place(project: Path, tmp_path: Path) -> Path:
    """A directory of its own with the stores of `project` and a file of settings."""
    (tmp_path / "data").symlink_to(project / "data")
    (tmp_path / "settings.toml").write_text(TOML)
    return tmp_path


def test_the_two_verbs_tell_what_they_do(matey: Matey, place: Path) -> None:
    trained = matey("pretrain", "--config", "settings.toml", "--steps", 2, cwd=place)
    assert trained.returncode == 0
    for expected in ("parameters", "stem", "tokens a", "flat_periodic", "best forecast"):
        assert expected in trained.stdout
    lines = [line for line in trained.stderr.splitlines() if line.startswith("step ")]
    assert [line.split()[1] for line in lines] == ["1/2", "2/2"]
    assert all(len(line) < 80 and " score " in line and " worst " in line for line in lines)
    assert "Wrote runs/pretrain-001/model" in trained.stdout

    line = ("finetune", "--freeze-attention", "--n-samples", 8, "--steps", 2, "--json")
    tuned = matey(*line, cwd=place)
    assert tuned.returncode == 0
    report = json.loads(tuned.stdout)
    assert report["run"] == "runs/finetune-001"
    assert set(report["start"]["parameters"]["trained"]) == {"stem", "head", "fields"}
    assert set(report["start"]["parameters"]["frozen"]) == {"attention"}
    assert any("training trajectories, not 8" in note for note in report["start"]["notes"])
    assert {score["store"] for score in report["scores"]} == {"flat_periodic", "line_periodic"}
    assert [each["step"] for each in report["validations"]] == [0, 1, 2]
    assert all(score["ratio"] > 0 and score["forecast"] for score in report["scores"])


def test_settings_are_laid_over_each_other(matey: Matey, place: Path) -> None:
    (place / "matey.toml").write_text('runs = "elsewhere"\npreset = "s"\n')
    line = ("pretrain", "--config", "settings.toml", "--steps", 9, "--history", 3)
    done = matey(*line, "--set", "steps=1", "--set", "model.depth=1", cwd=place)
    assert done.returncode == 0
    written = (place / "elsewhere/pretrain-001/config.toml").read_text()
    for expected in ("steps = 1\n", "history = 3\n", "width = 32\n", "depth = 1\n"):
        assert expected in written
    assert 'preset = "s"' in written


def read(kind: type[AnyConfig], given: Given, *assignments: str, **layers: Any) -> AnyConfig:
    return configure(kind, given, assignments=list(assignments), upgrade=upgraded, **layers)


def test_a_size_of_the_project_or_of_a_file_is_no_matter_of_time(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('minutes = 3.0\n[model]\nvariant = "unet"\n')
    free = read(PretrainConfig, {}, file=file)
    of_project = read(PretrainConfig, {}, file=file, defaults={"model.preset": "ti"})
    typed = read(PretrainConfig, {"model.preset": "ti"}, file=file)
    assigned = read(PretrainConfig, {}, "model.width=16", file=file)
    file.write_text('minutes = 3.0\nmodel = {variant = "unet", depth = 1}\n')
    of_file = read(PretrainConfig, {}, file=file)
    found = [free, of_project, typed, assigned, of_file]
    assert [may_be_chosen(config, config.model) for config in found] == [True, *[False] * 4]


@pytest.mark.parametrize(
    ("text", "given", "unused"),
    [
        ('model = {tokenizer = "x"}', {"model.variant": "fno"}, "model.tokenizer"),
        ("[model]\nheads = 3\nwidth = 2", {"model.variant": "fno"}, "model.heads"),
        ("model.width = 2", {"model.variant": "fno"}, ""),
        ('model = {variant = "matey", heads = 2}', {"model.heads": 4}, ""),
        ("[finetune]\nmode='lora'\nrank = 4", {"finetune.mode": "full"}, "finetune.rank"),
    ],
)
def test_what_another_part_lacks_is_said(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    given: dict[str, object],
    unused: str,
) -> None:
    file = tmp_path / "new.toml"
    file.write_text(text)
    read(FinetuneConfig if "finetune" in text else PretrainConfig, given, file=file)
    said = capsys.readouterr().err
    assert said.endswith(f"as another part was chosen: {unused}.\n") if unused else not said


def test_another_part_than_the_files_is_one_option(tmp_path: Path) -> None:
    found = read(PretrainConfig, {"model.variant": "fno"}, file=Path("laptop"))
    assert (found.model.variant, found.model.label[:2], found.steps) == ("fno", "ti", 1500)
    file = tmp_path / "new.toml"
    file.write_text('[objective]\nname = "pushforward"\nhorizon = 3\n')
    once = read(PretrainConfig, {"objective.name": "one_step"}, file=file)
    assert once.objective.model_dump() == {"name": "one_step"}
    assert (
        read(PretrainConfig, {}, "objective.name=one_step", file=file).objective == once.objective
    )


def test_the_strength_of_an_old_files_noise_stays_beside_augment(tmp_path: Path) -> None:
    file = tmp_path / "old.toml"
    file.write_text("noise = 0.1\nlearning_rate = 2e-3\n")
    found = read(PretrainConfig, {"augment": ("flip", "noise")}, file=file)
    assert [(part.part, part.strength) for part in found.augment] == [("flip", 1.0), ("noise", 0.1)]
    assert found.optimizer.learning_rate == 2e-3


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--set", "stepss=3"), "unknown setting 'stepss'; did you mean 'steps'?"),
        (("--set", "model.dept=3"), "unknown setting 'model.dept'; did you mean 'model.depth'?"),
        (("--set", "steps"), "not of the form key=value"),
        (("--data", "nowhere"), "There is no store in nowhere"),
        (("--scheme", "ful"), "--scheme takes axial, factorized or full, not 'ful'"),
        (("--loss", "mse"), "--loss takes change, nrmse or relative_mse, not 'mse'"),
        (("--name", "../out"), "cannot be the name of a run"),
        (("--resume",), "has no checkpoint to resume from"),
        (("--resume", "--steps", "3"), "has no checkpoint to resume from"),
        (("--nproc", "3"), "cannot be shared evenly by 3 processes"),
        (("--nproc", "2", "--accumulate", "8"), "2 processes in 8 micro-batches each"),
        (("--accumulate", "3"), "accumulate takes a divisor of batch_size"),
        (("--device", "cuda"), "PyTorch sees no CUDA device"),
    ],
)
def test_mistakes_are_one_message_and_leave_nothing(
    matey: Matey, place: Path, arguments: tuple[str, ...], expected: str
) -> None:
    import torch

    if "cuda" in arguments and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    done = matey("pretrain", *arguments, cwd=place)
    assert done.returncode == 2
    assert expected in done.stderr
    assert done.stdout == ""
    assert not (place / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--resume",), "has no checkpoint to resume from"),
        (("--resume", "--mode", "lora"), "has no checkpoint to resume from"),
        (("--mode", "lara"), "head_only, layerwise or lora, not 'lara'"),
        (("--mode", "full", "--freeze-attention"), "Give one of them"),
        (("--set", "finetune.rank=4"), "unknown setting 'finetune.rank'"),
    ],
)
def test_mistakes_in_fine_tuning_as_well(
    matey: Matey, place: Path, arguments: tuple[str, ...], expected: str
) -> None:
    done = matey("finetune", *arguments, cwd=place)
    assert done.returncode == 2
    assert expected in done.stderr
    assert not (place / "runs").exists()


def test_a_full_disk_is_a_failed_run_with_its_last_checkpoint(
    matey: Matey, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = _adapter.save_file

    def full(tensors: dict[str, Tensor], path: Path) -> None:
        if path.name == "state.safetensors" and "step-00000003" in path.parent.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(tensors, path)

    monkeypatch.setattr(_adapter, "save_file", full)
    line = ("pretrain", "--config", "settings.toml", "--steps", 5, "--set", "validate_every=1")
    done = matey(*line, cwd=place)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    checkpoints = place / "runs/pretrain-001/checkpoints"
    assert (checkpoints / "last").read_text() == "step-00000002\n"
    assert not list((place / "runs").rglob("*.partial"))

    monkeypatch.undo()
    done = matey("pretrain", "--resume", cwd=place)
    assert done.returncode == 0
    assert (checkpoints / "last").read_text() == "step-00000005\n"


STEPS = {"pretrain": "by --minutes", "finetune": FinetuneConfig().steps}


def test_help_names_every_option_with_its_default(matey: Matey, place: Path) -> None:
    for verb, options in {
        "pretrain": ("--preset", "--resume", "--nproc", "--set", "--config"),
        "finetune": ("--freeze-attention", "--n-samples", "--resume", "frozen_attention", "lora"),
    }.items():
        text = matey(verb, "--help", cwd=place).stdout
        for option in options:
            assert option in text
        text = " ".join(text.split())
        assert re.search(rf"Optimizer steps[^\[]*\[default: {STEPS[verb]}\]", text)


def test_minutes_take_the_place_of_steps(matey: Matey, place: Path) -> None:
    (place / "settings.toml").write_text(f"steps = 1\n{TOML}")
    line = ("pretrain", "--config", "settings.toml", "--device", "cpu")
    done = matey(*line, "--minutes", 0.03, cwd=place)
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"^0\.03 minutes: about \d+ steps? of [\d.]+ ms and \d+ validations? of [\d.e-]+ s, "
        r"until \d\d:\d\d\.$",
        done.stderr,
        re.MULTILINE,
    )
    assert "Size ti (" in done.stderr
    assert re.search(r"steps +about \d+", done.stdout)
    written = (place / "runs/pretrain-001/config.toml").read_text()
    assert "minutes = 0.03" in written
    assert "steps = " not in written

    for verb in ("pretrain", "finetune"):
        both = matey(verb, "--minutes", 1, "--steps", 2, cwd=place)
        assert both.returncode == 2
        assert "--minutes and --steps both set the length of the training" in both.stderr
    again = matey(*line, cwd=place)
    assert "minutes" not in again.stderr
    default = matey("pretrain", "--device", "cpu", "--data", "nowhere", cwd=place)
    assert default.stderr.startswith(
        "Neither --minutes nor --steps is given: training takes 10 minutes."
    )
    assert "steps = 1\n" in (place / "runs/pretrain-002/config.toml").read_text()


def test_the_help_says_how_large_the_presets_are(matey: Matey) -> None:
    shown = " ".join(matey("pretrain", "--help").stdout.split())
    listed = re.search(r"Those of pyramid have ([\d., ]+) and \d+ million parameters", shown)
    assert listed is not None
    sizes = [float(number) for number in listed[1].split(",")]
    for preset, millions in zip(("nano", "micro", "mini", "ti", "s"), sizes, strict=False):
        model = PyramidConfig(preset=preset).build(fields=("u", "v"), num_axes=(2,))
        count = sum(weight.numel() for weight in model.parameters())
        assert round(count / 1e6, 1) == millions
