//! The search for numbers that are none: one NaN in the weights makes every
//! answer a NaN, and an engine says nothing of it.

use safetensors::tensor::Dtype;

use crate::error::{PackError, Result};
use crate::weights::{TensorHeader, Tensors};

/// Looks through one weight file while its bytes go by, in pieces of any length.
/// Memory does not grow with the file.
pub(crate) struct FiniteCheck {
    file: String,
    /// The file's tensors in the order of their bytes.
    tensors: Vec<Tensor>,
    /// The tensor that holds the next byte, or the one after it.
    current: usize,
    /// Bytes that have gone by.
    position: u64,
    /// The beginning of a number that the last piece cut.
    cut: Vec<u8>,
}

struct Tensor {
    name: String,
    bytes: std::ops::Range<u64>,
    format: Format,
}

/// Where the exponent lies; all its bits are set in a NaN and in an infinity
/// (IEEE 754-2019, 3.4; bfloat16 is the upper half of binary32).
#[derive(Clone, Copy)]
enum Format {
    Half,
    Brain,
    Single,
}

impl Format {
    fn of(dtype: Dtype) -> Option<Self> {
        match dtype {
            Dtype::F16 => Some(Self::Half),
            Dtype::BF16 => Some(Self::Brain),
            Dtype::F32 => Some(Self::Single),
            _ => None,
        }
    }

    fn width(self) -> usize {
        match self {
            Self::Half | Self::Brain => 2,
            Self::Single => 4,
        }
    }

    /// Whether every number is one. No early end: the loop then works on many
    /// numbers at a time, and damage is rare.
    fn all_finite(self, numbers: &[u8]) -> bool {
        let halves = |mask: u16| {
            numbers.chunks_exact(2).fold(false, |bad, n| bad | (u16::from_le_bytes([n[0], n[1]]) & mask == mask))
        };
        let bad = match self {
            Self::Half => halves(0x7C00),
            Self::Brain => halves(0x7F80),
            Self::Single => numbers.chunks_exact(4).fold(false, |bad, n| {
                bad | (u32::from_le_bytes([n[0], n[1], n[2], n[3]]) & 0x7F80_0000 == 0x7F80_0000)
            }),
        };
        !bad
    }

    /// "NaN" or "infinite" for one number that is not finite.
    fn kind(self, number: &[u8]) -> &'static str {
        let fraction = match self {
            Self::Half => u32::from(u16::from_le_bytes([number[0], number[1]]) & 0x03FF),
            Self::Brain => u32::from(u16::from_le_bytes([number[0], number[1]]) & 0x007F),
            Self::Single => u32::from_le_bytes([number[0], number[1], number[2], number[3]]) & 0x007F_FFFF,
        };
        if fraction == 0 { "infinite" } else { "NaN" }
    }
}

impl FiniteCheck {
    /// For the file of this name; finds nothing in a file that holds no tensors.
    pub fn new(file: &str, tensors: &Tensors) -> Self {
        let of_file = tensors.iter().filter(|(_, header)| header.file == file);
        Self::over(file, of_file.map(|(name, header)| (name.as_str(), header)))
    }

    /// For a file that holds no tensors of its own format.
    pub fn none() -> Self {
        Self::over("", std::iter::empty())
    }

