use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

use super::{Editor, Editors};
use crate::host::port::EditorDoor;
use crate::model::Refusal;
use crate::model::editor::{
    Asked, EditorAnswer, EditorMention, EditorPlaces, EditorQuestion, EditorSelection, Mention, Selection, ToEditor,
};
use crate::model::id::SessionId;

fn session(name: &str) -> SessionId {
    SessionId::from(name)
}

fn shows(editor: &Editor, sessions: &[&str], current: Option<&str>) {
    let sessions = sessions.iter().map(|name| session(name)).collect();
    editor.places(EditorPlaces { sessions, current: current.map(session) });
}

fn ask(door: &Arc<dyn EditorDoor>) -> JoinHandle<Result<Value, Refusal>> {
    let door = Arc::clone(door);
    tokio::spawn(async move { door.ask(EditorQuestion::OpenEditors {}).await })
}

async fn asked(heard: &mut UnboundedReceiver<ToEditor>) -> Asked {
    loop {
        if let ToEditor::Asked(asked) = heard.recv().await.expect("attached") {
            return asked;
        }
    }
}

fn answer(editor: &Editor, question: u64, value: &str) {
    editor.answer(EditorAnswer { question, value: json!(value), problem: None }).unwrap();
}

#[tokio::test]
async fn each_session_asks_the_editor_that_shows_it_and_the_one_looked_at_last_before_others() {
    let all = Arc::new(Editors::default());
    let ((left, mut left_hears), (right, mut right_hears)) = (all.attach(), all.attach());
    shows(&left, &["a", "b"], Some("a"));
    shows(&right, &["b"], Some("b"));
    let (a, b) = (all.door(&session("a")), all.door(&session("b")));
    let (of_a, of_b) = (ask(&a), ask(&b));
    let (at_left, at_right) = (asked(&mut left_hears).await, asked(&mut right_hears).await);
    assert_eq!((at_left.session, at_right.session), (session("a"), session("b")));
    assert!(left.answer(EditorAnswer { question: at_right.question, value: json!(1), problem: None }).is_err());
    answer(&right, at_right.question, "right");
    answer(&left, at_left.question, "left");
    assert_eq!((of_a.await.unwrap().unwrap(), of_b.await.unwrap().unwrap()), (json!("left"), json!("right")));
    // The person goes to the other editor's tab of the same worktree.
    shows(&left, &["a", "b"], Some("b"));
    let again = ask(&b);
    let question = asked(&mut left_hears).await.question;
    answer(&left, question, "left now");
    assert_eq!(again.await.unwrap().unwrap(), json!("left now"));
}

#[tokio::test]
async fn without_an_editor_that_shows_it_or_when_that_one_goes_nobody_waits() {
    let all = Arc::new(Editors::default());
    let door = all.door(&session("a"));
    assert!(door.ask(EditorQuestion::Selection {}).await.unwrap_err().message.contains("no editor shows"));
    let (elsewhere, _hears) = all.attach();
    shows(&elsewhere, &["b"], Some("b"));
    assert!(door.ask(EditorQuestion::Selection {}).await.is_err(), "an editor on another worktree is not asked");
    let (editor, mut hears) = all.attach();
    shows(&editor, &["a"], None);
    let asking = ask(&door);
    asked(&mut hears).await;
    drop(editor);
    assert!(asking.await.unwrap().unwrap_err().message.contains("is gone"));
}

#[tokio::test]
async fn a_question_that_nobody_waits_for_any_more_is_withdrawn() {
    let all = Arc::new(Editors::default());
    let (editor, mut hears) = all.attach();
    shows(&editor, &["a"], Some("a"));
    let asking = ask(&all.door(&session("a")));
    let question = asked(&mut hears).await.question;
    asking.abort();
    assert_eq!(hears.recv().await, Some(ToEditor::Withdrawn { question }));
    assert!(editor.answer(EditorAnswer { question, value: json!(1), problem: None }).is_err());
}

#[tokio::test]
async fn an_agent_cannot_ask_without_bound() {
    let all = Arc::new(Editors::default());
    let (editor, mut hears) = all.attach();
    shows(&editor, &["a"], None);
    let door = all.door(&session("a"));
    let asking: Vec<_> = (0..super::MOST_QUESTIONS).map(|_| ask(&door)).collect();
    for _ in &asking {
        asked(&mut hears).await;
    }
    assert!(door.ask(EditorQuestion::Selection {}).await.unwrap_err().message.contains("too many"));
    asking.iter().for_each(JoinHandle::abort);
}

#[tokio::test]
async fn selections_are_kept_until_their_editor_goes_and_mentions_need_a_listener() {
    let all = Arc::new(Editors::default());
    let (editor, mut hears) = all.attach();
    let (other, _other_hears) = all.attach();
    let door = all.door(&session("a"));
    let mention = EditorMention { session: session("a"), mention: Mention { path: "/w/x".to_owned(), lines: None } };
    assert!(editor.mention(mention.clone()).is_err(), "nobody listens");
    let (mut selection, mut mentions) = (door.selection(), door.mentions());
    let listening = door.listens();
    assert_eq!(hears.recv().await, Some(ToEditor::Agents { sessions: Vec::new() }));
    assert_eq!(hears.recv().await, Some(ToEditor::Agents { sessions: vec![session("a")] }));
    editor.mention(mention.clone()).unwrap();
    assert_eq!(mentions.recv().await.unwrap(), mention.mention);
    let selected = Selection { path: "/w/x".to_owned(), text: "word".to_owned(), ..Selection::default() };
    editor.select(EditorSelection { session: session("a"), selection: Some(selected.clone()) });
    assert_eq!(*selection.borrow_and_update(), Some(selected.clone()));
    other.select(EditorSelection { session: session("a"), selection: None });
    assert_eq!(*selection.borrow(), Some(selected), "one editor does not take away what another has selected");
    drop(editor);
    assert_eq!(*selection.borrow_and_update(), None);
    drop((selection, mentions, listening));
    assert!(all.state().sessions.is_empty(), "nothing is kept of a session that nobody speaks of");
}
