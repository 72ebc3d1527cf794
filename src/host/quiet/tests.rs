use super::*;

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_silence_is_told_once_and_its_end_once() {
    let mut quiet = Quiet::new(LIMIT, None);
    let now = clock::now();
    quiet.heard(now - 120_000);
    assert!(quiet.is_watched() && quiet.deadline() <= soon() + SETTLE, "it is due as soon as the journal has settled");
    assert_eq!(quiet.tell(), now - 120_000);
    assert!(!quiet.is_watched(), "nothing more is told of the same silence");
    assert!(!quiet.is_broken());
    quiet.heard(now);
    assert!(quiet.is_broken() && !quiet.is_broken());
    assert!(quiet.is_watched() && quiet.deadline() > soon() + LIMIT - Duration::from_secs(5));
}

#[test]
fn patience_puts_the_next_question_off() {
    let mut quiet = Quiet::new(LIMIT, None);
    let now = clock::now();
    quiet.wait_until(now + 600_000);
    assert!(quiet.deadline() < soon() + Duration::from_secs(120), "patience is with a silence, not before one");
    quiet.heard(now - 120_000);
    quiet.tell();
    quiet.wait_until(now + 600_000);
    assert!(quiet.is_watched() && quiet.deadline() > soon() + Duration::from_secs(500));
}

#[test]
fn a_new_daemon_goes_on_with_the_silence_it_finds() {
    let since = clock::now() - 120_000;
    let mut asked = Quiet::new(LIMIT, Some(&Silence { since, until: None }));
    // Its journal is read again from the beginning.
    asked.heard(since - 5_000);
    asked.heard(since);
    assert!(!asked.is_watched() && !asked.is_broken(), "the question is open already");
    asked.heard(since + 1);
    assert!(asked.is_broken() && asked.is_watched(), "it spoke while no daemon ran");
    let waited = Quiet::new(LIMIT, Some(&Silence { since, until: Some(clock::now() + 600_000) }));
    assert!(waited.is_watched() && waited.deadline() > soon() + Duration::from_secs(500));
}

#[test]
fn without_a_limit_nobody_watches() {
    assert!(!Quiet::new(Duration::ZERO, None).is_watched());
    assert!(Quiet::new(Duration::MAX, None).deadline() > soon() + Duration::from_secs(1000));
}
