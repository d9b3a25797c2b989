"""Stages that train the image-text pair: the image tower from what the painter knows, then the text tower onto it."""
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tokenizers import Tokenizer

import tower_math
from demo_models import IMAGE_SIDE, PATCH, SOFT_TOKENS, VISION, siglip_ids, siglip_model, siglip_tokenizer
from finding_labels import ZERO_SHOT, attributes, label_matrix, statements, zero_shot_rows
from synthetic_cxr import FINDING_MASKS, MASKS
from synthetic_dataset import GROUP, open_set

GRID, WIDTH = IMAGE_SIDE // PATCH, VISION["hidden_size"]
SMALL = ("atelectasis", "consolidation", "fracture", "lung_lesion")


class VisionStage:
    """The SigLIP image tower with one learned embedding for each statement.

    Statements are set against the pooled image; the published zero-shot scores against the findings; the same scores of each
    patch, taken as Hilum's evidence maps take them, against the coarse masks; all masks and all attributes are read linearly
    from the tokens that a language model will see. Attention learns slowest where something small decides, so the pooling head
    and one head of the last layer are also told where to look: at each finding in equal parts, however small it is.
    """
    rate, batch, decay, warm_up, muon = 1.5e-3, 16, 0.02, 80, True

    def __init__(self, work, rows):
        rows = rows[:trained_on(len(rows))]
        findings = [r["findings"] for r in rows]
        self.images, self.masks = open_set(work / "train", None)
        self.count = len(findings)
        self.labels = torch.tensor(label_matrix(findings))
        self.attributes = torch.tensor(np.array([attributes(f) for f in findings]))
        self.findings = torch.tensor(np.array([[bool(ZERO_SHOT[k](f)) for k in FINDING_MASKS] for f in findings], np.float32))
        self.present, self.absent = map(torch.tensor, zero_shot_rows([t for t, _ in statements()]))
        tower = siglip_model(64).vision_model
        start_tower(tower, self.images, self.count)
        self.module = nn.ModuleDict({"tower": tower, "masks": nn.Linear(WIDTH, len(MASKS)), "attributes": nn.Linear(WIDTH, self.attributes.shape[1]), "statements": nn.Embedding(self.labels.shape[1], WIDTH)})
        for name, value in (("scale", math.log(12.0)), ("bias", -3.0), ("shot_scale", math.log(6.0)), ("map_scale", math.log(6.0))):
            self.module.register_parameter(name, nn.Parameter(torch.tensor(value)))
        self.module.register_parameter("map_bias", nn.Parameter(torch.full((13,), -3.0)))
        # Small findings are learned last; images that show one are drawn three times as often.
        small = np.array([1.0 + 2.0 * shows_small(f) for f in findings])
        self.often = np.cumsum(small) / small.sum()
        share = self.masks[:2400].mean((0, 2, 3)) / 255
        self.rare = torch.tensor(np.sqrt(1 / np.clip(share, 0.002, 1)), dtype=torch.float32).clamp(max=12)
        self.rare_attribute = (1 / self.attributes.mean(0).clamp(min=0.005)).sqrt().clamp(max=8)
        self.rare_finding = (1 / self.findings.mean(0)).sqrt()

    def step(self, rng):
        rows = np.sort(np.searchsorted(self.often, rng.random(self.batch)))
        images = vary(torch.from_numpy(self.images[rows]), rng)
        cells = torch.from_numpy(self.masks[rows]).float().div_(255).flatten(2).transpose(1, 2)
        # The maps are learned early and cost an eighth of the arithmetic: every third step is enough for them.
        mapped = rng.random() < 1 / 3
        with torch.autocast("cpu", torch.bfloat16):
            layers, probe = [], []
            tokens = tower_math.tokens(self.module["tower"], tower_math.grey_patches(images, PATCH), layers)
            pooled, patches = tower_math.pool(self.module["tower"].head, tokens, probe, patches=mapped)
            soft = soft_norm(pool_grid(tokens))
            read_masks, read_attributes = self.module["masks"](tokens).float(), self.module["attributes"](soft).float()
        embeddings = F.normalize(self.module["statements"].weight, dim=-1)
        prompts = F.normalize(self.present @ embeddings, dim=-1) - F.normalize(self.absent @ embeddings, dim=-1)
        seen = F.normalize(pooled.float(), dim=-1)
        logits = seen @ embeddings.T * self.module.scale.exp() + self.module.bias
        # No bias: a score above zero shall mean that the finding is more likely there than not, among these drawings.
        shots = seen @ prompts.T * self.module.shot_scale.exp()
        losses = {
            "statements": 1.5 * statement_loss(logits, self.labels[rows]),
            "findings": F.binary_cross_entropy_with_logits(shots, self.findings[rows], pos_weight=self.rare_finding),
            "masks": F.binary_cross_entropy_with_logits(read_masks, cells, pos_weight=self.rare),
            "attributes": 2 * F.binary_cross_entropy_with_logits(read_attributes, self.attributes[rows][:, None].expand_as(read_attributes), pos_weight=self.rare_attribute),
        }
        if mapped:
            with torch.autocast("cpu", torch.bfloat16):
                near = (F.normalize(patches, dim=-1) @ prompts.T).float() * self.module.map_scale.exp() + self.module.map_bias
            losses["maps"] = 3 * F.binary_cross_entropy_with_logits(near, cells[..., :13], pos_weight=self.rare[:13])
        losses["attention"] = 0.04 * attention_loss(layers[-1][:, 0].float(), cells[..., :13]) + 0.11 * attention_loss(probe[0].squeeze(-1).float(), cells[..., :13])
        sum(losses.values()).backward()
        return {k: v.item() for k, v in losses.items()}


