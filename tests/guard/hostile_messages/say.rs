//! What is said: messages with arguments of their types, out of what was heard before, and damaged.

use crate::common::Random;
use crate::dispatch::MESSAGES;
use crate::person::{NAME, PASSPHRASE, study_of};
use serde_json::{Value, json};
use std::path::Path;

/// Identifiers that were heard and are said again: so many at most.
const KNOWN: usize = 300;
/// Messages that start a program or derive a key; asked for a quarter as often as others.
pub const COSTLY: [&str; 12] = [
    "models", "verify_model", "pack_choose", "pack_remove", "unlock_with_recovery", "change_passphrase", "add_user", "recovery_renew",
    "calibration_fit", "restore_start", "evidence_requery", "draft_start",
];
const SECTIONS: [&str; 8] = ["exam", "indication", "comparison", "technique", "findings", "impression", "addendum", "nonsense"];

/// Says messages, and remembers identifiers of answers.
pub struct Speaker {
    known: Vec<String>,
    odd: Vec<String>,
    settings: Value,
}

impl Speaker {
    pub fn new(root: &Path) -> Self {
        let outside = |name: &str| root.join("outside").join(name).display().to_string();
        let odd = [
            "", " ", "\0", "\u{202E}gnp.exe", "\u{1F4A9}", "%s%n%x", "${HOME}", "$(touch x)", "`id`", "; rm -rf .", "| cat", "--help", "-rf", "\r\n", "<script>",
            "'; DROP TABLE reports; --", "\" OR 1=1", "* NEAR( AND", "a\" \"b", "(((((", "^", ":", "-", "../../outside/LETTER", "..\\..\\outside", "/etc/passwd",
            "file:///etc/passwd", "http://127.0.0.1:1/", "http://[::1", "http://user@host:99999/", "https://example.org/", "CON", "NaN", "null", "undefined", "0", "-1",
            "9999999999999999999999", "1e308", "2026-13-45", "window", "window.x", "watch.taken", "\u{FEFF}", "é\u{301}\u{301}\u{301}\u{301}", "[number]", "[none|small",
            "Small left pleural effusion.", "No pneumothorax.", "pneumothorax", "edema", "no_finding", "cxr-frontal", "medgemma-demo", "medsiglip-demo", "q4k", "dark", "any",
        ];
        let mut odd: Vec<String> = odd.iter().map(|text| (*text).to_owned()).collect();
        odd.extend([outside("LETTER"), outside("backups"), outside("tmp/x"), "a".repeat(5000), "\u{0301}".repeat(300), "(".repeat(2000)]);
        let known = ["1", "2", "666"].map(study_of).into_iter().chain(["2.25.73.1".into(), "2.25.73.2".into(), "u-reader".into(), NAME.into()]);
        Self { known: known.collect(), odd, settings: json!({}) }
    }

    /// Remembers every identifier of an answer, and the settings as they are.
    pub fn learn(&mut self, answer: &Value) {
        match answer {
            Value::Object(fields) => {
                if fields.contains_key("backupFolder") {
                    self.settings = answer.clone();
                }
                for (name, value) in fields {
                    let names = name == "id" || name.ends_with("Id") || name.ends_with("Uid") || ["token", "job", "user"].contains(&name.as_str());
                    match value.as_str() {
                        Some(id) if names => self.remember(id),
                        _ => self.learn(value),
                    }
                }
            }
            Value::Array(values) => values.iter().take(50).for_each(|value| self.learn(value)),
            Value::String(id) if (8..80).contains(&id.len()) => self.remember(id),
            _ => {}
        }
    }

    fn remember(&mut self, id: &str) {
        if id.len() > 200 || id.contains(PASSPHRASE) || self.known.iter().any(|known| known == id) {
            return;
        }
        if self.known.len() == KNOWN {
            self.known.remove(8);
        }
        self.known.push(id.to_owned());
    }

    /// A message and its arguments.
    pub fn message(&mut self, random: &mut Random) -> (&'static str, Value) {
        let (name, of) = loop {
            let (name, of) = MESSAGES[random.below(MESSAGES.len())];
            if !COSTLY.contains(&name) || random.one_in(4) {
                break (name, of);
            }
        };
        let mut arguments = self.arguments(random, of);
        if random.one_in(4) {
            for _ in 0..1 + random.below(3) {
                self.damage(random, &mut arguments, 0);
            }
        }
        (name, arguments)
    }

    /// Arguments of these names and types, none of them damaged.
    pub fn arguments(&self, random: &mut Random, of: &[(&str, &str)]) -> Value {
        Value::Object(of.iter().map(|(key, of)| ((*key).to_owned(), self.value(random, of, key))).collect())
    }

