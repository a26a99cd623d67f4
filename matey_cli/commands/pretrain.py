"""Train one model on all stores at once."""

from matey_cli.commands._resuming import go_on
from matey_cli.commands._training import (
    PRETRAINING,
    TRAINING,
    Assignments,
    Processes,
    Resume,
    SettingsFile,
    train,
)
from matey_cli.options import Given, from_settings, one_of, option


@from_settings(
    "matey_core.workflows.pretrain:PretrainConfig",
    *PRETRAINING,
    *TRAINING,
    option("--name", default="pretrain-001, …"),
    option("--runs"),
    is_layered=True,
)
def pretrain(
    given: Given,
    nproc: Processes = None,
    resume: Resume = False,
    config: SettingsFile = None,
    assignments: Assignments = None,
) -> None:
    r"""Train one model on all stores at once.

    Every step takes a batch from one store, more often from one with more windows;
    --weights and --mix-exponent change that. Fields are matched by name. Before the first
    step the model's parameters and the tokens of a frame of each store are printed. The
    model is validated regularly, in one step and in a short rollout, and compared with
    the best training-free forecast. The best weights are saved in RUN/model. --resume
    continues a run that was stopped. With more --steps or --minutes, it continues a
    complete one.

    \b
      matey pretrain
      matey pretrain --minutes 30
      matey pretrain --preset s --steps 20000 --batch-size 32
      matey pretrain --nproc 2
      matey pretrain --nproc 4 --sequence-parallel 2
      matey pretrain --data s3://bucket/stores --weights 2D_rdb_NA_NA=2
      matey pretrain --set model.tokenizer.tokens=128 --set model.drop_path=0.1
      matey pretrain --resume
      matey pretrain --resume --steps 1000
    """
    one_of(given, "the length of the training", minutes="minutes", steps="steps")
    one_of(
        given,
        "the number of tokens",
        tokens="model.tokenizer.tokens",
        flops="flops",
        seconds="seconds",
    )
    if resume:
        go_on("pretrain", given, config, assignments, nproc)
    else:
        from matey_core.workflows.pretrain import PretrainConfig

        train("pretrain", PretrainConfig, given, config, assignments, nproc)
