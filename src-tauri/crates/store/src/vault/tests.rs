use super::*;
use time::macros::datetime;

const CHEAP: KdfParams = KdfParams { memory_kib: 64, passes: 1, lanes: 1 };
const AT: OffsetDateTime = datetime!(2026-03-01 08:00 UTC);

fn new_user(name: &str) -> NewUser {
    NewUser { id: UserId::new(format!("u-{name}")), name: name.to_owned(), role: Role::Radiologist }
}

fn vault() -> (Vault, Key, RecoveryKey) {
    Vault::create(&new_user("Ada"), "first", CHEAP, AT).expect("a vault")
}

fn code<T>(result: Result<T>) -> &'static str {
    result.err().map_or("ok", |e| e.code())
}

#[test]
fn only_the_right_name_and_passphrase_unlock() {
    let (vault, key, _) = vault();
    let check = |name: &str, passphrase: &str, expected: &str| {
        assert_eq!(code(vault.unlock(name, passphrase)), expected, "{name} {passphrase}");
    };
    check("Ada", "first", "ok");
    check(" ada ", "first", "ok");
    check("Ada", "First", "vault.locked");
    check("Ada", "", "vault.locked");
    check("Eve", "first", "vault.locked");
    assert_eq!(vault.unlock("Ada", "first").unwrap().1.bytes(), key.bytes());
}

#[test]
fn users_share_the_database_key_but_no_passphrase() {
    let (mut vault, key, _) = vault();
    vault.add_user(&key, &new_user("Bea"), "second", CHEAP, AT).unwrap();
    assert_eq!(vault.unlock("Bea", "second").unwrap().1.bytes(), key.bytes());
    assert_eq!(code(vault.unlock("Bea", "first")), "vault.locked");
    assert_eq!(code(vault.unlock("Ada", "second")), "vault.locked");
    assert_eq!(code(vault.add_user(&key, &new_user("BEA"), "x", CHEAP, AT)), "vault.user_exists");
    assert_eq!(code(vault.add_user(&key, &new_user("Cleo"), "", CHEAP, AT)), "vault.empty_passphrase");
}

#[test]
fn a_changed_passphrase_keeps_key_and_identity() {
    let (mut vault, key, _) = vault();
    let id = new_user("Ada").id;
    let identity = Identity { secret: Zeroizing::new(b"private".to_vec()), certificate: b"public".to_vec() };
    assert_eq!(code(vault.identity(&id, "first")), "vault.no_identity");
    assert_eq!(code(vault.set_identity(&id, "wrong", &identity)), "vault.locked");
    vault.set_identity(&id, "first", &identity).unwrap();
    assert_eq!(code(vault.change_passphrase(&id, "wrong", "new", CHEAP)), "vault.locked");
    vault.change_passphrase(&id, "first", "new", CHEAP).unwrap();
    assert_eq!(code(vault.unlock("Ada", "first")), "vault.locked");
    assert_eq!(vault.unlock("Ada", "new").unwrap().1.bytes(), key.bytes());
    assert_eq!(vault.identity(&id, "new").unwrap().secret.as_slice(), b"private");
}

#[test]
fn recovery_gives_the_data_back_but_not_the_identity() {
    let (mut vault, key, recovery) = vault();
    let id = new_user("Ada").id;
    let identity = Identity { secret: Zeroizing::new(b"private".to_vec()), certificate: b"public".to_vec() };
    vault.set_identity(&id, "first", &identity).unwrap();
    let recovered = vault.unlock_with_recovery(&recovery).unwrap();
    assert_eq!(recovered.bytes(), key.bytes());
    assert_eq!(code(vault.unlock_with_recovery(&RecoveryKey::new([1; 20]))), "vault.locked");
    vault.reset_passphrase(&recovered, "Ada", "new", CHEAP).unwrap();
    assert_eq!(vault.unlock("Ada", "new").unwrap().1.bytes(), key.bytes());
    assert_eq!(code(vault.identity(&id, "new")), "vault.no_identity");
    assert_eq!(vault.certificates().len(), 1, "what the old identity signed still verifies");
    let renewed = vault.renew_recovery(&key).unwrap();
    assert_eq!(code(vault.unlock_with_recovery(&recovery)), "vault.locked");
    assert_eq!(vault.unlock_with_recovery(&renewed).unwrap().bytes(), key.bytes());
}

#[test]
fn a_forged_certificate_is_noticed_at_the_next_unlock() {
    let (mut vault, key, recovery) = vault();
    vault.add_user(&key, &new_user("Bea"), "second", CHEAP, AT).unwrap();
    let identity = |der: &[u8]| Identity { secret: Zeroizing::new(b"private".to_vec()), certificate: der.to_vec() };
    vault.set_identity(&new_user("Ada").id, "first", &identity(b"one")).unwrap();
    vault.set_identity(&new_user("Ada").id, "first", &identity(b"two")).unwrap();
    vault.change_passphrase(&new_user("Bea").id, "second", "third", CHEAP).unwrap();
    let check = |change: &dyn Fn(&mut Vault), expected: &str| {
        let mut changed = vault.clone();
        change(&mut changed);
        assert_eq!(code(changed.unlock("Ada", "first")), expected);
        assert_eq!(code(changed.unlock_with_recovery(&recovery)), expected);
    };
    check(&|_| {}, "ok");
    check(&|v| v.users[0].certificates.push(BASE64_STANDARD.encode(b"forged")), "vault.corrupt");
    check(&|v| v.users[0].certificates[0] = BASE64_STANDARD.encode(b"forged"), "vault.corrupt");
    check(&|v| v.users[0].certificates.swap(0, 1), "vault.corrupt");
    check(&|v| v.users[1].certificates = v.users[0].certificates.clone(), "vault.corrupt");
    check(&|v| v.users[1].name = "Dr Bea".to_owned(), "vault.corrupt");
    check(&|v| v.users.truncate(1), "vault.corrupt");
    check(&|v| v.certificates_mac[0] ^= 1, "vault.corrupt");
    let mut other = new_user("Ada");
    other.id = UserId::new("u-x");
    let forged = Record::new(&other, "x", CHEAP, AT, &Key::new([1; 32])).unwrap();
    check(&|v| v.users.push(forged.clone()), "vault.corrupt");
}

#[test]
fn a_vault_file_changed_by_hand_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.json");
    let (vault, _, _) = vault();
    vault.save(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let check = |from: &str, to: &str, name: &str, expected: &str| {
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
        assert_eq!(code(Vault::load(&path).and_then(|v| v.unlock(name, "first"))), expected, "{from} -> {to}");
    };
    check("Ada", "Ada", "Ada", "ok");
    check("\"Ada\"", "\"Eve\"", "Eve", "vault.locked");
    check("radiologist", "administrator", "Ada", "vault.locked");
    check("\"memory_kib\": 64", "\"memory_kib\": 4000000000", "Ada", "vault.corrupt");
    check("\"format\": 1", "\"format\": 2", "Ada", "data.newer_version");
    check("\"salt\"", "\"sale\"", "Ada", "vault.corrupt");
    check("{", "", "Ada", "vault.corrupt");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(code(Vault::load(&path)), "vault.missing");
}
