"""Compiled parts: whole graphs, one compilation a shape, the same numbers."""

from typing import Any

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

from matey_core.errors import ConfigError
from matey_core.models import Model, as_written, compile_parts
from matey_core.models.paper import PaperConfig
from tests.formula import batch_of, spec_of, tiny_model

# Tracing looks at gradients of inputs, and hides torch's warning about it in its own way.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")

QUICK = (
    ("full", {"name": "uniform", "patch": (4,)}),
    ("factorized", {"patch": (16, 8, 4), "tokens": 11}),
    ("axial", {"name": "adap_mul", "patch": (8, 4), "ratio": 0.5}),
)
OTHERS = tuple(
    (scheme, tokenizer)
    for scheme in ("full", "factorized", "axial")
    for tokenizer in (
        {"name": "uniform", "patch": (4,)},
        {"patch": (8, 4), "tokens": 28},
        {"patch": (8, 4), "ratio": 0.5},
        {"patch": (16, 8, 4), "tokens": 11},
        {"patch": (8, 4), "ratio": 0.5, "keep_parents": True},
        {"name": "adap_mul", "patch": (8, 4), "tokens": 28},
        {"name": "adap_mul", "patch": (8, 4), "ratio": 0.5},
        {"name": "adap_mul", "patch": (16, 8, 4), "ratio": 0.5},
    )
    if (scheme, tokenizer) not in QUICK
    and (scheme != "axial" or (tokenizer.get("name") and len(tokenizer["patch"]) < 3))
)


@pytest.fixture(autouse=True)
def _fresh(request: pytest.FixtureRequest) -> Any:
    if request.config.getoption("--jaxtyping-packages", None):
        pytest.skip("what checks shapes cannot be traced")
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def train_once(model: Model, seed: int, *, samples: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """Prediction and all gradients of one batch."""
    batch = batch_of(spec_of((32, 16)), samples=samples, seed=seed)
    values = model(batch).values
    model.zero_grad()
    values.square().mean().backward()
    gradients = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    return values.detach(), torch.cat(gradients)


@pytest.mark.parametrize(
    ("scheme", "tokenizer"),
    [*QUICK, *(pytest.param(*case, marks=pytest.mark.slow) for case in OTHERS)],
    ids=str,
)
def test_one_compilation_for_all_steps_and_blocks(scheme: str, tokenizer: dict[str, Any]) -> None:
    model = tiny_model(scheme=scheme, **{"gamma": None, **tokenizer}).train()
    plain = [train_once(model, seed) for seed in range(3)]
    counter = CompileCounterWithBackend("eager")
    compile_parts(model, backend=counter)
    sizes = len(tokenizer["patch"])
    passes = sizes if tokenizer.get("name") == "adap_mul" else 1
    for seed, (values, gradients) in enumerate(plain):
        compiled = train_once(model, seed)
        torch.testing.assert_close(compiled[0], values, rtol=0, atol=1e-5)
        torch.testing.assert_close(compiled[1], gradients, rtol=0, atol=1e-5)
        # A stem and a head of each size, and one block for all depths in each pass.
        assert counter.frame_count == 2 * sizes + passes
    assert torch._dynamo.utils.counters["graph_break"] == {}


def test_numbers_of_tokens_and_stores_have_a_compilation_each() -> None:
    model = tiny_model(gamma=None, tokens=28).train()
    counter = CompileCounterWithBackend("eager")
    compile_parts(model, backend=counter)
    frames = []
    for tokens in (14, 20, 14, 20):
        with model.retokenized(model.config.tokenizer.with_tokens(tokens)):
            train_once(model, tokens)
        frames.append(counter.frame_count)
    assert frames == [5, 10, 10, 10]


def test_with_gamma_and_on_padded_grids_parts_run_as_written() -> None:
    model = tiny_model(gamma=0.3).train()
    counter = CompileCounterWithBackend("eager")
    compile_parts(model, backend=counter)
    for seed in range(3):
        train_once(model, seed)
    with model.retokenized(model.config.tokenizer.with_tokens(18)):
        batch = batch_of(spec_of((27, 19)), samples=2)
        assert model.count_tokens(batch).tolist() == [18, 18]
        model(batch)
    assert counter.frame_count == 0


def test_evaluation_can_run_as_written() -> None:
    model = tiny_model(gamma=None, tokens=20).eval()
    counter = CompileCounterWithBackend("eager")
    compile_parts(model, backend=counter)
    with torch.no_grad(), as_written():
        train = model(batch_of(spec_of((32, 16))))
    assert counter.frame_count == 0
    assert train.values.isfinite().all()


def test_names_of_weights_stay() -> None:
    model = tiny_model()
    names = list(model.state_dict())
    compile_parts(model)
    assert list(model.state_dict()) == names


@pytest.mark.slow
def test_blocks_that_are_computed_twice() -> None:
    model = tiny_model(gamma=None, ratio=0.5).train()
    plain = train_once(model, 0)
    model.recompute = True
    counter = CompileCounterWithBackend("aot_eager")
    compile_parts(model, backend=counter)
    for _ in range(2):
        compiled = train_once(model, 0)
        torch.testing.assert_close(compiled[1], plain[1], rtol=0, atol=1e-5)
        assert counter.frame_count == 5


def test_the_published_variant_is_refused() -> None:
    model = PaperConfig.tiny().build(fields=("u",), num_axes=(2,))
    with pytest.raises(ConfigError, match="paper variant cannot be compiled"):
        compile_parts(model)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch, about itself
@pytest.mark.parametrize("name", ["adap_mix", "adap_mul"])
def test_inductor_computes_the_same(name: str) -> None:
    model = tiny_model(name=name, gamma=None, ratio=0.5).train()
    plain = [train_once(model, seed) for seed in range(3)]
    compile_parts(model)
    torch._dynamo.utils.counters.clear()
    for seed, (values, gradients) in enumerate(plain):
        compiled = train_once(model, seed)
        torch.testing.assert_close(compiled[0], values, rtol=0, atol=1e-4)
        torch.testing.assert_close(compiled[1], gradients, rtol=0, atol=1e-4)
    passes = 2 if name == "adap_mul" else 1
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 4 + passes