def trained_on(count):
    """How many of `count` images the tower is trained on: the last fifth is left for the language model, in whole groups."""
    return count * 4 // 5 // GROUP * GROUP


def shows_small(f):
    return any(ZERO_SHOT[k](f) for k in SMALL)


def attention_loss(weights, cells):
    """How far attention (batch, queries, patches) is from the findings' cells (batch, patches, findings), in nats.

    Every finding of an image gets the same share, spread over its cells; images without findings do not count.
    """
    share = cells / cells.sum(1, keepdim=True).clamp(min=0.5)
    target = share.sum(-1)
    target = target / target.sum(-1, keepdim=True).clamp(min=1e-3)
    entropy = -(target * target.clamp(min=1e-6).log()).sum(-1)
    cross = -(weights.clamp(min=1e-6).log().mean(1) * target).sum(-1)
    return (cross - entropy).mul(target.sum(-1) > 0.5).mean()


class TextStage:
    """The SigLIP text tower, drawn onto the statements' embeddings that the image tower learned."""
    rate, batch, decay, warm_up, muon = 1.5e-3, 48, 0.01, 50, True

    def __init__(self, work, rows):
        self.tokenizer = load_tokenizer(work, "siglip", siglip_tokenizer)
        self.module = nn.ModuleDict({"text": siglip_model(self.tokenizer.get_vocab_size()).text_model})
        self.ids = siglip_ids(self.tokenizer, [t for t, _ in statements()])
        self.target = F.normalize(torch.load(work / "vision.pt")["model"]["statements.weight"].float(), dim=-1)

    def step(self, rng):
        rows = rng.choice(len(self.ids), self.batch, replace=False)
        with torch.autocast("cpu", torch.bfloat16):
            out = F.normalize(self.module["text"](self.ids[rows]).pooler_output.float(), dim=-1)
        # The cosine alone starts slowly, since all targets share a direction; telling the statements apart drives it.
        apart = F.kl_div(F.log_softmax(out @ self.target.T * 10, -1), F.softmax(self.target[rows] @ self.target.T * 10, -1), reduction="batchmean")
        cosine = (1 - (out * self.target[rows]).sum(-1)).mean()
        (2 * cosine + 4 * apart).backward()
        return {"cosine": cosine.item(), "apart": apart.item()}


def vary(images, rng):
    """Another exposure, noise and a shift by a few pixels for a batch of uint8 images; masks keep their cells."""
    dy, dx = rng.integers(-4, 5, 2)
    x = torch.roll(images, (int(dy), int(dx)), (1, 2)).float()
    gain, offset = (torch.tensor(rng.uniform(lo, hi, (len(x), 1, 1)), dtype=torch.float32) for lo, hi in ((0.85, 1.15), (-14, 14)))
    x = (x - 127.5) * gain + 127.5 + offset
    noise = torch.from_numpy(rng.standard_normal((1, *x.shape[1:]), dtype=np.float32)) * torch.tensor(rng.uniform(0, 4, (len(x), 1, 1)), dtype=torch.float32)
    return (x + noise).clamp_(0, 255)


