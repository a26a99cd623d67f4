"""Typical mistakes: each message names the setting, its value, what is allowed, and a remedy."""

import shlex

import pytest

from tests.command import Matey

MISTAKES = (
    ("pretrain --stepz 3", ("--stepz", "Did you mean --steps?")),
    ("pretrain --steps 0", ("--steps", "'0'", "whole number of at least 1", "leave it out")),
    ("pretrain --steps many", ("--steps", "'many'", "whole number", "leave it out")),
    ("pretrain --set stepz=3", ("'stepz'", "did you mean 'steps'?", "matey config --explain")),
    ("pretrain --set steps=x", ("steps", '"x"', "valid integer", "matey config --explain")),
    (
        "pretrain --set optimizer.name=adam",
        ("optimizer", "'adam'", "adamw, muon", "Did you mean 'adamw'?"),
    ),
    ("pretrain --set clip=-1", ("clip", "greater than 0", "-1", "matey config --explain")),
    ("pretrain --variant fnoo", ("--variant", "'fnoo'", "pyramid", "Did you mean 'fno'?")),
    ("pretrain --precision fp16", ("--precision", "'fp16'", "bfloat16", "one of these names")),
    ("pretrain --augment flp", ("--augment", "'flp'", "noise", "Did you mean 'flip'?")),
    ("pretrain --minutes 1 --steps 4", ("--minutes and --steps", "Give one of them")),
    ("pretrain --data nowhere", ("nowhere", "does not exist", "matey prepare")),
    ("pretrain --config nope", ("nope", "laptop, paper", "path of a TOML file")),
    ("pretrain --weights thermals", ("--weights", "'thermals'", "NAME=2", "Write it like")),
    ("pretrain --nproc 3", ("batch of 8", "3 processes", "--batch-size 6")),
    ("pretrain --accumulate 3", ("accumulate", "batch_size, which is 8", "Change --accumulate.")),
    ("pretrain --resume", ("runs has no checkpoint", "matey pretrain")),
    ("rollout nope", ("nope is no run", "model.json", "matey runs")),
    ("compare a", ("1 run is named", "expected two or more", "Name two runs")),
    ("finetune --mode lorra", ("--mode", "'lorra'", "head_only", "Did you mean 'lora'?")),
    ("simulate heat", ("SIMULATOR", "'heat'", "heat-2d", "Did you mean 'heat-2d'?")),
    ("prepare netcfd", ("READER", "'netcfd'", "pdebench", "Did you mean 'netcdf'?")),
    ("prepare . --split 1", ("--split", "'1'", "TRAIN,VALIDATION,TEST", "0.8,0.1,0.1")),
    ("prepare . --memory lots", ("--memory", "'lots'", "SIZE", "Write it like 8GB")),
    ("prepare . --split 0.9,0.2,0.1", ("--split", "add up to 1.2", "8,1,1")),
    ("prepare . --dims time=t", ("auto takes no --dims", "netcdf, array or hdf5")),
    ("data check nope", ("nope is no store", "matey prepare")),
    ("data check --only bound", ("--only", "'bound'", "finite", "Did you mean 'bounds'?")),
    ("config --for foo", ("--for", "'foo'", "pretrain, finetune or project", "one of these")),
    ("study low-sample --data nosuch", ("--data", "nosuch", "does not exist", "--new")),
    ("study criterion --data nosuch", ("nosuch", "does not exist", "--data")),
    ("config depth", ("'depth'", "Did you mean 'model.depth'?")),
    ("pull me", ("'me'", "OWNER/NAME", "hub:OWNER/NAME")),
    ("download nosuch", ("LIST", "'nosuch'", "pdebench", "--list")),
    ("download pdebench", ("375 files, and none is named", "--list shows them")),
    ("simulate heat-2d --set kk=3", ("heat_2d", "'kk'", "simulate heat-2d --list")),
    ("info nosuch", ("nosuch is no run", "no store in data", "matey runs")),
    ("download pdebench 2d_swe", ("'2d_swe'", "advection", "Did you mean 'swe'?")),
    ("train", ("'train'", "Did you mean 'pretrain'?", "matey --help")),
    ("pretrain fields", ("(fields)", "Did you mean --data fields?")),
    ("pretrain --epochs 10", ("--epochs", "Did you mean --steps?")),
    ("pretrain --lr 0.1", ("--lr", "Did you mean --learning-rate?")),
    ("pretrain --store water", ("--store", "Did you mean --data?")),
    ("pretrain --device gpu", ("--device", "auto, cpu or cuda", "'gpu'", "Did you mean 'cpu'?")),
    ("pretrain --logger tensorbord", ("--logger", "mlflow", "Did you mean 'tensorboard'?")),
    ("pretrain --minutes ten", ("--minutes", "'ten'", "a number above 0", "leave it out")),
    ("pretrain --set model.size=ti", ("'model.size'", "did you mean 'model.preset'?")),
    (
        "pretrain --set optimizer.lr=1",
        ("'optimizer.lr'", "did you mean 'optimizer.learning_rate'?"),
    ),
    ("pretrain --set lr=1", ("'lr'", "did you mean 'optimizer.learning_rate'?")),
    ("pretrain --set model.name=fno", ("'model.name'", "did you mean 'model.variant'?")),
    ("pretrain --set batch=4", ("'batch'", "did you mean 'batch_size'?")),
    ("pretrain --config missing.toml", ("missing.toml", "laptop, paper", "path of a TOML file")),
    ("config model.size", ("'model.size'", "Did you mean 'model.preset'?")),
    ("rollout --steps -1", ("--steps", "'-1'", "at least 1", "leave it out")),
    ("report nope", ("nope is no run", "matey runs")),
    ("tokenize-inspect --save map.jpg", ("--save map.jpg", ".png or .svg", "--save map.png")),
    ("prepare missing.nc", ("missing.nc does not exist", "Name a folder or a file")),
    ("simulate burgers-1d --samples 0", ("--samples", "'0'", "at least 1", "leave it out")),
    ("pull me/none --hub .", ("has no shared run me/none", "another folder with --hub")),
)


@pytest.mark.parametrize(("line", "words"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_message_says_what_is_wrong_and_what_to_do(
    matey: Matey, line: str, words: tuple[str, ...]
) -> None:
    done = matey(*shlex.split(line))
    assert done.returncode == 2
    assert done.stdout == ""
    problem, _, remedy = done.stderr.partition("error: ")[2].partition("\n")
    assert problem.endswith((".", "?"))
    assert remedy.strip().endswith((".", "?", "FOLDER"))
    for word in words:
        assert word in done.stderr, word
    assert "Traceback" not in done.stderr
