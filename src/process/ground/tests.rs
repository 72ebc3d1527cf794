use super::*;

fn driver() -> (tempfile::TempDir, GroundDriver) {
    let state = tempfile::tempdir().unwrap();
    let driver = GroundDriver::new(state.path());
    (state, driver)
}

#[test]
fn a_place_is_made_empty_and_leaves_nothing() {
    let (state, driver) = driver();
    let id = EvaluationId::from("abcdefghij.e1");
    let ground = driver.make(&id).unwrap();
    fs::create_dir(format!("{}/closed", ground.checkout)).unwrap();
    fs::write(format!("{}/closed/file", ground.checkout), "x").unwrap();
    fs::set_permissions(format!("{}/closed", ground.checkout), Permissions::from_mode(0o500)).unwrap();
    let again = driver.make(&id).unwrap();
    assert_eq!(fs::read_dir(&again.checkout).unwrap().count(), 0);
    driver.remove(&id).unwrap();
    assert_eq!(fs::read_dir(state.path()).unwrap().count(), 0);
    assert!(driver.make(&EvaluationId::from("../x")).is_err());
}

#[test]
fn reports_are_read_below_the_checkout_only() {
    let (state, driver) = driver();
    let ground = driver.make(&EvaluationId::from("abcdefghij.e1")).unwrap();
    fs::write(state.path().join("secret"), "secret").unwrap();
    fs::write(format!("{}/report", ground.checkout), "good").unwrap();
    symlink(state.path().join("secret"), format!("{}/link", ground.checkout)).unwrap();
    symlink(state.path(), format!("{}/dir", ground.checkout)).unwrap();
    assert_eq!(driver.read(&ground, "report", 10).as_deref(), Ok("good"));
    assert!(driver.read(&ground, "report", 3).unwrap_err().contains("larger"));
    for path in ["link", "dir/secret", "../../../secret", "/etc/passwd", ".", "gone"] {
        assert!(driver.read(&ground, path, 100).is_err(), "{path}");
    }
}

#[test]
fn a_report_of_an_earlier_program_is_deleted_and_nothing_else() {
    let (state, driver) = driver();
    let ground = driver.make(&EvaluationId::from("abcdefghij.e1")).unwrap();
    fs::write(state.path().join("precious"), "x").unwrap();
    fs::write(format!("{}/report", ground.checkout), "old").unwrap();
    symlink(state.path().join("precious"), format!("{}/link", ground.checkout)).unwrap();
    symlink(state.path(), format!("{}/dir", ground.checkout)).unwrap();
    for path in ["report", "link", "report", "no/such"] {
        assert_eq!(driver.clear(&ground, path), Ok(()), "{path}");
    }
    assert!(driver.read(&ground, "report", 10).is_err() && driver.read(&ground, "link", 10).is_err());
    assert!(driver.clear(&ground, "dir/precious").unwrap_err().contains("out of the checkout"));
    assert_eq!(fs::read_to_string(state.path().join("precious")).unwrap(), "x");
}

#[test]
fn a_checkout_is_named_by_where_it_is() {
    let state = tempfile::tempdir().unwrap();
    fs::create_dir(state.path().join("real")).unwrap();
    symlink("real", state.path().join("link")).unwrap();
    let ground = GroundDriver::new(&state.path().join("link")).make(&EvaluationId::from("abcdefghij.e1")).unwrap();
    assert_eq!(fs::canonicalize(&ground.checkout).unwrap(), Path::new(&ground.checkout));
}
