//! Random answers under the grammar, on the real vocabularies and without a model.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use hilum_report::claims::comparing_words;
use hilum_workers::messages::draft::DraftedPart::{self, Findings, Impression};

use super::*;
use crate::prompts::prompts;
use crate::vocabulary::vocabulary_of;

/// Xorshift: repeatable, and no more is asked of it.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Uniform in [0, 1).
    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn demo() -> Option<Guides> {
    let path = repository().join("models/demo/medgemma-demo/tokenizer.json");
    if !path.exists() {
        hilum_testkit::skipped(format_args!("{} is not here", path.display()));
        return None;
    }
    // <eos> and <end_of_turn> of this vocabulary.
    let text = std::fs::read_to_string(&path).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let id = |content: &str| {
        let tokens = value["added_tokens"].as_array().unwrap();
        tokens.iter().find(|token| token["content"] == content).unwrap()["id"].as_u64().unwrap() as u32
    };
    let end = vec![id("<eos>"), id("<end_of_turn>")];
    Some(Guides::new(vocabulary_of(&path, &end).unwrap(), end).unwrap())
}

fn gemma3() -> Option<Guides> {
    let packed = repository().join("../shared/data/tokenizers/gemma3/tokenizer.json.xz");
    let unpacked = Command::new("xz").arg("-dc").arg(&packed).output();
    let Some(unpacked) = unpacked.ok().filter(|done| done.status.success()) else {
        hilum_testkit::skipped(format_args!("{} is not here, or no xz", packed.display()));
        return None;
    };
    let folder = std::env::temp_dir().join(format!("hilum-gemma3-{}", std::process::id()));
    std::fs::write(&folder, unpacked.stdout).unwrap();
    let trie = vocabulary_of(&folder, &[1, 106]).unwrap();
    std::fs::remove_file(&folder).unwrap();
    assert_eq!(trie.vocab_size(), 262_145);
    Some(Guides::new(trie, vec![1, 106]).unwrap())
}

/// One answer of a model that knows nothing: every logit is random.
fn random_answer(
    guides: &Guides,
    parts: &[DraftedPart],
    rules: &AnswerRules,
    most: usize,
    seed: u64,
) -> (String, Guide, Duration) {
    let (mut guide, _) = guides.structured(Frame::of(parts), rules, most).unwrap();
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let size = guides.trie.vocab_size();
    let mut logits = vec![0.0_f32; size];
    let mut spent = Duration::ZERO;
    for _ in 0..most {
        // A new draw of every logit would take longer than the grammar; a shift is enough.
        if random.next() % 4 == 0 || logits[0] == 0.0 {
            logits.iter_mut().for_each(|logit| *logit = random.unit());
        } else {
            logits.rotate_left((random.next() % size as u64) as usize);
        }
        // Full stops are rare among random tokens, and never ending a sentence tests little.
        if random.next() % 8 == 0 {
            for token in guides.trie.greedy_tokenize(b".") {
                logits[token as usize] = 2.0;
            }
        }
        let best = most_probable(&logits, 0..size as u32);
        let begun = Instant::now();
        let token = guide.choose(&logits, best, 0.0).unwrap();
        spent += begun.elapsed();
        if guides.end_tokens.contains(&token) {
            let text = String::from_utf8(guide.text.clone()).unwrap();
            return (text, guide, spent);
        }
    }
    panic!("the answer did not end in {most} tokens: {:?}", String::from_utf8_lossy(&guide.text));
}

/// Words that the labeller always reads as a comparison, and the grammar by their company: "increased markings".
const IN_COMPANY: [&str; 3] = ["increased", "decreased", "reduced"];

/// Words of comparison in a text, found another way than the grammar does: by what the labeller reads so, and by words that
/// it need not read, because no claim depends on them.
fn comparisons(text: &str) -> Vec<String> {
    let plain = "interval interim prior previous previously again since former formerly earlier before still longer today \
                 yesterday ago baseline residual fewer known stationary resorbed ongoing already latest static extubated growing";
    let stems =
        "compar improv worsen persist redemonstrat recur reabsor deteriorat disappear reappear relaps explant evolv";
    let labelled: Vec<&str> = comparing_words().filter(|word| !IN_COMPANY.contains(word)).collect();
    let compares = |word: &String| {
        plain.split(' ').any(|other| other == word)
            || labelled.contains(&word.as_str())
            || stems.split(' ').any(|stem| word.starts_with(stem))
    };
    text.to_lowercase().split(|c: char| !c.is_ascii_alphabetic()).map(str::to_owned).filter(compares).collect()
}

