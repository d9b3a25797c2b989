//! Words that deny, doubt, place, grade, date or end.

use super::finding::{Severity, Side, Temporal, Zone};
use super::pattern::Table;
use std::sync::OnceLock;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cue {
    /// Denies what follows, what stands before, or whichever of the two there is.
    DeniesNext,
    DeniesBefore,
    DeniesEither,
    /// Doubts what follows, what stands before, or what follows if anything does.
    DoubtsNext,
    DoubtsBefore,
    DoubtsEither,
    /// "Versus": doubts its two neighbours.
    Versus,
    /// Says of devices alone that they are gone.
    RemovesNext,
    RemovesBefore,
    /// Begins a clause that denials and doubts do not cross.
    Clause,
    /// As [`Cue::Clause`], and says that something is excepted.
    Except,
    /// Ends the reach of a denial ("no effusion after removal of ...").
    Halt,
    /// What may be said of a part of the chest.
    Normal,
    Intact,
    Sharp,
    Clear,
    Enlarged,
    /// "Large": as [`Cue::Enlarged`] when said of the heart with a verb, else a severity.
    Large,
    Widened,
    Blunted,
    Prominent,
    Borderline,
    Side(Side),
    Zone(Zone),
    Severity(Severity),
    Temporal(Temporal),
    /// As [`Cue::Temporal`], of every member of the list that follows.
    TemporalList(Temporal),
}

use Cue::*;
use Severity::{Mild, Minimal, Moderate, Severe};
use Side::{Bilateral, Left, Right};
use Temporal::{Acute, Chronic, Decreased, Increased, New, Resolved, Unchanged};
use Zone::{Apical, Basal, Diffuse, Lingular, Lower, Middle, Perihilar, Peripheral, Retrocardiac, Upper};

const SEEN: &str = "seen|identified|visualized|visualised|evident|appreciated|demonstrated|present|noted|detected|apparent|observed|visible|found|shown|recognised|recognized|depicted";

