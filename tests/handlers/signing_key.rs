//! A signing key that somebody else issued, and what a person agreed to.

use super::{Fake, certificate_of, first_user};
use hilum_app::commands::{audit, session, signing_key};
use hilum_app::{App, StartOptions};
use std::sync::{Arc, Mutex};

/// Signs with a key and certificate that somebody else issued, and says what a person agreed to.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_ones_own_is_signed_with() {
    let (data, out) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let openssl = |words: &str| {
        let run = std::process::Command::new("openssl").args(words.split(' ')).current_dir(out.path()).output();
        run.is_ok_and(|run| run.status.success())
    };
    let made = openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -subj /CN=Reader -days 30")
        && openssl("pkcs12 -export -inkey key.pem -in cert.pem -out own.p12 -passout pass:geheim");
    if !made {
        hilum_testkit::skipped("openssl, which makes the key file, is not there");
        return;
    }
    let host = Arc::new(Fake {
        files: vec![out.path().join("own.p12")],
        folder: None,
        save: out.path().join("certificate"),
        events: Mutex::default(),
    });
    let app = Arc::new(App::new(StartOptions { data: data.path().join("data"), open: None }, host));
    let locked = signing_key::signing_key(&app).await;
    assert_eq!(locked.expect_err("nobody is there").code, "vault.locked");
    session::create_first_user(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("a user");
    let first = signing_key::signing_key(&app).await.expect("a key");
    assert_eq!((first.name.as_str(), first.self_issued), ("Dr A. Reader", true));

    for (password, passphrase, code) in
        [("wrong", "long enough", "pkcs12.wrong_password"), ("geheim", "not my passphrase", "vault.locked")]
    {
        let refused = signing_key::signing_key_import(&app, password.into(), passphrase.into()).await;
        assert_eq!(refused.expect_err(code).code, code);
        assert_eq!(signing_key::signing_key(&app).await.expect("a key"), first, "{code}");
    }
    let own = signing_key::signing_key_import(&app, "geheim".into(), "long enough".into()).await;
    let own = own.expect("taken").expect("chosen");
    assert_eq!(own.name, "Reader");
    assert_eq!(signing_key::signing_key(&app).await.expect("a key"), own);
    let saved = signing_key::signing_certificate_save(&app).await.expect("saved").expect("a place");
    assert!(saved.ends_with("certificate.der"), "{saved}");
    assert_eq!(std::fs::read(saved).expect("a file"), certificate_of(&data.path().join("data")));

    signing_key::accept_intended_use(&app).await.expect("recorded");
    let lines = audit::audit(&app, 20, None, Default::default()).await.expect("lines");
    for (action, object) in [("terms.accept", "intended-use"), ("user.identity", first_user(&app).await.as_str())] {
        assert!(lines.iter().any(|l| l.action == action && l.object == object), "{action}: {lines:?}");
    }
}

/// A certificate carries 64 characters of a name (X.520, ub-common-name). A user who cannot sign is not made, and
/// nobody is locked out for a name.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_no_certificate_takes_makes_no_user() {
    let root = tempfile::tempdir().expect("a folder");
    let host = Arc::new(Fake { files: vec![], folder: None, save: root.path().into(), events: Mutex::default() });
    let app = Arc::new(App::new(StartOptions { data: root.path().join("data"), open: None }, host));
    let long = "N".repeat(65);
    let refused = session::create_first_user(&app, long.clone(), "long enough".into()).await;
    assert_eq!(refused.err().expect("refused").code, "identity.name");
    assert!(session::app_status(&app).await.expect("a status").first_run);
    session::create_first_user(&app, "N".repeat(64), "long enough".into()).await.expect("a user");
    let refused = session::add_user(&app, long, "long enough".into(), false).await;
    assert_eq!(refused.expect_err("refused").code, "identity.name");
    assert_eq!(session::app_status(&app).await.expect("a status").users.len(), 1);
    session::lock(&app).await.expect("locked");
    session::unlock(&app, "N".repeat(64), "long enough".into()).await.expect("unlocked");
}
