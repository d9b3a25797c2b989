//! Which token may come next: the grammar of a structured answer, and the end of a
//! yes/no answer.
//!
//! mistral.rs has a grammar of its own (`Constraint`), which asks the sampler a second
//! time with a mask. It is not used, for three things that it cannot do: end an answer
//! before the tokens run out, keep the model's probability from before the mask, and read
//! two tokens' probabilities at one place. The library behind both is llguidance.

use std::collections::VecDeque;
use std::sync::Arc;

use hilum_workers::messages::draft::{AnswerRules, YesNo};
use mistralrs::llguidance::api::TopLevelGrammar;
use mistralrs::llguidance::toktrie::{ApproximateTokEnv, TokTrie};
use mistralrs::llguidance::{Matcher, ParserFactory};

use crate::DraftingError;
use crate::grammar::lark;
use crate::stream::{THINKING_CLOSE, THINKING_OPEN};
use crate::structure::{Frame, NOTHING};

/// Tokens after which a sentence is ended; the longest of the Indiana University reports
/// are near 60 in Gemma's vocabulary.
const IN_SENTENCE: usize = 72;
/// Tokens kept beyond what completing the frame takes.
const SPARE: usize = 6;
/// Tokens that a model may go on for after its answer to a question, in which it can take it back: a sentence or two.
const TAIL: usize = 32;
/// What ends an answer to a yes/no question, as the prompt asks for it.
const FINAL_ANSWER: &str = "Final Answer:";

/// Makes guides for one model.
pub(crate) struct Guides {
    factory: ParserFactory,
    trie: Arc<TokTrie>,
    end_tokens: Vec<u32>,
    thinking: Option<Thinking>,
}

/// The tokens around a block of thinking, where a vocabulary has them.
#[derive(Debug, Clone, Copy)]
struct Thinking {
    open: u32,
    close: u32,
}

impl Guides {
    pub(crate) fn new(trie: TokTrie, end_tokens: Vec<u32>) -> Result<Self, DraftingError> {
        let grammar = |error| DraftingError::Grammar(format!("{error:#}"));
        let env: mistralrs::llguidance::toktrie::TokEnv = Arc::new(ApproximateTokEnv::new(trie.clone()));
        let mut factory = ParserFactory::new_simple(&env).map_err(grammar)?;
        // Standard error is the worker's log; a grammar has nothing to say there.
        factory.quiet();
        // The words of comparison make some thousand states; the default is meant for
        // grammars that strangers send.
        factory.limits_mut().initial_lexer_fuel *= 20;
        factory.limits_mut().step_lexer_fuel *= 50;
        let around = trie.get_special_token(THINKING_OPEN).zip(trie.get_special_token(THINKING_CLOSE));
        let thinking = around.map(|(open, close)| Thinking { open, close });
        Ok(Self { factory, trie: Arc::new(trie), end_tokens, thinking })
    }

    /// A guide through one structured answer of at most `max_tokens`, and its grammar.
    ///
    /// # Errors
    /// [`DraftingError::NoRoom`] where not even the frame fits.
    pub(crate) fn structured(
        &self,
        frame: Frame,
        rules: &AnswerRules,
        max_tokens: usize,
    ) -> Result<(Guide, String), DraftingError> {
        let grammar = lark(&frame, rules);
        let parser = self.factory.create_parser(TopLevelGrammar::from_lark(grammar.clone()));
        let mut matcher = Matcher::new(parser);
        if let Some(what) = matcher.get_error() {
            return Err(DraftingError::Grammar(what));
        }
        let needed = self.trie.greedy_tokenize(frame.missing("").as_bytes()).len() + SPARE + 1;
        if needed > max_tokens {
            return Err(DraftingError::NoRoom { needed, room: max_tokens });
        }
        // The first mask builds what the later ones share.
        matcher.compute_mask().map_err(|error| DraftingError::Grammar(format!("{error:#}")))?;
        let kind = Kind::Structured(Box::new(Structured { matcher, frame, in_sentence: 0, cut: Vec::new() }));
        Ok((self.guide(kind, max_tokens), grammar))
    }

    /// A guide through an answer that ends with yes or no.
    pub(crate) fn yes_no(&self, max_tokens: usize) -> Guide {
        self.guide(Kind::YesNo(Asked::default()), max_tokens)
    }

    fn guide(&self, kind: Kind, max_tokens: usize) -> Guide {
        Guide {
            trie: self.trie.clone(),
            end_tokens: self.end_tokens.clone(),
            thinking: self.thinking,
            left: max_tokens,
            text: Vec::new(),
            forced: VecDeque::new(),
            closed: false,
            kind,
        }
    }
}

/// Guides one answer, token after token.
pub(crate) struct Guide {
    trie: Arc<TokTrie>,
    end_tokens: Vec<u32>,
    thinking: Option<Thinking>,
    /// Tokens that may still be written.
    left: usize,
    /// What was written; of an answer to a question without its thinking.
    text: Vec<u8>,
    /// Tokens that come next whatever the model says.
    forced: VecDeque<u32>,
    closed: bool,
    kind: Kind,
}

