"""The SigLIP towers' arithmetic written for training on a processor, over the parameters of transformers' own modules.

What comes out equals `SiglipVisionModel`'s result; two things make it faster: the patches of a grey image are multiplied once
instead of once a channel, and attention is two batched products instead of the fused kernel, whose backward pass is slow on a
processor. `patch_features` is what Hilum's evidence maps use: each patch through the pooling head as if it were the only one.
"""
import torch
from torch.nn import functional as F


def grey_patches(images, patch):
    """uint8 images (batch, side, side) as rows of one channel in -1..1: (batch, patches, patch * patch)."""
    batch, side, _ = images.shape
    grid = side // patch
    x = images.float().div(127.5).sub(1).reshape(batch, grid, patch, grid, patch)
    return x.transpose(2, 3).reshape(batch, grid * grid, patch * patch)


def tokens(tower, patches, watch=None):
    """Patch tokens after the last normalisation, (batch, patches, width); `watch` receives each layer's attention weights."""
    embed = tower.embeddings
    x = F.linear(patches, embed.patch_embedding.weight.sum(1).flatten(1), embed.patch_embedding.bias) + embed.position_embedding.weight
    for layer in tower.encoder.layers:
        x = x + _attend(layer.self_attn, layer.layer_norm1(x), watch)
        x = x + layer.mlp(layer.layer_norm2(x))
    return tower.post_layernorm(x)


def _attend(attention, x, watch):
    batch, count, width = x.shape
    heads = attention.num_heads
    def split(t):
        return t.view(batch, count, heads, width // heads).transpose(1, 2).reshape(batch * heads, count, width // heads)
    q, k, v = split(attention.q_proj(x)), split(attention.k_proj(x)), split(attention.v_proj(x))
    weights = torch.softmax(torch.bmm(q * attention.scale, k.transpose(1, 2)), -1)
    if watch is not None:
        watch.append(weights.view(batch, heads, count, count))
    out = torch.bmm(weights, v).view(batch, heads, count, width // heads).transpose(1, 2).reshape(batch, count, width)
    return attention.out_proj(out)


def pool(head, x, watch=None, patches=True):
    """The attention-pooling head: (pooled (batch, width), patch features (batch, patches, width)), neither normalised.

    `watch` receives the attention weights, (batch, heads, patches, 1). Without `patches` their features are left out.
    """
    batch, count, width = x.shape
    mha = head.attention
    heads = mha.num_heads
    wq, wk, wv = mha.in_proj_weight.chunk(3)
    bq, bk, bv = mha.in_proj_bias.chunk(3)
    q = F.linear(head.probe[0], wq, bq).view(1, heads, 1, width // heads)
    k = F.linear(x, wk, bk).view(batch, count, heads, width // heads).transpose(1, 2)
    values = F.linear(x, wv, bv)
    weights = torch.softmax((q * k).sum(-1).float() * (width // heads) ** -0.5, -1)[..., None]
    if watch is not None:
        watch.append(weights)
    mixed = (weights * values.view(batch, count, heads, width // heads).transpose(1, 2)).sum(2).reshape(batch, 1, width)
    out = mha.out_proj(torch.cat([mixed.to(values.dtype), values], 1) if patches else mixed.to(values.dtype))
    out = out + head.mlp(head.layernorm(out))
    return out[:, 0], out[:, 1:]


def patch_features(head, x):
    return pool(head, x)[1]
