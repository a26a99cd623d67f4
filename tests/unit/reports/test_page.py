"""The page of a run: complete, self-contained, and safe whatever the run's files say."""

import json
import math
import shutil
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from matey_core.errors import CheckpointError
from matey_core.models import save_model
from matey_core.reports import write_report
from matey_core.reports.png import encoded
from matey_core.runs.creation import create_run
from matey_core.runs.folder import record_of
from matey_core.runs.scores import StoreScore
from matey_core.store import open_store
from tests.support import tiny_store
from tests.training import pretrain_config, tiny_model

EVIL = "<script>alert('x')</script>\"><img src=//evil.example onerror=alert(1)>"


class Seen(HTMLParser):
    """Tags, their attributes, and all text outside of styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(key, value or "") for key, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"]:
            self.text += data


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run as training leaves it: two stores, a model with tokens, scores."""
    folder = tmp_path_factory.mktemp("project")
    stores = [
        open_store(tiny_store(folder / "data", name="flow_periodic")),
        open_store(tiny_store(folder / "data", name="line_periodic", shape=(64,))),
    ]
    run = create_run(folder / "runs", pretrain_config(folder), kind="pretrain", name="one")
    run.record_stores([record_of(store, store.samples("train")) for store in stores])
    run.model.mkdir()
    model = tiny_model().build(fields=["density", "velocity_x"], num_axes=[1, 2])
    save_model(model, run.model)
    journal = run.journal()
    journal.write("start", step=0, precision="float32")
    for step in range(1, 901):
        journal.write(
            "step",
            step=step,
            store=stores[step % 2].name,
            loss=1 / step,
            learning_rate=1e-3,
            is_skipped=step == 7,
            seconds=0.5,
            waiting_seconds=0.05,
            samples=4,
            tokens=80,
            memory=123_000_000,
        )
    score = StoreScore(
        store="flow_periodic",
        lead_steps=2,
        error=0.25,
        persistence=0.5,
        forecast="local_linear",
        forecast_error=0.4,
        ratio=0.625,
    )
    journal.write("validation", step=900, score=0.625, scores=[asdict(score)])
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made / "runs", tmp_path / "runs")
    return tmp_path / "runs" / "one"


def lead(number: int, error: float) -> dict[str, object]:
    return {"lead": number, "mean": {"nrmse": error, "persistence_nrmse": 2 * error}}


def rolled_out(run: Path, store: str) -> None:
    """Leave in a run what a rollout leaves."""
    summary = {"known": 2, "good": 1, "forecast": "persistence", "ratio": 0.5, "nrmse": {}}
    rows = [lead(1, 0.1), lead(2, 0.2)]
    document = {"stores": [{"store": store, "summary": summary, "rollout": rows}]}
    (run / "scores.json").write_text(json.dumps(document), encoding="utf-8")
    (run / "rollout").mkdir(exist_ok=True)


def test_the_page_has_all_that_the_run_says(run: Path) -> None:
    path = write_report(run)
    assert path == run / "report.html"
    page = path.read_text(encoding="utf-8")
    assert page.count('<th class="text">best forecast</th>') == 1
    seen = Seen(page)
    for heading in ("Scores", "Loss", "Validation", "Refinement", "Data", "Settings", "Versions"):
        assert heading in seen.text
    assert "Rollout" not in seen.text
    record = json.loads((run / "data.json").read_text())["stores"][0]
    assert record["fingerprint"] in seen.text
    for figure in ("0.625", "0.250", "local linear", "7 min 30 s", "10.0%", "8.0 samples"):
        assert figure in seen.text
    for figure in ("160 tokens a second", "123.0 MB", "1 skipped", "optimizer.learning_rate"):
        assert figure in seen.text
    assert seen.tags.count("polygon") == 2  # bands of two long loss curves
    assert seen.tags.count("image") == 2  # a map of each store
    assert "flow_periodic" in seen.text
    assert "10 tokens" in seen.text  # half of 4 coarse cells become 4 fine ones each


