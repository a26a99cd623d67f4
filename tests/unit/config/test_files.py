"""The settings files of the repository, and what is said of wrong ones."""

import os
from pathlib import Path

import pytest

from matey_core.config import (
    read_toml,
    settings_file,
    shipped_settings,
    validate,
    with_settings,
    write_toml,
)
from matey_core.errors import ConfigError
from matey_core.models.matey import MateyConfig
from matey_core.workflows.pretrain import PretrainConfig


@pytest.mark.parametrize("name", shipped_settings())
def test_every_settings_file_is_valid_and_buildable(name: str) -> None:
    config = validate(PretrainConfig, read_toml(shipped_settings()[name]), source=name)
    small = config.model.model_copy(update={"width": 24, "heads": 2, "depth": 1})
    assert small.build(fields=("u",), num_axes=(2,)).fields == ("u",)


def test_the_published_model_is_trained_without_what_came_later() -> None:
    config = validate(PretrainConfig, read_toml(shipped_settings()["paper"]), source="paper")
    parts = (config.loss, config.objective, config.optimizer)
    assert [part.part for part in parts] == ["relative_mse", "one_step", "adamw"]
    assert (config.augment, config.optimizer.learning_rate) == ((), 1e-3)


def test_files_that_come_with_matey_are_known_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert set(shipped_settings()) >= {"laptop", "paper"}
    assert settings_file(Path("paper")) == settings_file(Path("paper.toml"))
    assert read_toml(settings_file(Path("paper")))["model"]["variant"] == "paper"
    (tmp_path / "paper.toml").write_text("steps = 3")
    assert settings_file(Path("paper.toml")) == Path("paper.toml")
    for wrong in ("papers", "elsewhere/paper"):
        with pytest.raises(ConfigError, match=f"no settings file {wrong}") as caught:
            settings_file(Path(wrong))
        assert "laptop, paper" in caught.value.remedy


def test_settings_survive_being_written_and_read(tmp_path: Path) -> None:
    config = PretrainConfig(steps=7, model=MateyConfig(depth=3, layer_scale=0.125))
    write_toml(config, tmp_path / "config.toml")
    assert validate(PretrainConfig, read_toml(tmp_path / "config.toml"), source="") == config


def test_all_mistakes_are_named_at_once_with_the_nearest_name() -> None:
    values = {"stepz": 3, "model": {"depth": "deep", "tokenizer": {"patches": [8]}}}
    with pytest.raises(ConfigError) as caught:
        validate(PretrainConfig, values, source="matey.toml")
    text = str(caught.value)
    assert "unknown setting 'stepz'; did you mean 'steps'?" in text
    assert 'model.depth: input should be a valid integer, found "deep"' in text
    assert (
        "unknown setting 'model.tokenizer.patches'; did you mean 'model.tokenizer.patch'?" in text
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"steps": 3, "minutes": 1.0}, "file: give one of minutes and steps, not both."),
        (
            {"model": {"tokenizer": {"gamma": 0.3, "ratio": 0.5}}},
            "file: model.tokenizer: give one of gamma, ratio and tokens, not gamma and ratio.",
        ),
    ],
)
def test_a_check_of_several_settings_does_not_repeat_them_all(
    values: dict[str, object], expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        validate(PretrainConfig, values, source="file")
    assert str(caught.value) == expected
    assert "matey config --explain" in caught.value.remedy


def test_set_reads_values_as_toml_and_names_as_strings() -> None:
    merged = with_settings(
        {"model": {"depth": 2}},
        ["model.depth=8", "model.scheme=axial", "model.tokenizer.patch=[16, 4]", "noise=0.5"],
    )
    assert merged == {
        "model": {"depth": 8, "scheme": "axial", "tokenizer": {"patch": [16, 4]}},
        "noise": 0.5,
    }
    with pytest.raises(ConfigError, match="not of the form key=value"):
        with_settings({}, ["model.depth"])
    with pytest.raises(ConfigError, match="'depth' is a value, not a section"):
        with_settings({"model": {"depth": 2}}, ["model.depth.more=1"])


def test_budgets_exclude_each_other_and_patches_go_from_coarse_to_fine() -> None:
    for tokenizer, said in (
        ({"gamma": 0.1, "tokens": 64}, "give one of gamma, ratio and tokens"),
        ({"patch": [8, 16]}, "from coarse to fine"),
        ({"name": "adap_mix", "patch": [8]}, "needs a coarse and a fine patch"),
        ({"ratio": 1.5}, "budget.ratio: input should be less than or equal to 1"),
    ):
        with pytest.raises(ConfigError, match=said):
            validate(MateyConfig, {"tokenizer": tokenizer}, source="model.json")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["pipe", "zero"])
def test_settings_are_read_from_files_only(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.toml"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match=r"a\.toml is a pipe or a device"):
        read_toml(path)


def test_the_byte_order_mark_of_windows_is_no_setting(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfsteps = 3\n")
    assert read_toml(tmp_path / "a.toml") == {"steps": 3}


@pytest.mark.parametrize("value", [{"x": 1}, [1], 1, True, None])
def test_a_place_is_a_text(value: object) -> None:
    with pytest.raises(ConfigError, match=r"data: should be a path or a URL"):
        validate(PretrainConfig, {"data": value}, source="matey.toml")


@pytest.mark.parametrize(
    "line", [r'runs = "a\u0000b"', r"[model]" + "\n" + r'"x\u0000" = 1', r'a = ["\u0000"]']
)
def test_a_text_with_a_null_character_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "matey.toml"
    path.write_text(line)
    with pytest.raises(ConfigError, match="has a null character"):
        read_toml(path)


@pytest.mark.parametrize(
    "line", [".".join("a" * 3000) + " = 1", "a = " + "[" * 99 + "]" * 99, "[" + "a." * 99 + "a]"]
)
def test_tables_that_lie_deep_in_each_other_are_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "matey.toml"
    path.write_text(line)
    with pytest.raises(ConfigError, match="more than 32 deep"):
        read_toml(path)
    with pytest.raises(ConfigError, match="more than 32 deep"):
        with_settings({}, [f"model={{{line}}}" if "=" in line else f"a={'[' * 40 + ']' * 40}"])


def test_a_null_character_is_refused_on_the_command_line() -> None:
    with pytest.raises(ConfigError, match=r"--set .* has a null character"):
        with_settings({}, [r'name="\u0000"'])
