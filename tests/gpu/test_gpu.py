"""What only a GPU can show; `make gpu` runs it, and where there is no GPU all of it is skipped.

No GPU has run these tests yet. `tests/integration/test_pretended_device.py` has run what they call.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from matey_core.errors import Interrupted
from matey_core.losses.relative_mse import relative_mse
from matey_core.models import MODELS, ModelConfig, compile_parts, load_model
from matey_core.objectives.one_step import OneStepConfig
from matey_core.progress import Progress
from matey_core.simulators import SIMULATORS
from matey_core.simulators._integrate import collate
from matey_core.training import Precision, measure_parity
from matey_core.workflows.pretrain import pretrain, resume
from tests.devices import CONFIGS, CPU, batches, built, name_of, trained, waits_of
from tests.support import tiny_store
from tests.training import events, pretrain_config

pytestmark = pytest.mark.gpu
CUDA = torch.device("cuda", 0)


@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_losses_are_those_of_the_cpu(config: ModelConfig) -> None:
    _, expected = trained(config, CPU, batches())
    _, found = trained(config, CUDA, batches())
    # TF32 rounds the factors of matrix products to 11 bits.
    losses = [each.loss for each in expected]
    assert [each.loss for each in found] == pytest.approx(losses, rel=2e-2)


@pytest.mark.parametrize("config", [c for c in CONFIGS if not waits_of(c)], ids=name_of)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_no_step_waits_for_the_device(config: ModelConfig, precision: str) -> None:
    def forbid_waits(*_: object) -> None:
        torch.cuda.set_sync_debug_mode("error")  # from the second step on

    data = [batch.pin_memory() for batch in batches(4)]
    precise = Precision(name="bfloat16" if precision == "bfloat16" else "float32")
    try:
        _, reports = trained(config, CUDA, data, precision=precise, after_step=forbid_waits)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert len(reports) == 4


@pytest.mark.parametrize("name", ["matey", "pyramid", "fno", "unet"])
def test_bfloat16_is_close_to_float32(name: str) -> None:
    model = built(MODELS[name].tiny()).to(CUDA)
    parity = measure_parity(model, batches(1)[0], OneStepConfig().build(relative_mse), CUDA)
    assert parity.is_good, parity


@pytest.mark.parametrize("name", ["matey", "pyramid"])
@torch.no_grad()
def test_compiled_parts_say_the_same(name: str) -> None:
    model, batch = built(MODELS[name].tiny()).to(CUDA), batches(1)[0].to(CUDA)
    expected = model(batch).values
    compile_parts(model)
    torch.testing.assert_close(model(batch).values, expected, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("name", SIMULATORS.names())
def test_a_simulation_is_that_of_the_cpu(name: str) -> None:
    simulator = SIMULATORS[name](grid=16, frames=2).build()
    problem = simulator.sample(np.random.RandomState(0))
    courses = []
    for device in (CPU, CUDA):
        problems = collate([problem], torch.float64, device)
        courses.append([simulator.observe(s, problems).cpu() for s in simulator.frames(problems)])
    torch.testing.assert_close(courses[1], courses[0], rtol=1e-6, atol=1e-8)


def test_a_stopped_run_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    """Bit for bit where a repetition is; kernels that add up atomically repeat nothing exactly."""
    tiny_store(tmp_path / "data", name="flow_periodic")
    settings = {"steps": 9, "validate_every": 3, "device": "cuda"}
    whole = pretrain(pretrain_config(tmp_path, name="whole", **settings))
    again = pretrain(pretrain_config(tmp_path, name="again", **settings))

    def stop(progress: Progress) -> None:
        if progress.done == 5:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="step-00000003 is kept"):
        pretrain(pretrain_config(tmp_path, name="cut", **settings), stop)
    rest = resume(tmp_path / "runs", "cut")
    weights, repeated, resumed = (
        dict(load_model(report.run / "model").state_dict()) for report in (whole, again, rest)
    )
    is_exact = all(torch.equal(weights[name], repeated[name]) for name in weights)
    for name, expected in weights.items():
        if is_exact:
            assert torch.equal(resumed[name], expected), name
        torch.testing.assert_close(resumed[name], expected, rtol=1e-2, atol=1e-3)
    assert len(events(rest.run, "step")) == 9
