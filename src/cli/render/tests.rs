use std::collections::BTreeMap;

use super::table::{Table, cut};
use super::words::{age, context, cost};
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
fn where_there_is_no_room_the_widest_columns_give_and_short_words_stay_whole() {
    let mut table = Table::new(&["TASK", "AGENT", "VERDICT", ""]);
    let cells = ["a-task-with-a-name/and-a-prompt", "an-agent-of-many-words #2", "2/3 winner", "3 files +10 -2"];
    table.row(cells.map(|text| (Style::Plain, text.to_owned())).to_vec());
    for width in [44, 71] {
        for line in table.lines(Some(width)) {
            assert!(line.write(false).chars().count() <= width, "{width}: {}", line.write(false));
        }
        assert!(table.lines(Some(width))[1].write(false).contains("2/3 winner"), "{width}");
    }
    assert!(table.lines(Some(120))[1].write(false).contains("/and-a-prompt  an-agent-of-many-words #2  2/3"));
}

#[test]
fn small_words() {
    assert_eq!(
        [age(0, 59_999), age(0, 60_000), age(0, 7_200_000), age(0, 172_800_000), age(9, 0)],
        ["59s", "1m", "2h", "2d", "0s"]
    );
}

#[test]
fn costs_say_whether_they_are_told_estimated_partial_or_unknown() {
    let told = |cost: Option<i64>, source, partial| Usage {
        cost_source: source,
        input: 10,
        cost_micros: cost,
        cost_partial: partial,
        currency: cost.map(|_| "USD".to_owned()),
        ..Usage::default()
    };
    for (usage, expected) in [
        (told(Some(1_234_567), UsageSource::Reported, false), "$1.23"),
        (told(Some(124_000), UsageSource::Estimated, false), "~$0.12"),
        (told(Some(124_000), UsageSource::Estimated, true), "~$0.12+"),
        (told(Some(3), UsageSource::Estimated, false), "~<$0.01"),
        (told(None, UsageSource::Reported, false), "?"),
        (Usage::default(), ""),
        (
            Usage { currency: Some("credits".to_owned()), ..told(Some(2_500_000), UsageSource::Reported, false) },
            "2.50 credits",
        ),
    ] {
        assert_eq!(cost(&usage, 2), expected);
    }
    assert_eq!(cost(&told(Some(5520), UsageSource::Reported, false), 4), "$0.0055");
    let filled = Usage { context_used: Some(50_000), context_size: Some(200_000), ..Usage::default() };
    assert_eq!(context(&filled), "25% full: 50000 of 200000 tokens");
    assert_eq!(context(&Usage { context_size: Some(0), ..Usage::default() }), "");
}
