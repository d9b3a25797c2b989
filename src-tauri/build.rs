//! Builds the Tauri context from the configuration at the top of the repository.

include!("src/desktop/names.rs");

fn main() {
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=src-tauri/src/desktop/names.rs");
    println!("cargo:rerun-if-changed=tauri.conf.json");
    // SQLCipher is linked into this binary; WebKitGTK must keep using the
    // system's SQLite, so none of our bundled symbols may be visible to it.
    #[cfg(target_os = "linux")]
    println!("cargo:rustc-link-arg-bins=-Wl,--exclude-libs,ALL");
    tauri_build::try_build(
        tauri_build::Attributes::new()
            .capabilities_path_pattern("src-tauri/capabilities/**/*")
            .app_manifest(tauri_build::AppManifest::new().commands(COMMANDS)),
    )
    .expect("the Tauri configuration is valid");
}
