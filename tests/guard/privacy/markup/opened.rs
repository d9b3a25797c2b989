//! Every part of the window that opens over another one is on a screen that is looked at, or holds no words of others.

use super::SCREENS;
use crate::common;
use std::collections::BTreeMap;
use std::path::Path;

/// Where it is looked at, or why it need not be.
enum Words {
    On(&'static str),
    None(&'static str),
}

use Words::{None as NoWords, On};

/// By the file in `ui/src/features` that opens it.
const OPENED: [(&str, Words); 21] = [
    ("models/AddPack", On("a model to be added")),
    ("models/RemoveDialog", NoWords("the name of a pack, which stands on the screen of models as well")),
    ("palette/Palette", On("palette")),
    ("patient/MoveStudy", On("to another patient")),
    ("reading-room/Hanging", NoWords("names of hanging rules, typed by who is logged in")),
    ("report/CancelReport", NoWords("the name of another user, which stands on the screen that unlocks as well")),
    ("report/CompareDialog", On("compare")),
    ("report/CriticalDialog", On("critical")),
    ("report/MacroMenu", On("macros")),
    ("report/OriginDialog", On("origin")),
    ("report/ReportFooter", NoWords("our own words")),
    ("report/SectionBlock", NoWords("our own words")),
    ("report/SpellMenu", NoWords("a word, which is of letters alone")),
    ("report/WaitingDialog", NoWords("what was typed and who it is of, as text of the same kind as in the report and the worklist")),
    ("settings/RecoveryKey", NoWords("a key of our own making")),
    ("sign/ExportMenu", NoWords("our own words")),
    ("sign/PdfDialog", On("signed document")),
    ("sign/SignDialog", On("sign")),
    ("similar/RevealDialog", NoWords("age, sex and view, from lists of our own")),
    ("worklist/Queue", On("queue")),
    ("worklist/Verdicts", On("worklist with its verdicts")),
];

/// What a component is written with that opens over another one.
const OPENS: [&str; 5] = ["<Dialog", "<Confirm", "<Menu", "class=\"menu\"", "class=\"queue\""];

#[test]
fn what_opens_over_a_screen_is_looked_at() {
    let features = common::root().join("ui/src/features");
    let mut found = BTreeMap::new();
    for folder in std::fs::read_dir(&features).expect("the features").flatten().filter(|entry| entry.path().is_dir()) {
        for file in std::fs::read_dir(folder.path()).expect("a feature").flatten().map(|entry| entry.path()) {
            if file.extension().is_some_and(|extension| extension == "svelte") {
                let text = std::fs::read_to_string(&file).expect("a component");
                assert!(!text.contains("{@html"), "{} makes markup of text", file.display());
                found.insert(name_of(&file), OPENS.iter().any(|opens| text.contains(opens)));
            }
        }
    }
    for (name, words) in &OPENED {
        assert_eq!(found.remove(*name), Some(true), "{name} is there, and opens over a screen");
        match words {
            On(screen) => assert!(SCREENS.contains(screen), "{name} on {screen}"),
            NoWords(why) => assert!(!why.is_empty()),
        }
    }
    let others: Vec<_> = found.iter().filter(|(_, opens)| **opens).collect();
    assert!(others.is_empty(), "opened over a screen, and in no list: {others:?}");
}

/// The folder and the name of a component.
fn name_of(file: &Path) -> String {
    let folder = file.parent().and_then(Path::file_name).expect("a folder").to_string_lossy();
    format!("{folder}/{}", file.file_stem().expect("a name").to_string_lossy())
}
