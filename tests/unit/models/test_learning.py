"""Models without adaptive tokens learn: in seconds they beat the last frame repeated."""

import pytest
import torch

from matey_core.batches import FieldBatch
from matey_core.models import MODELS, AdaptiveConfig
from tests.formula import NAMES, spec_of
from tests.support import advected

PLAIN = [name for name in MODELS.names() if not issubclass(MODELS[name], AdaptiveConfig)]


def advection(samples: slice) -> FieldBatch:
    """Waves and bumps that move by a tenth of the box between frames: one step ahead."""
    shape = (16, 16)
    frames = torch.from_numpy(advected(shape, samples=10, frames=4, fields=2, step=0.1))[samples]
    return FieldBatch(
        spec=spec_of(shape),
        history=frames[:, :3],
        lead_steps=torch.ones(len(frames), 1, dtype=torch.long),
        targets=frames[:, 3:],
    )


@pytest.mark.parametrize("name", PLAIN)
def test_a_few_steps_beat_persistence_on_samples_that_were_not_shown(name: str) -> None:
    torch.manual_seed(0)
    # The trend would beat persistence before the first step.
    config = MODELS[name].tiny().model_copy(update={"trend": False})
    model = config.build(fields=NAMES[:2], num_axes=(2,))
    shown, new = advection(slice(8)), advection(slice(8, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(30):
        assert shown.targets is not None
        (model(shown).values - shown.targets).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert new.targets is not None
    with torch.no_grad():
        error = (model.eval()(new).values - new.targets).norm()
    assert error < 0.7 * (new.history[:, -1:] - new.targets).norm()
