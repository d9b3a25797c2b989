//! The labeller against reports of the Indiana University collection, labelled by hand.
//!
//! The collection's own tags are not in the file that is at hand, so reports were labelled from their
//! words alone, before the labeller was run on any of them: the first 120 by key, on which it was then
//! mended, and 40 later ones, on which it was not. Only keys and labels are kept here; the texts are
//! test input and stay where they are.

mod score;
#[path = "../../testkit/src/skipped.rs"]
mod skipped;

use hilum_report::claims::{Finding, Presence, conclusions, label};
use score::{ByFinding, Count};
use serde::Deserialize;
use skipped::skipped;
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Deserialize)]
struct Report {
    section_findings: String,
    section_impression: String,
}

type Labels = BTreeMap<Finding, Presence>;

#[test]
fn reports_on_which_the_rules_were_mended() {
    check(include_str!("claims/iu_xray.json"));
}

#[test]
fn reports_labelled_later() {
    check(include_str!("claims/iu_xray_later.json"));
}

fn check(labels: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/reports/iu-xray-reports.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        skipped("the shared test data are not beside the repository");
        return;
    };
    let reports: BTreeMap<String, Report> = serde_json::from_str(&text).expect("the reports are JSON");
    let labels: BTreeMap<String, Labels> = serde_json::from_str(labels).expect("the labels are JSON");

    let mut by_finding = ByFinding::default();
    let (mut mentions, mut absent, mut all) = (Count::default(), Count::default(), Count::default());
    for (key, expected) in &labels {
        let report = &reports[key];
        let found = conclusions(&label(&format!("{}\n{}", report.section_findings, report.section_impression)));
        // That a report has no finding is not among its labels; it would follow from the other thirteen.
        for finding in Finding::ALL.into_iter().filter(|finding| *finding != Finding::NoFinding) {
            let (a, b) = (expected.get(&finding), found.get(&finding));
            count(&mut mentions, a.map(|_| ()), b.map(|_| ()));
            count(&mut all, a, b);
            let (stated, present) = by_finding.0.entry(finding).or_default();
            count(stated, a, b);
            let only = |p: Option<&Presence>, wanted| p.filter(|p| **p == wanted).copied();
            count(&mut absent, only(a, Presence::Absent), only(b, Presence::Absent));
            count(present, only(a, Presence::Present), only(b, Presence::Present));
            if a != b {
                println!("{key} {}: labelled {a:?}, found {b:?}", finding.key());
            }
        }
    }
    println!("{} reports\nmentions {mentions}\nabsent   {absent}\nfinding and presence {all}\n", labels.len());
    println!("{by_finding}");
    assert!(mentions.f1() >= 0.95, "mentions {mentions}");
    assert!(absent.f1() >= 0.95, "absent {absent}");
    assert!(all.f1() >= 0.95, "finding and presence {all}");
}

fn count<T: PartialEq + Clone>(count: &mut Count, expected: Option<T>, found: Option<T>) {
    count.add(expected.as_slice(), found.as_slice());
}
