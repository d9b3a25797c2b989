//! A prompt that begins as the last one did is read from where it differs.
//!
//! The keys and values of the last prompt are kept, and with them its tokens and images. The arithmetic of a token does
//! not depend on which other tokens are read with it, so that an answer is the same with or without this.

use std::sync::{Arc, Mutex};

use candle_core::{DType, Result, Tensor};

use super::{Gemma3Config, Gemma3Model};
use crate::hilum::HILUM_KERNELS;
use crate::paged_attention::encoder_cache::EncoderCacheManager;
use crate::kv_cache::KvCache;
use crate::pipeline::text_models_inputs_processor::{FlashParams, PagedAttentionInputMetadata};
use crate::pipeline::MultimodalModel;

/// The last prompt of any model of this process: one, until the next is read, or its program lets go of it ([`forget`]).
static LAST: Mutex<Option<Prompt>> = Mutex::new(None);

/// Tokens that are read in any case: so many at once take the same kernels as a whole prompt.
const READ: usize = 16;

struct Prompt {
    /// Belongs to one model only, and to no later one as long as it is held here.
    model: Arc<Mutex<EncoderCacheManager>>,
    tokens: Vec<u32>,
    images: Vec<u64>,
    /// Of each layer. What a sequence writes behind the prompt lies in the same memory, which does no harm; one that
    /// grows out of the sliding window moves what is here, and with that this prompt is forgotten.
    keys_values: Vec<KvCache>,
}

/// Lets go of the last prompt.
pub(crate) fn forget() {
    *LAST.lock().expect("no panic while held") = None;
}

impl Gemma3Model {
    /// On a thread of rayon's pool: what candle shares out from there costs a push to a queue, from the engine's own thread
    /// it costs a sleep and two wake-ups for each of some hundred small operations of a step.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn forward(
        &self,
        input_ids: &Tensor,
        pixel_values: Option<Tensor>,
        image_hashes: &[u64],
        seqlen_offsets: &[usize],
        context_lens: Vec<(usize, usize)>,
        metadata: Option<(Vec<(Tensor, Tensor)>, &PagedAttentionInputMetadata)>,
        flash_params: &FlashParams,
    ) -> Result<Tensor> {
        let forward = || {
            self.forward_knowing(
                input_ids,
                pixel_values,
                image_hashes,
                seqlen_offsets,
                context_lens,
                metadata,
                flash_params,
            )
        };
        match input_ids.device().is_cpu() {
            true => rayon::join(forward, || ()).0,
            false => forward(),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn forward_knowing(
        &self,
        input_ids: &Tensor,
        pixel_values: Option<Tensor>,
        image_hashes: &[u64],
        seqlen_offsets: &[usize],
        context_lens: Vec<(usize, usize)>,
        metadata: Option<(Vec<(Tensor, Tensor)>, &PagedAttentionInputMetadata)>,
        flash_params: &FlashParams,
    ) -> Result<Tensor> {
        let (sequences, length) = input_ids.dims2()?;
        let kernels = HILUM_KERNELS.get().filter(|_| input_ids.device().is_cpu() && metadata.is_none());
        let window = self.config().sliding_window.unwrap_or(usize::MAX);
        let whole = seqlen_offsets == [0] && sequences == 1 && length > READ && length <= window;
        let (Some(kernels), true) = (kernels, whole) else {
            if seqlen_offsets.iter().any(|&offset| offset + length > window) {
                *LAST.lock().expect("no panic while held") = None;
            }
            return self.forward_from(
                input_ids,
                pixel_values,
                image_hashes,
                seqlen_offsets,
                context_lens,
                metadata,
                flash_params,
            );
        };
        let tokens = input_ids.to_dtype(DType::U32)?.flatten_all()?.to_vec1::<u32>()?;
        let last = LAST.lock().expect("no panic while held").take();
        let last = last.filter(|last| Arc::ptr_eq(&last.model, &self.encoder_cache));
        let mut known = last.as_ref().map_or(0, |last| self.common(last, &tokens, image_hashes));
        // An image is inside of the known part as a whole, or not at all.
        let images = self.images(&tokens);
        if let Some(image) = images.iter().find(|image| image.start < known && known < image.end) {
            known = image.start;
        }
        if images.len() != image_hashes.len() {
            known = 0;
        }
        (kernels.reused)(known, length);
        if let (Some(last), true) = (last, known > 0) {
            // Its memory goes on being used where it lies, from behind the common part on.
            for (layer, kept) in self.cache().normal().0.iter_mut().zip(last.keys_values) {
                *layer = kept;
                layer.set_len(known)?;
            }
        }
        let done = images.iter().filter(|image| image.end <= known).count();
        let pixels = match pixel_values {
            Some(pixels) if done < images.len() => Some(pixels.narrow(0, done, images.len() - done)?),
            _ if done == images.len() => None,
            other => other,
        };
        let logits = self.forward_from(
            &input_ids.narrow(1, known, length - known)?,
            pixels,
            &image_hashes[done..],
            &[known],
            context_lens.into_iter().map(|(start, count)| (start - known, count)).collect(),
            None,
            flash_params,
        )?;
        let keys_values = self.cache().normal().0.clone();
        let prompt = Prompt { model: Arc::clone(&self.encoder_cache), tokens, images: image_hashes.to_vec(), keys_values };
        *LAST.lock().expect("no panic while held") = Some(prompt);
        Ok(logits)
    }

    /// Tokens that this prompt and the last one begin with, at most so many that [`READ`] are left.
    fn common(&self, last: &Prompt, tokens: &[u32], image_hashes: &[u64]) -> usize {
        let same = last.tokens.iter().zip(tokens).take_while(|(a, b)| a == b).count();
        let mut common = same.min(tokens.len() - READ);
        let images = self.images(tokens);
        let pairs = last.images.iter().zip(image_hashes).take_while(|(a, b)| a == b).count();
        // From the first image on that is another one, nothing is common.
        if let Some(image) = images.get(pairs) {
            common = common.min(image.start);
        }
        common
    }

    /// Where the soft tokens of each image stand.
    fn images(&self, tokens: &[u32]) -> Vec<std::ops::Range<usize>> {
        let Gemma3Config::WithVision { image_token_index, .. } = &self.cfg else { return Vec::new() };
        let mut images: Vec<std::ops::Range<usize>> = Vec::new();
        for (at, &token) in tokens.iter().enumerate() {
            if token as usize != *image_token_index {
                continue;
            }
            match images.last_mut() {
                Some(image) if image.end == at => image.end += 1,
                _ => images.push(at..at + 1),
            }
        }
        images
    }
}