const PATTERNS: &[(&str, &[Cue])] = &[
    // Denials.
    ("no|without|neither|nor|not|non|never|denies|lacks|nil", &[DeniesNext]),
    ("absence|lack of", &[DeniesNext]),
    ("absent", &[DeniesBefore]),
    ("free|clear of|from", &[DeniesNext]),
    ("negative for", &[DeniesNext]),
    ("grossly|otherwise clear of|from", &[DeniesNext]),
    ("rather|instead than|of", &[DeniesNext]),
    ("none", &[DeniesBefore]),
    ("excluded", &[DeniesBefore]),
    ("ruled out", &[DeniesBefore]),
    ("unlikely", &[DeniesEither]),
    ("is|are|considered|felt|thought|deemed|very unlikely|improbable", &[DeniesEither]),
    ("unlikely to be|represent|reflect", &[DeniesNext]),
    ("no longer", &[DeniesNext, Temporal(Resolved)]),
    ("no longer any", &[DeniesNext, Temporal(Resolved)]),
    ("resolved", &[Temporal(Resolved), DeniesBefore]),
    ("cleared", &[Temporal(Resolved), DeniesBefore]),
    ("disappeared", &[Temporal(Resolved), DeniesBefore]),
    ("resolution|clearing|clearance of", &[Temporal(Resolved), DeniesNext]),
    (
        "near|partial|incomplete|partially|nearly|almost complete|completely? resolution|clearing|clearance of",
        &[Temporal(Decreased)],
    ),
    ("nearly|almost|partially|incompletely completely? resolved|cleared", &[Temporal(Decreased)]),
    ("confirm|document|ensure|allow|assure complete? clearing|resolution|clearance of?", &[]),
    ("resolving|clearing", &[Temporal(Decreased)]),
    ("removal|explantation of", &[RemovesNext]),
    ("removed|explanted|removal", &[RemovesBefore]),
    // What looks like a denial and is none.
    ("not only", &[]),
    (
        "no|without|not significant|appreciable|substantial|definite|relevant|major|notable|real? significant|interval? change|changes in|of|to|from",
        &[TemporalList(Unchanged)],
    ),
    (
        "no|without|not significant|appreciable|substantial|definite|relevant|major|notable? significant|interval? change|changes",
        &[Temporal(Unchanged)],
    ),
    ("not significantly|substantially|appreciably|markedly? changed|altered", &[Temporal(Unchanged)]),
    (
        "no|without significant|interval|appreciable|definite? interval? increase|decrease|improvement|worsening|progression|enlargement|reduction of|in",
        &[],
    ),
    ("not increased|decreased|worsened|progressed|improved|resolved|cleared", &[]),
    ("not completely|fully|entirely|yet resolved|cleared", &[Temporal(Decreased)]),
    ("not seen|present|visible|evident|identified previously|before|earlier", &[Temporal(New)]),
    (
        "not seen|present|visible|evident|identified|visualized|visualised on|in the? prior|previous|earlier|comparison",
        &[Temporal(New)],
    ),
    ("not well|clearly|fully|optimally|adequately|entirely|completely _", &[]),
    ("without significant? complication*", &[]),
    ("no|without prior|previous|comparison|priors", &[]),
    ("no other|further|additional", &[DeniesNext]),
    // Doubts.
    (
        "possible|possibly|probable|probably|likely|perhaps|presumed|presumably|potential|potentially|questionable|equivocal|suspect|suspected|suspicious|suggestion|suggested",
        &[DoubtsNext],
    ),
    ("suggest|suggests|suggesting|suggestive", &[DoubtsNext]),
    ("suspicious|concerning|worrisome for|of", &[DoubtsNext]),
    ("suspicion|concern|question|possibility|query|likelihood of|for|about?", &[DoubtsNext]),
    ("query|queried|question|questioned", &[DoubtsNext]),
    ("typical|characteristic for|of", &[DoubtsNext]),
    ("?", &[DoubtsEither]),
    ("may|might|could", &[DoubtsNext]),
    ("may|might|could be present|there", &[DoubtsBefore]),
    (
        "cannot|can't|can not be? entirely|completely|definitely|definitively|confidently|reliably? exclude|rule out?",
        &[DoubtsNext],
    ),
    ("can not entirely|completely|definitely? exclude|rule out?", &[DoubtsNext]),
    (
        "cannot|can't be entirely|completely|definitely|definitively|confidently|reliably|totally? excluded|ruled|discounted out?",
        &[DoubtsBefore],
    ),
    ("can not be entirely|completely|definitely? excluded|ruled out?", &[DoubtsBefore]),
    ("not entirely|completely|definitely|confidently|be? excluded|ruled out?", &[DoubtsBefore]),
    ("difficult|hard|impossible to exclude", &[DoubtsBefore]),
    ("cannot|can't be assessed|evaluated|determined|confirmed", &[DoubtsBefore]),
    ("difficult to assess|evaluate", &[DoubtsBefore]),
    (
        "is|are|remains|remain possible|likely|probable|suspected|questioned|favored|favoured|considered|conceivable|questionable",
        &[DoubtsEither],
    ),
    ("favor|favors|favour|favours|favored|favoured|favoring|favouring to? represent*|be?", &[DoubtsNext]),
    ("most likely", &[DoubtsNext]),
    ("less likely", &[DoubtsNext]),
    ("exclude|excluding", &[DoubtsNext]),
    ("r / o", &[DoubtsNext]),
    ("rule|ruling out", &[DoubtsNext]),
    ("evaluate|assess|evaluation|assessment|correlate|correlation|monitor for", &[DoubtsNext]),
    ("clinical concern|suspicion|correlation|signs of|for", &[DoubtsNext]),
    ("if", &[DoubtsNext]),
    ("differential diagnosis|considerations|consideration? includes|include|is|of|:?", &[DoubtsNext]),
    ("versus|vs", &[Versus]),
    // Clauses.
    ("but|however|although|though|whereas|while|yet|nevertheless also?", &[Clause]),
    (";", &[Clause]),
    ("and|, there is|are|was|were|has", &[Clause]),
    ("except|excepting for|of?", &[Except]),
    ("apart|aside from", &[Except]),
    ("other than", &[Except]),
    ("otherwise", &[Except]),
    ("with the? exception of", &[Except]),
    ("besides", &[Except]),
    ("with|after|following|because|despite|given|which|that|via|status|since|when|where|within", &[Halt]),
    ("due|secondary|compared|relative|owing to|with", &[Halt]),
    ("in the setting|context|presence of", &[Halt]),
    // What is said of parts of the chest.
    ("normal|unremarkable|negative", &[Normal]),
    ("within the? normal limits|range", &[Normal]),
    ("within limits of normal", &[Normal]),
    ("within normal", &[Normal]),
    ("normal limits", &[Normal]),
    ("not remarkable", &[Normal]),
    ("upper|high|higher limit|limits|end? of normal|range?", &[Normal]),
    ("upper limits|limit normal", &[Normal]),
    ("top|upper normal", &[Normal]),
    ("normal position|variant|location|alignment|course", &[]),
    ("intact", &[Intact]),
    ("sharp|sharply|preserved", &[Sharp]),
    ("clear", &[Clear]),
    ("enlarged|enlargement", &[Enlarged]),
    ("large|big", &[Large, Severity(Severe)]),
    ("widened|widening|wide|broadened", &[Widened]),
    ("blunted|blunting|obliterated|obliteration|effaced|obscured", &[Blunted]),
    (
        "prominent|prominence|coarse|coarsened|accentuated|accentuation|thickened|engorged|congested|indistinct|distended|plethoric",
        &[Prominent],
    ),
    ("borderline", &[Borderline, DoubtsNext]),
    ("slightly|minimally|minimal enlarged|enlargement", &[Enlarged, Severity(Mild)]),
    // Sides.
    ("left", &[Side(Left)]),
    ("right", &[Side(Right)]),
    ("left hand? side|sided", &[Side(Left)]),
    ("right hand? side|sided", &[Side(Right)]),
    ("bilateral|bilaterally|both", &[Side(Bilateral)]),
    ("both side|sides", &[Side(Bilateral)]),
    ("left|right greater|more|larger|worse than on? the? left|right", &[Side(Bilateral)]),
    ("right and|or left", &[Side(Bilateral)]),
    ("left and|or right", &[Side(Bilateral)]),
    ("right|left atrium|ventricle|atrial|ventricular|ventricular|heart", &[]),
    ("left|right main|lower|upper? pulmonary artery|arteries|bronchus", &[]),
    ("to|towards the left|right", &[]),
    ("worse|greater|larger|more|greatest|worst marked|pronounced|prominent? on|in|at the left|right", &[]),
    // Zones.
    ("apical|apex|apices", &[Zone(Apical)]),
    ("biapical", &[Zone(Apical), Side(Bilateral)]),
    ("upper lobe*|lung*|zone*|field*|hemithorax|third", &[Zone(Upper)]),
    ("mid|middle lobe|lung*|zone*|field*|hemithorax|third", &[Zone(Middle)]),
    ("lower lobe*|lung*|zone*|field*|hemithorax|third", &[Zone(Lower)]),
    ("mid to|and lower lobe*|lung*|zone*", &[Zone(Lower)]),
    ("rul", &[Side(Right), Zone(Upper)]),
    ("rml", &[Side(Right), Zone(Middle)]),
    ("rll", &[Side(Right), Zone(Lower)]),
    ("lul", &[Side(Left), Zone(Upper)]),
    ("lll", &[Side(Left), Zone(Lower)]),
    ("lingula|lingular", &[Zone(Lingular)]),
    ("basal|basilar|base|bases|basally|infrabasal|basilarly", &[Zone(Basal)]),
    ("bibasilar|bibasal|bibasally|bibasilarly", &[Zone(Basal), Side(Bilateral)]),
    ("hilar|perihilar|parahilar|infrahilar|suprahilar|hilum|hila", &[Zone(Perihilar)]),
    ("retrocardiac", &[Zone(Retrocardiac)]),
    ("peripheral|peripherally|subpleural", &[Zone(Peripheral)]),
    ("diffuse|diffusely|throughout|widespread", &[Zone(Diffuse)]),
    // Severity.
    ("trace|tiny|minimal|minimally|minor|minute|subtle", &[Severity(Minimal)]),
    ("small|mild|mildly|slight|slightly|little", &[Severity(Mild)]),
    ("moderate|moderately", &[Severity(Moderate)]),
    ("mild|small to moderate|moderately|large?", &[Severity(Moderate)]),
    ("moderate|moderately to? large|severe|severely|marked", &[Severity(Severe)]),
    (
        "severe|severely|extensive|extensively|marked|markedly|massive|massively|gross|grossly|considerable|substantial",
        &[Severity(Severe)],
    ),
    ("grossly unremarkable|normal|clear|intact|stable|unchanged", &[Normal]),
    ("grossly clear", &[Clear]),
    ("grossly intact", &[Intact]),
    ("grossly stable|unchanged", &[Temporal(Unchanged)]),
    // Time.
    ("new|newly|developed|developing|development", &[Temporal(New)]),
    (
        "unchanged|stable|stably|persistent|persists|persist|persisting|persistently|constant|similar|unaltered",
        &[Temporal(Unchanged)],
    ),
    ("again seen|noted|demonstrated|present|visualized", &[Temporal(Unchanged)]),
    ("remains|remain in? place|situ?", &[Temporal(Unchanged)]),
    (
        "increased|increasing|increase|worse|worsening|worsened|larger|progressed|progression|progressive|enlarging|bigger|deteriorated",
        &[Temporal(Increased)],
    ),
    (
        "decreased|decreasing|decrease|improved|improving|improvement|smaller|reduced|reduction|diminished|regressed|lessened",
        &[Temporal(Decreased)],
    ),
    (
        "slight|slightly|mild|mildly|minimally|marked|markedly|moderate|moderately|significant|significantly interval? increased|increase|worse|worsening|worsened|larger",
        &[Temporal(Increased)],
    ),
    (
        "slight|slightly|mild|mildly|minimally|marked|markedly|moderate|moderately|significant|significantly interval? decreased|decrease|improved|improvement|smaller|reduction",
        &[Temporal(Decreased)],
    ),
    ("improved aeration|inspiration|inflation|expansion|visualization", &[]),
    ("increased retrosternal", &[]),
    ("chronic|chronically|old|healed|remote|longstanding", &[Temporal(Chronic)]),
    ("acute|acutely", &[Temporal(Acute)]),
];

