use super::*;

#[test]
fn programs_name_files_in_many_ways_and_nothing_outside_is_a_place() {
    let files: BTreeSet<String> = ["src/a.rs", "b.go", "sub/b.go", "passwd"].map(str::to_owned).into();
    let tree = Tree { root: "/state/checkout", files: &files };
    for (named, meant) in [
        ("src/a.rs", Some("src/a.rs")),
        ("./src/../src//a.rs", Some("src/a.rs")),
        ("/state/checkout/src/a.rs", Some("src/a.rs")),
        ("/app/src/a.rs", Some("src/a.rs")),
        ("m.example/mod/sub/b.go", Some("sub/b.go")),
        ("m.example/mod/b.go", Some("b.go")),
        ("/state/checkout2/src/x.rs", None),
        ("../src/a.rs", None),
        ("../../home/me/.bashrc", None),
        ("/home/me/.bashrc", None),
        ("src", None),
        ("", None),
    ] {
        assert_eq!(tree.place(named).as_deref(), meant, "{named}");
    }
    assert_eq!(tree.place(&"a/".repeat(100_000)), None);
}
