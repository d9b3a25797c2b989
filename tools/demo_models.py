"""Shapes, tokenizers and files of the demo packs: a small Gemma 3 vision-language model and a small SigLIP pair.

Both are the published architectures at a small size, built with transformers' own classes. Tokenizers have the file shape of
the real ones (Gemma: BPE with byte fallback, Gemma's names and numbers for control tokens; SigLIP: lower-casing unigram,
`</s>` appended and used as padding up to 64) and are trained here on the project's own sentences.
"""
import json

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import Gemma3Config, Gemma3ForConditionalGeneration, SiglipConfig, SiglipModel

from finding_labels import statements
from language_tasks import task
from report_language import report
from synthetic_findings import sample_findings, sample_prior

IMAGE_SIDE, PATCH, SOFT_TOKENS = 224, 14, 64
VISION = dict(hidden_size=192, intermediate_size=384, num_hidden_layers=4, num_attention_heads=3, image_size=IMAGE_SIDE, patch_size=PATCH, num_channels=3, hidden_act="gelu_pytorch_tanh", layer_norm_eps=1e-6)
TEXT = dict(hidden_size=256, intermediate_size=512, num_hidden_layers=6, num_attention_heads=4, num_key_value_heads=2, head_dim=64, sliding_window=1024, query_pre_attn_scalar=64, rms_norm_eps=1e-6)
BOS, EOS, START_OF_TURN, END_OF_TURN = 2, 1, 105, 106
CHAT_TEMPLATE = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- set system = messages[0]['content'] if messages[0]['content'] is string else messages[0]['content'][0]['text'] -%}
    {%- set first_user_prefix = system + '\n\n' -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate user/assistant/user/assistant/...") }}
    {%- endif -%}
    {%- set role = "model" if message['role'] == 'assistant' else message['role'] -%}
    {{ '<start_of_turn>' + role + '\n' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{ '<start_of_turn>model\n' }}
{%- endif -%}
"""


def prompt_text(text, images=1, soft=SOFT_TOKENS):
    """A user turn as the Gemma 3 processor expands it, ready for the tokenizer (which puts <bos> in front)."""
    picture = "\n\n<start_of_image>" + "<image_soft_token>" * soft + "<end_of_image>\n\n"
    return f"<start_of_turn>user\n{picture * images}{text}<end_of_turn>\n<start_of_turn>model\n"


def gemma_tokenizer(seed=0):
    """Train the language model's tokenizer on the project's own sentences."""
    rng = np.random.default_rng((seed, 77))
    texts = []
    for i in range(4000):
        f = sample_findings(rng)
        texts += task(("report", "compare", "question", "rewrite")[i % 4], f, sample_prior(f, rng), rng)[:2]
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Replace(" ", "▁")
    # Words keep the space before them; line ends and punctuation stand alone, as in Gemma's vocabulary.
    trained.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split("▁", "merged_with_next"), pre_tokenizers.Split(Regex(r"[\n.,;:\"?-]"), "isolated")])
    ascii_characters = ["▁", "\n"] + [chr(c) for c in range(33, 127)]
    trained.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=1000, initial_alphabet=ascii_characters, show_progress=False))
    learned = json.loads(trained.to_str())["model"]
    names = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "[multimodal]"] + [f"<unused{i}>" for i in range(99)] + ["<start_of_turn>", "<end_of_turn>"]
    special = {"<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>", "<image_soft_token>"}
    vocab = {n: i for i, n in enumerate(names)}
    for byte in range(256):
        vocab[f"<0x{byte:02X}>"] = len(vocab)
    for piece in sorted(learned["vocab"], key=learned["vocab"].get):
        vocab.setdefault(piece, len(vocab))
    names += ["<start_of_image>", "<end_of_image>"]
    vocab["<start_of_image>"], vocab["<end_of_image>"] = len(vocab), len(vocab) + 1
    merges = [tuple(m) if not isinstance(m, str) else tuple(m.split(" ")) for m in learned["merges"]]
    t = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Replace(" ", "▁")
    t.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    t.post_processor = processors.TemplateProcessing("<bos> $A", "<bos> $A <bos>:1 $B:1", [("<bos>", BOS)])
    for name in names + ["<image_soft_token>"]:
        token = AddedToken(name, normalized=False, special=name in special)
        (t.add_special_tokens if name in special else t.add_tokens)([token])
    return t


def siglip_tokenizer(seed=0):
    """Train the image-text pair's tokenizer on the project's own sentences."""
    rng = np.random.default_rng((seed, 78))
    texts = [s for s, _ in statements()] * 20 + [report(sample_findings(rng), rng) for _ in range(1500)]
    def normalizer():
        return normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace(Regex(r"[!\"\#\$%\&'\(\)\*\+,\-\.:;=\?@\[\\\]\^_`\{\|\}\~]"), ""), normalizers.Replace(Regex(r"\s+"), " "),
                                     normalizers.Strip(True, True), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    trained = Tokenizer(models.Unigram())
    trained.normalizer, trained.pre_tokenizer = normalizer(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    alphabet = ["▁"] + list("abcdefghijklmnopqrstuvwxyz0123456789/<>")
    trained.train_from_iterator(texts, trainers.UnigramTrainer(vocab_size=500, initial_alphabet=alphabet, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False))
    learned = [p for p in json.loads(trained.to_str())["model"]["vocab"] if p[0] != "<unk>"]
    vocab = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)] + [(f"<0x{b:02X}>", 0.0) for b in range(256)] + [tuple(p) for p in learned]
    t = Tokenizer(models.Unigram(vocab, unk_id=2, byte_fallback=True))
    t.normalizer, t.pre_tokenizer = normalizer(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    t.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    t.post_processor = processors.TemplateProcessing("$A </s>", "$A </s> $B </s>", [("</s>", 1)])
    t.add_special_tokens([AddedToken("<pad>", normalized=False, special=True)] + [AddedToken(n, normalized=False, lstrip=True, rstrip=True, special=True) for n in ("</s>", "<unk>")])
    return t


def siglip_ids(tokenizer, texts):
    """Token ids padded with `</s>` to 64, shape (texts, 64)."""
    rows = [e.ids[:63] + [1] if len(e.ids) > 64 else e.ids for e in tokenizer.encode_batch(list(texts))]
    return torch.tensor([r + [1] * (64 - len(r)) for r in rows])


def siglip_model(vocabulary):
    width = VISION["hidden_size"]
    text = dict(vocab_size=vocabulary, hidden_size=width, intermediate_size=384, num_hidden_layers=3, num_attention_heads=3, max_position_embeddings=64, projection_size=width, hidden_act="gelu_pytorch_tanh",
                layer_norm_eps=1e-6, pad_token_id=1, bos_token_id=0, eos_token_id=1)
    return SiglipModel(SiglipConfig(text_config=text, vision_config=VISION, attn_implementation="sdpa"))


def gemma_model(tokenizer, attention="sdpa"):
    size = -(-tokenizer.get_vocab_size() // 64) * 64
    text = TEXT | dict(vocab_size=size,
                max_position_embeddings=8192, hidden_activation="gelu_pytorch_tanh", pad_token_id=0, bos_token_id=BOS, eos_token_id=EOS,
                rope_parameters={"full_attention": {"factor": 8.0, "rope_theta": 1e6, "rope_type": "linear"}, "sliding_attention": {"rope_theta": 1e4, "rope_type": "default"}},
                layer_types=["full_attention" if (i + 1) % 6 == 0 else "sliding_attention" for i in range(6)])
    ids = {n: tokenizer.token_to_id(f"<{m}>") for n, m in (("boi_token_index", "start_of_image"), ("eoi_token_index", "end_of_image"), ("image_token_index", "image_soft_token"))}
    return Gemma3ForConditionalGeneration(Gemma3Config(text_config=text, vision_config=VISION | {"vision_use_head": False}, mm_tokens_per_image=SOFT_TOKENS, eos_token_id=[EOS, END_OF_TURN], bos_token_id=BOS, pad_token_id=0,
                                                       attn_implementation=attention, tie_word_embeddings=True, **ids))


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def _save_tensors(tensors, folder):
    path = folder / "model.safetensors"
    save_file(tensors, path, metadata={"format": "pt"})
    path.chmod(0o644)


def save_gemma(folder, model, tokenizer):
    """Write the folder as MedGemma is published: transformers 4 spelling, bfloat16."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, value in model.state_dict().items():
        if name == "lm_head.weight":
            continue                                                    # tied to the embeddings
        short = name.removeprefix("model.")
        if short.startswith("language_model."):
            short = "language_model.model." + short.removeprefix("language_model.").removeprefix("model.")
        if short.startswith("vision_tower."):
            short = "vision_tower.vision_model." + short.removeprefix("vision_tower.").removeprefix("vision_model.")
        if ".vision_model.head." in short:
            continue
        tensors[short] = value.detach().to(torch.bfloat16).contiguous().clone()
    _save_tensors(tensors, folder)
    t = model.config.text_config
    keys = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "sliding_window", "query_pre_attn_scalar", "vocab_size", "rms_norm_eps", "max_position_embeddings", "hidden_activation")
    text = {"model_type": "gemma3_text"} | {k: getattr(t, k) for k in keys} | dict(rope_theta=1e6, rope_local_base_freq=1e4, rope_scaling={"factor": 8.0, "rope_type": "linear"}, sliding_window_pattern=6)
    c = model.config
    write_json(folder / "config.json", dict(architectures=["Gemma3ForConditionalGeneration"], model_type="gemma3", boi_token_index=tokenizer.token_to_id("<start_of_image>"), eoi_token_index=tokenizer.token_to_id("<end_of_image>"),
               image_token_index=tokenizer.token_to_id("<image_soft_token>"), eos_token_id=[EOS, END_OF_TURN], bos_token_id=BOS, pad_token_id=0, mm_tokens_per_image=c.mm_tokens_per_image, initializer_range=0.02,
               text_config=text, vision_config={"model_type": "siglip_vision_model"} | VISION | {"vision_use_head": False}, torch_dtype="bfloat16"))
    write_json(folder / "generation_config.json", dict(bos_token_id=BOS, eos_token_id=[EOS, END_OF_TURN], pad_token_id=0, cache_implementation="hybrid", do_sample=False))
    write_json(folder / "preprocessor_config.json", dict(do_convert_rgb=None, do_normalize=True, do_pan_and_scan=None, do_rescale=True, do_resize=True, image_mean=[0.5] * 3, image_std=[0.5] * 3, image_processor_type="Gemma3ImageProcessor",
               image_seq_length=SOFT_TOKENS, pan_and_scan_max_num_crops=None, pan_and_scan_min_crop_size=None, pan_and_scan_min_ratio_to_activate=None, processor_class="Gemma3Processor", resample=2, rescale_factor=1 / 255, size={"height": IMAGE_SIDE, "width": IMAGE_SIDE}))
    write_json(folder / "processor_config.json", dict(image_seq_length=SOFT_TOKENS, processor_class="Gemma3Processor"))
    tokenizer.save(str(folder / "tokenizer.json"))
    flags = dict(lstrip=False, normalized=False, rstrip=False, single_word=False)
    added = {str(i): {"content": a.content, **flags, "special": a.special} for i, a in sorted(tokenizer.get_added_tokens_decoder().items())}
    write_json(folder / "tokenizer_config.json", dict(add_bos_token=True, add_eos_token=False, added_tokens_decoder=added, boi_token="<start_of_image>", bos_token="<bos>", chat_template=CHAT_TEMPLATE, clean_up_tokenization_spaces=False,
               eoi_token="<end_of_image>", eos_token="<end_of_turn>", extra_special_tokens=dict(boi_token="<start_of_image>", eoi_token="<end_of_image>", image_token="<image_soft_token>"), image_token="<image_soft_token>",
               model_max_length=t.max_position_embeddings, pad_token="<pad>", padding_side="left", processor_class="Gemma3Processor", spaces_between_special_tokens=False, tokenizer_class="GemmaTokenizer", unk_token="<unk>", use_default_system_prompt=False))
    named = {n: {"content": f"<{v}>", **flags} for n, v in (("bos_token", "bos"), ("eos_token", "end_of_turn"), ("pad_token", "pad"), ("unk_token", "unk"))}
    write_json(folder / "special_tokens_map.json", dict(boi_token="<start_of_image>", eoi_token="<end_of_image>", image_token="<image_soft_token>") | named)


def save_siglip(folder, model, tokenizer):
    """Write the folder as MedSigLIP is published (SiglipModel's tensor names), bfloat16."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, value in model.state_dict().items():
        if name.endswith("position_ids"):
            continue
        for tower in ("text_model.", "vision_model."):
            name = tower + name.removeprefix(tower).removeprefix(tower) if name.startswith(tower) else name
        tensors[name] = value.detach().to(torch.bfloat16).contiguous().clone()
    _save_tensors(tensors, folder)
    t = model.config.text_config
    keys = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings", "projection_size", "hidden_act", "layer_norm_eps", "pad_token_id", "bos_token_id", "eos_token_id")
    write_json(folder / "config.json", dict(architectures=["SiglipModel"], model_type="siglip", initializer_factor=1.0, text_config={"model_type": "siglip_text_model"} | {k: getattr(t, k) for k in keys} | {"attention_dropout": 0.0},
               vision_config={"model_type": "siglip_vision_model"} | VISION | {"attention_dropout": 0.0}, torch_dtype="bfloat16"))
    write_json(folder / "preprocessor_config.json", dict(do_convert_rgb=None, do_normalize=True, do_rescale=True, do_resize=True, image_mean=[0.5] * 3, image_std=[0.5] * 3, image_processor_type="SiglipImageProcessor",
               processor_class="SiglipProcessor", resample=2, rescale_factor=1 / 255, size={"height": IMAGE_SIDE, "width": IMAGE_SIDE}))
    tokenizer.save(str(folder / "tokenizer.json"))
    flags = dict(lstrip=True, normalized=False, rstrip=True, single_word=False)
    write_json(folder / "tokenizer_config.json", dict(added_tokens_decoder={"1": {"content": "</s>", **flags, "special": True}, "2": {"content": "<unk>", **flags, "special": True}}, additional_special_tokens=[], clean_up_tokenization_spaces=True,
               do_lower_case=True, eos_token="</s>", model_input_names=["input_ids"], model_max_length=64, pad_token="</s>", processor_class="SiglipProcessor", sp_model_kwargs={}, tokenizer_class="SiglipTokenizer", unk_token="<unk>"))
    write_json(folder / "special_tokens_map.json", {n: {"content": v, **flags} for n, v in (("eos_token", "</s>"), ("pad_token", "</s>"), ("unk_token", "<unk>"))})