fn check(guides: &Guides, parts: &[DraftedPart], rules: &AnswerRules, most: usize, seed: u64) {
    let (text, guide, _) = random_answer(guides, parts, rules, most, seed);
    let (frame, cut) = guide.frame().unwrap();
    assert_eq!(frame.missing(&text), "", "{text}");
    let shape = &prompts().structured_answer;
    if parts.contains(&Findings) {
        assert!(text.starts_with(&shape.findings_heading), "{text}");
        let places = shape.regions.iter().map(|region| text.find(&format!("\n{region}: ")));
        let places: Vec<usize> = places.map(|place| place.unwrap_or_else(|| panic!("{text}"))).collect();
        assert!(places.is_sorted(), "{text}");
    }
    if parts.contains(&Impression) {
        assert!(text.contains(&format!("{}\n", shape.impression_heading)), "{text}");
    }
    assert!(text.ends_with('.'), "{text}");
    if !rules.comparison {
        assert_eq!(comparisons(&text), [""; 0], "{text}");
    }
    if rules.measured.is_empty() {
        assert!(!text.chars().any(|c| c.is_ascii_digit()), "{text}");
    }
    assert!(text.is_ascii() && !text.contains(['<', '>', '[', ']', '(', ')']), "{text}");
    for section in frame.sections(&text, cut) {
        for sentence in section.sentences {
            assert!(sentence.text.ends_with('.') && sentence.text != NOTHING, "{text}");
            assert_eq!(sentence.region.is_some(), section.section == "findings", "{text}");
        }
    }
}

fn many(guides: &Guides, count: u64) {
    let rules = AnswerRules::default();
    for seed in 0..count {
        check(guides, &[Findings, Impression], &rules, 480, seed);
        check(guides, &[Findings, Impression], &rules, 200, seed + 1000);
        check(guides, &[Findings], &rules, 300, seed + 2000);
        check(guides, &[Impression], &rules, 60, seed + 3000);
        check(guides, &[Impression], &AnswerRules { comparison: true, ..rules.clone() }, 100, seed + 4000);
        let measured = AnswerRules { measured: vec!["12 mm".to_owned()], ..rules.clone() };
        check(guides, &[Findings, Impression], &measured, 480, seed + 5000);
    }
}

#[test]
fn random_answers_in_the_demonstration_vocabulary() {
    if let Some(guides) = demo() {
        many(&guides, 8);
    }
}

#[test]
fn random_answers_in_gemma_s_vocabulary() {
    if let Some(guides) = gemma3() {
        many(&guides, 3);
        let begun = Instant::now();
        let (text, _, spent) = random_answer(&guides, &[Findings, Impression], &AnswerRules::default(), 480, 77);
        println!("{spent:?} in the grammar for {} characters, {:?} in all", text.len(), begun.elapsed());
        last_answers(&guides);
    }
}

/// A forced heading is what a tokenizer would make of it, down to the colon.
#[test]
fn headings_are_written_in_the_tokens_that_a_model_has_read() {
    let Some(guides) = demo() else { return };
    let tokenizer = repository().join("models/demo/medgemma-demo/tokenizer.json");
    let tokenizer = tokenizers::Tokenizer::from_file(tokenizer).unwrap();
    let frame = Frame::of(&[Findings, Impression]);
    for slot in &frame.0 {
        let lead = slot.lead.trim_end_matches(' ');
        let expected = tokenizer.encode_fast(lead, false).unwrap();
        assert_eq!(guides.trie.greedy_tokenize(lead.as_bytes()), expected.get_ids(), "{lead:?}");
    }
}

/// The grammar of an impression under some rules.
struct Sentences<'a> {
    guides: &'a Guides,
    structured: Box<Structured>,
}

impl<'a> Sentences<'a> {
    fn under(guides: &'a Guides, rules: &AnswerRules) -> Self {
        let (guide, _) = guides.structured(Frame::of(&[Impression]), rules, 100).unwrap();
        let Kind::Structured(structured) = guide.kind else { unreachable!() };
        Self { guides, structured }
    }

    /// Whether an impression may be this sentence, or begin with it.
    fn check(&self, sentence: &str, expected: bool) {
        let tokens = self.guides.trie.greedy_tokenize(format!("IMPRESSION:\n{sentence}").as_bytes());
        // A matcher that has refused something keeps traces of it.
        let mut matcher = self.structured.matcher.deep_clone();
        let taken = matcher.validate_tokens(&tokens).unwrap() == tokens.len();
        assert_eq!(taken, expected, "{sentence}");
    }
}

