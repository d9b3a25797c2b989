"""Stages that train the language model: first reading attributes in place of an image, then reading the trained image tower."""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import tower_math
from demo_models import BOS, END_OF_TURN, PATCH, SOFT_TOKENS, VISION, gemma_model, gemma_tokenizer, prompt_text
from finding_labels import attributes
from language_tasks import task
from synthetic_dataset import GROUP, open_set
from synthetic_findings import sample_findings, sample_prior
from train_vision import load_tokenizer, load_tower, pool_grid, shows_small, soft_norm, trained_on

# How many samples of each task make one step.
MIX = (("report", 6), ("question", 2), ("compare", 4), ("rewrite", 3))


class LanguageStage:
    """The Gemma 3 language model. Its soft tokens are a noisy linear image of the attributes, the same for all of one image.

    It needs no drawing: findings are sampled afresh for every step. Since all soft tokens of an image say the same here, a few
    of them do, in changing number, and steps are that much cheaper.
    """
    rate, decay, warm_up, muon = 1.5e-3, 0.01, 40, True
    inputs = None

    def __init__(self, work, rows):
        self.rows = rows
        self.tokenizer = load_tokenizer(work, "gemma", gemma_tokenizer)
        model = gemma_model(self.tokenizer, "eager").model
        self.width = model.config.text_config.hidden_size
        self.module = nn.ModuleDict({"lm": model.language_model, "project": nn.Linear(len(attributes(sample_findings(np.random.default_rng(0)))), self.width, bias=False)})
        nn.init.normal_(model.language_model.embed_tokens.weight, std=0.05)
        nn.init.normal_(self.module["project"].weight, std=0.5)

    def step(self, rng):
        losses = {}
        total, count = sum(n for _, n in MIX), self.soft_count(rng)
        for kind, n in MIX:
            pairs, pictures = self.draw(kind, n, rng)
            samples = [task(kind, now, then, rng) for now, then in pairs]
            soft = self.soft_tokens([p for p, s in zip(pictures, samples) for p in (p[-s[2]:] if s[2] else [])], count)
            with torch.autocast("cpu", torch.bfloat16):
                loss = language_loss(self.module["lm"], self.tokenizer, samples, soft, count)
            (loss * n / total).backward()
            losses[kind] = loss.item()
        return losses

    def draw(self, kind, n, rng):
        """`n` pairs (current, prior) of findings, and for each the pictures (prior, current) that soft tokens are made of."""
        pairs = []
        for _ in range(n):
            f = sample_findings(rng)
            pairs.append((f, sample_prior(f, rng)))
        return pairs, pairs_reversed(pairs)

    def soft_count(self, rng):
        return int(rng.integers(6, 24))

    def soft_tokens(self, pictures, count):
        if not pictures:
            return torch.zeros(0, self.width)
        a = torch.from_numpy(np.array([attributes(f) for f in pictures]))
        a = a + 0.12 * torch.randn(a.shape)
        a = a[:, None] + 0.15 * torch.randn(len(pictures), count, a.shape[1])
        return self.module["project"](a)


class AdaptStage(LanguageStage):
    """The language model again, now reading the trained image tower through Gemma 3's own projector.

    It reads images that the tower was not trained on, since of those the tower is surer than it will be of any other. The
    projector starts at a ridge regression from the tower's tokens to the attributes, followed by the reading of the attributes
    that the language stage learned.
    """
    rate, warm_up = 1.2e-3, 40

    def __init__(self, work, rows):
        self.first = trained_on(len(rows))
        super().__init__(work, rows[self.first:])
        state = torch.load(work / "language.pt")["model"]
        self.module.load_state_dict(state)
        self.priors = [i for i, r in enumerate(self.rows) if r["prior"] is not None]
        self.features = tower_features(work, self.first, len(rows))
        often = np.where([shows_small(r["findings"]) for r in self.rows], 2.0, 1.0)
        self.often = often / often.sum()
        self.module["project"] = nn.Linear(VISION["hidden_size"], self.width, bias=False)
        self.module["project"].weight.data = (ridge(self.features, self.rows) @ state["project.weight"].float().T).T.contiguous()

    def draw(self, kind, n, rng):
        now = rng.choice(len(self.rows), n, p=self.often)
        then = now
        if kind == "compare":
            now, then = zip(*(self.pair(rng) for _ in now))
        return [(self.rows[i]["findings"], self.rows[j]["findings"]) for i, j in zip(now, then)], list(zip(then, now))

    def pair(self, rng):
        """Two images of one thorax: an examination and its prior in either order, or, more rarely, any two of them."""
        i = int(rng.choice(self.priors))
        j = self.rows[i]["prior"] - self.first
        if rng.random() < 0.35:
            i, j = i // GROUP * GROUP + rng.choice(GROUP, 2, replace=False)
        return (i, j) if rng.random() < 0.6 else (j, i)

    def soft_count(self, rng):
        return SOFT_TOKENS

    def soft_tokens(self, pictures, count):
        if not pictures:
            return torch.zeros(0, self.width)
        x = torch.from_numpy(self.features[np.array(pictures)]).float()
        return self.module["project"](soft_norm(x + 0.05 * torch.randn(x.shape)))