/// The patterns as they are written.
pub(super) fn patterns() -> impl Iterator<Item = &'static str> {
    PATTERNS.iter().map(|(pattern, _)| *pattern)
}

/// The words that by themselves say that something is as it was or is not, or that a device is gone.
pub(super) fn comparing() -> impl Iterator<Item = &'static str> {
    let compares = |cue: &Cue| match cue {
        Cue::Temporal(word) | Cue::TemporalList(word) => word.compares(),
        cue => matches!(cue, RemovesNext | RemovesBefore),
    };
    let joins = |element: &str| element.split('|').all(|word| matches!(word, "of" | "in" | "to" | "from"));
    PATTERNS.iter().filter(move |(_, cues)| cues.iter().any(compares)).flat_map(move |(pattern, _)| {
        let mut needed = pattern.split(' ').filter(|element| !element.ends_with('?') && !joins(element));
        let alone = match (needed.next(), needed.next()) {
            (Some(only), None) => only,
            _ => "",
        };
        alone.split('|').filter(|word| !word.is_empty() && !word.ends_with('*'))
    })
}

pub(super) fn table() -> &'static Table<&'static [Cue]> {
    static TABLE: OnceLock<Table<&'static [Cue]>> = OnceLock::new();
    TABLE.get_or_init(|| {
        // "Not seen", "is no longer visible" and their kin, with and without a verb.
        let mut rows = PATTERNS.to_vec();
        rows.extend(unseen());
        Table::new(&rows)
    })
}

/// Denials of what stands before them, each with every word for "seen".
fn unseen() -> Vec<(&'static str, &'static [Cue])> {
    static PATTERNS: OnceLock<[String; 3]> = OnceLock::new();
    let [not, no_longer, cannot] = PATTERNS.get_or_init(|| {
        [
            format!("not definitely|clearly|definitively? {SEEN}"),
            format!("no longer clearly? {SEEN}"),
            format!("cannot|can't be {SEEN}"),
        ]
    });
    vec![
        (not.as_str(), &[DeniesBefore]),
        (no_longer.as_str(), &[DeniesBefore, Temporal(Resolved)]),
        (cannot.as_str(), &[DeniesBefore]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, expected: bool) {
        assert_eq!(comparing().any(|other| other == word), expected, "{word}");
    }

    #[test]
    fn words_that_compare_by_themselves() {
        for word in ["new", "unchanged", "smaller", "resolution", "resolved", "removed", "remains", "reduction"] {
            check(word, true);
        }
        // Of "no longer" and "again seen" no word does so alone; chronic and acute are ages.
        for word in ["no", "longer", "seen", "of", "chronic", "acute", "slightly", "left", ""] {
            check(word, false);
        }
    }
}