/// What the labeller reads as a comparison is written with a prior alone.
#[test]
fn words_that_the_labeller_reads_as_a_comparison_need_a_prior() {
    let Some(guides) = demo() else { return };
    let plain = Sentences::under(&guides, &AnswerRules::default());
    let linked = Sentences::under(&guides, &AnswerRules { comparison: true, ..AnswerRules::default() });
    let words: Vec<&str> = comparing_words().collect();
    assert!(words.len() > 40 && IN_COMPANY.iter().all(|word| words.contains(word)), "{words:?}");
    for word in words {
        let capital = word[..1].to_uppercase() + &word[1..];
        for sentence in [format!("The effusion is {word}."), format!("{capital} effusion.")] {
            plain.check(&sentence, false);
            linked.check(&sentence, true);
        }
    }
}

#[test]
fn what_a_sentence_may_hold() {
    let Some(guides) = demo() else { return };
    let plain = Sentences::under(&guides, &AnswerRules::default());
    let linked = Sentences::under(&guides, &AnswerRules { comparison: true, ..AnswerRules::default() });
    let values = vec!["12 mm".to_owned(), "3.5 cm".to_owned()];
    let measured = Sentences::under(&guides, &AnswerRules { measured: values, ..AnswerRules::default() });
    for sentence in [
        "Small left pleural effusion.",
        "Degenerative changes of the thoracic spine.",
        "Increased interstitial markings, chronic.",
        "Increased opacity in the right base.",
        "Reduced lung volumes.",
        "No acute cardiopulmonary disease.",
        "Well-expanded lungs; the heart's size is normal.",
        "Renewed catheter.",
        "Normal. No effusion.",
        "Opacity of unknown significance.",
        "Fracture of the left sixth rib.",
        "Bone resorption.",
        "A single nodule, the lower one of both.",
    ] {
        plain.check(sentence, true);
        linked.check(sentence, true);
    }
    for sentence in [
        "Unchanged effusion.",
        "The effusion is stable.",
        "A new opacity.",
        "NEW opacity.",
        "Opacity, new, on the left.",
        "Increased in size.",
        "Improved aeration.",
        "Compared with the study before, no change.",
        "No interval change.",
        "Again seen.",
        "The effusion has increased.",
        "Opacities have slightly decreased.",
        "Edema has cleared.",
        "The tube has been removed.",
        "Re-demonstrated opacity.",
        "No significant changes.",
        "More prominent markings.",
        "The old film shows this.",
        "Decreased slightly.",
        "Better aeration.",
        "The catheter was pulled back.",
        "Increased left pleural effusion.",
        "The left effusion is decreased.",
        "Slightly decreased left effusion.",
        "Heart size increased.",
        "The pneumothorax is reduced.",
        "Less edema.",
        "Effusion is less severe.",
        "The tube was exchanged.",
        "Effusion is no more seen.",
        "Residual effusion.",
        "Fewer opacities.",
        "A known effusion.",
        "The tube is stationary.",
        "Fluid was partly reabsorbed.",
        "Resorbed hematoma.",
        "Reduction in edema.",
        "The pacemaker was explanted.",
        "Normalized heart size.",
    ] {
        plain.check(sentence, false);
        linked.check(sentence, true);
    }
    for sentence in [
        "A nodule of 12 mm.",
        "A nodule of twelve mm.",
        "Two centimeters.",
        "An angle of twenty degrees.",
        "Twenty-two degrees.",
        "Two nodules.",
        "Opacity, fourteen by ten.",
        "A hundred nodules.",
        "no capital.",
        "No stop",
        "Two  spaces.",
        "A line\nbreak.",
        "<b>Bold.",
        "Caf\u{e9}.",
    ] {
        plain.check(sentence, sentence == "No stop");
        linked.check(sentence, sentence == "No stop");
    }
    measured.check("A nodule of 12 mm.", true);
    measured.check("A nodule of 3.5 cm, solid.", true);
    measured.check("A nodule of 13 mm.", false);
    measured.check("A nodule of twelve mm.", false);
    measured.check("A nodule of twelve.", false);
    measured.check("Two nodules of 12 mm.", false);
}

