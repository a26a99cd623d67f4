"""Processes that share every sample have the predictions, losses and gradients of one."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from pydantic import ValidationError

from matey_cli.commands._training import spread
from matey_core.batches import FieldBatch
from matey_core.config import read_toml, validate
from matey_core.errors import ConfigError, Interrupted
from matey_core.kernels import KERNELS
from matey_core.models import Model, load_model
from matey_core.models.matey import MateyConfig
from matey_core.nn.self_attention import Route, SelfAttention
from matey_core.progress import Progress
from matey_core.sequence_group import SequenceGroup
from matey_core.tokenizers import TokenizerConfig
from matey_core.tokens import Segments, Shard
from matey_core.workflows.pretrain import PretrainConfig
from matey_core.workflows.pretrain import pretrain as train
from tests.formula import batch_of, spec_of
from tests.groups import in_group
from tests.support import tiny_store
from tests.training import TOML, events

pytestmark = pytest.mark.distributed
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
TOKENIZERS = {
    "uniform": {"name": "uniform", "patch": (4,)},
    "levels": {"patch": (8, 4, 2), "tokens": 42, "criterion": "learned"},
    "unequal": {"patch": (8, 4, 2), "gamma": 0.3, "keep_parents": True},
    "blocks": {"name": "adap_mul", "patch": (8, 4), "ratio": 0.4},
    "one block": {"name": "adap_mul", "patch": (8, 4), "ratio": 0.04},
}
Case = dict[str, Any]
FEW: list[Case] = [
    {"scheme": "full", "tokenizer": "unequal", "heads": 2, "drop_path": 0.5},
    {"scheme": "full", "tokenizer": "unequal", "heads": 3, "measure": True},
    {"scheme": "factorized", "tokenizer": "levels", "heads": 3, "drop_path": 0.5},
    {"scheme": "axial", "tokenizer": "blocks", "heads": 3},
    {"scheme": "full", "tokenizer": "one block", "heads": 3},
]
ALL: list[Case] = [
    {"scheme": scheme, "tokenizer": tokenizer, "heads": heads, "drop_path": 0.3}
    for scheme in ("full", "factorized", "axial")
    for tokenizer in TOKENIZERS
    for heads in ((4, 5) if tokenizer == "unequal" else (4,))
    if scheme != "axial" or tokenizer in ("uniform", "blocks", "one block")
]


def model_of(case: Case) -> Model:
    torch.manual_seed(0)
    tokenizer = TokenizerConfig(**TOKENIZERS[case["tokenizer"]])
    config = MateyConfig(
        width=8 * case["heads"] + 8 * case["heads"] % 4,
        depth=2,
        layer_scale=0.5,
        **{**case, "tokenizer": tokenizer},
    )
    return config.build(fields=("density", "velocity_x"), num_axes=(2,)).train()


def batch() -> FieldBatch:
    """Samples that differ in how much detail they have."""
    made = batch_of(spec_of((16, 40)))
    made.history[1] += torch.randn(made.history[1].shape, generator=torch.manual_seed(1))
    return made


def outcome(model: Model, values: FieldBatch) -> tuple[torch.Tensor, float, torch.Tensor]:
    """Prediction, loss, and the gradient of all weights in one vector."""
    model.zero_grad()
    torch.manual_seed(5)
    predicted = model(values)
    prediction = predicted.values
    loss = (prediction - values.targets).square().mean()
    if predicted.side_loss is not None:
        loss = loss + 100 * predicted.side_loss
    loss.backward()
    gradients = (
        torch.zeros_like(weight) if weight.grad is None else weight.grad
        for weight in model.parameters()
    )
    return prediction.detach(), loss.item(), torch.cat([g.flatten() for g in gradients])


def compare(group: SequenceGroup, cases: list[Case]) -> list[tuple[float, float, float]]:
    """Largest relative difference of predictions, losses and gradients, for each case."""
    found = []
    for case in cases:
        model = model_of(case)
        values = batch()
        alone = outcome(model, values)
        model.share_samples(group)
        shared = outcome(model, values)
        dist.all_reduce(shared[2])
        found.append(tuple(_distance(a, b) for a, b in zip(shared, alone, strict=True)))
        model.eval()
        with torch.inference_mode():
            assert model(values).values.shape == alone[0].shape
    return found


def attend(group: SequenceGroup) -> list[float]:
    """The same of an attention layer in float64, over unequal sequences, along four routes."""
    torch.manual_seed(0)
    lengths, t, found = (9, 4, 13, 9), 3, []
    n = sum(lengths)
    owner = torch.arange(n) % group.size
    sample = torch.repeat_interleave(torch.tensor(lengths))
    by_rank = owner.argsort(stable=True)
    mine = by_rank[owner[by_rank] == group.rank]
    parts = tuple(
        Segments(tuple(torch.bincount(sample[owner == rank], minlength=4).tolist()))
        for rank in range(group.size)
    )
    shard = Shard(group=group, parts=parts, by_rank=by_rank, positions=by_rank.argsort())
    segments, grid = Segments(lengths), Segments.same(n * t // 5, 5)
    for heads in (4, 3):
        layer = SelfAttention(24, heads, KERNELS["math"]).double()
        x = torch.randn(n, t, 24, dtype=torch.float64)
        for order, cut, shape in (
            ((0, 1), segments.stretched(t), (n, t)),
            ((1, 0), segments.repeated(t), (n, t)),
            ((0, 2, 1), grid, (n // 5, 5, t)),
        ):
            if len(order) > 2 and heads < group.size:
                continue
            route = Route(shape=shape, order=order, segments=cut)
            rows = x.clone().requires_grad_()
            expected = layer(rows, [route])
            towards = torch.sin(torch.arange(expected.numel()).double()).view_as(expected)
            weights = [rows, *layer.parameters()]
            wanted = torch.autograd.grad(expected, weights, towards)
            own = x[mine].requires_grad_()
            result = layer(own, [replace(route, shard=shard)])
            weights = [own, *layer.parameters()]
            slopes = list(torch.autograd.grad(result, weights, towards[mine]))
            for slope in slopes[1:]:
                dist.all_reduce(slope)
            pairs = zip(
                [result, *slopes], [expected[mine], wanted[0][mine], *wanted[1:]], strict=True
            )
            # The bias of the keys' norm has no effect, and no gradient but rounding.
            found += [_distance(a, b) for a, b in pairs if b.abs().max() > 1e-12]
    return found


def _distance(found: Any, expected: Any) -> float:
    found, expected = torch.as_tensor(found), torch.as_tensor(expected)
    return float(((found - expected).abs().max() / expected.abs().max()).detach())


def work(
    group: SequenceGroup, cases: list[Case]
) -> tuple[list[tuple[float, float, float]], list[float]]:
    """All that one start of the processes serves for."""
    return compare(group, cases), attend(group)


def check(size: int, cases: list[Case]) -> None:
    for models, attention in in_group(work, size, cases):
        for case, differences in zip(cases, models, strict=True):
            assert max(differences) < 1e-5, (case, differences)
        assert max(attention) < 1e-10


@pytest.mark.slow
def test_two_processes_equal_one() -> None:
    check(2, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 4])
def test_all_schemes_and_tokenizers(size: int) -> None:
    check(size, ALL)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one process, with three heads and dropped branches."""
    folder = tmp_path_factory.mktemp("project")
    tiny_store(folder / "data", name="flow_periodic")
    tiny_store(folder / "data", name="line_periodic", shape=(16,), fields=("pressure",))
    heads = "heads = 3\ndrop_path = 0.3"
    text = TOML.replace("width = 32", 'variant = "matey"\nwidth = 24').replace("heads = 2", heads)
    text += '[optimizer]\nname = "adamw"\n'  # Muon makes more of rounding, in bfloat16
    (folder / "settings.toml").write_text(text)
    train(settings(folder, "one"))
    return folder


