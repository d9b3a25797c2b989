//! What is known of random paths through the window from one to the next, and what they did in the end.

use crate::chance::Random;
use crate::ledger;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// So much of what was given to the driver it may refuse.
const REFUSED: f64 = 0.2;

/// What is remembered from path to path.
#[derive(Default)]
pub struct Known {
    /// Text and hash of every signed version as first read.
    pub versions: BTreeMap<String, (Value, Value)>,
    /// Events of a signature in the trail, by report.
    pub events: BTreeMap<String, u64>,
    pub line: f64,
    pub preliminary: u64,
    /// Drafts that came into a report.
    pub drafts: usize,
    pub ended: BTreeMap<String, usize>,
    /// Codes with which the sign dialog refused.
    pub refusals: BTreeMap<String, usize>,
    /// Patients by how often they were looked at, and those whose report was last seen signed.
    pub visits: BTreeMap<String, usize>,
    pub signed: BTreeSet<String>,
}

impl Known {
    /// Whom the next path is on.
    pub fn next(&self, path: usize, open: &str, names: &[String], random: &mut Random) -> String {
        let (signed, unsigned): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| self.signed.contains(*name));
        let any = |random: &mut Random, of: &[&String]| (!of.is_empty()).then(|| of[random.below(of.len())].clone());
        let chosen = match path % 4 {
            0 => any(random, &unsigned),
            1 => names.iter().min_by_key(|name| self.visits.get(*name).copied().unwrap_or_default()).cloned(),
            2 => any(random, &signed),
            _ if path % 8 == 3 => any(random, &signed),
            _ => None,
        };
        let stays = !open.is_empty() && !random.one_in(3);
        chosen.unwrap_or_else(|| if stays { open.to_owned() } else { names[random.below(names.len())].clone() })
    }

    pub fn refused(&mut self, code: &Value) {
        if let Some(code) = code.as_str().filter(|code| !code.is_empty()) {
            *self.refusals.entry(code.to_owned()).or_default() += 1;
        }
    }

    /// What was done and what came of it, as a line of names and whole numbers, so that those of several runs can be added up
    /// (`window_paths_by_seed`).
    pub fn account(
        &self,
        paths: usize,
        took: Duration,
        (taken, refused): (usize, usize),
        found: &ledger::Found,
        verified: usize,
    ) -> String {
        let mut sums = vec![
            ("paths".to_owned(), paths),
            ("seconds".to_owned(), took.as_secs() as usize),
            ("driver_took".to_owned(), taken),
            ("driver_refused".to_owned(), refused),
            ("drafts".to_owned(), self.drafts),
            ("signatures".to_owned(), found.signatures),
            ("of_them_addenda".to_owned(), found.addenda),
            ("of_them_amendments".to_owned(), found.amendments),
            ("preliminary".to_owned(), found.preliminary),
            ("reports_signed".to_owned(), self.events.len()),
            ("versions_verified".to_owned(), verified),
            ("proposals_signed".to_owned(), found.signed_proposals),
        ];
        sums.extend(self.ended.iter().map(|(status, times)| (format!("ended_{status}"), *times)));
        sums.extend(self.refusals.iter().map(|(code, times)| (format!("dialog_refused_{code}"), *times)));
        let sums: Vec<String> = sums.iter().map(|(name, number)| format!("{name}={number}")).collect();
        format!("counted: {}", sums.join(" "))
    }

    /// Enough happened for so many paths that the guard's rules had something to judge. Of a few paths, whose luck may be
    /// bad, less is asked for.
    pub fn check_enough(&self, paths: usize, found: &ledger::Found, (taken, refused): (usize, usize)) {
        let ended = |status: &str| self.ended.get(status).copied().unwrap_or_default();
        let one_of_few = |wanted: usize| wanted.max(usize::from(paths >= 8));
        let wanted = [
            ("signatures", found.signatures, (paths / 4).saturating_sub(1)),
            ("addenda and amendments that were signed", found.addenda + found.amendments, (paths / 8).saturating_sub(1)),
            ("wrong passphrases refused", self.refusals.get("vault.locked").copied().unwrap_or_default(), paths / 8),
            ("drafts of the model", self.drafts, one_of_few(paths / 12)),
            ("sentences that a model proposed and a person signed", found.signed_proposals, paths / 32),
            ("paths that ended in a draft", ended("draft"), paths / 16),
            ("paths that ended in a signed report", ended("final"), paths / 8),
            ("paths that ended in a reopened report", ended("reopened"), paths / 32),
            ("clicks, keys and chords that the driver took", taken, 10 * paths),
        ];
        for (what, happened, least) in wanted {
            assert!(happened >= least, "{what}: {happened} in {paths} paths, {least} are wanted");
        }
        let share = refused as f64 / (taken + refused).max(1) as f64;
        assert!(share <= REFUSED, "the driver refused {:.0} % of {} clicks, keys and questions", share * 100.0, taken + refused);
    }
}

#[test]
fn an_account_is_names_and_whole_numbers() {
    let mut known = Known { drafts: 2, ..Known::default() };
    known.ended.insert("final".into(), 5);
    known.refused(&Value::from("vault.locked"));
    let found = ledger::Found { signatures: 4, addenda: 1, ..ledger::Found::default() };
    let line = known.account(8, Duration::from_millis(74_900), (252, 3), &found, 4);
    let sums = line.strip_prefix("counted: ").expect("what it begins with");
    let begins = "paths=8 seconds=74 driver_took=252 driver_refused=3 drafts=2 signatures=4 of_them_addenda=1 ";
    assert!(sums.starts_with(begins), "{line}");
    assert!(sums.ends_with(" ended_final=5 dialog_refused_vault.locked=1"), "{line}");
    for sum in sums.split(' ') {
        let number = sum.split_once('=').map(|(_, number)| number.parse::<usize>());
        assert!(matches!(number, Some(Ok(_))), "{sum} of {line}");
    }
}
