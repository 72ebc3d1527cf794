use super::{Line, LineReader};

async fn lines(bytes: &[u8], limit: usize) -> Vec<Line> {
    let mut reader = LineReader::new(bytes, limit);
    let mut found = Vec::new();
    loop {
        let line = reader.next().await.unwrap();
        let last = !matches!(line, Line::Full(_));
        found.push(line);
        if last {
            return found;
        }
    }
}

fn full(text: &str) -> Line {
    Line::Full(text.as_bytes().to_vec())
}

#[tokio::test]
async fn lines_are_split_and_bounded() {
    assert_eq!(lines(b"a\n\nbc\n", 10).await, [full("a"), full(""), full("bc"), Line::End { partial: false }]);
    assert_eq!(lines(b"a\nhalf", 10).await, [full("a"), Line::End { partial: true }]);
    assert_eq!(lines(b"12345\n123456\n", 5).await, [full("12345"), Line::TooLong]);
    assert_eq!(lines(&vec![b'x'; 200_000], 100_000).await, [Line::TooLong]);
}
