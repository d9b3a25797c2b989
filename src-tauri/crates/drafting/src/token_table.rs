//! The token table of a quantised pack, read where it lies.
//!
//! It has 262144 rows, of which a prompt needs a few hundred: 1.3 GB that need not be in memory.

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

use crate::DraftingError;
use crate::weights::read_header;

const NAME: &str = "language_model.model.embed_tokens.weight";

/// Rows of brain floats in a mapped safetensors file.
pub(crate) struct TokenTable {
    file: Mmap,
    start: usize,
    rows: usize,
    columns: usize,
}

impl TokenTable {
    /// # Errors
    /// A file that cannot be read, or without such a table in bfloat16.
    pub(crate) fn open(path: &Path) -> Result<Self, DraftingError> {
        let refuse = |what: &str| DraftingError::Weights { path: path.to_owned(), what: what.to_owned() };
        let (header, _) = read_header(path)?;
        let entry = header.get(NAME).ok_or_else(|| refuse("it has no token table"))?;
        let number = |value: &serde_json::Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
        let pair = |value: &serde_json::Value| match value.as_array().map(Vec::as_slice) {
            Some([a, b]) => Some((number(a)?, number(b)?)),
            _ => None,
        };
        let (rows, columns) = pair(&entry["shape"]).ok_or_else(|| refuse("its token table is no matrix"))?;
        let (begin, end) = pair(&entry["data_offsets"]).ok_or_else(|| refuse("its token table lies nowhere"))?;
        let read = |source| DraftingError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(read)?;
        // SAFETY: a pack is written once and then only read; its folder belongs to this program.
        let file = unsafe { Mmap::map(&file) }.map_err(read)?;
        let head = file.get(..8).and_then(|head| head.try_into().ok()).map(u64::from_le_bytes);
        let start = head.and_then(|head| usize::try_from(head).ok()?.checked_add(8)?.checked_add(begin));
        let start = start.ok_or_else(|| refuse("it is shorter than a header"))?;
        let bytes = rows.checked_mul(columns).and_then(|cells| cells.checked_mul(2));
        let fits = bytes.is_some() && end.checked_sub(begin) == bytes && start + (end - begin) <= file.len();
        if entry["dtype"] != "BF16" || !fits {
            return Err(refuse("its token table is not in bfloat16, or not whole"));
        }
        Ok(Self { file, start, rows, columns })
    }

    /// Copies the rows of these tokens, widened, which is exact.
    ///
    /// # Panics
    /// For a token beyond the table.
    pub(crate) fn rows(&self, tokens: &[u32], out: &mut [f32]) {
        for (&token, out) in tokens.iter().zip(out.chunks_exact_mut(self.columns)) {
            assert!((token as usize) < self.rows, "token {token} of {}", self.rows);
            let start = self.start + token as usize * self.columns * 2;
            for (out, bytes) in out.iter_mut().zip(self.file[start..start + self.columns * 2].chunks_exact(2)) {
                *out = f32::from_bits(u32::from(u16::from_le_bytes([bytes[0], bytes[1]])) << 16);
            }
        }
    }
}
