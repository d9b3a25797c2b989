//! Sealed files: everything about a patient that does not fit the database.
//!
//! A blob is named by a keyed hash of its content, so the same content is kept once and a
//! name tells nothing to who lacks the key. On disk it is a header and chunks of one MiB,
//! each sealed with XChaCha20-Poly1305; the header (kind, name, length) is authenticated
//! with every chunk, and each nonce carries the chunk's number, so chunks cannot be
//! reordered, dropped or moved between files.

use crate::error::{Result, StoreError};
use crate::files;
use crate::vault::{Key, derive, hmac_sha256, random};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use zeroize::Zeroizing;

/// The sealed files of one data folder. Cheap to clone; its methods block.
#[derive(Clone)]
pub struct Blobs {
    folder: PathBuf,
    seal_key: Key,
    name_key: Key,
    /// Held while a file's age is looked at or renewed, so that the sweep deletes nothing that
    /// is being put again.
    ages: Arc<Mutex<()>>,
}

/// The name of a sealed file: kind and HMAC-SHA256 of its content, in hex.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlobName(String);

/// What a sealed file holds. Part of its name, so that a cache can be deleted without
/// asking whether some original has the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlobKind {
    /// A file as imported, preamble zeroed.
    Original,
    Thumbnail,
    /// Decoded pixels, which can be made again from the original.
    Pixels,
    /// A signed document.
    Pdf,
}

/// Below the data folder.
const FOLDER: &str = "blobs";
/// Longest content, in bytes: what the decode child accepts as a file, and more.
const MAX_LEN: u64 = 1 << 30;
const CHUNK: usize = 1 << 20;
/// Most memory that is taken for a sealed file before it has shown that it is so long.
const RESERVED: u64 = 64 << 20;
const TAG: usize = 16;
const MAGIC: &[u8; 8] = b"HILUMB1\n";
/// Magic, kind, HMAC of the content, length, nonce prefix.
const HEADER: usize = 8 + 1 + 32 + 8 + 16;

impl Blobs {
    pub(crate) fn open(data_folder: &Path, database_key: &Key) -> Result<Blobs> {
        let blobs = Blobs::existing(data_folder, database_key);
        files::create_private_folder(&blobs.folder)?;
        blobs.remove_partial()?;
        Ok(blobs)
    }

    /// As [`Blobs::open`], where nothing may be written.
    pub(crate) fn existing(data_folder: &Path, database_key: &Key) -> Blobs {
        Blobs {
            folder: data_folder.join(FOLDER),
            seal_key: derive(database_key, "hilum blobs: seal"),
            name_key: derive(database_key, "hilum blobs: name"),
            ages: Arc::default(),
        }
    }

