use super::*;

fn setup(toml: &str) -> ConversationSetup {
    ConversationSetup { mcp: toml_edit::de::from_str(toml).unwrap(), ..ConversationSetup::default() }
}

const BOTH: &str = "
    [files]
    command = 'serve'
    args = ['--root', 'a \"b\"']
    env = { LEVEL = 'debug', TOKEN = '${DIVISI_MCP_0}' }
    [web]
    url = 'https://h/mcp'
    headers = { Authorization = '${DIVISI_MCP_1}', Accept = 'x' }";

#[test]
fn claude_takes_no_servers_but_these_unless_the_user_says_so() {
    assert_eq!(words(Protocol::ClaudeStreamJson, &ConversationSetup::default()), ["--strict-mcp-config"]);
    let own = ConversationSetup { foreign_mcp: true, ..ConversationSetup::default() };
    assert_eq!(words(Protocol::ClaudeStreamJson, &own), Vec::<String>::new());
    let words = words(Protocol::ClaudeStreamJson, &setup(BOTH));
    let told: Value = serde_json::from_str(words[1].strip_prefix("--mcp-config=").unwrap()).unwrap();
    assert_eq!(told["mcpServers"]["files"]["env"]["TOKEN"], "${DIVISI_MCP_0}");
    assert_eq!(told["mcpServers"]["files"]["args"][1], "a \"b\"");
    assert_eq!(told["mcpServers"]["web"]["headers"]["Authorization"], "${DIVISI_MCP_1}");
}

#[test]
fn codex_is_told_in_its_own_settings() {
    let words = words(Protocol::CodexAppServer, &setup(BOTH));
    let mut text = String::new();
    for pair in words.chunks(2) {
        assert_eq!(pair[0], "-c");
        text.push_str(&pair[1]);
        text.push('\n');
    }
    let told: Value = toml_edit::de::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let files = &told["mcp_servers"]["files"];
    assert_eq!(files["command"], "/bin/sh");
    assert_eq!(
        files["args"],
        json!(["-c", "export TOKEN=\"$DIVISI_MCP_0\"; exec \"$@\"", "sh", "serve", "--root", "a \"b\""])
    );
    assert_eq!((&files["env_vars"], &files["env"]), (&json!(["DIVISI_MCP_0"]), &json!({"LEVEL": "debug"})));
    let web = &told["mcp_servers"]["web"];
    assert_eq!(web["url"], "https://h/mcp");
    assert_eq!(web["env_http_headers"], json!({"Authorization": "DIVISI_MCP_1"}));
    assert_eq!(web["http_headers"], json!({"Accept": "x"}));
}
