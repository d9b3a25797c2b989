//! A FHIR R4 bundle of the report, its patient, study and signer.
//!
//! Resources are those of HL7 FHIR release 4 (4.0.1); the PDF travels in
//! `DiagnosticReport.presentedForm`.

use super::person_name::PersonName;
use super::sections::{COMMUNICATION, Code, DOCUMENT, heading};
use super::{SignedReport, date_digits, time_digits, urn_of};
use base64::{Engine, engine::general_purpose::STANDARD};
use hilum_report::{SectionKind, VersionKind};
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A Bundle of type "collection" as JSON bytes.
pub fn bundle(report: &SignedReport) -> Vec<u8> {
    let urn = |what| urn_of(what, &report.version);
    let signed = instant(report.signed_at);
    let mut entries = vec![
        ("fhir report", diagnostic_report(report)),
        ("fhir patient", patient(report)),
        ("fhir study", imaging_study(report)),
        ("fhir signer", practitioner(&report.signer)),
    ];
    entries.extend(report.text.preliminary().map(|first| (PREPARED, practitioner(&first.name))));
    let bundle = json!({
        "resourceType": "Bundle",
        "identifier": { "system": "urn:ietf:rfc:3986", "value": urn("fhir bundle") },
        "type": "collection",
        "timestamp": signed,
        "entry": entries.into_iter().map(|(what, resource)| json!({ "fullUrl": urn(what), "resource": resource })).collect::<Vec<_>>(),
    });
    bundle.to_string().into_bytes()
}

/// Who prepared the report for another's signature.
const PREPARED: &str = "fhir prepared";

fn practitioner(name: &str) -> Value {
    json!({ "resourceType": "Practitioner", "name": [{ "text": clean(name) }] })
}

