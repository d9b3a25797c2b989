//! Every command of the window, and what it leaves in the audit chain: a command without a decision here fails, and so
//! does one that leaves less or something else. What reads is called twice in one session: some reads are a line each
//! time, others once until somebody unlocks again, and both are said here too.

mod calls;
mod world;

use crate::common;
use crate::desk::{NAME, PASSPHRASE};
use hilum_app::COMMANDS;
use hilum_app::commands::{audit, session};
use std::collections::BTreeSet;
use world::World;

/// What a command leaves in the chain.
enum Leaves {
    /// A line of each of these actions, and of no other.
    Lines(&'static [&'static str]),
    /// No line, and why none is needed.
    Nothing(&'static str),
}
use Leaves::{Lines, Nothing};

const OF_THE_SESSION: &str = "concerns this run of the program alone";
const NO_PATIENT: &str = "shows nothing of a patient";
const STOPS: &str = "stops something of which the end, or the beginning, is a line";

fn leaves(command: &str) -> Leaves {
    match command {
        "app_status" | "engines" | "models" | "verify_model" | "settings" | "preference" | "logo" | "time_stamp"
        | "backups" => Nothing(NO_PATIENT),
        "templates" | "template_choices" | "template_export" | "macros" | "macros_export" | "spelling"
        | "calibration" => Nothing(NO_PATIENT),
        "signing_key" | "signing_certificate_save" => {
            Nothing("shows a certificate, which every signed document carries")
        }
        "signing_key_import" => Lines(&["user.identity"]),
        "accept_intended_use" => Lines(&["terms.accept"]),
        "sealing_key" => Nothing("makes a key for one message of the page"),
        "touch" | "close_window" | "draft_queue_pause" => Nothing(OF_THE_SESSION),
        "page_renew" => Nothing("puts a new page in the place of one that is locked"),
        "lock" => Nothing("nothing is read or changed until somebody unlocks, which is a line"),
        "cancel_import" | "draft_cancel" | "index_cancel" | "backup_cancel" | "pack_add_cancel" => Nothing(STOPS),
        "started" => Nothing("imports what was given at start, each file of which is a line"),
        "pack_choose" | "restore_choose" => Nothing("looks at a folder; what is made of it is a line"),
        "report_release" => Nothing("gives back what lapses by itself; taking it is a line"),
        "figures" | "annotations" => Nothing("part of the study, whose reading is a line"),
        "second_show" | "second_study" => Nothing("names a study; its images are lines of their own"),
        "second_dictate" => Nothing("hands a sentence to the first window, whose edit of the report is a line"),
        "draft_queue" => Nothing("names the studies that wait; the worklist's reading is a line"),
        "audit_verify" => Nothing("computes hashes"),
        // Called in a session of its own, which the guard itself has not looked in.
        "audit" => Lines(&["vault.unlock", "audit.read"]),
        "audit_export" => Lines(&["audit.export"]),
        "create_first_user" => Lines(&["vault.create", "user.identity"]),
        "unlock" => Lines(&["vault.unlock"]),
        "unlock_with_recovery" => Lines(&["vault.recover", "user.identity"]),
        "add_user" => Lines(&["user.add", "user.identity"]),
        "change_passphrase" => Lines(&["user.passphrase"]),
        "recovery_renew" => Lines(&["vault.renew_recovery"]),
        "worklist" => Lines(&["worklist.read"]),
        // That the folder is unlocked is asked for by a look at the worklist.
        "import_files" | "import_folder" => Lines(&["worklist.read", "instance.import"]),
        "undo_import" => Lines(&["study.delete"]),
        // For the first time, of a study that nobody has reported on.
        "open_study" => Lines(&["study.read", "report.create", "report.read"]),
        "prior_shown" => Lines(&["study.read"]),
        "image_overview" | "image_pixels" => Lines(&["image.read"]),
        "thumbnail" => Lines(&["image.thumbnail"]),
        "evidence_map" => Lines(&["image.map"]),
        "similar_cases" => Lines(&["similar.search"]),
        "similar_reveal" => Lines(&["similar.reveal"]),
        "report_view" | "report_texts" | "evidence" | "timeline" => Lines(&["report.read"]),
        "proposal_view" => Lines(&["proposal.read"]),
        "signed_pdf" => Lines(&["report.read"]),
        "draft_preview_pdf" => Lines(&["report.preview"]),
        "report_edit" => Lines(&["report.edit"]),
        "report_reveal" => Lines(&["report.reveal"]),
        "report_take_over" => Lines(&["report.take_over"]),
        "draft_start" | "draft_section" => Lines(&["report.propose", "report.draft"]),
        "evidence_requery" => Lines(&["report.requery"]),
        "sign" | "sign_without_time_stamp" => Lines(&["report.sign"]),
        "sign_preliminary" => Lines(&["report.sign_preliminary", "report.status", "report.edit"]),
        "save_pdf" | "export_report" => Lines(&["report.export"]),
        "set_figures" => Lines(&["report.figures"]),
        "logo_choose" | "logo_remove" => Lines(&["letterhead.logo"]),
        "set_time_stamp_url" | "time_stamp_certificate" => Lines(&["setting.change"]),
        "set_settings" | "set_preference" | "backup_choose" | "watch_choose" => Lines(&["setting.change"]),
        "template_import" => Lines(&["template.import"]),
        "template_choose" => Lines(&["template.choose"]),
        "macro_put" => Lines(&["macro.put"]),
        "macro_remove" => Lines(&["macro.remove"]),
        "macros_import" => Lines(&["macros.import"]),
        "word_add" => Lines(&["word.add"]),
        "word_remove" => Lines(&["word.remove"]),
        "calibration_fit" => Lines(&["calibration.fit"]),
        "annotation_put" => Lines(&["annotation.put"]),
        "annotation_remove" => Lines(&["annotation.remove"]),
        "set_comparison" => Lines(&["comparison.link"]),
        "move_study" => Lines(&["study.move"]),
        "assign_study" => Lines(&["study.assign"]),
        "set_priority" => Lines(&["study.priority"]),
        "draft_queue_add" => Lines(&["study.queue"]),
        "draft_queue_remove" => Lines(&["study.unqueue"]),
        "pack_add" => Lines(&["pack.add"]),
        "pack_remove" => Lines(&["pack.remove"]),
        "backup_start" => Lines(&["backup.make"]),
        "restore_start" => Lines(&["backup.restore"]),
        other => panic!("{other} has no decision: say here what it leaves in the audit chain, or why nothing"),
    }
}

