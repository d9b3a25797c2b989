#!/usr/bin/env python3
"""Train the two demo packs on synthetic radiographs. Every stage can be stopped and goes on from its last checkpoint.

    synthetic_dataset.py WORK/train --count 24000 --seed 1        first: the images
    train_demo_packs.py vision   --work WORK --minutes 20         image tower, against statements and coarse masks
    train_demo_packs.py language --work WORK --minutes 12         language model, reading the masks in place of an image
    train_demo_packs.py text     --work WORK --minutes 4          text tower, onto the statements' learned embeddings
    train_demo_packs.py adapt    --work WORK --minutes 12         language model, reading the trained image tower
    train_demo_packs.py save     --work WORK --out models/demo    writes both folders

`vision` and `language` do not depend on each other and can run side by side. A stage ends after --steps or --minutes of
processor time a thread (a busy machine does not shorten it), whichever comes first, and its learning rate falls to zero by then.
"""
import argparse
import math
import pathlib
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tokenizers import Tokenizer

from demo_models import BOS, END_OF_TURN, IMAGE_SIDE, PATCH, gemma_model, gemma_tokenizer, language_sample, prompt_text, save_gemma, save_siglip, siglip_ids, siglip_model, siglip_tokenizer
from report_language import statements
from synthetic_cxr import MASKS
from synthetic_dataset import load_findings, open_set
from write_pack_manifest import write_manifest

GRID = IMAGE_SIDE // PATCH


class VisionStage:
    """The SigLIP image tower with one learned embedding for each statement and a read-out of the coarse masks."""
    rate, batch, decay, warm_up = 1.5e-3, 24, 0.02, 100

    def __init__(self, work, findings):
        self.images, self.masks = open_set(work / "train", None)
        self.labels = torch.tensor(label_matrix(findings))
        self.module = nn.ModuleDict({"tower": siglip_model(64).vision_model, "masks": nn.Linear(128, len(MASKS)), "statements": nn.Embedding(self.labels.shape[1], 128)})
        self.module.register_parameter("scale", nn.Parameter(torch.tensor(math.log(12.0))))
        self.module.register_parameter("bias", nn.Parameter(torch.tensor(-3.0)))
        start_tower(self.module["tower"], self.images, len(findings))
        self.rare = torch.tensor(np.sqrt(1 / np.clip(self.masks[:1500].mean((0, 2, 3)) / 255, 0.002, 1)), dtype=torch.float32).clamp(max=12)
        self.count = len(findings)

    def loss(self, rng):
        rows = np.sort(rng.integers(0, self.count, self.batch))
        pixels = torch.from_numpy(self.images[rows]).float().div_(127.5).sub_(1)[:, None].expand(-1, 3, -1, -1)
        target = torch.from_numpy(self.masks[rows]).float().div_(255).flatten(2).transpose(1, 2)
        out = self.module["tower"](pixels)
        dense = F.binary_cross_entropy_with_logits(self.module["masks"](out.last_hidden_state.float()), target, pos_weight=self.rare)
        logits = statement_logits(out.pooler_output.float(), self.module["statements"].weight, self.module.scale, self.module.bias)
        return dense + 1.5 * statement_loss(logits, self.labels[rows])


class LanguageStage:
    """The Gemma 3 language model; soft tokens are a linear reading of the coarse masks, standing in for the image tower."""
    rate, batch, decay, warm_up = 2e-3, 16, 0.01, 100

    def __init__(self, work, findings):
        self.findings = findings
        self.tokenizer = load_tokenizer(work, "gemma", gemma_tokenizer)
        model = gemma_model(self.tokenizer).model
        self.module = nn.ModuleDict({"lm": model.language_model, "project": nn.Linear(len(MASKS), 128, bias=False)})
        nn.init.normal_(model.language_model.embed_tokens.weight, std=0.05)
        nn.init.normal_(self.module["project"].weight, std=0.5)
        _, self.masks = open_set(work / "train", None)

    def soft_tokens(self, rows, rng):
        cells = torch.from_numpy(self.masks[rows]).float().div_(255)
        cells = F.avg_pool2d(cells, 2).flatten(2).transpose(1, 2)
        return self.module["project"](cells + 0.03 * torch.randn(cells.shape))

    def loss(self, rng):
        rows = rng.integers(0, len(self.findings), self.batch)
        return language_loss(self.module["lm"], self.tokenizer, [language_sample(self.findings[i], rng) for i in rows], self.soft_tokens(rows, rng))


