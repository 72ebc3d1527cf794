use super::*;
use crate::eval::changed::Changed;

fn changed(path: &str, lines: &[u32]) -> Changed {
    let lines = lines.iter().map(|line| (*line, String::new())).collect();
    Changed { files: BTreeMap::from([(path.to_owned(), lines)]), ..Changed::default() }
}

#[test]
fn three_formats_say_the_same() {
    let lcov = "SF:/abs/src/a.rs\nDA:1,1\nDA:2,0\nDA:3,4\nend_of_record\n";
    let cobertura = r#"<coverage><packages><package><classes><class filename="src/a.rs"><lines>
        <line number="1" hits="1"/><line number="2" hits="0"/><line number="3" hits="4"/></lines></class></classes></package></packages></coverage>"#;
    let llvm = r#"{"data":[{"files":[{"filename":"/abs/src/a.rs","segments":[[1,1,1,true,true,false],[1,9,0,false,false,false],
        [2,1,0,true,true,false],[2,9,0,false,false,false],[3,1,4,true,true,false],[3,9,0,false,false,false]]}]}]}"#;
    for text in [lcov, cobertura, llvm] {
        let lines = parse(text).unwrap();
        let (whole, part, report) = judge(&lines, &changed("src/a.rs", &[2, 3, 9]));
        assert_eq!((whole, part), (66, Some(50)), "{text}");
        assert_eq!((report.findings.len(), report.findings[0].line), (1, 2), "{text}");
        assert_eq!(judge(&lines, &changed("README.md", &[1])).1, None);
    }
}

#[test]
fn a_report_of_nothing_is_none() {
    for text in ["", "SF:a\n", "<coverage/>", "{}", "{\"data\":[]}", "<a/>"] {
        assert!(parse(text).is_err(), "{text}");
    }
}