/// Actions of whoever reads, and changes nothing.
const READS: [&str; 13] = [
    "study.read",
    "image.read",
    "image.thumbnail",
    "image.map",
    "report.read",
    "report.preview",
    "report.export",
    "proposal.read",
    "worklist.read",
    "similar.search",
    "similar.reveal",
    "audit.read",
    "audit.export",
];

/// What a second call leaves in the same session, of a command that reads; `None` for one that does more.
///
/// Lists, texts and thumbnails are asked for over and over by a window that stands still, so that they are a line once
/// until somebody unlocks again. An image, a study that is opened, a document and whatever leaves are one each time.
fn again(command: &str) -> Option<&'static [&'static str]> {
    const ONCE_A_SESSION: &[&str] = &[];
    Some(match command {
        "worklist" | "thumbnail" | "report_view" | "report_texts" | "evidence" | "timeline" | "proposal_view" => {
            ONCE_A_SESSION
        }
        "open_study" | "prior_shown" => &["study.read"],
        "image_overview" | "image_pixels" => &["image.read"],
        "evidence_map" => &["image.map"],
        "similar_cases" => &["similar.search"],
        "similar_reveal" => &["similar.reveal"],
        "signed_pdf" => &["report.read"],
        "draft_preview_pdf" => &["report.preview"],
        "save_pdf" | "export_report" => &["report.export"],
        "audit_export" => &["audit.export"],
        _ => return None,
    })
}

/// Lines that come by themselves after an import, at any moment.
const BY_THEMSELVES: [&str; 1] = ["image.encode"];

