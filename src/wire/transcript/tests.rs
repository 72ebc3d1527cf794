use super::{Edit, Transcript};
use crate::model::agent::{PlanEntry, ToolCall, ToolStatus};
use crate::model::approval::{Answer, Approval, ApprovalKind, ApprovalState};
use crate::model::id::{ApprovalId, JobId, Oid, PromptId, Seq, SessionId, TurnId};
use crate::model::turn::TurnOutcome;
use crate::model::{Cause, Envelope, Event};

fn turn() -> TurnId {
    TurnId::from("s.t1")
}

fn message(text: &str) -> Event {
    Event::AgentMessage { turn: turn(), text: text.to_owned() }
}

fn output(text: &str) -> Event {
    Event::AgentOutput { turn: Some(turn()), stderr: false, text: text.to_owned() }
}

fn tool(id: &str, status: ToolStatus, title: &str) -> Event {
    let call =
        ToolCall { id: id.to_owned(), title: title.to_owned(), kind: "edit".to_owned(), status, ..ToolCall::default() };
    Event::AgentTool { turn: turn(), call }
}

fn edits(transcript: &mut Transcript, event: Event) -> Vec<Edit> {
    transcript.push(&Envelope { seq: Seq(1), time: 0, session: Some(SessionId::from("s")), cause: Cause::Host, event })
}

/// The text after all events, with the edits applied as a face applies them.
fn text(events: impl IntoIterator<Item = Event>) -> String {
    let (mut transcript, mut lines) = (Transcript::new(), Vec::new());
    for event in events {
        for edit in edits(&mut transcript, event) {
            edit.apply(&mut lines);
        }
    }
    assert_eq!(lines.len(), transcript.len());
    assert!(lines.iter().all(|line| !line.contains('\n')));
    lines.join("\n")
}

#[test]
fn a_turn_reads_like_a_document() {
    let started = Event::TurnStarted {
        turn: turn(),
        number: 1,
        prompt: PromptId::from("s.p1"),
        text: "write\nhello\n".to_owned(),
        attachments: vec![crate::model::samples::attachment()],
        from: Oid::from("a"),
    };
    let stopped =
        Event::TurnStopped { turn: turn(), outcome: TurnOutcome::Done { stop_reason: "end_turn".to_owned() } };
    let shown = text([
        started,
        Event::AgentThought { turn: turn(), text: "let me\nsee".to_owned() },
        message("Hel"),
        message("lo\nwor"),
        message("ld"),
        tool("1", ToolStatus::Pending, "Write hello.txt"),
        tool("2", ToolStatus::InProgress, "Write b"),
        tool("1", ToolStatus::Completed, "Write hello.txt"),
        output("out\n"),
        stopped,
    ]);
    assert_eq!(
        shown,
        "## Turn 1\n\nwrite\nhello\n\n- attached: screen.png (image/png, 1234 bytes)\n\n---\n\n> let me\n> see\n\nHello\nworld\n\n- ✓ **edit** Write hello.txt\n- … **edit** Write b\n\n\
         ```\nout\n```\n\n*turn 1 done (end_turn)*"
    );
}

#[test]
fn pieces_extend_the_last_line() {
    let mut transcript = Transcript::new();
    assert_eq!(edits(&mut transcript, message("a")), [Edit::Append { lines: vec!["a".to_owned()] }]);
    assert_eq!(
        edits(&mut transcript, message("b\nc")),
        [Edit::ExtendLast { text: "b".to_owned() }, Edit::Append { lines: vec!["c".to_owned()] }]
    );
    edits(&mut transcript, tool("1", ToolStatus::Pending, "x"));
    assert_eq!(
        edits(&mut transcript, tool("1", ToolStatus::Failed, "x")),
        [Edit::Replace { line: 3, text: "- ✗ **edit** x".to_owned() }]
    );
}

#[test]
fn however_text_is_cut_it_reads_the_same() {
    let whole = "one\r\ntwo\n```rust\nfn main() {}\n```\n~~~\nöpen\r\n";
    let expected = text([message(whole), tool("1", ToolStatus::Pending, "x")]);
    for size in 1..6 {
        let chars: Vec<char> = whole.chars().collect();
        let pieces = chars.chunks(size).map(|piece| message(&piece.iter().collect::<String>()));
        assert_eq!(text(pieces.chain([tool("1", ToolStatus::Pending, "x")])), expected, "pieces of {size}");
    }
    assert!(expected.contains("öpen\n\n~~~\n\n- ○"), "the open fence is closed: {expected}");
}

#[test]
fn output_cannot_leave_its_fence() {
    let evil = "text\n```\n# heading\n`````\nmore";
    for size in [1, 3, 100] {
        let chars: Vec<char> = evil.chars().collect();
        let pieces: Vec<_> = chars.chunks(size).map(|piece| output(&piece.iter().collect::<String>())).collect();
        let shown = text(pieces.into_iter().chain([message("after")]));
        assert_eq!(shown, format!("``````\n{evil}\n``````\n\nafter"));
    }
}

#[test]
fn nothing_reaches_a_screen_raw() {
    let evil = "\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m\u{202e}\u{0}";
    let approval = Approval {
        id: ApprovalId::from("abcdefghij"),
        session: SessionId::from("s"),
        turn: turn(),
        job: JobId::from("s.j1"),
        key: "1".to_owned(),
        kind: ApprovalKind::Permission,
        tool: ToolCall { title: evil.to_owned(), ..ToolCall::default() },
        command_line: Some(format!("rm\n{evil}")),
        options: Vec::new(),
        state: ApprovalState::Open,
        asked_at: 0,
    };
    let shown = text([
        message(evil),
        output(evil),
        Event::AgentThought { turn: turn(), text: evil.to_owned() },
        tool("1", ToolStatus::Pending, evil),
        Event::AgentNotice { turn: None, text: format!("{evil}\n# no heading") },
        Event::AgentPlan {
            entries: vec![PlanEntry { content: evil.to_owned(), status: String::new(), priority: String::new() }],
        },
        Event::ApprovalRequested(Box::new(approval)),
        Event::ApprovalAnswered {
            id: ApprovalId::from("abcdefghij"),
            answer: Answer::Reject { message: Some(evil.to_owned()) },
            option: None,
            by: evil.to_owned(),
        },
        Event::SessionFaulted { message: evil.to_owned() },
    ]);
    assert!(!shown.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{shown:?}");
    assert!(shown.contains("- ✗ **approval** `abcdefghij` rm ␛[2J"));
    assert!(!shown.contains("\n# no heading"));
}

#[test]
fn endless_lines_are_cut() {
    let mut transcript = Transcript::new();
    let mut lines = Vec::new();
    for _ in 0..100 {
        for edit in edits(&mut transcript, output(&"ü".repeat(1000))) {
            edit.apply(&mut lines);
        }
    }
    assert!(lines.iter().all(|line| line.len() <= 16 * 1024 + 4));
    assert_eq!(lines.concat().matches('ü').count(), 100_000);
}
