use super::*;

#[test]
fn cases_can_be_run_again_for_a_month() {
    let now = 10_000_000_000_000;
    let ended = |at: i64| needed(&format!("{{\"ended_at\": {at}}}"), now);
    assert_eq!(ended(now - CASES_STAY - 1), Needed::Report);
    assert_eq!(ended(now - CASES_STAY), Needed::Everything);
    // One that goes on again, and one that nobody can read.
    assert_eq!((needed("{}", now), needed("damaged", now)), (Needed::Everything, Needed::Everything));
}
