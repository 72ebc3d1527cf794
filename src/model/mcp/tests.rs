use super::*;

fn server(toml: &str) -> McpServer {
    toml_edit::de::from_str(toml).unwrap()
}

#[test]
fn a_secret_is_a_reference_never_a_value() {
    for (toml, wrong) in [
        ("command = 'x'", false),
        ("command = 'x'\nenv = { LEVEL = 'debug', GITHUB_TOKEN = 'env:GITHUB_TOKEN' }", false),
        ("command = 'x'\nenv = { GITHUB_TOKEN = 'ghp_1' }", true),
        ("command = 'x'\nenv = { API_KEY = 'k' }", true),
        ("command = 'x'\nenv = { MONKEY = 'k' }", false),
        ("url = 'https://h'\nheaders = { Authorization = 'Bearer env:T' }", false),
        ("url = 'https://h'\nheaders = { Authorization = 'Bearer abc' }", true),
        ("url = 'https://h'\nheaders = { Authorization = 'Bearer env:' }", true),
        ("url = 'ftp://h'", true),
        ("command = 'x'\nurl = 'https://h'", true),
        ("args = []", true),
    ] {
        assert_eq!(server(toml).fault().is_some(), wrong, "{toml}: {:?}", server(toml).fault());
    }
}

#[test]
fn a_reference_may_stand_behind_a_word() {
    assert_eq!(reference("env:A"), Some(("", "A")));
    assert_eq!(reference("Bearer env:A"), Some(("Bearer ", "A")));
    assert_eq!(reference("xenv:A"), None);
    assert_eq!(reference("plain"), None);
}
