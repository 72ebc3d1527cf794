use super::*;

#[test]
fn every_entry_of_the_list_is_sound() {
    for entry in list() {
        assert!(!entry.what.is_empty() && !entry.remedy.is_empty() && !entry.what.ends_with('.'), "{entry:?}");
        for comparison in entry.versions.split_whitespace() {
            let bound = comparison.trim_start_matches(['<', '>', '=']);
            assert_eq!(version_in(bound).as_deref(), Some(bound), "{entry:?}");
            let (below, above) = ("0.0.0-a", "99999999999.0");
            assert!(holds(comparison, bound) || holds(comparison, below) || holds(comparison, above), "{entry:?}");
        }
    }
    assert!(mentions("claude") && !mentions("sh"));
    assert!(problems("claude", "2.1.197")[0].what.contains("cost"));
    assert_eq!(problems("claude", "2.1.329"), []);
    assert_eq!(problems("codex-acp", "2.6.0"), []);
    assert!(!problems("codex-acp", "0.16.0").is_empty());
}

#[test]
fn ranges() {
    for (range, version, expected) in [
        ("<2.1.329", "2.1.197", true),
        ("<2.1.329", "2.1.1000", false),
        (">=0.20 <0.49", "0.49.0", false),
        (">=0.20 <0.49", "0.48.9", true),
        ("0.16", "0.16.0", true),
        ("=0.16.1", "0.16.0", false),
        ("<1.0.0", "1.0.0-rc.1", true),
        ("<=1.0", "1.0.0+build", true),
        (">1.0", "1.0.0", false),
        ("~1.0", "1.0.0", false),
        ("", "1.0.0", false),
    ] {
        assert_eq!(holds(range, version), expected, "{version} {range}");
    }
}

#[test]
fn a_version_is_found_in_what_programs_say() {
    for (said, version) in [
        ("2.1.329 (Claude Code)\n", Some("2.1.329")),
        ("codex-cli 0.169.0", Some("0.169.0")),
        ("amp/0.0.1790142911-g1a2b3c linux", Some("0.0.1790142911-g1a2b3c")),
        ("v1.18.33", Some("1.18.33")),
        ("usage: 3 of them", None),
        ("1.", None),
        ("\u{1b}[1m2.0.0\u{1b}[0m", None),
        ("", None),
    ] {
        assert_eq!(version_in(said).as_deref(), version, "{said}");
    }
}

proptest::proptest! {
    #[test]
    fn nothing_a_program_says_makes_a_panic_or_an_escape(said in "\\PC*", range in "[<>=~0-9. a-]{0,20}") {
        if let Some(version) = version_in(&said) {
            proptest::prop_assert!(version.is_ascii() && !version.contains(char::is_control));
            let _ = holds(&range, &version);
        }
    }
}
