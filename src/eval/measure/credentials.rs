//! Credentials in a line, by their shape. What is found is never quoted.

/// Beginnings that only credentials have, how many characters follow at least, and what they are.
const SHAPES: &[(&str, usize, &str)] = &[
    ("AKIA", 16, "an AWS access key"),
    ("ASIA", 16, "an AWS access key"),
    ("ghp_", 30, "a GitHub token"),
    ("gho_", 30, "a GitHub token"),
    ("ghs_", 30, "a GitHub token"),
    ("ghu_", 30, "a GitHub token"),
    ("github_pat_", 40, "a GitHub token"),
    ("glpat-", 20, "a GitLab token"),
    ("xoxb-", 20, "a Slack token"),
    ("xoxp-", 20, "a Slack token"),
    ("xapp-", 20, "a Slack token"),
    ("sk-ant-", 30, "an Anthropic key"),
    ("sk-proj-", 30, "an OpenAI key"),
    ("sk_live_", 20, "a Stripe key"),
    ("rk_live_", 20, "a Stripe key"),
    ("AIza", 35, "a Google API key"),
    ("npm_", 36, "an npm token"),
    ("pypi-", 60, "a PyPI token"),
    ("hf_", 30, "a Hugging Face token"),
];

/// Names whose value is a credential.
const NAMES: &[&str] = &["password", "passwd", "secret", "token", "api_key", "apikey", "access_key", "private_key"];

/// Longer lines are no code that people wrote.
const LONGEST: usize = 20_000;

/// What a line looks like.
pub(super) fn find(line: &str) -> Option<&'static str> {
    let line = line.get(..LONGEST).unwrap_or(line);
    if line.contains("-----BEGIN ") && line.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    for token in line.split(|c: char| !word(c)) {
        let shape = SHAPES.iter().find(|(start, least, _)| {
            token.strip_prefix(start).is_some_and(|rest| {
                rest.len() >= *least
                    && rest.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
                    && spread(rest) >= 8
            })
        });
        if let Some((_, _, what)) = shape {
            return Some(what);
        }
    }
    assigned(line).then_some("a credential")
}

/// Different characters in a text.
fn spread(text: &str) -> usize {
    let mut seen = [false; 256];
    text.bytes().for_each(|byte| seen[usize::from(byte)] = true);
    seen.iter().filter(|seen| **seen).count()
}

/// `api_token = "…"`, with a value that nobody would write as an example.
fn assigned(line: &str) -> bool {
    let Some(at) = line.find(['=', ':']) else { return false };
    let (name, value) = line.split_at(at);
    let name = name.to_ascii_lowercase();
    if !NAMES.iter().any(|known| name.contains(known)) {
        return false;
    }
    let value = value.trim_start_matches(['=', ':', ' ', '>']).trim_end_matches([',', ';', ' ', '\r']);
    let quoted = ['"', '\'', '`'].iter().find_map(|quote| value.strip_prefix(*quote)?.split(*quote).next());
    let Some(value) = quoted else { return false };
    let example = ["example", "changeme", "placeholder", "your", "xxxx", "test", "dummy", "<", "{", "$", "%"];
    let low = value.to_ascii_lowercase();
    value.len() >= 16
        && value.bytes().all(|byte| byte.is_ascii_graphic())
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
        && spread(value) >= 10
        && !example.iter().any(|word| low.contains(word))
}
