//! Hexadecimal digits, one way.

/// Bytes as lower-case digits, two for each.
pub fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[test]
fn every_byte_has_two_digits() {
    assert_eq!(encode(&[0, 0x0f, 0xa0, 0xff]), "000fa0ff");
}
