//! After a report was signed and a backup made, and the window was locked, the memory of the app holds no key and no
//! passphrase. The page that was locked goes with its process, and the one that comes holds nothing of a patient either. What
//! the app and the web view's other processes keep of one is counted and said.

use crate::browser::Window;
use crate::desk::{NAME, PASSPHRASE, app_on};
use crate::page::invoke;
use crate::processes::on_display;
use crate::scene::*;
use crate::search::{Secret, in_memory};
use crate::vault_reader::keys;
use hilum_app::commands::{backup, session};
use hilum_testkit::dicom::{self, EXPLICIT_LE};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

/// What the engine calls the program that runs a page.
const PAGE: &str = "WebKitWebProcess";
/// What was read of a patient, and what a person typed.
const PATIENT: &str = "ERINNERUNG";
const ID: &str = "KENNUNG-4711";
const TYPED: &str = "A sentence that nobody else would write.";

#[tokio::test(flavor = "multi_thread")]
async fn holds_no_key_once_locked() {
    let Some(scene) = Scene::with_user().await else { return };
    // SAFETY: no memory is involved.
    if unsafe { libc::geteuid() } != 0 {
        hilum_testkit::skipped("the memory of a process that is closed to others is root's to read");
        return;
    }
    let backups = scene.folder("backups", &[]);
    backups_go_to(&scene.data, &backups).await;
    let known = keys(&scene.data, NAME, PASSPHRASE);
    let signing = known.signing.expect("a key that signs, since the first unlocking");
    // As the curve's arithmetic holds it: limbs of 64 bits, the least significant first.
    let reversed: Vec<u8> = signing.iter().rev().copied().collect();
    let gone = [
        Secret::bytes("database key", &known.database),
        Secret::bytes("the key that seals files", &known.files),
        Secret::bytes("the key that names files", &known.file_names),
        Secret::bytes("the passphrase's key", &known.user),
        Secret::text("passphrase", PASSPHRASE),
        Secret::bytes("the key that opens the signing key", &known.identity),
        Secret::bytes("the signing key", &signing),
        Secret::bytes("the signing key, as it is computed with", &reversed),
        Secret::bytes("the key that vouches for backups", &known.backup),
    ];
    // Rows of patients go through SQLite's pages and the messages to the web view, which are memory of C libraries: freed,
    // and not wiped. So no number is promised for them.
    let counted = [
        Secret::text("patient's name", PATIENT),
        Secret::text("patient id", ID),
        Secret::text("typed sentence", TYPED),
    ];
    let secrets = [&gone[..], &counted[..]].concat();

    let film = radiograph("MEMORY", "20240105").text(dicom::PATIENT_NAME, b"PN", &format!("{PATIENT}^TEST")).text(
        dicom::PATIENT_ID,
        b"LO",
        ID,
    );
    let window = scene.reading(film.write_as(EXPLICIT_LE)).await;
    for section in ["indication", "findings", "impression"] {
        write(&window, section, TYPED).await;
    }
    saved(&window).await;
    sign(&window).await;
    back_up(&window).await;
    let open = count(&window, &secrets);
    tell("unlocked", &open);
    // The search finds what is in use.
    for n in [0, 1, 2, gone.len()] {
        assert!(open[0].1[n].1 > 0, "the app that is unlocked holds the {}: {open:?}", open[0].1[n].0);
    }

    let shown = on_display(PAGE, &window.display);
    let pages = |counts: &Counts| counts.iter().filter(|(name, _)| name == PAGE).flat_map(|(_, found)| found.clone()).collect::<Vec<_>>();
    let found = |counts: &Counts, name: &str| pages(counts).iter().filter(|(secret, _)| secret == name).map(|(_, times)| times).sum::<usize>();
    for secret in &counted {
        assert!(found(&open, &secret.name) > 0, "the page shows the {}: {open:?}", secret.name);
    }

    remember(&window).await;
    window.chord_of(&[CONTROL, SHIFT], 'L').await;
    replaced(&window).await;
    let left: Vec<_> = on_display(PAGE, &window.display).into_iter().filter(|page| shown.contains(page)).collect();
    assert!(left.is_empty(), "the page that was locked is still there: {left:?}");
    window.see("unlock-passphrase", 20).await;
    // Threads that computed end after ten seconds without work, and their stacks with them; on a busy machine later.
    let mut locked = Counts::new();
    for _ in 0..5 {
        pause(12_000).await;
        locked = count(&window, &secrets);
        tell("locked", &locked);
        if locked[0].1[..gone.len()].iter().all(|(_, times)| *times == 0) {
            break;
        }
    }
    let left: Vec<_> = locked[0].1[..gone.len()].iter().filter(|(_, times)| *times > 0).collect();
    assert!(left.is_empty(), "the locked app still holds {left:?}");
    assert!(!pages(&locked).is_empty(), "a page is there");
    let left: Vec<_> = pages(&locked).into_iter().filter(|(_, times)| *times > 0).collect();
    assert!(left.is_empty(), "the locked page holds {left:?}");
    println!("{} secrets: none in the locked app, nor in its page. Of the patient it holds {:?}", gone.len(), &locked[0].1[gone.len()..]);
    window.close().await;
}

/// Chooses the folder for backups, for which the window would open a dialog of the system; and gives the user, whose
/// first unlocking this is, a key to sign with.
async fn backups_go_to(data: &Path, folder: &Path) {
    let (app, desk) = app_on(data);
    session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");
    desk.give_folder(folder);
    backup::backup_choose(&app).await.expect("chosen").expect("a folder");
    app.close().await;
}

/// Makes a backup, or waits for the one that the app makes by itself.
async fn back_up(window: &Window) {
    let script = "const done = arguments[arguments.length - 1];
        window.__TAURI_INTERNALS__.invoke('backup_start', {}).then(() => done('begun'), (error) => done(error.code))";
    let said = window.client().execute_async(script, vec![]).await.expect("an answer");
    assert!(said == "begun" || said == "backup.running", "{said}");
    let until = Instant::now() + Duration::from_secs(120);
    while invoke(window, "backups", json!({})).await.as_array().is_none_or(Vec::is_empty) {
        assert!(Instant::now() < until, "no backup is made");
        pause(200).await;
    }
}

type Counts = Vec<(String, Vec<(String, usize)>)>;

/// How often each secret stands in the memory of each process, the app's own first.
fn count(window: &Window, secrets: &[Secret]) -> Counts {
    let mut counts = vec![("hilum".to_owned(), in_memory(window.process_of("hilum"), secrets))];
    for page in on_display(PAGE, &window.display) {
        counts.push((PAGE.to_owned(), in_memory(page, secrets)));
    }
    for name in ["WebKitNetworkProcess", "hilumctl"] {
        if let Some(process) = window.find_process(name, "") {
            counts.push((name.to_owned(), in_memory(process, secrets)));
        }
    }
    counts
}

fn tell(when: &str, counts: &Counts) {
    for (process, found) in counts {
        let found: Vec<String> = found.iter().map(|(name, times)| format!("{name} {times}")).collect();
        println!("{when}, {process}: {}", found.join(", "));
    }
}