    fn text(&self, random: &mut Random, key: &str) -> String {
        match key {
            "passphrase" if random.one_in(2) => return PASSPHRASE.to_owned(),
            "user" if random.one_in(2) => return NAME.to_owned(),
            _ => {}
        }
        let identifies = key == "id" || key.ends_with("Id") || key.ends_with("Uid") || ["token", "job", "toPatientOf", "after", "from"].contains(&key);
        // The newest identifiers are those that are still there.
        if identifies && !random.one_in(4) {
            let back = if random.one_in(2) { 12 } else { KNOWN };
            let from = self.known.len().saturating_sub(back);
            return self.known[from + random.below(self.known.len() - from)].clone();
        }
        self.odd[random.below(self.odd.len())].clone()
    }

    fn texts(&self, random: &mut Random, key: &str) -> Value {
        (0..random.below(5)).map(|_| Value::from(self.text(random, key))).collect()
    }

    fn maybe(&self, random: &mut Random, key: &str) -> Value {
        if random.one_in(2) { Value::Null } else { self.text(random, key).into() }
    }

    fn number(&self, random: &mut Random) -> Value {
        let edges = [0.0, 1.0, 2.0, -1.0, 0.5, -0.0, 1e308, -1e308, 4294967295.0, 4294967296.0, 9007199254740993.0, 1e-320];
        if random.one_in(2) { json!(random.below(40)) } else { json!(random.pick(&edges)) }
    }

    fn one_of(&self, random: &mut Random, names: &[&str]) -> Value {
        if random.one_in(12) { self.text(random, "").into() } else { random.pick(names).into() }
    }

    /// An argument of a type, as its wrapper spells it.
    fn value(&self, random: &mut Random, of: &str, key: &str) -> Value {
        match of {
            "String" => self.text(random, key).into(),
            "Option<String>" => self.maybe(random, key),
            "Vec<String>" => self.texts(random, "studyUid"),
            "bool" => random.one_in(2).into(),
            "u32" => json!(random.pick(&[0u64, 1, 5, 200, 4294967295, 4294967296])),
            "f64" => self.number(random),
            "Option<f64>" => if random.one_in(2) { Value::Null } else { self.number(random) },
            "Vec<EditCommand>" => (0..random.below(5)).map(|_| self.edit(random)).collect(),
            "SignRequest" => json!({
                "reportId": self.text(random, "reportId"), "revision": self.number(random), "passphrase": self.text(random, "passphrase"),
                "patientConfirmed": !random.one_in(5), "accessionConfirmed": !random.one_in(5),
            }),
            "Settings" => self.settings(random),
            "DraftOptions" => json!({
                "indicationConfirmed": random.one_in(2), "notes": self.text(random, ""), "mode": self.one_of(random, &["structured", "raw"]),
                "usePrior": random.one_in(2),
            }),
            "SectionToDraft" => self.one_of(random, &["findings", "impression"]),
            "SectionHow" => self.one_of(random, &["again", "shorter", "more_detail", "from_findings"]),
            "ExportAs" => self.one_of(random, &["pdf", "sr", "encapsulated", "fhir", "hl7"]),
            "SituationName" => self.one_of(random, &["child", "two_views", "frontal", "portable"]),
            "FigureChoice" => json!({ "images": self.texts(random, "instanceUid"), "measurements": self.texts(random, "id") }),
            "Annotation" => {
                let kinds = ["length", "angle", "cobb", "ctr", "rectangle", "ellipse", "arrow", "text"];
                let points: Value = (0..random.below(6)).map(|_| json!([self.number(random), self.number(random)])).collect();
                json!({
                    "id": self.text(random, "id"), "instanceUid": self.text(random, "instanceUid"), "kind": self.one_of(random, &kinds),
                    "points": points, "label": self.text(random, ""), "measured": self.texts(random, ""), "spacing": self.maybe(random, ""),
                })
            }
            "MacroView" => self.written_macro(random),
            "Option<MacroView>" => if random.one_in(2) { Value::Null } else { self.written_macro(random) },
            "SimilarFilter" => json!({
                "finding": self.maybe(random, ""), "sex": self.maybe(random, ""), "ageBand": self.maybe(random, ""), "view": self.maybe(random, ""),
                "signedOnly": random.one_in(2), "limit": random.pick(&[0u32, 1, 100, u32::MAX]),
            }),
            "Option<WorklistFilter>" if random.one_in(3) => Value::Null,
            "Option<WorklistFilter>" => json!({
                "status": self.one_of(random, &["any", "to_read", "drafted", "in_progress", "signed"]), "inFront": random.one_in(2), "mine": random.one_in(2),
                "from": self.text(random, ""), "to": self.text(random, ""),
            }),
            "AuditFilter" => json!({
                "who": self.maybe(random, "userId"), "words": self.text(random, ""), "from": self.text(random, ""), "to": self.text(random, ""),
            }),
            // A type that came since: whatever it is, this is not it, and the message is refused.
            _ => self.junk(random),
        }
    }

