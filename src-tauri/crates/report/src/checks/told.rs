//! Who is told of a result: a doctor or a nurse whom a sentence names is not its patient.

/// What a sentence says that tells of telling.
const TELLING: [&str; 8] =
    ["discussed", "informed", "notified", "told", "called", "acknowledged", "paged", "communicated"];
/// What happens to who is told: "Mr Jones was informed". Who "was called back" may well be the patient.
const TOLD: [&str; 4] = ["informed", "notified", "told", "paged"];

/// The sentence tells that somebody was told. "So-called" and "informed consent" do not.
pub(super) fn tells(all: &[&str]) -> bool {
    all.iter().enumerate().any(|(at, said)| {
        let so_called = is(said, "called") && before(all, at).is_some_and(|word| is(word, "so"));
        let consent = is(said, "informed") && all.get(at + 1).is_some_and(|word| is(word, "consent"));
        *said == "RN" || TELLING.iter().any(|telling| is(said, telling)) && !so_called && !consent
    })
}

/// Whoever is named at a place is told: "discussed with Ms Miller", "told to Mr Jones and Mrs Ray", "Mr Jones was
/// informed", "Ms Miller, RN".
pub(super) fn is_told(all: &[&str], at: usize) -> bool {
    const TO: [&str; 3] = ["with", "to", "by"];
    let to = |word: &&str| TO.iter().any(|to| is(word, to));
    let behind = &all[(at + 1).min(all.len())..];
    let passive = behind.iter().take(6).enumerate().any(|(n, word)| {
        matches!(word.to_lowercase().as_str(), "was" | "were" | "been")
            && behind[n + 1..].iter().take(2).any(|next| TOLD.iter().any(|told| is(next, told)))
    });
    let joined = before(all, at).is_some_and(|word| is(word, "and")) && all[..at].iter().rev().take(6).any(to);
    tells(all)
        && (before(all, at).is_some_and(|word| to(&word))
            || joined
            || passive
            || behind.iter().take(4).any(|word| *word == "RN"))
}

/// Somebody who is told, or a doctor or nurse, stands before a place in a sentence that tells: "he" may be that one.
pub(super) fn may_be_told(all: &[&str], at: usize, is_title: impl Fn(usize) -> bool) -> bool {
    // "DR" in capitals is digital radiography.
    let named = |place: usize| {
        let said = all[place];
        matches!(said, "Dr" | "RN")
            || ["nurse", "physician", "doctor"].iter().any(|who| is(said, who))
            || is_title(place) && is_told(all, place)
    };
    tells(all) && (0..at.min(all.len())).any(named)
}

fn is(said: &str, word: &str) -> bool {
    said.eq_ignore_ascii_case(word)
}

fn before<'a>(all: &[&'a str], at: usize) -> Option<&'a str> {
    at.checked_sub(1).and_then(|place| all.get(place)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_and_who_is_not() {
        let check = |text: &str, expected: bool| {
            let all: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
            let at = all.iter().position(|w| matches!(*w, "Mr" | "Ms" | "Mrs")).expect("a title");
            assert_eq!(is_told(&all, at), expected, "{text}");
        };
        check("Discussed with Ms Miller, RN.", true);
        check("Findings were told to Mr Jones.", true);
        check("Acknowledged by Mrs Ray.", true);
        check("Mr Jones and Mrs Miller were informed.", true);
        check("Mr Jones has been paged.", true);
        check("Findings of Mr Miller were discussed with Dr Lee.", false);
        check("Mr Miller was called back for a lateral view.", false);
        check("Informed consent was obtained from Mr Miller.", false);
        check("Informed consent was given by Mr Miller.", false);
        check("Radiograph of Mr Miller.", false);
    }
}
