//! Archives whose every number can lie.

/// One stored member after another, with what a table of contents says of them.
pub fn archive(names: &[&str], body: &[u8], change: impl Fn(usize, &mut [u8])) -> Vec<u8> {
    let (mut out, mut table) = (Vec::new(), Vec::new());
    for (n, name) in names.iter().enumerate() {
        let offset = out.len() as u32;
        let mut crc = flate2::Crc::new();
        crc.update(body);
        let mut common = vec![0; 8];
        for long in [crc.sum(), body.len() as u32, body.len() as u32] {
            common.extend(long.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        out.extend(b"PK\x03\x04\x14\0");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(body);
        let mut entry = b"PK\x01\x02\x14\0\x14\0".to_vec();
        entry.extend(&common);
        entry.extend([0; 10]);
        entry.extend(offset.to_le_bytes());
        change(n, &mut entry);
        table.extend(entry);
        table.extend(name.as_bytes());
    }
    let (start, length) = (out.len() as u32, table.len() as u32);
    out.extend(table);
    out.extend(b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        out.extend((names.len() as u16).to_le_bytes());
    }
    out.extend(length.to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}
