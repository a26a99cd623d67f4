"""What a fine-tuning starts from is scored as well, and kept where no step is better."""

from pathlib import Path

import pytest
import torch

from matey_core.errors import Interrupted
from matey_core.models import load_model
from matey_core.optimizers.adamw import AdamwConfig
from matey_core.progress import Progress
from matey_core.runs.scores import Validation
from matey_core.workflows.finetune import finetune, resume
from matey_core.workflows.pretrain import pretrain
from tests.support import tiny_store
from tests.training import events, finetune_config, pretrain_config


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    tiny_store(folder / "data", name="flow_periodic", frames=6)
    pretrain(pretrain_config(folder, steps=40, optimizer=AdamwConfig(learning_rate=0.003)))
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(load_model(folder).state_dict())


def check_equal(one: Path, other: Path) -> None:
    expected, found = weights(one), weights(other)
    assert expected.keys() == found.keys()
    assert all(torch.equal(value, found[name]) for name, value in expected.items())


HARMFUL = AdamwConfig(learning_rate=3.0)


@pytest.mark.parametrize(
    "mode", ["full", {"mode": "lora", "rank": 2, "save": "adapter"}], ids=["full", "adapter"]
)
def test_the_initial_weights_are_kept_if_no_step_is_better(
    project: Path, mode: object, request: pytest.FixtureRequest
) -> None:
    heard: list[Validation] = []
    config = finetune_config(
        project,
        name=request.node.callspec.id,
        finetune=mode,
        steps=4,
        validate_every=2,
        optimizer=HARMFUL,
    )
    report = finetune(config, on_validation=heard.append)
    assert [each.step for each in heard] == [0, 2, 4]
    assert tuple(heard) == report.validations
    assert all(each.best_step == 0 for each in heard)
    assert heard[1].score > heard[0].score == heard[2].best_score
    assert report.best_step == 0
    rows = events(report.run, "validation")
    assert [row["score"] for row in rows] == [each.score for each in heard]
    assert [score.ratio for score in report.scores] == [
        values["ratio"] for values in rows[0]["scores"]
    ]
    check_equal(project / "runs/pretrain-001/model", report.model)


def test_no_step_teaches_the_names_of_new_fields_alone(project: Path) -> None:
    place = tiny_store(project / "other", name="gas_periodic", fields=("pressure",), frames=6)
    config = finetune_config(project, data=place, name="zero", steps=0, precision="auto")
    assert config.targets(1, 0) == (1,)  # of the batch that the precision is measured on
    report = finetune(config)
    assert ([each.step for each in report.validations], report.best_step) == ([0], 0)
    before, after = weights(project / "runs/pretrain-001/model"), weights(report.model)
    assert "pressure" in load_model(report.model).fields
    grown = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert grown == {"table.enter", "table.leave", "table.bias"}


def test_a_run_stopped_before_its_first_validation_goes_on_from_the_start(project: Path) -> None:
    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    settings = {"steps": 4, "validate_every": 2, "optimizer": AdamwConfig(learning_rate=0.01)}
    whole = finetune(finetune_config(project, name="whole", **settings))
    with pytest.raises(Interrupted, match="step-00000000 is kept"):
        finetune(finetune_config(project, name="cut", **settings), stop)
    rest = resume(project / "runs", "cut")
    assert rest.validations == whole.validations
    assert (rest.best_step, rest.scores) == (whole.best_step, whole.scores)
    assert events(rest.run, "step") == events(whole.run, "step")
    check_equal(whole.model, rest.model)


def test_new_weights_are_not_worth_a_score(project: Path) -> None:
    config = finetune_config(project, name="scratch", from_scratch=True, steps=2, validate_every=2)
    assert [each.step for each in finetune(config).validations] == [2]
