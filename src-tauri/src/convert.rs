//! Domain values as the window's twins, and its commands as the domain's.

pub mod reading;
pub mod writing;

use crate::dto::*;
use hilum_report::{Command, Means, Origin, Preliminary, Region, SectionKind, Sentence, SentenceId, Status, TemplateId, Unsignable, VersionKind};
use hilum_store::{Proposal, ProposalStatus, ReadingStage, Score};
use hilum_workers::messages::draft::{DraftedPart, Rewrite};
use hilum_workflow::{Calibrated, Calibration, Glance, ImageDetail, Patient, ReportDetail, Standing, Support, WorklistLine, label, mentioned};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use time::macros::format_description;

/// Findings shown with a worklist line.
const TOP: usize = 3;

/// "2026-11-23 14:09:31 +01:00".
pub fn moment(at: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] [offset_hour sign:mandatory]:[offset_minute]");
    at.format(&format).unwrap_or_default()
}

pub fn study_row(line: WorklistLine, glance: Glance, drafting: bool) -> StudyRow {
    let status = match line.stage {
        _ if drafting => "drafting",
        ReadingStage::New => "new",
        ReadingStage::Drafted => "drafted",
        ReadingStage::Begun => match line.status {
            Some(Status::Preliminary) => "preliminary",
            Some(Status::Reopened) => "reopened",
            _ => "in_progress",
        },
        ReadingStage::Signed => match line.signed {
            Some(VersionKind::Amendment) => "amended",
            Some(VersionKind::Addendum) => "addendum",
            _ => "final",
        },
        ReadingStage::Cancelled => "cancelled",
    };
    let mut top_findings = glance.support.map(|s| self::support(&s.scores)).unwrap_or_default();
    top_findings.retain(|f| f.difference > 0.0);
    top_findings.sort_by(|a, b| b.difference.total_cmp(&a.difference));
    top_findings.truncate(TOP);
    StudyRow {
        study_uid: line.study_uid,
        patient: patient(line.patient),
        accession: line.accession,
        date: line.date,
        description: line.description,
        modality: line.modality,
        images: line.images,
        status: status.into(),
        top_findings,
        preview: glance.preview,
        proposed: glance.proposed,
        instance_uid: glance.instance_uid,
        priority: reading::priority(line.priority),
        front: hilum_workflow::front_words(&line.front).to_owned(),
        assigned_to: None,
    }
}

pub fn study_detail(
    detail: hilum_workflow::StudyDetail,
    report: ReportView,
    support: Option<Support>,
    priors: Vec<hilum_workflow::PriorStudy>,
) -> StudyDetail {
    let why = detail.applicability.why();
    StudyDetail {
        study_uid: detail.study_uid,
        patient: patient(detail.patient),
        accession: detail.accession,
        date: detail.date,
        description: detail.description,
        referring_physician: detail.referring_physician,
        institution: detail.institution,
        images: detail.images.into_iter().map(image).collect(),
        report,
        support_demo: support.as_ref().is_some_and(|s| s.demo),
        support: support.map(|s| self::support(&s.scores)).unwrap_or_default(),
        models_apply: why.is_none(),
        models_apply_why: why.map(str::to_owned),
        priors: priors.into_iter().map(prior).collect(),
    }
}

fn prior(prior: hilum_workflow::PriorStudy) -> PriorStudy {
    let hilum_workflow::PriorStudy { study_uid, date, instance_uid, view, images } = prior;
    PriorStudy { study_uid, date, instance_uid, view, images: images.into_iter().map(image).collect() }
}

pub fn draft_choice(options: DraftOptions) -> hilum_workflow::DraftChoice {
    hilum_workflow::DraftChoice {
        indication_confirmed: options.indication_confirmed,
        notes: options.notes,
        mode: match options.mode {
            DraftMode::Structured => hilum_workflow::DraftMode::Structured,
            DraftMode::Raw => hilum_workflow::DraftMode::Raw,
        },
        use_prior: options.use_prior,
    }
}

pub fn section_how(section: SectionToDraft, how: SectionHow) -> (DraftedPart, Rewrite) {
    let part = match section {
        SectionToDraft::Findings => DraftedPart::Findings,
        SectionToDraft::Impression => DraftedPart::Impression,
    };
    let how = match how {
        SectionHow::Again => Rewrite::Again,
        SectionHow::Shorter => Rewrite::Shorter,
        SectionHow::MoreDetail => Rewrite::MoreDetail,
        SectionHow::FromFindings => Rewrite::FromFindings,
    };
    (part, how)
}

