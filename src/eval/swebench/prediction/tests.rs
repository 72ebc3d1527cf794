use super::*;

fn read(text: &str, format: Format) -> Result<Vec<(String, String, Option<String>)>, String> {
    let predictions = Predictions::read(text.as_bytes(), format).map_err(|error| error.to_string())?;
    let parts = |one: &Prediction| (one.instance_id.clone(), one.model_name_or_path.clone(), one.model_patch.clone());
    Ok(predictions.iter().map(parts).collect())
}

fn one(id: &str, model: &str, patch: Option<&str>) -> (String, String, Option<String>) {
    (id.to_owned(), model.to_owned(), patch.map(str::to_owned))
}

#[test]
fn every_shape_that_tools_write_is_read() {
    let lines = "{\"instance_id\": \"a\", \"model_name_or_path\": \"m\", \"model_patch\": \"x\"}\n\n{\"instance_id\": \"b\", \"extra\": 1, \"model_patch\": null}\r\n";
    let both = Ok(vec![one("a", "m", Some("x")), one("b", "None", None)]);
    assert_eq!(read(lines, Format::JsonLines), both);
    let list =
        "[{\"instance_id\": \"a\", \"model_name_or_path\": \"m\", \"model_patch\": \"x\"}, {\"instance_id\": \"b\"}]";
    assert_eq!(read(list, Format::Json), both);
    let mini = "{\"a\": {\"model_name_or_path\": \"m\", \"instance_id\": \"a\", \"model_patch\": \"x\"}, \"b\": {\"instance_id\": \"b\"}}";
    assert_eq!(read(mini, Format::Json), both);
}

#[test]
fn the_last_one_for_an_instance_counts_in_the_place_of_the_first() {
    let lines = "{\"instance_id\": \"a\", \"model_patch\": \"1\"}\n{\"instance_id\": \"b\"}\n{\"instance_id\": \"a\", \"model_patch\": \"2\"}";
    assert_eq!(read(lines, Format::JsonLines), Ok(vec![one("a", "None", Some("2")), one("b", "None", None)]));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let complaint = |text, format| read(text, format).unwrap_err();
    assert!(complaint("{\"instance_id\": \"a\"}\n{oops}", Format::JsonLines).starts_with("line 2: not JSON: "));
    assert_eq!(
        complaint("{\"instance_id\": \"a\"}\n\n[1]", Format::JsonLines),
        "line 3: a prediction is an object, this is a list"
    );
    assert_eq!(
        complaint("[{\"model_patch\": \"x\"}]", Format::Json),
        "entry 1: a prediction needs `instance_id`, a string"
    );
    assert_eq!(
        complaint("[{\"instance_id\": \"a\", \"model_patch\": 3}]", Format::Json),
        "entry 1: `model_patch` is a string or null, this is a number"
    );
    assert_eq!(complaint("3", Format::Json), "the file: a list or an object is wanted, this is a number");
}

#[test]
fn nothing_in_a_patch_is_no_patch() {
    let predictions = Predictions::read(
        b"[{\"instance_id\": \"a\", \"model_patch\": \"\"}, {\"instance_id\": \"b\", \"model_patch\": \"x\"}]",
        Format::Json,
    )
    .unwrap();
    assert_eq!(predictions.iter().map(Prediction::is_empty).collect::<Vec<_>>(), [true, false]);
}
