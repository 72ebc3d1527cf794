use super::*;

/// Feeds `chunks` and joins what came out, per stream; the last total left out beside it.
fn run(chunks: &[(bool, &[u8])]) -> ([String; 2], u64) {
    let mut output = BoundedOutput::default();
    let mut updates = Vec::new();
    for (stderr, bytes) in chunks {
        output.push(*stderr, bytes, &mut updates);
    }
    output.finish(&mut updates);
    let mut texts = [String::new(), String::new()];
    let mut elided = 0;
    for update in updates {
        match update {
            Update::Output { stderr, text } => texts[usize::from(stderr)].push_str(&text),
            Update::Elided(total) => {
                assert!(total >= elided, "the total never shrinks");
                elided = total;
            }
            other => panic!("{other:?}"),
        }
    }
    (texts, elided)
}

#[test]
fn a_split_at_every_byte_gives_the_text_of_the_whole() {
    let cases: [&[u8]; 6] = [
        "grün → 日本 🦀 end".as_bytes(),
        b"a\xffb\xc3(\xe2\x82 \xf0\x9f\x92",
        b"\xed\xa0\x80 surrogate \xf4\x90\x80\x80 beyond",
        b"\xc3",
        b"",
        b"\xf0\x9f\xa6\x80\xf0\x9f\xa6",
    ];
    for bytes in cases {
        let whole = String::from_utf8_lossy(bytes).into_owned();
        for at in 0..=bytes.len() {
            let (texts, elided) = run(&[(false, &bytes[..at]), (false, &bytes[at..])]);
            assert_eq!(texts[0], whole, "split at {at} of {bytes:?}");
            assert_eq!(elided, 0);
        }
        let single: Vec<(bool, &[u8])> = bytes.chunks(1).map(|byte| (false, byte)).collect();
        assert_eq!(run(&single).0[0], whole);
    }
}

#[test]
fn the_streams_do_not_disturb_each_other() {
    let crab = "🦀".as_bytes();
    let (texts, _) = run(&[(false, &crab[..2]), (true, b"err"), (false, &crab[2..])]);
    assert_eq!(texts, ["🦀".to_owned(), "err".to_owned()]);
}

#[test]
fn a_flood_is_counted_and_its_end_shown_whatever_the_chunks() {
    let flood: Vec<u8> = (0..9_000_000_u32).map(|n| if n % 61 == 0 { b'\n' } else { b'a' + (n % 26) as u8 }).collect();
    let mut reference = None;
    for size in [1_000, 65_536, 3_000_000, flood.len()] {
        let chunks: Vec<(bool, &[u8])> = flood.chunks(size).map(|chunk| (false, chunk)).collect();
        let (texts, elided) = run(&chunks);
        assert_eq!(texts[0].len() as u64 + elided, flood.len() as u64);
        assert_eq!(texts[0].len(), SHOWN + TAIL);
        assert!(texts[0].as_bytes().ends_with(&flood[flood.len() - TAIL..]));
        assert_eq!(*reference.get_or_insert((texts[0].clone(), elided)), (texts[0].clone(), elided));
    }
}

#[test]
fn a_flood_makes_few_updates() {
    let mut output = BoundedOutput::default();
    let mut updates = Vec::new();
    let chunk = vec![b'x'; 4096];
    for _ in 0..20_000 {
        output.push(true, &chunk, &mut updates);
    }
    let reports = updates.iter().filter(|update| matches!(update, Update::Elided(_))).count();
    assert!((5..=8).contains(&reports), "{reports}");
    output.finish(&mut updates);
    let before = updates.len();
    output.push(true, b"next turn", &mut updates);
    assert_eq!(updates[before..], [Update::Output { stderr: true, text: "next turn".to_owned() }]);
}

#[test]
fn the_limit_never_cuts_a_character() {
    let text = "ä".repeat(SHOWN);
    let (texts, elided) = run(&[(false, b"x"), (false, text.as_bytes())]);
    assert!(!texts[0].contains(char::REPLACEMENT_CHARACTER));
    assert_eq!(texts[0].len() as u64 + elided, text.len() as u64 + 1);
}
