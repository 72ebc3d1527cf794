use std::collections::BTreeMap;

use super::*;

#[test]
fn only_changed_lines_cost_points() {
    let files = BTreeMap::from([
        ("a.sh".to_owned(), vec![(2, String::new()), (3, String::new())]),
        ("odd\u{1b}.sh".to_owned(), vec![(1, String::new())]),
    ]);
    let changed = Changed { files, ..Changed::default() };
    let one = |line: u32, level: &str| {
        format!(r#"{{"file":"/tree/of/a.sh","line":{line},"column":1,"level":"{level}","code":1,"message":"m"}}"#)
    };
    let said = [one(1, "error"), one(2, "error"), one(3, "warning"), one(3, "info")].join(",");
    let names = ["a.sh", "odd\u{1b}.sh"].map(str::to_owned).into();
    let tree = Tree { root: "/tree/of", files: &names };
    let (score, report) = judge(Linter::Shellcheck, &format!("{{\"comments\":[{said}]}}"), &tree, &changed).unwrap();
    assert_eq!((score, report.errors, report.findings.len()), (94, 1, 3));
    let many = vec![one(2, "error"); 30].join(",");
    assert_eq!(judge(Linter::Shellcheck, &format!("[{many}]"), &tree, &changed).unwrap().0, 0);
    // A strange name hides nothing.
    let odd = one(1, "error").replace("a.sh", "odd\\u001b.sh");
    let (score, report) = judge(Linter::Shellcheck, &format!("[{odd}]"), &tree, &changed).unwrap();
    assert_eq!((score, report.findings[0].file.as_deref()), (95, Some("odd␛.sh")));
}
