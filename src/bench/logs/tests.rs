use super::*;

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let root = Path::new("/r");
    assert_eq!(inside(root, &["run", "a__b", "x__x-1"]).unwrap(), Path::new("/r/run/a__b/x__x-1"));
    for bad in ["..", ".", "", "a/b", "/etc", "a\0b", "a/", "../x"] {
        assert!(inside(root, &["run", bad]).is_err(), "{bad:?}");
    }
}

#[test]
fn every_usual_place_of_a_log_is_looked_at() {
    let prediction = Prediction { instance_id: "o__r-1".into(), model_name_or_path: "a/b".into(), model_patch: None };
    let places = [
        "logs/run_evaluation/run/a__b/o__r-1/test_output.txt",
        "run/a__b/o__r-1/test_output.txt",
        "a__b/o__r-1/test_output.txt",
        "o__r-1/test_output.txt",
        "o__r-1.log",
        "o__r-1.txt",
        "o__r-1.eval.log",
        "o__r-1.a__b.eval.log",
    ];
    for place in places {
        let folder = tempfile::tempdir().unwrap();
        assert!(find(folder.path(), "run", &prediction).unwrap().output.is_none());
        let path = folder.path().join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, place).unwrap();
        assert_eq!(
            find(folder.path(), "run", &prediction).unwrap().output.as_deref(),
            Some(place.as_bytes()),
            "{place}"
        );
    }
}
