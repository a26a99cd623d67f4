"""Adaptive Fourier mixer: waves mixed alike, walls, frames summed up, published sizes."""

import pytest
import torch

from matey_core.errors import ConfigError
from matey_core.models.afno import AfnoConfig
from matey_core.nn.wave_mixer import FrameSum, WaveMixer


def test_every_wave_is_mixed_by_one_network_block_by_block() -> None:
    torch.manual_seed(0)
    mixer, x = WaveMixer(6, 2), torch.randn(1, 5, 4, 6)
    waves = torch.fft.rfftn(x, dim=(1, 2), norm="ortho")
    expected = torch.zeros_like(waves)
    for block in range(2):
        mine = slice(3 * block, 3 * block + 3)
        enter, leave = (
            torch.complex(weight[block, :, 0], weight[block, :, 1])
            for weight in (mixer.enter, mixer.leave)
        )
        first, second = (
            torch.complex(bias[block, 0], bias[block, 1])
            for bias in (mixer.enter_bias, mixer.leave_bias)
        )
        inner = waves[..., mine] @ enter + first
        gelu = torch.nn.functional.gelu
        expected[..., mine] = torch.complex(gelu(inner.real), gelu(inner.imag)) @ leave + second
    answer = torch.fft.irfftn(expected, s=(5, 4), dim=(1, 2), norm="ortho")
    torch.testing.assert_close(mixer(x, (True, True)), answer, rtol=1e-4, atol=1e-5)


def test_a_sum_over_frames_counts_them_from_the_last_one() -> None:
    torch.manual_seed(0)
    layer, tokens = FrameSum(4, 5), torch.randn(2, 3, 6, 4)
    expected = sum(
        (tokens[:, 2 - ago] * torch.cos(layer.rates * ago / 5)) @ layer.matrices[ago]
        for ago in range(3)
    )
    torch.testing.assert_close(layer(tokens), expected / 3)
    with pytest.raises(ConfigError, match="6 frames; the model reads 5"):
        layer(torch.randn(2, 6, 3, 4))


def test_a_wall_continues_the_tokens_by_zeros_before_they_are_transformed() -> None:
    torch.manual_seed(0)
    mixer, x = WaveMixer(8, 2), torch.randn(1, 12, 8)
    longer = torch.nn.functional.pad(x, (0, 0, 0, 3))
    walls, around = mixer(x, (False,)), mixer(x, (True,))
    torch.testing.assert_close(walls, mixer(longer, (True,))[:, :12], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(walls, around, atol=1e-3)


def test_bfloat16_leaves_the_waves_in_float32() -> None:
    mixer, x = WaveMixer(8, 2), torch.randn(1, 6, 8)
    with torch.autocast("cpu", torch.bfloat16):
        rough = mixer(x, (True,))
    assert torch.equal(rough, mixer(x, (True,)))


def test_a_width_that_cannot_be_shared_out_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"model.width = 20 is no multiple of 8") as caught:
        AfnoConfig(preset="nano", width=20).build(fields=("density",), num_axes=(2,))
    assert caught.value.remedy == "Set model.width=24."


@pytest.mark.parametrize(
    ("preset", "published", "allowed"),
    [("ti", 7e6, 0.06), ("s", 30e6, 0.02), ("b", 122e6, 0.02), ("l", 509e6, 0.03)],
)
def test_published_sizes(preset: str, published: float, allowed: float) -> None:
    """DPOT's tiny, small, medium and large: 10 frames, patches of 8, 4 fields in 2D.

    The wrapper adds the lead time, and reads 32 channels of a point instead of 4 fields and 3
    coordinates; the rest is compared.
    """
    with torch.device("meta"):
        model = AfnoConfig(preset=preset).build(  # type: ignore[arg-type]
            fields=tuple("abcd"), num_axes=(2,)
        )
    width = model.config.sizes.width  # type: ignore[attr-defined]
    wrapper = sum(weight.numel() for weight in model.lead_time.parameters())  # type: ignore[union-attr]
    wrapper += (32 - 7) * 8**2 * width
    total = sum(weight.numel() for weight in model.parameters())
    assert total - wrapper == pytest.approx(published, rel=allowed)
    assert wrapper < 0.15 * total
