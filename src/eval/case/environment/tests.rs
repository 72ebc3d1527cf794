use super::*;

const FILE: &str = "\
version: 1
environments:
  - {repo: Acme/Anvil, versions: ['1.0'], python: '3.9', packages: ['a<2', \"it's\"], exclude_newer: '2023-01-02'}
  - {repo: acme/anvil, pre_install: [touch x]}
";

fn instance(repo: &str, version: &str) -> Instance {
    Instance { repo: repo.to_owned(), version: version.to_owned(), ..Instance::default() }
}

#[test]
fn the_first_entry_that_fits_holds() {
    let environments = Environments::read(FILE).unwrap();
    let first = environments.of(&instance("acme/anvil", "1.0")).unwrap();
    assert_eq!(first.python.as_deref(), Some("3.9"));
    assert_eq!(
        first.setup(),
        "set -e\nuv venv --quiet --python '3.9' \"$CASE_ROOT/venv\"\n\
         uv pip install --quiet --compile-bytecode --python \"$CASE_ROOT/venv/bin/python\" pip==24.2 setuptools==75.1.0 wheel==0.44.0\n\
         uv pip install --quiet --compile-bytecode --exclude-newer '2023-01-02' --python \"$CASE_ROOT/venv/bin/python\" 'a<2' 'it'\\''s'\n"
    );
    assert_eq!(environments.of(&instance("acme/anvil", "2.0")).unwrap().setup(), "set -e\ntouch x\n");
    assert!(environments.of(&instance("acme/bolt", "1.0")).is_none());
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let problems = Environments::read(&FILE.replace("python:", "pyton:")).unwrap_err();
    assert_eq!(problems[0].to_string(), "3:43: an environment has no 'pyton' (did you mean 'python'?)");
}