enum Kind {
    Structured(Box<Structured>),
    YesNo(Asked),
}

/// How far a question is answered.
#[derive(Default)]
struct Asked {
    /// What the last "Final Answer:" outside of thinking was followed by.
    answer: Option<YesNo>,
    /// Whether a block of thinking is open.
    thinking: bool,
    /// Tokens that were said after that answer, outside of thinking.
    after: usize,
}

struct Structured {
    matcher: Matcher,
    frame: Frame,
    /// Tokens since the last full stop.
    in_sentence: usize,
    cut: Vec<usize>,
}

impl Guide {
    /// The next token, given the model's raw logits: the most probable one that may come.
    /// `best` is the most probable of all, `normaliser` the logarithm of the sum of all
    /// exponentials.
    pub(crate) fn choose(&mut self, logits: &[f32], best: u32, normaliser: f64) -> Result<u32, DraftingError> {
        let token = match self.forced.pop_front() {
            Some(token) => token,
            None => match &self.kind {
                Kind::Structured(_) => self.structured(logits, best)?,
                Kind::YesNo(_) => self.yes_no(logits, best, normaliser),
            },
        };
        self.left = self.left.saturating_sub(1);
        if !self.end_tokens.contains(&token) && !self.thinks(token) {
            self.text.extend_from_slice(&self.trie.decode(&[token]));
            if let Kind::Structured(structured) = &mut self.kind {
                let token = structured.matcher.consume_token(token);
                token.map_err(|error| DraftingError::Grammar(format!("{error:#}")))?;
                let stops = self.text.ends_with(b".") || self.text.ends_with(b". ") || self.text.ends_with(b"\n");
                structured.in_sentence = if stops { 0 } else { structured.in_sentence + 1 };
            }
        }
        Ok(token)
    }

    /// Whether the frame was completed without the model.
    pub(crate) fn closed(&self) -> bool {
        self.closed
    }

    /// The frame, and where in the text a sentence was ended without the model.
    pub(crate) fn frame(&self) -> Option<(&Frame, &[usize])> {
        match &self.kind {
            Kind::Structured(structured) => Some((&structured.frame, &structured.cut)),
            Kind::YesNo(_) => None,
        }
    }

    /// The answer of a yes/no question, once it is there: the last one that was given.
    pub(crate) fn answer(&self) -> Option<YesNo> {
        match &self.kind {
            Kind::YesNo(asked) => asked.answer,
            Kind::Structured(_) => None,
        }
    }

    /// Notes a token of an answer to a question. Whether it begins, ends or is part of a block of thinking, which
    /// answers nothing; of a structured answer, whose grammar has no such blocks, never.
    fn thinks(&mut self, token: u32) -> bool {
        let Kind::YesNo(asked) = &mut self.kind else { return false };
        let Some(Thinking { open, close }) = self.thinking else { return false };
        asked.thinking = token == open || (asked.thinking && token != close);
        asked.thinking || token == close
    }

    fn structured(&mut self, logits: &[f32], best: u32) -> Result<u32, DraftingError> {
        let Kind::Structured(structured) = &mut self.kind else { return Ok(best) };
        if self.closed {
            return Ok(most_probable(logits, self.end_tokens.iter().copied()));
        }
        let grammar = |error| DraftingError::Grammar(format!("{error:#}"));
        let text = String::from_utf8_lossy(&self.text).into_owned();
        let inside = structured.frame.inside_sentence(&text);
        // Ending a sentence first takes at most a letter and a full stop.
        let ended = if inside { format!("{text}.") } else { text.clone() };
        let missing = structured.frame.missing(&ended);
        let needed = self.trie.greedy_tokenize(missing.as_bytes()).len() + SPARE;
        let out_of_room = !missing.is_empty() && self.left <= needed || inside && self.left <= SPARE;
        if out_of_room || inside && structured.in_sentence >= IN_SENTENCE {
            let mut forced = None;
            let stops: &[&str] = if inside { &[".", "x.", " x."] } else { &[""] };
            // A sentence that did not end is a loop more often than not: its region ends here.
            let onward = missing.split(NOTHING).next().unwrap_or_default().trim_end_matches(' ');
            for stop in stops {
                let rest = format!("{stop}{}", if out_of_room { missing.as_str() } else { onward });
                let tokens = self.trie.greedy_tokenize(rest.as_bytes());
                if structured.matcher.validate_tokens(&tokens).map_err(grammar)? == tokens.len() {
                    forced = Some((tokens, stop.len()));
                    break;
                }
            }
            if let Some((tokens, stop)) = forced.filter(|(tokens, _)| !tokens.is_empty()) {
                if inside {
                    structured.cut.push(text.len() + stop - 1);
                }
                self.closed |= out_of_room || missing.is_empty();
                self.forced = tokens.into();
                return self.forced.pop_front().ok_or(DraftingError::EngineDied);
            }
        }
        // A heading is written in its longest tokens, as a tokenizer would: by the mask
        // alone the model might spell it letter by letter, which it has never seen.
        let heading = self.trie.greedy_tokenize(structured.frame.determined(&text).as_bytes());
        if !heading.is_empty() && structured.matcher.validate_tokens(&heading).map_err(grammar)? == heading.len() {
            self.forced = heading.into();
            return self.forced.pop_front().ok_or(DraftingError::EngineDied);
        }
        if structured.matcher.is_stopped() || self.left <= 1 {
            return Ok(most_probable(logits, self.end_tokens.iter().copied()));
        }
        let may_end = structured.matcher.is_accepting().map_err(grammar)?;
        let allowed = match self.end_tokens.contains(&best) {
            true => may_end,
            // A token that writes nothing would be taken for progress.
            false => {
                !self.trie.token(best).is_empty() && structured.matcher.validate_tokens(&[best]).map_err(grammar)? == 1
            }
        };
        if allowed {
            return Ok(best);
        }
        let mask = structured.matcher.compute_mask().map_err(grammar)?;
        let ends = self.end_tokens.iter().copied();
        let mut candidates = Vec::new();
        mask.iter_set_entries(|token| candidates.push(token as u32));
        candidates.retain(|token| !self.end_tokens.contains(token));
        if may_end {
            candidates.extend(ends);
        }
        Ok(most_probable(logits, candidates.into_iter()))
    }

