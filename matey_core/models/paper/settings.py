"""Settings that the published architecture cannot work with, refused before it is built."""

from matey_core.errors import ConfigError
from matey_core.models._base import ModelConfig
from matey_core.models.paper.passes import PASSES
from matey_core.models.paper.schemes import SCHEMES

CRITERIA = ("variance", "raw_variance")
"""Names that ask for the one criterion there is: variance of the raw fields."""


def check_settings(config: ModelConfig, num_axes: tuple[int, ...]) -> None:
    """Raise unless the settings describe a published model.

    Raises:
        ConfigError: names the setting and what to choose instead.
    """
    _check_scheme(config)
    _check_tokenizer(config)
    _check_sizes(config, num_axes)


def _check_scheme(config: ModelConfig) -> None:
    if config.measure:
        raise ConfigError(
            "model.measure weighs tokens by area, which the paper variant does not.",
            remedy="Leave it out, or set model.variant=matey.",
        )
    if config.scheme not in SCHEMES:
        raise ConfigError(
            f"model.scheme is {config.scheme!r}; the paper variant has {', '.join(SCHEMES)}.",
            remedy="Choose one of them, or model.variant=matey.",
        )
    if config.scheme == "axial" and config.tokenizer.name == "adap_mix":
        raise ConfigError(
            "model.scheme is axial, which needs a full grid, and model.tokenizer.name is "
            "adap_mix, which has none.",
            remedy="Set model.tokenizer.name=adap_mul, or model.scheme=full or factorized.",
        )


def _check_tokenizer(config: ModelConfig) -> None:
    tokenizer = config.tokenizer
    if tokenizer.name not in PASSES:
        raise ConfigError(
            f"model.tokenizer.name is {tokenizer.name!r}; the paper variant has "
            f"{', '.join(PASSES)}.",
            remedy="Choose one of them, or model.variant=matey.",
        )
    if len(tokenizer.levels) > 2:
        raise ConfigError(
            f"model.tokenizer.patch has {len(tokenizer.levels)} levels, {list(tokenizer.levels)}; "
            "the paper variant has two.",
            remedy="Give a coarse and a fine patch, such as [16, 4], or set model.variant=matey.",
        )
    if tokenizer.coarse_cells is not None:
        raise ConfigError(
            "model.tokenizer.coarse_cells chooses among patch sizes, and the paper variant embeds "
            "all of its own.",
            remedy="Leave it out, or set model.variant=matey.",
        )
    for name in ("keep_parents", "balanced"):
        if getattr(tokenizer, name):
            raise ConfigError(
                f"model.tokenizer.{name} is an option that the paper variant does not have.",
                remedy="Leave it out, or set model.variant=matey.",
            )
    if tokenizer.tokens is not None:
        raise ConfigError(
            "model.tokenizer.tokens is a budget that the paper variant does not have.",
            remedy="Set model.tokenizer.gamma or model.tokenizer.ratio, or model.variant=matey.",
        )
    if tokenizer.criterion not in CRITERIA:
        raise ConfigError(
            f"model.tokenizer.criterion is {tokenizer.criterion!r}; the paper variant refines by "
            "the variance of the raw fields.",
            remedy="Set model.tokenizer.criterion=variance, or model.variant=matey.",
        )


def _check_sizes(config: ModelConfig, num_axes: tuple[int, ...]) -> None:
    width, _, heads = config.sizes
    if width % 4 or width % heads:
        raise ConfigError(
            f"model.width is {width}, which 4 and model.heads ({heads}) must divide.",
            remedy="Choose a width that is a multiple of both.",
        )
    if config.position == "fourier" and 3 in num_axes and (width // 3) % 2:
        raise ConfigError(
            f"A third of model.width, {width // 3} of {width}, is odd: there is no fourier "
            "position encoding for fields of three axes.",
            remedy='Choose a width whose third is even, such as 768, or model.position="none".',
        )
