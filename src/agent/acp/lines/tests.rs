use super::*;

fn run(chunks: &[&[u8]]) -> (Vec<Option<Vec<u8>>>, Vec<u8>) {
    let mut reader = LineReader::default();
    let mut lines = Vec::new();
    for chunk in chunks {
        reader.push(chunk, &mut |line| {
            lines.push(match line {
                Line::Whole(line) => Some(line.to_vec()),
                Line::TooLong => None,
            });
        });
    }
    (lines, reader.finish())
}

#[test]
fn a_split_anywhere_gives_the_same_lines() {
    let text = b"one\n\r\ntwo\r\n\n  three \nrest";
    let whole = run(&[text]);
    let line = |text: &str| Some(text.as_bytes().to_vec());
    assert_eq!(whole, (vec![line("one"), line("two"), line("three")], b"rest".to_vec()));
    for at in 0..=text.len() {
        assert_eq!(run(&[&text[..at], &text[at..]]), whole, "split at {at}");
    }
    assert_eq!(run(&text.chunks(1).collect::<Vec<_>>()), whole);
}

#[test]
fn a_line_over_the_limit_is_told_once_and_skipped() {
    let mut text = b"before\n".to_vec();
    text.extend(vec![b'x'; LONGEST + 5]);
    text.extend(b"\nafter\n");
    let expected = vec![Some(b"before".to_vec()), None, Some(b"after".to_vec())];
    for size in [1 << 16, 1 << 20, text.len()] {
        assert_eq!(run(&text.chunks(size).collect::<Vec<_>>()).0, expected, "chunks of {size}");
    }
}

#[test]
fn a_line_of_exactly_the_limit_is_read() {
    let mut text = vec![b'x'; LONGEST];
    text.push(b'\n');
    for size in [1 << 20, text.len()] {
        assert_eq!(run(&text.chunks(size).collect::<Vec<_>>()).0.len(), 1);
        assert!(run(&text.chunks(size).collect::<Vec<_>>()).0[0].is_some());
    }
}