    fn over<'a>(file: &str, tensors: impl Iterator<Item = (&'a str, &'a TensorHeader)>) -> Self {
        let mut tensors: Vec<Tensor> = tensors
            .filter_map(|(name, header)| {
                let format = Format::of(header.dtype)?;
                Some(Tensor { name: name.to_owned(), bytes: header.bytes.clone(), format })
            })
            .collect();
        tensors.sort_by_key(|tensor| tensor.bytes.start);
        Self { file: file.to_owned(), tensors, current: 0, position: 0, cut: Vec::with_capacity(4) }
    }

    /// The next piece of the file. Fails with `pack.not_finite`, which names the
    /// tensor and the number in it.
    pub fn feed(&mut self, mut piece: &[u8]) -> Result<()> {
        while let Some(tensor) = self.tensors.get(self.current) {
            if self.position < tensor.bytes.start {
                let skip = (tensor.bytes.start - self.position).min(piece.len() as u64) as usize;
                self.position += skip as u64;
                piece = &piece[skip..];
            }
            if piece.is_empty() {
                return Ok(());
            }
            let width = tensor.format.width();
            if !self.cut.is_empty() {
                let more = (width - self.cut.len()).min(piece.len());
                self.cut.extend_from_slice(&piece[..more]);
                self.position += more as u64;
                piece = &piece[more..];
                if self.cut.len() < width {
                    return Ok(());
                }
                let number = std::mem::take(&mut self.cut);
                self.look(&number, self.position - width as u64)?;
            }
            let tensor = &self.tensors[self.current];
            let left = (tensor.bytes.end - self.position).min(piece.len() as u64) as usize;
            let (numbers, rest) = piece.split_at(left);
            let whole = numbers.len() / width * width;
            self.look(&numbers[..whole], self.position)?;
            self.cut.extend_from_slice(&numbers[whole..]);
            self.position += left as u64;
            piece = rest;
            if self.position == self.tensors[self.current].bytes.end {
                self.cut.clear();
                self.current += 1;
            }
        }
        self.position += piece.len() as u64;
        Ok(())
    }

    /// Whole numbers of the current tensor, the first at this place of the file.
    fn look(&self, numbers: &[u8], at: u64) -> Result<()> {
        let Tensor { name, bytes, format } = &self.tensors[self.current];
        if format.all_finite(numbers) {
            return Ok(());
        }
        let width = format.width();
        let bad = numbers.chunks_exact(width).position(|number| !format.all_finite(number)).unwrap_or(0);
        Err(PackError::NotFinite {
            file: self.file.clone(),
            tensor: name.clone(),
            index: (at - bytes.start) / width as u64 + bad as u64,
            value: format.kind(&numbers[bad * width..(bad + 1) * width]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds three tensors with a gap before each, cut at every multiple of `piece`.
    fn check(spoil: Option<(usize, &[u8])>, piece: usize, expected: Option<(&str, u64, &str)>) {
        // Bytes 3..13: five halves; 14..24: five bfloat16; 27..43: four float32.
        let header =
            |dtype, range: std::ops::Range<u64>| TensorHeader { file: "f".into(), shape: vec![], dtype, bytes: range };
        let headers = [
            ("half", header(Dtype::F16, 3..13)),
            ("brain", header(Dtype::BF16, 14..24)),
            ("single", header(Dtype::F32, 27..43)),
        ];
        // What lies between the tensors looks like NaN in every format.
        let mut file = vec![0xFF; 50];
        for (_, header) in &headers {
            file[header.bytes.start as usize..header.bytes.end as usize].fill(0x35);
        }
        if let Some((at, bytes)) = spoil {
            file[at..at + bytes.len()].copy_from_slice(bytes);
        }
        let mut check = FiniteCheck::over("f", headers.iter().map(|(name, header)| (*name, header)));
        let found = file.chunks(piece).try_for_each(|piece| check.feed(piece)).err();
        let found = found.map(|error| match error {
            PackError::NotFinite { tensor, index, value, .. } => (tensor, index, value),
            other => panic!("{other}"),
        });
        let expected = expected.map(|(tensor, index, value)| (tensor.to_owned(), index, value));
        assert_eq!(found, expected, "{spoil:?} in pieces of {piece}");
    }

    #[test]
    fn numbers_that_are_none_are_found_wherever_the_pieces_are_cut() {
        for piece in 1..=50 {
            check(None, piece, None);
            for (at, bytes, tensor, index, value) in [
                (3, &[0x00, 0x7C][..], "half", 0, "infinite"),
                (11, &[0x01, 0xFC], "half", 4, "NaN"),
                (14, &[0x80, 0x7F], "brain", 0, "infinite"),
                (18, &[0xC0, 0xFF], "brain", 2, "NaN"),
                (27, &[0, 0, 0x80, 0xFF], "single", 0, "infinite"),
                (39, &[1, 0, 0x80, 0x7F], "single", 3, "NaN"),
            ] {
                check(Some((at, bytes)), piece, Some((tensor, index, value)));
            }
            // Large, and numbers all the same.
            check(Some((3, &[0xFF, 0x7B])), piece, None);
            check(Some((14, &[0x7F, 0x7F])), piece, None);
            check(Some((27, &[0xFF, 0xFF, 0x7F, 0x7F])), piece, None);
        }
    }
}
