"""What processes that train need, imported once by the server that forks them."""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import torch

import matey_cli.app
import matey_cli.commands.finetune
import matey_cli.commands.pretrain  # noqa: F401

torch.set_num_threads(1)
