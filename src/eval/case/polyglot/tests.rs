use super::super::tests::text;
use super::*;

fn exercise(config: &str) -> Files {
    [
        (".meta/config.json", config),
        (".meta/example.rs", "pub fn two() -> u8 { 2 }\n"),
        (".meta/Cargo-example.toml", "[package]\nname = \"x\"\n"),
        (".docs/instructions.md", "Give two."),
        (".docs/instructions.append.md", "Really."),
        ("src/lib.rs", "pub fn two() -> u8 { 0 }\n"),
        ("Cargo.toml", "[package]\n"),
        ("tests/x.rs", "#[test] fn two() { assert_eq!(x::two(), 2) }\n"),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), File::from(text.to_owned())))
    .collect()
}

const CONFIG: &str =
    r#"{"files": {"solution": ["src/lib.rs", "Cargo.toml"], "test": ["tests/x.rs"], "example": [".meta/example.rs"]}}"#;

#[test]
fn an_exercise_hides_its_reference() {
    let case = case("rust", "x", &exercise(CONFIG)).unwrap();
    let Source::Files(files) = &case.source else { panic!("not files") };
    assert_eq!(files.keys().collect::<Vec<_>>(), ["Cargo.toml", "src/lib.rs", "tests/x.rs"]);
    assert_eq!(case.id, "rust/x");
    assert!(case.prompt.starts_with("Give two.\nReally.\n"), "{}", case.prompt);
    assert!(case.prompt.ends_with("Files: src/lib.rs, Cargo.toml"), "{}", case.prompt);
    let Some(Reference::Files(reference)) = &case.reference else { panic!("no reference") };
    assert!(text(reference, "src/lib.rs").contains("{ 2 }"));
    assert!(text(reference, "Cargo.toml").contains("name"));
    assert_eq!(case.restore, ["tests/x.rs"]);
}

#[test]
fn what_is_wrong_with_an_exercise_is_said() {
    assert!(case("cobol", "x", &exercise(CONFIG)).unwrap_err().contains("cobol"));
    assert!(case("rust", "x", &exercise("{")).unwrap_err().contains("config.json cannot be read"));
    assert!(case("rust", "x", &Files::new()).unwrap_err().contains("missing"));
    let outside = CONFIG.replace("src/lib.rs", "../../etc/passwd");
    assert!(case("rust", "x", &exercise(&outside)).unwrap_err().contains("outside"));
}
