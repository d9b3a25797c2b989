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

/// By the file in `ui/src` that opens it, with its folder.
const OPENED: [(&str, Words); 26] = [
    ("components/Confirm", NoWords("what it asks is its user's")),
    ("components/Dialog", NoWords("what stands in it is its user's")),
    ("components/Menu", NoWords("what it offers is its user's")),
    ("src/App", NoWords("names of users, which stand on the screen that unlocks as well, and words for an error")),
    ("models/AddPack", On("a model to be added")),
    ("models/RemoveDialog", NoWords("the name of a pack, which stands on the screen of models as well")),
    ("palette/Palette", On("palette")),
    ("patient/MoveStudy", On("to another patient")),
    ("reading-room/Hanging", NoWords("names of hanging rules, typed by who is logged in")),
    ("reading-room/TestPattern", NoWords("gray levels alone")),
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
const OPENS: [&str; 7] = ["<Dialog", "<dialog", "<Confirm", "<Menu", "popover=", "class=\"menu\"", "class=\"queue\""];

#[test]
fn what_opens_over_a_screen_is_looked_at() {
    let (mut found, mut folders) = (BTreeMap::new(), vec![common::root().join("ui/src")]);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "svelte") {
                let text = std::fs::read_to_string(&path).expect("a component");
                assert!(!text.contains("{@html"), "{} makes markup of text", path.display());
                found.insert(name_of(&path), OPENS.iter().any(|opens| text.contains(opens)));
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