    fn written_macro(&self, random: &mut Random) -> Value {
        let sections: Value = (0..random.below(3)).map(|_| random.pick(&SECTIONS)).collect();
        json!({ "name": self.text(random, ""), "sections": sections, "text": self.text(random, "") })
    }

    fn settings(&self, random: &mut Random) -> Value {
        let mut settings = self.settings.clone();
        if let Value::Object(fields) = &mut settings {
            let keys: Vec<String> = fields.keys().cloned().collect();
            for key in keys {
                if random.one_in(4) {
                    let other = match &fields[&key] {
                        Value::Bool(_) => random.one_in(2).into(),
                        Value::Number(_) => json!(random.pick(&[0u32, 1, 3, 60, u32::MAX])),
                        _ => self.text(random, "").into(),
                    };
                    fields.insert(key, other);
                }
            }
        }
        settings
    }

    fn edit(&self, random: &mut Random) -> Value {
        let id = self.text(random, "id");
        let text = self.text(random, "");
        let (section, after) = (random.pick(&SECTIONS), self.maybe(random, "after"));
        let region = if random.one_in(2) { Value::Null } else { random.pick(&["lungs", "pleura", "devices", "moon"]).into() };
        match random.below(14) {
            0..=3 => json!({ "do": "insert", "section": section, "after": after, "id": id, "text": text, "region": region, "from": self.maybe(random, "from") }),
            4 => json!({ "do": "edit", "id": id, "text": text }),
            5 => json!({ "do": "remove", "id": id }),
            6 => json!({ "do": "move", "id": id, "section": section, "after": after }),
            7 => json!({ "do": "accept", "id": id }),
            8 => json!({ "do": "drop", "id": id }),
            9 => json!({ "do": "take_back", "id": id, "section": section, "after": after }),
            10 => json!({ "do": "accept_section", "section": section, "seen": self.texts(random, "id") }),
            11 => json!({ "do": "use_template", "template": self.text(random, "id") }),
            12 => json!({ "do": "communicate", "finding": text, "to": self.text(random, ""), "at": self.number(random), "how": "telephone", "readBack": true }),
            _ => match random.below(5) {
                0 => json!({ "do": "not_communicated", "reason": text }),
                1 => json!({ "do": "mark_preliminary" }),
                2 => json!({ "do": "reopen", "kind": random.pick(&["original", "addendum", "amendment"]) }),
                3 => json!({ "do": "cancel" }),
                _ => json!({ "do": text }),
            },
        }
    }

    fn junk(&self, random: &mut Random) -> Value {
        match random.below(9) {
            0 => Value::Null,
            1 => json!(true),
            2 => self.number(random),
            3 => json!([]),
            4 => json!({}),
            5 => json!([[], [[]], { "a": [null] }]),
            6 => (0..100).fold(json!(1), |inner, _| json!([inner])),
            7 => Value::from("long ".repeat(20_000)),
            _ => self.text(random, "").into(),
        }
    }

    /// Puts something else somewhere into a value.
    fn damage(&self, random: &mut Random, value: &mut Value, depth: usize) {
        match value {
            Value::Object(fields) if !fields.is_empty() && (depth == 0 || random.one_in(2)) => {
                let keys: Vec<String> = fields.keys().cloned().collect();
                let key = &keys[random.below(keys.len())];
                match random.below(5) {
                    0 => drop(fields.remove(key)),
                    1 => drop(fields.insert(self.text(random, ""), self.junk(random))),
                    2 => drop(fields.insert(key.clone(), self.junk(random))),
                    _ => fields.get_mut(key).into_iter().for_each(|inner| self.damage(random, inner, depth + 1)),
                }
            }
            Value::Array(values) if !values.is_empty() && random.one_in(2) => {
                let at = random.below(values.len());
                match random.below(4) {
                    0 => drop(values.remove(at)),
                    1 => {
                        let again = values[at].clone();
                        values.extend(std::iter::repeat_n(again, 1 + random.below(40)));
                    }
                    _ => self.damage(random, &mut values[at], depth + 1),
                }
            }
            other => *other = self.junk(random),
        }
    }
}