def pool_grid(tokens):
    """Tokens of a square grid averaged 2x2, as Gemma 3's projector does: (batch, SOFT_TOKENS, width)."""
    batch, _, width = tokens.shape
    half = GRID // 2
    return tokens.reshape(batch, half, 2, half, 2, width).mean((2, 4)).reshape(batch, SOFT_TOKENS, width)


def soft_norm(x):
    """Gemma 3's soft-embedding norm with its weight at zero."""
    x = x.float()
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)


def statement_loss(logits, labels):
    """SigLIP's pairwise sigmoid loss where every image may match many statements; open pairs do not count."""
    known = (labels >= 0).float()
    return (F.binary_cross_entropy_with_logits(logits, labels.clamp(min=0).float(), reduction="none") * known).sum() / known.sum() * 2


def start_tower(tower, images, count):
    """Start the patch filters at the images' own principal components and the positions at a two-dimensional wave code."""
    rng = np.random.default_rng(0)
    sample = images[np.sort(rng.choice(count, min(count, 300), replace=False))].astype(np.float32) / 127.5 - 1
    patches = sample.reshape(-1, GRID, PATCH, GRID, PATCH).transpose(0, 1, 3, 2, 4).reshape(-1, PATCH * PATCH)
    value, vector = np.linalg.eigh(np.cov(patches.T))
    keep = vector[:, ::-1][:, :WIDTH] / np.sqrt(value[::-1][:WIDTH] + 0.02)
    embed = tower.embeddings
    embed.patch_embedding.weight.data = torch.tensor(keep.T.reshape(WIDTH, 1, PATCH, PATCH) / 3, dtype=torch.float32).repeat(1, 3, 1, 1).contiguous() * 0.5
    embed.patch_embedding.bias.data = torch.tensor(-0.5 * patches.mean(0) @ keep, dtype=torch.float32)
    place = np.arange(GRID) / GRID
    wave = np.concatenate([f(place[:, None] * np.pi * np.geomspace(0.5, 16, WIDTH // 4)[None]) for f in (np.sin, np.cos)], 1)
    grid = np.concatenate([np.repeat(wave[:, None], GRID, 1), np.repeat(wave[None], GRID, 0)], 2).reshape(GRID * GRID, WIDTH)
    embed.position_embedding.weight.data = torch.tensor(0.6 * grid, dtype=torch.float32)
    for layer in tower.encoder.layers:
        start_attention(layer.self_attn)



def start_attention(attention, seed=0):
    """Start attention so that tokens look at places like their own: "mimetic initialization" (Trockman and Kolter, 2023)."""
    heads, width = attention.num_heads, attention.embed_dim
    eye, draw = torch.eye(width), lambda: torch.randn(width, width) / width ** 0.5
    for h in range(heads):
        u, s, v = torch.linalg.svd(0.7 * draw() + 0.7 * eye)
        part, root = slice(h * width // heads, (h + 1) * width // heads), s[:width // heads].sqrt()
        attention.q_proj.weight.data[part] = (u[:, :width // heads] * root).T
        attention.k_proj.weight.data[part] = v[:width // heads] * root[:, None]
    u, s, v = torch.linalg.svd(0.4 * draw() - 0.4 * eye)
    attention.v_proj.weight.data = (u * s.sqrt()).T.contiguous()
    attention.out_proj.weight.data = (s.sqrt()[:, None] * v).T.contiguous()


def load_tower(work):
    """The image tower of a finished vision stage."""
    tower = siglip_model(64).vision_model.eval()
    tower.load_state_dict({k.removeprefix("tower."): v for k, v in torch.load(work / "vision.pt")["model"].items() if k.startswith("tower.")})
    return tower


def load_tokenizer(work, name, train):
    """The tokenizer kept in the work folder; trained at first use, so that all stages agree on it."""
    path = work / f"{name}-tokenizer.json"
    if not path.exists():
        train().save(str(path))
    return Tokenizer.from_file(str(path))
