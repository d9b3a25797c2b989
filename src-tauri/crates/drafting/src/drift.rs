//! How far a quantised pack's answers have moved from the pack that it was made of.
//!
//! Both answer the same questions about the same images. The reference writes as it likes; the other is made to write the
//! same words, so that each of its distributions is set against the reference's at the same place. The measure is the
//! Kullback-Leibler divergence in nats, sum of p (ln p - ln q) over the whole vocabulary: zero means that nothing has
//! changed, and a tenth of a nat is plain in the text.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use image::{DynamicImage, GrayImage, Luma};
use mistralrs::{CustomLogitsProcessor, Device, RequestBuilder, Response, Tensor, TextMessageRole};

use crate::arithmetic::Turn;
use crate::prompts::{BEGIN, render_turn};
use crate::{DraftingError, Engine};

/// Tokens compared in each answer.
const TOKENS: usize = 16;

/// The questions, and the made-up image that each is about, if any. Fixed, so that figures can be set side by side.
const QUESTIONS: [(&str, Option<usize>); 8] = [
    ("Describe this X-ray", Some(0)),
    ("findings:", Some(0)),
    ("Is there a pleural effusion?", Some(0)),
    ("Describe this X-ray", Some(1)),
    ("Cough and fever for three days. findings:", Some(1)),
    ("Is the heart enlarged?", Some(1)),
    ("What does a radiologist look at on a frontal chest radiograph?", None),
    ("Explain in one sentence what blunting of a costophrenic angle means.", None),
];

/// What [`drift`] measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// Distributions compared.
    pub positions: usize,
    /// Kullback-Leibler divergence of the other pack from the reference, nats.
    pub mean: f64,
    pub median: f64,
    pub most: f64,
    /// Share of positions at which both find the same token the most probable.
    pub same_choice: f64,
}

/// What a model finds at one place of an answer that it is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// The token that it would write there.
    pub best: u32,
    /// By how much that one's probability is above every other's, as a difference of natural logarithms.
    pub lead: f32,
    /// Natural logarithm of the probability of the token that was given.
    pub logprob: f32,
}

/// Measures the pack in `other` against the one in `reference`. They are loaded one after the other; `said` is told how many
/// of how many questions have been answered.
///
/// # Errors
/// [`DraftingError::Weights`] where the two have different vocabularies, and everything that loading and drafting can
/// refuse.
pub fn drift(reference: &Path, other: &Path, said: &mut dyn FnMut(usize, usize)) -> Result<Drift, DraftingError> {
    drift_in(reference, other, &std::env::temp_dir(), said)
}

/// As [`drift`], loading both in this place ([`Engine::load_in`]).
///
/// # Errors
/// As [`drift`].
pub fn drift_in(
    reference: &Path,
    other: &Path,
    place: &Path,
    said: &mut dyn FnMut(usize, usize),
) -> Result<Drift, DraftingError> {
    let all = 2 * QUESTIONS.len();
    let mut answers = Vec::with_capacity(QUESTIONS.len());
    let shown = |engine: &Engine, image: Option<usize>| -> Vec<GrayImage> {
        image.map(|which| made_up(engine.shape().side, which)).into_iter().collect()
    };
    let engine = Engine::load_in(reference, place, |_, _| {})?;
    for (index, (text, image)) in QUESTIONS.into_iter().enumerate() {
        answers.push(engine.distributions(text, &shown(&engine, image), Vec::new())?);
        said(index + 1, all);
    }
    drop(engine);
    let engine = Engine::load_in(other, place, |_, _| {})?;
    let (mut apart, mut same) = (Vec::new(), 0);
    for (index, ((text, image), expected)) in QUESTIONS.into_iter().zip(answers).enumerate() {
        let forced = expected.iter().map(|step| step.token).collect();
        let found = engine.distributions(text, &shown(&engine, image), forced)?;
        for (p, q) in expected.iter().zip(&found) {
            if p.log.len() != q.log.len() {
                let what = "its vocabulary is not the reference's".to_owned();
                return Err(DraftingError::Weights { path: other.to_owned(), what });
            }
            apart.push(divergence(&p.log, &q.log));
            same += usize::from(p.best() == q.best());
        }
        said(QUESTIONS.len() + index + 1, all);
    }
    apart.sort_by(f64::total_cmp);
    let positions = apart.len();
    Ok(Drift {
        positions,
        mean: apart.iter().sum::<f64>() / positions.max(1) as f64,
        median: apart.get(positions / 2).copied().unwrap_or_default(),
        most: apart.last().copied().unwrap_or_default(),
        same_choice: same as f64 / positions.max(1) as f64,
    })
}

/// One place of an answer: what was written, and the natural logarithm of every token's probability.
#[derive(Clone)]
struct Step {
    token: u32,
    log: Vec<f32>,
}

impl Step {
    fn best(&self) -> usize {
        (0..self.log.len()).max_by(|&a, &b| self.log[a].total_cmp(&self.log[b])).unwrap_or_default()
    }

    fn found(&self) -> Found {
        let best = self.best();
        let others = self.log.iter().enumerate().filter(|(token, _)| *token != best);
        let second = others.map(|(_, &log)| log).fold(f32::NEG_INFINITY, f32::max);
        Found { best: best as u32, lead: self.log[best] - second, logprob: self.log[self.token as usize] }
    }
}

/// Sum of p (ln p - ln q), nats.
fn divergence(p: &[f32], q: &[f32]) -> f64 {
    let sum: f64 = p.iter().zip(q).map(|(&p, &q)| f64::from(p).exp() * (f64::from(p) - f64::from(q))).sum();
    // Rounding may leave a little less than nothing.
    sum.max(0.0)
}

