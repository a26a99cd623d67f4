"""What a run asks of its model and its stores, refused before there is a run folder."""

from collections.abc import Sequence

from matey_core.augmentations import AugmentationConfig
from matey_core.distributed import Strategy
from matey_core.equations import find_equation
from matey_core.errors import ConfigError
from matey_core.models import Model, adaptive
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.sources import StoreWindows
from matey_core.runs.token_plan import TokenPlan
from matey_core.store import Store


def check_capabilities(
    config: TrainingConfig,
    model: Model,
    tokens: TokenPlan,
    sources: Sequence[StoreWindows],
    strategy: Strategy,
) -> None:
    """Refuse settings that the model or a store cannot serve.

    Args:
        config: settings of the run.
        model: what it will train.
        tokens: how it cuts fields.
        sources: what it will train on.
        strategy: the processes.

    Raises:
        ConfigError: names the setting and what to choose instead.
        ShapeError: a grid is smaller than a patch.
    """
    for source in sources:
        config.objective.check(source.training)
    variant = model.config.variant
    if config.recompute and not model.can_recompute:
        raise ConfigError(
            f"recompute has no effect on the {variant} variant.",
            remedy="Leave recompute out.",
        )
    if config.compile and not tuple(model.compiled_parts()):
        raise ConfigError(
            f"The {variant} variant cannot be compiled.",
            remedy="Leave out --compile, or train a model of another variant, such as matey.",
        )
    if config.sequence_parallel > 1:
        if config.compile:
            raise ConfigError(
                "A model whose samples are shared among processes cannot be compiled.",
                remedy="Leave out --compile, or --sequence-parallel.",
            )
        if not adaptive(model, what="sequence_parallel").can_share_samples:
            raise ConfigError(
                f"The {variant} variant cannot share a sample among processes.",
                remedy="Leave --sequence-parallel out, or train another variant, such as matey.",
            )
    if strategy.is_sharded:
        _check_sharded(config, model)
    tokens.check(model, sources)


def _check_sharded(config: TrainingConfig, model: Model) -> None:
    """Refuse what processes that hold parts of the weights cannot do."""
    if not model.can_shard:
        raise ConfigError(
            f"strategy is fsdp, and the {model.config.variant} variant uses other weights for "
            "other fields: processes cannot share them out.",
            remedy="Set strategy=ddp, or train a model of another variant, such as matey.",
        )
    if config.sequence_parallel > 1:
        raise ConfigError(
            "strategy is fsdp, with which processes cannot share samples.",
            remedy="Leave --sequence-parallel out, or set strategy=ddp.",
        )
    if config.compile:
        raise ConfigError(
            "strategy is fsdp, with which a model cannot be compiled.",
            remedy="Leave out --compile, or set strategy=ddp.",
        )


def check_augmentations(config: TrainingConfig, sources: Sequence[StoreWindows]) -> None:
    """Refuse augmentations whose symmetry a store does not establish, or what is given breaks.

    Not after a resume: the run goes on as it began.

    Args:
        config: settings of a new run.
        sources: what it will train on.

    Raises:
        ConfigError: names the augmentation, the store and what to do.
    """
    for source in sources:
        for augmentation in config.augment:
            store = source.store
            # A shift leaves parameters as they are; fields would have to move along.
            is_kept = augmentation.presumes_uniform and set(store.given) <= set(store.parameters)
            if store.given and augmentation.part != "noise" and not is_kept:
                raise ConfigError(
                    f"The augmentation {augmentation.part} changes states alone, and "
                    f"{', '.join(store.given)} would stay as given.",
                    remedy="Leave out that augmentation, given, or the objective that reads them.",
                )
            augmentation.check(store.spec)
            _check_equation(augmentation, store)


def _check_equation(augmentation: AugmentationConfig, store: Store) -> None:
    """Refuse what is wrong for the store's equation, as far as that is known."""
    equation = find_equation(store.spec, store.parameters)
    if equation is None:
        return
    if augmentation.presumes_linear and equation.rest is not None:
        raise ConfigError(
            f"{augmentation.part} presumes a linear equation, and that of {store.name} is "
            f"{equation.name}, which is not.",
            remedy=f"Leave {augmentation.part} out of --augment. To scale all the same: "
            f'augment = [{{name = "{augmentation.part}", nonlinear = true}}] in a settings file.',
        )
    if augmentation.presumes_uniform and augmentation.strength > 0 and not equation.is_uniform:
        raise ConfigError(
            f"{augmentation.part} presumes that all places are alike, and in {store.name}, whose "
            f"equation is {equation.name}, a force stands still.",
            remedy=f"Leave {augmentation.part} out of --augment.",
        )
