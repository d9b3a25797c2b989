//! What a whole report says, from the claims of its sentences.

use super::{Claim, Finding, Presence};
use std::collections::BTreeMap;

/// One presence for each finding that is spoken of: present if any sentence says so, else
/// uncertain if any does, else absent, as CheXpert combines mentions (Irvin et al., AAAI 2019,
/// section "Stage 3: mention aggregation").
///
/// [`Finding::NoFinding`] is present if something is said and nothing but devices is present or
/// uncertain; otherwise it is not in the map.
pub fn conclusions(claims: &[Claim]) -> BTreeMap<Finding, Presence> {
    let rank = |presence: Presence| match presence {
        Presence::Present => 2,
        Presence::Uncertain => 1,
        Presence::Absent => 0,
    };
    let mut found: BTreeMap<Finding, Presence> = BTreeMap::new();
    for claim in claims.iter().filter(|c| c.finding != Finding::NoFinding) {
        let known = found.entry(claim.finding).or_insert(claim.presence);
        if rank(claim.presence) > rank(*known) {
            *known = claim.presence;
        }
    }
    let healthy = found.iter().all(|(f, p)| *f == Finding::SupportDevices || *p == Presence::Absent);
    if healthy && !claims.is_empty() {
        found.insert(Finding::NoFinding, Presence::Present);
    }
    found
}

/// The findings that a whole report says are present.
pub fn present(claims: &[Claim]) -> Vec<Finding> {
    conclusions(claims).into_iter().filter(|(_, p)| *p == Presence::Present).map(|(f, _)| f).collect()
}

#[cfg(test)]
mod tests {
    use super::super::label;
    use super::*;

    fn check(text: &str, expected: &[(Finding, Presence)]) {
        assert_eq!(conclusions(&label(text)).into_iter().collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn the_strongest_word_counts() {
        use Presence::{Absent, Present, Uncertain};
        check("", &[]);
        check("No effusion.", &[(Finding::NoFinding, Present), (Finding::PleuralEffusion, Absent)]);
        check("No right effusion. Possible left effusion.", &[(Finding::PleuralEffusion, Uncertain)]);
        check("Possible effusion. Small left effusion. No right effusion.", &[(Finding::PleuralEffusion, Present)]);
        check("NG tube.", &[(Finding::NoFinding, Present), (Finding::SupportDevices, Present)]);
        check("No acute abnormality. Cardiomegaly.", &[(Finding::Cardiomegaly, Present)]);
    }
}
