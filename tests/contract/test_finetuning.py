"""What holds for whatever may change while fine-tuning, from the first step to the next command."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils import parametrize

from matey_core.errors import ConfigError
from matey_core.finetuning import FINETUNING, FinetuneModeConfig, count_parameters, train_parts
from matey_core.models import MODELS, Model, load_model
from matey_core.optimizers.adamw import AdamwConfig
from matey_core.workflows.finetune import finetune
from matey_core.workflows.pretrain import pretrain
from matey_core.workflows.rollout import rollout
from matey_core.workflows.rollout.settings import RolloutConfig
from tests.formula import batch_of, spec_of
from tests.support import tiny_store
from tests.training import finetune_config, pretrain_config

TRAINED = {
    "full": {"stem", "head", "fields", "attention"},
    "frozen_attention": {"stem", "head", "fields"},
    "head_only": {"head"},
    "layerwise": {"stem", "head", "fields", "attention"},
    "lora": {"attention"},
}
FOREIGN = "row_scales"
NAMES = (*FINETUNING.names(), FOREIGN)
BATCH = batch_of(spec_of((16, 16)), frames=2)


class RowScales(nn.Module):
    """Every row of a weight times a number of its own."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.scales = nn.Parameter(torch.ones(rows, 1))

    def forward(self, weight: Tensor) -> Tensor:
        return self.scales * weight


class RowScalesConfig(FinetuneModeConfig):
    """A mode of another package: it renames weights, and has some of its own."""

    mode: Literal["row_scales"] = "row_scales"

    def prepare(self, model: Model) -> None:
        train_parts(model, ())
        layers = [module for module in model.modules() if type(module) is nn.Linear]
        for layer in layers:
            parametrize.register_parametrization(layer, "weight", RowScales(len(layer.weight)))

    def merged(self, model: Model) -> Mapping[str, Tensor]:
        weights = {}
        for name, value in model.state_dict().items():
            stem, parametrized, rest = name.partition("parametrizations.")
            if not parametrized:
                weights[name] = value
            elif rest == "weight.original":
                weights[f"{stem}weight"] = model.get_submodule(stem.rstrip(".")).weight
        return weights


class ForgetfulConfig(RowScalesConfig):
    """The same, but nothing says what to save."""

    def merged(self, model: Model) -> None:
        del model


@pytest.fixture(autouse=True)
def foreign() -> Iterator[None]:
    FINETUNING._entries[FOREIGN] = RowScalesConfig
    yield
    del FINETUNING._entries[FOREIGN]


