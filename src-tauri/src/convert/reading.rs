//! Measurements and the timeline as the window's twins.

use crate::dto::{self, StudyRow, TimelineStudy};
use hilum_store::{Annotation, AnnotationKind, Priority, SpacingSource};
use hilum_workflow::{Glance, SessionUser, WantedStatus, WorklistFilter, WorklistLine};

pub fn annotation(known: Annotation) -> dto::Annotation {
    let Annotation { id, instance_uid, kind, points, label, measured, spacing } = known;
    let spacing = spacing.map(|source| match source {
        SpacingSource::Imager => "imager".to_owned(),
        SpacingSource::Calibrated => "calibrated".to_owned(),
    });
    dto::Annotation { id, instance_uid, kind: twin(kind), points, label, measured, spacing }
}

pub fn to_keep(new: dto::Annotation) -> Annotation {
    let dto::Annotation { id, instance_uid, kind, points, label, measured, spacing } = new;
    let spacing = match spacing.as_deref() {
        Some("imager") => Some(SpacingSource::Imager),
        Some("calibrated") => Some(SpacingSource::Calibrated),
        _ => None,
    };
    Annotation { id, instance_uid, kind: domain(kind), points, label, measured, spacing }
}

macro_rules! twins {
    ($($kind:ident),*) => {
        fn twin(kind: AnnotationKind) -> dto::AnnotationKind {
            match kind { $(AnnotationKind::$kind => dto::AnnotationKind::$kind),* }
        }
        fn domain(kind: dto::AnnotationKind) -> AnnotationKind {
            match kind { $(dto::AnnotationKind::$kind => AnnotationKind::$kind),* }
        }
    };
}
twins!(Length, Angle, Cobb, Ctr, Rectangle, Ellipse, Arrow, Text);

pub fn filter(filter: dto::WorklistFilter) -> WorklistFilter {
    let day = |text: String| Some(text.replace('-', "")).filter(|t| t.len() == 8);
    WorklistFilter {
        status: match filter.status.as_str() {
            "to_read" => WantedStatus::ToRead,
            "drafted" => WantedStatus::Drafted,
            "in_progress" => WantedStatus::InProgress,
            "signed" => WantedStatus::Signed,
            _ => WantedStatus::Any,
        },
        in_front: filter.in_front,
        mine: filter.mine,
        from: day(filter.from),
        to: day(filter.to),
    }
}

/// A line of the worklist with who is to read it by name.
pub fn row(line: WorklistLine, glance: Glance, drafting: bool, users: &[SessionUser]) -> StudyRow {
    let assigned = line.assigned_to.as_ref().and_then(|id| users.iter().find(|u| u.id == *id));
    let assigned = assigned.map(|user| dto::UserSummary { id: user.id.to_string(), name: user.name.clone(), trainee: user.trainee });
    StudyRow { assigned_to: assigned, ..super::study_row(line, glance, drafting) }
}

pub fn priority(priority: Priority) -> String {
    priority.as_str().to_owned()
}

pub fn timeline(study: hilum_workflow::TimelineStudy, users: &[SessionUser]) -> TimelineStudy {
    let hilum_workflow::TimelineStudy { line, glance, current, linked, signed_text } = study;
    TimelineStudy { row: row(line, glance, false, users), current, linked, signed_text }
}
