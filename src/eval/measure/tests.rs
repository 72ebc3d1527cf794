use proptest::prelude::*;

use super::*;

#[test]
fn credentials_are_known_by_their_shape() {
    for line in [
        "aws = AKIAQRSTUVWX12345678",
        "token: ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "password = \"hunter2-Zq9-plum-3381\"",
        "const API_KEY: &'static str = \"hunter2-Zq9-plum-3381\";",
        "  private readonly apiKey: string = 'hunter2-Zq9-plum-3381',",
        "{\"user\": \"me\", \"password\": \"hunter2-Zq9-plum-3381\"}",
        "config[\"access_key\"] := `hunter2-Zq9-plum-3381`",
        "connect(host=\"db\", password=\"hunter2-Zq9-plum-3381\")",
        "export STRIPE_SECRET=9aB3kLmQ82xYzW04tRv",
        "db_password: 9aB3kLmQ82xYzW04tRv",
        "API_TOKEN=0123456789abcdef0123456789abcdef",
    ] {
        assert!(credentials::find(line).is_some(), "{line}");
    }
    for line in [
        "let token = next_token();",
        "password = \"your-password-here-123\"",
        "api_key = \"${API_KEY_FROM_ENV_1234567}\"",
        "sk-",
        "AKIA is a prefix",
        "tokenizer = \"bert-base-uncased-2024-v12\"",
        "token = default_session_token_2",
        "secret: SecretKind::OfVersion123Something",
        "password=$(pass show db/Production123456)",
        "let token: Token = \"short\";",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ] {
        assert_eq!(credentials::find(line), None, "{line}");
    }
}

#[test]
fn branches_of_functions_are_counted_in_every_language() {
    for (path, text, expected) in [
        (
            "a.rs",
            "fn one() {\n    if a && b { c(); }\n    for x in y {}\n}\nfn two();\nfn three() -> u8 { 3 }\n",
            "one 4, three 1",
        ),
        (
            "a.py",
            "def one(a):\n    if a and b:\n        return 1\n    for x in y:\n        pass\n\nclass A:\n    def two(self):\n        pass\n",
            "one 4, two 1",
        ),
        ("a.go", "func (s *S) one(a int) int {\n\tif a > 0 || b {\n\t}\n\treturn 0\n}\n", "one 3"),
        (
            "a.ts",
            "export function one(a) {\n  while (a) { b ? c : d; }\n}\nconst two = (x) => {\n  if (x) {}\n}\n",
            "one 3, two 2",
        ),
        ("a.c", "int one(int a) {\n  if (a) {}\n  return \"if (x) {\" != 0;\n}\n", "one 2"),
        ("a.md", "if x {", ""),
    ] {
        let found = branches::functions(path, text);
        let found: Vec<_> = found.iter().map(|one| format!("{} {}", one.name, one.branches)).collect();
        assert_eq!(found.join(", "), expected, "{path}");
    }
}

proptest! {
    #[test]
    fn no_file_is_too_strange(text in "[a-z(){};:\"'`\\\\ \n\t&|?=>#/é]{0,300}", end in "rs|py|go|ts|c") {
        let _ = branches::functions(&format!("a.{end}"), &text);
        text.lines().for_each(|line| { let _ = credentials::find(line); });
    }
}

#[test]
fn a_credential_at_the_end_of_a_long_line_is_found() {
    let line = format!("{}; AKIAQRSTUVWX12345678", "é".repeat(20_000));
    assert!(credentials::find(&line).is_some());
}

#[test]
fn one_line_is_not_called_lines() {
    let suite = "version: 1\nevaluators: [{id: s, kind: secrets}, {id: c, kind: conflicts}, {id: d, kind: diff_size, lines: 2}]";
    let suite = crate::eval::suite::parse(suite).unwrap();
    let said = |lines: u32| -> Vec<String> {
        let added = (1..=lines).map(|number| (number, "<<<<<<< AKIAQRSTUVWX12345678".to_owned())).collect();
        let mut material = Material::default();
        material.changed.stat = crate::model::diff::DiffStat { files: 1, added: lines, removed: 0 };
        material.changed.files.insert("a".to_owned(), added);
        suite.evaluators.iter().map(|evaluator| measure(evaluator, &material).details).collect()
    };
    assert_eq!(said(1), ["1 added line looks like a credential", "1 place is in conflict", "1 line in 1 file"]);
    assert_eq!(said(2), ["2 added lines look like credentials", "2 places are in conflict", "2 lines in 1 file"]);
}
