//! After locking, the memory of the app holds no key and no passphrase. What the web view's own processes
//! keep is counted and said.

use crate::browser::Window;
use crate::desk::{NAME, PASSPHRASE};
use crate::scene::*;
use crate::search::{Secret, in_memory};
use crate::vault_reader::keys;
use hilum_testkit::dicom::EXPLICIT_LE;

/// What a person typed, and what was read of a patient.
const PATIENT: &str = "ERINNERUNG";
const TYPED: &str = "A sentence that nobody else would write.";

#[tokio::test(flavor = "multi_thread")]
async fn holds_no_key_once_locked() {
    let Some(scene) = Scene::with_user().await else { return };
    // SAFETY: no memory is involved.
    if unsafe { libc::geteuid() } != 0 {
        println!("skipped: the memory of a process that is closed to others is root's to read");
        return;
    }
    let known = keys(&scene.data, NAME, PASSPHRASE);
    let secrets = [
        Secret::bytes("database key", &known.database),
        Secret::bytes("the passphrase's key", &known.user),
        Secret::text("passphrase", PASSPHRASE),
        Secret::text("patient's name", PATIENT),
        Secret::text("typed sentence", TYPED),
    ];
    let window = scene.reading(radiograph(PATIENT, "20240105").write_as(EXPLICIT_LE)).await;
    write(&window, "findings", TYPED).await;
    saved(&window).await;
    let open = count(&window, &secrets);
    tell("unlocked", &open);
    assert!(open[0].1[0].1 > 0, "the search finds the key while it is in use: {open:?}");
    assert!(open[0].1[3].1 > 0, "and the patient's name");

    window.chord_of(&[CONTROL, SHIFT], 'L').await;
    window.see("unlock-passphrase", 20).await;
    // Threads that computed end after ten seconds without work, and their stacks with them; on a busy machine later.
    let mut locked = Counts::new();
    for _ in 0..5 {
        pause(12_000).await;
        locked = count(&window, &secrets);
        tell("locked", &locked);
        if locked[0].1[..3].iter().all(|(_, times)| *times == 0) {
            break;
        }
    }
    let app = &locked[0].1;
    for n in [0, 1, 2] {
        assert_eq!(app[n].1, 0, "the locked app still holds the {}", app[n].0);
    }
    window.close().await;
}

type Counts = Vec<(String, Vec<(String, usize)>)>;

/// How often each secret stands in the memory of each process, the app's own first.
fn count(window: &Window, secrets: &[Secret]) -> Counts {
    let mut counts = vec![("hilum".to_owned(), in_memory(window.process_of("hilum"), secrets))];
    for name in ["WebKitWebProcess", "WebKitNetworkProcess", "hilumctl"] {
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
