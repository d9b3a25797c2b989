//! An HL7 v2.5.1 observation result, ORU^R01, with the signed PDF in it.
//!
//! Segments and tables are those of HL7 v2.5.1, chapters 2 (control), 3 (PID, PV1) and 7 (OBR, OBX);
//! the order of things follows the ACR's and IHE's use of it for imaging reports.

use super::person_name::PersonName;
use super::sections::{COMMUNICATION, Code, DOCUMENT, heading};
use super::{SignedReport, date_digits, time_digits};
use base64::{Engine, engine::general_purpose::STANDARD};
use hilum_report::VersionKind;
use time::OffsetDateTime;

/// One message in UTF-8, its segments ended by carriage returns.
pub fn oru_r01(report: &SignedReport) -> Vec<u8> {
    let (patient, study) = (&report.patient, &report.study);
    // Table 0085 and 0123: a later version corrects what was sent.
    let status = match report.kind {
        VersionKind::Original => "F",
        VersionKind::Addendum | VersionKind::Amendment => "C",
    };
    let signed = stamp(report.signed_at);
    let performed = match (date_digits(&study.date), time_digits(&study.time)) {
        (Some(date), Some(time)) => format!("{date}{time}"),
        (Some(date), None) => date.to_owned(),
        _ => String::new(),
    };
    let referrer = names(&study.referring_physician, Kind::Provider);
    let signer = escaped(&report.signer);
    let control: String = report.version.as_str().chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    let processing = if report.text.is_demo() { "T" } else { "P" };

    let mut message = Message::default();
    // A namespace id holds 20 characters (data type HD).
    let institution = escaped(&study.institution.chars().take(20).collect::<String>());
    message.segment(&format!(
        "MSH|^~\\&|HILUM|{institution}|||{signed}||ORU^R01^ORU_R01|{control}|{processing}|2.5.1||||||UNICODE UTF-8"
    ));
    // A patient needs an identifier; where the images have none, nobody else's may stand there.
    let id = match patient.issuer.as_str() {
        _ if patient.id.is_empty() => escaped(&study.uid),
        "" => escaped(&patient.id),
        issuer => format!("{}^^^{}", escaped(&patient.id), escaped(issuer)),
    };
    // A name that is not known is of the type U (table 0200).
    let patient_name = match names(&patient.name, Kind::Patient) {
        name if name.is_empty() => "^^^^^^U".to_owned(),
        name => name,
    };
    let birth = date_digits(&patient.birth_date).unwrap_or_default();
    let sex = if matches!(patient.sex.as_str(), "M" | "F" | "O") { patient.sex.as_str() } else { "U" };
    message.segment(&format!("PID|1||{id}||{}||{birth}|{sex}", patient_name));
    // Patient class U: the images do not say whether the patient is in hospital.
    message.segment(&format!("PV1|1|U||||||{referrer}"));
    let order = format!("{}^{}^{}", DOCUMENT.0, DOCUMENT.2, DOCUMENT.1);
    let service = match study.description.as_str() {
        "" => order,
        words => format!("{order}^^{}", escaped(words)),
    };
    let accession = escaped(&study.accession);
    let mut obr = vec![String::new(); 32];
    obr[0] = "1".into();
    obr[2] = accession.clone();
    obr[3] = service;
    obr[6] = performed.clone();
    obr[15] = referrer;
    obr[17] = accession;
    obr[21] = signed.clone();
    obr[23] = "RAD".into();
    obr[24] = status.into();
    obr[31] = format!("&{signer}");
    // Who prepared it for another's signature is the assistant interpreter.
    obr.extend(report.text.preliminary().map(|first| format!("&{}", escaped(&first.name))));
    message.segment(&format!("OBR|{}", obr.join("|")));
    for (number, notice) in report.notices().iter().enumerate() {
        message.segment(&format!("NTE|{}|L|{}", number + 1, escaped(notice)));
    }
    let study_code = Code("113014", "DCM", "DICOM Study");
    message.observation("ST", study_code, "", &escaped(&study.uid), status, &signed, &signer);
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for (kind, sentences) in report.sections() {
        let code = heading(kind);
        for text in sentences {
            // Two sections may share a code; their sentences are numbered through.
            let sub = match counts.iter_mut().find(|(value, _)| *value == code.0) {
                Some((_, n)) => {
                    *n += 1;
                    *n
                }
                None => {
                    counts.push((code.0, 1));
                    1
                }
            };
            message.observation("TX", code, &sub.to_string(), &escaped(text), status, &signed, &signer);
        }
    }
    for (number, text) in report.communications.iter().enumerate() {
        let sub = (number + 1).to_string();
        message.observation("TX", COMMUNICATION, &sub, &escaped(text), status, &signed, &signer);
    }
    let document = format!("HILUM^application^pdf^Base64^{}", STANDARD.encode(&report.pdf));
    message.observation("ED", DOCUMENT, "", &document, status, &signed, &signer);
    message.bytes
}

