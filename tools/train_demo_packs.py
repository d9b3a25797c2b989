#!/usr/bin/env python3
"""Train the two demo packs on synthetic radiographs. Every stage can be stopped and goes on from its last checkpoint.

    synthetic_dataset.py WORK/train --count 36000 --seed 12       first: the images
    train_demo_packs.py vision   --work WORK --minutes 55         image tower, against statements, attributes and coarse masks
    train_demo_packs.py language --work WORK --minutes 30         language model, reading attributes in place of an image
    train_demo_packs.py text     --work WORK --minutes 4          text tower, onto the statements' learned embeddings
    train_demo_packs.py adapt    --work WORK --minutes 30         language model, reading the trained image tower
    train_demo_packs.py save     --work WORK --out models/demo    writes both folders

`vision` and `language` do not depend on each other and can run side by side. A stage ends after --steps, after --minutes of
processor time a thread, or at --until HH:MM of the clock, whichever comes first, and its learning rate falls to zero by then.
`--from OTHER/vision.pt` starts a stage at another run's weights of the same shapes; by default a stage starts from nothing.
"""
import argparse
import datetime
import math
import pathlib
import time

import numpy as np
import torch
from torch import nn

from synthetic_dataset import load_rows
from train_language import AdaptStage, LanguageStage
from train_vision import TextStage, VisionStage

STAGES = {"vision": VisionStage, "language": LanguageStage, "text": TextStage, "adapt": AdaptStage}


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("stage", choices=[*STAGES, "save"])
    a.add_argument("--work", type=pathlib.Path, required=True)
    a.add_argument("--out", type=pathlib.Path, default=pathlib.Path("models/demo"))
    a.add_argument("--steps", type=int, default=10**9)
    a.add_argument("--minutes", type=float, default=15)
    a.add_argument("--until", help="HH:MM of today's clock")
    a.add_argument("--from", dest="start", type=pathlib.Path)
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--threads", type=int, default=1)
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    if a.stage == "save":
        from save_demo_packs import save
        save(a.work, a.out)
    else:
        run_stage(a.stage, a)


def run_stage(name, a):
    torch.manual_seed(a.seed)
    stage = STAGES[name](a.work, load_rows(a.work / "train"))
    if a.start:
        stage.module.load_state_dict(torch.load(a.start)["model"])
    optimisers = make_optimisers(stage)
    path, step, spent = a.work / f"{name}.pt", 0, 0.0
    if path.exists():
        saved = torch.load(path)
        stage.module.load_state_dict(saved["model"])
        for optimiser, state in zip(optimisers, saved["optimisers"]):
            optimiser.load_state_dict(state)
        step, spent = saved["step"], saved["spent"]
    def keep():
        torch.save(dict(model=stage.module.state_dict(), optimisers=[o.state_dict() for o in optimisers], step=step, spent=spent), path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)
    began, end = time.time(), math.inf
    if a.until:
        hour, minute = map(int, a.until.split(":"))
        end = datetime.datetime.now().replace(hour=hour, minute=minute, second=0).timestamp()
    before = spent
    mean, told, kept = None, time.time(), time.time()
    while True:
        # Where the clock decides, progress is what was spent so far over what will have been spent by then at this pace.
        by_clock = 0.0
        if a.until and time.time() > began + 5:
            pace = (spent - before) / (time.time() - began)
            by_clock = 1.0 if time.time() >= end else spent / (spent + pace * (end - time.time()))
        progress = max(step / a.steps, spent / (60 * a.minutes), by_clock)
        if progress >= 1:
            break
        started = time.process_time()
        rate = stage.rate * min(1, (step + 1) / stage.warm_up) * (0.5 + 0.5 * math.cos(math.pi * progress))
        for optimiser in optimisers:
            for g in optimiser.param_groups:
                g["lr"] = rate
            optimiser.zero_grad(set_to_none=True)
        parts = stage.step(np.random.default_rng((a.seed, step)))
        nn.utils.clip_grad_norm_(stage.module.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
        step, spent = step + 1, spent + (time.process_time() - started) / a.threads
        mean = {k: 0.98 * (mean or parts).get(k, v) + 0.02 * v for k, v in parts.items()} | {k: v for k, v in (mean or {}).items() if k not in parts}
        if time.time() - told > 20:
            told = time.time()
            print(f"{name} step {step} minutes {spent / 60:.1f} progress {progress:.2f} rate {rate:.1e}", " ".join(f"{k} {v:.4f}" for k, v in mean.items()), flush=True)
        if time.time() - kept > 60:
            kept = time.time()
            keep()
    keep()
    print(f"{name} done: {step} steps, {spent / 60:.1f} minutes", mean, flush=True)


def make_optimisers(stage):
    """Muon for the matrices inside transformer layers where the stage asks for it, AdamW for everything else."""
    inside = {n: p for n, p in stage.module.named_parameters() if p.ndim == 2 and ".layers." in n and stage.muon}
    rest = [(n, p) for n, p in stage.module.named_parameters() if n not in inside]
    groups = [{"params": [p for _, p in rest if p.ndim > 1], "weight_decay": stage.decay}, {"params": [p for _, p in rest if p.ndim < 2], "weight_decay": 0.0}]
    out = [torch.optim.AdamW(groups, lr=stage.rate, betas=(0.9, 0.98))]
    if inside:
        out.append(torch.optim.Muon(list(inside.values()), lr=stage.rate, weight_decay=stage.decay, adjust_lr_fn="match_rms_adamw"))
    return out


if __name__ == "__main__":
    main()
