//! Two hundred edits of the database by somebody who has the key and none of Hilum's manners; each is held
//! against the heads that signed documents print, by `hilumctl audit verify --against`.

use crate::desk::{Desk, NAME, PASSPHRASE, app_on, hilumctl, make_user, ran};
use crate::guard::{Random, amount};
use crate::scene::radiograph;
use crate::vault_reader::{keys, open_raw};
use hilum_app::App;
use hilum_app::commands::{images, reports, session, signing, studies};
use hilum_app::dto::{AppEvent, EditCommand, SectionName, SignRequest};
use sha2::{Digest, Sha256};
use sqlx::{Connection, SqliteConnection};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A folder of some days' work, and its signed documents, kept elsewhere.
struct Past {
    data: PathBuf,
    documents: Vec<PathBuf>,
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_found() {
    let temp = tempfile::tempdir().expect("a folder");
    let past = past(temp.path()).await;
    let key = keys(&past.data, NAME, PASSPHRASE).database;
    // What the app had begun in the background may hold the folder for a moment longer.
    let until = Instant::now() + Duration::from_secs(20);
    let untouched = loop {
        match verdict(&past.data, &past.documents) {
            said if said == "data.in_use" && Instant::now() < until => tokio::time::sleep(Duration::from_millis(50)).await,
            said => break said,
        }
    };
    assert_eq!(untouched, "ok", "nothing was edited");
    let mut random = Random::new(3);
    let mut kinds: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let copy = temp.path().join("edited");
    for number in 0..amount(40, 200) {
        copy_folder(&past.data, &copy);
        let database = copy.join("hilum.db");
        let mut connection = open_raw(&database, &key).await;
        let (kind, what) = edit(&mut connection, number, &mut random).await;
        connection.close().await.expect("closed");
        let against = verdict(&copy, &past.documents);
        assert_eq!(against, "audit.broken", "{number}: {kind}: {what} is not found");
        // What is found without any document, by what the folder itself knows.
        let alone = verdict(&copy, &[]) != "ok";
        let (found, found_alone) = kinds.entry(kind).or_default();
        *found += 1;
        *found_alone += usize::from(alone);
    }
    let all: usize = kinds.values().map(|(found, _)| found).sum();
    println!("{all} edits, {all} found against the printed heads, 0 missed");
    for (kind, (found, alone)) in kinds {
        println!("  {kind}: {found} found, {alone} of them without a document from elsewhere");
    }
    // A document that was changed itself says nothing.
    let forged = temp.path().join("forged.pdf");
    let mut bytes = std::fs::read(&past.documents[0]).expect("a document");
    let at = bytes.windows(15).position(|w| w == b"/HilumAuditHead").expect("the head") + 18;
    bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
    std::fs::write(&forged, bytes).expect("a document");
    let said = verdict(&past.data, &[forged]);
    assert!(said.starts_with("pdf.") || said.starts_with("cms."), "{said}");
}

/// Three studies read, reported on and signed.
async fn past(folder: &Path) -> Past {
    let data = folder.join("data");
    make_user(&data).await;
    let (app, desk) = app_on(&data);
    session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");
    let mut documents = Vec::new();
    for n in 0..3 {
        documents.push(one_study(&app, &desk, folder, n).await);
    }
    app.close().await;
    Past { data, documents }
}

async fn one_study(app: &Arc<App>, desk: &Desk, folder: &Path, n: usize) -> PathBuf {
    let file = folder.join(format!("{n}.dcm"));
    std::fs::write(&file, radiograph(&format!("PAST{n}"), "20240105").write()).expect("a file");
    desk.give_file(&file);
    studies::import_files(app).await.expect("an import");
    let study = desk.wait("end of the import", |e| match e {
        AppEvent::ImportDone { study_uids, .. } => Some(study_uids[0].clone()),
        _ => None,
    });
    let study = study.await;
    let opened = studies::open_study(app, study.clone()).await.expect("a study");
    images::image_pixels(app, opened.images[0].instance_uid.clone()).await.expect("pixels");
    let mut view = reports::report_view(app, study).await.expect("a report");
    for (section, text) in [
        (SectionName::Findings, "The lungs are clear."),
        (SectionName::Findings, "The heart is normal."),
        (SectionName::Impression, "No acute disease."),
    ] {
        let (after, region, from) = (None, None, None);
        let id = format!("s-{n}-{}", view.revision);
        let insert = EditCommand::Insert { section, after, id, text: text.into(), region, from };
        view = reports::report_edit(app, view.id.clone(), view.revision, vec![insert]).await.expect("an edit");
    }
    let request = SignRequest {
        report_id: view.id.clone(),
        revision: view.revision,
        passphrase: PASSPHRASE.into(),
        patient_confirmed: true,
        accession_confirmed: true,
    };
    let version = signing::sign(app, request).await.expect("a signature").version_id;
    let document = folder.join(format!("{n}.pdf"));
    desk.save_as(&document);
    signing::save_pdf(app, version).await.expect("saved");
    document
}

fn copy_folder(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to).expect("a folder");
    // Sealed files are not what is edited here, and verifying the chain reads none.
    for name in ["vault.json", "hilum.db"] {
        std::fs::copy(from.join(name), to.join(name)).expect("a copy");
    }
}

