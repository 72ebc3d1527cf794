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
        first.recipe(&instance("acme/anvil", "1.0")).unwrap().script,
        "set -e\nuv venv --quiet --python '3.9' \"$CASE_ROOT/venv\"\n\
         uv pip install --quiet --compile-bytecode --python \"$CASE_ROOT/venv/bin/python\" pip==24.2 setuptools==75.1.0 wheel==0.44.0\n\
         uv pip install --quiet --compile-bytecode --exclude-newer '2023-01-02' --python \"$CASE_ROOT/venv/bin/python\" 'a<2' 'it'\\''s'\n"
    );
    assert_eq!(first.setup(), None);
    let second = environments.of(&instance("acme/anvil", "2.0")).unwrap();
    assert_eq!(
        (second.recipe(&instance("acme/anvil", "2.0")), second.setup()),
        (None, Some("set -e\ntouch x\n".to_owned()))
    );
    assert!(environments.of(&instance("acme/bolt", "1.0")).is_none());
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let problems = Environments::read(&FILE.replace("python:", "pyton:")).unwrap_err();
    assert_eq!(problems[0].to_string(), "3:43: an environment has no 'pyton' (did you mean 'python'?)");
}

#[test]
fn what_many_share_is_told_from_what_each_gets() {
    let file = "version: 1\nenvironments:\n  - {repo: a/b, python: '3.9', exclude_newer: created, requirements: [r.txt], \
                install: [npm ci], reads: [package.json], makes: [node_modules], pre_install: [touch x]}\n";
    let environment = Environments::read(file).unwrap();
    let dated = Instance { created_at: "2022-01-04T15:32:52Z".to_owned(), ..instance("a/b", "1.0") };
    let environment = environment.of(&dated).unwrap();
    let recipe = environment.recipe(&dated).unwrap();
    assert!(recipe.script.contains("--exclude-newer '2022-01-04' --python") && recipe.script.ends_with("\nnpm ci\n"));
    assert!(recipe.asks.as_deref().unwrap().contains("uv python find --system --no-project '3.9'"));
    assert_eq!((recipe.name.as_str(), &recipe.requirements[..]), ("a/b 1.0", &["r.txt".to_owned()][..]));
    assert_eq!(
        (&recipe.reads[..], &recipe.makes[..]),
        (&["package.json".to_owned()][..], &["node_modules".to_owned()][..])
    );
    assert_eq!(
        (&recipe.makes_beside[..], environment.setup().as_deref()),
        (&["venv".to_owned()][..], Some("set -e\ntouch x\n"))
    );
}

#[test]
fn what_is_read_and_made_lies_in_the_tree_and_belongs_to_a_command() {
    let of = |entry: &str| {
        let problems =
            Environments::read(&format!("version: 1\nenvironments:\n  - {{repo: a/b, {entry}}}\n")).unwrap_err();
        problems[0].to_string()
    };
    assert_eq!(of("install: [x], makes: [z, '../y']"), "3:42: \"../y\" is no path below the tree");
    assert_eq!(of("reads: [y]"), "3:24: 'reads' says what 'install' reads, and there is none");
    assert_eq!(of("packages: [y]"), "3:27: 'packages' is for the virtual environment of 'python', and there is none");
    assert!(of("variables: {A=B: c}").starts_with("3:29: \"A=B\" is no name of a variable"));
    assert!(of("variables: {GITHUB_TOKEN: c}").contains("names a credential"));
}
