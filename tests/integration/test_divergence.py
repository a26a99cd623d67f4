"""A training that diverges goes back; what is not finite is never kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from matey_core.batches import Prediction
from matey_core.errors import Interrupted, MateyWarning, RunError
from matey_core.models import Model
from matey_core.optimizers.adamw import AdamwConfig
from matey_core.progress import Progress
from matey_core.workflows.finetune import finetune
from matey_core.workflows.pretrain import pretrain, resume
from tests.training import events, finetune_config, pretrain_config


class Saboteur:
    """Makes the weights infinite before the model trains on a batch, at chosen steps."""

    def __init__(self, *steps: int) -> None:
        self.left = list(steps)
        self.step = 0

    def note(self, progress: Progress) -> None:
        self.step = progress.done

    def strike(self, module: nn.Module, inputs: object) -> None:
        is_time = self.left and self.step + 1 == self.left[0]
        if isinstance(module, Model) and module.training and is_time:
            self.left.pop(0)
            with torch.no_grad():
                next(module.parameters()).fill_(torch.inf)

    @contextmanager
    def at_work(self) -> Iterator[Callable[[Progress], None]]:
        hook = nn.modules.module.register_module_forward_pre_hook(self.strike)
        try:
            yield self.note
        finally:
            hook.remove()


def are_finite(run: Path) -> bool:
    files = list(run.rglob("*.safetensors"))
    assert files
    return all(
        bool(torch.isfinite(value).all()) for file in files for value in load_file(file).values()
    )


SETTINGS = {"steps": 12, "validate_every": 4, "objective": "one_step", "workers": 0}


def test_a_run_goes_back_with_half_the_rate(project: Path) -> None:
    whole = pretrain(pretrain_config(project, name="whole", **SETTINGS))
    with (
        Saboteur(6).at_work() as note,
        pytest.warns(MateyWarning, match="flow_periodic.* to step 4, with 0.5 of the learning"),
    ):
        report = pretrain(pretrain_config(project, name="back", **SETTINGS), note)
    assert report.steps == 12
    assert are_finite(report.run)
    (rollback,) = events(report.run, "rollback")
    assert (rollback["step"], rollback["factor"]) == (4, 0.5)
    straight, back = events(whole.run, "step"), events(report.run, "step")
    assert [row["step"] for row in back] == list(range(1, 13))
    assert back[:4] == straight[:4]
    for one, other in zip(back[4:], straight[4:], strict=True):
        assert one["learning_rate"] == 0.5 * other["learning_rate"]
    assert [each.step for each in report.validations] == [4, 8, 12]


def test_a_rollback_is_remembered_by_checkpoints(project: Path) -> None:
    saboteur = Saboteur(6)

    def stop(progress: Progress) -> None:
        saboteur.note(progress)
        if progress.done == 10 and not saboteur.left:
            raise KeyboardInterrupt

    with saboteur.at_work(), pytest.warns(MateyWarning), pytest.raises(Interrupted):
        pretrain(pretrain_config(project, name="cut", **SETTINGS), stop)
    rest = resume(project / "runs", "cut")
    assert rest.start.step == 8
    rates = [row["learning_rate"] for row in events(rest.run, "step")]
    whole = pretrain(pretrain_config(project, name="whole", **SETTINGS))
    expected = [row["learning_rate"] for row in events(whole.run, "step")]
    assert rates[8:] == [0.5 * rate for rate in expected[8:]]


@pytest.mark.filterwarnings("ignore::matey_core.errors.MateyWarning")
def test_after_two_rollbacks_the_run_ends_with_the_stores_name(project: Path) -> None:
    pretrain(pretrain_config(project, steps=2))
    config = finetune_config(
        project, name="hopeless", optimizer=AdamwConfig(learning_rate=1e300), steps=60
    )
    with pytest.raises(RunError, match="flow_periodic"):
        finetune(config)
    run = project / "runs/hopeless"
    assert [row["factor"] for row in events(run, "rollback")] == [0.5, 0.25]
    assert are_finite(run)  # 1e300 gave `last`, `best` and `model` 70 tensors of NaN
    assert (run / "checkpoints/best").read_text() == "step-00000000\n"


def test_without_a_checkpoint_there_is_no_way_back(project: Path) -> None:
    config = pretrain_config(
        project, name="lost", optimizer=AdamwConfig(learning_rate=1e300), steps=60
    )
    with pytest.raises(RunError, match="flow_periodic") as caught:
        pretrain(config.model_copy(update={"validate_every": 50}))
    assert "nothing was saved yet" in caught.value.remedy
    assert not (project / "runs/lost").exists()


def test_a_score_that_is_not_finite_is_never_best(project: Path) -> None:
    at = [0]

    def spoil(module: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Prediction) and not module.training and at[0] in (2, 6):
            output.values.fill_(torch.inf)

    def note(progress: Progress) -> None:
        at[0] = progress.done

    hook = nn.modules.module.register_module_forward_hook(spoil)
    try:
        report = pretrain(pretrain_config(project, steps=6, validate_every=2), note)
        assert [(each.best_step, each.step) for each in report.validations] == [
            (0, 2),
            (4, 4),
            (4, 6),
        ]
        assert report.best_step == 4
        config = pretrain_config(project, name="never", steps=2, validate_every=2)
        with pytest.warns(MateyWarning, match="No validation had finite errors"):
            never = pretrain(config, note)
    finally:
        hook.remove()
    assert never.scores == ()
    assert not (report.run / "checkpoints/step-00000002").exists()
    assert (never.model / "model.safetensors").exists()