#[derive(Default)]
struct Message {
    bytes: Vec<u8>,
    observations: usize,
}

impl Message {
    /// Empty fields at the end are left out.
    fn segment(&mut self, text: &str) {
        self.bytes.extend(text.trim_end_matches('|').as_bytes());
        self.bytes.push(b'\r');
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one segment")]
    fn observation(&mut self, kind: &str, code: Code, sub: &str, value: &str, status: &str, at: &str, by: &str) {
        self.observations += 1;
        let Code(id, scheme, meaning) = code;
        let number = self.observations;
        self.segment(&format!("OBX|{number}|{kind}|{id}^{meaning}^{scheme}|{sub}|{value}||||||{status}|||{at}||^{by}"));
    }
}

/// Text with the delimiters and controls escaped (chapter 2.7).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '|' => out.push_str("\\F\\"),
            '^' => out.push_str("\\S\\"),
            '&' => out.push_str("\\T\\"),
            '~' => out.push_str("\\R\\"),
            '\\' => out.push_str("\\E\\"),
            '\n' => out.push_str("\\.br\\"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// XPN: the name begins with the family name.
    Patient,
    /// XCN: an identifier stands first.
    Provider,
}

/// A DICOM name in HL7's order, one repetition a group; HL7 has the suffix before the prefix.
fn names(name: &str, kind: Kind) -> String {
    let groups = PersonName::groups(name);
    let several = groups.len() > 1;
    let names: Vec<String> = groups
        .into_iter()
        .map(|(place, n)| {
            let parts = [n.family, n.given, n.middle, n.suffix, n.prefix].map(|p| escaped(&p));
            let mut parts: Vec<String> = parts.into();
            if kind == Kind::Provider {
                parts.insert(0, String::new());
            }
            if several && kind == Kind::Patient {
                // Name type code L, legal, and name representation code (table 0465).
                parts.extend([String::new(), "L".into(), ["A", "I", "P"][place.min(2)].into()]);
            }
            let text = parts.join("^");
            text.trim_end_matches('^').to_owned()
        })
        .collect();
    names.join("~")
}

/// A time stamp with its offset from UTC (TS of chapter 2A).
fn stamp(at: OffsetDateTime) -> String {
    let (hours, minutes, _) = at.offset().as_hms();
    let sign = if hours < 0 || minutes < 0 { '-' } else { '+' };
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}{sign}{:02}{:02}",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        hours.unsigned_abs(),
        minutes.unsigned_abs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_escaped() {
        let check = |text: &str, expected: &str| assert_eq!(escaped(text), expected, "{text}");
        check("No pneumothorax.", "No pneumothorax.");
        check("a|b^c&d~e\\f", "a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f");
        check("one\ntwo\rOBX|9", "one\\.br\\two OBX\\F\\9");
        check("≤ 2 mm", "≤ 2 mm");
    }

    #[test]
    fn names_in_the_order_of_hl7() {
        let check = |name: &str, kind, expected: &str| assert_eq!(names(name, kind), expected, "{name}");
        check("Adams^John^Quincy^Rev.^B.A.", Kind::Patient, "Adams^John^Quincy^B.A.^Rev.");
        check("Doe", Kind::Patient, "Doe");
        check("Doe^Jane", Kind::Provider, "^Doe^Jane");
        check("", Kind::Patient, "");
        check("Yamada^Tarou=山田^太郎", Kind::Patient, "Yamada^Tarou^^^^^L^A~山田^太郎^^^^^L^I");
    }
}
