use super::{Answer, Ask, Contest, ContestState, Decided};
use crate::model::batch::samples::BATCH;
use crate::model::batch::{BatchChange, BatchChanged, Spend};
use crate::model::id::RunId;
use crate::model::judge::{JudgedFor, Judging};
use crate::model::samples::SESSION;

fn contest() -> Contest {
    let run = |number: u32| RunId(format!("{BATCH}.r{number}"));
    let ask = |answer| Ask { session: Some(SESSION.into()), answer, ..Ask::of(vec![run(1), run(2)]) };
    Contest {
        number: 1,
        task: "fix".to_owned(),
        prompt: "p1".to_owned(),
        repository: ".".to_owned(),
        candidates: vec![run(2), run(1)],
        seed: 7,
        asks: vec![ask(Some(Answer::Ranked { order: vec![run(1), run(2)], reason: "simple".to_owned() })), ask(None)],
        ranking: Vec::new(),
        decided: None,
        note: None,
        state: ContestState::Judging,
        landed: false,
        unlanded: None,
        spend: Spend::default(),
    }
}

#[test]
fn a_contest_says_how_it_stands() {
    assert_eq!(contest().sentence(), "a judge compares the candidates: 1 of 2 answers");
    let mut won = Contest { ranking: contest().candidates, decided: Some(Decided::Judge), ..contest() };
    won.state = ContestState::Landing;
    assert_eq!(won.sentence(), "run 2 won by the judge, the same in both orders, being landed");
    let landed = Contest { state: ContestState::Closed, landed: true, note: Some("simple".to_owned()), ..won.clone() };
    assert_eq!(landed.sentence(), "run 2 won by the judge, the same in both orders, landed; simple");
    let left = Contest { state: ContestState::Closed, unlanded: Some("conflicts in a".to_owned()), ..won };
    assert_eq!(left.sentence(), "run 2 won by the judge, the same in both orders, not landed: conflicts in a");
}

#[test]
fn what_is_stored_of_judges_and_contests_is_read_again() {
    let change = BatchChange::Contest { contest: Box::new(contest()) };
    let changed = BatchChanged { batch: BATCH.into(), change };
    let text = serde_json::to_string(&changed).unwrap();
    assert_eq!(serde_json::from_str::<BatchChanged>(&text).unwrap(), changed, "{text}");
    for of in [
        JudgedFor::Evaluation {
            session: SESSION.into(),
            evaluation: format!("{SESSION}.e1").as_str().into(),
            evaluator: "quality".to_owned(),
        },
        JudgedFor::Contest { batch: BATCH.into(), contest: 1, ask: 1 },
    ] {
        let judging = Judging { of, mark: "k3q9".to_owned(), until: 9, lost: 0 };
        let text = serde_json::to_string(&judging).unwrap();
        assert_eq!(serde_json::from_str::<Judging>(&text).unwrap(), judging, "{text}");
    }
}