/// In an order in which each finds what it needs. What is missing here is called first, and fails if it needs more.
const ORDER: &[&str] = &[
    "add_user",
    "started",
    "worklist",
    "import_files",
    "cancel_import",
    "undo_import",
    "import_folder",
    "open_study",
    "image_overview",
    "image_pixels",
    "thumbnail",
    "index_cancel",
    "evidence_map",
    "similar_cases",
    "similar_reveal",
    "report_view",
    "report_edit",
    "draft_queue_pause",
    "draft_queue_add",
    "draft_queue",
    "draft_queue_remove",
    "draft_start",
    "proposal_view",
    "evidence_requery",
    "draft_section",
    "draft_cancel",
    "report_reveal",
    "report_take_over",
    "report_release",
    "set_figures",
    "annotation_put",
    "annotation_remove",
    "draft_preview_pdf",
    "sign_preliminary",
    "sign",
    "sign_without_time_stamp",
    "signed_pdf",
    "save_pdf",
    "export_report",
    "timeline",
    "logo_choose",
    "logo_remove",
    "template_export",
    "template_import",
    "macro_put",
    "macros_export",
    "macros_import",
    "macro_remove",
    "word_add",
    "word_remove",
    "calibration_fit",
    "move_study",
    "pack_choose",
    "pack_add",
    "pack_add_cancel",
    "pack_remove",
    "backup_choose",
    "backup_start",
    "backups",
    "restore_choose",
    "restore_start",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_each_leaves_in_the_chain() {
    common::use_demo_packs();
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = World::new(folder.path()).await;
    let early: Vec<&str> = COMMANDS.iter().copied().filter(|c| !ORDER.contains(c)).collect();
    for gone in ORDER.iter().filter(|c| !COMMANDS.contains(c)) {
        panic!("{gone} is no command any more");
    }
    let (mut lines_of, mut silent, mut twice) = (0, 0, 0);
    let mut faults = Vec::new();
    for command in early.into_iter().chain(ORDER.iter().copied()) {
        world.prepare(command).await.unwrap_or_else(|e| panic!("what {command} needs: {e:?}"));
        // What is written once a session is new again.
        world.unlock(NAME).await;
        let before = world.still().await;
        world.call(command).await.unwrap_or_else(|e| panic!("{command}: {e:?}"));
        let locked = session::app_status(&world.app).await.expect("a status").locked;
        if locked {
            session::unlock(&world.app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");
        }
        let (left, newest) = world.lines(before).await;
        let left: Vec<&str> = left
            .iter()
            .map(String::as_str)
            .filter(|action| !BY_THEMSELVES.contains(action))
            // The guard's own: it looks, and unlocks what was locked.
            .filter(|action| command == "audit" || *action != "audit.read")
            .filter(|action| !locked || *action != "vault.unlock")
            .collect();
        let actions: BTreeSet<&str> = left.iter().copied().collect();
        let wanted: BTreeSet<&str> = match leaves(command) {
            Lines(wanted) => wanted.iter().copied().collect(),
            Nothing(why) => {
                silent += 1;
                if !left.is_empty() {
                    faults.push(format!("{command} leaves {left:?}, though it {why}"));
                }
                continue;
            }
        };
        lines_of += 1;
        match command {
            // On a folder of its own, looked at where it is called.
            "create_first_user" => {}
            // A restored folder has a chain of its own, whose numbers begin anew.
            "restore_start" => {
                let (all, _) = world.lines(0.0).await;
                if all.iter().all(|action| action != "backup.restore") {
                    faults.push(format!("{command} leaves no line: {all:?}"));
                }
            }
            _ if actions != wanted => faults.push(format!("{command} leaves {left:?}, and {wanted:?} are due")),
            _ => {}
        }
        if command == "audit" && left.iter().filter(|action| **action == "audit.read").count() != 1 {
            faults.push(format!("looking into the chain is a line once a session: {left:?}"));
        }
        let reads = wanted.iter().all(|action| READS.contains(action) || *action == "report.create");
        match again(command) {
            Some(due) => {
                twice += 1;
                world.call(command).await.unwrap_or_else(|e| panic!("{command}, again: {e:?}"));
                let (left, _) = world.lines(newest).await;
                let left: Vec<&str> = left.iter().map(String::as_str).filter(|a| !BY_THEMSELVES.contains(a)).collect();
                if left != due {
                    faults.push(format!(
                        "{command}, called again in the same session, leaves {left:?}, and {due:?} are due"
                    ));
                }
            }
            None if reads => faults.push(format!("{command} reads, and it is not said what a second call leaves")),
            None => {}
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    println!(
        "{lines_of} commands leave their lines and no others, {silent} leave none and need none; of {twice} that read a second call leaves what is said"
    );
    let verdict = audit::audit_verify(&world.app).await.expect("a verdict");
    assert!(verdict.ok, "{verdict:?}");
    world.app.close().await;
}