class TextStage:
    """The SigLIP text tower, drawn onto the statements' embeddings that the image tower learned."""
    rate, batch, decay, warm_up = 1.5e-3, 48, 0.01, 50

    def __init__(self, work, findings):
        self.tokenizer = load_tokenizer(work, "siglip", siglip_tokenizer)
        self.module = siglip_model(self.tokenizer.get_vocab_size()).text_model
        self.ids = siglip_ids(self.tokenizer, [t for t, _ in statements()])
        self.target = F.normalize(torch.load(work / "vision.pt")["model"]["statements.weight"].float(), dim=-1)

    def loss(self, rng):
        rows = rng.choice(len(self.ids), self.batch, replace=False)
        out = F.normalize(self.module(self.ids[rows]).pooler_output.float(), dim=-1)
        # The cosine alone starts slowly, since all targets share a direction; telling the statements apart drives it.
        apart = F.kl_div(F.log_softmax(out @ self.target.T * 10, -1), F.softmax(self.target[rows] @ self.target.T * 10, -1), reduction="batchmean")
        return 2 * (1 - (out * self.target[rows]).sum(-1)).mean() + 4 * apart


class AdaptStage(LanguageStage):
    """The language model again, now reading the trained image tower through Gemma 3's own projector."""
    rate, warm_up, images = 1e-3, 20, 2500

    def __init__(self, work, findings):
        findings = findings[:self.images]
        super().__init__(work, findings)
        state = torch.load(work / "language.pt")["model"]
        self.module.load_state_dict(state)
        self.features = pooled_features(work, len(findings))
        cells = torch.from_numpy(np.array(self.masks[:min(3000, len(self.features))])).float().div_(255)
        cells = F.avg_pool2d(cells, 2).flatten(2).transpose(1, 2).reshape(-1, len(MASKS))
        x = soft_norm(torch.from_numpy(self.features[:3000]).float()).reshape(-1, 128)
        reading = torch.linalg.solve(x.T @ x + 0.003 * len(x) * torch.eye(128), x.T @ cells)
        self.module["project"] = nn.Linear(128, 128, bias=False)
        self.module["project"].weight.data = (reading @ state["project.weight"].float().T).T.contiguous()

    def soft_tokens(self, rows, rng):
        return self.module["project"](soft_norm(torch.from_numpy(self.features[rows]).float()))


STAGES = {"vision": VisionStage, "language": LanguageStage, "text": TextStage, "adapt": AdaptStage}


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("stage", choices=[*STAGES, "save"])
    a.add_argument("--work", type=pathlib.Path, required=True)
    a.add_argument("--out", type=pathlib.Path, default=pathlib.Path("models/demo"))
    a.add_argument("--steps", type=int, default=10**9)
    a.add_argument("--minutes", type=float, default=15)
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--threads", type=int, default=2)
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    if a.stage == "save":
        save(a.work, a.out)
    else:
        run_stage(a.stage, a)


