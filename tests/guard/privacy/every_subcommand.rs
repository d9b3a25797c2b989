//! Every subcommand of `hilumctl`, and what it leaves in the audit chain of the data folder: one without a decision here
//! fails, and so does one that leaves less or something else. The list is what `hilumctl -h` says of itself.

use crate::common;
use crate::desk::{NAME, PASSPHRASE, app_on, hilumctl, make_user, own_key, ran};
use crate::scene::radiograph;
use crate::vault_reader::{keys, open_raw};
use hilum_app::commands::session;
use hilum_testkit::siglip::TinySiglip;
use serde_json::Value;
use sqlx::Connection;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Called nowhere here, and why they leave nothing.
const NOT_CALLED: [(&str, &str); 2] = [
    ("bench", "measures with a picture that it makes or is given; opens no vault"),
    ("worker", "serves a model to whoever started it; opens no vault"),
];

/// Of these nothing is in the chain: what they read is a file that somebody names, a pack, a certificate or a list of
/// names that stand readable. A pack that is added or removed leaves no line, because nobody unlocks the vault for it;
/// the line of each draft names the hash of the pack that wrote it.
const NOTHING: &[&str] = &[];

#[tokio::test(flavor = "multi_thread")]
async fn what_each_leaves_in_the_chain() {
    common::use_demo_packs();
    let temp = tempfile::tempdir().expect("a folder");
    let mut chain = Chain::new(temp.path()).await;
    let at = |name: &str| temp.path().join(name).display().to_string();
    let film = |who: &str, date: &str| {
        let file = at(&format!("{who}.dcm"));
        std::fs::write(&file, radiograph(who, date).write()).expect("a file");
        file
    };
    let (one, two, elsewhere) = (film("ONE", "20240105"), film("TWO", "20240106"), film("ELSEWHERE", "20240107"));
    let (out, pdf, page) = (at("out"), at("a.pdf"), at("template.html"));

    chain.check("user list", &[], NOTHING).await;
    chain.check("import", &[&two], &["vault.unlock", "instance.import"]).await;
    chain.check("studies", &[], &["vault.unlock", "worklist.read"]).await;
    let job = [
        "vault.unlock",
        "instance.import",
        "image.encode",
        "report.create",
        "report.read",
        "report.draft",
        "report.propose",
        "report.edit",
        "report.sign",
        "report.export",
    ];
    let done = chain.check("report", &[&one, "--out", &out, "--signer", NAME, "--accept-all"], &job).await;
    let report = done["report"].as_str().expect("a report").to_owned();
    let exported = ["vault.unlock", "report.export"];
    chain.check("export", &[&report, "--as", "pdf", "--out", &pdf], &exported).await;
    chain.check("verify", &[&pdf], NOTHING).await;

    let listed = chain.check("proposal list", &[], &["vault.unlock", "worklist.read", "proposal.read"]).await;
    let proposal = listed["proposals"][0]["id"].as_str().expect("a proposal").to_owned();
    chain.check("proposal show", &[&proposal], &["vault.unlock", "proposal.read"]).await;
    let repeated = ["vault.unlock", "proposal.read", "proposal.repeat"];
    chain.check("proposal repeat", &[&proposal], &repeated).await;

    let searched = ["vault.unlock", "similar.search"];
    chain.check("similar", &[&one, "--index"], &["vault.unlock", "image.encode", "similar.search"]).await;
    // A search names other patients' images, whether or not the one that is asked about is in the folder.
    chain.check("similar", &[&elsewhere], &searched).await;
    chain.check("calibrate", &["--show"], &["vault.unlock"]).await;
    chain.check("calibrate", &[], &["vault.unlock", "calibration.fit"]).await;

    chain.check("template list", &[], &["vault.unlock"]).await;
    chain.check("template export", &["cxr-frontal", "--out", &page], &["vault.unlock"]).await;
    chain.check("template import", &[&page], &["vault.unlock", "template.import"]).await;
    chain.check("audit verify", &[], &["vault.unlock"]).await;
    chain.check("audit export", &["--out", &at("audit.csv")], &["vault.unlock", "audit.export"]).await;

    files_and_packs(&mut chain, temp.path(), &one).await;
    backed_up_and_restored(&mut chain, &at("backups")).await;

    // Last, because with two people each command has to be told whose passphrase it is given.
    let key = own_key(temp.path()).display().to_string();
    chain.check("user identity", &[NAME, &key], &["vault.unlock", "user.identity"]).await;
    chain.check("user recovery", &[NAME], &["vault.unlock", "vault.renew_recovery"]).await;
    chain.check("user passwd", &[NAME], &["vault.unlock", "user.passphrase"]).await;
    let added = ["vault.unlock", "user.add", "user.identity"];
    chain.check("user add", &["Dr B. Reader", "--as", NAME], &added).await;

    let every = subcommands(&[]);
    let decided: BTreeSet<String> =
        chain.called.iter().cloned().chain(NOT_CALLED.map(|(name, _)| name.to_owned())).collect();
    for new in every.difference(&decided) {
        chain.faults.push(format!("{new} has no decision: call it here, and say what it leaves in the chain"));
    }
    for gone in decided.difference(&every) {
        chain.faults.push(format!("{gone} is no subcommand any more"));
    }
    assert!(chain.faults.is_empty(), "{:#?}", chain.faults);
    println!(
        "{} subcommands of hilumctl called {} times: each leaves its lines and no others, {} of them none; {} are called nowhere",
        chain.called.len(),
        chain.calls,
        chain.silent.len(),
        NOT_CALLED.len()
    );
}