/// What `hilumctl audit verify` says: "ok", or the code of its refusal.
fn verdict(data: &Path, documents: &[PathBuf]) -> String {
    let mut command = Command::new(hilumctl());
    command.args(["--json", "--data"]).arg(data).args(["audit", "verify"]).env("HILUM_PASSPHRASE", PASSPHRASE);
    for document in documents {
        command.arg("--against").arg(document);
    }
    let output = ran(&mut command);
    if output.status.success() {
        return "ok".to_owned();
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let error: serde_json::Value = serde_json::from_str(said.lines().last().unwrap_or_default()).unwrap_or_default();
    error["error"]["code"].as_str().map_or_else(|| said.into_owned(), str::to_owned)
}

/// One edit; what kind it is, and what was done.
async fn edit(connection: &mut SqliteConnection, number: usize, random: &mut Random) -> (&'static str, String) {
    // Before the newest printed head, or any line: what came after the last signature no document vouches for.
    let newest: i64 = sqlx::query_scalar("SELECT max(audit_seq) FROM report_versions")
        .fetch_one(&mut *connection)
        .await
        .expect("a head");
    let last: i64 = sqlx::query_scalar("SELECT max(seq) FROM audit").fetch_one(&mut *connection).await.expect("a line");
    let line = 1 + random.below(newest as usize) as i64;
    let other = 1 + (line + random.below(newest as usize - 1) as i64) % newest;
    let kind = [
        "update",
        "delete",
        "reorder",
        "truncate",
        "re-chain",
        "insert",
        "journal",
        "version",
        "image",
        "re-chain whole",
    ][number % 10];
    let sql = match kind {
        "update" => {
            let (column, value) = random.pick(&[
                ("at", "'2020-01-01T00:00:00.000000000Z'"),
                ("who", "'u-eve'"),
                ("action", "'study.glance'"),
                ("object", "'2.25.1'"),
                ("detail", "'{\"as\":\"nothing\"}'"),
                ("prev", "randomblob(32)"),
                ("hash", "randomblob(32)"),
            ]);
            format!("UPDATE audit SET {column} = {value} WHERE seq = {line}")
        }
        "delete" => match random.below(3) {
            0 => format!("DELETE FROM audit WHERE seq = {line}"),
            1 => format!("DELETE FROM audit WHERE seq BETWEEN {} AND {}", line.min(other), line.max(other)),
            _ => "DELETE FROM audit".to_owned(),
        },
        "reorder" => format!(
            "UPDATE audit SET seq = -1 WHERE seq = {line}; UPDATE audit SET seq = {line} WHERE seq = {other};
             UPDATE audit SET seq = {other} WHERE seq = -1"
        ),
        "truncate" => format!("DELETE FROM audit WHERE seq > {}", line.min(newest - 1)),
        "insert" => format!(
            "INSERT INTO audit SELECT {}, at, who, action, object, detail, prev, hash FROM audit WHERE seq = {line}",
            random.pick(&[0, -5, last + 1, last + 40])
        ),
        "journal" => random
            .pick(&[
                "UPDATE journal SET entry = replace(entry, 'clear', 'opaque')",
                "UPDATE journal SET by = 'u-eve' WHERE seq = 2",
                "UPDATE journal SET at = '2020-01-01T00:00:00.000000000Z' WHERE seq = 1",
                "DELETE FROM journal WHERE seq = 3",
                "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)",
                "INSERT INTO journal SELECT report_id, seq + 10, by, at, entry, template FROM journal WHERE seq = 1",
            ])
            .to_owned(),
        "version" => random
            .pick(&[
                "UPDATE report_versions SET text = replace(text, 'clear', 'opaque')",
                "UPDATE report_versions SET pdf_sha256 = printf('%064d', 7)",
                "UPDATE report_versions SET audit_hash = printf('%064d', 7)",
                "DELETE FROM report_versions WHERE rowid = 1; DELETE FROM signatures WHERE rowid = 1",
                "UPDATE signatures SET signer = 'u-eve'",
                "UPDATE signatures SET signed_at = '2020-01-01T00:00:00.000000000Z'",
            ])
            .to_owned(),
        "image" => random
            .pick(&[
                "UPDATE instances SET original_sha256 = printf('%064d', 7)",
                "DELETE FROM instances WHERE rowid = 1",
                "UPDATE instances SET uid = uid || '.9' WHERE rowid = 2",
            ])
            .to_owned(),
        // A chain that follows again from the edited line on; the folder's own heads are left, or made anew too.
        _ => {
            let what = match random.below(4) {
                0 => format!("UPDATE audit SET who = 'u-eve' WHERE seq = {line}"),
                1 => format!(
                    "UPDATE audit SET action = 'study.glance' WHERE seq = {line} AND action NOT LIKE 'report.%' AND action <> 'instance.import'"
                ),
                2 => format!(
                    "DELETE FROM audit WHERE seq = {line} AND action NOT LIKE 'report.%' AND action <> 'instance.import'"
                ),
                _ => format!("UPDATE audit SET at = '2020-01-01T00:00:00.000000000Z' WHERE seq = {line}"),
            };
            let changed = sqlx::raw_sql(sqlx::AssertSqlSafe(what.clone()))
                .execute(&mut *connection)
                .await
                .expect("an edit")
                .rows_affected();
            // A line that holds up other tables stays; another of its fields is changed then.
            let what =
                if changed > 0 { what } else { format!("UPDATE audit SET object = object || ' ' WHERE seq = {line}") };
            if changed == 0 {
                sqlx::raw_sql(sqlx::AssertSqlSafe(what.clone())).execute(&mut *connection).await.expect("an edit");
            }
            rechain(connection, kind == "re-chain whole").await;
            return (kind, what);
        }
    };
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.clone())).execute(&mut *connection).await.expect("an edit");
    assert!(done.rows_affected() > 0, "{sql} changes something");
    (kind, sql)
}

