//! The labeller against sentences labelled by hand: those that the rules were written on, and
//! those that were set aside before.

mod score;

use hilum_report::claims::{Claim, Device, Finding, Presence, Severity, Side, Temporal, Zone, label};
use score::{ByFinding, Count};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A sentence and its claims: "finding presence" and then, in any order, side, zone, severity,
/// words of time and kind of device.
#[derive(Debug, Deserialize)]
struct Case {
    text: String,
    claims: Vec<String>,
}

fn cases(json: &str) -> Vec<(String, Vec<Claim>)> {
    let cases: Vec<Case> = serde_json::from_str(json).expect("the cases are JSON");
    cases.into_iter().map(|c| (c.text, c.claims.iter().map(|words| claim(words)).collect())).collect()
}

fn claim(words: &str) -> Claim {
    let mut parts = words.split(' ');
    let finding = parts.next().and_then(Finding::of_key).unwrap_or_else(|| panic!("no finding in {words:?}"));
    let presence = parts.next().and_then(named).unwrap_or_else(|| panic!("no presence in {words:?}"));
    let (side, zone, severity, temporal, device) = (None, None, None, Vec::new(), None);
    let mut claim = Claim { finding, presence, side, zone, severity, temporal, device, span: 0..0 };
    for part in parts {
        if let Some(side) = named::<Side>(part) {
            claim.side = Some(side);
        } else if let Some(zone) = named::<Zone>(part) {
            claim.zone = Some(zone);
        } else if let Some(severity) = named::<Severity>(part) {
            claim.severity = Some(severity);
        } else if let Some(temporal) = named::<Temporal>(part) {
            claim.temporal.push(temporal);
        } else if let Some(device) = named::<Device>(part) {
            claim.device = Some(device);
        } else {
            panic!("{part:?} in {words:?} is no word of a claim");
        }
    }
    claim
}

fn named<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(word.into()).ok()
}

fn words(claims: &[Claim]) -> Vec<String> {
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let mut all: Vec<String> = claims
        .iter()
        .map(|c| {
            let mut parts =
                vec![word(serde_json::to_value(c.finding).unwrap()), word(serde_json::to_value(c.presence).unwrap())];
            parts.extend(c.side.map(|v| word(serde_json::to_value(v).unwrap())));
            parts.extend(c.zone.map(|v| word(serde_json::to_value(v).unwrap())));
            parts.extend(c.severity.map(|v| word(serde_json::to_value(v).unwrap())));
            parts.extend(c.temporal.iter().map(|v| word(serde_json::to_value(v).unwrap())));
            parts.extend(c.device.map(|v| word(serde_json::to_value(v).unwrap())));
            parts.join(" ")
        })
        .collect();
    all.sort();
    all
}

/// Counts of one set of cases.
#[derive(Default)]
struct Scores {
    mentions: Count,
    absent: Count,
    uncertain: Count,
    by_finding: ByFinding,
    /// Side, and all the rest, of claims whose finding and presence are right.
    sides: (u32, u32),
    whole: (u32, u32),
    failures: Vec<String>,
}

fn measure(name: &str, json: &str) -> Scores {
    let mut scores = Scores::default();
    let cases = cases(json);
    for (text, expected) in &cases {
        let found = label(text);
        let key = |c: &Claim| (c.finding, c.device.map(|d| d as u8));
        let of = |claims: &[Claim], presence: Presence| -> Vec<_> {
            claims.iter().filter(|c| c.presence == presence).map(key).collect()
        };
        scores.mentions.add(&expected.iter().map(key).collect::<Vec<_>>(), &found.iter().map(key).collect::<Vec<_>>());
        scores.absent.add(&of(expected, Presence::Absent), &of(&found, Presence::Absent));
        scores.uncertain.add(&of(expected, Presence::Uncertain), &of(&found, Presence::Uncertain));
        for finding in Finding::ALL {
            let stated = |claims: &[Claim]| -> Vec<_> {
                claims.iter().filter(|c| c.finding == finding).map(|c| (c.presence, c.device)).collect()
            };
            let present = |claims: &[Claim]| -> Vec<_> {
                stated(claims).into_iter().filter(|(presence, _)| *presence == Presence::Present).collect()
            };
            let (all, affirmed) = scores.by_finding.0.entry(finding).or_default();
            all.add(&stated(expected), &stated(&found));
            affirmed.add(&present(expected), &present(&found));
        }
        for claim in expected {
            let same = found.iter().filter(|f| key(f) == key(claim) && f.presence == claim.presence);
            let same: Vec<_> = same.collect();
            if same.is_empty() {
                continue;
            }
            scores.sides.1 += 1;
            scores.sides.0 += u32::from(same.iter().any(|f| f.side == claim.side));
            scores.whole.1 += 1;
            scores.whole.0 +=
                u32::from(same.iter().any(|f| words(&[(*f).clone()]) == words(std::slice::from_ref(claim))));
        }
        if words(&found) != words(expected) {
            scores.failures.push(format!(
                "{text}\n    expected {:?}\n    found    {:?}",
                words(expected),
                words(&found)
            ));
        }
    }
    println!("{name}: {} sentences, {} claims", cases.len(), cases.iter().map(|c| c.1.len()).sum::<usize>());
    println!("  mentions  {}", scores.mentions);
    println!("  absent    {}", scores.absent);
    println!("  uncertain {}", scores.uncertain);
    println!("  sides {}/{}, every word {}/{}", scores.sides.0, scores.sides.1, scores.whole.0, scores.whole.1);
    println!("{}", scores.by_finding);
    println!("  sentences not wholly as labelled: {}", scores.failures.len());
    for failure in &scores.failures {
        println!("  - {failure}");
    }
    scores
}

fn check(name: &str, json: &str) {
    let scores = measure(name, json);
    for (what, count) in [("mentions", &scores.mentions), ("absent", &scores.absent)] {
        assert!(count.f1() >= 0.95, "{name}: {what} {count}");
    }
    // All fourteen, "no finding" too, which is a claim where a sentence says so in words.
    for (finding, (stated, _)) in &scores.by_finding.0 {
        assert!(stated.right + stated.missed > 0, "{name}: no sentence speaks of {}", finding.key());
        assert!(stated.f1() >= 0.9, "{name}: {} {stated}", finding.key());
    }
    assert!(f64::from(scores.sides.0) >= 0.95 * f64::from(scores.sides.1), "{name}: sides {:?}", scores.sides);
}

#[test]
fn sentences_that_the_rules_were_written_on() {
    check("tuning", include_str!("claims/tuning.json"));
}

#[test]
fn sentences_that_were_set_aside_before() {
    check("held out", include_str!("claims/held_out.json"));
}

#[test]
fn harder_sentences_written_after_the_rules() {
    check("later", include_str!("claims/later.json"));
}