@pytest.fixture(params=MODELS.names())
def model(request: pytest.FixtureRequest) -> Model:
    torch.manual_seed(0)
    settings = MODELS[request.param].tiny()
    return settings.build(fields=("density", "velocity_x"), num_axes=(1, 2)).eval()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store, and a model that has trained on it for two steps."""
    folder = tmp_path_factory.mktemp("project")
    tiny_store(folder / "data", name="flow_periodic", frames=6)
    pretrain(pretrain_config(folder, steps=2))
    return folder


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("start", [True, False])
def test_it_decides_about_every_parameter(model: Model, name: str, start: bool) -> None:
    model.requires_grad_(start)
    FinetuneModeConfig.choose(name).prepare(model)
    counts = count_parameters(model)
    assert counts.num_trained > 0
    assert counts.num_trained + counts.num_frozen == sum(p.numel() for p in model.parameters())
    parts = {model.part_of(key) for key, value in model.named_parameters() if value.requires_grad}
    assert parts == TRAINED.get(name, parts)


@pytest.mark.parametrize("name", NAMES)
def test_at_first_it_predicts_what_the_model_did(model: Model, name: str) -> None:
    expected = model(BATCH).values
    FinetuneModeConfig.choose(name).prepare(model)
    torch.testing.assert_close(model(BATCH).values, expected, rtol=0, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_an_optimizer_step_moves_nothing_that_is_frozen(model: Model, name: str) -> None:
    mode = FinetuneModeConfig.choose(name)
    mode.prepare(model)
    before = {key: value.detach().clone() for key, value in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer = AdamwConfig(learning_rate=0.1, weight_decay=0.1)
    optimizer.build(model, rate_of=lambda parameter: mode.rate_of(model, parameter)).step()
    for key, value in model.named_parameters():
        assert torch.equal(value, before[key]) is not value.requires_grad


@pytest.mark.parametrize("name", NAMES)
def test_merged_weights_are_a_models_that_knows_no_mode(model: Model, name: str) -> None:
    plain = model.config.build(fields=model.fields, num_axes=model.num_axes).eval()
    mode = FinetuneModeConfig.choose(name)
    mode.prepare(model)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for _ in range(2):  # the second moves what the first one's zeros held back
        model(BATCH).values.square().mean().backward()
        torch.optim.SGD(trained, lr=0.1).step()
    plain.load_state_dict(mode.merged(model) or model.state_dict())
    torch.testing.assert_close(plain(BATCH).values, model(BATCH).values, rtol=1e-4, atol=1e-5)


def own_state(checkpoint: Path) -> dict[str, Tensor]:
    """What trained, as a checkpoint holds it."""
    own = checkpoint / "weights.safetensors"
    return load_file(own if own.exists() else checkpoint / "model/model.safetensors")


@pytest.mark.parametrize("name", NAMES)
def test_what_has_trained_is_saved_loaded_rolled_out_and_trained_again(
    project: Path, name: str
) -> None:
    report = finetune(
        finetune_config(
            project, name=name, finetune=name, optimizer=AdamwConfig(learning_rate=0.02)
        )
    )
    last = report.run / "checkpoints/step-00000004"
    source = load_model(project / "runs/pretrain-001/model").eval()
    before = source(BATCH).values
    FinetuneModeConfig.choose(name).prepare(source)
    start = {key: value.clone() for key, value in source.state_dict().items()}
    source.load_state_dict(own_state(last))
    changed = [key for key, value in source.state_dict().items() if not value.equal(start[key])]
    assert changed
    assert set(changed) <= {key for key, value in source.named_parameters() if value.requires_grad}
    expected = source(BATCH).values
    assert not torch.allclose(expected, before, rtol=1e-3, atol=1e-5)
    found = load_model(last / "model").eval()
    torch.testing.assert_close(found(BATCH).values, expected, rtol=1e-4, atol=1e-6)

    rolled = rollout(RolloutConfig(runs=project / "runs", run=report.run))
    assert rolled.stores
    again = finetune(finetune_config(project, source=report.run, finetune=name, steps=1))
    other = "full" if name != "full" else "frozen_attention"
    finetune(finetune_config(project, source=again.run, finetune=other, steps=1))


@pytest.mark.parametrize("name", ["lora", "head_only", FOREIGN])
def test_what_is_saved_apart_from_its_base_is_the_same_model(project: Path, name: str) -> None:
    settings = {"optimizer": AdamwConfig(learning_rate=0.02)}
    mode = FinetuneModeConfig.choose({"mode": name, "save": "adapter"})
    apart = finetune(finetune_config(project, finetune=mode, **settings))
    assert not (apart.model / "model.safetensors").exists()
    expected = load_model(apart.run / f"checkpoints/step-{apart.best_step:08d}/model").eval()
    found = load_model(apart.model).eval()
    torch.testing.assert_close(found(BATCH).values, expected(BATCH).values, rtol=1e-4, atol=1e-6)
    assert rollout(RolloutConfig(runs=project / "runs", run=apart.run)).stores
    finetune(finetune_config(project, source=apart.run, finetune=name, steps=1))


def test_a_mode_that_cannot_be_saved_is_refused_before_it_trains(project: Path) -> None:
    runs = sorted((project / "runs").iterdir())
    with pytest.raises(ConfigError, match="No model folder holds them") as caught:
        finetune(finetune_config(project, finetune=ForgetfulConfig()))
    assert "parametrizations.weight" in str(caught.value)
    assert "merged" in caught.value.remedy
    assert sorted((project / "runs").iterdir()) == runs