def settings(folder: Path, name: str) -> PretrainConfig:
    values = read_toml(folder / "settings.toml") | {"data": str(folder / "data")}
    values |= {"steps": 4, "runs": str(folder / "runs"), "name": name}
    return validate(PretrainConfig, values, source="test")


def pretrain(folder: Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "matey_cli", "pretrain", "--config", "settings.toml"]
    command += ["--quiet", "--steps", "4", "--name", name, *arguments]
    return subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)


def same_run(folder: Path, name: str) -> None:
    """Losses, scores and weights of a run are those of one process."""
    one, other = folder / "runs/one", folder / "runs" / name
    for kind, keys in (("step", ("store", "loss", "gradient_norm")), ("validation", ("score",))):
        expected, found = events(one, kind), events(other, kind)
        for key in keys:
            rows = [row[key] for row in expected]
            assert [row[key] for row in found] == (
                rows if key == "store" else pytest.approx(rows, rel=1e-4)
            )
    weights = dict(load_model(one / "model").named_parameters())
    for name, value in load_model(other / "model").named_parameters():
        torch.testing.assert_close(value, weights[name], rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_training_in_two_processes_equals_one(project: Path) -> None:
    done = pretrain(project, "two", "--nproc", "2", "--sequence-parallel", "2")
    assert (done.returncode, done.stderr) == (0, "")
    same_run(project, "two")


@pytest.mark.slow
def test_two_groups_of_two_processes_equal_two_processes(project: Path) -> None:
    # Branches are dropped by draws of each part of a batch: the same two parts.
    assert pretrain(project, "parts", "--nproc", "2").returncode == 0
    done = pretrain(project, "four", "--nproc", "4", "--sequence-parallel", "2")
    assert (done.returncode, done.stderr) == (0, "")
    parts, four = (
        [row["loss"] for row in events(project / "runs" / run, "step")] for run in ("parts", "four")
    )
    assert four == pytest.approx(parts, rel=1e-4)


@pytest.mark.slow
def test_a_run_goes_on_with_another_number(project: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        train(settings(project, "cut"), stop)
    command = [sys.executable, "-m", "matey_cli", "pretrain", "--resume", "--name", "cut"]
    command += ["--sequence-parallel", "2", "--quiet"]
    subprocess.run(command, cwd=project, env=ENVIRONMENT, check=True)
    same_run(project, "cut")


@pytest.mark.parametrize(
    ("count", "batch_size", "expected"),
    [
        (3, 4, "3 processes cannot be divided into such groups"),
        (1, 4, "1 process cannot be divided into such groups"),
        (6, 4, "A batch of 4 cannot be shared evenly by 3 groups of 2 processes"),
    ],
)
def test_what_cannot_be_divided_is_refused(count: int, batch_size: int, expected: str) -> None:
    config = PretrainConfig(batch_size=batch_size, sequence_parallel=2)
    with pytest.raises(ConfigError, match=expected):
        spread(count, config)


def test_a_budget_of_seconds_is_refused() -> None:
    with pytest.raises(ValidationError, match="in one process that has whole samples"):
        PretrainConfig(seconds=1.0, sequence_parallel=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--set", "model.variant=paper"), "The paper variant cannot share a sample"),
        (("--set", "compile=true"), "cannot be compiled"),
        (("--set", "model.tokenizer={name='uniform', patch=[16]}"), "share a sample of 1 token"),
    ],
)
def test_what_cannot_be_shared_is_refused(
    project: Path, arguments: tuple[str, ...], expected: str
) -> None:
    done = pretrain(project, "refused", "--sequence-parallel", "2", *arguments)
    assert done.returncode == 2
    assert expected in " ".join(done.stderr.split())
    assert not (project / "runs/refused").exists()
