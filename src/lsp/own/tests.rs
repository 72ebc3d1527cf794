use std::path::Path;

use super::*;

const HOME: &str = "/home/me/.config/divisi";

fn around(path: &str) -> Around<'_> {
    Around { path: Path::new(path), text: "", config_dir: Some(Path::new(HOME)), agents: &[] }
}

fn told(path: &str, text: &str) -> Vec<(String, String)> {
    let around = around(path);
    let found = diagnostics(kind(&around).unwrap(), text, &around, Encoding::Utf16);
    found
        .into_iter()
        .map(|found| {
            let Message::String(message) = found.message else { panic!("plain text only") };
            let (start, end) = (found.range.start, found.range.end);
            (format!("{}:{}-{}:{}", start.line, start.character, end.line, end.character), message)
        })
        .collect()
}

/// The suggestions where `|` stands.
fn suggested(path: &str, text: &str) -> Vec<Suggestion> {
    let at = text.find('|').unwrap();
    let around = around(path);
    kind(&around).unwrap().complete(&text.replace('|', ""), at, &around)
}

fn labels(path: &str, text: &str) -> Vec<String> {
    suggested(path, text).into_iter().map(|suggestion| suggestion.label).collect()
}

#[test]
fn only_divisis_own_documents_are_looked_into() {
    for own in ["/r/.divisi.toml", "/home/me/.config/divisi/config.toml", "/home/me/.config/divisi/agents/x.toml"] {
        assert!(kind(&around(own)).is_some(), "{own}");
    }
    for other in ["/r/config.toml", "/r/agents/x.toml", "/r/Cargo.toml", "/home/me/.config/divisi/agents/x.txt"] {
        assert!(kind(&around(other)).is_none(), "{other}");
    }
}

#[test]
fn what_is_wrong_is_told_where_it_is() {
    let config = "/home/me/.config/divisi/config.toml";
    assert_eq!(
        told(config, "# ü𝄞\n[git]\nlandng = \"squash\"\nlfs = \"𝄞\" # no\n"),
        [
            ("2:0-2:6".to_owned(), "unknown key `git.landng` (did you mean `git.landing`?)".to_owned()),
            ("3:6-3:10".to_owned(), "`git.lfs` must be true or false, not a string".to_owned()),
        ]
    );
    let (place, words) = told(config, "[git]\nlfs = = 1\n").remove(0);
    assert!(place.starts_with("1:6") && words.starts_with("not valid TOML"), "{place} {words}");
    // What only the loader sees has its place too.
    let (place, words) = told(config, "[git]\nworktrees_root = \"here\"\n").remove(0);
    assert!(place == "1:17-1:23" && words.contains("absolute"), "{place} {words}");
    let (place, words) = told(config, "[agents.profiles]\nclaude = \"home\"\n").remove(0);
    assert!(place.starts_with("0:") && words.contains("no profile"), "{place} {words}");
    assert_eq!(told(config, "[git]\nlfs = true\n"), []);
}

#[test]
fn a_repositorys_file_is_read_as_the_daemon_reads_it() {
    let told = |text: &str| told("/r/.divisi.toml", text);
    assert_eq!(told("[setup]\ncommands = [\"make\", 3]\n")[0].0, "1:20-1:21");
    assert!(told("[mcp.x]\ncommand = \"a\"\nurl = \"http://b\"\n")[0].1.contains("has a command and a url"));
    assert!(told("[agents.mine]\nprotocol = \"acp\"\n")[0].1.contains("`command` is missing"));
    assert_eq!(told("[agents.claude]\nprotocol = \"acp\"\n"), []);
    assert!(told("[agents.claude]\ncommand = [\"./x\"]\n")[0].1.contains("bare name or an absolute path"));
}

#[test]
fn a_definition_says_what_it_lacks() {
    let told = |text: &str| told("/home/me/.config/divisi/agents/x.toml", text);
    assert!(told("description = \"x\"\n")[0].1.contains("`name` is missing"));
    assert!(told("name = \"mine\"\n")[0].1.contains("`command` is missing"));
    assert_eq!(told("name = \"gemini\"\n"), []);
    assert!(told("name = \"../x\"\n")[0].1.contains("characters a-z"));
}

#[test]
fn a_misspelled_key_is_put_right() {
    let around = around("/r/.divisi.toml");
    let found = diagnostics(kind(&around).unwrap(), "[setup]\ncomands = []\n", &around, Encoding::Utf16);
    let fixes = fixes(around.path, &found);
    assert_eq!(fixes[0].title, "Change it to `commands`");
    let edit = serde_json::json!(fixes[0].edit);
    assert_eq!(edit["changes"]["file:///r/.divisi.toml"][0]["newText"], "commands");
}

#[test]
fn keys_and_values_are_suggested_where_they_fit() {
    let config = "/home/me/.config/divisi/config.toml";
    let keys = labels(config, "[git]\nlan|\n");
    assert!(
        keys.contains(&"landing".to_owned()) && keys.contains(&"lfs".to_owned()) && !keys.contains(&"git".to_owned())
    );
    assert_eq!(labels(config, "[git]\nlanding = |"), ["\"squash\"", "\"rebase\"", "\"merge\""]);
    let quoted = suggested(config, "[git]\nlanding = \"re|b\"\nlfs = true\n");
    assert_eq!(quoted[1].replaces, 16..21, "the string with its quotes");
    assert_eq!(labels(config, "git.lfs = |"), ["true", "false"]);
    assert!(labels(config, "[|").contains(&"agents".to_owned()));
    assert!(labels(config, "|").contains(&"security".to_owned()));
    assert!(labels(config, "[agents]\ndefault = \"|").contains(&"\"claude\"".to_owned()));
    assert!(labels(config, "[profiles.work.credentials]\nA = { |").contains(&"keyring".to_owned()));
    assert_eq!(labels(config, "# [git]\n# lan|"), [""; 0]);
    let repository = "/r/.divisi.toml";
    assert!(labels(repository, "[agents.|").contains(&"gemini".to_owned()));
    assert!(labels(repository, "[agents.x]\nprotocol = |").contains(&"\"acp\"".to_owned()));
    assert_eq!(labels(repository, "[setup]\ncommands = [\"|"), [""; 0]);
}

#[test]
fn what_a_key_means_is_told_over_it_and_over_its_value() {
    let around = around("/home/me/.config/divisi/config.toml");
    let text = "[git]\nlanding = \"squash\"\n";
    for at in [8, 18] {
        let (_, said) = kind(&around).unwrap().hover(text, at).unwrap();
        assert!(said.contains("git.landing") && said.contains("\"rebase\"") && said.contains("default"), "{said}");
    }
    assert!(kind(&around).unwrap().hover(text, 2).unwrap().1.contains("the section git"));
    assert_eq!(kind(&around).unwrap().hover("# x", 1), None);
}

proptest::proptest! {
    #[test]
    fn nothing_written_half_makes_a_panic(text in "[\\[\\]{}=\"'.,#a-zü𝄞\n ]{0,80}", at in 0_usize..100) {
        for path in ["/r/.divisi.toml", "/home/me/.config/divisi/config.toml", "/home/me/.config/divisi/agents/x.toml"] {
            let around = around(path);
            let kind = kind(&around).unwrap();
            diagnostics(kind, &text, &around, Encoding::Utf16);
            completion(kind, &text, at, &around, Encoding::Utf8);
            hover(kind, &text, at, Encoding::Utf32);
            for suggestion in kind.complete(&text, at, &around) {
                proptest::prop_assert!(text.get(suggestion.replaces).is_some());
            }
        }
    }
}