    /// Copies a file, sealed as it is, to where it is not yet, and reads the copy back whole. Its
    /// length on disk, and whether it was copied now: one of that name and length that is there
    /// already stays, because a name stands for its content. With `read_again` that one is read
    /// too, and copied anew where it was damaged since.
    ///
    /// # Errors
    /// `blob.missing`; `blob.corrupt` when the copy is not what was sealed; errors of the file system.
    pub(crate) fn copy_sealed(&self, name: &BlobName, to: &Blobs, read_again: bool) -> Result<(u64, bool)> {
        let (from, target) = (self.path(name), to.path(name));
        let length = match fs::metadata(&from) {
            Ok(about) => about.len(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(StoreError::BlobMissing(name.0.clone())),
            Err(e) => return Err(StoreError::file("read", &from, e)),
        };
        let there = fs::metadata(&target).is_ok_and(|there| there.len() == length);
        if there && (!read_again || to.copy_to(name, &mut io::sink()).is_ok()) {
            return Ok((length, false));
        }
        if let Some(folder) = target.parent() {
            files::create_private_folder(folder)?;
        }
        let partial = target.with_extension(format!("{}.partial", hex::encode(random::<8>()?)));
        let copied = files::copy_synced(&from, &partial).and_then(|_| files::rename_synced(&partial, &target));
        if let Err(e) = copied {
            let _ = fs::remove_file(&partial);
            // Deleted between the look and the copy.
            return if from.exists() { Err(e) } else { Err(StoreError::BlobMissing(name.0.clone())) };
        }
        if let Err(e) = to.copy_to(name, &mut io::sink()) {
            let _ = fs::remove_file(&target);
            return Err(e);
        }
        Ok((length, true))
    }

    /// Deletes the sealed files below a folder of backups that are not among the names.
    pub(crate) fn delete_others(folder: &Path, needed: &BTreeSet<String>) -> Result<()> {
        for_each_file(&folder.join(FOLDER), |path| {
            let name = path.file_name().and_then(|n| n.to_str()).and_then(BlobName::parse);
            match name {
                Some(name) if !needed.contains(&name.0) => {
                    fs::remove_file(path).map_err(|e| StoreError::file("delete", path, e))
                }
                _ => Ok(()),
            }
        })
    }

    /// Seals content and returns its name; on disk when this returns. Content that is
    /// there already, undamaged, is not written again.
    ///
    /// # Errors
    /// `data.disk_full`, `data.read_only`, `data.file`; no partial file stays.
    pub fn put(&self, kind: BlobKind, content: &[u8]) -> Result<BlobName> {
        if content.len() as u64 > MAX_LEN {
            let path = self.folder.clone();
            return Err(StoreError::file("seal a file over 1 GiB in", &path, io::ErrorKind::FileTooLarge.into()));
        }
        let hash = self.hash(kind, content);
        let name = BlobName::new(kind, &hash);
        let path = self.path(&name);
        // Read back whole: a damaged file is written anew while the content is at hand.
        if self.renew(&path) && self.copy_to(&name, &mut io::sink()).is_ok() {
            return Ok(name);
        }
        if let Some(folder) = path.parent() {
            files::create_private_folder(folder)?;
        }
        // A name of its own, because two threads may seal the same content.
        let partial = path.with_extension(format!("{}.partial", hex::encode(random::<8>()?)));
        let written = self.write_sealed(&partial, kind, &hash, content);
        if let Err(e) = written {
            let _ = fs::remove_file(&partial);
            return Err(e);
        }
        if let Err(e) = files::rename_synced(&partial, &path) {
            let _ = fs::remove_file(&partial);
            return Err(e);
        }
        Ok(name)
    }

    /// The content of a sealed file, verified whole.
    ///
    /// # Errors
    /// `blob.missing`; `blob.corrupt` when any byte is not as it was sealed.
    pub fn get(&self, name: &BlobName) -> Result<Vec<u8>> {
        // A sealed file is a little longer than what is in it. Its length is nobody's word, so not much is taken for it.
        let length = std::fs::metadata(self.path(name)).map_or(0, |about| about.len());
        let mut content = Vec::with_capacity(length.min(RESERVED) as usize);
        self.copy_to(name, &mut content)?;
        Ok(content)
    }

    /// Writes the content of a sealed file, chunk by chunk as each is verified: into a pipe
    /// or a memfd of a child, say. On an error what was written so far is to be discarded.
    /// Returns the length in bytes.
    ///
    /// # Errors
    /// `blob.missing`, `blob.corrupt`, or `data.file` when `to` cannot be written.
    pub fn copy_to(&self, name: &BlobName, to: &mut dyn Write) -> Result<u64> {
        let corrupt = || StoreError::BlobCorrupt(name.0.clone());
        let path = self.path(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(StoreError::BlobMissing(name.0.clone())),
            Err(e) => return Err(StoreError::file("read", &path, e)),
        };
        let on_disk = file.metadata().map_err(|e| StoreError::file("read", &path, e))?.len();
        let mut from = BufReader::with_capacity(CHUNK, file);
        let mut header = [0; HEADER];
        from.read_exact(&mut header).map_err(|_| corrupt())?;
        let (kind, hash, len, prefix) = parse_header(&header).ok_or_else(corrupt)?;
        if BlobName::new(kind, &hash) != *name || on_disk != sealed_len(len) {
            return Err(corrupt());
        }
        let cipher = XChaCha20Poly1305::new(self.seal_key.bytes().into());
        let mut mac = self.mac(kind);
        let mut sealed = vec![0; CHUNK + TAG];
        let mut left = len;
        for index in 0..chunks(len) {
            let plain_len = left.min(CHUNK as u64) as usize;
            let sealed = &mut sealed[..plain_len + TAG];
            from.read_exact(sealed).map_err(|_| corrupt())?;
            let payload = Payload { msg: sealed, aad: &header };
            let plain = cipher.decrypt(&nonce(&prefix, index), payload).map_err(|_| corrupt())?;
            let plain = Zeroizing::new(plain);
            mac.update(&plain);
            to.write_all(&plain).map_err(|e| StoreError::file("copy out", &path, e))?;
            left -= plain_len as u64;
        }
        mac.verify_slice(&hash).map_err(|_| corrupt())?;
        Ok(len)
    }

    pub fn contains(&self, name: &BlobName) -> bool {
        self.path(name).is_file()
    }

    /// Deletes a sealed file; one that is not there is deleted already.
    ///
    /// # Errors
    /// `data.read_only`, `data.file`.
    pub fn delete(&self, name: &BlobName) -> Result<()> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Ok(()) => path.parent().map_or(Ok(()), files::sync_folder),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(StoreError::file("delete", &path, e)),
        }
    }

    /// Deletes a sealed file that was last put before `before`; false when it was put since.
    pub(crate) fn delete_older(&self, name: &BlobName, before: SystemTime) -> Result<bool> {
        let _ages = self.ages.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path(name);
        let modified = fs::metadata(&path).and_then(|m| m.modified()).map_err(|e| StoreError::file("look at", &path, e))?;
        if modified > before {
            return Ok(false);
        }
        self.delete(name)?;
        Ok(true)
    }

    /// Makes a file that is there count as put now; false when there is none.
    fn renew(&self, path: &Path) -> bool {
        let _ages = self.ages.lock().unwrap_or_else(PoisonError::into_inner);
        OpenOptions::new().write(true).open(path).and_then(|file| file.set_modified(SystemTime::now())).is_ok()
    }

    /// The names of all sealed files.
    ///
    /// # Errors
    /// `data.file`.
    pub fn names(&self) -> Result<BTreeSet<BlobName>> {
        let mut names = BTreeSet::new();
        for_each_file(&self.folder, |path| {
            let name = path.file_name().and_then(|n| n.to_str()).and_then(BlobName::parse);
            names.extend(name);
            Ok(())
        })?;
        Ok(names)
    }

    fn write_sealed(&self, path: &Path, kind: BlobKind, hash: &[u8; 32], content: &[u8]) -> Result<()> {
        let prefix: [u8; 16] = random()?;
        let header = header(kind, hash, content.len() as u64, &prefix);
        let cipher = XChaCha20Poly1305::new(self.seal_key.bytes().into());
        let mut file = files::create_private(path)?;
        let mut write = |bytes: &[u8]| file.write_all(bytes).map_err(|e| StoreError::file("write", path, e));
        write(&header)?;
        // Empty content is one empty chunk, so that its tag still guards the header.
        let empty: &[u8] = &[];
        let parts = content.chunks(CHUNK).chain(content.is_empty().then_some(empty));
        for (index, plain) in parts.enumerate() {
            let sealed = cipher
                .encrypt(&nonce(&prefix, index as u64), Payload { msg: plain, aad: &header })
                .map_err(|e| StoreError::KeyDerivation(e.to_string()))?;
            write(&sealed)?;
        }
        file.sync_all().map_err(|e| StoreError::file("sync", path, e))
    }

    fn mac(&self, kind: BlobKind) -> Hmac<Sha256> {
        let mut mac = hmac_sha256(&self.name_key);
        mac.update(&[kind.byte()]);
        mac
    }

    fn hash(&self, kind: BlobKind, content: &[u8]) -> [u8; 32] {
        let mut mac = self.mac(kind);
        mac.update(content);
        mac.finalize().into_bytes().into()
    }

    fn path(&self, name: &BlobName) -> PathBuf {
        // The two characters after the kind spread the files over 256 folders.
        self.folder.join(&name.0[2..4]).join(&name.0)
    }

    /// A crash may leave files that were not finished; nothing refers to them.
    fn remove_partial(&self) -> Result<()> {
        for_each_file(&self.folder, |path| match path.extension() {
            Some(e) if e == "partial" => fs::remove_file(path).map_err(|e| StoreError::file("delete", path, e)),
            _ => Ok(()),
        })
    }
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blobs").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl BlobName {
    fn new(kind: BlobKind, hash: &[u8; 32]) -> BlobName {
        BlobName(format!("{}-{}", char::from(kind.byte()), hex::encode(hash)))
    }

    /// Reads a name back from where it was kept.
    pub fn parse(text: &str) -> Option<BlobName> {
        let (kind, hash) = text.split_once('-')?;
        let kind_known = matches!(kind.as_bytes(), [b] if BlobKind::from_byte(*b).is_some());
        let is_hash = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        (kind_known && is_hash).then(|| BlobName(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn kind(&self) -> Option<BlobKind> {
        self.0.bytes().next().and_then(BlobKind::from_byte)
    }
}

impl fmt::Display for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl BlobKind {
    fn byte(self) -> u8 {
        match self {
            BlobKind::Original => b'o',
            BlobKind::Thumbnail => b't',
            BlobKind::Pixels => b'x',
            BlobKind::Pdf => b'p',
        }
    }

    fn from_byte(byte: u8) -> Option<BlobKind> {
        [BlobKind::Original, BlobKind::Thumbnail, BlobKind::Pixels, BlobKind::Pdf]
            .into_iter()
            .find(|k| k.byte() == byte)
    }
}

/// Visits the files in the folders of a folder of sealed files.
fn for_each_file(folder: &Path, mut visit: impl FnMut(&Path) -> Result<()>) -> Result<()> {
    let list = |folder: &Path| -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(folder).map_err(|e| StoreError::file("list", folder, e))?;
        Ok(entries.filter_map(|e| e.ok().map(|e| e.path())).collect())
    };
    for folder in list(folder)?.iter().filter(|p| p.is_dir()) {
        for file in list(folder)? {
            visit(&file)?;
        }
    }
    Ok(())
}

fn header(kind: BlobKind, hash: &[u8; 32], len: u64, prefix: &[u8; 16]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8] = kind.byte();
    header[9..41].copy_from_slice(hash);
    header[41..49].copy_from_slice(&len.to_be_bytes());
    header[49..].copy_from_slice(prefix);
    header
}

