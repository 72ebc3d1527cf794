//! The agents under test: what each needs around it to work with the model server.

use std::collections::BTreeMap;

use super::stage::Stage;

/// An agent under test.
pub(super) struct Agent {
    /// Its name in the catalog.
    pub(super) name: &'static str,
    /// Its program among the installed ones.
    pub(super) program: &'static str,
    /// The mode in which it asks before it edits and runs commands; none when it does so by itself or never can.
    pub(super) asking: Option<&'static str>,
    /// The mode in which it works without asking.
    pub(super) working: Option<&'static str>,
    /// Files and variables.
    pub(super) prepare: fn(&Stage) -> BTreeMap<String, String>,
}

pub(super) const CLAUDE: Agent =
    Agent { name: "claude", program: "claude", asking: Some("default"), working: Some("acceptEdits"), prepare: claude };

pub(super) const CODEX: Agent =
    Agent { name: "codex", program: "codex", asking: Some("ask"), working: Some("auto"), prepare: codex };

pub(super) const CODEX_ONCE: Agent =
    Agent { name: "codex-once", program: "codex", asking: None, working: None, prepare: codex };

pub(super) const CLAUDE_ACP: Agent = Agent {
    name: "claude-acp",
    program: "claude-agent-acp",
    asking: None,
    working: Some("acceptEdits"),
    prepare: claude,
};

pub(super) const OPENCODE: Agent =
    Agent { name: "opencode", program: "opencode", asking: None, working: None, prepare: opencode };

/// opencode asks when its own configuration says so.
pub(super) const OPENCODE_ASKING: Agent =
    Agent { name: "opencode", program: "opencode", asking: None, working: None, prepare: opencode_asking };

pub(super) const OPENCODE_ONCE: Agent =
    Agent { name: "opencode-once", program: "opencode", asking: None, working: None, prepare: opencode };

pub(super) const QWEN_ONCE: Agent =
    Agent { name: "qwen-once", program: "qwen", asking: None, working: Some("yolo"), prepare: qwen };

pub(super) const COPILOT_ONCE: Agent =
    Agent { name: "copilot-once", program: "copilot", asking: None, working: Some("shell"), prepare: copilot };

pub(super) const PI: Agent = Agent { name: "pi", program: "pi", asking: None, working: None, prepare: pi };

pub(super) const CODEX_ACP: Agent =
    Agent { name: "codex-acp", program: "codex-acp", asking: Some("read-only"), working: None, prepare: codex };

pub(super) const GEMINI: Agent =
    Agent { name: "gemini", program: "gemini", asking: Some("default"), working: Some("yolo"), prepare: gemini };

pub(super) const GEMINI_ONCE: Agent =
    Agent { name: "gemini-once", program: "gemini", asking: None, working: Some("yolo"), prepare: gemini };

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn claude(stage: &Stage) -> BTreeMap<String, String> {
    let base = format!("{}/text", stage.model);
    variables(&[("ANTHROPIC_API_KEY", "dummy"), ("ANTHROPIC_BASE_URL", &base), ("CLAUDE_CODE_MAX_RETRIES", "1")])
}

fn codex(stage: &Stage) -> BTreeMap<String, String> {
    let config = format!(
        "model = \"gpt-5.5\"\nmodel_provider = \"fake\"\n\
         [model_providers.fake]\nname = \"fake\"\nbase_url = \"{}/text/v1\"\nenv_key = \"OPENAI_API_KEY\"\nwire_api = \"responses\"\n\
         request_max_retries = 1\nstream_max_retries = 1\n[analytics]\nenabled = false\n",
        stage.model
    );
    stage.home(".codex/config.toml", &config);
    variables(&[("OPENAI_API_KEY", "dummy")])
}

fn gemini(stage: &Stage) -> BTreeMap<String, String> {
    let settings = r#"{
        "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": false}},
        "privacy": {"usageStatisticsEnabled": false},
        "general": {"enableAutoUpdate": false, "enableAutoUpdateNotification": false},
        "model": {"name": "gemini-3.8-flash"}
    }"#;
    stage.home(".gemini/settings.json", settings);
    let base = format!("{}/text", stage.model);
    variables(&[("GEMINI_API_KEY", "dummy"), ("GOOGLE_GEMINI_BASE_URL", &base)])
}

fn opencode(stage: &Stage) -> BTreeMap<String, String> {
    opencode_with(stage, "allow")
}

fn opencode_asking(stage: &Stage) -> BTreeMap<String, String> {
    opencode_with(stage, "ask")
}

fn opencode_with(stage: &Stage, permission: &str) -> BTreeMap<String, String> {
    let config = format!(
        r#"{{"permission": {{"edit": "{permission}", "bash": "{permission}"}}, "model": "fake/fake-model", "small_model": "fake/fake-model", "share": "disabled", "provider": {{"fake": {{
            "npm": "@ai-sdk/openai-compatible", "options": {{"baseURL": "{}/text/v1", "apiKey": "dummy"}},
            "models": {{"fake-model": {{"tool_call": true, "limit": {{"context": 200000, "output": 8192}}}}}}}}}}}}"#,
        stage.model
    );
    variables(&[("OPENCODE_CONFIG_CONTENT", &config), ("OPENCODE_DISABLE_MODELS_FETCH", "1")])
}

fn qwen(stage: &Stage) -> BTreeMap<String, String> {
    stage.home(
        ".qwen/settings.json",
        r#"{"security": {"auth": {"selectedType": "openai"}}, "privacy": {"usageStatisticsEnabled": false}}"#,
    );
    let base = format!("{}/text/v1", stage.model);
    variables(&[("OPENAI_API_KEY", "dummy"), ("OPENAI_BASE_URL", &base), ("OPENAI_MODEL", "fake-model")])
}

fn copilot(stage: &Stage) -> BTreeMap<String, String> {
    let base = format!("{}/text/v1", stage.model);
    variables(&[
        ("COPILOT_OFFLINE", "true"),
        ("COPILOT_PROVIDER_BASE_URL", &base),
        ("COPILOT_PROVIDER_API_KEY", "dummy"),
        ("COPILOT_MODEL", "fake-model"),
    ])
}

fn pi(stage: &Stage) -> BTreeMap<String, String> {
    let models = format!(
        r#"{{"providers": {{"fake": {{"baseUrl": "{}/text/v1", "apiKey": "dummy", "api": "openai-completions", "models": [{{
            "id": "fake-model", "name": "Fake", "reasoning": false, "input": ["text"], "contextWindow": 200000, "maxTokens": 8192,
            "cost": {{"input": 3, "output": 15, "cacheRead": 0.3, "cacheWrite": 0}}}}]}}}}}}"#,
        stage.model
    );
    stage.home(".pi/agent/models.json", &models);
    stage.home(".pi/agent/settings.json", r#"{"defaultProvider": "fake", "defaultModel": "fake-model"}"#);
    variables(&[("PI_OFFLINE", "1")])
}
