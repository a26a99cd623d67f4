"""The head that learns where the coarse pass errs: what it learns from, what it leaves alone."""

from pathlib import Path

import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.criteria import CRITERIA, History
from matey_core.errors import ConfigError
from matey_core.finetuning import FinetuneModeConfig
from matey_core.losses import LOSSES
from matey_core.models import Model, load_model, save_model
from matey_core.models.matey import MateyConfig
from matey_core.models.matey.error_head import SPARED, ErrorHead, spared
from matey_core.tokenizers import TokenizerConfig, Tree
from matey_core.tokenizers._grow import grow_normalized
from tests.formula import batch_of, spec_of

SHAPES = ((32,), (24, 20), (8, 16, 12))
NAMES = ("density", "velocity_x")


def build(criterion: str = "learned", *, axes: int = 2, **tokenizer: object) -> Model:
    torch.manual_seed(0)
    settings: dict[str, object] = {"patch": (8, 4), "criterion": criterion, "ratio": 0.25}
    config = MateyConfig(
        width=24,
        depth=1,
        heads=2,
        tokenizer=TokenizerConfig(**{**settings, **tokenizer}),  # type: ignore[arg-type]
    )
    return config.build(fields=NAMES, num_axes=(axes,))


def head_of(model: Model) -> dict[str, Tensor]:
    return {
        name: value for name, value in model.named_parameters() if name.startswith("error_head.")
    }


def test_models_without_it_have_no_such_weights_and_start_from_the_same() -> None:
    with_it, without = build(), build("innovation")
    assert head_of(with_it)
    assert without.estimate is None
    for name, value in without.named_parameters():
        assert torch.equal(value, with_it.get_parameter(name)), name


def test_another_criterion_for_a_while_neither_spares_cells_nor_trains_it() -> None:
    model = build().train()
    batch = batch_of(spec_of((32, 32)))
    other = model.config.tokenizer.model_copy(update={"criterion": "gradient"})
    with model.retokenized(other):
        assert model(batch).side_loss is None
        found = model(batch).values
        assert torch.equal(found, model.eval()(batch).values)
    assert model.train()(batch).side_loss is not None


def test_another_criterion_for_good_drops_it(tmp_path: Path) -> None:
    model, without = build(), build("innovation")
    learned = model.config.tokenizer
    with pytest.raises(ConfigError, match="needs a head that this model was not built with"):
        without.retokenize(learned)
    model.retokenize(without.config.tokenizer)
    assert not head_of(model)
    save_model(model, tmp_path)
    assert load_model(tmp_path).config.tokenizer.criterion == "innovation"


@pytest.mark.parametrize("shape", SHAPES)
def test_its_loss_trains_the_head_and_nothing_else(shape: tuple[int, ...]) -> None:
    model = build(axes=len(shape)).train()
    batch = batch_of(spec_of(shape), samples=8, frames=4, leads=2)
    side_loss = model(batch).side_loss
    assert side_loss is not None
    side_loss.backward()
    head = head_of(model)
    for name, value in model.named_parameters():
        assert (value.grad is not None and bool(value.grad.any())) is (name in head), name


def test_the_objective_trains_everything_else() -> None:
    model = build().train()
    batch = batch_of(spec_of((24, 20)))
    LOSSES["nrmse"]().build()(model(batch), batch).total.backward()
    head = head_of(model)
    for name, value in model.named_parameters():
        assert (value.grad is None) is (name in head), name


@pytest.mark.parametrize("criterion", ["learned", "innovation"])
def test_there_is_no_side_loss_without_need(criterion: str) -> None:
    model, batch = build(criterion), batch_of(spec_of((24, 20)))
    assert model.eval()(batch).side_loss is None
    assert (model.train()(batch).side_loss is None) is (criterion == "innovation")


