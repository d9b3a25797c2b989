//! Greedy choice with a written record of it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use candle_core::Storage;
use hilum_kernels::threads;
use mistralrs::{CustomLogitsProcessor, Device, Tensor};

use crate::DraftingError;
use crate::guide::Guide;

/// Picks the most probable token and writes down what was chosen and how sure the model was.
///
/// The engine's own report will not do: its `logprob` is to base 10, at temperature 0 it is
/// the logarithm of a logit, and chunks of a stream carry no token ids. It hands every
/// logits processor the raw logits and the whole sequence so far, though, and that is the
/// truth: the prompt as the model really read it (image tokens expanded, every `<bos>`)
/// and the distribution the token was drawn from.
///
/// Where a [`Guide`] leaves only some tokens, the most probable of those is taken, and the
/// recorded probability is still the model's own over the whole vocabulary: how much it
/// wanted that token, not how much was left to want. A forced token is recorded alike.
#[derive(Default)]
pub(crate) struct Greedy {
    record: Mutex<Record>,
    guide: Mutex<Option<Guide>>,
    /// Why the guide gave up, if it did.
    fault: Mutex<Option<DraftingError>>,
    /// What the answer waits for after its second token.
    hold: Option<Arc<Hold>>,
    /// What [`Self::certain`] cuts its windows out of.
    ruled_out: Mutex<Option<Tensor>>,
}

/// Keeps the engine between two steps of an answer until another request is on its way to it, so that what could be
/// written together is not written apart. By the second token the engine has the first request's keys and values apart.
#[derive(Default)]
pub(crate) struct Hold {
    released: Mutex<bool>,
    change: Condvar,
}

/// An answer that goes on alone is right too, so that nothing may wait for long.
const LONGEST_HOLD: Duration = Duration::from_millis(500);

impl Hold {
    pub(crate) fn release(&self) {
        *self.released.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.change.notify_all();
    }

    fn wait(&self) {
        let released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.change.wait_timeout_while(released, LONGEST_HOLD, |released| !*released);
    }
}

/// What one generation did.
#[derive(Debug, Default, Clone)]
pub(crate) struct Record {
    pub(crate) prompt: Vec<u32>,
    pub(crate) tokens: Vec<u32>,
    /// Natural logarithms, one a token.
    pub(crate) logprobs: Vec<f32>,
}

impl Record {
    /// Without what the engine wrote after the answer's end: it takes one more step after an answer that ends with its
    /// first token (mistralrs 0.8.1 makes a sequence run on after its prompt, whether or not it is done), and whether
    /// that step has been written down by the time the answer is read is chance.
    pub(crate) fn until_its_end(mut self, end_tokens: &[u32], max_tokens: usize) -> Self {
        let end = self.tokens.iter().position(|token| end_tokens.contains(token));
        let length = end.map_or(max_tokens, |end| max_tokens.min(end + 1));
        self.tokens.truncate(length);
        self.logprobs.truncate(length);
        self
    }
}

impl Greedy {
    pub(crate) fn shared(guide: Option<Guide>, hold: Option<Arc<Hold>>) -> Arc<Self> {
        Arc::new(Self { guide: Mutex::new(guide), hold, ..Self::default() })
    }

    pub(crate) fn record(&self) -> Record {
        lock(&self.record).clone()
    }

    pub(crate) fn tokens(&self) -> usize {
        lock(&self.record).tokens.len()
    }

    /// The guide as it ended.
    pub(crate) fn take_guide(&self) -> Option<Guide> {
        lock(&self.guide).take()
    }

    pub(crate) fn take_fault(&self) -> Option<DraftingError> {
        lock(&self.fault).take()
    }

    /// Chooses among the raw logits and writes the choice down.
    fn choose(&self, logits: &[f32], context: &[u32]) -> Result<u32, DraftingError> {
        let (best, normaliser) = most_probable(logits);
        // One number that is none makes the sum none; a choice among such would look like any other.
        if !normaliser.is_finite() {
            return Err(DraftingError::NotFinite);
        }
        let token = match lock(&self.guide).as_mut() {
            None => best,
            Some(guide) => guide.choose(logits, best, normaliser)?,
        };
        let mut record = lock(&self.record);
        if record.prompt.is_empty() {
            record.prompt = context.to_vec();
        }
        record.tokens.push(token);
        record.logprobs.push((f64::from(logits[token as usize]) - normaliser) as f32);
        Ok(token)
    }

