//! `hilumctl` as a script sees it: exit statuses, JSON, messages, and the models.
//!
//! Tests that need the demonstration packs say so and end where `models/demo` is
//! not there; all others need nothing but the programs.

#[path = "cli/support.rs"]
mod support;

use hilum_testkit::dicom::{self, DicomFile};
use serde_json::Value;
use std::{
    fs,
    io::Read,
    path::Path,
    time::{Duration, Instant},
};
use support::{Run, demo, hilumctl, radiograph, run};

#[test]
fn every_command_has_help() {
    let commands = [
        "user",
        "user add",
        "user passwd",
        "user list",
        "inspect",
        "pack",
        "pack add",
        "pack list",
        "pack verify",
        "pack remove",
        "classify",
        "claims",
        "embed",
        "draft",
        "import",
        "studies",
        "report",
        "proposal",
        "proposal list",
        "proposal show",
        "proposal repeat",
        "verify",
        "audit",
        "audit verify",
        "audit export",
        "backup",
        "restore",
        "bench",
        "worker",
    ];
    for command in commands {
        let words: Vec<&str> = ["help"].into_iter().chain(command.split(' ')).collect();
        let help = run(&words);
        assert_eq!(help.status, 0, "help {command}");
        for part in ["EXAMPLES", "EXIT STATUS", "Usage: hilumctl"] {
            assert!(help.out.contains(part), "help {command} has no {part}");
        }
    }
    assert_eq!(run(&["--version"]).status, 0);
}

#[test]
fn wrong_use_is_two() {
    let cases: [&[&str]; 9] = [
        &[],
        &["no-such-command"],
        &["classify"],
        &["embed", "a.dcm"],
        &["draft"],
        &["draft", "a.dcm", "--prompt", "raw"],
        &["draft", "a.dcm", "--max-tokens", "0"],
        &["inspect", "a.dcm", "--model-input", "zero", "out.npy"],
        &["bench", "import"],
    ];
    for arguments in cases {
        let plain = run(arguments);
        assert_eq!(plain.status, 2, "{arguments:?}: {}", plain.err);
        if !arguments.is_empty() {
            let json = run(&[&["--json"][..], arguments].concat());
            assert_eq!((json.status, json.error().0.as_str()), (2, "ctl.usage"), "{arguments:?}");
        }
    }
}

#[test]
fn bad_input_is_one_and_names_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        path
    };
    let cases = [
        (folder.path().join("missing.dcm"), "file.read"),
        (folder.path().to_owned(), "file.directory"),
        (file("empty.dcm", b""), "dicom."),
        (file("letter.dcm", b"%PDF-1.7 not an image"), "dicom."),
        (file("broken.png", b"\x89PNG\r\n\x1a\nnothing"), "picture."),
    ];
    for (path, code) in cases {
        let name = path.to_str().expect("UTF-8");
        let json = run(&["inspect", name, "--json"]);
        let (found, said) = json.error();
        assert_eq!(json.status, 1, "{name}: {}", json.err);
        assert!(found.starts_with(code), "{name}: {found}");
        assert_eq!(said, name);
        let plain = run(&["inspect", name]);
        assert_eq!(plain.status, 1);
        assert!(plain.err.contains(name) && plain.err.contains(&found), "{}", plain.err);
    }
}

#[test]
fn claims_are_read_line_by_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("reports.txt");
    fs::write(&path, "Small left effusion. No pneumothorax.\n\nNo acute abnormality.\n").expect("written");
    let name = path.to_str().expect("UTF-8");
    let json: Value = serde_json::from_str(&run(&["--json", "claims", name]).out).expect("JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(2));
    assert_eq!(json[0]["sentences"][0]["claims"][0]["finding"], "pleural_effusion");
    assert_eq!(json[0]["sentences"][0]["claims"][0]["side"], "left");
    assert_eq!(json[0]["conclusions"]["pneumothorax"], "absent");
    assert_eq!((&json[1]["line"], &json[1]["conclusions"]["no_finding"]), (&3.into(), &"present".into()));
    let plain = run(&["claims", name]);
    assert!(plain.out.contains("  pleural_effusion present left mild\n"), "{}", plain.out);
    let missing = run(&["claims", "no-such-file", "--json"]);
    assert_eq!((missing.status, missing.error().0.as_str()), (1, "file.read"));
    fs::write(&path, b"\xff\xfe").expect("written");
    assert_eq!(run(&["claims", name]).status, 1, "not UTF-8");
}

