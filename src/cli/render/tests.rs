use std::collections::BTreeMap;

use super::table::{Table, cut};
use super::words::{age, usage};
use super::{Line, Style, escaped, refusal_text};
use crate::model::Refusal;
use crate::model::usage::{Usage, UsageSource};

const EVIL: &str = "\u{1b}]52;c;AAAA\u{7}\u{9b}31m\u{202e}x\u{7f}\r\ny";

#[test]
fn no_text_reaches_the_terminal_raw() {
    let line = Line::new().add(Style::Bad, EVIL).add(Style::Plain, EVIL);
    assert!(!line.write(false).chars().any(char::is_control), "{:?}", line.write(false));
    let coloured = line.write(true);
    assert_eq!(coloured.matches('\u{1b}').count(), 2, "only our own: {coloured:?}");
    assert!(coloured.starts_with("\u{1b}[31m␛]52"));
    let mut table = Table::new(&["A", "B"]);
    table.row(vec![(Style::Plain, EVIL.to_owned()), (Style::Plain, EVIL.to_owned())]);
    assert!(table.lines(Some(40)).iter().all(|line| !line.write(false).chars().any(char::is_control)));
    let refusal = refusal_text(&Refusal::user(EVIL).hint(EVIL));
    assert!(!refusal.chars().any(|c| c.is_control() && c != '\n'));
}

#[test]
fn json_escapes_what_a_terminal_would_obey() {
    let document = BTreeMap::from([("k", EVIL)]);
    let json = escaped(&serde_json::to_string(&document).unwrap());
    assert!(!json.chars().any(|c| c.is_control() || c == '\u{202e}'), "{json}");
    assert_eq!(serde_json::from_str::<BTreeMap<&str, String>>(&json).unwrap()["k"], EVIL);
}

#[test]
fn tables_fit() {
    let mut table = Table::new(&["NAME", "TEXT"]);
    table.row(vec![(Style::Plain, "日本".to_owned()), (Style::Plain, "a long text that does not fit".to_owned())]);
    let lines: Vec<_> = table.lines(Some(20)).iter().map(|line| line.write(false)).collect();
    assert_eq!(lines, ["NAME  TEXT", "日本  a long text t…"]);
    let all = table.lines(None);
    assert!(all[1].write(false).ends_with("does not fit"));
    assert_eq!(cut("日本語", 5), "日本…");
    assert_eq!(cut("日本語", 4), "日…");
    assert_eq!(cut("abc", 3), "abc");
}

#[test]
fn small_words() {
    assert_eq!(
        [age(0, 59_999), age(0, 60_000), age(0, 7_200_000), age(0, 172_800_000), age(9, 0)],
        ["59s", "1m", "2h", "2d", "0s"]
    );
    let figures = Usage {
        source: UsageSource::Reported,
        input: 10,
        output: 5,
        cost_micros: Some(1_234_500),
        currency: Some("USD".to_owned()),
        ..Usage::default()
    };
    assert_eq!(usage(&figures), "15 tokens, 1.2345 USD (reported)");
    assert_eq!(usage(&Usage::default()), "");
}
