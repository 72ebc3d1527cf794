use super::*;

#[test]
fn names_of_credentials_are_told_from_others() {
    for name in [
        "ANTHROPIC_API_KEY",
        "OPENAI_APIKEY",
        "GITHUB_TOKEN",
        "GH_PAT",
        "github_token",
        "DB_PASSWORD",
        "AWS_SECRET_ACCESS_KEY",
        "GITHUBTOKEN",
        "API_KEYS",
        "KEY2",
        "npm.token",
    ] {
        assert!(names_a_credential(name), "{name}");
    }
    for name in [
        "PATH",
        "ANTHROPIC_BASE_URL",
        "MAX_OUTPUT_TOKENS",
        "KEYBOARD",
        "MONKEY",
        "TOKENIZER",
        "SSL_CERT_FILE",
        "AUTHOR",
        "TOKEN_FILE",
        "SSH_AUTH_SOCK",
        "PATTERN",
        "RETRIES",
    ] {
        assert!(!names_a_credential(name), "{name}");
    }
}

#[test]
fn a_secret_is_not_shown() {
    assert_eq!(format!("{:?}", Some(Secret::new("hunter2"))), "Some(***)");
    assert_eq!(serde_json::to_string(&Secret::new("x")).unwrap(), "\"x\"");
}

#[test]
fn a_url_shows_no_password() {
    assert_eq!(without_userinfo("https://me:pw@host:8/x?a@b"), "https://***@host:8/x?a@b");
    assert_eq!(without_userinfo("http://host/a@b"), "http://host/a@b");
    assert_eq!(without_userinfo("plain"), "plain");
}