def run_stage(name, a):
    torch.manual_seed(a.seed)
    stage = STAGES[name](a.work, load_findings(a.work / "train"))
    groups = [{"params": [p for p in stage.module.parameters() if p.ndim > 1], "weight_decay": stage.decay}, {"params": [p for p in stage.module.parameters() if p.ndim < 2], "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=stage.rate, betas=(0.9, 0.98))
    path, step, spent = a.work / f"{name}.pt", 0, 0.0
    if path.exists():
        saved = torch.load(path)
        stage.module.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        step, spent = saved["step"], saved["spent"]
    def keep():
        torch.save(dict(model=stage.module.state_dict(), optimiser=optimiser.state_dict(), step=step, spent=spent), path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)
    mean, told, kept = None, time.time(), time.time()
    while True:
        progress = max(step / a.steps, spent / (60 * a.minutes))
        if progress >= 1:
            break
        started = time.process_time()
        rate = stage.rate * min(1, (step + 1) / stage.warm_up) * (0.5 + 0.5 * math.cos(math.pi * progress))
        for g in optimiser.param_groups:
            g["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16):
            loss = stage.loss(np.random.default_rng((a.seed, step)))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(stage.module.parameters(), 1.0)
        optimiser.step()
        step, spent = step + 1, spent + (time.process_time() - started) / a.threads
        mean = loss.item() if mean is None else 0.98 * mean + 0.02 * loss.item()
        if time.time() - told > 20:
            told = time.time()
            print(f"{name} step {step} minutes {spent / 60:.1f} rate {rate:.1e} loss {mean:.4f}", flush=True)
        if time.time() - kept > 60:
            kept = time.time()
            keep()
    keep()
    print(f"{name} done: {step} steps, {spent / 60:.1f} minutes, loss {mean}", flush=True)


def save(work, out):
    """Assemble both models from the stages' checkpoints and write their folders."""
    vision, text, adapt = (torch.load(work / f"{n}.pt")["model"] for n in ("vision", "text", "adapt"))
    tower = {k.removeprefix("tower."): v for k, v in vision.items() if k.startswith("tower.")}
    tokenizer = load_tokenizer(work, "siglip", siglip_tokenizer)
    pair = siglip_model(tokenizer.get_vocab_size())
    pair.vision_model.load_state_dict(tower)
    pair.text_model.load_state_dict(text)
    fit_text_head(pair.text_model, tokenizer, vision["statements.weight"].float())
    pair.logit_scale.data, pair.logit_bias.data = vision["scale"].reshape(1), vision["bias"].reshape(1)
    save_siglip(out / "medsiglip-demo", pair, tokenizer)
    tokenizer = load_tokenizer(work, "gemma", gemma_tokenizer)
    gemma = gemma_model(tokenizer)
    gemma.model.vision_tower.load_state_dict({k: v for k, v in tower.items() if not k.startswith("head.")})
    gemma.model.language_model.load_state_dict({k.removeprefix("lm."): v for k, v in adapt.items() if k.startswith("lm.")})
    gemma.model.multi_modal_projector.mm_input_projection_weight.data = adapt["project.weight"].T.contiguous()
    gemma.model.multi_modal_projector.mm_soft_emb_norm.weight.data.zero_()
    save_gemma(out / "medgemma-demo", gemma, tokenizer)
    for name, kind in (("medgemma-demo", "medgemma"), ("medsiglip-demo", "medsiglip")):
        write_manifest(out / name, kind)


def fit_text_head(tower, tokenizer, embeddings, penalty=1e-3):
    """Solve the text tower's last linear layer for the statements' embeddings (ridge regression), after its training."""
    tower = tower.to(torch.bfloat16).float().eval()
    with torch.no_grad():
        x = tower(siglip_ids(tokenizer, [t for t, _ in statements()])).last_hidden_state[:, -1]
    y = F.normalize(embeddings, dim=-1)
    mx, my = x.mean(0), y.mean(0)
    weight = torch.linalg.solve((x - mx).T @ (x - mx) + penalty * len(x) * torch.eye(x.shape[1]), (x - mx).T @ (y - my))
    tower.head.weight.data, tower.head.bias.data = weight.T.contiguous(), my - mx @ weight
    with torch.no_grad():
        print(f"text head: mean cosine {F.cosine_similarity(x @ tower.head.weight.T + tower.head.bias, y).mean():.3f}")


def label_matrix(findings):
    """Which statements are true of which image: (images, statements) int8, -1 where a statement is left open."""
    tests = [t for _, t in statements()]
    return np.array([[-1 if (v := t(f)) is None else int(v) for t in tests] for f in findings], np.int8)


def statement_logits(images, embeddings, scale, bias):
    return F.normalize(images, dim=-1) @ F.normalize(embeddings.float(), dim=-1).T * scale.exp() + bias


def statement_loss(logits, labels):
    """SigLIP's pairwise sigmoid loss where every image may match many statements; open pairs do not count."""
    known = (labels >= 0).float()
    return (F.binary_cross_entropy_with_logits(logits, labels.clamp(min=0).float(), reduction="none") * known).sum() / known.sum() * 2


def start_tower(tower, images, count):
    """Start the patch filters at the images' own principal components and the positions at a two-dimensional wave code."""
    rng = np.random.default_rng(0)
    sample = images[np.sort(rng.choice(count, min(count, 200), replace=False))].astype(np.float32) / 127.5 - 1
    patches = sample.reshape(-1, GRID, PATCH, GRID, PATCH).transpose(0, 1, 3, 2, 4).reshape(-1, PATCH * PATCH)
    value, vector = np.linalg.eigh(np.cov(patches.T))
    keep = vector[:, ::-1][:, :128] / np.sqrt(value[::-1][:128] + 0.02)
    embed = tower.embeddings
    embed.patch_embedding.weight.data = torch.tensor(keep.T.reshape(128, 1, PATCH, PATCH) / 3, dtype=torch.float32).repeat(1, 3, 1, 1).contiguous() * 0.5
    embed.patch_embedding.bias.data = torch.tensor(-0.5 * patches.mean(0) @ keep, dtype=torch.float32)
    place = np.arange(GRID) / GRID
    wave = np.concatenate([f(place[:, None] * np.pi * np.geomspace(0.5, 16, 32)[None]) for f in (np.sin, np.cos)], 1)
    grid = np.concatenate([np.repeat(wave[:, None], GRID, 1), np.repeat(wave[None], GRID, 0)], 2).reshape(GRID * GRID, 128)
    embed.position_embedding.weight.data = torch.tensor(0.3 * grid, dtype=torch.float32)


def language_loss(lm, tokenizer, samples, soft):
    """Next-token loss over the answers. `soft`: (batch, 64, hidden) soft tokens, used by the samples that have an image."""
    image_id = tokenizer.token_to_id("<image_soft_token>")
    prompts = [[BOS] + e.ids for e in tokenizer.encode_batch([prompt_text(p, i) for p, _, i in samples], add_special_tokens=False)]
    answers = [e.ids + [END_OF_TURN] for e in tokenizer.encode_batch([a for _, a, _ in samples], add_special_tokens=False)]
    longest = max(len(p) + len(t) for p, t in zip(prompts, answers)) - 1
    ids = torch.zeros(len(samples), longest, dtype=torch.long)
    target = torch.full((len(samples), longest), -100)
    for r, (p, t) in enumerate(zip(prompts, answers)):
        row = torch.tensor(p + t)
        ids[r, :len(row) - 1] = row[:-1]
        target[r, len(p) - 1:len(row) - 1] = row[len(p):]
    picture = ids == image_id
    embeds = lm.embed_tokens(ids).float()
    with_image = torch.tensor([i for _, _, i in samples])
    embeds = embeds.masked_scatter(picture[..., None], soft[with_image].float().reshape(-1))
    causal = torch.ones(longest, longest, dtype=torch.bool).tril()
    # Soft tokens of one image see each other both ways, as in Gemma 3; every row sees itself, so none is empty.
    allowed = (causal[None] | (picture[:, :, None] & picture[:, None, :]))[:, None]
    hidden = lm(inputs_embeds=embeds, attention_mask={"full_attention": allowed, "sliding_attention": allowed}, use_cache=False).last_hidden_state
    wanted = target >= 0
    return F.cross_entropy((hidden[wanted] @ lm.embed_tokens.weight.T).float(), target[wanted])


def pooled_features(work, count):
    """The image tower's output for all training images, pooled 2x2 as in Gemma 3: (images, 64, 128) float16, kept in a file."""
    path = work / "features.npy"
    if not path.exists():
        tower = siglip_model(64).vision_model.eval()
        tower.load_state_dict({k.removeprefix("tower."): v for k, v in torch.load(work / "vision.pt")["model"].items() if k.startswith("tower.")})
        images, _ = open_set(work / "train", None)
        out = np.zeros((count, 64, 128), np.float16)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            for i in range(0, count, 32):
                pixels = torch.from_numpy(np.array(images[i:min(i + 32, count)])).float().div_(127.5).sub_(1)[:, None].expand(-1, 3, -1, -1)
                hidden = tower(pixels).last_hidden_state.float().transpose(1, 2).reshape(-1, 128, GRID, GRID)
                out[i:i + 32] = F.avg_pool2d(hidden, 2).flatten(2).transpose(1, 2).numpy()
        np.save(path, out)
    return np.load(path)


def soft_norm(x):
    """Gemma 3's soft-embedding norm with its weight at zero."""
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)


def load_tokenizer(work, name, train):
    """The tokenizer kept in the work folder; trained at first use, so that all stages agree on it."""
    path = work / f"{name}-tokenizer.json"
    if not path.exists():
        train().save(str(path))
    return Tokenizer.from_file(str(path))


if __name__ == "__main__":
    main()