/// Where a sentence comes from, with everything that is needed to repeat it.
pub fn proposal_view(proposal: Proposal, offset: time::UtcOffset) -> ProposalView {
    let Proposal { begun, outcome } = proposal;
    let prompt: serde_json::Value = serde_json::from_str(&begun.prompt).unwrap_or_default();
    let timings = outcome.as_ref().map(|outcome| outcome.timings.clone()).unwrap_or_default();
    let settings = serde_json::json!({
        "asked": begun.settings,
        "image_hashes": begun.image_hashes,
        "circumstances": timings["circumstances"],
        "finish": timings["finish"],
        "tokens": outcome.as_ref().map(|outcome| outcome.token_ids.len()),
    });
    let status = outcome.as_ref().map_or(ProposalStatus::Running, |outcome| outcome.status);
    ProposalView {
        id: begun.id.to_string(),
        mode: prompt["kind"].as_str().unwrap_or_default().to_owned(),
        prompt: begun.prompt,
        rendered_prompt: timings["rendered_prompt"].as_str().unwrap_or_default().to_owned(),
        raw_text: outcome.map(|outcome| outcome.raw_text).unwrap_or_default(),
        pack_id: begun.pack_id,
        pack_hash: begun.pack_hash.to_string(),
        started_at: moment(begun.started_at.to_offset(offset)),
        settings: settings.to_string(),
        status: match status {
            ProposalStatus::Running => "running",
            ProposalStatus::Complete => "complete",
            ProposalStatus::Cancelled => "cancelled",
            ProposalStatus::Failed => "failed",
        }
        .to_owned(),
    }
}

pub fn support(scores: &[Score]) -> Vec<FindingSupport> {
    scores
        .iter()
        .map(|s| FindingSupport {
            finding: s.finding.clone(),
            label: label(&s.finding).to_owned(),
            difference: s.difference,
            softmax: s.softmax,
            calibrated: None,
        })
        .collect()
}

/// Puts probabilities beside the support that they belong to.
pub fn put_probabilities(support: &mut [FindingSupport], probabilities: &BTreeMap<String, Calibrated>) {
    for finding in support {
        finding.calibrated = probabilities.get(&finding.finding).map(|known| CalibratedProbability {
            probability: known.probability.value,
            low: known.probability.low,
            high: known.probability.high,
            cases: known.patients,
        });
    }
}

pub fn calibration(rows: Vec<Calibration>, needed: u32) -> Vec<CalibrationRow> {
    rows.into_iter()
        .map(|row| CalibrationRow {
            finding: row.finding.into(),
            label: label(row.finding).to_owned(),
            status: match row.standing {
                Standing::Calibrated => CalibrationStatus::Calibrated,
                Standing::Stale => CalibrationStatus::Stale,
                _ => CalibrationStatus::NotCalibrated,
            },
            reason: match row.standing {
                Standing::Calibrated => String::new(),
                Standing::NeverFitted => "Not fitted yet.".into(),
                Standing::TooFew => format!("Fewer than {needed} patients with, or without, the finding in signed reports."),
                Standing::NotSeparated => "The images with and without the finding are not told apart well enough.".into(),
                Standing::Stale => "Fitted for another model or another reading of the reports; fit again to use it.".into(),
            },
            positives: row.positives,
            negatives: row.negatives,
            needed,
            auc: row.auc.map(|[value, low, high]| AucView { value, low, high }),
            fitted_at: row.fitted_at.map(moment),
        })
        .collect()
}

