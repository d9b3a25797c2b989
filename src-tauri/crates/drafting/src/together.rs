//! Several answers about the same images, written together.
//!
//! A step of writing is bound by reading the weights, which a few answers share. The engine takes those of one length
//! through a step together; one that is shorter goes on alone until it is as long. Prompts are read one after the other,
//! because each goes on from where the one before began to differ.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use hilum_workers::messages::draft::{DraftOutcome, DraftPrompt};
use image::GrayImage;
use tokio::sync::Notify;

use crate::arithmetic::{EncodedImage, Turn, steps};
use crate::greedy::Hold;
use crate::load::room_after;
use crate::prompts::{prompt_text, render_turn};
use crate::{DraftingError, Engine};

/// Answers that are written at the same time, at most. From six rows of activations on, a product is computed in
/// another order; up to then each row has the results that it has alone.
pub(crate) const TOGETHER: usize = 4;

/// What one answer among several tells the others, and waits for.
pub(crate) struct Place<'a> {
    /// Called when the engine has the request.
    pub(crate) submitted: &'a dyn Fn(),
    /// Called as soon as the engine holds the prompt's keys and values apart from what it keeps for the next prompt.
    pub(crate) on_its_way: &'a dyn Fn(),
    /// What the answer waits for after its second token, where another one can follow at once.
    pub(crate) hold: Option<Arc<Hold>>,
}

/// What the edited engine says of itself where it can.
pub(crate) const WRITTEN_TOGETHER: &str = "answers written together";

impl Engine {
    /// Answers each prompt about the same images, and hands over each answer with its index when it is whole.
    ///
    /// Some are written at a time where the pack is quantised, the engine is the edited one and the answers fit into the
    /// model's sliding window; each is what [`Engine::draft`] gives alone, bit by bit. Otherwise they are written one after
    /// the other. `known` has one entry an image, as for [`Engine::draft_knowing`]; images that were encoded now are
    /// returned by index. After a cancel, answers that had begun end as cancelled, and the others are left out.
    ///
    /// # Errors
    /// As [`Engine::draft`]. What had been answered before has been handed over.
    pub fn draft_together(
        &self,
        images: &[GrayImage],
        known: Vec<Option<EncodedImage>>,
        prompts: &[DraftPrompt],
        max_tokens: u32,
        answered: impl FnMut(usize, DraftOutcome),
        cancel: &AtomicBool,
    ) -> Result<Vec<(usize, EncodedImage)>, DraftingError> {
        self.check_images(images)?;
        let texts: Vec<String> = prompts
            .iter()
            .map(|prompt| Ok(render_turn(images.len(), &prompt_text(prompt, &self.tokens)?)))
            .collect::<Result<_, DraftingError>>()?;
        let runtime = self.runtime.as_ref().ok_or(DraftingError::EngineDied)?;
        let turn = Turn::begin(self.sound(known));
        runtime.block_on(self.write_all(&turn, images, prompts, texts, max_tokens, answered, cancel))?;
        Ok(turn.encoded())
    }

    /// Steps of writing that this process has taken so far; a step of several answers together counts once.
    pub fn steps(&self) -> usize {
        steps()
    }

    #[allow(clippy::too_many_arguments)]
    async fn write_all(
        &self,
        turn: &Turn,
        images: &[GrayImage],
        prompts: &[DraftPrompt],
        texts: Vec<String>,
        max_tokens: u32,
        answered: impl FnMut(usize, DraftOutcome),
        cancel: &AtomicBool,
    ) -> Result<(), DraftingError> {
        let mut lengths = Vec::new();
        for text in &texts {
            lengths.push(self.length(text, images.len()).await?);
        }
        let rooms: Vec<usize> =
            lengths.iter().map(|&length| room_after(length, &self.shape)).collect::<Result<_, _>>()?;
        let most = lengths.into_iter().max().unwrap_or_default();
        // Beyond the window the engine lets go of what it keeps of a prompt, and answers would no longer have room alike.
        let together = self.joins && most + max_tokens as usize <= self.shape.window;
        let (free, begun, ended) = (Cell::new(if together { TOGETHER } else { 1 }), Cell::new(0), Cell::new(false));
        let (news, answered) = (Notify::new(), RefCell::new(answered));
        let holds: Vec<Arc<Hold>> = prompts.iter().map(|_| Arc::default()).collect();
        let (free, begun, ended, news, answered, holds, rooms) =
            (&free, &begun, &ended, &news, &answered, &holds, &rooms);
        let each = prompts.iter().zip(texts).enumerate().map(|(index, (prompt, text))| async move {
            // In order, so that each prompt finds what the one before left, and only once that one no longer uses it.
            while begun.get() < index || free.get() == 0 {
                news.notified().await;
            }
            // The one before waits for this one, if it does.
            let submitted = || holds[..index].iter().for_each(|hold| hold.release());
            let result = if ended.get() || cancel.load(Ordering::Relaxed) {
                Ok(())
            } else {
                free.set(free.get() - 1);
                let on_its_way = || {
                    begun.set(begun.get().max(index + 1));
                    news.notify_waiters();
                };
                let follows = index + 1 < prompts.len() && free.get() > 0;
                let hold = follows.then(|| Arc::clone(&holds[index]));
                let place = Place { submitted: &submitted, on_its_way: &on_its_way, hold };
                let result =
                    self.write(turn, place, images, prompt, text, max_tokens, rooms[index], &mut |_| {}, cancel).await;
                free.set(free.get() + 1);
                result.map(|outcome| (*answered.borrow_mut())(index, outcome))
            };
            submitted();
            ended.set(ended.get() || result.is_err());
            begun.set(begun.get().max(index + 1));
            news.notify_waiters();
            result
        });
        all(each.collect()).await.into_iter().collect()
    }
}

/// Waits for all of them, on this thread.
async fn all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    poll_fn(move |context| {
        for (future, output) in &mut futures {
            if output.is_none()
                && let Poll::Ready(done) = future.as_mut().poll(context)
            {
                *output = Some(done);
            }
        }
        match futures.iter().all(|(_, output)| output.is_some()) {
            true => Poll::Ready(futures.iter_mut().filter_map(|(_, output)| output.take()).collect()),
            false => Poll::Pending,
        }
    })
    .await
}
