use super::*;

fn dataset() -> Dataset {
    let instance = |(id, repo): (usize, &str)| Instance {
        instance_id: format!("i-{id}"),
        repo: repo.to_owned(),
        ..Instance::default()
    };
    let repos = ["django/django", "tokio-rs/tokio", "django/django", "a/b"];
    Dataset { instances: (0..40).map(|id| instance((id, repos[id % 4]))).collect() }
}

fn ids(selection: &Selection) -> Vec<String> {
    selection.of(&dataset()).unwrap().into_iter().map(|instance| instance.instance_id.clone()).collect()
}

#[test]
fn everything_that_is_asked_for_holds() {
    assert_eq!(ids(&Selection::default()).len(), 40);
    assert_eq!(ids(&Selection { ids: vec!["i-3".into(), "i-1".into()], ..Selection::default() }), ["i-1", "i-3"]);
    assert_eq!(ids(&Selection { repos: vec!["Django".into()], size: Some(2), ..Selection::default() }), ["i-0", "i-2"]);
    assert_eq!(ids(&Selection { languages: vec!["RUST".into()], ..Selection::default() }).len(), 10);
    let both =
        Selection { repos: vec!["tokio-rs/tokio".into()], languages: vec!["python".into()], ..Selection::default() };
    assert!(ids(&both).is_empty());
    let unknown = Selection { ids: vec!["i-1".into(), "i-99".into()], ..Selection::default() };
    assert_eq!(unknown.of(&dataset()), Err(vec!["i-99".to_owned()]));
}

#[test]
fn a_draw_is_the_same_every_time_and_another_with_another_seed() {
    let draw = |seed, size| ids(&Selection { seed: Some(seed), size: Some(size), ..Selection::default() });
    assert_eq!(draw(1, 10), draw(1, 10));
    assert_eq!((draw(1, 10).len(), draw(1, 0).len(), draw(1, 99).len()), (10, 0, 40));
    assert_ne!(draw(1, 10), draw(2, 10));
    let larger = draw(1, 20);
    assert!(draw(1, 10).iter().all(|id| larger.contains(id)), "a larger draw has the smaller one in it");
}