    /// Logits that leave this token alone, so that no rule of the sampler for ties matters. They are a window of one long
    /// row that rules everything out but its middle; nothing is written anew for a token.
    fn certain(&self, token: u32, vocabulary: usize) -> mistralrs::Result<Tensor> {
        let mut kept = lock(&self.ruled_out);
        let row = match kept.take().filter(|row| row.elem_count() + 1 == 2 * vocabulary) {
            Some(row) => row,
            None => {
                let mut row = vec![f32::NEG_INFINITY; 2 * vocabulary - 1];
                row[vocabulary - 1] = 0.0;
                Tensor::from_vec(row, 2 * vocabulary - 1, &Device::Cpu)?
            }
        };
        kept.insert(row).narrow(0, vocabulary - 1 - token as usize, vocabulary)
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl CustomLogitsProcessor for Greedy {
    fn apply(&self, logits: &Tensor, context: &[u32]) -> mistralrs::Result<Tensor> {
        let chosen = {
            // Read where they lie: the sampler has brought them to the processor, side by side.
            let (storage, layout) = logits.storage_and_layout();
            let (Storage::Cpu(numbers), Some((start, end))) = (&*storage, layout.contiguous_offsets()) else {
                return Err(candle_core::Error::Msg("logits that do not lie side by side on the processor".to_owned()));
            };
            let numbers: &[f32] = numbers.as_slice()?;
            self.choose(&numbers[start..end], context)
        };
        let token = chosen.map_err(|fault| {
            let what = fault.to_string();
            *lock(&self.fault) = Some(fault);
            candle_core::Error::Msg(what)
        })?;
        if let Some(hold) = self.hold.as_ref().filter(|_| self.tokens() == 2) {
            hold.wait();
        }
        self.certain(token, logits.elem_count())
    }
}

/// First index of the largest value, as transformers chooses, and the logarithm of the sum
/// of exponentials. Sums are in double precision, because a table has a quarter of a
/// million entries; the parts are the same whatever the number of threads.
fn most_probable(logits: &[f32]) -> (u32, f64) {
    const PART: usize = 1 << 14;
    let each = |work: &(dyn Fn(usize, &[f32]) -> f64 + Sync)| -> Vec<f64> {
        let mut results = vec![0.0; logits.len().div_ceil(PART)];
        let shared = threads::SharedMut::new(&mut results);
        threads::for_each_part(shared.len(), |index| {
            let range = threads::part(index, PART, logits.len());
            // SAFETY: each part has its own place.
            let place = unsafe { shared.range(index..index + 1) };
            place[0] = work(range.start, &logits[range]);
        });
        results
    };
    let largest = each(&|start, part| {
        let best =
            part.iter().enumerate().fold(0, |best, (index, value)| if *value > part[best] { index } else { best });
        (start + best) as f64
    });
    let best = largest
        .iter()
        .map(|&index| index as usize)
        .fold(0, |best, index| if logits[index] > logits[best] { index } else { best });
    let top = f64::from(logits[best]);
    let sums = each(&|_, part| part.iter().map(|&value| (f64::from(value) - top).exp()).sum());
    (best as u32, top + sums.iter().sum::<f64>().ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choice_and_natural_logarithm() {
        for (logits, token, logprob) in [
            (&[0.0_f32, 0.0][..], 0, -std::f32::consts::LN_2),
            (&[1.0, 3.0, 3.0], 1, -0.758_623_7),
            (&[f32::NEG_INFINITY, -5.0], 1, 0.0),
            (&[1000.0, 999.0], 0, -0.313_261_7),
        ] {
            let (got, normaliser) = most_probable(logits);
            assert_eq!(got, token, "{logits:?}");
            let probability = (f64::from(logits[got as usize]) - normaliser) as f32;
            assert!((probability - logprob).abs() < 1e-6, "{probability} {logits:?}");
        }
    }

    #[test]
    fn numbers_that_are_none_end_the_answer() {
        for bad in [f32::NAN, f32::INFINITY] {
            let greedy = Greedy::default();
            assert!(greedy.apply(&Tensor::new(&[0.0, bad, 1.0], &Device::Cpu).unwrap(), &[7]).is_err());
            assert_eq!(greedy.take_fault().map(|fault| fault.code()), Some("drafting.not_finite"));
            assert_eq!(greedy.tokens(), 0);
        }
        // What a model rules out is no fault.
        let greedy = Greedy::default();
        assert!(greedy.apply(&Tensor::new(&[0.0, f32::NEG_INFINITY], &Device::Cpu).unwrap(), &[7]).is_ok());
    }

    #[test]
    fn a_record_ends_with_the_answer() {
        for (tokens, max_tokens, answer) in [
            (&[4, 5][..], 1, &[4][..]),
            (&[1, 5], 9, &[1]),
            (&[4, 5, 2, 6], 9, &[4, 5, 2]),
            (&[4, 5, 2, 6], 2, &[4, 5]),
            (&[4, 5], 2, &[4, 5]),
            (&[4], 9, &[4]),
            (&[], 9, &[]),
        ] {
            let logprobs = vec![0.0; tokens.len()];
            let record = Record { prompt: vec![7], tokens: tokens.to_vec(), logprobs };
            let ended = record.until_its_end(&[1, 2], max_tokens);
            assert_eq!((ended.prompt, ended.logprobs.len()), (vec![7], answer.len()));
            assert_eq!(ended.tokens, answer);
        }
    }

    #[test]
    fn record_grows() {
        let greedy = Greedy::default();
        let logits = |values: [f32; 3]| Tensor::new(&values, &Device::Cpu).unwrap();
        let out = greedy.apply(&logits([0.0, 9.0, 0.0]), &[7, 8]).unwrap();
        assert_eq!(out.to_vec1::<f32>().unwrap(), [f32::NEG_INFINITY, 0.0, f32::NEG_INFINITY]);
        greedy.apply(&logits([5.0, 0.0, 0.0]), &[7, 8, 1]).unwrap();
        let record = greedy.record();
        assert_eq!((record.prompt, record.tokens), (vec![7, 8], vec![1, 0]));
        assert_eq!(record.logprobs.len(), 2);
    }

    #[test]
    fn one_certain_token_is_left() {
        let greedy = Greedy::default();
        // Cut out of something longer, and of vocabularies of several sizes.
        for size in [1, 4, 5] {
            for token in (0..size).rev().chain(0..size) {
                let mut numbers = vec![0.0_f32; size + 3];
                numbers[2 + token] = 1.0;
                let logits = Tensor::from_vec(numbers, size + 3, &Device::Cpu).unwrap().narrow(0, 2, size).unwrap();
                let mut expected = vec![f32::NEG_INFINITY; size];
                expected[token] = 0.0;
                assert_eq!(greedy.apply(&logits, &[7]).unwrap().to_vec1::<f32>().unwrap(), expected);
            }
        }
        let across = Tensor::new(&[[0.0_f32, 1.0], [2.0, 3.0]], &Device::Cpu).unwrap().t().unwrap();
        assert!(greedy.apply(&across, &[7]).is_err());
    }
}
