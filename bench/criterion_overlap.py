"""Which fields decide where to refine: the share of cells chosen alike by all fields and by one.

python -m bench.criterion_overlap STORE [--tokens 160]

On a field whose numbers are large, scores in physical units see that field only.
"""

import argparse
import json
import sys
from pathlib import Path

import torch

from bench._rows import machine
from matey_core.data import Windows
from matey_core.store import open_store
from matey_core.tokenizers import TokenizerConfig, grow


def main() -> None:
    """Print a row for each criterion and field."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--tokens", type=int, default=160)
    options = parser.parse_args()
    store = open_store(options.store)
    windows = Windows(store, tuple(range(store.num_samples)), history=4, max_lead=1)
    history = windows.batch(range(len(windows)), [[1]] * len(windows)).history
    for criterion in ("variance", "raw_variance"):
        config = TokenizerConfig(patch=(16, 8), criterion=criterion, tokens=options.tokens)

        def chosen(fields: torch.Tensor, config: TokenizerConfig = config) -> torch.Tensor:
            return grow(config, fields, periodic=store.spec.grid.periodic).refined[0]

        every = chosen(history)
        for index, name in enumerate(store.spec.names):
            alone = chosen(history[:, :, index : index + 1])
            share = (every & alone).sum() / every.sum()
            row = {"criterion": criterion, "field": name, "shared": round(share.item(), 3)}
            sys.stdout.write(json.dumps({**row, "store": store.name, **machine()}) + "\n")


if __name__ == "__main__":
    main()
