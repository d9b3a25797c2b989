//! A data folder on a disk of 2 MB: it fills up, and nothing acknowledged is lost.

use crate::sample::*;
use hilum_report::{Report, SectionKind};
use hilum_store::{BlobKind, Store};
use std::path::Path;
use std::process::{Command, Stdio};
use tokio::runtime::Runtime;

pub fn run(runtime: &Runtime) {
    let temp = tempfile::tempdir().expect("a folder");
    let Some(disk) = Disk::mount(temp.path()) else {
        crate::skipped::skipped("a full disk under the store (mounting a small one needs root)");
        return;
    };
    runtime.block_on(fill(disk.0));
}

async fn fill(disk: &Path) {
    let path = disk.join("data");
    let folder = hold(&path);
    let store = create(&folder).await;
    import(&store, |n| format!("text {n}")).await;
    let report = new_report(&store, STUDY, "r").await.expect("a report");
    let signed =
        [insert(SectionKind::Findings, "f".into(), "Clear."), insert(SectionKind::Impression, "i".into(), "Normal.")];
    let report = store.append(report.id(), 0, &signed).await.expect("to append");
    sign(&store, &report, "v1", b"the first document").await.expect("to sign");
    import_as(&store, "1.2.4", |n| format!("text {n}")).await;
    let mut draft = new_report(&store, "1.2.4", "r2").await.expect("a report");
    let filler = disk.join("filler");
    std::fs::write(&filler, vec![0; 600 << 10]).expect("room for a filler");

    let blob = loop_until_full(&store).await;
    assert_eq!(blob, "data.disk_full");
    let code = loop {
        let typed = insert(SectionKind::Findings, format!("s{}", draft.revision()), &"long ".repeat(2000));
        match store.append(draft.id(), draft.revision(), &[typed]).await {
            Ok(report) => draft = report,
            Err(e) => break e.code(),
        }
    };
    assert_eq!(code, "data.disk_full");
    check(&store, &draft).await;
    store.close().await.ok();
    // Somebody makes room, and the work goes on.
    std::fs::remove_file(filler).expect("to make room");
    let store = unlock(&folder).await;
    check(&store, &draft).await;
    let typed = [
        insert(SectionKind::Findings, "after".into(), "Clear."),
        insert(SectionKind::Impression, "j".into(), "Normal."),
    ];
    let draft = store.append(draft.id(), draft.revision(), &typed).await.expect("to append");
    sign(&store, &draft, "v2", b"the second document").await.expect("to sign");
    assert_eq!(store.check_integrity().await.expect("a check"), Vec::<String>::new());
    store.close().await.expect("to close");
}

/// Seals ever other content until there is no room; no partial file stays.
async fn loop_until_full(store: &Store) -> &'static str {
    for n in 0u32.. {
        let content = n.to_le_bytes().repeat(16 << 10);
        if let Err(e) = store.put_blob(BlobKind::Pixels, content).await {
            store.sweep_blobs(std::time::SystemTime::now()).await.expect("to sweep");
            return e.code();
        }
    }
    unreachable!("no disk is endless")
}

async fn check(store: &Store, draft: &Report) {
    assert_eq!(store.report(draft.id()).await.expect("the draft"), *draft);
    let versions = store.versions(&hilum_report::ReportId::new("r")).await.expect("versions");
    assert_eq!(store.signed_pdf(&versions[0]).await.expect("the document"), b"the first document");
}

/// A small disk, given back when dropped.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    fn mount(at: &'a Path) -> Option<Disk<'a>> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(at).stdout(Stdio::null()).stderr(Stdio::null());
        mount.status().is_ok_and(|s| s.success()).then_some(Disk(at))
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}