/// What a guided yes/no answer becomes, for a model that prefers these words in turn, a control token being one of
/// them, and "no" where it is asked for another.
fn yes_no(guides: &Guides, wishes: &[&str], most: usize) -> (String, YesNo, bool) {
    let mut guide = guides.yes_no(most);
    let tokens = |wish: &str| match guides.trie.get_special_token(wish) {
        Some(token) => vec![token],
        None => guides.trie.greedy_tokenize(wish.as_bytes()),
    };
    let mut wishes: VecDeque<u32> = wishes.iter().flat_map(|wish| tokens(wish)).collect();
    for _ in 0..most {
        let mut logits = vec![0.0_f32; guides.trie.vocab_size()];
        logits[tokens(" no")[0] as usize] = 5.0;
        // Where another token was forced the wish stays.
        let wish = wishes.front().copied().unwrap_or(guides.end_tokens[1]);
        logits[wish as usize] = 9.0;
        let normaliser = logits.iter().map(|&logit| f64::from(logit).exp()).sum::<f64>().ln();
        let token = guide.choose(&logits, wish, normaliser).unwrap();
        if token == wish {
            wishes.pop_front();
        }
        if guides.end_tokens.contains(&token) {
            let text = String::from_utf8(guide.text.clone()).unwrap();
            return (text, guide.answer().unwrap(), guide.closed());
        }
    }
    panic!("no end: {:?}", String::from_utf8_lossy(&guide.text));
}

#[test]
fn yes_and_no() {
    let Some(guides) = demo() else { return };
    let (text, answer, closed) = yes_no(&guides, &["Final Answer:", " yes"], 40);
    assert_eq!((text.as_str(), answer.answer, closed), ("Final Answer: yes", Some(true), false));
    assert!(answer.yes_logprob > answer.no_logprob && answer.yes_logprob <= 0.0);
    let (text, answer, closed) = yes_no(&guides, &["The pleura is clear. Final Answer:", " no"], 60);
    assert_eq!((text.ends_with("Final Answer: no"), answer.answer, closed), (true, Some(false), false));
    // A model that never comes to its answer is asked for it.
    let (text, answer, closed) = yes_no(&guides, &["The pleura is clear. "; 30], 60);
    assert!(text.contains("\nFinal Answer:") && closed && answer.answer.is_some(), "{text}");
    let (text, _, closed) = yes_no(&guides, &[], 60);
    assert!(text.starts_with("Final Answer:") && closed, "{text}");
}

/// The last answer that a model gives counts, and none that it gives while it thinks.
fn last_answers(guides: &Guides) {
    let (open, close) = (THINKING_OPEN, THINKING_CLOSE);
    let (ends, again) = ("Final Answer:", ". No, wait. Final Answer:");
    let check = |wishes: &[&str], text: &str, yes: bool, closed: bool| {
        let (said, answer, was_closed) = yes_no(guides, wishes, 60);
        assert_eq!((said.as_str(), answer.answer, was_closed), (text, Some(yes), closed), "{wishes:?}");
    };
    // One is named in thinking, and another one after it.
    check(&[open, "thought Final Answer: yes", close, ends, " no"], "Final Answer: no", false, false);
    check(&["Look. ", open, ends, " yes", close, ends, " no"], "Look. Final Answer: no", false, false);
    check(&[close, ends, " yes"], "Final Answer: yes", true, false);
    // Thinking that fills the room, and thinking that just ends, is closed before the answer is asked for.
    let for_ever = [&[open, "Final Answer: yes. "][..], &["Hm. "; 60]].concat();
    check(&for_ever, "Final Answer: no", false, true);
    check(&[open, "Final Answer: yes"], "Final Answer: no", false, true);
    check(&[open, "Hm.", close], "Final Answer: no", false, true);
    // Of two answers the later one, as long as there is room for it.
    check(&[ends, " yes", again, " no"], "Final Answer: yes. No, wait. Final Answer: no", false, false);
    check(&[ends, " no", again, " yes"], "Final Answer: no. No, wait. Final Answer: yes", true, false);
    check(&[ends, " yes", open, ends, " no", close], "Final Answer: yes", true, false);
    check(&[ends, " yes", open, ends, " no"], "Final Answer: yes", true, false);
    // What goes on and on, or says the same again and again, is ended long before the room is full, and is as sure as at first.
    let (_, once, _) = yes_no(guides, &[ends, " yes"], 60);
    for tail in [". The pleura is clear", ". Final Answer: yes"] {
        let on_and_on = [&[ends, " yes"][..], &[tail; 60]].concat();
        let (text, answer, closed) = yes_no(guides, &on_and_on, 250);
        assert!(text.starts_with(&format!("Final Answer: yes{tail}")), "{text}");
        assert!(text.matches(tail).count() <= 12, "{text}");
        assert_eq!((answer, closed), (once, false), "{text}");
    }
}

#[test]
fn thinking_answers_nothing_and_the_last_answer_counts() {
    let Some(guides) = demo() else { return };
    last_answers(&guides);
}