impl Engine {
    /// What this model finds at each place of an answer that it is given. Where all of it is the best, it is the answer that
    /// this model writes by itself; elsewhere each place is judged after the same words before it.
    ///
    /// # Errors
    /// As [`Engine::draft`].
    pub fn follow(&self, images: &[GrayImage], text: &str, answer: &[u32]) -> Result<Vec<Found>, DraftingError> {
        self.check_images(images)?;
        Ok(self.distributions(text, images, answer.to_vec())?.iter().map(Step::found).collect())
    }

    /// The distributions of an answer. Its first tokens are `forced`, the others the most probable ones.
    fn distributions(&self, text: &str, images: &[GrayImage], forced: Vec<u32>) -> Result<Vec<Step>, DraftingError> {
        let count = if forced.is_empty() { TOKENS } else { forced.len() };
        let recorder = Arc::new(Recorder { forced, steps: Mutex::default() });
        let images: Vec<_> = images.iter().cloned().map(DynamicImage::ImageLuma8).collect();
        let _turn = Turn::begin(vec![None; images.len()]);
        let rendered = render_turn(images.len(), text);
        let sent = if self.adds_begin { rendered.trim_start_matches(BEGIN).to_owned() } else { rendered };
        let request = match images.is_empty() {
            true => RequestBuilder::new().add_message(TextMessageRole::User, sent),
            false => RequestBuilder::new().add_image_message(TextMessageRole::User, sent, images),
        };
        let request =
            request.set_deterministic_sampler().set_sampler_max_len(count).add_logits_processor(recorder.clone());
        let runtime = self.runtime.as_ref().ok_or(DraftingError::EngineDied)?;
        runtime.block_on(async {
            let mut stream = self.model.stream_chat_request(request).await.map_err(|_| DraftingError::EngineDied)?;
            loop {
                match stream.next().await {
                    Some(Response::Chunk(chunk))
                        if chunk.choices.iter().all(|choice| choice.finish_reason.is_none()) => {}
                    Some(Response::Chunk(_)) | None => return Ok(()),
                    Some(Response::ModelError(what, _)) => return Err(DraftingError::Engine(what)),
                    Some(Response::InternalError(what) | Response::ValidationError(what)) => {
                        return Err(DraftingError::Engine(what.to_string()));
                    }
                    Some(_) => return Err(DraftingError::Engine("an answer of another kind".into())),
                }
            }
        })?;
        let steps = recorder.steps.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(steps.iter().take(count).cloned().collect())
    }
}

/// Writes down every distribution and decides every token.
struct Recorder {
    forced: Vec<u32>,
    steps: Mutex<Vec<Step>>,
}

impl CustomLogitsProcessor for Recorder {
    fn apply(&self, logits: &Tensor, _: &[u32]) -> mistralrs::Result<Tensor> {
        let mut log = logits.to_vec1::<f32>()?;
        let top = log.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = log.iter().map(|&value| f64::from(value - top).exp()).sum();
        let whole = top + sum.ln() as f32;
        log.iter_mut().for_each(|value| *value -= whole);
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let mut step = Step { token: 0, log };
        step.token = self.forced.get(steps.len()).copied().unwrap_or_else(|| step.best() as u32);
        let mut certain = vec![f32::NEG_INFINITY; step.log.len()];
        certain[step.token as usize] = 0.0;
        steps.push(step);
        let size = certain.len();
        Tensor::from_vec(certain, size, &Device::Cpu)
    }
}

/// Something like a frontal radiograph: two dark lungs in a bright trunk; the second one with a bright patch.
fn made_up(side: u32, which: usize) -> GrayImage {
    let inside = |x: f64, y: f64, centre: (f64, f64), radii: (f64, f64)| {
        let (dx, dy) = ((x - centre.0) / radii.0, (y - centre.1) / radii.1);
        (1.0 - dx * dx - dy * dy).max(0.0)
    };
    GrayImage::from_fn(side, side, |x, y| {
        let (x, y) = (f64::from(x) / f64::from(side), f64::from(y) / f64::from(side));
        let trunk = 200.0 * inside(x, y, (0.5, 0.55), (0.45, 0.6)).sqrt();
        let lungs = inside(x, y, (0.3, 0.45), (0.15, 0.3)).max(inside(x, y, (0.7, 0.45), (0.15, 0.3)));
        let patch = if which == 1 { 90.0 * inside(x, y, (0.72, 0.62), (0.08, 0.08)) } else { 0.0 };
        Luma([(trunk - 140.0 * lungs.sqrt() + patch).clamp(0.0, 255.0) as u8])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divergence_by_hand() {
        let half = 0.5_f32.ln();
        for (p, q, expected) in [
            (vec![half, half], vec![half, half], 0.0),
            // 0.5 ln(0.5/0.25) + 0.5 ln(0.5/0.75)
            (vec![half, half], vec![0.25_f32.ln(), 0.75_f32.ln()], 0.143_841),
            (vec![0.0, -50.0], vec![half, half], std::f64::consts::LN_2),
        ] {
            let found = divergence(&p, &q);
            assert!((found - expected).abs() < 1e-5, "{found} instead of {expected}");
        }
    }

    #[test]
    fn a_place_by_hand() {
        for (token, log, expected) in [
            (0, vec![-1.0, -0.5, -3.0], Found { best: 1, lead: 0.5, logprob: -1.0 }),
            (2, vec![-4.0, -2.0, -0.25], Found { best: 2, lead: 1.75, logprob: -0.25 }),
        ] {
            assert_eq!(Step { token, log }.found(), expected);
        }
    }

    #[test]
    fn the_two_images_differ_and_fill_the_range() {
        let (one, two) = (made_up(56, 0), made_up(56, 1));
        assert_ne!(one, two);
        assert!(one.pixels().any(|p| p[0] > 150) && one.pixels().any(|p| p[0] < 10));
    }
}
