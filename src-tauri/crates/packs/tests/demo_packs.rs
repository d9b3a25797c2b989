//! The demonstration packs in the repository are what their manifests say.

use std::collections::BTreeSet;
use std::path::Path;

use hilum_packs::{Kind, Library, inspect_folder, verify};

#[test]
fn the_demonstrations_are_intact() {
    let demo_root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models/demo");
    let nowhere = tempfile::tempdir().unwrap();
    let listing = Library::new(nowhere.path(), Some(&demo_root)).list().unwrap();
    assert!(listing.broken.is_empty(), "{:?}", listing.broken);
    let ids: BTreeSet<_> = listing.packs.iter().map(|pack| pack.manifest.id.as_str()).collect();
    assert_eq!(ids, BTreeSet::from(["medgemma-demo", "medsiglip-demo"]));
    for pack in &listing.packs {
        assert!(pack.built_in && pack.manifest.demo);
        verify(&pack.dir).unwrap_or_else(|problems| panic!("{}: {problems:?}", pack.manifest.id));
        let found = inspect_folder(&pack.dir).unwrap();
        assert_eq!(found.kind, pack.manifest.kind);
        assert_eq!(pack.manifest.id, format!("{}-demo", found.kind.as_str()));
    }
    assert!(listing.packs.iter().any(|pack| pack.manifest.kind == Kind::MedGemma));
}
