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

/// Numbers of seven bits a byte.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}

/// A structure of Thrift: fields by their numbers, each with its kind and its bytes.
fn structure(fields: &[(u8, u8, Vec<u8>)]) -> Vec<u8> {
    let mut last = 0;
    let mut bytes = Vec::new();
    for (number, kind, value) in fields {
        bytes.push((number - last) << 4 | kind);
        bytes.extend(value);
        last = *number;
    }
    bytes.push(0);
    bytes
}

fn number(number: usize) -> Vec<u8> {
    varint(number as u64 * 2)
}

fn text(text: &str) -> Vec<u8> {
    [varint(text.len() as u64), text.as_bytes().to_vec()].concat()
}

fn list(members: &[Vec<u8>]) -> Vec<u8> {
    let head = if members.len() < 15 {
        vec![u8::try_from(members.len()).unwrap() << 4 | 0x0c]
    } else {
        [vec![0xfc], varint(members.len() as u64)].concat()
    };
    [head, members.concat()].concat()
}

/// A file of so many rows in so many columns, each value the same text of a dictionary of one, in pages of these bytes.
fn bomb(rows: usize, columns: usize, dictionary: &[u8], codec: usize) -> Vec<u8> {
    const I32: u8 = 5;
    const I64: u8 = 6;
    const BINARY: u8 = 8;
    const LIST: u8 = 9;
    const STRUCT: u8 = 12;
    let page = |kind: usize, length: usize, head: (u8, Vec<u8>)| {
        structure(&[
            (1, I32, number(kind)),
            (2, I32, number(length)),
            (3, I32, number(length)),
            (head.0, STRUCT, head.1),
        ])
    };
    let dictionary_head = structure(&[(1, I32, number(1)), (2, I32, number(0))]);
    // One run of the index 0 of one bit. The levels of the second page are as long as nothing.
    let indices = [vec![1], varint(rows as u64 * 2), vec![0]].concat();
    let data_head = structure(&[
        (1, I32, number(rows)),
        (2, I32, number(0)),
        (3, I32, number(rows)),
        (4, I32, number(8)),
        (5, I32, number(0)),
        (6, I32, number(0)),
        (7, 2, Vec::new()),
    ]);
    let mut file = MAGIC.to_vec();
    let first = file.len();
    file.extend(page(2, dictionary.len(), (7, dictionary_head)));
    file.extend(dictionary);
    file.extend(page(3, indices.len(), (8, data_head)));
    file.extend(indices);
    let mut schema = vec![structure(&[(4, BINARY, text("root")), (5, I32, number(columns))])];
    schema.extend(
        (0..columns)
            .map(|at| structure(&[(1, I32, number(6)), (3, I32, number(0)), (4, BINARY, text(&format!("c{at}")))])),
    );
    let about = structure(&[
        (4, I32, number(codec)),
        (5, I64, number(rows)),
        (9, I64, number(first)),
        (11, I64, number(first)),
    ]);
    let chunks: Vec<Vec<u8>> = (0..columns).map(|_| structure(&[(3, STRUCT, about.clone())])).collect();
    let group = structure(&[(1, LIST, list(&chunks)), (3, I64, number(rows))]);
    let footer = structure(&[(2, LIST, list(&schema)), (4, LIST, list(&[group]))]);
    let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
    file.extend(footer);
    file.extend(length);
    file.extend(MAGIC);
    file
}

/// A text as a dictionary has it.
fn entry(length: usize) -> Vec<u8> {
    [u32::try_from(length).unwrap().to_le_bytes().to_vec(), vec![b'x'; length]].concat()
}

#[test]
fn a_small_file_that_unpacks_to_a_large_one_is_refused_before_it_is_unpacked() {
    let good = bomb(3, 2, &entry(4), 0);
    assert_eq!(
        rows(&good).unwrap(),
        vec![serde_json::json!({"c0": "xxxx", "c1": "xxxx"}); 3],
        "the maker of bombs makes files"
    );
    let too_much = |file: &[u8], room: usize| {
        let why = rows_within(file, room << 20).unwrap_err();
        assert!(why.contains(&format!("more than {room} MiB once it is unpacked")), "{why}");
    };
    // A dictionary's long text, again and again: gigabytes in a megabyte.
    too_much(&bomb(1 << 12, 1, &entry(1 << 20), 0), 16);
    // A page that says that it is a gigabyte once it is unpacked.
    let zeros = [varint(1 << 30), vec![0; 64]].concat();
    too_much(&bomb(1, 1, &zeros, 1), ROOM >> 20);
    // Rows by columns, each an empty text: millions of values in some kilobytes.
    too_much(&bomb(1 << 14, 1_000, &entry(0), 0), 16);
    let room = |bytes: usize| rows_within(&good, bytes).is_ok();
    assert!(!room(100) && room(1 << 20));
}