fn parse_header(header: &[u8; HEADER]) -> Option<(BlobKind, [u8; 32], u64, [u8; 16])> {
    if header[..8] != *MAGIC {
        return None;
    }
    let kind = BlobKind::from_byte(header[8])?;
    let len = u64::from_be_bytes(header[41..49].try_into().ok()?);
    let known = (kind, header[9..41].try_into().ok()?, len, header[49..].try_into().ok()?);
    (len <= MAX_LEN).then_some(known)
}

fn nonce(prefix: &[u8; 16], index: u64) -> XNonce {
    let mut nonce = [0; 24];
    nonce[..16].copy_from_slice(prefix);
    nonce[16..].copy_from_slice(&index.to_be_bytes());
    nonce.into()
}

fn chunks(len: u64) -> u64 {
    len.div_ceil(CHUNK as u64).max(1)
}

fn sealed_len(len: u64) -> u64 {
    HEADER as u64 + len + chunks(len) * TAG as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs(folder: &Path) -> Blobs {
        Blobs::open(folder, &Key::new([3; 32])).expect("blobs")
    }

    #[test]
    fn what_is_sealed_comes_back_at_every_length() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(folder.path());
        let check = |len: usize| {
            let content: Vec<u8> = (0..len).map(|i| (i * 31 % 251) as u8).collect();
            let name = blobs.put(BlobKind::Original, &content).unwrap();
            assert_eq!(blobs.put(BlobKind::Original, &content).unwrap(), name, "{len}");
            assert!(blobs.get(&name).unwrap() == content, "{len}");
            assert_eq!(BlobName::parse(name.as_str()), Some(name.clone()));
            assert_eq!(fs::metadata(blobs.path(&name)).unwrap().len(), sealed_len(len as u64));
        };
        for len in [0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            check(len);
        }
        assert_eq!(blobs.names().unwrap().len(), 7);
    }

    #[test]
    fn a_damaged_file_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(folder.path());
        let name = blobs.put(BlobKind::Original, b"content").unwrap();
        let path = blobs.path(&name);
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(blobs.get(&name).unwrap_err().code(), "blob.corrupt");
        assert_eq!(blobs.put(BlobKind::Original, b"content").unwrap(), name);
        assert_eq!(blobs.get(&name).unwrap(), b"content");
    }

    #[test]
    fn threads_may_seal_the_same_content() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(folder.path());
        let content = vec![5; 2 * CHUNK + 1];
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let name = blobs.put(BlobKind::Pixels, &content).unwrap();
                    assert!(blobs.get(&name).unwrap() == content);
                });
            }
        });
        let mut files = 0;
        for_each_file(&blobs.folder, |_| Ok(files += 1)).unwrap();
        assert_eq!(files, 1, "no partial file stays");
        let stray = blobs.folder.join("ab").join("o-1.00.partial");
        files::create_private_folder(stray.parent().unwrap()).unwrap();
        fs::write(&stray, b"x").unwrap();
        drop(self::blobs(folder.path()));
        assert!(!stray.exists(), "an old one is swept when the folder is opened");
    }

    #[test]
    fn kinds_are_kept_apart_and_deleted_apart() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(folder.path());
        let original = blobs.put(BlobKind::Original, b"same").unwrap();
        let pixels = blobs.put(BlobKind::Pixels, b"same").unwrap();
        assert_ne!(original, pixels);
        blobs.delete(&pixels).unwrap();
        blobs.delete(&pixels).unwrap();
        assert!(blobs.contains(&original) && !blobs.contains(&pixels));
        assert_eq!(blobs.get(&pixels).unwrap_err().code(), "blob.missing");
    }

    #[test]
    fn any_change_on_disk_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(folder.path());
        let content = vec![9; CHUNK + 100];
        let name = blobs.put(BlobKind::Original, &content).unwrap();
        let path = blobs.path(&name);
        let good = fs::read(&path).unwrap();
        let check = |bytes: &[u8], what: &str| {
            fs::write(&path, bytes).unwrap();
            let code = blobs.get(&name).err().map(|e| e.code());
            assert_eq!(code, Some("blob.corrupt"), "{what}");
        };
        for at in [0, 8, 9, 45, 60, HEADER, HEADER + CHUNK, HEADER + CHUNK + TAG, good.len() - 1] {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            check(&bytes, &format!("byte {at} flipped"));
        }
        check(&good[..good.len() - 1], "truncated");
        check(&good[..HEADER + CHUNK + TAG], "last chunk missing");
        check(&[&good[..], b"x"].concat(), "longer");
        check(b"", "empty");
        let other = blobs.put(BlobKind::Original, b"other").unwrap();
        check(&fs::read(blobs.path(&other)).unwrap(), "another blob's bytes");
        let stranger = Blobs::open(folder.path(), &Key::new([4; 32])).unwrap();
        fs::write(&path, &good).unwrap();
        assert_eq!(stranger.get(&name).unwrap_err().code(), "blob.corrupt");
        assert!(blobs.get(&name).unwrap() == content);
    }

    #[test]
    fn a_crash_leaves_no_partial_file_behind() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(folder.path());
        let name = blobs.put(BlobKind::Pdf, b"whole").unwrap();
        let partial = blobs.path(&name).with_extension("partial");
        fs::write(&partial, b"half").unwrap();
        let again = self::blobs(folder.path());
        assert!(!partial.exists());
        assert_eq!(again.get(&name).unwrap(), b"whole");
    }
}
