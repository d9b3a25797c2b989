//! More words for errors against what is known for certain: a woman's report that speaks of a man, Comparison sections that
//! deny in their own words, and numbers beside a measurement that they do not agree with. Those whose names begin with
//! `LATER` were written when the rules stood.

/// Names of the examination of a woman's study.
pub const SEXES_OF_MEN: [&str; 10] = [
    "Chest radiograph of a man.",
    "Male patient, chest radiograph.",
    "Chest radiograph, 58-year-old male.",
    "Chest radiograph (M), male.",
    "Mr Meier, chest radiograph.",
    "Chest radiograph of a gentleman.",
    "Chest radiograph after prostatectomy.",
    "Chest, PA, man of 58.",
    "Sex: male. Chest radiograph.",
    "Chest radiograph, MAN, 58 Y.",
];
pub const LATER_SEXES_OF_MEN: [&str; 10] = [
    "Mr. Meier: chest radiograph.",
    "Chest X-ray, MALE, 58 Y.",
    "Adult male chest, frontal.",
    "Radiograph of his chest.",
    "Chest film of this 58 year old man.",
    "Chest radiograph. Gender: Male.",
    "CXR: 58M.",
    "Chest radiograph, sex M.",
    "Chest radiograph, M/58.",
    "Portrait of a gentleman's chest.",
];
/// Indications of a woman's study.
pub const MEN: [&str; 10] = [
    "A 58-year-old man with dyspnea.",
    "History of prostatectomy.",
    "Known prostate carcinoma.",
    "A gentleman with cough.",
    "Male patient with fever.",
    "Mr Smith has chest pain.",
    "Testicular cancer, staging.",
    "The man has a cough.",
    "Boy with fever.",
    "Status post vasectomy.",
];
pub const LATER_MEN: [&str; 10] = [
    "He has a cough.",
    "His chest pain began today.",
    "58M with cough.",
    "58 y/o M with cough.",
    "Prostatic hyperplasia, before TURP.",
    "Orchidectomy last year.",
    "Elderly man, fall.",
    "Cough for weeks; he smokes.",
    "Metastatic seminoma of the testis.",
    "Gentleman, 58, with fever.",
];
/// Comparison sections without an earlier image.
pub const NO_PRIORS: [&str; 20] = [
    "None.",
    "There are no priors.",
    "No earlier images.",
    "No relevant studies.",
    "Without comparison.",
    "No comparison.",
    "No prior studies available.",
    "Prior studies are not available.",
    "Old films unavailable.",
    "Nil.",
    "N/A",
    "Not available.",
    "There is no previous examination to compare with.",
    "No old radiographs for comparison.",
    "Comparison: none.",
    "Comparison is not possible.",
    "Nothing to compare with.",
    "Neither earlier radiographs nor CT.",
    "No priors, films or reports.",
    "Earlier films could not be retrieved.",
];
pub const LATER_NO_PRIORS: [&str; 20] = [
    "none provided",
    "No previous films for review.",
    "Comparison examinations: not available at the time of dictation.",
    "Priors not on file.",
    "There is nothing earlier in the archive.",
    "No image of this patient before today.",
    "The patient has never been imaged here.",
    "We have no older chest radiograph.",
    "First study of this patient.",
    "Previous radiographs have not been sent.",
    "I don't have any priors.",
    "No PACS priors.",
    "Prior examinations: nil available.",
    "Not compared.",
    "Previous imaging is unavailable for comparison.",
    "An earlier radiograph exists, but cannot be loaded.",
    "No comparison studies are on record.",
    "Priors: 0",
    "Non-available.",
    "Unable to compare, no prior.",
];
/// Comparison sections with one, though it is not linked.
pub const PRIORS: [&str; 10] = [
    "Chest radiograph of 2024-03-01.",
    "CT 3 May 2023",
    "Prior chest x-ray from last week.",
    "Chest radiograph of 2024-03-01, no CT available.",
    "CT of the chest without contrast, 3 May 2023.",
    "Outside films.",
    "No prior radiographs; CT of the chest of 3 May 2023.",
    "None other than the CT of 3 May 2023.",
    "Two-view chest radiograph, yesterday.",
    "Radiograph of 3.5.2023.",
];
/// Numbers that are not those of a heart of 148 mm, a nodule of 12 mm and a ratio of 0.56.
pub const BESIDE_MEASURED: [&str; 10] = [
    "The heart measures 15.8 cm across.",
    "The nodule measures 8 mm.",
    "A 1.4 cm opacity.",
    "Nodule of 6 x 12 mm.",
    "A 14-mm granuloma.",
    "The heart is 148 mm wide, the nodule 21 mm.",
    "Cardiothoracic ratio 0.62.",
    "The heart measures 13.9 cm.",
    "Transverse diameter of the heart: 160 mm.",
    "A 12 cm mass.",
];
pub const LATER_BESIDE_MEASURED: [&str; 10] = [
    "The cardiac shadow spans 165 millimetres.",
    "Nodule, 11mm.",
    "Opacity of about 2 centimeters.",
    "A three cm mass.",
    "CTR 0.48",
    "The heart measures 1.48 cm.",
    "A 15x12 mm granuloma.",
    "Nodule of 1.2 mm.",
    "Heart width 14 cm, as measured.",
    "The nodule is 12 mm in size and lies 35 mm above the diaphragm.",
];
/// Numbers that are, as they may be rounded.
pub const AS_MEASURED: [&str; 10] = [
    "The heart measures 14.8 cm across.",
    "The heart measures 15 cm.",
    "The nodule measures 12 mm.",
    "A 1.2 cm opacity.",
    "A 1 cm nodule.",
    "Band of 12 x 148 mm.",
    "Cardiothoracic ratio 0.56.",
    "Cardiothoracic ratio of 57 %.",
    "The heart is 145 mm wide, the nodule 12 mm.",
    "Transverse diameter of the heart: 150 millimetres.",
];
