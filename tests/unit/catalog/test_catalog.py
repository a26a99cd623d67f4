"""Runs as their folders tell: listed, described, compared."""

import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from matey_core.catalog import compare_runs, find_run, list_runs, read_model, read_run
from matey_core.catalog.comparing import IDLE_WITHOUT_TOKENS
from matey_core.errors import CheckpointError, ConfigError, MateyWarning
from matey_core.models import MODELS, load_model
from matey_core.models.pyramid import PyramidConfig
from matey_core.models.unet import UnetConfig
from matey_core.runs.folder import RunFolder
from matey_core.runs.scores import FieldScore, StoreScore, overall
from tests.support import tiny_store
from tests.unit.workflows.runs import tiny_run

WITHOUT_TORCH = """
import sys
from pathlib import Path
from matey_core.catalog import compare_runs, list_runs
from matey_core.workflows.data_inspect import inspect_data
runs = Path(sys.argv[1])
report = compare_runs([run.name for run in list_runs(runs).runs], runs=runs)
print(len(report.runs), *(row.setting for row in report.settings), "torch" in sys.modules)
"""


def validated(run: RunFolder, step: int, ratio: float) -> StoreScore:
    """Write a validation with one ratio into the journal of a run."""
    score = StoreScore(
        store="tiny_periodic",
        lead_steps=1,
        error=0.1 * ratio,
        persistence=0.2,
        forecast="linear",
        forecast_error=0.1,
        ratio=ratio,
        fields=(
            FieldScore(
                field="density", error=0.1, forecast="linear", forecast_error=0.1, ratio=ratio
            ),
        ),
    )
    run.journal().write("validation", step=step, score=overall([score]), scores=[asdict(score)])
    return score


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    store = tiny_store(tmp_path, samples=6)
    first = tiny_run(tmp_path, store)
    for step, ratio in ((5, 4.0), (10, 0.5), (15, 2.0)):
        validated(first, step, ratio)
    second = tiny_run(tmp_path, store, schedule={"warmup": 0.25}, seed=7)
    validated(second, 5, 3.0)
    return tmp_path / "runs"


def test_runs_are_listed_the_newest_first_with_their_best_scores(runs: Path) -> None:
    report = list_runs(runs)
    assert [run.name for run in report.runs] == ["pretrain-002", "pretrain-001"]
    old = report.runs[1]
    assert (old.score, old.best_step, old.steps) == (pytest.approx(0.5), 10, 15)
    assert [step for step, _ in old.curve] == [5, 10, 15]
    assert [score.ratio for score in old.scores] == [0.5]
    assert old.rollout_ratio is None
    assert (old.kind, old.history) == ("pretrain", 3)
    assert old.stores[0].boundary == ("periodic", "periodic")
    total = sum(path.stat().st_size for path in old.path.rglob("*") if path.is_file())
    assert old.num_bytes == total


@pytest.mark.parametrize(
    ("unit", "words"),
    [("1", "0.05, no unit"), ("", "0.05, no unit"), ("h", "0.05 h"), (None, "0.05")],
)
def test_a_time_step_without_a_unit_says_so(runs: Path, unit: str | None, words: str) -> None:
    (store,) = read_run(runs / "pretrain-001").stores
    assert store.time_unit == ""
    assert replace(store, time_unit=unit).time_step_in_words == words


def test_a_damaged_run_is_named_and_hides_no_other(runs: Path) -> None:
    (runs / "pretrain-001/data.json").write_text("{")
    report = list_runs(runs)
    assert [run.name for run in report.runs] == ["pretrain-002"]
    assert "data.json cannot be read" in report.damaged["pretrain-001"]
    with pytest.raises(CheckpointError, match="has no run"):
        list_runs(runs / "nowhere")


def test_a_model_is_described_by_its_files(runs: Path) -> None:
    folder = runs / "pretrain-001/model"
    record = read_model(folder)
    model = load_model(folder)
    assert record.parameters == sum(values.numel() for values in model.state_dict().values())
    assert (record.variant, record.fields) == ("matey", ("density", "velocity_x"))
    assert (record.num_axes, record.base) == ((2,), None)
    (folder / "model.json").write_text("[]")
    with pytest.raises(CheckpointError, match="cannot be read as a model"):
        read_model(folder)