#[test]
fn inspect_says_what_a_file_is_and_writes_its_forms() {
    let folder = tempfile::tempdir().expect("a folder");
    let image = radiograph(folder.path());
    let at = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (stored, shown, input) = (at("stored.npy"), at("shown.png"), at("input.npy"));
    let said =
        run(&["inspect", &image, "--json", "--stored", &stored, "--display", &shown, "--model-input", "64", &input]);
    assert_eq!(said.status, 0, "{}", said.err);
    let header = &said.json()["header"];
    assert_eq!((header["rows"].as_u64(), header["columns"].as_u64()), (Some(96), Some(80)));
    assert_eq!(header["photometric"], "MONOCHROME2");
    assert!(said.json()["pixels"]["windows"].as_array().is_some_and(|windows| !windows.is_empty()));
    let npy = |path: &str| fs::read(path).expect("written");
    assert!(npy(&stored).starts_with(b"\x93NUMPY\x01\x00"));
    assert!(String::from_utf8_lossy(&npy(&stored)[..80]).contains("'shape': (96, 80)"));
    assert_eq!(npy(&input).len() % 64, 0);
    assert!(String::from_utf8_lossy(&npy(&input)[..80]).contains("'shape': (64, 64)"));
    // What was shown can be inspected again, as a picture.
    let again = run(&["inspect", &shown, "--json"]);
    assert_eq!((again.json()["width"].as_u64(), again.json()["height"].as_u64()), (Some(80), Some(96)));
    let table = run(&["inspect", &image]);
    assert!(table.out.contains("photometric") && table.out.contains("window"), "{}", table.out);
}

#[test]
fn packs_are_listed_checked_added_and_removed() {
    let Some(models) = demo() else { return };
    let data = tempfile::tempdir().expect("a folder");
    let data = data.path().to_str().expect("UTF-8");
    let list = run(&["--data", data, "pack", "list", "--json"]).json();
    let ids: Vec<_> = list["packs"].as_array().expect("packs").iter().map(|pack| pack["id"].clone()).collect();
    assert_eq!(ids, ["medgemma-demo", "medsiglip-demo"]);
    assert!(list["packs"][0]["hash"].as_str().is_some_and(|hash| hash.len() == 64));
    // Said of an encoder alone, and only where it is not what its pack computes in by itself.
    for (asked, expected) in [("", ["", ""]), ("f32", ["", ""]), ("int8", ["", "int8"])] {
        let list = Run::of(hilumctl(&["--data", data, "pack", "list", "--json"]).env("HILUM_ENCODER", asked)).json();
        let said = [0_usize, 1].map(|pack| list["packs"][pack]["arithmetic"].as_str().expect("a word").to_owned());
        assert_eq!(said, expected, "{asked:?}");
    }
    let checked = run(&["--data", data, "pack", "verify", "--json"]);
    assert_eq!(checked.status, 0, "{}", checked.err);

    let refused = run(&["--data", data, "pack", "remove", "medgemma-demo", "--json"]);
    assert_eq!((refused.status, refused.error().0.as_str()), (1, "pack.read_only"));
    let source = models.join("medsiglip-demo");
    let source = source.to_str().expect("UTF-8");
    let added = run(&["--data", data, "pack", "add", source, "--id", "mine", "--json"]);
    assert_eq!((added.status, added.json()["id"].as_str()), (0, Some("mine")), "{}", added.err);

    // One flipped bit in the weights is found, and no worker loads them.
    let weights = Path::new(data).join("packs/mine/model.safetensors");
    let mut bytes = fs::read(&weights).expect("weights");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&weights, bytes).expect("written");
    let found = run(&["--data", data, "pack", "verify", "mine", "--json"]);
    assert_eq!((found.status, found.error().0.as_str()), (1, "pack.hash_mismatch"));
    assert!(found.error().1.ends_with("model.safetensors"));
    let image = radiograph(Path::new(data));
    let loaded = run(&["--data", data, "classify", &image, "--pack", "mine", "--json"]);
    assert_eq!((loaded.status, loaded.error().0.as_str()), (1, "pack.hash_mismatch"), "{}", loaded.err);
    assert_eq!(run(&["--data", data, "pack", "remove", "mine"]).status, 0);
    assert_eq!(run(&["--data", data, "pack", "verify", "mine", "--json"]).error().0, "pack.not_found");
}

