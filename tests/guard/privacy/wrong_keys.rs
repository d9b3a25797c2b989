//! A wrong passphrase and a wrong recovery key: a clean refusal, and every byte of the folder as it was. And
//! what a guess costs.

use crate::desk::{CHEAP, NAME, PASSPHRASE, app_on, hilumctl, make_user, ran};
use crate::guard::{amount, files_below};
use argon2::{Algorithm, Argon2, Params, Version};
use hilum_app::commands::session;
use hilum_store::KdfParams;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn are_refused_and_change_nothing() {
    let temp = tempfile::tempdir().expect("a folder");
    let data = temp.path().join("data");
    let recovery = make_user(&data).await;
    // A well-formed key that is another folder's.
    let foreign = make_user(&temp.path().join("other")).await;
    let before = contents(&data);
    let near = near_misses(amount(10, 100));
    let mut tried = 0;
    // No environment holds a NUL; the handlers below are given it.
    for passphrase in near.iter().filter(|p| !p.contains('\0')) {
        let mut command = Command::new(hilumctl());
        command.args(["--json", "--data"]).arg(&data).arg("studies").env("HILUM_PASSPHRASE", passphrase);
        let output = ran(&mut command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("\"vault.locked\""), "{passphrase:?}: {said}");
        assert!(!said.contains(passphrase.as_str()) || passphrase.is_empty(), "the refusal repeats what was tried");
        assert_eq!(contents(&data), before, "hilumctl with {passphrase:?}");
        tried += 1;
    }
    let (app, _desk) = app_on(&data);
    // Looking for models may make their folder.
    session::app_status(&app).await.expect("a status");
    let before = contents(&data);
    for passphrase in &near {
        let refused = session::unlock(&app, NAME.into(), passphrase.clone()).await.expect_err("a wrong passphrase");
        assert_eq!(refused.code, "vault.locked", "{passphrase:?}");
        let nobody = session::unlock(&app, format!("{NAME} II"), PASSPHRASE.into()).await.expect_err("nobody");
        assert_eq!((nobody.code, nobody.detail), (refused.code, refused.detail), "a name cannot be probed for");
        tried += 2;
    }
    let mut swapped: Vec<char> = recovery.chars().collect();
    swapped.swap(0, 1);
    let swapped: String = swapped.into_iter().collect();
    for (typed, code) in [
        (foreign.as_str(), "vault.wrong_recovery_key"),
        (&recovery[1..], "vault.not_a_recovery_key"),
        (swapped.as_str(), if swapped == recovery { "vault.no_user" } else { "vault.not_a_recovery_key" }),
        ("", "vault.not_a_recovery_key"),
        (PASSPHRASE, "vault.not_a_recovery_key"),
    ] {
        // A name that nobody has, so that a key that is right by chance changes nothing either.
        let refused = session::unlock_with_recovery(&app, typed.into(), "nobody".into(), PASSPHRASE.into()).await;
        let refused = refused.expect_err("a wrong recovery key");
        assert_eq!(refused.code, code, "{typed:?}");
        assert!(typed.is_empty() || !refused.detail.contains(typed));
        tried += 1;
    }
    assert!(session::app_status(&app).await.expect("a status").locked);
    assert_eq!(contents(&data), before, "after every wrong key");
    session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.expect("the right one still opens");
    session::lock(&app).await.expect("locked");
    wrong_key_for_the_database(&data, &temp.path().join("other")).await;
    println!("{tried} wrong keys refused, {} files unchanged byte for byte", before.len());
}

/// The vault of one folder beside the database of another: the passphrase is right, the key is not.
async fn wrong_key_for_the_database(data: &Path, other: &Path) {
    let mixed = data.with_file_name("mixed");
    std::fs::create_dir(&mixed).expect("a folder");
    std::fs::copy(other.join("vault.json"), mixed.join("vault.json")).expect("a vault");
    std::fs::copy(data.join("hilum.db"), mixed.join("hilum.db")).expect("a database");
    let (app, _desk) = app_on(&mixed);
    session::app_status(&app).await.expect("a status");
    let before = contents(&mixed);
    let refused = session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.expect_err("another folder's key");
    assert_eq!(refused.code, "store.corrupt");
    assert_eq!(contents(&mixed), before, "a database that does not open is left as it was");
}

/// What a hand does to a passphrase, and what a program tries.
fn near_misses(most: usize) -> Vec<String> {
    let chars: Vec<char> = PASSPHRASE.chars().collect();
    let mut all = vec![
        String::new(),
        PASSPHRASE.to_uppercase(),
        format!("{PASSPHRASE} "),
        format!(" {PASSPHRASE}"),
        format!("{PASSPHRASE}\0"),
    ];
    for i in 0..chars.len() {
        let (mut less, mut double, mut other) = (chars.clone(), chars.clone(), chars.clone());
        less.remove(i);
        double.insert(i, chars[i]);
        other[i] = if chars[i] == 'x' { 'y' } else { 'x' };
        all.extend([less, double, other].map(String::from_iter));
    }
    all.extend((0..).map(|n| format!("password{n}")).take(most));
    all.retain(|p| p != PASSPHRASE);
    all.truncate(most);
    all
}

/// Printed for docs/reliability.md, and never judged: it is a figure of the machine.
#[test]
fn what_a_guess_costs() {
    let KdfParams { memory_kib, passes, lanes } = KdfParams::default();
    assert!(memory_kib >= 64 * 1024 && passes >= 3, "no cheaper than RFC 9106's second recommendation");
    assert_ne!(KdfParams::default(), CHEAP);
    let params = Params::new(memory_kib, passes, lanes, Some(32)).expect("parameters");
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut times = Vec::new();
    for n in 0..3u8 {
        let (begun, mut key) = (Instant::now(), [0; 32]);
        argon.hash_password_into(&[n; 12], &[7; 16], &mut key).expect("a key");
        times.push(begun.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    println!(
        "a guess takes {:.2} s on one core here, with {} MiB, {passes} passes, {lanes} lane (Argon2id)",
        times[1],
        memory_kib / 1024
    );
}

/// Every file below a folder, and its bytes.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    files_below(folder).into_iter().map(|path| (path.clone(), std::fs::read(&path).unwrap_or_default())).collect()
}
