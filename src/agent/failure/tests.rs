use super::*;

#[test]
fn kinds_are_told_apart() {
    use FailureKind as F;
    let cases = [
        (None, "Not logged in · Please run /login", F::NotLoggedIn),
        (Some(401), "fake model says 401", F::NotLoggedIn),
        (Some(403), "", F::NotLoggedIn),
        (Some(403), "Your quota for this project is used up", F::Quota),
        (Some(400), "API Error: 400 fake model says 400", F::BadRequest),
        (Some(400), "prompt is too long: 210000 tokens > 200000 maximum", F::ContextFull),
        (Some(400), "Your credit balance is too low to access the API", F::Quota),
        (Some(400), "API key not valid. Please pass a valid API key.", F::NotLoggedIn),
        (Some(404), "no such model", F::UnknownModel),
        (None, "Prompt is too long", F::ContextFull),
        (Some(429), "Request rejected (429)", F::RateLimit),
        (Some(429), "You have hit your usage limit", F::Quota),
        (Some(529), "Repeated 529 Overloaded errors", F::Overloaded),
        (None, "We're currently experiencing high demand", F::Overloaded),
        (Some(500), "API Error: 500", F::Model),
        (None, "API Error: Connection refused (ECONNREFUSED)", F::Unreachable),
        (None, "something odd", F::Other),
        // Numbers inside of others say nothing.
        (None, "could not read 14290 lines of x401y", F::Other),
    ];
    for (status, words, expected) in cases {
        assert_eq!(F::of(status, words), expected, "{status:?} {words}");
    }
}

#[test]
fn names_of_providers_and_agents_are_known_however_they_are_written() {
    for (name, expected) in [
        ("authentication_error", Some(FailureKind::NotLoggedIn)),
        ("ProviderAuthError", Some(FailureKind::NotLoggedIn)),
        ("usageLimitExceeded", Some(FailureKind::Quota)),
        ("usage_limit_exceeded", Some(FailureKind::Quota)),
        ("rate_limit_error", Some(FailureKind::RateLimit)),
        ("server_error", Some(FailureKind::Model)),
        ("internal_server_error", Some(FailureKind::Model)),
        ("ContextOverflowError", Some(FailureKind::ContextFull)),
        ("APIError", None),
        ("", None),
    ] {
        assert_eq!(FailureKind::named(name), expected, "{name}");
    }
}

#[test]
fn a_reason_is_one_line_with_a_next_step() {
    let told = FailureKind::NotLoggedIn.told("Not logged in\n\u{1b}[31m", "run `x` once", None);
    assert_eq!(told.reason, "not logged in: Not logged in ␛[31m; run `x` once");
    assert_eq!((told.failure.kind, told.failure.next.as_str()), (FailureKind::NotLoggedIn, "run `x` once"));
    let told = FailureKind::RateLimit.told("429", "", Some(1_795_219_200_000));
    assert_eq!(told.reason, "rate limit: 429; it can be tried again at 2026-11-21 00:00 UTC");
    assert_eq!(told.failure.retry_at, Some(1_795_219_200_000));
    assert_eq!(FailureKind::Model.told("", "", None).reason, "the model failed; send the prompt again");
    // A moment is only told of what goes away with time.
    let told = FailureKind::ContextFull.told("x", "", Some(5));
    assert_eq!((told.failure.retry_at, told.retry_after_ms), (None, None));
}

#[test]
fn when_it_may_be_tried_again_is_read_from_the_words() {
    let told = FailureKind::RateLimit.told("Rate limit reached. Please try again in 20s.", "", None);
    assert_eq!((told.retry_after_ms, told.failure.retry_at), (Some(20_000), None));
    assert_eq!(told.reason, "rate limit: Rate limit reached. Please try again in 20s");
    let told = FailureKind::Quota.told("usage limit reached|1795219200", "", None);
    assert_eq!((told.retry_after_ms, told.failure.retry_at), (None, Some(1_795_219_200_000)));
    let told = FailureKind::Quota.told("insufficient_quota", "", None);
    assert!(told.reason.contains("check the plan"), "{}", told.reason);
}