#[test]
fn classify_and_embed_agree_with_themselves() {
    if demo().is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let image = radiograph(folder.path());
    let missing = folder.path().join("missing.dcm").to_str().expect("UTF-8").to_owned();
    let once = run(&["classify", &image, "--json"]);
    assert_eq!(once.status, 0, "{}", once.err);
    let scores = once.json()[0]["scores"].as_array().expect("scores").clone();
    assert_eq!(scores.len(), 13);
    for score in &scores {
        let (difference, softmax) = (score["difference"].as_f64(), score["softmax"].as_f64());
        assert!(difference.is_some_and(|d| (-2.0..=2.0).contains(&d)), "{score}");
        assert!(softmax.is_some_and(|p| (0.0..=1.0).contains(&p)), "{score}");
    }
    let twice = run(&["classify", &image, &missing, &image, "--json"]);
    assert_eq!((twice.status, twice.error().0.as_str()), (1, "file.read"));
    assert_eq!(twice.json().as_array().map(Vec::len), Some(2));
    assert_eq!(twice.json()[1]["scores"], once.json()[0]["scores"]);
    assert!(run(&["classify", &image]).out.contains("support (not a probability)"));

    let out = folder.path().join("e.npy").to_str().expect("UTF-8").to_owned();
    let embedded = run(&["embed", &image, &image, "--out", &out, "--json"]);
    assert_eq!(embedded.status, 0, "{}", embedded.err);
    let dim = embedded.json()["dim"].as_u64().expect("a dimension") as usize;
    let file = fs::read(&out).expect("written");
    let numbers: Vec<f32> = file[file.len() - 2 * dim * 4..]
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    let (a, b) = numbers.split_at(dim);
    assert_eq!(a, b);
    let length: f32 = a.iter().map(|x| x * x).sum();
    assert!((length - 1.0).abs() < 1e-4, "{length}");
}

#[test]
fn a_draft_is_explained_by_its_json_and_streams_without() {
    if demo().is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let image = radiograph(folder.path());
    let draft = run(&["draft", &image, "--max-tokens", "96", "--json"]);
    assert_eq!(draft.status, 0, "{}", draft.err);
    let json = draft.json();
    let length = |key: &str| json[key].as_array().map_or(0, Vec::len);
    assert!(length("prompt_token_ids") > 0 && length("token_ids") > 0);
    assert_eq!(length("token_ids"), length("logprobs"));
    assert!(json["logprobs"].as_array().expect("numbers").iter().all(|p| p.as_f64().is_some_and(|p| p <= 0.0)));
    assert!(json["pack"]["demo"] == true && json["pack"]["hash"].as_str().is_some_and(|hash| hash.len() == 64));
    assert!(json["timings"]["load_seconds"].as_f64().is_some_and(|s| s > 0.0));
    assert!(json["sections"].is_array() && json["prompt"].as_str().is_some_and(|p| p.contains("Describe this X-ray")));

    let text = json["text"].as_str().expect("text");
    let streamed = run(&["draft", &image, "--max-tokens", "96"]);
    assert_eq!((streamed.status, streamed.out.trim_end()), (0, text.trim_end()), "greedy drafts repeat");
    let raw = run(&["draft", "--prompt", "raw", "--text", "Describe this X-ray", "--max-tokens", "4", "--json"]);
    assert_eq!(raw.status, 0, "no image is needed: {}", raw.err);
}

