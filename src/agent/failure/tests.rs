use super::*;

#[test]
fn kinds_are_told_apart() {
    let cases = [
        (None, "Not logged in · Please run /login", Failure::NotLoggedIn),
        (Some(401), "fake model says 401", Failure::NotLoggedIn),
        (Some(400), "API Error: 400 fake model says 400", Failure::BadRequest),
        (Some(400), "prompt is too long: 210000 tokens > 200000 maximum", Failure::ContextFull),
        (None, "Prompt is too long", Failure::ContextFull),
        (Some(429), "Request rejected (429)", Failure::RateLimit),
        (Some(429), "You have hit your usage limit", Failure::Quota),
        (Some(529), "Repeated 529 Overloaded errors", Failure::Overloaded),
        (None, "We're currently experiencing high demand", Failure::Overloaded),
        (Some(500), "API Error: 500", Failure::Model),
        (None, "API Error: Connection refused (ECONNREFUSED)", Failure::Unreachable),
        (None, "something odd", Failure::Other),
    ];
    for (status, words, expected) in cases {
        assert_eq!(Failure::of(status, words), expected, "{status:?} {words}");
    }
}

#[test]
fn a_reason_is_one_line_with_a_next_step() {
    let reason = Failure::NotLoggedIn.reason("Not logged in\n\u{1b}[31m", "run `x` once", None);
    assert_eq!(reason, "not logged in: Not logged in ␛[31m; run `x` once");
    let reason = Failure::RateLimit.reason("429", "", Some(&at(1_795_219_200)));
    assert_eq!(reason, "rate limit: 429; it can be tried again at 2026-11-21 00:00 UTC");
    assert_eq!(Failure::Model.reason("", "", None), "the model failed; send the prompt again");
}

#[test]
fn dates_are_right() {
    assert_eq!(at(0), "at 1970-01-01 00:00 UTC");
    assert_eq!(at(951_782_399), "at 2000-02-28 23:59 UTC");
    assert_eq!(at(951_782_400), "at 2000-02-29 00:00 UTC");
    assert_eq!(at(1_735_689_599), "at 2024-12-31 23:59 UTC");
}
