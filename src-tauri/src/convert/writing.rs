//! What a reader writes with, and the texts of a report, as the window's twins and back.

use super::{moment, section_kind, section_name, sentence_state};
use crate::dto::{MacroView, ReportText, SituationName, TextKind, TextSection, TextSentence};
use hilum_report::{Macro, Situation, VersionKind};
use hilum_workflow::TextOf;

pub fn macro_view(one: Macro) -> MacroView {
    MacroView { name: one.name, sections: one.sections.into_iter().map(section_name).collect(), text: one.text }
}

pub fn to_keep(one: MacroView) -> Macro {
    Macro { name: one.name, sections: one.sections.into_iter().map(section_kind).collect(), text: one.text }
}

pub fn situation_name(situation: Situation) -> SituationName {
    match situation {
        Situation::Child => SituationName::Child,
        Situation::TwoViews => SituationName::TwoViews,
        Situation::Frontal => SituationName::Frontal,
        Situation::Portable => SituationName::Portable,
    }
}

pub fn situation(name: SituationName) -> Situation {
    match name {
        SituationName::Child => Situation::Child,
        SituationName::TwoViews => Situation::TwoViews,
        SituationName::Frontal => Situation::Frontal,
        SituationName::Portable => Situation::Portable,
    }
}

pub fn report_text(text: hilum_workflow::ReportText) -> ReportText {
    let section = |section: hilum_report::Section| TextSection {
        name: section_name(section.kind),
        heading: section.kind.heading().into(),
        sentences: section
            .sentences
            .iter()
            .map(|s| {
                let (state, _, model_text) = sentence_state(s);
                TextSentence { id: s.id().to_string(), text: s.text().into(), state, model_text }
            })
            .collect(),
    };
    ReportText {
        kind: match text.what {
            TextOf::Draft => TextKind::Draft,
            TextOf::Preliminary { signed: false } => TextKind::Preliminary,
            TextOf::Preliminary { signed: true } => TextKind::SignedPreliminary,
            TextOf::Signed(VersionKind::Original) => TextKind::Signed,
            TextOf::Signed(VersionKind::Addendum) => TextKind::Addendum,
            TextOf::Signed(VersionKind::Amendment) => TextKind::Amendment,
            TextOf::Now => TextKind::Now,
        },
        by: text.by,
        at: moment(text.at),
        sections: text.sections.into_iter().filter(|s| !s.sentences.is_empty()).map(section).collect(),
    }
}
