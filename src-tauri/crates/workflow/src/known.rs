//! What the checks of a report are held against: patient, images, priors, measurements.

use crate::reading::{Patient, header_of};
use crate::{WorkflowError, Workstation};
use hilum_report::checks::{Identity, Known, Sex};
use hilum_report::claims::Side;
use hilum_store::Store;

impl Workstation {
    /// What is known of the case besides its report.
    pub(crate) async fn case_of(&self, store: &Store, study_uid: &str) -> Result<Known, WorkflowError> {
        let study = store.study(study_uid).await?;
        let headers: Vec<_> = study.series.iter().flat_map(|s| &s.instances).map(header_of).collect();
        let said = headers.first().and_then(|h| h.patient_age.as_deref());
        let patient = Patient::of(&study.patient, said, &study.row.date);
        let priors = self.priors_in(store, study_uid).await?;
        let mut measured = store.annotations(study_uid).await?;
        // A report that compares says what was measured on the prior too.
        for prior in &priors {
            measured.extend(store.annotations(&prior.study_uid).await?);
        }
        Ok(Known {
            sex: study.patient.sex.as_deref().and_then(Sex::of_code),
            age: years(&patient.age),
            prior: !priors.is_empty(),
            views: headers.iter().map(|h| h.view_position.clone().unwrap_or_default()).collect(),
            side: one_side(study.series.iter().flat_map(|s| &s.instances).map(|i| i.laterality.as_str())),
            ratios: measured.iter().flat_map(|a| &a.measured).filter_map(|m| m.trim().parse().ok()).collect(),
            patient: Identity {
                names: study.patient.name.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect(),
                id: study.patient.patient_id.clone(),
                accession: study.row.accession.clone(),
                birth_date: study.patient.birth_date.clone().unwrap_or_default(),
            },
            body_part: headers.first().and_then(|h| h.body_part.clone()),
            measured: Some(measured.iter().flat_map(|a| &a.measured).filter_map(|m| Known::millimetres(m)).collect()),
        })
    }
}

/// The one side that all images are of, by Image Laterality.
fn one_side<'a>(said: impl Iterator<Item = &'a str>) -> Option<Side> {
    let mut sides = said.map(|l| match l.trim() {
        "L" => Some(Side::Left),
        "R" => Some(Side::Right),
        _ => None,
    });
    let first = sides.next()??;
    sides.all(|side| side == Some(first)).then_some(first)
}

/// Whole years of an age as it is shown ("58 Y", "7 mo"); an infant's are 0.
pub(crate) fn years(age: &str) -> Option<u32> {
    let (number, unit) = age.split_once(' ')?;
    let number = number.parse().ok()?;
    match unit {
        "Y" => Some(number),
        "mo" => Some(number / 12),
        "wk" | "d" => Some(0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{one_side, years};
    use hilum_report::claims::Side;

    #[test]
    fn one_side_of_all_images() {
        let check = |said: &[&str], expected| assert_eq!(one_side(said.iter().copied()), expected, "{said:?}");
        check(&["L", "L"], Some(Side::Left));
        check(&["R"], Some(Side::Right));
        check(&["L", "R"], None);
        check(&["L", ""], None);
        check(&["B"], None);
        check(&[], None);
    }

    #[test]
    fn ages_in_years() {
        let check = |age: &str, expected: Option<u32>| assert_eq!(years(age), expected, "{age}");
        check("58 Y", Some(58));
        check("7 mo", Some(0));
        check("30 mo", Some(2));
        check("12 d", Some(0));
        check("3 wk", Some(0));
        check("", None);
    }
}
