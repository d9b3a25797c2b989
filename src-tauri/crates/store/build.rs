//! Migrations are compiled in, from outside this crate's folder: cargo must be told to look there.

fn main() {
    println!("cargo:rerun-if-changed=../../../migrations");
}