pub fn report_view(detail: &ReportDetail, support: Option<&Support>) -> ReportView {
    let report = &detail.report;
    let addendum = report.section(SectionKind::Addendum).is_some() && report.status() == Status::Reopened;
    let known = support.map(|s| self::support(&s.scores)).unwrap_or_default();
    let seen = |s: &&Sentence| !detail.covered || matches!(s, Sentence::Written(_));
    let free = detail.held.is_none();
    let offset = detail.saved_at.offset();
    let preliminary = |first: &Preliminary| PreliminaryView {
        by: first.name.clone(),
        at: moment(first.at.to_offset(offset)),
        meaning: Preliminary::MEANING.into(),
    };
    let sections = report
        .sections()
        .iter()
        .map(|section| SectionView {
            name: section_name(section.kind),
            heading: section.kind.heading().into(),
            required: section.required,
            open: free && report.status().is_open() && (!addendum || section.kind == SectionKind::Addendum),
            sentences: section.sentences.iter().filter(seen).map(|s| sentence(s, &known)).collect(),
        })
        .collect();
    let time = format_description!("[hour]:[minute]:[second]");
    ReportView {
        id: report.id().to_string(),
        study_uid: report.study_uid().into(),
        status: status(report.status()),
        revision: report.revision() as f64,
        template: report.template().to_string(),
        becoming: version_name(report.becoming()),
        sections,
        versions: detail
            .versions
            .iter()
            .map(|v| VersionView {
                id: v.version.id.to_string(),
                kind: version_name(v.version.kind),
                by: v.by.clone(),
                at: moment(v.version.signed_at.to_offset(detail.saved_at.offset())),
                meaning: v.version.meaning.words().into(),
                preliminary: v.version.text.preliminary().map(preliminary),
                pdf_sha256: v.version.pdf_sha256.clone(),
            })
            .collect(),
        needs: report.what_signing_needs().into_iter().map(need).collect(),
        flags: detail.flags.iter().cloned().map(ReportFlag::from).collect(),
        communications: detail.communications.clone(),
        held: detail.held.as_ref().map(|held| HeldView {
            name: held.name.clone(),
            since: held.since.format(&time).unwrap_or_default(),
            until: held.until.format(&time).unwrap_or_default(),
        }),
        covered: if detail.covered { report.proposed().count() as u32 } else { 0 },
        preliminary: report.preliminary().map(preliminary),
        saved_at: (report.revision() > 0).then(|| detail.saved_at.format(&time).unwrap_or_default()),
    }
}

pub fn command(edit: EditCommand) -> Command {
    let id = SentenceId::new;
    match edit {
        EditCommand::Insert { section, after, id: new, text, region, from } => Command::Insert {
            section: section_kind(section),
            after: after.map(SentenceId::new),
            id: id(new),
            text,
            region: region.map(region_of),
            from: from.map(SentenceId::new),
        },
        EditCommand::Communicate { finding, to, at, how, read_back } => Command::Communicate {
            finding,
            to,
            at: time::OffsetDateTime::from_unix_timestamp(at as i64).unwrap_or(time::OffsetDateTime::UNIX_EPOCH),
            how: match how {
                MeansName::Telephone => Means::Telephone,
                MeansName::InPerson => Means::InPerson,
                MeansName::SecureMessage => Means::SecureMessage,
                MeansName::Other => Means::Other,
            },
            read_back,
        },
        EditCommand::NotCommunicated { reason } => Command::NotCommunicated { reason },
        EditCommand::Edit { id: sentence, text } => Command::Edit { id: id(sentence), text },
        EditCommand::Remove { id: sentence } => Command::Remove { id: id(sentence) },
        EditCommand::Move { id: sentence, section, after } => {
            Command::Move { id: id(sentence), section: section_kind(section), after: after.map(SentenceId::new) }
        }
        EditCommand::Accept { id: sentence } => Command::Accept { id: id(sentence) },
        EditCommand::Drop { id: sentence } => Command::Drop { id: id(sentence) },
        EditCommand::TakeBack { id: sentence, section, after } => {
            Command::TakeBack { id: id(sentence), section: section_kind(section), after: after.map(SentenceId::new) }
        }
        EditCommand::AcceptSection { section, seen } => Command::AcceptSection {
            section: section_kind(section),
            seen: seen.into_iter().map(SentenceId::new).collect(),
        },
        EditCommand::UseTemplate { template } => Command::UseTemplate { template: TemplateId::new(template) },
        EditCommand::MarkPreliminary => Command::MarkPreliminary,
        EditCommand::Reopen { kind } => Command::Reopen { kind: version_kind(kind) },
        EditCommand::Cancel => Command::Cancel,
    }
}

