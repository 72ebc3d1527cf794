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

/// Longer lines are no code that people wrote: of names in them no more is looked at.
const LONGEST: usize = 20_000;
/// Longer values are no credentials.
const VALUE: usize = 500;

/// What a line looks like.
pub(super) fn find(line: &str) -> Option<&'static str> {
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
    let mut end = line.len().min(LONGEST);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let line = &line[..end];
    (assigned(line) || set(line)).then_some("a credential")
}

/// Different characters in a text.
fn spread(text: &str) -> usize {
    let mut seen = [false; 256];
    text.bytes().for_each(|byte| seen[usize::from(byte)] = true);
    seen.iter().filter(|seen| **seen).count()
}

/// `api_token = "…"`, `"password": "…"`, `API_KEY: &str = "…"`: with a value that nobody would write as an example.
fn assigned(line: &str) -> bool {
    let low = line.to_ascii_lowercase();
    let named = |name: &str| {
        low.match_indices(name).any(|(at, _)| {
            let end = at + name.len();
            !goes_on(line, end) && quoted(&line[end..]).is_some_and(is_secret)
        })
    };
    NAMES.iter().any(|name| named(name))
}

/// Whether the word goes on behind a name, as in `tokenizer`: then it is another one.
fn goes_on(line: &str, end: usize) -> bool {
    let case = |byte: Option<&u8>| byte.filter(|byte| byte.is_ascii_alphabetic()).map(u8::is_ascii_uppercase);
    let bytes = line.as_bytes();
    case(bytes.get(end)).is_some_and(|next| end > 0 && case(bytes.get(end - 1)) == Some(next))
}

/// What stands in quotes behind a name, a sign that assigns it, and perhaps a type.
fn quoted(rest: &str) -> Option<&str> {
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let rest = rest.trim_start_matches(['"', '\'', '`', ']', ')', ' ', '\t']);
    let mut value = rest.strip_prefix(['=', ':'])?.trim_start_matches(['=', ':', '>', ' ', '\t']);
    let is_type =
        |c: char| c.is_alphanumeric() || matches!(c, '&' | '\'' | '<' | '>' | '[' | ']' | '_' | ' ' | '|' | '?' | ':');
    if rest.starts_with(':')
        && let Some((before, after)) = value.split_once('=')
        && before.len() < 60
        && before.chars().all(is_type)
    {
        value = after.trim_start();
    }
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let inner = &value[1..];
    inner.find(quote).filter(|end| *end <= VALUE).map(|end| &inner[..end])
}

fn is_secret(value: &str) -> bool {
    let example = ["example", "changeme", "placeholder", "your", "xxxx", "test", "dummy", "<", "{", "$", "%"];
    let low = value.to_ascii_lowercase();
    value.len() >= 16
        && value.bytes().all(|byte| byte.is_ascii_graphic())
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
        && spread(value) >= 10
        && !example.iter().any(|word| low.contains(word))
}

/// `export API_KEY=…`, `password: …` on a line of its own, as settings are written. Without quotes only what no program would name.
fn set(line: &str) -> bool {
    let line = line.trim();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let Some((name, value)) = line.split_once(['=', ':']) else { return false };
    let value = value.trim_start();
    let low = name.to_ascii_lowercase();
    let known = |known: &str| low.match_indices(known).any(|(at, _)| !goes_on(name, at + known.len()));
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-' | b'=' | b'~' | b'!' | b'#')
    };
    let count = |is: fn(&u8) -> bool| value.bytes().filter(is).count();
    let hex = value.len() >= 32 && value.bytes().all(|byte| byte.is_ascii_hexdigit()) && count(u8::is_ascii_digit) >= 6;
    let mixed =
        count(u8::is_ascii_digit) >= 3 && count(u8::is_ascii_uppercase) >= 3 && count(u8::is_ascii_lowercase) >= 3;
    name.len() <= 80
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        && NAMES.iter().any(|name| known(name))
        && value.len() <= VALUE
        && value.bytes().all(plain)
        && (hex || mixed)
        && is_secret(value)
}