def test_choosing_has_no_lot_when_the_model_is_used() -> None:
    model, batch = build().eval(), batch_of(spec_of((24, 20)))
    state = torch.random.get_rng_state()
    first = model(batch).values
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.equal(first, model(batch).values)
    alone = model(batch.select(slice(1, 2))).values
    torch.testing.assert_close(alone, first[1:2], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("budget", [{"ratio": 0.25}, {"ratio": None, "tokens": 40}])
def test_training_and_use_have_the_same_number_of_tokens(budget: dict[str, object]) -> None:
    model, batch = build(**budget), batch_of(spec_of((32, 32)))
    used = model.eval().count_tokens(batch)
    assert used.unique().numel() == 1
    assert torch.equal(model.train().count_tokens(batch), used)


def test_expected_errors_are_blind_to_units_and_the_order_of_fields() -> None:
    model = build().eval()
    batch = batch_of(spec_of((24, 20)), frames=4)
    factor = torch.tensor([1e-4, 30.0]).reshape(2, 1, 1)
    scaled = FieldBatch(
        spec=batch.spec, history=(batch.history + 3) * factor, lead_steps=batch.lead_steps
    )
    head = model.estimate
    assert head is not None
    answers = []
    for history in (batch.history, scaled.history, batch.history.flip(2)):
        tree = grow_normalized(
            TokenizerConfig(patch=(4, 2), criterion="learned"),
            (history - history.mean((1, 3, 4), keepdim=True))
            / history.std((1, 3, 4), keepdim=True),
            std=torch.ones(3, 2),
            periodic=(True, True),
            estimate=head,
        )
        answers.append(tree.scores[0])
    torch.testing.assert_close(answers[1], answers[0], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(answers[2], answers[0], rtol=1e-4, atol=1e-5)


def test_a_new_head_begins_about_where_innovation_is() -> None:
    torch.manual_seed(0)
    values = batch_of(spec_of((64, 64)), samples=4, frames=4).history
    history = History(values=values, std=torch.ones(4, 2))
    with torch.no_grad():
        ours = ErrorHead()(history, (8, 8)).flatten(1)
    theirs = CRITERIA["innovation"](history, (8, 8)).flatten(1)
    for mine, other in zip(ours, theirs, strict=True):
        assert spearmanr(mine, other).statistic > 0.95


def frames(seed: int) -> Tensor:
    """(16, 3, 1, 32, 32) normalized histories; cells differ in detail, and not in change."""
    generator = torch.Generator().manual_seed(seed)
    detail = torch.rand(16, 1, 1, 4, 4, generator=generator).mul(3).exp()
    detail = detail.repeat_interleave(8, 3).repeat_interleave(8, 4)
    still = torch.randn(16, 1, 1, 32, 32, generator=generator) * detail
    return still / still.std() + 0.1 * torch.randn(16, 3, 1, 32, 32, generator=generator)


def true_errors(values: Tensor) -> Tensor:
    """(16, 32, 32) errors of a coarse pass that fails where there is detail."""
    cells = values[:, -1, 0].unfold(1, 8, 8).unfold(2, 8, 8)
    return cells.var((-1, -2)).repeat_interleave(8, 1).repeat_interleave(8, 2)


def learning(*, from_all: bool) -> float:
    """Train a head on errors that refinement all but removes; return its rank correlation."""
    torch.manual_seed(0)
    head = ErrorHead()
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-2)
    for step in range(60):
        history = History(values=frames(step), std=torch.ones(16, 1))
        tree = grow_normalized(
            TokenizerConfig(patch=(8, 4), criterion="learned", ratio=0.5),
            history.values,
            std=history.std,
            periodic=(True, True),
            estimate=head,
            spared=0.0 if from_all else SPARED,
        )
        refined = tree.refined[0].repeat_interleave(8, 1).repeat_interleave(8, 2)
        errors = torch.where(refined, 1e-3, 1.0) * true_errors(history.values)
        counted = all_cells(tree) if from_all else tree
        optimizer.zero_grad()
        head.loss(history, counted, errors, torch.ones_like(errors)).backward()
        optimizer.step()
    history = History(values=frames(1000), std=torch.ones(16, 1))
    with torch.no_grad():
        expected = head(history, (8, 8))
    truth = true_errors(history.values)[:, ::8, ::8]
    return float(spearmanr(expected.flatten(), truth.flatten()).statistic)


def all_cells(tree: Tree) -> Tree:
    """Let all cells pass for spared ones that stayed coarse."""
    nothing = torch.zeros_like(tree.refined[0])
    return Tree(
        patches=tree.patches,
        refined=(nothing,),
        scores=(torch.zeros_like(tree.scores[0]),),
        roots=tree.roots,
        shape=tree.shape,
        samples=tree.samples,
        device=tree.device,
    )


def test_it_learns_coarse_errors_although_refined_cells_hide_theirs() -> None:
    """With no cell spared, it learns that those which refinement heals are harmless."""
    fair, unfair = learning(from_all=False), learning(from_all=True)
    assert fair > 0.9
    assert unfair < fair - 0.15


def test_the_loss_is_smallest_where_the_expectation_is_the_mean() -> None:
    """Of all constant answers q, r/q + log q is least on average at q = 1: r has mean 1."""

    class Constant(ErrorHead):
        def __init__(self, value: float) -> None:
            super().__init__()
            self.value = value

        def logarithm(self, history: History, patch: tuple[int, ...]) -> Tensor:
            return torch.full((16, 4, 4), self.value)

    values = frames(0)
    history = History(values=values, std=torch.ones(16, 1))
    tree = grow_normalized(
        TokenizerConfig(patch=(8, 4), ratio=0.0),
        values,
        std=history.std,
        periodic=(True, True),
        spared=1.0,
    )
    assert spared(tree, 0).all()
    errors = true_errors(values)
    losses = [
        Constant(value).loss(history, tree, errors, torch.ones_like(errors)).item()
        for value in (-0.5, 0.0, 0.5)
    ]
    assert losses == pytest.approx([0.01 * (torch.e**-x + x) for x in (-0.5, 0.0, 0.5)], rel=1e-5)


def test_it_is_saved_loaded_and_fine_tuned_with_a_frozen_attention(tmp_path: Path) -> None:
    model = build()
    save_model(model, tmp_path)
    loaded = load_model(tmp_path)
    for name, value in head_of(model).items():
        assert torch.equal(loaded.get_parameter(name), value)
    FinetuneModeConfig.choose("frozen_attention").prepare(loaded)
    assert all(value.requires_grad for value in head_of(loaded).values())


def test_the_oracle_is_refused_before_anything_is_built() -> None:
    with pytest.raises(ConfigError, match="no model can choose its cells by it"):
        build("oracle")
