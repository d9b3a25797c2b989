//! NumPy's array file, version 1.0, little endian, C order.

/// Writes an array file. `dtype` is a NumPy type string such as `<u2`; `bytes`
/// are the values in little-endian order, as many as the shape has places.
pub fn write(dtype: &str, shape: &[u32], bytes: &[u8]) -> Vec<u8> {
    let places: Vec<String> = shape.iter().map(u32::to_string).collect();
    let comma = if places.len() == 1 { "," } else { "" };
    let mut head = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({}{comma}), }}", places.join(", "));
    // The data starts at a multiple of 64 bytes: magic, version, length, text, line end.
    let unpadded = 10 + head.len() + 1;
    head.push_str(&" ".repeat(unpadded.next_multiple_of(64) - unpadded));
    head.push('\n');
    let mut file = Vec::with_capacity(10 + head.len() + bytes.len());
    file.extend_from_slice(b"\x93NUMPY\x01\x00");
    file.extend_from_slice(&(head.len() as u16).to_le_bytes());
    file.extend_from_slice(head.as_bytes());
    file.extend_from_slice(bytes);
    file
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_file_is_numpys() {
        let file = super::write("<u2", &[2, 3], &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]);
        assert_eq!(&file[..10], b"\x93NUMPY\x01\x00\x76\x00");
        assert_eq!(file.len(), 128 + 12);
        let head = std::str::from_utf8(&file[10..128]).unwrap();
        assert!(head.starts_with("{'descr': '<u2', 'fortran_order': False, 'shape': (2, 3), }"));
        assert!(head.ends_with('\n'));
        let line = super::write("|u1", &[4], &[0; 4]);
        assert!(String::from_utf8_lossy(&line).contains("'shape': (4,), }"));
    }
}