def pairs_reversed(pairs):
    return [(then, now) for now, then in pairs]


def ridge(features, rows, penalty=0.003, count=3000):
    """Least squares from soft tokens to attributes, (width, attributes)."""
    x = soft_norm(torch.from_numpy(features[:count])).reshape(-1, features.shape[-1])
    y = torch.tensor(np.array([attributes(r["findings"]) for r in rows[:count]])).repeat_interleave(SOFT_TOKENS, 0)
    return torch.linalg.solve(x.T @ x + penalty * len(x) * torch.eye(x.shape[1]), x.T @ y)


def tower_features(work, first, end):
    """The image tower's output for training images `first` to `end`, pooled 2x2, (images, 64, width) float16, kept in a file."""
    path = work / "features.npy"
    if not path.exists():
        tower, (images, _) = load_tower(work), open_set(work / "train", None)
        out = np.zeros((end - first, SOFT_TOKENS, VISION["hidden_size"]), np.float16)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            for i in range(first, end, 32):
                batch = torch.from_numpy(np.array(images[i:min(i + 32, end)]))
                out[i - first:i - first + 32] = pool_grid(tower_math.tokens(tower, tower_math.grey_patches(batch, PATCH))).float().numpy()
        np.save(path, out)
    return np.load(path)


def language_loss(lm, tokenizer, samples, soft, count):
    """Next-token loss over the answers. `soft`: soft tokens (images, count, hidden) of all images of all samples, in order."""
    image_id = tokenizer.token_to_id("<image_soft_token>")
    prompts = [[BOS] + e.ids for e in tokenizer.encode_batch([prompt_text(p, n, count) for p, _, n in samples], add_special_tokens=False)]
    answers = [e.ids + [END_OF_TURN] for e in tokenizer.encode_batch([a for _, a, _ in samples], add_special_tokens=False)]
    longest = max(len(p) + len(t) for p, t in zip(prompts, answers)) - 1
    ids = torch.zeros(len(samples), longest, dtype=torch.long)
    target = torch.full((len(samples), longest), -100)
    for r, (p, t) in enumerate(zip(prompts, answers)):
        row = torch.tensor(p + t)
        ids[r, :len(row) - 1] = row[:-1]
        target[r, len(p) - 1:len(row) - 1] = row[len(p):]
    picture = ids == image_id
    # Gemma multiplies word embeddings by sqrt(width) inside embed_tokens; soft tokens are not multiplied.
    embeds = lm.embed_tokens(ids).float().masked_scatter(picture[..., None], soft.float().reshape(-1))
    hidden = lm(inputs_embeds=embeds, attention_mask=dict.fromkeys(("full_attention", "sliding_attention"), image_mask(picture)), use_cache=False).last_hidden_state
    wanted = target >= 0
    return F.cross_entropy((hidden[wanted] @ lm.embed_tokens.weight.T).float(), target[wanted])


def image_mask(picture):
    """Additive attention mask (batch, 1, n, n): causal, but soft tokens of one image see each other both ways, as in Gemma 3."""
    n = picture.shape[1]
    starts = picture & ~F.pad(picture, (1, 0))[:, :-1]
    which = torch.where(picture, starts.cumsum(1), 0)
    same = (which[:, :, None] == which[:, None, :]) & (which[:, :, None] > 0)
    allowed = torch.ones(n, n, dtype=torch.bool).tril()[None] | same
    return torch.where(allowed, 0.0, -1e9)[:, None]
