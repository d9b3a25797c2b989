"""What Hilum changes in mistralrs-core 0.8.1, line by line; the reasons are in ../README.md and in hilum.rs."""

# Over all files of the crate as crates.io has it, whose archive is the one that `Cargo.lock` names.
CRATE = "901d7457cc615482bd699470e3c5378a295072a9ff9d0b55030423ac786829ca"

FILES = {
    # The build script asks to be run again when a file changes that a released crate does not have. Cargo asks that of
    # crates in folders only, and would compile the engine anew each time.
    "build.rs": (
        "eb4609dadbd0d301c839a983138f05bf28b1baf1317995196b12c1e76247a854",
        [(5, "set_git_revision();", 'if false { set_git_revision(); } println!("cargo:rerun-if-changed=build.rs");')],
    ),
    "src/lib.rs": (
        "1103e01292e7b5a1b8fb08dc8526ba6e33e1ef768da807e12ec7a809f6ead402",
        [(84, "mod xlora_models;", "mod xlora_models; mod hilum; pub use hilum::*;")],
    ),
    "src/attention/mod.rs": (
        "05014dff0359fe4ab615db81b8f10df15c2fb468afa16fe7da885048b2d4f9a4",
        [(121, "let (b_sz,", "if let Some(done) = crate::hilum::attention(q, k, v, mask, sdpa_params)? { return Ok(done); } let (b_sz,")],
    ),
    "src/layers_masker.rs": (
        "ad0f3e241e3072ddfd58a546d31ded71cdfb160f8923dfa6f253ce72a2de8209",
        [(120, "j + sliding_window < q_pos", "j + sliding_window <= q_pos")],
    ),
    "src/pipeline/macros.rs": (
        "73dc40ff49bd7b1f554badbca592ed3b44c6dc5604286a48bd14f4e7efe8ba11",
        [(666, "isq_layer_regexes", "immediate_isq_predicates")],
    ),
    "src/pipeline/isq.rs": (
        "8271e29feacefea6510de96fc28846d5b81c96404460e4fc147c322eab6c5bd3",
        [(1025, "::multi(artifacts)? };", "::multi(artifacts)? }; let artifacts = std::sync::Arc::new(artifacts);"),
         (1065, "artifact.data();", "artifact.data(); if let Some(own) = crate::hilum::mapped(&artifacts, artifact)? { *tensor = own; return Ok(()); }"),
         (1150, "artifact.data();", "artifact.data(); if let Some(own) = crate::hilum::mapped(&artifacts, artifact)? { *tensor = own; return Ok(()); }"),
         (1138, "= deserialized;", "= deserialized; crate::hilum::release(artifact);"),
         (1223, "= deserialized;", "= deserialized; crate::hilum::release(artifact);")],
    ),
    "src/vision_models/gemma3/text.rs": (
        "6dea871b19f01b164b9ba9a72ba04efc1f9bc93ca1484c87ac7ad7b67b2f8c4c",
        [(14, "embedding, CausalMasker", "CausalMasker"),
         (171, "let mut q = MatMul.qmethod_matmul(&xs, &*self.q_proj)?;", "let [mut q, mut k, mut v] = crate::hilum::products(&xs, [&*self.q_proj, &*self.k_proj, &*self.v_proj])?;"),
         (172, "let mut k = MatMul.qmethod_matmul(&xs, &*self.k_proj)?;", ""),
         (173, "let mut v = MatMul.qmethod_matmul(&xs, &*self.v_proj)?;", ""),
         (418, "embedding(", "crate::hilum::token_table("),
         (675, "xs = self.mapper.map(xs, i)?;", "crate::hilum::between(&xs, i, self.layers.len())?; xs = self.mapper.map(xs, i)?;")],
    ),
    "src/layers.rs": (
        "fd002c8dac56d04b95c6f51cf99de8da36d991156a134ebdfe3b6f88f8da526e",
        [(300, "candle_nn::ops::rms_norm(&x.contiguous()?, ", "crate::hilum::rms_norm(&x.contiguous()?, "),
         (2903, "let lhs = MatMul.qmethod_matmul(&xs, &*self.gate)?;", "let [lhs, rhs] = crate::hilum::products(&xs, [&*self.gate, &*self.up])?;"),
         (2904, "let rhs = MatMul.qmethod_matmul(&xs, &*self.up)?;", ""),
         (3075, "xs.apply(&embedding)?", "crate::hilum::rows(xs, &embedding)?")],
    ),
    "src/vision_models/siglip.rs": (
        "78c292d3bf47483736f653760557df1be2d00045591d3fcd3ed78378ff40b827",
        [
            (416, "layers: Vec<EncoderLayer>,", "layers: Vec<EncoderLayer>, kernels: Option<crate::hilum::Tower>,"),
            (421, "let mut layers = Vec::new();", "let kernels = crate::hilum::Tower::read(config, &vb)?; let mut layers = Vec::new();"),
            (423, "0..config.num_hidden_layers", "0..if kernels.is_some() { 0 } else { config.num_hidden_layers }"),
            (426, "Ok(Self { layers })", "Ok(Self { layers, kernels })"),
            (435, "let mut hidden_states", "if let (Some(kernels), None) = (&self.kernels, attention_mask) { return kernels.forward(xs); } let mut hidden_states"),
        ],
    ),
    # What is to stay where it lies need not be copied out and in again, for each layer and each token.
    "src/kv_cache/rotating_cache.rs": (
        "fe75c2a2086830f7db8a0119a6a79d8152556fd25b8ec0298f5c341540414181",
        [(151, "if keep_from_old > 0 {", "if keep_from_old > 0 && keep_from_old < retained_len {")],
    ),
    # Sequences of unlike length wait for the shortest to catch up, and go on together from there. What has begun already
    # is no prompt again when it is its turn after waiting. What nobody listens to any more ends at once.
    "src/scheduler/default_scheduler.rs": (
        "5ab5f4d1a9eba9e092f23c827a39a22354aec7efeaab4f81b4dc926d0cf32eff",
        [(212, "seq.is_running())", "seq.is_running() && !seq.responder().is_closed())"),
         (225, "(_, 0) => {", "(_, 0) if false => {"),
         (264, "if self.sequence_fits(", "if seq.responder().is_closed() { continue; } if self.sequence_fits("),
         (279, "new_waiting, false);", "new_waiting, true);")],
    ),
    # A prompt takes the model's cache, also where it ends with an error: what goes on afterwards brings its own along.
    "src/engine/mod.rs": (
        "e70a20af7568f77e891df3ee0e95830b1e82fd2de1daa45b1b7e3f091c470306",
        [(426, "if !scheduled.prompt.is_empty() {", "if !scheduled.prompt.is_empty() { last_completion_ids = vec![];")],
    ),
    # Whoever asked may be gone by the time that a step ends with an error.
    "src/utils/mod.rs": (
        "8644f2243e39f8ecb08d0eca053e775771fdcf9dd1299b3bc5a9459898b30b0f",
        [(183, ".unwrap();", ".ok();"), (201, ".unwrap();", ".ok();")],
    ),
    "src/ops.rs": (
        "217019aeb02d8790d98686a35118def87a481ba76415fe80b768722c4007c9cb",
        [(755, "if matches!", "if let Some(done) = crate::hilum::gated(a, b, act)? { return Ok(done); } if matches!")],
    ),
    # An image that the program has the encoded form of is not looked at.
    "src/vision_models/gemma3/inputs_processor.rs": (
        "3a61f8a9ed9fe049c053da8d5e1fc54baba31ad0f809aa62cc85c83a85baa9d4",
        [(453, "for mut image in images {", "let known = crate::hilum::known_images(images.len()); for (index, mut image) in images.into_iter().enumerate() { if known[index] { pixel_values.push(Tensor::zeros((1, 3, height as usize, width as usize), candle_core::DType::F32, device)?); continue; }")],
    ),
    "src/vision_models/gemma3/mod.rs": (
        "d4ba1d4a35810f28502d3f6f11c43bd38ed259ab21a433c536a6eb7247b2088f",
        [(26, "pub mod config;", 'pub mod config; #[path = "../../hilum_gemma3.rs"] pub(crate) mod hilum;'),
         (15, "cached_encode_images, ", ""),
         (100, "fn forward(", "fn forward_from("),
         (136, "cached_encode_images(", "crate::hilum::encoded_images(input_embeds.dim(D::Minus1)?, ")],
    ),
}
