use super::*;

#[test]
fn moments_and_lengths_are_read_from_words() {
    let minutes = |minutes: u64| Some(Again::After(minutes * 60_000));
    for (words, expected) in [
        ("Claude AI usage limit reached|1795219200", Some(Again::At(1_795_219_200_000))),
        ("Rate limit reached for gpt-5.5. Please try again in 20s.", Some(Again::After(20_000))),
        ("Please try again in 1.398s. Visit", Some(Again::After(1_398))),
        ("Please try again in 6m0s", minutes(6)),
        ("You've hit your usage limit. Try again in 3 days 4 hours 9 minutes.", minutes((3 * 24 + 4) * 60 + 9)),
        ("Try again in 1 hour and 5 minutes", minutes(65)),
        ("too many requests, retry after 30", Some(Again::After(30_000))),
        ("{\"retryDelay\":\"34.07s\"}", Some(Again::After(34_070))),
        ("Your quota will reset after 18h31m10s.", Some(Again::After(66_670_000))),
        ("try again in 250ms", Some(Again::After(250))),
        ("limit reached, resets 3pm (Europe/Berlin)", None),
        ("try again in a moment", None),
        ("try again in 0s", None),
        ("try again in 99999999 days", None),
        ("a|b|17", None),
        ("429", None),
        ("", None),
    ] {
        assert_eq!(Again::in_words(words), expected, "{words}");
    }
}
