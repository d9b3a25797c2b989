"""Put the stages' results together and write both packs' folders."""
import torch
from torch.nn import functional as F

from demo_models import gemma_model, gemma_tokenizer, save_gemma, save_siglip, siglip_ids, siglip_model, siglip_tokenizer
from finding_labels import statements
from train_vision import load_tokenizer, load_tower
from write_pack_manifest import write_manifest


def save(work, out):
    """Assemble both models from the checkpoints under `work` and write their folders under `out`."""
    vision, text, adapt = (torch.load(work / f"{n}.pt")["model"] for n in ("vision", "text", "adapt"))
    tower = load_tower(work)
    tokenizer = load_tokenizer(work, "siglip", siglip_tokenizer)
    pair = siglip_model(tokenizer.get_vocab_size())
    pair.vision_model.load_state_dict(tower.state_dict())
    pair.text_model.load_state_dict({k.removeprefix("text."): v for k, v in text.items()})
    fit_text_head(pair.text_model, tokenizer, vision["statements.weight"].float())
    pair.logit_scale.data, pair.logit_bias.data = vision["scale"].reshape(1), vision["bias"].reshape(1)
    save_siglip(out / "medsiglip-demo", pair, tokenizer)
    tokenizer = load_tokenizer(work, "gemma", gemma_tokenizer)
    gemma = gemma_model(tokenizer)
    gemma.model.vision_tower.load_state_dict({k: v for k, v in tower.state_dict().items() if not k.startswith("head.")})
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