/// What the language model is given in the place of an image, in the arithmetic that was asked for.
#[test]
fn a_draft_writes_its_soft_tokens() {
    if demo().is_none() {
        return;
    }
    if hilum_drafting::overlay().is_empty() {
        return hilum_testkit::skipped("this build has the engine as released");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let image = radiograph(folder.path());
    let written = |word: &str| {
        let out = folder.path().join(format!("{word}.npy")).to_str().expect("UTF-8").to_owned();
        let words: [&str; 9] =
            ["draft", &image, "--prompt", "report", "--max-tokens", "1", "--soft-tokens", &out, "--json"];
        let draft = Run::of(hilumctl(&words).env("HILUM_TOWER", word));
        assert_eq!(draft.status, 0, "{}", draft.err);
        fs::read(out).expect("written")
    };
    let [exact, rounded] = ["f32", "int8"].map(written);
    assert!(String::from_utf8_lossy(&exact[..128]).contains("'descr': '<f4'"));
    assert!(String::from_utf8_lossy(&exact[..128]).contains("'shape': (1, 64, 256)"));
    assert_eq!((exact.len(), exact.len() % 64), (rounded.len(), 0));
    assert!(exact.len() > 64 * 256 * 4 && exact != rounded);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_draft_within_two_seconds() {
    if demo().is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let image = radiograph(folder.path());
    for wait in [Duration::from_millis(150), Duration::from_millis(1500)] {
        let mut child = hilumctl(&["draft", &image, "--max-tokens", "8192", "--prompt", "report"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("it starts");
        std::thread::sleep(wait);
        if child.try_wait().expect("its state").is_some() {
            println!("the draft was finished after {wait:?}: nothing left to cancel");
            continue;
        }
        // SAFETY: a plain system call on a process that this test started.
        unsafe {
            libc::kill(child.id() as i32, libc::SIGINT);
        }
        let asked = Instant::now();
        let status = child.wait().expect("it ends");
        assert!(asked.elapsed() < Duration::from_secs(2), "after {wait:?} it took {:?}", asked.elapsed());
        assert!(matches!(status.code(), Some(0 | 1)), "{status}");
        let mut text = String::new();
        child.stdout.take().expect("a pipe").read_to_string(&mut text).expect("text");
    }
}

#[test]
fn the_vault_needs_a_passphrase_and_the_folder_a_user() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let data = data.to_str().expect("UTF-8");
    let secret = ("HILUM_PASSPHRASE", "correct horse");
    let with = |environment: &[(&str, &str)], words: &[&str]| {
        Run::of(hilumctl(&[&["--data", data, "--json"][..], words].concat()).envs(environment.iter().copied()))
    };
    let code = |run: &Run| (run.status, run.error().0);
    let missing = with(&[], &["user", "add", "Ada Reader"]);
    assert_eq!(code(&missing), (1, "vault.locked".into()));
    let weak = with(&[("HILUM_PASSPHRASE", "short")], &["user", "add", "Ada Reader"]);
    assert_eq!(code(&weak), (1, "vault.weak_passphrase".into()));
    let first = with(&[secret], &["user", "add", "Ada Reader"]);
    assert_eq!(first.status, 0, "{}", first.err);
    assert!(first.json()["recovery_key"].as_str().is_some_and(|key| key.len() > 16));

    let wrong = with(&[("HILUM_PASSPHRASE", "wrong horse")], &["studies"]);
    assert_eq!(code(&wrong), (1, "vault.locked".into()));
    let none: Value = with(&[secret], &["studies"]).json();
    assert_eq!(none["studies"].as_array().map(Vec::len), Some(0));
    let second = [secret, ("HILUM_NEW_PASSPHRASE", "another horse")];
    assert_eq!(with(&second, &["user", "add", "Bo Reader", "--as", "Ada Reader"]).status, 0);
    assert_eq!(with(&[secret], &["studies"]).status, 2, "two users: it has to be said who");
    let bo = [("HILUM_PASSPHRASE", "another horse"), ("HILUM_NEW_PASSPHRASE", "a third horse")];
    assert_eq!(with(&bo, &["user", "passwd", "Bo Reader"]).status, 0);
    assert_eq!(code(&with(&bo[..1], &["studies", "--user", "Bo Reader"])), (1, "vault.locked".into()));
    let third = [("HILUM_PASSPHRASE", "a third horse")];
    assert_eq!(with(&third, &["studies", "--user", "Bo Reader"]).status, 0);
    let trainee = with(&second, &["user", "add", "Cy Trainee", "--as", "Ada Reader", "--trainee"]);
    assert_eq!((trainee.status, trainee.json()["user"]["trainee"].as_bool()), (0, Some(true)), "{}", trainee.err);
    let users = with(&[], &["user", "list"]).json();
    assert_eq!(users["users"].as_array().map(Vec::len), Some(3));
    assert_eq!(with(&third, &["audit", "verify", "--user", "Bo Reader"]).json()["ok"], true);

    let image = radiograph(folder.path());
    let import = with(&third, &["import", &image, "--user", "Bo Reader"]);
    assert_eq!((import.status, import.json()["files"][0]["verdict"].as_str()), (0, Some("imported")), "{}", import.err);
    let again = with(&third, &["import", &image, "--user", "Bo Reader"]);
    assert_eq!(again.json()["files"][0]["verdict"], "known");
    let listed = with(&third, &["studies", "--user", "Bo Reader"]).json();
    assert_eq!(listed["studies"][0]["images"], 1);
}

#[test]
fn a_backup_is_made_listed_and_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (data, fresh, kept) = (path("data"), path("fresh"), path("kept"));
    fs::create_dir(&kept).expect("a folder");
    let secret = ("HILUM_PASSPHRASE", "correct horse");
    let with = |data: &str, environment: &[(&str, &str)], words: &[&str]| {
        Run::of(hilumctl(&[&["--data", data, "--json"][..], words].concat()).envs(environment.iter().copied()))
    };
    let code = |run: &Run| (run.status, run.error().0);
    let studies = |data: &str| with(data, &[secret], &["studies"]).json()["studies"].as_array().map(Vec::len);
    let first = with(&data, &[secret], &["user", "add", "Ada Reader"]).json();
    let key = first["recovery_key"].as_str().expect("a key").to_owned();
    assert_eq!(code(&with(&data, &[], &["backup", &kept, "--list"])), (1, "backup.not_found".into()));
    assert_eq!(code(&with(&data, &[], &["backup", &kept])), (1, "vault.locked".into()));
    let inside = path("data/backups");
    fs::create_dir(&inside).expect("a folder");
    assert_eq!(code(&with(&data, &[secret], &["backup", &inside])), (1, "backup.inside_data".into()));
    let away = with(&data, &[secret], &["backup", &path("away")]);
    assert_eq!(code(&away), (3, "backup.folder".into()), "a disk that is not there is not taken for an empty folder");
    let image = radiograph(folder.path());
    assert_eq!(with(&data, &[secret], &["import", &image]).status, 0);
    for made in 1..=3 {
        let backup = with(&data, &[secret], &["backup", &kept, "--keep", "2"]);
        assert_eq!(backup.status, 0, "{}", backup.err);
        let backup = backup.json();
        assert_eq!(backup["deleted"], u64::from(made == 3));
        assert!(backup["files"].as_u64() >= Some(1), "{backup}");
        if made > 1 {
            assert!(backup["copied_bytes"].as_u64() < backup["bytes"].as_u64(), "sealed files are copied once: {backup}");
        }
    }
    let listed = with(&data, &[], &["backup", &kept, "--list"]).json();
    assert_eq!(listed["backups"].as_array().map(Vec::len), Some(2));
    assert_eq!(listed["backups"][0]["users"][0], "Ada Reader");

    // What came after the backup is set aside.
    let second = path("second.dcm");
    let file = DicomFile::radiograph(64, 64, 12, |row, _| row as u16)
        .text(dicom::STUDY_UID, b"UI", "2.25.9")
        .text(dicom::SERIES_UID, b"UI", "2.25.91")
        .text(dicom::INSTANCE_UID, b"UI", "2.25.911");
    fs::write(&second, file.write()).expect("written");
    let import = with(&data, &[secret], &["import", &second]);
    assert_eq!(import.status, 0, "{} {}", import.out, import.err);
    assert_eq!(studies(&data), Some(2));
    let wrong = [("HILUM_PASSPHRASE", "wrong horse")];
    assert_eq!(code(&with(&data, &wrong, &["restore", &kept])), (1, "vault.locked".into()));
    let restored = with(&data, &[secret], &["restore", &kept]);
    assert_eq!(restored.status, 0, "{}", restored.err);
    assert_eq!(studies(&data), Some(1));
    assert_eq!(studies(restored.json()["replaced"].as_str().expect("a folder")), Some(2));
    assert_eq!(with(&data, &[secret], &["audit", "verify"]).json()["ok"], true);

    // On another machine, with the recovery key alone.
    let no_key = with(&fresh, &[], &["restore", &kept, "--recovery-key"]);
    assert_eq!(code(&no_key), (1, "vault.locked".into()));
    let by_key = with(&fresh, &[("HILUM_RECOVERY_KEY", &key)], &["restore", &kept, "--recovery-key"]);
    assert_eq!(by_key.status, 0, "{}", by_key.err);
    assert!(by_key.json()["replaced"].is_null());
    assert_eq!(studies(&fresh), Some(1));
}

#[test]
fn the_whole_job_ends_in_a_signed_document() {
    if demo().is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (data, out, image) = (at("data"), at("out"), radiograph(folder.path()));
    let job = |words: &[&str]| {
        let common = ["--data", &data, "--json", "report", &image, "--out", &out, "--signer", "Ada Reader"];
        Run::of(hilumctl(&[&common[..], words].concat()).env("HILUM_PASSPHRASE", "correct horse"))
    };
    let unread = job(&[]);
    assert_eq!((unread.status, unread.error().0.as_str()), (1, "sign.unreviewed"), "{}", unread.err);
    let done = job(&["--accept-all"]);
    assert_eq!(done.status, 0, "{}", done.err);
    println!("seconds of the whole job: {}", done.json()["seconds"]);
    let pdf = done.json()["pdf"].as_str().expect("a path").to_owned();
    assert!(fs::read(&pdf).expect("written").starts_with(b"%PDF-"));

    let known = run(&["--data", &data, "verify", &pdf, "--json"]);
    assert_eq!((known.status, known.json()["ok"].as_bool()), (0, Some(true)), "{}", known.out);

    // The same version in each of its forms, by the id of the report and by its own.
    let with = |words: &[&str]| {
        let all = [&["--data", &data, "--json"][..], words].concat();
        Run::of(hilumctl(&all).env("HILUM_PASSPHRASE", "correct horse"))
    };
    let report = done.json()["report"].as_str().expect("an id").to_owned();
    for (form, begins) in [
        ("pdf", &b"%PDF-"[..]),
        ("sr", &[0; 128]),
        ("encapsulated", &[0; 128]),
        ("fhir", b"{"),
        ("hl7", b"MSH|^~\\&|HILUM"),
    ] {
        let file = at(&format!("exported-{form}"));
        let first = with(&["export", &report, "--as", form, "--out", &file]);
        assert_eq!(first.status, 0, "{form}: {}", first.err);
        let bytes = fs::read(&file).expect("written");
        assert!(bytes.starts_with(begins), "{form}");
        assert!(form == "pdf" || String::from_utf8_lossy(&bytes).contains("DEMONSTRATION"), "{form} says what it is");
        let version = first.json()["version"].as_str().expect("an id").to_owned();
        assert_eq!(with(&["export", &version, "--as", form, "--out", &file]).status, 0);
        assert_eq!(fs::read(&file).expect("written"), bytes, "{form} is the same each time");
    }
    assert_eq!(fs::read(at("exported-pdf")).expect("written"), fs::read(&pdf).expect("written"));
    let nobody = with(&["export", "no-such-report", "--as", "pdf", "--out", &at("nothing")]);
    assert_eq!((nobody.status, nobody.error().0.as_str()), (1, "store.not_found"));
    let nowhere = with(&["export", &report, "--as", "pdf", "--out", &at("no-folder/file.pdf")]);
    assert_eq!((nowhere.status, nowhere.error().0.as_str()), (1, "export.write_failed"));
    let elsewhere = run(&["--data", &at("nowhere"), "verify", &pdf, "--json"]);
    assert_eq!((elsewhere.status, elsewhere.error().0.as_str()), (1, "signer.untrusted"));
    let mut changed = fs::read(&pdf).expect("a file");
    changed[200] ^= 1;
    fs::write(&pdf, changed).expect("written");
    assert_eq!(run(&["--data", &data, "verify", &pdf]).status, 1);
}

#[test]
fn a_report_is_signed_with_a_key_of_the_users_own() {
    if demo().is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let openssl = |words: &str| {
        let run = std::process::Command::new("openssl").args(words.split(' ')).current_dir(folder.path()).output();
        run.is_ok_and(|output| output.status.success())
    };
    let made = openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 30 \
         -subj /CN=Own -addext keyUsage=critical,digitalSignature,nonRepudiation",
    ) && openssl("pkcs12 -export -inkey key.pem -in cert.pem -out own.p12 -passout pass:");
    if !made {
        hilum_testkit::skipped("openssl, which makes the key file, is not there");
        return;
    }
    let at = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (data, out, image) = (at("data"), at("out"), radiograph(folder.path()));
    let with = |words: &[&str]| {
        let common = ["--data", &data, "--json"];
        Run::of(hilumctl(&[&common[..], words].concat()).env("HILUM_PASSPHRASE", "correct horse"))
    };
    let first = with(&["user", "add", "Ada Reader"]).json();
    let renewed = with(&["user", "recovery", "Ada Reader"]).json();
    assert_ne!(first["recovery_key"], renewed["recovery_key"]);
    let wrong = with(&["user", "identity", "Ada Reader", &image]);
    assert_eq!((wrong.status, wrong.error().1.as_str()), (1, image.as_str()));
    let expired = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/pdf/testing-ca/signer1.pfx");
    if expired.is_file() {
        let refused = with(&["user", "identity", "Ada Reader", expired.to_str().expect("UTF-8")]);
        assert_eq!((refused.status, refused.error().0.as_str()), (1, "cert.expired"));
    } else {
        hilum_testkit::skipped(format_args!("an expired certificate ({} is not there)", expired.display()));
    }
    let taken = with(&["user", "identity", "Ada Reader", &at("own.p12")]);
    assert_eq!(taken.status, 0, "{}", taken.err);
    let done = with(&["report", &image, "--out", &out, "--signer", "Ada Reader", "--accept-all"]);
    assert_eq!(done.status, 0, "{}", done.err);
    let pdf = done.json()["pdf"].as_str().expect("a path").to_owned();
    let verified = run(&["--data", &at("nowhere"), "verify", &pdf, "--trust", &at("cert.pem"), "--json"]);
    assert_eq!((verified.status, verified.json()["ok"].as_bool()), (0, Some(true)), "{}{}", verified.out, verified.err);
}