/// What works on files and packs, and knows no vault.
async fn files_and_packs(chain: &mut Chain, folder: &Path, film: &str) {
    let at = |name: &str| folder.join(name).display().to_string();
    let (words, model) = (at("words.txt"), folder.join("siglip"));
    std::fs::write(&words, "No pleural effusion.").expect("a file");
    TinySiglip::references()[0].1.write(&model).expect("a model");
    let model = model.display().to_string();
    chain.check("inspect", &[film], NOTHING).await;
    chain.check("classify", &[film], NOTHING).await;
    chain.check("claims", &[&words], NOTHING).await;
    chain.check("embed", &[film, "--out", &at("a.npy")], NOTHING).await;
    chain.check("draft", &[film], NOTHING).await;
    chain.check("pack check", &[&model], NOTHING).await;
    chain.check("pack add", &[&model, "--accept-terms", "--id", "siglip-tiny"], NOTHING).await;
    chain.check("pack list", &[], NOTHING).await;
    chain.check("pack verify", &["siglip-tiny"], NOTHING).await;
    chain.check("pack remove", &["siglip-tiny"], NOTHING).await;
}

async fn backed_up_and_restored(chain: &mut Chain, backups: &str) {
    std::fs::create_dir(backups).expect("a folder");
    let before = chain.newest().await;
    chain.check("backup", &[backups], &["vault.unlock", "backup.make"]).await;
    chain.check("backup", &[backups, "--list"], NOTHING).await;
    // What is restored has a chain of its own: that of the moment at which the backup was made, and then this one line.
    chain.ran("restore", &[backups]);
    let left = chain.lines(before).await;
    if left != ["vault.unlock", "backup.restore"] {
        chain.faults.push(format!("restore leaves {left:?} after what was saved"));
    }
}

/// A data folder, and its chain as somebody reads it who has the key and leaves no line.
struct Chain {
    folder: PathBuf,
    key: [u8; 32],
    calls: usize,
    called: BTreeSet<String>,
    silent: BTreeSet<String>,
    faults: Vec<String>,
}

impl Chain {
    async fn new(folder: &Path) -> Chain {
        let data = folder.join("data");
        make_user(&data).await;
        // The first unlocking gives the user a key to sign with, which is a line of its own.
        let (app, _desk) = app_on(&data);
        session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");
        app.close().await;
        drop(app);
        let key = keys(&data, NAME, PASSPHRASE).database;
        let (calls, called, silent, faults) = Default::default();
        Chain { folder: folder.to_owned(), key, calls, called, silent, faults }
    }

    /// Calls a subcommand, which must leave a line of each of these actions and of no other; what it says.
    async fn check(&mut self, name: &str, more: &[&str], wanted: &[&str]) -> Value {
        let before = self.newest().await;
        let said = self.ran(name, more);
        let left = self.lines(before).await;
        let (found, due): (BTreeSet<&str>, BTreeSet<&str>) =
            (left.iter().map(String::as_str).collect(), wanted.iter().copied().collect());
        if found != due {
            self.faults.push(format!("{name} {more:?} leaves {left:?}, and {wanted:?} are due"));
        }
        if wanted.is_empty() {
            self.silent.insert(name.to_owned());
        }
        said
    }

    /// Calls a subcommand that succeeds.
    fn ran(&mut self, name: &str, more: &[&str]) -> Value {
        let mut command = Command::new(hilumctl());
        command.args(["--json", "--data"]).arg(self.folder.join("data")).args(name.split(' ')).args(more);
        command.current_dir(&self.folder).env("HILUM_PASSPHRASE", PASSPHRASE).env("HILUM_NEW_PASSPHRASE", PASSPHRASE);
        let output = ran(command.env("HILUM_PKCS12_PASSWORD", "geheim"));
        assert!(output.status.success(), "{name} {more:?}: {}", String::from_utf8_lossy(&output.stderr));
        self.called.insert(name.to_owned());
        self.calls += 1;
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// Actions of the lines after the one numbered `after`, from a copy of the database.
    async fn lines(&self, after: i64) -> Vec<String> {
        let copy = self.folder.join("copy.db");
        for (from, to) in [("data/hilum.db", "copy.db"), ("data/hilum.db-wal", "copy.db-wal")] {
            let (from, to) = (self.folder.join(from), self.folder.join(to));
            let _ = std::fs::remove_file(&to);
            if from.exists() {
                std::fs::copy(from, to).expect("a copy");
            }
        }
        let mut connection = open_raw(&copy, &self.key).await;
        let actions = sqlx::query_scalar("SELECT action FROM audit WHERE seq > ? ORDER BY seq")
            .bind(after)
            .fetch_all(&mut connection)
            .await
            .expect("the chain");
        connection.close().await.expect("closed");
        actions
    }

    /// The number of the newest line: lines are numbered from 1 without a gap.
    async fn newest(&self) -> i64 {
        self.lines(0).await.len() as i64
    }
}

/// Every subcommand below this one that has none below itself, as "user add".
fn subcommands(of: &[&str]) -> BTreeSet<String> {
    let output = ran(Command::new(hilumctl()).args(of).arg("-h"));
    let page = String::from_utf8(output.stdout).expect("UTF-8");
    let Some((_, list)) = page.split_once("\nCommands:\n") else { return BTreeSet::from([of.join(" ")]) };
    // A name stands two spaces in; what is said of it goes on further to the right.
    let names = list.lines().take_while(|line| !line.trim().is_empty()).filter_map(|line| {
        let name = line.strip_prefix("  ")?.split_whitespace().next()?;
        line[2..].starts_with(|c: char| c.is_ascii_lowercase()).then_some(name)
    });
    names.filter(|name| *name != "help").flat_map(|name| subcommands(&[of, &[name]].concat())).collect()
}
