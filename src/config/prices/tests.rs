use super::*;
use crate::model::usage::ModelUsage;

#[test]
fn the_bundled_prices_are_right_and_say_where_they_are_from() {
    let table = bundled();
    assert!(table.models.len() > 200 && !table.source.is_empty() && table.date.starts_with("20"), "{table:?}");
    // What Claude Code 2.1.329 itself reported for these tokens.
    let usage = ModelUsage::default().with_tokens([600, 3000, 0, 126, 0]);
    assert_eq!(table.price("claude-opus-5-5").map(|price| price.of(&usage)), Some(5520));
    for (name, price) in &table.models {
        assert!(price.input <= price.output && price.cache_read <= price.input, "{name}: {price:?}");
    }
}

#[test]
fn the_users_prices_replace_and_add() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(load(dir.path()).unwrap(), bundled());
    let file = dir.path().join("mine.toml");
    let text = "source = \"me\"\ndate = \"2030-01-01\"\n[models]\nHouse-1 = { input = 1, output = 2.5 }\n\
                claude-opus-5-5 = { input = 9, cache_read = 0.1, output = 9 }\n";
    std::fs::write(&file, text).unwrap();
    assert_eq!(update(&dir.path().join("new"), &file).unwrap(), 2);
    let table = load(&dir.path().join("new")).unwrap();
    let house = table.price("house-1").unwrap();
    assert_eq!(
        (house.input, house.cache_read, house.cache_write, house.output),
        (1_000_000, 1_000_000, 1_000_000, 2_500_000)
    );
    assert_eq!(table.price("claude-opus-5-5").unwrap().input, 9_000_000);
    assert_eq!(table.date, "2030-01-01");
    assert!(table.source.starts_with("me; "));
}

#[test]
fn what_is_wrong_is_said_with_its_line_and_nothing_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    for (text, expected) in [
        ("models = 1", "must be a table"),
        ("\n[models]\nx = { input = 1 }", "3: `models.x` needs `output`"),
        ("[models]\nx = { input = -1, output = 1 }", "must be between"),
        ("[models]\nx = { input = nan, output = 1 }", "must be between"),
        ("[models]\nx = { input = \"1\", output = 1 }", "must be a number"),
        ("[models]\nx = { input = 1, output = 1, inpt = 2 }", "unknown price `inpt`"),
        ("[model]\n", "is not known"),
        ("[models", "not valid TOML"),
    ] {
        let file = dir.path().join("bad.toml");
        std::fs::write(&file, text).unwrap();
        let error = update(dir.path(), &file).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
        assert!(!path(dir.path()).exists());
    }
}