    fn yes_no(&mut self, logits: &[f32], best: u32, normaliser: f64) -> u32 {
        let Kind::YesNo(asked) = &mut self.kind else { return best };
        let text = String::from_utf8_lossy(&self.text).into_owned();
        if asked.thinking || !text.trim_end().ends_with(FINAL_ANSWER) {
            if asked.answer.is_some() {
                // What a model says after its answer may take it back, unless it had to be asked for it.
                asked.after += usize::from(!asked.thinking);
                return match self.closed || self.left <= SPARE || asked.after > TAIL {
                    true => most_probable(logits, self.end_tokens.iter().copied()),
                    false => best,
                };
            }
            let ask = format!("{}{FINAL_ANSWER}", if text.is_empty() { "" } else { "\n" });
            // Thinking that did not end is ended first: what is said in it is no answer.
            let close = self.thinking.filter(|_| asked.thinking).map(|thinking| thinking.close);
            let tokens: Vec<u32> = close.into_iter().chain(self.trie.greedy_tokenize(ask.as_bytes())).collect();
            if !self.end_tokens.contains(&best) && self.left > tokens.len() + SPARE {
                return best;
            }
            self.closed = true;
            self.forced = tokens.into();
            return self.forced.pop_front().unwrap_or(best);
        }
        // " yes", "Yes", and where the vocabulary has neither, "y": the first letters decide.
        let says = |word: &'static str| {
            let trie = &self.trie;
            (0..trie.vocab_size() as u32).filter(move |&token| {
                let Ok(text) = std::str::from_utf8(trie.token(token)) else { return false };
                let text = text.trim_start().to_ascii_lowercase();
                !text.is_empty() && word.starts_with(&text)
            })
        };
        let total = |word| -> f64 {
            let values = says(word).filter_map(|token| logits.get(token as usize));
            values.map(|&logit| (f64::from(logit) - normaliser).exp()).sum::<f64>().ln()
        };
        let (yes, no) = (total("yes"), total("no"));
        let word = if yes > no { "yes" } else { "no" };
        // An answer that is only said again is as sure as it was the first time; having been said, it now seems certain.
        if asked.answer.as_ref().and_then(|known| known.answer) != Some(yes > no) {
            asked.answer = Some(YesNo { answer: Some(yes > no), yes_logprob: yes as f32, no_logprob: no as f32 });
            asked.after = 0;
        }
        let token = most_probable(logits, says(word));
        let written = String::from_utf8_lossy(self.trie.token(token)).trim_start().to_ascii_lowercase();
        self.forced = self.trie.greedy_tokenize(word[written.len()..].as_bytes()).into();
        token
    }
}

/// The most probable of these tokens, the first of equals; 0 where there is none.
fn most_probable(logits: &[f32], tokens: impl Iterator<Item = u32>) -> u32 {
    let mut best: Option<u32> = None;
    for token in tokens.filter(|&token| (token as usize) < logits.len()) {
        if best.is_none_or(|best| {
            let (new, old) = (logits[token as usize], logits[best as usize]);
            new > old || new == old && token < best
        }) {
            best = Some(token);
        }
    }
    best.unwrap_or_default()
}

#[cfg(test)]
#[path = "guide_tests.rs"]
mod tests;
