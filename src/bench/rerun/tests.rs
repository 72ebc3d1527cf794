use super::*;

#[test]
fn a_run_is_found_by_its_path_its_name_or_the_beginning_of_it() {
    let root = tempfile::tempdir().unwrap();
    for name in ["mine-a-1", "mine-a-12", "other-b-3"] {
        std::fs::create_dir(root.path().join(name)).unwrap();
        std::fs::write(root.path().join(name).join(record::FILE), "{}").unwrap();
    }
    std::fs::create_dir(root.path().join("no-run")).unwrap();
    let of = |name: &str| find(name, root.path()).map(|path| path.file_name().unwrap().to_owned());
    assert_eq!(of("mine-a-1").unwrap(), "mine-a-1", "a whole name is no beginning of another");
    assert_eq!(of("oth").unwrap(), "other-b-3");
    assert_eq!(of(root.path().join("mine-a-12").to_str().unwrap()).unwrap(), "mine-a-12");
    assert!(of("mine").unwrap_err().message.contains("several runs begin with"));
    let none = of("no-run").unwrap_err();
    assert!(none.message.contains("there is no run") && none.hints[0].contains("other-b-3"), "{none:?}");
    assert!(of("").is_err());
}