fn sentence(sentence: &Sentence, known: &[FindingSupport]) -> SentenceView {
    let keys = mentioned(sentence.text());
    let support = known.iter().filter(|f| keys.contains(&f.finding.as_str())).cloned().collect();
    let (state, demo, model_text) = sentence_state(sentence);
    let proposal_id = match sentence {
        Sentence::Proposed(p) => Some(p.proposal.to_string()),
        Sentence::Written(w) => match &w.origin {
            Origin::Proposal { proposal, .. } => Some(proposal.to_string()),
            Origin::Template { .. } | Origin::Person { .. } => None,
        },
    };
    SentenceView {
        id: sentence.id().to_string(),
        text: sentence.text().into(),
        region: sentence.region().map(region_name),
        state,
        demo,
        model_text,
        proposal_id,
        support,
    }
}

/// Where a sentence stands, whether a demonstration began it, and the model's words where a person
/// changed them.
fn sentence_state(sentence: &Sentence) -> (SentenceState, bool, Option<String>) {
    match sentence {
        Sentence::Proposed(p) => (SentenceState::Proposed, p.demo, None),
        Sentence::Written(w) => match &w.origin {
            Origin::Template { .. } => (SentenceState::Template, false, None),
            Origin::Person { .. } => (SentenceState::Person, false, None),
            Origin::Proposal { demo, review, .. } => match (&review.edited_from, review.in_bulk) {
                (Some(words), _) => (SentenceState::Edited, *demo, Some(words.clone())),
                (None, true) => (SentenceState::AcceptedInBulk, *demo, None),
                (None, false) => (SentenceState::Accepted, *demo, None),
            },
        },
    }
}

fn need(need: Unsignable) -> SigningNeed {
    let code = need.code().to_owned();
    match need {
        Unsignable::Unreviewed(n) => SigningNeed { code, count: Some(n as u32), section: None },
        Unsignable::EmptySection(kind) => SigningNeed { code, count: None, section: Some(section_name(kind)) },
        Unsignable::NotOpen(_) | Unsignable::Untold(_) => SigningNeed { code, count: None, section: None },
    }
}

pub fn patient(p: Patient) -> PatientView {
    PatientView { name: p.name, id: p.id, sex: p.sex, age: p.age, birth_date: p.birth_date }
}

fn image(image: ImageDetail) -> ImageView {
    let spacing = image.spacing();
    let header = image.header;
    let text = |v: Option<String>| v.unwrap_or_default();
    let acquired = [
        hilum_workflow::display_date(header.acquisition_date.as_deref().unwrap_or("")),
        hilum_workflow::display_time(header.acquisition_time.as_deref().unwrap_or("")),
    ];
    ImageView {
        instance_uid: image.instance_uid,
        modality: text(header.modality),
        view: text(header.view_position),
        laterality: text(header.laterality),
        body_part: text(header.body_part),
        orientation: text(header.patient_orientation).split('\\').filter(|p| !p.is_empty()).map(str::to_owned).collect(),
        rows: header.rows.unwrap_or(0),
        columns: header.columns.unwrap_or(0),
        frames: header.frames,
        acquired: acquired.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" "),
        spacing: spacing.map(|(s, _)| s),
        spacing_source: spacing.map(|(_, source)| source.to_owned()),
        warnings: header.warnings,
        lossy_ratios: header.lossy_ratios,
    }
}

macro_rules! twins {
    ($to:ident, $from:ident: $domain:ident <-> $dto:ident { $($variant:ident),* $(,)? }) => {
        fn $to(value: $domain) -> $dto {
            match value { $($domain::$variant => $dto::$variant),* }
        }

        fn $from(value: $dto) -> $domain {
            match value { $($dto::$variant => $domain::$variant),* }
        }
    };
}

twins!(section_name, section_kind: SectionKind <-> SectionName {
    Exam, Indication, Comparison, Technique, Findings, Impression, Addendum,
});
twins!(region_name, region_of: Region <-> RegionName {
    Devices, Lungs, Pleura, HeartAndMediastinum, BonesAndSoftTissues, UpperAbdomen,
});
twins!(version_name, version_kind: VersionKind <-> VersionName { Original, Addendum, Amendment });

fn status(status: Status) -> ReportStatus {
    match status {
        Status::Draft => ReportStatus::Draft,
        Status::Preliminary => ReportStatus::Preliminary,
        Status::Final => ReportStatus::Final,
        Status::Reopened => ReportStatus::Reopened,
        Status::Cancelled => ReportStatus::Cancelled,
    }
}