def test_what_is_not_finite_adds_nothing(run: Path) -> None:
    row = {"event": "step", "step": 901, "store": "flow_periodic", "loss": 1.0}
    odd = dict.fromkeys(("seconds", "waiting_seconds", "samples", "tokens", "memory"), math.inf)
    with (run / "journal.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row | odd) + "\n")
    page = Seen(write_report(run).read_text(encoding="utf-8"))
    assert "7 min 30 s" in page.text
    assert "123.0 MB" in page.text


def test_the_page_needs_nothing_and_runs_nothing(run: Path) -> None:
    rolled_out(run, "flow_periodic")
    (run / "rollout/flow_periodic.png").write_bytes(encoded(np.zeros((2, 3, 3), dtype=np.uint8)))
    seen = Seen(write_report(run).read_text(encoding="utf-8"))
    assert not {"script", "link", "iframe", "object"} & set(seen.tags)
    sources = [value for key, value in seen.attributes if key in ("src", "href")]
    assert len(sources) == 3
    assert all(value.startswith("data:image/png;base64,") for value in sources)
    contents = [value for key, value in seen.attributes if key == "content"]
    assert any(value.startswith("default-src 'none'") for value in contents)


def test_texts_of_the_run_are_only_texts(run: Path) -> None:
    journal = run / "journal.jsonl"
    journal.write_text(journal.read_text().replace("line_periodic", json.dumps(EVIL)[1:-1]))
    with journal.open("a") as file:
        row = {"event": "rollback", "step": 1, "reason": f"{EVIL}\u202e\x1b[2J"}
        file.write(json.dumps(row) + "\n")
    versions = json.loads((run / "versions.json").read_text())
    (run / "versions.json").write_text(
        json.dumps({**versions, "command": EVIL, "device": EVIL, EVIL: EVIL, "kind": EVIL})
    )
    config = run / "config.toml"
    config.write_text(f"{json.dumps(EVIL)} = {json.dumps(EVIL)}\n{config.read_text()}")
    record = json.loads((run / "data.json").read_text())
    record["stores"][0].update(path=EVIL, fields=[EVIL], units=[EVIL], axes=[EVIL])
    (run / "data.json").write_text(json.dumps(record))
    rolled_out(run, EVIL)
    text = write_report(run).read_text(encoding="utf-8")
    seen = Seen(text)
    assert not {"script", "img"} & set(seen.tags)
    assert not [key for key, _ in seen.attributes if key.startswith("on")]
    assert seen.text.count("<script>alert('x')</script>") >= 8
    assert "\u202e" not in text
    assert "\x1b" not in text


def test_only_pictures_of_the_rollout_are_shown(run: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(encoded(np.zeros((2, 3, 3), dtype=np.uint8)))
    rolled_out(run, "../../../secret")
    (run / "rollout" / "flow_periodic.png").symlink_to(secret)
    assert "img" not in Seen(write_report(run).read_text()).tags
    rolled_out(run, "flow_periodic")
    seen = Seen(write_report(run).read_text())
    assert "img" not in seen.tags
    assert "nRMSE, mean over fields" in seen.text  # curves stand in its place
    (run / "rollout" / "flow_periodic.png").unlink()
    (run / "rollout" / "flow_periodic.png").write_bytes(b"<svg onload=alert(1)>")
    assert "img" not in Seen(write_report(run).read_text()).tags


def test_a_run_without_a_step_has_a_page(made: Path, tmp_path: Path) -> None:
    run = create_run(tmp_path, pretrain_config(tmp_path), kind="pretrain", name="new")
    run.record_stores([])
    seen = Seen(write_report(run.path, to=tmp_path / "page.html").read_text())
    assert "Settings" in seen.text
    assert "Loss" not in seen.text
    assert not (run.path / "report.html").exists()


def test_a_damaged_journal_is_named(run: Path) -> None:
    with (run / "journal.jsonl").open("a") as file:
        file.write('{"event": "step", "step": 1}\n')
    with pytest.raises(CheckpointError, match=r"journal\.jsonl is damaged: KeyError"):
        write_report(run)
