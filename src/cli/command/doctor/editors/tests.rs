use super::*;

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, path: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.canonicalize().unwrap()
    }

    fn look(&self, program: &Path, daemon: &str, find: &dyn Fn(&str) -> Option<PathBuf>) -> Vec<String> {
        let configurations = self.0.path().join("config");
        let here = Surroundings {
            program: Some(program.to_owned()),
            find,
            configurations: &configurations,
            home: Some(self.0.path()),
            daemon,
        };
        findings(&here).into_iter().map(|finding| finding.message).collect()
    }

    fn helix(&self, text: &str) -> Vec<String> {
        let program = self.put("bin/divisi", "");
        self.put("config/helix/languages.toml", text);
        self.look(&program, VERSION, &|name| (name == "divisi").then(|| program.clone()))
    }
}

const SHIPPED: &str = include_str!("../../../../../lsp/helix/languages.toml");

#[test]
fn what_is_shipped_is_right_and_who_has_no_helix_is_told_nothing() {
    let home = Home::new();
    assert_eq!(home.helix(SHIPPED), [""; 0]);
    fs::remove_dir_all(home.0.path().join("config")).unwrap();
    assert_eq!(home.look(Path::new("/x"), VERSION, &|_| None), [""; 0]);
    assert_eq!(home.helix("[[language]]\nname = \"rust\"\nlanguage-servers = [\"rust-analyzer\"]\n"), [""; 0]);
    assert_eq!(home.helix("not toml ["), [""; 0], "it has nothing to do with divisi");
}

#[test]
fn another_program_and_another_daemon_are_told() {
    let home = Home::new();
    let (this, other) = (home.put("this/divisi", ""), home.put("other/divisi", ""));
    let found = home.look(&this, "9.9.9", &|_| Some(other.clone()));
    assert!(found[0].starts_with("the daemon is divisi 9.9.9, this program is "), "{found:?}");
    assert!(found[1].contains(&format!("start {}, which is not this program", other.display())), "{found:?}");
    assert_eq!(found.len(), 2);
    let link = home.0.path().join("link");
    std::os::unix::fs::symlink(&this, &link).unwrap();
    assert_eq!(home.look(&this, VERSION, &|_| Some(link.clone())), [""; 0], "it is the same");
}

#[test]
fn a_helix_that_never_starts_it_is_told_why() {
    let home = Home::new();
    let server = "[language-server.divisi]\ncommand = \"divisi\"\nargs = [\"lsp\"]\n";
    let language = |servers: &str| format!("[[language]]\nname = \"rust\"\nlanguage-servers = {servers}\n");
    let of = |text: &str| home.helix(text);
    assert_eq!(of(&format!("{server}{}", language("[{ name = \"divisi\", only-features = [] }]"))), [""; 0]);
    assert_eq!(of(server), ["Helix: no language names the server divisi, so it is never started"]);
    assert_eq!(of(&language("[\"divisi\"]")), ["Helix: a language names the server divisi, which is not defined"]);
    let mistyped = server.replace("\"divisi\"", "\"/nowhere/divisi\"");
    assert_eq!(
        of(&format!("{mistyped}{}", language("[\"divisi\"]"))),
        ["Helix starts `/nowhere/divisi`, which is not on PATH"]
    );
    let bare = "[language-server.mine]\ncommand = \"divisi\"\n";
    assert_eq!(of(&format!("{bare}{}", language("[\"mine\"]"))), ["Helix: the server mine is not told to speak LSP"]);
    let found = of(&format!("{server}[[language]\n"));
    assert!(found[0].starts_with("Helix cannot read its languages.toml: "), "{found:?}");
}

#[test]
fn an_extension_of_another_version_is_told() {
    let home = Home::new();
    let this = home.put("this/divisi", "");
    let place = |version: &str| format!(".vscode-server/extensions/somebody.divisi-{version}/package.json");
    home.put(&place(VERSION), "{}");
    home.put(".vscode/extensions/somebody.divisive-1.0.0/package.json", "{}");
    assert_eq!(home.look(&this, VERSION, &|_| None), [""; 0]);
    home.put(&place("0.0.1-linux-x64"), "{}");
    let found = home.look(&this, VERSION, &|_| None);
    assert!(found[0].contains("is divisi 0.0.1, this program is") && found.len() == 1, "{found:?}");
}
