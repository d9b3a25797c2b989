//! What a case may be filtered by. Nothing here tells who it is.

use std::collections::BTreeSet;

/// Age at the study, in bands wide enough to say nothing of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AgeBand {
    Under18,
    To39,
    To59,
    To79,
    From80,
}

/// How the image was taken, as far as it matters to what it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum View {
    Pa,
    Ap,
    Lateral,
}

/// One image of the index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Case {
    /// Whose image it is, as a number that means nothing outside the index.
    pub person: u32,
    /// "M", "F", "O" or what the file says; empty when it says nothing.
    pub sex: String,
    pub age: Option<AgeBand>,
    pub view: Option<View>,
    /// True when a report of its study is signed.
    pub signed: bool,
    /// Keys of the findings that its signed report states to be present.
    pub findings: BTreeSet<String>,
}

/// Which cases to look among; what is `None` is not asked for. A case that does not say
/// is left out where something is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub finding: Option<String>,
    pub sex: Option<String>,
    pub age: Option<AgeBand>,
    pub view: Option<View>,
    pub signed_only: bool,
}

impl Filter {
    pub fn lets_through(&self, case: &Case) -> bool {
        (!self.signed_only || case.signed)
            && self.finding.as_ref().is_none_or(|finding| case.findings.contains(finding))
            && self.sex.as_ref().is_none_or(|sex| case.sex.eq_ignore_ascii_case(sex))
            && self.age.is_none_or(|age| case.age == Some(age))
            && self.view.is_none_or(|view| case.view == Some(view))
    }
}

impl AgeBand {
    pub const ALL: [AgeBand; 5] = [AgeBand::Under18, AgeBand::To39, AgeBand::To59, AgeBand::To79, AgeBand::From80];

    pub fn of_years(years: u32) -> AgeBand {
        match years {
            0..18 => AgeBand::Under18,
            18..40 => AgeBand::To39,
            40..60 => AgeBand::To59,
            60..80 => AgeBand::To79,
            80.. => AgeBand::From80,
        }
    }

    /// As written: "0-17", "18-39", "40-59", "60-79", "80+".
    pub fn label(self) -> &'static str {
        match self {
            AgeBand::Under18 => "0-17",
            AgeBand::To39 => "18-39",
            AgeBand::To59 => "40-59",
            AgeBand::To79 => "60-79",
            AgeBand::From80 => "80+",
        }
    }

    pub fn of_label(label: &str) -> Option<AgeBand> {
        AgeBand::ALL.into_iter().find(|band| band.label() == label)
    }
}

impl View {
    pub const ALL: [View; 3] = [View::Pa, View::Ap, View::Lateral];

    /// Of View Position (0018,5101); `None` for anything else, as oblique views.
    pub fn of_position(position: &str) -> Option<View> {
        match position.trim().to_uppercase().as_str() {
            "PA" => Some(View::Pa),
            "AP" => Some(View::Ap),
            "LL" | "RL" | "LLD" | "RLD" | "LAT" | "LATERAL" => Some(View::Lateral),
            _ => None,
        }
    }

    /// As written: "PA", "AP", "lateral".
    pub fn label(self) -> &'static str {
        match self {
            View::Pa => "PA",
            View::Ap => "AP",
            View::Lateral => "lateral",
        }
    }

    pub fn of_label(label: &str) -> Option<View> {
        View::ALL.into_iter().find(|view| view.label().eq_ignore_ascii_case(label))
    }
}
