"""Running a model with other tokenizer settings than its own."""

import pytest
import torch

from matey_core.errors import ConfigError
from matey_core.models import Model
from matey_core.models.paper import PaperConfig
from matey_core.tokenizers import TokenizerConfig
from tests.formula import batch_of, spec_of, tiny_model

BATCH = batch_of(spec_of((32, 16)))
LADDER = (16, 8, 4)
OTHERS = [
    {"name": "uniform", "patch": (4,), "gamma": None},
    {"name": "uniform", "patch": (16,), "gamma": None},
    {"name": "adap_mix", "patch": (8, 4), "gamma": 0.1},
    {"name": "adap_mix", "patch": (16, 4), "gamma": None, "tokens": 17},
    {"name": "adap_mul", "patch": (8, 4), "gamma": None, "ratio": 0.25},
]


def sharing_weights(model: Model, **tokenizer: object) -> Model:
    """A model built for other settings, with those of `model`'s weights that it has."""
    other = tiny_model(**tokenizer)
    weights = model.state_dict()
    other.load_state_dict({name: weights[name] for name in other.state_dict()})
    return other


@pytest.mark.parametrize("settings", OTHERS)
@torch.no_grad()
def test_predicts_what_a_model_built_so_predicts(settings: dict[str, object]) -> None:
    model = tiny_model(patch=LADDER)
    own = model(BATCH).values
    other = sharing_weights(model, **settings)
    with model.retokenized(other.config.tokenizer):
        assert torch.equal(model.count_tokens(BATCH), other.count_tokens(BATCH))
        values = model(BATCH).values
    assert (values - own).abs().max() > 1e-3
    torch.testing.assert_close(values, other(BATCH).values, rtol=0, atol=1e-5)
    assert torch.equal(model(BATCH).values, own)


def test_settings_are_restored_after_an_error() -> None:
    model = tiny_model(patch=LADDER)
    with pytest.raises(KeyError), model.retokenized(TokenizerConfig(name="uniform", patch=(8,))):
        raise KeyError
    assert model.tokenizing == model.config.tokenizer


def test_unknown_patches_are_refused() -> None:
    model = tiny_model(patch=(16, 8))
    with (
        pytest.raises(ConfigError, match=r"patches of 32 and 4 points: it has 16 and 8\."),
        model.retokenized(TokenizerConfig(patch=(32, 8, 4))),
    ):
        pass


def test_a_scheme_without_a_grid_is_refused() -> None:
    model = tiny_model(scheme="axial", name="uniform", patch=(8,))
    model.check_tokenizer(TokenizerConfig(name="uniform", patch=(16, 8)))
    axial = tiny_model(scheme="axial", name="adap_mul", patch=(8, 4))
    with pytest.raises(ConfigError, match="adap_mix has no grid"):
        axial.check_tokenizer(TokenizerConfig(name="adap_mix", patch=(8, 4)))


def test_the_paper_variant_takes_other_budgets_but_not_fewer_sizes() -> None:
    torch.manual_seed(0)
    config = PaperConfig.tiny()
    model = config.build(fields=("density", "velocity_x"), num_axes=(2,)).eval()
    with model.retokenized(TokenizerConfig(patch=(8, 4), ratio=1.0)):
        assert model.count_tokens(BATCH).tolist() == [32, 32, 32]
    with pytest.raises(ConfigError, match="embeds all of its patch sizes"):
        model.check_tokenizer(TokenizerConfig(name="uniform", patch=(8,)))
