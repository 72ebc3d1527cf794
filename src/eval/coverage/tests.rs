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
        let files = ["src/a.rs", "README.md"].map(str::to_owned).into();
        let tree = Tree { root: "/abs", files: &files };
        let (whole, part, report) = judge(&lines, &changed("src/a.rs", &[2, 3, 9]), &tree);
        assert_eq!((whole, part), (66, Some(50)), "{text}");
        assert_eq!((report.findings.len(), report.findings[0].line), (1, 2), "{text}");
        assert_eq!(judge(&lines, &changed("README.md", &[1]), &tree).1, None);
    }
}

#[test]
fn a_report_of_nothing_is_none() {
    for text in ["", "SF:a\n", "<coverage/>", "{}", "{\"data\":[]}", "<a/>"] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn code_that_no_test_loads_is_not_covered() {
    let lines = parse("SF:src/app.py\nDA:1,1\nDA:2,1\nend_of_record\n").unwrap();
    let files = ["src/app.py", "src/new.py", "tests/test_new.py", "src/names.py", "notes.md"].map(str::to_owned).into();
    let tree = Tree { root: "/abs", files: &files };
    let with = |path: &str, text: &str| {
        let mut all = changed("src/app.py", &[1, 2]);
        all.add_whole(path, text);
        judge(&lines, &all, &tree)
    };
    let code = "def f(x):\n    if x:\n        return 1\n\n    return 2\n";
    let (_, part, report) = with("src/new.py", code);
    assert_eq!((part, report.findings.len()), (Some(40), 1));
    assert_eq!(report.findings[0].file.as_deref(), Some("src/new.py"));
    // Tests, other languages, names alone, and what is gone: nothing that tests would have to run.
    for (path, text) in
        [("tests/test_new.py", code), ("notes.md", code), ("src/names.py", "A = 1\n"), ("src/gone.py", code)]
    {
        assert_eq!(with(path, text).1, Some(100), "{path}");
    }
}

#[test]
fn a_file_is_not_taken_for_another_one_that_ends_alike() {
    let files = ["main.py", "pkg/main.py", "pkg/other.py", "lib/other.py", "pkg/only.py"].map(str::to_owned).into();
    let tree = Tree { root: "/abs", files: &files };
    let part = |report: &str, path: &str| judge(&parse(report).unwrap(), &changed(path, &[1]), &tree).1;
    assert_eq!(part("SF:pkg/main.py\nDA:1,1\n", "main.py"), None);
    assert_eq!(part("SF:main.py\nDA:1,1\n", "pkg/main.py"), None);
    assert_eq!(part("SF:other.py\nDA:1,1\n", "pkg/other.py"), None, "it may be either");
    assert_eq!(part("SF:only.py\nDA:1,1\n", "pkg/only.py"), Some(100));
    assert_eq!(part("SF:/app/pkg/only.py\nDA:1,1\n", "pkg/only.py"), Some(100));
    assert_eq!(part("SF:/abs/pkg/main.py\nDA:1,1\n", "main.py"), None);
}