def test_runs_are_compared_by_what_differs(runs: Path) -> None:
    (runs / "pretrain-002/scores.json").write_text(
        '{"stores": [{"store": "tiny_periodic", "summary": {"known": 9, "good": 2, '
        '"forecast": "linear", "ratio": 1.5}}]}'
    )
    report = compare_runs(["pretrain-001", runs / "pretrain-002"], runs=runs)
    settings = {row.setting: row.values for row in report.settings}
    assert settings.keys() == {"schedule.warmup", "seed"}
    assert settings["seed"][1] == 7
    assert settings["schedule.warmup"][1] == 0.25
    scores = {row.what: row.values for row in report.scores}
    assert scores == {"lead 1": (0.5, 3.0), "rollout, 9 frames": (None, 1.5)}
    assert report.runs[1].rollout_ratio == pytest.approx(1.5)


def test_listing_and_comparing_import_no_torch(runs: Path) -> None:
    words = [sys.executable, "-c", WITHOUT_TORCH, str(runs)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "seed", "schedule.warmup", "False"]


def test_settings_of_tokens_are_left_out_where_a_model_has_none(tmp_path: Path) -> None:
    store = tiny_store(tmp_path, samples=6)
    bare = PyramidConfig.tiny().model_copy(update={"depth": 0})
    tiny_run(tmp_path, store, settings=bare)
    tiny_run(tmp_path, store, settings=UnetConfig.tiny())
    report = compare_runs(["pretrain-001", "pretrain-002"], runs=tmp_path / "runs")
    settings = {row.setting for row in report.settings}
    assert settings >= {"model.variant", "model.waves", "model.levels"}
    assert not [name for name in settings if "tokenizer" in name or name == "model.scheme"]


def test_what_cannot_be_compared_is_told(runs: Path) -> None:
    with pytest.raises(ConfigError, match="1 run is named, expected two or more"):
        compare_runs(["pretrain-001"], runs=runs)
    with pytest.raises(CheckpointError, match="nothing is no run"):
        compare_runs(["pretrain-001", "nothing"], runs=runs)
    (runs / "pretrain-001/scores.json").write_text('{"stores": 3}')
    with pytest.raises(CheckpointError, match=r"scores\.json is damaged"):
        read_run(runs / "pretrain-001")


def test_a_run_is_found_by_name_or_path(runs: Path) -> None:
    assert find_run("pretrain-001", runs=runs) == runs / "pretrain-001"
    assert find_run(runs / "pretrain-002", runs=Path("x")) == runs / "pretrain-002"
    assert find_run("pretrain-003", runs=runs) is None


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("scores.json", '{"stores": [{"store": "a", "summary": {"known": 9, "ratio": "x"}}]}'),
        ("scores.json", '{"stores": [{"store": "a", "summary": [1]}]}'),
        ("scores.json", "[" * 100_000),
        ("journal.jsonl", '{"event": "validation", "step": 1, "scores": [{"ratio": 1}]}\n' * 2),
        ("journal.jsonl", '{"event": "validation", "step": 1, "scores": 4}\n' * 2),
        ("model/model.json", '{"fields": 3, "num_axes": [2], "config": {}}'),
        ("model/model.json", '{"fields": ["u"], "num_axes": [2], "config": 3}'),
        ("data.json", '{"stores": [{"name": 1}]}'),
    ],
)
def test_whatever_a_file_holds_its_run_is_named(runs: Path, file: str, content: str) -> None:
    (runs / "pretrain-001" / file).write_text(content)
    report = list_runs(runs)
    assert [run.name for run in report.runs] == ["pretrain-002"]
    assert list(report.damaged) == ["pretrain-001"]


def test_a_run_without_the_record_of_its_making_is_listed_last(runs: Path) -> None:
    (runs / "pretrain-002/versions.json").write_text("3")
    with pytest.warns(MateyWarning, match="Nothing is known of when and with what pretrain-002"):
        report = list_runs(runs)
    assert [run.name for run in report.runs] == ["pretrain-001", "pretrain-002"]
    assert report.damaged == {}


def test_settings_that_are_left_out_without_tokens_exist() -> None:
    assert set(IDLE_WITHOUT_TOKENS) <= set(MODELS["pyramid"].model_fields)