fn diagnostic_report(report: &SignedReport) -> Value {
    let urn = |what| json!({ "reference": urn_of(what, &report.version) });
    let status = match report.kind {
        VersionKind::Original => "final",
        VersionKind::Addendum => "appended",
        VersionKind::Amendment => "amended",
    };
    let study = &report.study;
    let mut r = Map::new();
    let mut put = |key: &str, value: Value| {
        r.insert(key.to_owned(), value);
    };
    put("resourceType", json!("DiagnosticReport"));
    if report.text.is_demo() {
        // "test health data": nothing downstream may take it for a patient's.
        put(
            "meta",
            json!({ "security": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST" }] }),
        );
    }
    put("text", json!({ "status": "generated", "div": narrative(report) }));
    put("identifier", json!([{ "system": "urn:ietf:rfc:3986", "value": urn_of("report", &report.version) }]));
    if let Some(accession) = filled(&study.accession) {
        let kind = coding("http://terminology.hl7.org/CodeSystem/v2-0203", "ACSN", "Accession ID");
        put("basedOn", json!([{ "identifier": { "type": { "coding": [kind] }, "value": accession } }]));
    }
    put("status", json!(status));
    put(
        "category",
        json!([{ "coding": [coding("http://terminology.hl7.org/CodeSystem/v2-0074", "RAD", "Radiology")] }]),
    );
    let text = filled(&study.description).unwrap_or_else(|| DOCUMENT.2.to_owned());
    put("code", json!({ "coding": [coding("http://loinc.org", DOCUMENT.0, DOCUMENT.2)], "text": text }));
    put("subject", urn("fhir patient"));
    if let Some(performed) = performed(report) {
        put("effectiveDateTime", json!(performed));
    }
    put("issued", json!(instant(report.signed_at)));
    // Who answers for the report, then who prepared it.
    let interpreters = std::iter::once("fhir signer").chain(report.text.preliminary().map(|_| PREPARED));
    put("resultsInterpreter", interpreters.map(urn).collect());
    put("imagingStudy", json!([urn("fhir study")]));
    let conclusion: Vec<String> = report
        .notices()
        .into_iter()
        .filter(|_| report.text.is_demo())
        .chain(
            report
                .sections()
                .filter(|(kind, _)| matches!(kind, SectionKind::Impression | SectionKind::Addendum))
                .flat_map(|(_, sentences)| sentences.into_iter().map(clean).collect::<Vec<_>>()),
        )
        .collect();
    if !conclusion.is_empty() {
        put("conclusion", json!(conclusion.join("\n")));
    }
    put(
        "presentedForm",
        json!([{
            "contentType": "application/pdf",
            "language": "en",
            "data": STANDARD.encode(&report.pdf),
            "size": report.pdf.len(),
            // R4 asks for SHA-1 here; what proves the document is the signature inside it.
            "hash": STANDARD.encode(Sha1::digest(&report.pdf)),
            "title": DOCUMENT.2,
            "creation": instant(report.signed_at),
        }]),
    );
    Value::Object(r)
}

fn patient(report: &SignedReport) -> Value {
    let patient = &report.patient;
    let mut r = Map::new();
    r.insert("resourceType".into(), json!("Patient"));
    if let Some(id) = filled(&patient.id) {
        let kind = coding("http://terminology.hl7.org/CodeSystem/v2-0203", "MR", "Medical record number");
        let mut identifier = json!({ "type": { "coding": [kind] }, "value": id });
        if let Some(issuer) = filled(&patient.issuer) {
            identifier["assigner"] = json!({ "display": issuer });
        }
        r.insert("identifier".into(), json!([identifier]));
    }
    let names: Vec<Value> = PersonName::groups(&patient.name).into_iter().map(|(_, n)| human_name(&n)).collect();
    if !names.is_empty() {
        r.insert("name".into(), json!(names));
    }
    let gender = match patient.sex.as_str() {
        "F" => "female",
        "M" => "male",
        "O" => "other",
        _ => "unknown",
    };
    r.insert("gender".into(), json!(gender));
    if let Some(birth) = date(&patient.birth_date) {
        r.insert("birthDate".into(), json!(birth));
    }
    Value::Object(r)
}

fn human_name(name: &PersonName) -> Value {
    let mut r = Map::new();
    r.insert("text".into(), json!(clean(&name.spoken())));
    if let Some(family) = filled(&name.family) {
        r.insert("family".into(), json!(family));
    }
    let given: Vec<String> = [&name.given, &name.middle].into_iter().filter_map(|g| filled(g)).collect();
    for (key, values) in [
        ("given", given),
        ("prefix", filled(&name.prefix).into_iter().collect()),
        ("suffix", filled(&name.suffix).into_iter().collect()),
    ] {
        if !values.is_empty() {
            r.insert(key.into(), json!(values));
        }
    }
    Value::Object(r)
}

fn imaging_study(report: &SignedReport) -> Value {
    let study = &report.study;
    let mut r = Map::new();
    r.insert("resourceType".into(), json!("ImagingStudy"));
    let mut identifiers = vec![json!({ "system": "urn:dicom:uid", "value": format!("urn:oid:{}", study.uid) })];
    if let Some(accession) = filled(&study.accession) {
        let kind = coding("http://terminology.hl7.org/CodeSystem/v2-0203", "ACSN", "Accession ID");
        identifiers.push(json!({ "type": { "coding": [kind] }, "value": accession }));
    }
    r.insert("identifier".into(), json!(identifiers));
    r.insert("status".into(), json!("available"));
    r.insert("subject".into(), json!({ "reference": urn_of("fhir patient", &report.version) }));
    if let Some(performed) = performed(report) {
        r.insert("started".into(), json!(performed));
    }
    if let Some(referrer) = PersonName::groups(&study.referring_physician).first() {
        r.insert("referrer".into(), json!({ "display": clean(&referrer.1.spoken()) }));
    }
    if let Some(description) = filled(&study.description) {
        r.insert("description".into(), json!(description));
    }
    let series: Vec<Value> = study
        .series
        .iter()
        .map(|series| {
            let instances: Vec<Value> = series
                .instances
                .iter()
                .map(|i| {
                    let class = format!("urn:oid:{}", i.class_uid);
                    json!({ "uid": i.uid, "sopClass": { "system": "urn:ietf:rfc:3986", "code": class } })
                })
                .collect();
            let modality = if series.modality.is_empty() { "OT" } else { &series.modality };
            let mut r = json!({
                "uid": series.uid,
                "modality": { "system": "http://dicom.nema.org/resources/ontology/DCM", "code": modality },
            });
            if !instances.is_empty() {
                r["instance"] = json!(instances);
            }
            r
        })
        .collect();
    if !series.is_empty() {
        r.insert("series".into(), json!(series));
    }
    Value::Object(r)
}

/// Headings and sentences as XHTML; every character that is markup is escaped.
fn narrative(report: &SignedReport) -> String {
    let mut out = String::from("<div xmlns=\"http://www.w3.org/1999/xhtml\">");
    for notice in report.notices() {
        out.push_str(&format!("<p><b>{}</b></p>", markup(&notice)));
    }
    for (kind, sentences) in report.sections() {
        let code = heading(kind);
        out.push_str(&format!("<h4 title=\"{} {}\">{}</h4>", code.1, code.0, kind.heading()));
        for text in sentences {
            out.push_str(&format!("<p>{}</p>", markup(text)));
        }
    }
    if !report.communications.is_empty() {
        let Code(value, scheme, meaning) = COMMUNICATION;
        out.push_str(&format!("<h4 title=\"{scheme} {value}\">{meaning}</h4>"));
        for text in &report.communications {
            out.push_str(&format!("<p>{}</p>", markup(text)));
        }
    }
    out.push_str("</div>");
    out
}

fn markup(text: &str) -> String {
    clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Without the controls that FHIR strings and XML may not hold.
fn clean(text: &str) -> String {
    let allowed = |c: char| !c.is_control() && !matches!(c, '\u{FFFE}' | '\u{FFFF}');
    text.trim().chars().map(|c| if allowed(c) { c } else { ' ' }).collect()
}

fn filled(text: &str) -> Option<String> {
    let text = clean(text);
    (!text.trim().is_empty()).then_some(text)
}

fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({ "system": system, "code": code, "display": display })
}

/// When the images were taken. Their time has no offset from UTC; the signer's is taken, since both
/// clocks hang in one department.
fn performed(report: &SignedReport) -> Option<String> {
    let date = date(&report.study.date)?;
    let Some(time) = time_digits(&report.study.time) else { return Some(date) };
    let (hours, minutes, _) = report.signed_at.offset().as_hms();
    let sign = if hours < 0 || minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (hours.unsigned_abs(), minutes.unsigned_abs());
    Some(format!("{date}T{}:{}:{}{sign}{hours:02}:{minutes:02}", &time[..2], &time[2..4], &time[4..]))
}

fn date(digits: &str) -> Option<String> {
    let d = date_digits(digits)?;
    Some(format!("{}-{}-{}", &d[..4], &d[4..6], &d[6..]))
}

fn instant(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).expect("a time of this age has a year of four digits")
}
