use super::*;

/// Made by pyarrow: snappy, two groups of rows, dictionaries, pages of version 1.
const ONE: &[u8] = include_bytes!("../../../../tests/fixtures/parquet/one.parquet");
/// Without dictionaries, and with pages of version 2.
const TWO: &[u8] = include_bytes!("../../../../tests/fixtures/parquet/two.parquet");
/// Compressed in another way.
const OTHER: &[u8] = include_bytes!("../../../../tests/fixtures/parquet/zstd.parquet");
/// What is in the first two.
const ROWS: &str = include_str!("../../../../tests/fixtures/parquet/rows.jsonl");

#[test]
fn rows_are_as_their_writer_has_them() {
    let expected: Vec<Value> = ROWS.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows(ONE).unwrap(), expected);
    assert_eq!(rows(TWO).unwrap(), expected);
}

#[test]
fn what_is_not_understood_is_said() {
    assert_eq!(rows(OTHER).unwrap_err(), "column instance_id: it is compressed by zstd, and only snappy is understood");
    for none in [&b""[..], b"PAR1", b"PAR1PAR1", b"{\"instance_id\": \"a\"}"] {
        assert!(rows(none).is_err());
    }
}

#[test]
fn damage_is_an_error_or_another_value_and_never_more() {
    for file in [ONE, TWO] {
        for length in 0..file.len() {
            assert!(rows(&file[..length]).is_err());
        }
        let mut damaged = file.to_vec();
        for at in 0..file.len() {
            for change in [0xff, 0x80, 0x01] {
                damaged[at] ^= change;
                // Whatever comes of it: it comes.
                let _ = rows(&damaged);
                damaged[at] = file[at];
            }
        }
    }
}

#[test]
fn copies_reach_into_what_they_make() {
    // Eight bytes: `ab` as it stands, then six more from two back.
    assert_eq!(unsnap(&[8, 0x04, b'a', b'b', 0x09, 2]).unwrap(), b"abababab");
    assert_eq!(unsnap(&[8, 0x04, b'a', b'b', 0x09, 3]), None, "nothing is there");
    assert_eq!(unsnap(&[7, 0x04, b'a', b'b', 0x09, 2]), None, "it is too long");
    // A run of three times 5, then eight numbers of three bits.
    let pack = [0x88_u8, 0xc7, 0xfa];
    let bytes = [&[6, 5, 3], &pack[..]].concat();
    assert_eq!(packed(&bytes, 3, 11).unwrap(), [5, 5, 5, 0, 1, 6, 3, 4, 5, 6, 7]);
    assert_eq!(packed(&bytes, 3, 12), None);
}
