//! Words that name what a sentence speaks of.

use super::finding::{Device, Finding};
use super::pattern::Table;
use std::sync::OnceLock;

/// What some words name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thing {
    /// Findings that these words name as such; two for "hydropneumothorax".
    Findings(&'static [Finding]),
    Device(Device),
    /// A device that is said to be gone ("extubation").
    Removed(Device),
    /// Parts of the chest, of which something is said elsewhere ("the heart is enlarged").
    Parts(&'static [Part]),
    /// "Acute abnormality": when it is denied, there is no finding.
    Abnormality,
    /// "Bony abnormality": when it is denied, there is no fracture.
    BonyAbnormality,
    /// Words that look like a finding and are none ("pericardial effusion").
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Heart,
    /// Heart and mediastinum as one outline.
    Cardiomediastinum,
    Mediastinum,
    Lungs,
    Pleura,
    CostophrenicAngle,
    Bones,
    Vessels,
    Markings,
    /// The whole image or examination.
    Study,
}

const DEVICE_OTHER: Thing = Thing::Device(Device::OtherDevice);

const fn one(finding: &'static [Finding]) -> Thing {
    Thing::Findings(finding)
}

const PNEUMOTHORAX: Thing = one(&[Finding::Pneumothorax]);
const BOTH_PLEURAL: Thing = one(&[Finding::Pneumothorax, Finding::PleuralEffusion]);
const EFFUSION: Thing = one(&[Finding::PleuralEffusion]);
const PLEURAL_OTHER: Thing = one(&[Finding::PleuralOther]);
const CONSOLIDATION: Thing = one(&[Finding::Consolidation]);
const PNEUMONIA: Thing = one(&[Finding::Pneumonia]);
const EDEMA: Thing = one(&[Finding::Edema]);
const ATELECTASIS: Thing = one(&[Finding::Atelectasis]);
const OPACITY: Thing = one(&[Finding::LungOpacity]);
const LESION: Thing = one(&[Finding::LungLesion]);
const FRACTURE: Thing = one(&[Finding::Fracture]);
const CARDIOMEGALY: Thing = one(&[Finding::Cardiomegaly]);
const WIDE: Thing = one(&[Finding::EnlargedCardiomediastinum]);

const PATTERNS: &[(&str, Thing)] = &[
    // Pleura.
    ("pneumothora*", PNEUMOTHORAX),
    ("ptx|ptxs", PNEUMOTHORAX),
    ("hydropneumothora*|haemopneumothora*|hemopneumothora*|pyopneumothora*", BOTH_PLEURAL),
    ("hydro|haemo|hemo pneumothora*", BOTH_PLEURAL),
    ("effusion*", EFFUSION),
    ("pleural effusion*|fluid|collection*", EFFUSION),
    ("hemothora*|haemothora*|hydrothora*|empyema*|chylothora*", EFFUSION),
    (
        "fluid in|within the|a|either|both? left|right|minor|major|horizontal|oblique|pleural? minor|major|horizontal|oblique|pleural? fissure*|space*|cavity",
        EFFUSION,
    ),
    ("loculated|layering|fissural fluid", EFFUSION),
    ("pericardial|joint|knee|ear effusion*|fluid", Thing::Other),
    (
        "pleural|biapical|apical pleural? thickening|plaque*|calcification*|scar|scars|scarring|reaction|fibrosis",
        PLEURAL_OTHER,
    ),
    ("pleural thickening|scar|scarring / scar|scarring|thickening", PLEURAL_OTHER),
    ("pleural and|or parenchymal scar|scars|scarring|thickening", PLEURAL_OTHER),
    ("pleuroparenchymal|pleuro _? scar|scars|scarring|thickening|opacit*|change*|fibrosis", PLEURAL_OTHER),
    ("pleuro parenchymal scar|scars|scarring|thickening|opacit*|change*|fibrosis", PLEURAL_OTHER),
    ("thickening|scarring|calcification of the left|right? pleura", PLEURAL_OTHER),
    ("fibrothora*", PLEURAL_OTHER),
    ("apical cap|caps|capping", PLEURAL_OTHER),
    ("pleura|pleurae", Thing::Parts(&[Part::Pleura])),
    ("pleural space*|surface*|margin*|reflection*", Thing::Parts(&[Part::Pleura])),
    ("costophrenic angle*|sulc*|recess*|gutter*", Thing::Parts(&[Part::CostophrenicAngle])),
    ("costophrenic", Thing::Parts(&[Part::CostophrenicAngle])),
    ("cp|costodiaphragmatic angle*|recess*", Thing::Parts(&[Part::CostophrenicAngle])),
    ("lateral|posterior sulc*", Thing::Parts(&[Part::CostophrenicAngle])),
    // Lungs.
    ("consolidat*", CONSOLIDATION),
    ("air bronchogram*", CONSOLIDATION),
    ("pneumonia*|pneumonic|bronchopneumonia*", PNEUMONIA),
    ("infection*|infectious|infective", PNEUMONIA),
    ("edema|oedema|edematous|oedematous", EDEMA),
    ("soft|subcutaneous|cerebral|peripheral|ankle tissue? edema|oedema", Thing::Other),
    ("chest wall edema|oedema", Thing::Other),
    ("congestion|congestive", EDEMA),
    ("vascular|venous|pulmonary vascular|venous? congestion|engorgement|redistribution|hypertension", EDEMA),
    ("congestive heart|cardiac failure", EDEMA),
    ("congestive change*", EDEMA),
    ("heart|cardiac|ventricular failure|decompensation", EDEMA),
    ("chf|lvf", EDEMA),
    ("failure", EDEMA),
    ("respiratory|renal|hepatic|liver failure", Thing::Other),
    ("fluid|volume overload", EDEMA),
    ("kerley b? line*", EDEMA),
    ("septal line*|thickening", EDEMA),
    ("cephalization|cephalisation", EDEMA),
    ("upper lobe? blood|venous diversion", EDEMA),
    ("pulmonary arterial|artery hypertension", Thing::Other),
    ("atelect*", ATELECTASIS),
    ("collapse|collapsed", ATELECTASIS),
    ("vertebral body? collapse", FRACTURE),
    ("opacit*|opacif*|opaque", OPACITY),
    ("infiltrat*", OPACITY),
    ("airspace|alveolar|parenchymal|interstitial disease|process|shadowing|change*", OPACITY),
    ("interstitial lung disease", OPACITY),
    ("air space disease|process|shadowing|change*", OPACITY),
    ("air space consolidat*", CONSOLIDATION),
    ("haziness|shadowing", OPACITY),
    ("densit*", OPACITY),
    ("bone|bony|soft tissue? densit*", Thing::Other),
    ("scar|scars|scarring", OPACITY),
    ("reticular|reticulonodular|reticulation", OPACITY),
    ("fibrosis|fibrotic", OPACITY),
    ("interstitial prominence|thickening|accentuation|pattern|abnormalit*", OPACITY),
    ("peribronchial cuffing|thickening", OPACITY),
    ("nodul* opacit*|densit*|lesion*", LESION),
    ("nodule*|nodular*", LESION),
    ("mass|masses", LESION),
    ("mass effect", Thing::Other),
    ("lesion*|tumor*|tumour*|neoplas*|malignan*|metasta*|carcinoma*|cancer*", LESION),
    ("granuloma|granulomas|granulomata", LESION),
    ("cavit*", LESION),
    ("cavitary|cavitating|cavitated lesion*|mass|nodul*", LESION),
    ("pleural|thoracic|chest|peritoneal|abdominal cavity", Thing::Other),
    ("lytic|sclerotic|blastic|bone|bony|osseous lytic|sclerotic|blastic? lesion*|metasta*|mass*", Thing::Other),
    ("breast|thyroid|nipple|skin mass*|nodul*|lesion*|shadow*|densit*", Thing::Other),
    ("lungs", Thing::Parts(&[Part::Lungs])),
    ("lung", Thing::Parts(&[Part::Lungs])),
    ("lung field*|parenchyma|zone*", Thing::Parts(&[Part::Lungs])),
    ("lung base|bases|apex|apices", Thing::Parts(&[Part::Lungs])),
    ("pulmonary parenchyma|fields", Thing::Parts(&[Part::Lungs])),
    ("lung volume*", Thing::Other),
    ("lung nodul*|mass|masses|lesion*|cancer*", LESION),
    ("lung opacit*", OPACITY),
    ("lung disease", Thing::Other),
    ("interstitial|bronchovascular|lung|pulmonary interstitial? marking*", Thing::Parts(&[Part::Markings])),
    ("interstitium", Thing::Parts(&[Part::Markings])),
    ("pulmonary vascularity|vasculature|vessel|vessels", Thing::Parts(&[Part::Vessels])),
    ("pulmonary vascular marking*|pattern|distribution", Thing::Parts(&[Part::Vessels])),
    ("vascularity|vasculature", Thing::Parts(&[Part::Vessels])),
    ("vascular marking*|pattern", Thing::Parts(&[Part::Vessels])),
    ("vascular pedicle", Thing::Other),
    // Heart and mediastinum.
    ("cardiomegaly", CARDIOMEGALY),
    ("cardiac|heart enlargement", CARDIOMEGALY),
    ("enlargement of the heart|cardiac silhouette|size|shadow|outline?", CARDIOMEGALY),
    ("heart", Thing::Parts(&[Part::Heart])),
    ("heart|cardiac size|silhouette|contour*|shadow|outline", Thing::Parts(&[Part::Heart])),
    ("cardiac silhouette size|contour*", Thing::Parts(&[Part::Heart])),
    ("cardiothoracic ratio", Thing::Parts(&[Part::Heart])),
    (
        "cardiac and|& mediastinal contour*|silhouette*|outline*|shadow*|structure*?",
        Thing::Parts(&[Part::Heart, Part::Mediastinum]),
    ),
    ("heart|cardiac border*|rate|device*", Thing::Other),
    ("cardiomediastin*", Thing::Parts(&[Part::Cardiomediastinum])),
    ("cardiomediastin* silhouette*|contour*|outline*|size|structure*|shadow", Thing::Parts(&[Part::Cardiomediastinum])),
    ("cardio mediastin* silhouette*|contour*?", Thing::Parts(&[Part::Cardiomediastinum])),
    ("cardiopericardial silhouette", Thing::Parts(&[Part::Heart])),
    ("mediastinum", Thing::Parts(&[Part::Mediastinum])),
    ("mediastinal silhouette*|contour*|outline*|structure*|width|border*", Thing::Parts(&[Part::Mediastinum])),
    ("mediastinal and|& cardiac contour*|silhouette*|outline*?", Thing::Parts(&[Part::Heart, Part::Mediastinum])),
    ("mediastinal and|& hilar|pulmonary contour*|silhouette*|structure*?", Thing::Parts(&[Part::Mediastinum])),
    ("hilar and|& mediastinal contour*|silhouette*|structure*", Thing::Parts(&[Part::Mediastinum])),
    ("mediastinal widening|enlargement", WIDE),
    ("cardiomediastin* widening|enlargement", WIDE),
    ("mediastinal shift|lymph*|adenopathy|drain*", Thing::Other),
    ("hilar|mediastinal abnormality|enlargement|prominence|adenopathy|lymphadenopathy", Thing::Other),
    ("adenopathy|lymphadenopathy", Thing::Other),
    ("hila|hilum|trachea|aorta", Thing::Other),
    // Bones.
    ("fractur*|fx", FRACTURE),
    ("compression|wedge|burst fracture*|deformit*", FRACTURE),
    ("wedging of", FRACTURE),
    ("bony|osseous|skeletal|bone thorax|structure*|element*|skeleton|cage", Thing::Parts(&[Part::Bones])),
    ("bones|ribs|skeleton|osseous", Thing::Parts(&[Part::Bones])),
    ("rib cage", Thing::Parts(&[Part::Bones])),
    ("thoracic|visualized|visualised cage|skeleton|spine", Thing::Parts(&[Part::Bones])),
    (
        "bony|osseous|skeletal|bone|rib|spinal acute? abnormalit*|finding*|injury|injuries|process|patholog*|trauma",
        Thing::BonyAbnormality,
    ),
    ("bony|osseous or|and soft tissue abnormalit*", Thing::BonyAbnormality),
    // Nothing at all.
    ("abnormalit*", Thing::Abnormality),
    ("acute|active superimposed|focal? abnormalit*|process*|disease*|finding*|patholog*|change*", Thing::Abnormality),
    (
        "acute|active|significant radiographic? cardiopulmonary|cardiothoracic|intrathoracic|pulmonary|thoracic|chest|cardiac|lung|preoperative or|and? pulmonary|cardiac|pleural|intrathoracic? radiographic? abnormalit*|process*|disease*|finding*|patholog*|disorder*|change*",
        Thing::Abnormality,
    ),
    ("acute|active disease|radiographic process|finding*|abnormalit*", Thing::Abnormality),
    (
        "cardiopulmonary|cardiothoracic|intrathoracic abnormalit*|process*|disease*|finding*|patholog*",
        Thing::Abnormality,
    ),
    (
        "soft|hilar|diaphragmatic|abdominal|degenerative|upper tissue|abdomen|abdominal? abnormalit*|finding*|change*",
        Thing::Other,
    ),
    ("acute hilar|abdominal|soft|upper tissue|abdominal? abnormalit*|finding*", Thing::Other),
    ("study|examination|exam|radiograph*|film|xray", Thing::Parts(&[Part::Study])),
    ("chest", Thing::Parts(&[Part::Study])),
    ("chest study|examination|exam|radiograph*|film|xray", Thing::Parts(&[Part::Study])),
    ("chest x ray*", Thing::Parts(&[Part::Study])),
    ("chest wall|ct|pain|tomography", Thing::Other),
    (
        "prior|previous|earlier|comparison|portable|supine|lateral|limited study|examination|exam|radiograph*|film*|xray*",
        Thing::Other,
    ),
    // Tubes, lines and other devices.
    ("ett|etts", Thing::Device(Device::EndotrachealTube)),
    ("et|endotracheal|orotracheal|nasotracheal tube*", Thing::Device(Device::EndotrachealTube)),
    ("intubat*", Thing::Device(Device::EndotrachealTube)),
    ("extubat*", Thing::Removed(Device::EndotrachealTube)),
    ("tracheostomy tube|cannula?", Thing::Device(Device::Tracheostomy)),
    ("ngt|ogt|ngts", Thing::Device(Device::GastricTube)),
    (
        "ng|og|nasogastric|orogastric|enteric|nasoenteric|feeding|gastric|nasojejunal|nj|gastrostomy tube*|catheter*",
        Thing::Device(Device::GastricTube),
    ),
    ("dobhoff|dobbhoff|nasogastric|orogastric tube*|catheter*?", Thing::Device(Device::GastricTube)),
    ("picc|piccs|cvc|cvcs|vascath|permcath|hickman|mediport|portacath|cvl", Thing::Device(Device::CentralLine)),
    (
        "picc|pic|hickman|central|venous|dialysis|jugular|subclavian|ij|ijv|femoral|tunneled|tunnelled venous|vein|dialysis? line*|catheter*|cannula",
        Thing::Device(Device::CentralLine),
    ),
    ("port a cath*", Thing::Device(Device::CentralLine)),
    (
        "central|internal venous|jugular vein|venous? catheter*|line*|access|cannula|port",
        Thing::Device(Device::CentralLine),
    ),
    ("internal jugular dialysis? line*|catheter*|approach|cannula", Thing::Device(Device::CentralLine)),
    ("infusion|chest|venous port|ports", Thing::Device(Device::CentralLine)),
    ("port catheter*", Thing::Device(Device::CentralLine)),
    ("swan ganz catheter*?", Thing::Device(Device::PulmonaryArteryCatheter)),
    ("pulmonary artery|arterial catheter*|line", Thing::Device(Device::PulmonaryArteryCatheter)),
    ("pa catheter*", Thing::Device(Device::PulmonaryArteryCatheter)),
    (
        "chest|pleural|intercostal|thoracostomy|pigtail|apical|basal tube*|drain*|catheter*",
        Thing::Device(Device::ChestTube),
    ),
    ("pleural pigtail catheter*|drain*", Thing::Device(Device::ChestTube)),
    ("thoracostomy|pigtail", Thing::Device(Device::ChestTube)),
    ("drain|drains", Thing::Device(Device::ChestTube)),
    ("pacemaker*|pacer|pacers|ppm", Thing::Device(Device::Pacemaker)),
    ("pacemaker*|pacer lead*|wire*|device*|generator", Thing::Device(Device::Pacemaker)),
    ("icd|aicd|defibrillator lead*|device*|generator", Thing::Device(Device::Defibrillator)),
    ("pacing lead*|wire*|device*|electrode*", Thing::Device(Device::Pacemaker)),
    ("pulse generator", Thing::Device(Device::Pacemaker)),
    ("icd|icds|aicd|crt|crtd|defibrillator*|cardioverter", Thing::Device(Device::Defibrillator)),
    ("cardioverter defibrillator", Thing::Device(Device::Defibrillator)),
    ("intra aortic balloon pump?", Thing::Device(Device::BalloonPump)),
    ("intraaortic|aortic balloon pump?", Thing::Device(Device::BalloonPump)),
    ("iabp", Thing::Device(Device::BalloonPump)),
    ("sternotomy|sternal wire*|suture*?", Thing::Device(Device::SternalWires)),
    ("sternotomy", Thing::Device(Device::SternalWires)),
    ("sternal", Thing::Other),
    (
        "prosthetic|artificial|mechanical|bioprosthetic aortic|mitral|tricuspid|pulmonic|cardiac|heart? valve*",
        Thing::Device(Device::Valve),
    ),
    ("valve prosthes*|replacement*", Thing::Device(Device::Valve)),
    ("aortic|mitral|tricuspid|heart|cardiac valve prosthes*|replacement*|repair", Thing::Device(Device::Valve)),
    ("valvular prosthes*", Thing::Device(Device::Valve)),
    ("tavi|tavr|avr|mvr", Thing::Device(Device::Valve)),
    ("stent*", Thing::Device(Device::Stent)),
    ("clip|clips", Thing::Device(Device::SurgicalClips)),
    ("surgical|vascular|cholecystectomy|mediastinal|postsurgical clip|clips", Thing::Device(Device::SurgicalClips)),
    ("device|devices|hardware|lead|leads|catheter*|electrode*|tubing|tube|tubes|prosthes*|arthroplast*", DEVICE_OTHER),
    (
        "support|monitoring|ecg|ekg|cardiac|orthopedic|orthopaedic|spinal|medical|implanted lead*|device*|line*|hardware|electrode*|apparatus|equipment",
        DEVICE_OTHER,
    ),
    ("monitoring and support device*|line*|equipment", DEVICE_OTHER),
    ("support and monitoring device*|line*|equipment", DEVICE_OTHER),
    ("line|lines and|or|/ tube|tubes", DEVICE_OTHER),
    ("tube|tubes and|or|/ line|lines", DEVICE_OTHER),
    ("port|ports", Thing::Device(Device::CentralLine)),
];

/// The patterns as they are written.
pub(super) fn patterns() -> impl Iterator<Item = &'static str> {
    PATTERNS.iter().map(|(pattern, _)| *pattern)
}

pub(super) fn table() -> &'static Table<Thing> {
    static TABLE: OnceLock<Table<Thing>> = OnceLock::new();
    TABLE.get_or_init(|| Table::new(PATTERNS))
}
