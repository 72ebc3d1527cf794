use proptest::prelude::*;

use super::*;

fn fed(columns: u16, rows: u16, text: &str) -> (Screen, Vec<Told>) {
    let mut screen = Screen::new(columns, rows);
    let told = screen.feed(text.as_bytes());
    (screen, told)
}

/// What a terminal shows that is sent this.
fn shown(columns: u16, rows: u16, pieces: &[&str]) -> vt100::Screen {
    let mut parser = vt100::Parser::new(at_least_one(rows), at_least_one(columns), 0);
    for piece in pieces {
        parser.process(piece.as_bytes());
    }
    parser.screen().clone()
}

fn rows(screen: &vt100::Screen, columns: u16) -> Vec<String> {
    screen.rows_formatted(0, columns).collect()
}

#[test]
fn a_drawing_shows_the_same_on_a_terminal_of_the_same_size_and_on_a_larger_one() {
    let text = "one\r\n\u{1b}[31mtwo\u{1b}[m\u{1b}[3;5Hthree 日本語\u{1b}[?1000h\u{1b}[?2004h and a line that wraps";
    let (screen, _) = fed(20, 6, text);
    let drawing = screen.image().drawing(None);
    let same = shown(20, 6, &[&drawing]);
    assert_eq!(rows(&same, 20), rows(screen.parser.screen(), 20));
    assert_eq!(same.cursor_position(), screen.parser.screen().cursor_position());
    assert!(same.bracketed_paste());
    let larger = shown(80, 24, &[&drawing]);
    assert_eq!(larger.contents().lines().map(str::trim_end).collect::<Vec<_>>().join("\n"), screen.text());
}

#[test]
fn what_differs_is_enough_and_nothing_is_nothing() {
    let (mut screen, _) = fed(20, 4, "hello");
    let first = screen.image();
    assert_eq!(screen.image().drawing(Some(&first)), "");
    screen.feed(b"\r\x1b[2Kbye\x1b[?25l");
    let second = screen.image();
    let differs = second.drawing(Some(&first));
    assert!(!differs.contains("[2J"), "{differs:?}");
    let seen = shown(20, 4, &[&first.drawing(None), &differs]);
    assert_eq!(rows(&seen, 20), rows(screen.parser.screen(), 20));
    assert!(seen.hide_cursor());
    screen.resize(30, 4);
    assert!(screen.image().drawing(Some(&second)).contains("[2J"), "another size is drawn whole");
}

#[test]
fn titles_bells_notifications_and_states_are_told_in_order() {
    let text = "\u{1b}]0;a;b\u{7}\u{7}\u{1b}]9;turn done\u{7}\u{1b}]777;notify;Claude;waits\u{1b}\\\u{1b}]9;4;1;50\u{7}\
                \u{1b}]7501;state=blocked:kind=permission:msg=aGk=\u{1b}\\";
    let (screen, told) = fed(80, 24, text);
    let expected = [
        Told::Title("a;b".into()),
        Told::Bell,
        Told::Notification("turn done".into()),
        Told::Notification("Claude: waits".into()),
        Told::Status("state=blocked:kind=permission:msg=aGk=".into()),
    ];
    assert_eq!(told, expected);
    assert_eq!(screen.title(), "a;b");
}

#[test]
fn what_programs_ask_a_terminal_at_their_start_is_answered() {
    let (_, told) =
        fed(80, 24, "abc\u{1b}[c\u{1b}[6n\u{1b}]7501;?\u{1b}\\\u{1b}[>q\u{1b}[?2026$p\u{1b}]11;?\u{7}\u{1b}[?u");
    let [Told::Asked(answers)] = told.as_slice() else { panic!("{told:?}") };
    let answers = String::from_utf8_lossy(answers).into_owned();
    let expected = "\u{1b}[?62;22c\u{1b}[1;4R\u{1b}]7501;?\u{1b}\\\u{1b}P>|divisi\u{1b}\\\u{1b}[?2026;0$y\u{1b}]11;rgb:1c1c/1c1c/1c1c\u{1b}\\";
    assert_eq!(answers, expected);
}

#[test]
fn nothing_hostile_reaches_a_viewer() {
    let text = "\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}P+q544e\u{1b}\\\u{1b}_Gx\u{1b}\\\u{1b}]8;;http://evil\u{7}link\u{1b}]0;\u{9b}31m\u{202e}t\u{7}\
                a\u{202e}b\u{1b}[21t\u{9b}5n";
    let (screen, _) = fed(40, 3, text);
    let drawing = screen.image().drawing(None);
    for bad in ["]52", "evil", "\u{9b}", "\u{202e}", "\u{1b}P", "\u{1b}_", "21t"] {
        assert!(!drawing.contains(bad), "{bad:?} in {drawing:?}");
    }
}

#[test]
fn lines_that_leave_the_screen_are_kept_once_and_not_those_of_a_full_screen_program() {
    let (mut screen, _) = fed(20, 3, "1\r\n2\r\n3\r\n4\r\n5");
    assert_eq!(screen.take_scrolled(), "1\n2\n");
    assert_eq!(screen.take_scrolled(), "");
    assert_eq!(screen.text(), "3\n4\n5");
    screen.feed(b"\x1b[?1049h");
    screen.feed("x\r\n".repeat(50).as_bytes());
    screen.feed(b"\x1b[?1049l");
    assert_eq!(screen.take_scrolled(), "");
    screen.feed("long line\r\n".repeat(100_000).as_bytes());
    assert!(screen.take_scrolled().len() <= 2 * KEPT);
}

#[test]
fn few_bytes_never_make_much_work_or_memory() {
    let mut screen = Screen::new(80, 24);
    // 64 KiB of these would print half a billion characters.
    screen.feed("\u{1b}[65535b".repeat(8000).as_bytes());
    screen.feed(b"\x1b]0;");
    for _ in 0..1000 {
        screen.feed(&vec![b'x'; 65536]);
    }
    let told = screen.feed(b"\x07visible");
    assert!(told.iter().all(|told| matches!(told, Told::Title(title) if title.chars().count() <= TITLE)), "{told:?}");
    assert!(screen.text().contains("visible"));
    let bells = screen.feed(&vec![7; 1_000_000]);
    assert_eq!(bells, [Told::Bell]);
}

proptest! {
    #[test]
    fn no_output_and_no_size_breaks_it_and_steps_add_up_to_the_whole(
        pieces in prop::collection::vec((prop::collection::vec(prop_oneof![
            4 => any::<u8>(),
            2 => prop::sample::select(b"\x1b[]?;0123456789mHJKhlABCDLMPSTXbr\r\n\t\x08".as_slice()),
        ], 0..60), 1..60_u16, 1..30_u16, any::<bool>()), 1..12),
    ) {
        let mut screen = Screen::new(20, 5);
        let mut earlier: Option<Image> = None;
        let (mut columns, mut lines) = (20, 5);
        let mut viewer = vt100::Parser::new(at_least_one(lines), at_least_one(columns), 0);
        for (bytes, width, height, resize) in pieces {
            if resize {
                screen.resize(width, height);
                (columns, lines) = (width, height);
                viewer = vt100::Parser::new(at_least_one(lines), at_least_one(columns), 0);
            }
            screen.feed(&bytes);
            let image = screen.image();
            viewer.process(image.drawing(earlier.as_ref().filter(|_| !resize)).as_bytes());
            let text = |screen: &vt100::Screen| screen.rows(0, columns).map(|row| row.trim_end().to_owned()).collect::<Vec<_>>();
            prop_assert_eq!(text(viewer.screen()), text(screen.parser.screen()));
            earlier = Some(image);
        }
    }
}
