//! A text that speaks of another examination than the one that was made.

use super::known::Known;
use super::words;
use crate::claims::Side;

/// Parts of the body that a chest radiograph is not of. Shoulder, abdomen and spine are at its
/// edges, so that they count in the name of the examination only.
const ELSEWHERE: [&str; 22] = [
    "femur",
    "femoral",
    "tibia",
    "tibial",
    "fibula",
    "patella",
    "knee",
    "ankle",
    "wrist",
    "metacarpal",
    "metatarsal",
    "calcaneus",
    "brain",
    "intracranial",
    "ventricles",
    "skull",
    "sinuses",
    "orbit",
    "bladder",
    "acetabulum",
    "pubic",
    "meniscus",
];
const OTHER_EXAMS: [&str; 24] = [
    "kub",
    "humerus",
    "elbow",
    "forearm",
    "facial",
    "finger",
    "leg",
    "mandible",
    "abdomen",
    "abdominal",
    "pelvis",
    "pelvic",
    "knee",
    "hip",
    "shoulder",
    "hand",
    "wrist",
    "foot",
    "ankle",
    "skull",
    "spine",
    "lumbar",
    "cervical",
    "head",
];
/// Kinds of imaging that a radiograph is not.
const OTHER_METHODS: [&str; 9] = ["ct", "tomography", "pet", "ultrasound", "sonography", "mri", "mammogram", "fluoroscopy", "scintigraphy"];

/// What in the name or technique of the examination is of another one.
pub(super) fn wrong_exam(text: &str, known: &Known) -> Option<String> {
    let chest = known.body_part.as_deref().is_none_or(|p| matches!(p.trim(), "CHEST" | "THORAX" | "LUNG" | ""));
    let all = words(text);
    let has = |list: &[&str]| all.iter().find(|w| list.contains(&w.as_str())).cloned();
    if chest && !all.iter().any(|w| matches!(w.as_str(), "chest" | "thorax" | "thoracic")) {
        if let Some(word) = has(&OTHER_EXAMS) {
            return Some(word);
        }
    }
    has(&OTHER_METHODS)
}

/// A part of the body in Findings or Impression that a chest radiograph does not show.
pub(super) fn wrong_part(text: &str, known: &Known) -> Option<String> {
    let chest = known.body_part.as_deref().is_none_or(|p| matches!(p.trim(), "CHEST" | "THORAX" | "LUNG" | ""));
    let all = words(text);
    let found = all.iter().find(|w| ELSEWHERE.contains(&w.as_str()))?;
    // A line that ends or begins elsewhere may be named, and so may what another examination is to show.
    let excused = ["line", "catheter", "approach", "ct", "mri", "recommended", "correlate", "correlation", "gall"];
    (chest && !all.iter().any(|w| excused.contains(&w.as_str()))).then(|| found.clone())
}

/// What the text says of the views that the images contradict, as a plain sentence.
pub(super) fn wrong_view(text: &str, known: &Known) -> Option<String> {
    let views: Vec<&str> = known.views.iter().map(|v| v.trim()).collect();
    // Where one image does not say, nothing is certain.
    if views.is_empty() || views.iter().any(|v| v.is_empty()) {
        return None;
    }
    let all = words(text);
    let says = |word: &str| all.iter().any(|w| w == word);
    let lateral = views.iter().any(|v| matches!(*v, "LL" | "RL" | "LATERAL" | "LLO" | "RLO"));
    let (pa, ap) = (views.contains(&"PA"), views.iter().any(|v| v.starts_with("AP")));
    let two = all.windows(2).any(|w| matches!(w[0].as_str(), "two" | "2") && (w[1].starts_with("view") || w[1].starts_with("projection")));
    let decubitus = says("decubitus");
    if (says("lateral") && !decubitus || two) && !lateral && views.len() == 1 {
        return Some("The text names a lateral or second view; there is one frontal image.".to_owned());
    }
    if (says("single") || says("one")) && (says("view") || says("frontal")) && lateral && views.len() > 1 {
        return Some("The text names a single view; there is a lateral image too.".to_owned());
    }
    if (says("pa") || says("posteroanterior")) && !pa && ap {
        return Some("The text says PA; the image is AP.".to_owned());
    }
    if ["ap", "anteroposterior", "portable", "bedside", "supine"].into_iter().any(says) && !ap && pa {
        return Some("The text says AP or portable; the image is PA.".to_owned());
    }
    None
}

