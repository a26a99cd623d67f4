"""Data sets of an arena: given stores, or simulated ones."""

from pathlib import Path

from matey_core.errors import ConfigError
from matey_core.progress import OnProgress
from matey_core.studies.arena.settings import ArenaConfig
from matey_core.studies.stores import stores_of
from matey_core.workflows.simulate import simulate_once


def data_sets(config: ArenaConfig, on_progress: OnProgress) -> dict[str, Path]:
    """Find the stores to compare on, and simulate those that are missing.

    Returns:
        Name of a data set → its store.

    Raises:
        ConfigError: an unknown name, or a simulation that cannot work.
        DataError: no store can be used.
        RunError: the disk is full.
    """
    history = int(config.pretraining.get("history", 1))
    if config.data is not None:
        found = stores_of(config.data, config.store, history=history)
        return {store.name: store.path for store in found}
    places = {}
    for name in _names(config):
        job = config.simulations[name].model_copy(
            update={"out": config.simulated / name, "store": True}
        )
        places[name], _ = simulate_once(job, on_progress)
        stores_of(places[name], (), history=history)
    return places


def _names(config: ArenaConfig) -> tuple[str, ...]:
    known = tuple(config.simulations)
    for name in config.store:
        if name not in known:
            raise ConfigError(
                f"store: there is no simulation {name!r}; there are {', '.join(known) or 'none'}.",
                remedy="Name one of them, or give the folder of your stores with --data.",
            )
    if not known:
        raise ConfigError(
            "An arena needs data, and neither `data` nor `simulations` are given.",
            remedy="Give the folder of your stores with --data.",
        )
    return config.store or known