/// Numbers and hashes of all lines made anew, as whoever knows the format can; with `heads`, what the folder
/// itself keeps of printed heads as well.
async fn rechain(connection: &mut SqliteConnection, heads: bool) {
    type Row = (i64, String, String, String, String, String, Vec<u8>);
    let rows: Vec<Row> = sqlx::query_as("SELECT seq, at, who, action, object, detail, hash FROM audit ORDER BY seq")
        .fetch_all(&mut *connection)
        .await
        .expect("lines");
    sqlx::raw_sql("DELETE FROM audit").execute(&mut *connection).await.expect("an empty chain");
    let (mut prev, mut anew) = (vec![0u8; 32], BTreeMap::<String, (i64, String)>::new());
    for (number, (_, at, who, action, object, mut detail, old)) in rows.into_iter().enumerate() {
        let seq = number as i64 + 1;
        if heads {
            for (before, (_, after)) in &anew {
                detail = detail.replace(before, after);
            }
        }
        let mut hash = Sha256::new();
        hash.update(b"hilum audit 1\n");
        hash.update(&prev);
        hash.update((seq as u64).to_be_bytes());
        for field in [&at, &who, &action, &object, &detail] {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        }
        let hash = hash.finalize().to_vec();
        sqlx::query(
            "INSERT INTO audit (seq, at, who, action, object, detail, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(seq)
        .bind(at)
        .bind(who)
        .bind(action)
        .bind(object)
        .bind(detail)
        .bind(&prev)
        .bind(&hash)
        .execute(&mut *connection)
        .await
        .expect("a line");
        anew.insert(hex::encode(old), (seq, hex::encode(&hash)));
        prev = hash;
    }
    if heads {
        for (before, (seq, after)) in anew {
            sqlx::query("UPDATE report_versions SET audit_seq = ?, audit_hash = ? WHERE audit_hash = ?")
                .bind(seq)
                .bind(after)
                .bind(before)
                .execute(&mut *connection)
                .await
                .expect("a head");
        }
    }
}