/// A side in the name or technique of the examination that the images are not of, as a plain sentence.
pub(super) fn wrong_side(text: &str, known: &Known) -> Option<String> {
    let all = words(text);
    let says = |list: &[&str]| all.iter().any(|w| list.contains(&w.as_str()));
    // "L lateral", where a letter alone says little.
    let of_a_view = ["lateral", "decubitus", "oblique"];
    let letter = |letter: &str| all.windows(2).any(|w| w[0] == letter && of_a_view.contains(&w[1].as_str()));
    let said = match (says(&["left", "lt"]) || letter("l"), says(&["right", "rt"]) || letter("r")) {
        (true, false) => Side::Left,
        (false, true) => Side::Right,
        _ => return None,
    };
    let name = |side: Side| if side == Side::Left { "left" } else { "right" };
    if let Some(side) = known.side.filter(|side| *side != said && *side != Side::Bilateral) {
        return Some(format!("The text says {}; the images are of the {} side.", name(said), name(side)));
    }
    // A lateral, oblique or decubitus view has its side in its code.
    let of_view = |view: &String| match view.trim() {
        "LL" | "LLD" | "LLO" | "LAO" | "LPO" => Some(Side::Left),
        "RL" | "RLD" | "RLO" | "RAO" | "RPO" => Some(Side::Right),
        _ => None,
    };
    let sides: Vec<Side> = known.views.iter().filter_map(of_view).collect();
    (says(&of_a_view) && !sides.is_empty() && !sides.contains(&said))
        .then(|| format!("The text says {}; the view is a {} one.", name(said), name(sides[0])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_against_the_tags() {
        let check = |text: &str, side: Option<Side>, views: &[&str], expected: bool| {
            let views = views.iter().map(|v| (*v).to_owned()).collect();
            let known = Known { side, views, ..Known::default() };
            assert_eq!(wrong_side(text, &known).is_some(), expected, "{text} {views:?}", views = known.views);
        };
        check("PA and left lateral views of the chest.", None, &["PA", "LL"], false);
        check("PA and right lateral views of the chest.", None, &["PA", "LL"], true);
        check("Left lateral decubitus view.", None, &["RLD"], true);
        check("Left and right lateral views.", None, &["LL"], false);
        check("Left lateral view.", None, &["PA"], false);
        check("Ribs, left side.", Some(Side::Right), &["AP"], true);
        check("Ribs, left side.", Some(Side::Left), &["AP"], false);
        check("Chest, frontal view.", Some(Side::Left), &["AP"], false);
    }

    #[test]
    fn views_against_the_tags() {
        let check = |text: &str, views: &[&str], expected: bool| {
            let known = Known { views: views.iter().map(|v| (*v).to_owned()).collect(), ..Known::default() };
            assert_eq!(wrong_view(text, &known).is_some(), expected, "{text} {views:?}");
        };
        check("PA and lateral views of the chest.", &["PA", "LL"], false);
        check("PA and lateral views of the chest.", &["PA"], true);
        check("Two views of the chest.", &["AP"], true);
        check("Single AP portable view.", &["AP"], false);
        check("Single AP portable view.", &["PA"], true);
        check("Single view.", &["PA", "LL"], true);
        check("PA view.", &["AP"], true);
        check("PA view.", &[""], false);
        check("Left lateral decubitus view.", &["AP"], false);
    }

    #[test]
    fn other_examinations() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(wrong_exam(text, &Known::default()).as_deref(), expected, "{text}");
        };
        check("Chest radiograph, two views.", None);
        check("Abdominal radiograph.", Some("abdominal"));
        check("Chest and abdomen, single view.", None);
        check("Chest ultrasound.", Some("ultrasound"));
        check("XR knee.", Some("knee"));
    }
}
